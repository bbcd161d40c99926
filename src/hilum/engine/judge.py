"""Judge every claim of a paper: bindings give the cells, cells give the figures, rules give the verdict."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from hilum.core.binding import Arithmetic, Binding, Bound, Unbound
from hilum.core.claim import Claim
from hilum.core.component import describe
from hilum.core.margins import MARGINS, margin_for
from hilum.core.metric import Metric
from hilum.core.row import CheckRow, Estimate, Range, Row
from hilum.core.verdict import (
    Contrast,
    PairedContrast,
    RankContrast,
    Verdict,
    judge_arithmetic,
    judge_bound,
    judge_count,
    judge_difference,
    judge_rank,
    judge_value,
)
from hilum.engine.contrasts import paired, ranked
from hilum.engine.figures import ArmScores, estimate, metrics_of
from hilum.engine.noise import Noise, noise, of_direction
from hilum.metrics.stats import benjamini_yekutieli


@dataclass(frozen=True)
class Bench:
    """What the judge has before it.

    Attributes:
        bound: Claim id to what answers it.
        scores: Arm id to what is stored of it.
        checks: What the audit says.
        primary: The claims that make the headline.
        synthetic: Whether the run is on simulated data: then nothing is judged.
    """

    bound: Mapping[str, Bound]
    scores: Mapping[str, ArmScores]
    checks: tuple[CheckRow, ...]
    primary: tuple[str, ...]
    synthetic: bool


def judge(claims: tuple[Claim, ...], bench: Bench) -> list[Row]:
    """One row a claim, in the paper's order."""
    by_id = {claim.id: claim for claim in claims}
    return _control_errors([_row(claim, bench.bound[claim.id], by_id, bench) for claim in claims])


@dataclass(frozen=True)
class _Judged:
    """A row, and the p-value that "better" and "worse" rest on; None where they are not possible."""

    row: Row
    p: float | None = None


def _row(claim: Claim, bound: Bound, claims: Mapping[str, Claim], bench: Bench) -> _Judged:
    base = Row(
        id=claim.id,
        kind=claim.kind,
        statement=claim.statement,
        metric=claim.metric,
        metric_title=claim.metric,
        unit=claim.unit,
        direction="none",
        relation=claim.relation,
        printed=claim.printed,
        claimed=claim.value,
        evidence=claim.evidence,
        where=claim.where,
        primary=claim.id in bench.primary,
        verdict="not run",
        reason="",
    )
    if claim.kind == "statement":
        return _Judged(replace(base, verdict="not judged", reason="a statement: shown, not judged"))
    if isinstance(bound, Unbound):
        verdict = "not judged" if claim.kind == "cost" else "not run"
        return _Judged(replace(base, verdict=verdict, reason=bound.reason))
    if isinstance(bound, Arithmetic):
        return _Judged(_arithmetic(base, claim, bound, claims))
    return _measured(base, claim, bound, bench)


def _arithmetic(base: Row, claim: Claim, bound: Arithmetic, claims: Mapping[str, Claim]) -> Row:
    value = bound.compute(claim, claims)
    verdict = judge_arithmetic(
        claimed=claim.value, half_digit=claim.half_digit, recomputed=value, relation=claim.relation
    )
    return replace(
        base,
        verdict=verdict.name,
        reason=f"{verdict.reason} ({bound.rule})",
        basis="the paper's own figures",
        ours=Estimate(value, None, reason="recomputed from printed figures"),
    )


