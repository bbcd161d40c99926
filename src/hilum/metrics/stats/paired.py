"""Two methods on the same subjects: the difference a - b, its interval and its p-value.

    over units      one figure a unit: interval as `subject_interval`, p by sign flips
    pooled          a metric of all rows: interval by the same draw of subjects for both methods, p by swapping the methods' rows
                    within whole subjects
    over folds      one difference a fold, whose training sets overlap: Nadeau and Bengio's corrected t

Swapping        If the methods were exchangeable, calling a's rows b's and the reverse within any subject would change nothing. The
                p-value is the share of swaps with a difference as far from 0 as ours. A metric of pooling "ranks" is given ranks
                within each method (and group) for this, because scores of two methods may live on different scales.
Corrected t     t = mean d / sqrt((1 / J + n_test / n_train) s^2), J - 1 degrees of freedom, J differences with variance s^2.
Source          Bandos, Rockette and Gur, Statist. Med. 24 (2005): permutation of ranks; Nadeau and Bengio, Machine Learning 52
                (2003), section 4.2, eq. 9; Phipson and Smyth, SAGMB 9 (2010).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import DataError
from hilum.core.metric import Columns, Metric, Score
from hilum.metrics.stats.bootstrap import (
    NOT_SMOOTH,
    Clustered,
    bca_bootstrap,
    columns_read,
    jackknife_t,
    number_labels,
)
from hilum.metrics.stats.draws import draws_of
from hilum.metrics.stats.hypothesis_tests import never_zero, sign_flip
from hilum.metrics.stats.intervals import (
    FEWEST_FOR_BOOTSTRAP,
    MEANING,
    Interval,
    subject_interval,
    t_quantile,
    too_few,
)

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class PairedDifference:
    """The difference a - b over shared units.

    Attributes:
        mean: Mean difference; of a pooled metric the difference of the figures.
        interval: Its interval over units.
        p: Two-sided p-value that there is none; `nan` below 6 units.
        method: How p was made.
        n: Shared units.
        note: Units that only one side has, or why something is undefined.
    """

    mean: float
    interval: Interval
    p: float
    method: str
    n: int
    note: str = ""


def paired_difference(
    a: Mapping[str, float], b: Mapping[str, float], *, level: float = 0.95, resamples: int = 20_000, seed: int = 0
) -> PairedDifference:
    """The difference a - b over the units that both have: mean, interval over units, sign-flip p-value.

    Args:
        a: Figure of each unit, by unit id.
        b: The other figures; joined on the id, never on position.
        level: Nominal coverage of the interval.
        resamples: Sign flips drawn above 16 units; up to 16 all are enumerated.
        seed: Seed of that draw.
    """
    shared = sorted(a.keys() & b.keys())
    alone = len(a.keys() ^ b.keys())
    note = f"{alone} units stand on one side only and are left out" if alone else ""
    differences = np.array([a[unit] - b[unit] for unit in shared], dtype=np.float64)
    n = len(shared)
    interval = subject_interval(differences, level=level)
    if not n or not np.isfinite(differences).all():
        why = "; ".join(filter(None, (note, interval.note)))
        return PairedDifference(math.nan, interval, math.nan, "none", n, why)
    mean = float(differences.mean())
    if too_few(n):
        return PairedDifference(mean, interval, math.nan, "none", n, "; ".join(filter(None, (note, too_few(n)))))
    test = sign_flip(differences, resamples=resamples, seed=seed)
    return PairedDifference(mean, interval, test.p, test.method, n, note)


def paired_pooled_difference(
    columns_a: Columns,
    columns_b: Columns,
    clusters: ArrayLike,
    metric: Metric,
    groups: ArrayLike | None = None,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> PairedDifference:
    """The difference of a metric of two methods' pooled rows: figure, interval over subjects, permutation p-value.

    Below 6 clusters there is neither interval nor p; below 30 the interval is the jackknife t, from 30 on BCa.

    Args:
        columns_a: The metric's columns of method a, one entry a row.
        columns_b: Those of method b: the same rows in the same order.
        clusters: The subject of each row, shape (rows,).
        metric: A smooth metric; a maximum has no interval of this kind, and no p here.
        groups: A label a row, as in `pooled_interval`: the figure is then the mean over groups.
        level: Nominal coverage.
        resamples: Draws of subjects for the interval, and swaps for p; where there are no more than that, all are made.
        seed: Seed of both.

    Raises:
        DataError: the two sides are not the same rows: another length, or another target.
    """
    both = _Difference.of(columns_a, columns_b, clusters, metric, groups)
    n = both.n
    whole = both.whole()
    interval = _interval(both, metric, level, resamples, seed)
    if not interval.defined and (metric.pooling in NOT_SMOOTH or too_few(n) or not whole.defined):
        return PairedDifference(whole.value, interval, math.nan, "none", n, interval.note)
    swapped = _swapped(columns_a, columns_b, clusters, metric, groups)
    p, method, lost = _permutation(swapped, whole.value, resamples, seed)
    return PairedDifference(whole.value, interval, p, method, n, lost)


def pooled_difference_interval(
    columns_a: Columns,
    columns_b: Columns,
    clusters: ArrayLike,
    metric: Metric,
    groups: ArrayLike | None = None,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """The interval of `paired_pooled_difference` alone, which costs no swaps; arguments and errors as there."""
    return _interval(_Difference.of(columns_a, columns_b, clusters, metric, groups), metric, level, resamples, seed)


def _interval(both: _Difference, metric: Metric, level: float, resamples: int, seed: int) -> Interval:
    n = both.n
    obstacle = NOT_SMOOTH.get(metric.pooling) or too_few(n)
    obstacle = both.whole().reason or obstacle
    if obstacle:
        return Interval.undefined(obstacle, n, level)
    few = n < FEWEST_FOR_BOOTSTRAP
    made = jackknife_t(both, "linear", level) if few else bca_bootstrap(both, resamples, seed, level)
    note = "; ".join(filter(None, (made.note, MEANING if made.defined else "")))
    return Interval(made.low, made.high, level, made.method, n, note)


@dataclass(frozen=True)
class _Difference:
    """a - b of the same clusters: one draw serves both."""

    a: Clustered
    b: Clustered

    @classmethod
    def of(
        cls, columns_a: Columns, columns_b: Columns, clusters: ArrayLike, metric: Metric, groups: ArrayLike | None
    ) -> _Difference:
        _same_rows(columns_a, columns_b)
        a, b = (Clustered.of(columns, clusters, metric, groups) for columns in (columns_a, columns_b))
        return cls(a, b)

    @property
    def n(self) -> int:
        return self.a.n

    def whole(self) -> Score:
        a, b = self.a.whole(), self.b.whole()
        if not (a.defined and b.defined):
            return Score.undefined("; ".join(dict.fromkeys(filter(None, (a.reason, b.reason)))))
        return Score(a.value - b.value)

    def figures(self, counts: NDArray[np.int64]) -> Array:
        return self.a.figures(counts) - self.b.figures(counts)

    def leave_one_out(self, chosen: Indices) -> Array:
        return self.a.leave_one_out(chosen) - self.b.leave_one_out(chosen)


def _same_rows(a: Columns, b: Columns) -> None:
    for name in a.keys() & b.keys():
        if len(a[name]) != len(b[name]):
            raise DataError(
                f"a has {len(a[name])} rows, b {len(b[name])}", where=f"column '{name}'", do="Join them first"
            )
    if "target" in a and "target" in b:
        apart = np.flatnonzero(~((a["target"] == b["target"]) | (np.isnan(a["target"]) & np.isnan(b["target"]))))
        if apart.size:
            raise DataError(
                f"a has {a['target'][apart[0]]:g}, b {b['target'][apart[0]]:g}",
                where=f"column 'target', row {apart[0]}",
                do="Put the rows of both into one order: they are joined by row",
            )


def _swapped(
    columns_a: Columns, columns_b: Columns, clusters: ArrayLike, metric: Metric, groups: ArrayLike | None
) -> Clustered:
    """Rows of a as clusters 0 ... n - 1, those of b as n ... 2 n - 1: a count of 0 or 1 says whose rows are taken."""
    _, member = number_labels(clusters)
    n = int(member.max()) + 1
    group = np.zeros(len(member), dtype=np.intp) if groups is None else number_labels(groups)[1]
    sides = []
    for columns in (columns_a, columns_b):
        read = {name: np.asarray(columns[name], dtype=np.float64) for name in columns_read(metric, columns)}
        if metric.pooling == "ranks":
            read = {k: _ranks_within(v, group) if k.startswith("p:") else v for k, v in read.items()}
        sides.append(read)
    stacked = {name: np.concatenate([sides[0][name], sides[1][name]]) for name in sides[0]}
    return Clustered.of(stacked, np.concatenate([member, member + n]), metric, np.concatenate([group, group]))


def _ranks_within(score: Array, group: Indices) -> Array:
    """Midranks within each group, as shares of its rows."""
    from scipy.stats import rankdata

    ranks = np.empty(len(score))
    for one in np.unique(group):
        here = group == one
        ranks[here] = rankdata(score[here]) / np.count_nonzero(here)
    return ranks


def _permutation(swapped: Clustered, observed: float, resamples: int, seed: int) -> tuple[float, str, str]:
    """The share of swaps with a difference as far from 0 as observed, how they were made, and how many are undefined."""
    n = swapped.n // 2
    every = n <= 30 and 2**n <= resamples
    all_swaps = ((np.arange(2**n if every else 0)[:, np.newaxis] >> np.arange(n)) & 1).astype(np.int64)
    blocks = iter([all_swaps]) if every else draws_of(n, resamples, seed, below=2)
    threshold = abs(observed) - 1e-12 * max(1.0, abs(observed))
    extreme, lost, made = 0, 0, 0
    for swaps in blocks:
        apart = swapped.figures(np.hstack([1 - swaps, swaps])) - swapped.figures(np.hstack([swaps, 1 - swaps]))
        undefined = np.isnan(apart)
        # A swap without a figure counts as extreme: it never makes p smaller.
        extreme += int((undefined | (np.abs(apart) >= threshold)).sum())
        lost += int(undefined.sum())
        made += len(apart)
    note = f"{lost} of {made} swaps are undefined and count as extreme" if lost else ""
    if every:
        return extreme / made, "swaps within subjects, all", note
    return (1 + extreme) / (1 + made), f"swaps within subjects, {made} drawn", note


def nadeau_bengio(differences: ArrayLike, test_rows: float, train_rows: float, level: float = 0.95) -> PairedDifference:
    """The mean difference over folds or repeated splits, with the corrected resampled t interval and p-value.

    Args:
        differences: a - b of each fold or repeat, shape (J,).
        test_rows: Rows tested in one of them.
        train_rows: Rows trained on in one of them.
        level: Nominal coverage.
    """
    from scipy.special import stdtr

    d = np.sort(np.asarray(differences, dtype=np.float64).ravel())
    why = "" if d.size >= 2 else f"{d.size} differences: at least 2 are needed"
    if not why and not np.isfinite(d).all():
        why = "some differences are not finite"
    if not why and not (test_rows > 0 and train_rows > 0):
        why = "the sizes of the test and training parts must be positive"
    if why:
        return PairedDifference(math.nan, Interval.undefined(why, d.size, level), math.nan, "none", d.size, why)
    mean = float(d.mean())
    error = float(d.std(ddof=1)) * math.sqrt(1 / d.size + test_rows / train_rows)
    half = t_quantile(d.size - 1, level) * error
    method = "corrected resampled t (Nadeau and Bengio)"
    interval = Interval(mean - half, mean + half, level, method, d.size, "over folds, not over subjects")
    if error == 0:
        note = "all differences are equal"
        return PairedDifference(mean, interval, 1.0 if mean == 0 else math.nan, method, d.size, note)
    p = never_zero(2 * float(stdtr(d.size - 1, -abs(mean) / error)))
    return PairedDifference(mean, interval, p, method, d.size)
