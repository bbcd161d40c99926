"""Judge every claim of a paper: bindings give the cells, cells give the figures, rules give the verdict."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hilum.core.binding import Arithmetic, Binding, Bound, Unbound
from hilum.core.claim import Claim
from hilum.core.component import describe
from hilum.core.margins import margin_for
from hilum.core.metric import Metric
from hilum.core.row import CheckRow, Estimate, Row
from hilum.core.verdict import (
    Contrast,
    Verdict,
    judge_arithmetic,
    judge_bound,
    judge_count,
    judge_value,
)
from hilum.engine.figures import ArmScores, estimate, metrics_of
from hilum.metrics.stats import benjamini_yekutieli, seed_interval


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


def _row(claim: Claim, bound: Bound, claims: Mapping[str, Claim], bench: Bench) -> Row:
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
        return replace(base, verdict="not judged", reason="a statement: shown, not judged")
    if isinstance(bound, Unbound):
        return replace(base, verdict="not judged" if claim.kind == "cost" else "not run", reason=bound.reason)
    if isinstance(bound, Arithmetic):
        return _arithmetic(base, claim, bound, claims)
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


def _measured(base: Row, claim: Claim, bound: Binding, bench: Bench) -> Row:
    metric = metrics_of(bound.arm.task.kind).get(claim.metric)
    arm = bench.scores.get(bound.arm.id)
    described = replace(base, **_description(bound, metric))
    if bench.synthetic:
        return replace(described, verdict="not comparable", reason="synthetic data: no claim is judged on them")
    if metric is None:
        return replace(described, reason=f"the metric '{claim.metric}' is not built yet")
    if arm is None or not arm.frame.height:
        return replace(described, reason=_why_absent(arm))
    ours = estimate(arm, metric, bound.estimand)
    trivial = bench.scores.get(bound.trivial.id)
    least = None if trivial is None else estimate(trivial, metric, bound.estimand).value
    honest = bench.scores.get(bound.honest.id) if bound.honest else None
    failed = [c for c in bench.checks if c.arm_id in {bound.arm.id, ""} and c.status == "fail"]
    measured = replace(
        described,
        settings=(*described.settings, *_chosen(arm)),
        ours=ours,
        trivial=least,
        honest=estimate(honest, metric, bound.estimand) if honest and honest.frame.height else None,
        codes=tuple(sorted({c.code for c in failed})),
    )
    obstacle = _obstacle(claim, bound, arm)
    if obstacle:
        return replace(measured, verdict="not comparable", reason=obstacle)
    judged = _apply_rule(measured, claim, bound, metric, least)
    critical = any(c.severity == "critical" for c in failed)
    held = judged.verdict in {"reproduced", "reproduced, exact", "replicated", "better", "supported"}
    return replace(judged, supported=not (critical and held))


def _apply_rule(row: Row, claim: Claim, bound: Binding, metric: Metric, trivial: float | None) -> Row:
    assert row.ours is not None
    if row.ours.value is None:
        return replace(row, verdict="not comparable", reason=f"our figure is undefined: {row.ours.reason}")
    low, high, noise = _noise(row.ours, bound)
    if low is None or high is None:
        return replace(row, verdict="not comparable", reason=noise)
    if claim.kind == "count":
        verdict = judge_count(claimed=claim.value, ours=row.ours.value)
    elif claim.kind == "bound":
        verdict = judge_bound(
            low=row.ours.value + low, high=row.ours.value + high, claimed=claim.value, relation=claim.relation
        )
    else:
        return _judge_value(row, claim, bound, metric, trivial, (low, high))
    return _with(row, verdict)


def _judge_value(
    row: Row, claim: Claim, bound: Binding, metric: Metric, trivial: float | None, noise: tuple[float, float]
) -> Row:
    assert row.ours is not None
    assert row.ours.value is not None
    margin = margin_for(metric.name, trivial=trivial)
    if margin is None:
        return replace(row, verdict="not comparable", reason="no margin: the trivial predictor's figure is missing")
    difference = row.ours.value - claim.value
    contrast = Contrast(
        claimed=claim.value,
        half_digit=claim.half_digit,
        ours=row.ours.value,
        low=difference + noise[0],
        high=difference + noise[1],
        margin=margin,
    )
    verdict = judge_value(contrast, basis=bound.basis, direction=metric.direction)
    judged = replace(
        _with(row, verdict),
        difference_low=contrast.low,
        difference_high=contrast.high,
        margin=margin + claim.half_digit,
    )
    return judged


def _noise(ours: Estimate, bound: Binding) -> tuple[float | None, float | None, str]:
    """The half-widths of the 95 % interval of ours - claimed around its point, by the basis."""
    if bound.basis == "new-data":
        return None, None, "no standard error of the claimed figure can be had"
    if not getattr(bound.arm.model, "stochastic", False):
        return 0.0, 0.0, "deterministic"
    found = seed_interval(np.asarray(ours.per_seed), m=bound.estimand.runs)
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return None, None, found.note
    centre = float(np.mean(ours.per_seed))
    return found.low - centre, found.high - centre, ""


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
        "settings": tuple(settings),
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


def _control_errors(rows: list[Row]) -> list[Row]:
    """Among claims that are not primary, "better" and "worse" need Benjamini-Yekutieli within the paper.

    The p-value tests that ours differs by no more than the margin, from the interval's own width; without noise it is 0.
    """
    tested = [i for i, row in enumerate(rows) if not row.primary and row.difference_low is not None]
    if not tested:
        return rows
    adjusted = benjamini_yekutieli(np.array([_p_value(rows[i]) for i in tested]))
    for i, p in zip(tested, adjusted, strict=True):
        if rows[i].verdict in {"better", "worse"} and p > 0.05:
            reason = f"{rows[i].reason}; not after Benjamini-Yekutieli within the paper (p = {p:.3f})"
            rows[i] = replace(rows[i], verdict="inconclusive", reason=reason)
    return rows


def _p_value(row: Row) -> float:
    from scipy.stats import norm

    assert row.difference_low is not None
    assert row.difference_high is not None
    assert row.margin is not None
    centre = (row.difference_low + row.difference_high) / 2
    beyond = abs(centre) - row.margin
    spread = (row.difference_high - row.difference_low) / (2 * norm.ppf(0.975))
    if spread == 0:
        return 0.0 if beyond > 0 else 1.0
    return float(norm.sf(beyond / spread))
