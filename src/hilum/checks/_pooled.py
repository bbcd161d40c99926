"""What checks of predictions share: the leading metric of chosen rows, and the difference of two sets of rows over the same subjects.

A set of rows gives one figure a seed, all its rows pooled, and then the mean over seeds. The interval of a difference draws subjects
again, the same for both sets, each with all its rows: BCa from 30 subjects on, the jackknife's t below, none below 6
(hilum.metrics.stats.bootstrap).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.checks._records import subject_of
from hilum.core.check import ArmStudy
from hilum.core.finder import find
from hilum.core.metric import Metric, Score
from hilum.metrics.stats import FEWEST_FOR_BOOTSTRAP, Interval
from hilum.metrics.stats.bootstrap import Clustered, bca_bootstrap, jackknife_t
from hilum.metrics.stats.intervals import too_few

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
_SIDE = 1_000_000  # the second set's groups are numbered from here


@dataclass(frozen=True)
class Rows:
    """What a metric reads, whose each row is, and of which seed (or other group that is scored alone); all of one length."""

    columns: dict[str, Array]
    subject: NDArray[np.str_]
    seed: NDArray[np.int64]


@dataclass(frozen=True)
class Contrast:
    """The figures of two sets of rows and the interval of first - second over subjects."""

    first: float
    second: float
    interval: Interval
    reason: str = ""

    @property
    def difference(self) -> float:
        """First - second."""
        return self.first - self.second


@lru_cache(maxsize=64)
def metric_of(kind: str, name: str) -> Metric | None:
    """A metric of a task kind by its name; None where there is none."""
    for family in find("metrics").values():
        if family.facts.get("KIND") == kind:
            metrics: tuple[Metric, ...] = family.load().METRICS
            for metric in metrics:
                if metric.name == name:
                    return metric
    return None


def leading_metric(arm: ArmStudy) -> Metric | None:
    """The arm's leading metric, where its predictions are stored and it is one of its kind."""
    if arm.predictions is None or not arm.predictions.height:
        return None
    return metric_of(arm.kind, arm.leading[0])


def sign_of(arm: ArmStudy) -> float:
    """1 where a higher figure is better, -1 where a lower one is."""
    return 1.0 if arm.leading[1] == "higher" else -1.0


def rows_of(kind: str, frame: pl.DataFrame) -> Rows:
    """The columns that metrics of the kind read: of classes the predictions themselves, of numbers each subject's statistics."""
    subject = subject_of(frame)
    seed = frame["seed"].to_numpy().astype(np.int64)
    target = frame["target"].to_numpy().astype(np.float64)
    if kind == "classify":
        names = [name for name in frame.columns if name.startswith("p:")]
        return Rows(
            {"target": target, **{name: frame[name].to_numpy().astype(np.float64) for name in names}}, subject, seed
        )
    from hilum.metrics.regress import statistics_by

    keys, member = np.unique(np.stack([np.unique(subject, return_inverse=True)[1], seed]), axis=1, return_inverse=True)
    people = np.unique(subject)
    columns = statistics_by(member.reshape(-1), target, frame["prediction"].to_numpy().astype(np.float64))
    return Rows({name: np.asarray(column) for name, column in columns.items()}, people[keys[0]], keys[1])


def figure(metric: Metric, rows: Rows) -> Score:
    """The mean over seeds of the metric of a seed's rows."""
    scores = figures_by_seed(metric, rows)
    undefined = [score for score in scores if not score.defined]
    if undefined or not scores:
        return undefined[0] if undefined else Score.undefined("no rows")
    return Score(float(np.mean([score.value for score in scores])))


def figures_by_seed(metric: Metric, rows: Rows) -> list[Score]:
    """The metric of each seed's rows, in the order of the seeds."""
    return [
        metric({name: column[rows.seed == seed] for name, column in rows.columns.items()})
        for seed in np.unique(rows.seed)
    ]


