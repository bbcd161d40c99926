"""Contrasts: two or more arms on shared subjects, seeds and folds; what claims of a difference or of a rank are judged by.

    paired          figure(arm) - figure(other) by one estimand, over what both scored: its interval over subjects (each
                    resample draws the same subjects for both), and the difference of every seed and fold
    ranked          the rank of an arm among rivals, recomputed inside every resample of the shared units

Rows are joined on item, seed, fold and horizon, never on position.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.binding import Estimand
from hilum.core.metric import Columns, Metric
from hilum.core.row import Estimate, Range, UnitValue
from hilum.core.verdict import RankContrast
from hilum.engine.figures import ArmScores, columns_of, estimate
from hilum.metrics.stats import FEWEST_FOR_INTERVAL, holm, paired_difference, pooled_difference_interval

Array = NDArray[Any]
_KEYS = ("item", "subject", "fold", "seed", "horizon")
RESAMPLES = 2000


def paired(arm: ArmScores, other: ArmScores, metric: Metric, estimand: Estimand) -> Estimate:
    """The difference arm - other as an estimate of its own: value, paired interval over subjects, by seed, by fold."""
    ours = estimate(arm, metric, estimand, interval=False)
    theirs = estimate(other, metric, estimand, interval=False)
    if ours.value is None or theirs.value is None:
        return Estimate(None, None, reason=ours.reason or theirs.reason)
    found, reason = _paired_interval(arm, other, ours, theirs, metric, estimand)
    seeds = (
        tuple(a - b for a, b in zip(ours.per_seed, theirs.per_seed, strict=False)) if arm.seeds == other.seeds else ()
    )
    mine, yours = _by_name(ours.per_fold), _by_name(theirs.per_fold)
    folds = tuple(UnitValue(name, mine[name] - yours[name]) for name in sorted(mine.keys() & yours.keys()))
    return Estimate(ours.value - theirs.value, found, reason, per_seed=seeds, per_fold=folds)


def _by_name(values: Sequence[UnitValue]) -> dict[str, float]:
    return {each.unit: each.value for each in values if each.value is not None}


def _paired_interval(
    arm: ArmScores, other: ArmScores, ours: Estimate, theirs: Estimate, metric: Metric, estimand: Estimand
) -> tuple[Range | None, str]:
    if estimand.pool == "unit":
        difference = paired_difference(_by_name(ours.per_unit), _by_name(theirs.per_unit))
        made, note = difference.interval, "; ".join(filter(None, (difference.note, difference.interval.note)))
    else:
        joined, why = _joined(arm, other, metric, estimand)
        if why:
            return None, why
        columns, others, subjects, groups = joined
        made = pooled_difference_interval(columns, others, subjects, metric, groups)
        note = made.note
    if not made.defined:
        return None, note
    return Range(made.low, made.high, made.method, made.n, note), ""


def _joined(
    arm: ArmScores, other: ArmScores, metric: Metric, estimand: Estimand
) -> tuple[tuple[Columns, Columns, Array, Array], str]:
    """Both arms' columns of the rows that both have, in one order, the subject of each row, and its group."""
    nothing: tuple[Columns, Columns, Array, Array] = ({}, {}, np.empty(0), np.empty(0))
    keys = [key for key in _KEYS if key in arm.frame.columns and key in other.frame.columns]
    if arm.frame.select(keys).is_duplicated().any() or other.frame.select(keys).is_duplicated().any():
        return nothing, "the arms' rows cannot be paired: several have one item, fold and seed"
    names = list(columns_of(arm.frame, metric))
    both = arm.frame.select(*keys, *names).join(
        other.frame.select(*keys, *names), on=keys, how="inner", suffix=":other"
    )
    if both.height != arm.frame.height or both.height != other.frame.height:
        return (
            nothing,
            f"the arms score different rows: {arm.frame.height} and {other.frame.height}, {both.height} shared",
        )
    mine = {name: both[name].cast(float).to_numpy() for name in names}
    theirs = {name: both[f"{name}:other"].cast(float).to_numpy() for name in names}
    labels = ["seed", "fold"] if estimand.pool == "fold" else ["seed"]
    return (mine, theirs, both["subject"].to_numpy(), np.column_stack([both[name].to_numpy() for name in labels])), ""


def ranked(
    claimed: float, arm: Mapping[str, float], rivals: Sequence[Mapping[str, float]], metric: Metric, *, seed: int = 0
) -> RankContrast:
    """The rank of an arm among rivals by the mean over shared units, in ours and in 2,000 resamples of the units.

    Args:
        claimed: The published rank.
        arm: The arm's figure of each unit.
        rivals: The rivals' figures, by the same unit ids.
        metric: Says which way is better.
        seed: Seed of the resamples.

    Returns:
        Ranks (a tie shares the better place) with `nan` limits below 6 shared units or where the metric has no direction.
    """
    shared = sorted(set(arm).intersection(*(set(rival) for rival in rivals)))
    sign = {"higher": -1.0, "lower": 1.0, "none": math.nan}[metric.direction]
    table = sign * np.array([[each[unit] for unit in shared] for each in (arm, *rivals)], dtype=np.float64)
    if len(shared) < FEWEST_FOR_INTERVAL or not np.isfinite(table).all():
        return RankContrast(claimed, math.nan, math.nan, math.nan, clear=False)
    draws = np.random.default_rng(seed).integers(0, len(shared), size=(RESAMPLES, len(shared)))
    means = table[:, draws].mean(axis=2)
    ranks = 1 + (means[1:] < means[0]).sum(axis=0)
    low, high = np.quantile(ranks, [0.025, 0.975], method="inverted_cdf")
    pairs = [paired_difference(arm, rival) for rival in rivals]
    adjusted = holm(np.array([pair.p for pair in pairs]))
    ahead = all(sign * pair.mean < 0 for pair in pairs)
    whole = table.mean(axis=1)
    ours = float(1 + (whole[1:] < whole[0]).sum())
    return RankContrast(claimed, ours, float(low), float(high), clear=ahead and bool((adjusted < 0.05).all()))
