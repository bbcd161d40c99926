"""The audit: every check over every arm, from stored evidence alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hilum.core.check import ArmStudy, Finding, Study
from hilum.core.component import describe
from hilum.core.finder import Found, find, get
from hilum.core.margins import margin_for
from hilum.core.row import CheckRow, Estimate
from hilum.engine.figures import ArmScores, estimate, metrics_of, row_values, usual_estimand
from hilum.engine.progress import Reporter, Silent

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Use:
    """What a study says of its intended use.

    Attributes:
        future: Whether it claims use on later patients; None where it does not say.
        prevalence: The share of positives where it is meant to be used; None where that is not said.
        interval_limit: The widest interval over subjects that it accepts, as a share of the estimate.
    """

    future: bool | None = None
    prevalence: float | None = None
    interval_limit: float = 1.0


def audit(
    scores: Sequence[ArmScores],
    *,
    synthetic: bool,
    use: Use | None = None,
    checks: Sequence[Found] | None = None,
    reporter: Reporter | None = None,
) -> list[CheckRow]:
    """Run checks, every one that the finder finds where none are named; critical ones first."""
    reporter = reporter or Silent()
    asked = [arm for arm in scores if arm.frame.height]
    studies = tuple(_study(arm) for arm in reporter.track(asked, len(asked), "evidence"))
    if not studies:
        return []
    use = use or Use()
    known = _subjects_known(scores, studies)
    rows: list[CheckRow] = []
    chosen = list(find("checks").values() if checks is None else checks)
    for found in reporter.track(chosen, len(chosen), "checks"):
        for arm in _asked(found.facts["SCOPE"], studies):
            study = Study(
                arm=arm,
                arms=studies,
                subjects_known=known,
                synthetic=synthetic,
                interval_limit=use.interval_limit,
                margin=margin_for(arm.leading[0], trivial=_of_trivial(arm, studies)),
                future_use=use.future,
                prevalence=use.prevalence,
            )
            rows.append(ask(found, study))
    order = {"critical": 0, "major": 1, "note": 2}
    return sorted(rows, key=lambda row: (order.get(row.severity, 3), row.code, row.arm))


def _of_trivial(arm: ArmStudy, studies: Sequence[ArmStudy]) -> float | None:
    """The trivial predictor's figure on the same records: errors have a margin that is a share of it."""
    return next((one.figure for one in studies if one.trivial and not one.control and one.data == arm.data), None)


def _asked(scope: str, studies: tuple[ArmStudy, ...]) -> tuple[ArmStudy, ...]:
    """The arms that a check is asked of; a control is evidence for another arm, and is not asked itself."""
    arms = tuple(arm for arm in studies if not arm.control)
    if scope == "experiment":
        return arms[:1]
    if scope == "data":
        # Once of each set of records; the trivial arm's cells hold what is known of the features.
        by_data: dict[str, ArmStudy] = {}
        for arm in sorted(arms, key=lambda arm: not arm.trivial):
            by_data.setdefault(arm.data, arm)
        return tuple(by_data.values())
    return arms


def _subjects_known(scores: Sequence[ArmScores], studies: Sequence[ArmStudy]) -> bool:
    """Whether the data say who is who, so that an interval is over people.

    Of tables their records say it; of recordings of one's own their files do, and an interval over recordings is one over people where
    each is of another person; of other datasets the card says it.
    """
    records = [study.records for study in studies if study.records is not None]
    if records:
        return all("subject" in frame.columns and frame["subject"].null_count() == 0 for frame in records)
    return all(
        _one_each(each.frame)
        if hasattr(each.arm.dataset, "names_subjects")
        else get("datasets", each.arm.dataset.name).facts.get("subjects") == "known"
        for each in scores
    )


def _one_each(frame: pl.DataFrame) -> bool:
    """Whether every scored recording is of another person, who is named."""
    if not frame.height:
        return False
    pairs = frame.select("item", "subject").unique()
    return pairs["subject"].null_count() == 0 and pairs["subject"].n_unique() == pairs.height


def ask(found: Found, study: Study) -> CheckRow:
    """One check's answer about one study, as a row of checks.json; not applicable where it is not asked of such tasks."""
    facts = found.facts
    scope = facts["SCOPE"]
    kinds = facts.get("KINDS", ())
    if kinds and study.arm.kind not in kinds:
        finding = Finding.not_applicable(
            f"asked of tasks that {' or '.join(kinds)}, and this one is to {study.arm.kind}"
        )
    else:
        finding = found.load().check(study)
    return CheckRow(
        code=facts["CODE"],
        title=facts["TITLE"],
        severity=facts["SEVERITY"],
        kind=facts["KIND"],
        scope=facts["SCOPE"],
        arm={"experiment": "all arms", "data": "the data"}.get(scope, study.arm.name),
        arm_id=study.arm.id if scope == "arm" else "",
        status=finding.status,
        message=finding.message,
        proof=dict(finding.proof),
    )