def _measured(base: Row, claim: Claim, binding: Binding, bench: Bench) -> _Judged:
    bound = binding.within(bench.scores)
    name = bound.metric or claim.metric.removeprefix("delta-")
    metric = metrics_of(bound.arm.task.kind).get(name)
    arm = bench.scores.get(bound.arm.id)
    described = replace(base, **_description(bound, metric))
    if bench.synthetic:
        return _Judged(
            replace(described, verdict="not comparable", reason="synthetic data: no claim is judged on them")
        )
    counter = counter_of(name) if metric is None else None
    if metric is None and counter is None:
        return _Judged(replace(described, reason=f"the metric '{name}' is not built yet"))
    # What cannot be judged is counted all the same: such a cell is finished, and has no scores.
    if arm is None or not (arm.frame.height or (counter and any(folder.done for _, folder in arm.cells))):
        return _Judged(replace(described, reason=bound.absent or _why_absent(arm)))
    if counter is not None:
        return _Judged(_counted(described, claim, bound, arm, (name, counter)))
    assert metric is not None
    others = _others(claim, bound, bench)
    if isinstance(others, str):
        return _Judged(replace(described, reason=others))
    trivial = bench.scores.get(bound.trivial.id)
    least = None if trivial is None else estimate(trivial, metric, bound.estimand, interval=False).value
    honest = bench.scores.get(bound.honest.id) if bound.honest else None
    failed = [c for c in bench.checks if c.arm_id in {bound.arm.id, ""} and c.status == "fail"]
    measured = replace(
        described,
        settings=(*described.settings, *_chosen(arm)),
        ours=_ours(claim, arm, others, metric, bound),
        trivial=None if claim.kind == "derived" else least,
        # A difference or a rank has no honest figure of its own: that would need the other arms' honest ones too.
        honest=estimate(honest, metric, bound.estimand) if honest and honest.frame.height and not others else None,
        codes=tuple(sorted({c.code for c in failed})),
    )
    obstacle = next(filter(None, (_obstacle(claim, bound, each) for each in (arm, *others))), "")
    if obstacle:
        return _Judged(replace(measured, verdict="not comparable", reason=obstacle))
    judged = _apply_rule(measured, claim, bound, metric, (arm, *others))
    critical = any(c.severity == "critical" for c in failed)
    held = judged.row.verdict in {"reproduced", "reproduced, exact", "replicated", "better", "supported"}
    return replace(judged, row=replace(judged.row, supported=not (critical and held)))


def _others(claim: Claim, bound: Binding, bench: Bench) -> tuple[ArmScores, ...] | str:
    """The other arms that a claim is about, or why they are missing."""
    wanted = bound.rivals if claim.kind == "derived" else ()
    if claim.kind == "difference":
        if bound.against is None:
            return "a difference: its binding names no other arm"
        wanted = (bound.against,)
    found = [bench.scores.get(arm.id) for arm in wanted]
    for arm, scores in zip(wanted, found, strict=True):
        if scores is None or not scores.frame.height:
            return f"{arm.name}: {_why_absent(scores)}"
    return tuple(scores for scores in found if scores is not None)


def _ours(claim: Claim, arm: ArmScores, others: tuple[ArmScores, ...], metric: Metric, bound: Binding) -> Estimate:
    if claim.kind == "difference":
        return paired(arm, others[0], metric, bound.estimand)
    if claim.metric == "rank" and others:
        return _rank(claim, metric, bound, (arm, *others))[1]
    return estimate(arm, metric, bound.estimand)


def _counted(row: Row, claim: Claim, bound: Binding, arm: ArmScores, by: tuple[str, Counting]) -> Row:
    """A claim about how many there are, by what cells stored; no model has a part in it."""
    what, count = by
    value = float(count(arm))
    row = replace(row, estimand="", metric_title=claim.metric)
    if not math.isfinite(value):
        return replace(row, verdict="not comparable", reason=f"partial data: {what} needs cells that were not run")
    row = replace(
        row,
        ours=Estimate(value, None, reason=f"{what} counted in what was run"),
    )
    obstacle = _obstacle(claim, bound, arm)
    if obstacle:
        return replace(row, verdict="not comparable", reason=obstacle)
    return _with(row, judge_count(claimed=claim.value, ours=value))


def _objects(arm: ArmScores) -> int:
    """The most objects (markers, points, channels that stand alone) that one item was scored at, at one time."""
    most = 0
    for _, folder in arm.cells:
        for item, evidence in folder.evidence().items() if folder.done else ():
            scored = evidence["scored"]
            pairs = arm.frame.filter(arm.frame["item"] == item)["n"].to_numpy()
            most = max(most, round(float(np.nanmax(pairs)) / (scored["end"] - scored["first"])))
    return most


