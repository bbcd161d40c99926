"""Whether the records of a run can rank its models, and the sentence that says so.

too few     fewer than FEWEST_SUBJECTS subjects, or, of classes, fewer than FEWEST_EVENTS subjects with the rarest: nothing is ranked
not apart   the interval of best - second, or of best - trivial, holds 0: same subjects drawn for both, 95 %, as `hilum compare` does
ranked      neither: the best is called so, and that it was chosen by the same figure is said

One of two arms that has a single seed stands beside every seed of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hilum.report.numbers import signed
from hilum.report.tables import Predicted, TableArm, Tables, columns_for, predicted_of

if TYPE_CHECKING:
    import polars as pl

FEWEST_SUBJECTS, FEWEST_EVENTS = 100, 30
QUICK = 200  # resamples: an interval that is near 0 is not decided by a report
KEYS = ("item", "fold", "seed")


@dataclass(frozen=True)
class Ranking:
    """Which arm has the best figure.

    Attributes:
        name: Its title.
        models: Of how many.
        why_not: Why the records cannot rank them; empty where they can.
        extreme: Whether the best figure is the highest or the lowest.
    """

    name: str
    models: int
    why_not: str
    extreme: str = "highest"

    @property
    def sentence(self) -> str:
        """What a report says of it."""
        if self.why_not:
            return f"{self.why_not}; the {self.extreme} figure is {self.name}'s."
        return (
            f"{self.name} is called the best of {self.models} models by these same figures. That flatters it: its interval does not "
            "allow for the choice."
        )


def ranking(tables: Tables) -> Ranking | None:
    """Whether the best arm may be called so; None where there are not two models with a figure."""
    best = tables.best
    rivals = _ranked(tables)
    if best is None or len(rivals) < 2:
        return None
    why = _too_few(tables, best) or _not_apart(tables, best, rivals)
    return Ranking(best.name, len(rivals), why, "lowest" if tables.leading.direction == "lower" else "highest")


def _ranked(tables: Tables) -> list[TableArm]:
    """Models with a figure on the records of the first arm, best first; the trivial predictor does not count."""
    sign = -1.0 if tables.leading.direction == "lower" else 1.0
    scored = [
        (sign * line.estimate.value, arm)
        for arm in tables.arms
        if not arm.trivial
        and arm.data == tables.arms[0].data
        and (line := arm.lines.get(tables.leading.name)) is not None
        and line.estimate.value is not None
    ]
    return [arm for _, arm in sorted(scored, key=lambda pair: -pair[0])]


def _too_few(tables: Tables, best: TableArm) -> str:
    rows = best.predicted
    if rows is None:
        return ""
    subjects, told = rows.subjects, f"{rows.subjects} subjects"
    few = subjects < FEWEST_SUBJECTS
    if tables.kind == "classify":
        each = [len(np.unique(rows.subject[rows.target == k])) for k in range(len(tables.classes))]
        rarest = 1 if tables.binary and each[1] <= each[0] else int(np.argmin(each))
        few = few or each[rarest] < FEWEST_EVENTS
        what = "the outcome" if tables.binary and rarest == 1 else f"class {tables.classes[rarest]}"
        told += f", {each[rarest]} with {what}"
    return f"{told}: too few to rank models" if few else ""


def _not_apart(tables: Tables, best: TableArm, rivals: Sequence[TableArm]) -> str:
    second = next(arm for arm in rivals if arm.id != best.id)
    for other in (tables.trivial, second):
        if other is None:
            continue
        found = difference(tables, best, other)
        if found is None:
            return (
                f"These records do not rank the models: no interval of the difference from {other.name} could be made"
            )
        apart, low, high = found
        if low <= 0 <= high:
            told = f"{signed(apart)} ({signed(low)} to {signed(high)}, 95 % over subjects)"
            return f"These records do not rank the models: {tables.leading.title} of {best.name} less that of {other.name} is {told}"
    return ""


def difference(tables: Tables, a: TableArm, b: TableArm) -> tuple[float, float, float] | None:
    """The leading metric of a less that of b on the rows that both predicted, and its 95 % interval over subjects; None without one."""
    from hilum.metrics.stats import pooled_difference_interval

    both = _shared(a, b)
    if both is None:
        return None
    metric = tables.leading
    mine, other = both
    group_by = mine.group if metric.pooling == "ranks" else mine.seed
    sides = [
        columns_for(tables.kind, Predicted(s.target, s.said, mine.subject, group_by, mine.seed, {}))
        for s in (mine, other)
    ]
    (columns, subject, group), (columns_b, _, _) = sides
    made = pooled_difference_interval(columns, columns_b, subject, metric, group, resamples=QUICK)
    if not made.defined:
        return None
    read = [name for name in columns if name in metric.needs or name.startswith("p:")]
    values = [
        np.mean([metric({name: side[name][group == one] for name in read}).value for one in np.unique(group)])
        for side in (columns, columns_b)
    ]
    return float(values[0] - values[1]), made.low, made.high


def _shared(a: TableArm, b: TableArm) -> tuple[Predicted, Predicted] | None:
    """Rows of both that are of the same record, fold and seed, in one order."""
    left, right = a.rows, b.rows
    if left is None or right is None:
        return None
    left, right = _same_seeds(left, right)
    left = left.sort(KEYS).join(right.select(KEYS), on=KEYS, how="semi", maintain_order="left")
    right = right.sort(KEYS).join(left.select(KEYS), on=KEYS, how="semi", maintain_order="left")
    if not left.height or left.height != right.height:
        return None
    return predicted_of(left), predicted_of(right)


def _same_seeds(left: pl.DataFrame, right: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A side with one seed is repeated for every seed of the other."""
    seeds = [frame.select("seed").unique() for frame in (left, right)]
    if seeds[1].height == 1:
        return left, right.drop("seed").join(seeds[0], how="cross")
    if seeds[0].height == 1:
        return left.drop("seed").join(seeds[1], how="cross"), right
    return left, right