def _study(scores: ArmScores) -> ArmStudy:
    arm = scores.arm
    metric = metrics_of(arm.task.kind)[arm.task.leading_metric]
    evidence = _evidence(scores)
    tabular = not scores.horizons
    figure = estimate(scores, metric, usual_estimand(scores, metric), interval=not arm.control)
    if tabular:
        values = _by_seed(figure) if arm.control else _by_fold(figure)
        exploded = _not_finite(scores)
    else:
        rows = row_values(scores, metric)
        values, exploded = _by_horizon(rows), _exploded(scores, rows)
    return ArmStudy(
        id=arm.id,
        name=arm.name,
        protocol=arm.protocol,
        stochastic=bool(getattr(arm.model, "stochastic", False)),
        trivial=describe(arm.model).name == arm.task.trivial,
        seeds=scores.seeds,
        split=_split(scores),
        personal=bool(evidence) and all(bool(item.get("personal")) for item in evidence.values()),
        leading=(metric.name, metric.direction),
        values=values,
        scored={item: _scored(found) for item, found in evidence.items() if "scored" in found},
        exploded=exploded,
        evidence=evidence,
        interval=None if figure.interval is None else (figure.interval.low, figure.interval.high),
        kind=arm.task.kind,
        control=arm.control,
        of=arm.controlled.id if arm.control else "",
        figure=figure.value,
        records=_stored(scores, "split") if tabular and not arm.control else None,
        predictions=_stored(scores, "predictions") if tabular else None,
        classes=next((tuple(found["classes"]) for found in evidence.values() if "classes" in found), ()),
        data=arm.data,
    )


def _stored(scores: ArmScores, name: str) -> pl.DataFrame | None:
    """What the arm's finished cells stored under a name; the cell fitted on every record tests nothing, and is left out."""
    import polars as pl

    frames = [folder.table(name) for cell, folder in scores.cells if folder.done and cell.fold is not None]
    return pl.concat(frames, how="diagonal_relaxed") if frames else None


def _by_fold(figure: Estimate) -> dict[int | None, dict[str, float]]:
    return {None: {fold.unit: fold.value for fold in figure.per_fold if fold.value is not None}}


def _by_seed(figure: Estimate) -> dict[int | None, dict[str, float]]:
    return {None: {f"seed {seed}": value for seed, value in enumerate(figure.per_seed)}}


def _not_finite(scores: ArmScores) -> dict[str, int]:
    """Fold to how many seeds gave a prediction that is not finite."""
    import polars as pl

    columns = [name for name, kind in scores.frame.schema.items() if kind == pl.Float64 and name != "target"]
    bad = scores.frame.filter(~pl.all_horizontal(pl.col(columns).is_finite()))
    return {
        f"fold {fold}": bad.filter(pl.col("fold") == fold)["seed"].n_unique() for fold in scores.frame["fold"].unique()
    }


def _exploded(scores: ArmScores, values: pl.DataFrame) -> dict[str, int]:
    exploded = values.filter(~values["value"].is_finite())
    return {item: exploded.filter(exploded["item"] == item)["seed"].n_unique() for item in scores.items}


def _evidence(scores: ArmScores) -> Mapping[str, Mapping[str, Any]]:
    merged: dict[str, dict[str, Any]] = {}
    for cell, folder in scores.cells:
        if folder.done and not (cell.fold is None and not scores.horizons):
            for item, found in folder.evidence().items():
                merged.setdefault(item, found)  # cells of further seeds repeat the first one's evidence
    return merged


def _scored(found: Mapping[str, Any]) -> str:
    scored = found["scored"]
    return str(scored["units"]) if "units" in scored else f"samples {scored.get('first')} to {scored.get('end')}"


def _split(scores: ArmScores) -> dict[str, list[str]]:
    parts: dict[str, set[str]] = {}
    for cell, folder in scores.cells:
        # A fold's split stands in `records`: parts of different folds share subjects, and must not be thrown together.
        if folder.done and cell.fold is None and scores.horizons:
            for row in folder.table("split").iter_rows(named=True):
                if row["subject"] is not None:
                    parts.setdefault(row["part"], set()).add(row["subject"])
    return {part: sorted(subjects) for part, subjects in parts.items()}


def _by_horizon(values: Any) -> dict[int | None, dict[str, float]]:
    found: dict[int | None, dict[str, list[float]]] = {}
    for item, horizon, value in values.select("item", "horizon", "value").iter_rows():
        if np.isfinite(value):
            found.setdefault(horizon, {}).setdefault(item, []).append(value)
    return {h: {item: float(np.mean(v)) for item, v in items.items()} for h, items in found.items()}