def _of_cohort(arm: ArmScores, name: str) -> Any:
    """What a cell counted in its table."""
    stored = (each for _, folder in arm.cells if folder.done for each in folder.evidence().values())
    return next((found["cohort"][name] for found in stored if name in found.get("cohort", ())), math.nan)


def _excluded(arm: ArmScores, why: str) -> float:
    """How many a criterion left out; 0 where nobody fell to it."""
    attrition = _of_cohort(arm, "attrition")
    return sum(left_out for criterion, left_out in attrition if criterion == why) if attrition else math.nan


def _without_event(arm: ArmScores) -> float:
    """How many sequences (subjects, where each has one) have no positive record."""
    return float(_of_cohort(arm, "sequences") - _of_cohort(arm, "positive sequences"))


def _longest_course(arm: ArmScores) -> float:
    """The 95th percentile over subjects of the longest time left of each; `nan` where not all of them were tested."""
    import polars as pl

    longest = arm.frame.group_by("subject").agg(pl.col("beside").max())["beside"].to_numpy()
    return float(np.quantile(longest, 0.95)) if len(longest) == _of_cohort(arm, "subjects") else math.nan


Counting = Callable[[ArmScores], float]
EXCLUDED = "excluded: "
# What is counted and not measured, where a binding names one of these as the metric; or EXCLUDED and a criterion.
COUNTS: Mapping[str, Counting] = {
    "items": lambda arm: len(arm.items),
    "objects": _objects,
    **{name: partial(_of_cohort, name=name) for name in ("records", "subjects", "sequences", "positive sequences")},
    "negative sequences": _without_event,
    "course-p95": _longest_course,
}


def counter_of(name: str) -> Counting | None:
    """What counts that; None where nothing does."""
    if name.startswith(EXCLUDED):
        return partial(_excluded, why=name.removeprefix(EXCLUDED))
    return COUNTS.get(name)


def _apply_rule(row: Row, claim: Claim, bound: Binding, metric: Metric, arms: tuple[ArmScores, ...]) -> _Judged:
    assert row.ours is not None
    if claim.kind == "derived":
        return _Judged(_judge_derived(row, claim, bound, metric, arms))
    if claim.kind == "difference":
        direction, size = judge_pair(claim, row.ours, bound, metric, trivial=row.trivial)
        told = replace(
            _with(row, direction), reason=f"{direction.reason}; size: {size.verdict.name}, {size.verdict.reason}"
        )
        return _Judged(_with_contrast(told, size.contrast))
    judged = judge_figure(claim, row.ours, bound, metric, trivial=row.trivial)
    return _Judged(_with_contrast(_with(row, judged.verdict), judged.contrast), judged.p_beyond)


def _judge_derived(row: Row, claim: Claim, bound: Binding, metric: Metric, arms: tuple[ArmScores, ...]) -> Row:
    if claim.metric != "rank" or not bound.rivals:
        return replace(row, verdict="not comparable", reason=f"no rule for a derived '{claim.metric}' yet")
    contrast, ours = _rank(claim, metric, bound, arms)
    return replace(_with(row, judge_rank(contrast, relation=claim.relation)), ours=ours)


def _rank(claim: Claim, metric: Metric, bound: Binding, arms: tuple[ArmScores, ...]) -> tuple[RankContrast, Estimate]:
    """The rank of the first arm among all, over the horizons that every one of them has scored; units are folds where figures are."""
    shared = set.intersection(*(set(arm.horizons) for arm in arms))
    wanted = bound.estimand.horizons or tuple(sorted(shared))
    estimand = replace(bound.estimand, horizons=tuple(h for h in wanted if h in shared))
    if wanted and not estimand.horizons:
        none = RankContrast(claim.value, math.nan, math.nan, math.nan, clear=False)
        return none, Estimate(None, None, reason="the arms share none of these horizons")
    by_fold = bound.estimand.pool == "fold"
    made = [estimate(arm, metric, estimand, interval=False) for arm in arms]
    tables = [each.per_fold if by_fold else each.per_unit for each in made]
    units = [{each.unit: each.value for each in table if each.value is not None} for table in tables]
    contrast = ranked(claim.value, units[0], units[1:], metric)
    if math.isnan(contrast.ours):
        return contrast, Estimate(None, None, reason="a rank needs at least 6 units that every arm has scored")
    span = Range(contrast.low, contrast.high, "bootstrap of ranks", len(units[0]))
    return contrast, Estimate(contrast.ours, span)


