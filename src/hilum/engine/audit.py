"""The audit: every check over every arm, from stored evidence alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hilum.core.binding import Estimand
from hilum.core.check import ArmStudy, Study
from hilum.core.component import describe
from hilum.core.finder import Found, find
from hilum.core.row import CheckRow
from hilum.engine.figures import ArmScores, estimate, metrics_of, row_values


def audit(scores: Sequence[ArmScores], *, subjects_known: bool, synthetic: bool) -> list[CheckRow]:
    """Run every check that the finder finds; critical ones first."""
    studies = tuple(_study(arm) for arm in scores if arm.frame.height)
    if not studies:
        return []
    rows: list[CheckRow] = []
    for found in find("checks").values():
        for arm in studies if found.facts["SCOPE"] == "arm" else studies[:1]:
            study = Study(arm=arm, arms=studies, subjects_known=subjects_known, synthetic=synthetic)
            rows.append(_ask(found, study))
    order = {"critical": 0, "major": 1, "note": 2}
    return sorted(rows, key=lambda row: (order.get(row.severity, 3), row.code, row.arm))


def _ask(found: Found, study: Study) -> CheckRow:
    facts = found.facts
    whole = facts["SCOPE"] == "experiment"
    finding = found.load().check(study)
    return CheckRow(
        code=facts["CODE"],
        title=facts["TITLE"],
        severity=facts["SEVERITY"],
        kind=facts["KIND"],
        scope=facts["SCOPE"],
        arm="all arms" if whole else study.arm.name,
        arm_id="" if whole else study.arm.id,
        status=finding.status,
        message=finding.message,
        proof=dict(finding.proof),
    )


def _study(scores: ArmScores) -> ArmStudy:
    arm = scores.arm
    metric = metrics_of(arm.task.kind)[arm.task.leading_metric]
    evidence = _evidence(scores)
    values = row_values(scores, metric)
    exploded = values.filter(~values["value"].is_finite())
    figure = estimate(scores, metric, Estimand(arm.task.unit))
    interval = None if figure.interval is None else (figure.interval.low, figure.interval.high)
    return ArmStudy(
        id=arm.id,
        name=arm.name,
        protocol=arm.protocol,
        stochastic=bool(getattr(arm.model, "stochastic", False)),
        trivial=describe(arm.model).name == arm.task.trivial,
        seeds=scores.seeds,
        split=_split(scores),
        personal=all(bool(item.get("personal")) for item in evidence.values()),
        leading=(metric.name, metric.direction),
        values=_by_horizon(values),
        scored={item: _scored(found) for item, found in evidence.items()},
        exploded={item: exploded.filter(exploded["item"] == item)["seed"].n_unique() for item in scores.items},
        evidence=evidence,
        interval=interval,
    )


def _evidence(scores: ArmScores) -> Mapping[str, Mapping[str, Any]]:
    merged: dict[str, dict[str, Any]] = {}
    for _, folder in scores.cells:
        if folder.done:
            for item, found in folder.evidence().items():
                merged.setdefault(item, found)  # cells of further seeds repeat the first one's evidence
    return merged


def _scored(found: Mapping[str, Any]) -> str:
    scored = found.get("scored", {})
    return f"samples {scored.get('first')} to {scored.get('end')}"


def _split(scores: ArmScores) -> dict[str, list[str]]:
    import polars as pl

    parts: dict[str, set[str]] = {}
    for _, folder in scores.cells:
        if folder.done:
            for row in pl.read_parquet(folder.path / "split.parquet").iter_rows(named=True):
                if row["subject"] is not None:
                    parts.setdefault(row["part"], set()).add(row["subject"])
    return {part: sorted(subjects) for part, subjects in parts.items()}


def _by_horizon(values: Any) -> dict[int | None, dict[str, float]]:
    found: dict[int | None, dict[str, list[float]]] = {}
    for item, horizon, value in values.select("item", "horizon", "value").iter_rows():
        if np.isfinite(value):
            found.setdefault(horizon, {}).setdefault(item, []).append(value)
    return {h: {item: float(np.mean(v)) for item, v in items.items()} for h, items in found.items()}