def contrast(metric: Metric, first: Rows, second: Rows, level: float = 0.95) -> Contrast:
    """Figures of two sets of rows, and the interval of their difference over subjects."""
    a, b = figure(metric, first), figure(metric, second)
    n = len(np.unique(np.concatenate([first.subject, second.subject])))
    reason = a.reason or b.reason or too_few(n)
    if not (a.defined and b.defined) or too_few(n):
        return Contrast(a.value, b.value, Interval.undefined(reason, n, level), reason)
    columns = {name: np.concatenate([first.columns[name], second.columns[name]]) for name in first.columns}
    clusters = np.concatenate([first.subject, second.subject])
    groups = np.concatenate([_numbered(first.seed), _SIDE + _numbered(second.seed)])
    sample = _Difference(Clustered.of(columns, clusters, metric, groups), len(np.unique(first.seed)))
    made = jackknife_t(sample, "linear", level) if n < FEWEST_FOR_BOOTSTRAP else bca_bootstrap(sample, 2000, 0, level)
    return Contrast(a.value, b.value, made, made.note)


def joined(
    kind: str, arm: pl.DataFrame, other: pl.DataFrame, pool: Literal["seed", "fold"] = "seed"
) -> tuple[Rows, Rows]:
    """Rows of both arms on the records that both have, row by row, with one label of their group for both.

    Seeds that both have are paired; where one arm has a single seed, it stands against each of the other's. A group is a seed, or
    a seed's fold.
    """
    import polars as pl

    keys = ["item", "fold"]
    if min(arm["seed"].n_unique(), other["seed"].n_unique()) > 1:
        keys.append("seed")
    told = [name for name in other.columns if name.startswith("p:") or name == "prediction"]
    theirs = other.select(*keys, *([] if "seed" in keys else [pl.col("seed").alias("seed_other")]), *told)
    both = arm.join(theirs, on=keys, how="inner", suffix="_other").sort("item", "fold", "seed")
    if "seed_other" in both.columns and both["seed"].n_unique() == 1:
        both = both.with_columns(pl.col("seed_other").alias("seed"))
    if pool == "fold":
        both = both.with_columns((pl.col("seed").cast(pl.Int64) * _SIDE + pl.col("fold")).alias("seed"))
    mine = rows_of(kind, both.drop([f"{name}_other" for name in told]))
    yours = rows_of(kind, both.with_columns(pl.col(f"{name}_other").alias(name) for name in told))
    return mine, Rows(
        {name: column for name, column in yours.columns.items() if name in mine.columns}, yours.subject, yours.seed
    )


def _numbered(seed: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(seed, return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True)
class _Difference:
    """Mean of the first groups' figures less the mean of the others', of clusters drawn again."""

    sample: Clustered
    first: int

    @property
    def n(self) -> int:
        return self.sample.n

    def whole(self) -> Score:
        return Score(self._less([np.array([part.metric(part.columns).value]) for part in self.sample.groups])[0])

    def figures(self, counts: NDArray[np.int64]) -> Array:
        return self._less([part.figures(np.ascontiguousarray(counts[:, part.clusters])) for part in self.sample.groups])

    def leave_one_out(self, chosen: NDArray[np.intp]) -> Array:
        return self._less([part.leave_one_out(chosen) for part in self.sample.groups])

    def _less(self, parts: list[Array]) -> Array:
        return np.asarray(np.mean(parts[: self.first], axis=0) - np.mean(parts[self.first :], axis=0))


def p_of(made: Interval, difference: float) -> float:
    """Two-sided p-value of a difference from the width of its 95 % interval, as if normal; nan where there is no interval."""
    from scipy.stats import norm

    if not made.defined or math.isnan(difference):
        return math.nan
    if made.width == 0:
        return 1.0 if difference == 0 else math.nan
    return float(2 * norm.sf(abs(difference) / (made.width / (2 * norm.isf((1 - made.level) / 2)))))
