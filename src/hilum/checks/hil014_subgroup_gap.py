"""HIL014: a subgroup scores differently from the others.

Why it matters   A mean over everybody hides the group for whom a model fails.
Proof printed    For each subgroup and site: leading metric within and in all others, the difference with its 95 % interval over
                 subjects, and p after Holm over all differences; groups too small to say, apart.
Severity         note; scope: arm; kind: finding.
Rule             p after Holm at most 0.05 and a gap of at least the margin. Too small: fewer than 20 subjects inside or outside, or a
                 class with fewer than 5.
Cannot tell      no subgroup is stored, or all are too small.
Not applicable   the trivial predictor, which says the same of everybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hilum.checks._pooled import Contrast, contrast, leading_metric, p_of, rows_of
from hilum.checks._records import listed, many, subject_of
from hilum.core.check import ArmStudy, Finding, Study
from hilum.core.metric import Metric
from hilum.metrics.stats import holm

if TYPE_CHECKING:
    import polars as pl

CODE = "HIL014"
TITLE = "A subgroup scores differently"
SEVERITY = "note"
KIND = "finding"
SCOPE = "arm"
KINDS = ("classify", "regress")
FEWEST_SUBJECTS, FEWEST_OF_CLASS = 20, 5
MOST_LEVELS = 20


def check(study: Study) -> Finding:
    """Compare every subgroup with everybody else."""
    arm = study.arm
    if arm.trivial:
        return Finding.not_applicable("the trivial predictor says the same of everybody")
    metric = leading_metric(arm)
    columns = [] if arm.predictions is None else _columns(arm.predictions)
    if metric is None or not columns:
        return Finding.cannot_tell("no subgroup of the predictions is stored")
    found, small = _gaps(arm, metric, columns)
    proof: dict[str, object] = {"too small": small}
    if not found:
        return Finding.cannot_tell(f"{many(len(small), 'subgroup')}, all too small to say: {listed(small)}", **proof)
    adjusted = holm(np.array([p_of(gap.interval, gap.difference) for gap in found.values()]))
    least = study.margin or 0.0
    off = [
        name
        for (name, gap), p in zip(found.items(), adjusted, strict=True)
        if p <= 0.05 and abs(gap.difference) >= least  # nan is neither
    ]
    proof["gaps"] = {
        name: {
            "within": gap.first,
            "others": gap.second,
            "difference": gap.difference,
            "low": gap.interval.low,
            "high": gap.interval.high,
            "p, Holm": float(p),
        }
        for (name, gap), p in zip(found.items(), adjusted, strict=True)
    }
    apart = f"; {len(small)} too small to say" if small else ""
    if off:
        return Finding.failed(f"{metric.title}: {listed([_told(name, found[name]) for name in off])}{apart}", **proof)
    widest = max(found, key=lambda name: abs(found[name].difference))
    return Finding.passed(
        f"{many(len(found), 'subgroup')}, no gap is shown; widest: {_told(widest, found[widest])}{apart}", **proof
    )


def _columns(frame: pl.DataFrame) -> list[str]:
    return [name for name in frame.columns if name.startswith("group:") or name == "site"]


def _gaps(arm: ArmStudy, metric: Metric, columns: list[str]) -> tuple[dict[str, Contrast], list[str]]:
    """Subgroup to its gap, and the subgroups that are too small."""
    import polars as pl

    assert arm.predictions is not None
    found: dict[str, Contrast] = {}
    small = []
    for column in columns:
        known = arm.predictions.drop_nulls(column)
        counted = known[column].value_counts(sort=True)[column].to_list()
        levels = sorted(counted[:MOST_LEVELS])
        if len(counted) > MOST_LEVELS:
            small.append(
                f"{len(counted) - MOST_LEVELS} further values of {column.removeprefix('group:')}, not looked at"
            )
        for level in levels[:1] if len(levels) == 2 else levels:  # of two, the second is the first one's others
            name = f"{column.removeprefix('group:')} = {level}"
            inside, outside = known.filter(pl.col(column) == level), known.filter(pl.col(column) != level)
            if _too_small(arm.kind, inside) or _too_small(arm.kind, outside):
                small.append(name)
            else:
                found[name] = contrast(metric, rows_of(arm.kind, inside), rows_of(arm.kind, outside))
    return found, small


def _too_small(kind: str, frame: pl.DataFrame) -> bool:
    who = subject_of(frame)
    if len(np.unique(who)) < FEWEST_SUBJECTS:
        return True
    target = frame["target"].to_numpy()
    labels = np.unique(target)
    if kind != "classify":
        return False
    return len(labels) < 2 or any(len(np.unique(who[target == label])) < FEWEST_OF_CLASS for label in labels)


def _told(name: str, gap: Contrast) -> str:
    return f"{name}: {gap.first:.3f} against {gap.second:.3f} of the others (difference {gap.interval.low:.3f} to {gap.interval.high:.3f})"