def _with_contrast(row: Row, contrast: Contrast | None) -> Row:
    if contrast is None:
        return row
    return replace(
        row,
        difference_low=contrast.low,
        difference_high=contrast.high,
        margin=contrast.margin + contrast.half_digit,
        smallest_margin=contrast.smallest_margin,
    )


@dataclass(frozen=True)
class Judgement:
    """A claimed figure judged: the verdict, and what it rests on.

    Attributes:
        verdict: By rule.
        contrast: Ours against theirs; None where there is no interval or no margin.
        p_beyond: One-sided p-value that ours differs by no more than the margin; None where it is not tested.
    """

    verdict: Verdict
    contrast: Contrast | None = None
    p_beyond: float | None = None


def judge_figure(claim: Claim, ours: Estimate, binding: Binding, metric: Metric, *, trivial: float | None) -> Judgement:
    """A published figure against ours: the noise of the basis, the margin, the rule.

    Args:
        claim: A claim of kind value, derived, bound or count.
        ours: Our figure by the binding's estimand, with what the noise is made from (interval, seeds, folds).
        binding: Basis, estimand, printed folds.
        metric: The metric, which gives the margin and the direction.
        trivial: The trivial predictor's figure, where the margin is a share of it.
    """
    if ours.value is None:
        return Judgement(Verdict("not comparable", f"our figure is undefined: {ours.reason}"))
    if claim.kind == "count":
        return Judgement(judge_count(claimed=claim.value, ours=ours.value))
    around = noise(claim, ours, binding, metric)
    if not around.defined:
        return Judgement(Verdict("not comparable", around.reason))
    if claim.kind == "bound":
        low, high = ours.value - around.below, ours.value + around.above
        return Judgement(judge_bound(low=low, high=high, claimed=claim.value, relation=claim.relation))
    margin = margin_for(metric.name, trivial=trivial)
    if margin is None:
        return Judgement(_no_margin(metric))
    contrast = _contrast(claim, ours.value, around, margin)
    limit = contrast.margin + contrast.half_digit
    verdict = judge_value(
        contrast,
        basis=binding.basis,
        direction=metric.direction,
        settled_by=around.settled_by(contrast.difference, limit),
    )
    return Judgement(verdict, contrast, around.p_beyond(contrast.difference, limit))


def judge_pair(
    claim: Claim, ours: Estimate, binding: Binding, metric: Metric, *, trivial: float | None
) -> tuple[Verdict, Judgement]:
    """A claimed difference of two arms: its direction by our paired interval over subjects and seeds, and its size, apart.

    Arguments as in `judge_figure`; `ours` is the paired difference.
    """
    if ours.value is None:
        undefined = Verdict("not comparable", f"our difference is undefined: {ours.reason}")
        return undefined, Judgement(undefined)
    low, high, missing = of_direction(ours, binding)
    around = noise(claim, ours, binding, metric)
    margin = margin_for(metric.name, trivial=trivial)
    # A bound on the size needs no margin, so an unknown one is carried as undefined.
    contrast = _contrast(claim, ours.value, around, math.nan if margin is None else margin)
    direction, size = judge_difference(
        PairedContrast(contrast, low, high), basis=binding.basis, relation=claim.relation
    )
    if missing:
        direction = replace(direction, reason=f"{direction.reason}: {missing}")
    if not around.defined:
        size = Verdict("not comparable", around.reason)
    elif margin is None and claim.relation in {"eq", "approx"}:
        size = _no_margin(metric)
    return direction, Judgement(size, contrast if around.defined and margin is not None else None)


def _contrast(claim: Claim, ours: float, around: Noise, margin: float) -> Contrast:
    difference = ours - claim.value
    return Contrast(
        claimed=claim.value,
        half_digit=claim.half_digit,
        ours=ours,
        low=difference - around.below,
        high=difference + around.above,
        margin=margin,
    )


def _no_margin(metric: Metric) -> Verdict:
    if metric.name in MARGINS:
        return Verdict("not comparable", "no margin: the trivial predictor's figure is missing")
    return Verdict("not comparable", f"no margin is set for {metric.name}")


def _obstacle(claim: Claim, bound: Binding, arm: ArmScores) -> str:
    if claim.evidence == "memory":
        return "the figure is known from memory only"
    if bound.differs:
        return "; ".join(bound.differs)
    if arm.missing:
        return f"partial data: {len(arm.missing)} of {len(arm.cells)} cells are missing"
    absent = set(bound.estimand.items) - set(arm.items)
    if absent:
        return f"partial data: {', '.join(sorted(absent))} missing"
    horizons = set(bound.estimand.horizons) - set(arm.horizons)
    if horizons:
        return f"another estimand: {len(horizons)} of {len(bound.estimand.horizons)} horizons were not run"
    return ""


def _why_absent(arm: ArmScores | None) -> str:
    if arm is None:
        return "not part of this preset: run a larger one"
    refused = next((why for _, folder in arm.cells if folder.done and (why := folder.refused)), "")
    if refused:
        return refused
    return "no cell of this arm is finished: see the plan for the reason"


def _description(bound: Binding, metric: Metric | None) -> dict[str, Any]:
    searched = {name for name, _ in bound.arm.search.over} if bound.arm.search else set()
    fixed = describe(bound.arm.model).settings
    settings = [f"{name} = {value}" for name, value in fixed.items() if name not in searched]
    if bound.arm.search is not None:
        over = "; ".join(f"{name} in {', '.join(map(str, values))}" for name, values in bound.arm.search.over)
        settings.append(f"chosen per item and horizon by {bound.arm.search.metric} before scoring: {over}")
    return {
        "metric_title": metric.title if metric else bound.arm.name,
        "direction": metric.direction if metric else "none",
        "basis": bound.basis,
        "estimand": str(bound.estimand),
        "arm": bound.arm.name,
        "arm_id": bound.arm.id,
        "honest_arm_id": bound.honest.id if bound.honest else "",
        "differs": bound.differs,
        "settings": (*settings, *bound.notes),
    }


def _chosen(arm: ArmScores) -> tuple[str, ...]:
    """How often each candidate of a search was chosen, over items and horizons."""
    if arm.arm.search is None:
        return ()
    picked = [
        settings
        for _, folder in arm.cells
        if folder.done
        for evidence in folder.evidence().values()
        for settings in evidence.get("chosen", {}).values()
    ]
    told = []
    for name, candidates in arm.arm.search.over:
        tally = Counter(settings[name] for settings in picked)
        told.append(f"{name} chosen: " + ", ".join(f"{value} {tally[value]} times" for value in candidates))
    return tuple(told)


def _with(row: Row, verdict: Verdict) -> Row:
    return replace(row, verdict=verdict.name, reason=verdict.reason, smallest_margin=verdict.smallest_margin)


def _control_errors(judged: list[_Judged]) -> list[Row]:
    """Among claims that are not primary, "better" and "worse" need Benjamini-Yekutieli within the paper."""
    rows = [each.row for each in judged]
    tested = {i: each.p for i, each in enumerate(judged) if not each.row.primary and each.p is not None}
    if not tested:
        return rows
    adjusted = benjamini_yekutieli(np.array(list(tested.values())))
    for i, p in zip(tested, adjusted, strict=True):
        if rows[i].verdict in {"better", "worse"} and p > 0.05:
            reason = f"{rows[i].reason}; not after Benjamini-Yekutieli within the paper (p = {p:.3f})"
            rows[i] = replace(rows[i], verdict="inconclusive", reason=reason)
    return rows
