"""Intervals of a pooled figure over subjects: whole clusters are drawn again, or left out in turn.

Symbols
    theta          the metric of all rows; with groups (folds, or seed and fold) the mean over groups of the metric of a group's rows
    theta_(i)      the same without cluster i
    theta*         the same of clusters drawn again, with replacement, each with all its rows in all groups

Intervals
    jackknife t    g -+ q se, se = sqrt((n - 1) / n sum (g_(i) - mean g_(.))^2), q a quantile of Student's t; g is theta, or log theta,
                   or for a metric between two bounds the logit of its place u between them, with se(u) / (u (1 - u))
    BCa bootstrap  quantiles of theta* at levels corrected for bias and acceleration

Why these       A pooled figure has no standard error in closed form, may be bounded (a share, a correlation), and a
                studentised interval can leave the bounds; BCa is as accurate and cannot. It is unreliable in small
                samples, so below 30 units the jackknife t takes its place; below 6 there is none. On a straight scale that covers
                a bounded figure too seldom (an AUROC of 0.94 of nine subjects: 83 %); on the logit it does not, and stays inside.
At a bound      A figure that stands at its bound (an AUROC of 1) does so in every resample. That shows no precision, so there is no
                interval, and a reason.
Groups          A subject may stand in several groups. One draw of subjects serves all groups, so what the groups share
                moves together.
Cost            A metric's own `resample` where it has one, else the drawn rows themselves. Acceleration needs theta_(i)
                of every cluster; beyond 1,000 clusters a random sample of 1,000 stands for all: the acceleration is
                skewness / (6 sqrt(n)), and only the skewness is estimated.
Order           No result depends on the order of rows or clusters.
Source          Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 11 and 14.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import DataError
from hilum.core.metric import Columns, Metric, Score
from hilum.metrics.stats.draws import BLOCK, counts_drawn
from hilum.metrics.stats.intervals import (
    FEWEST_FOR_BOOTSTRAP,
    MEANING,
    Interval,
    from_scale,
    t_quantile,
    too_few,
)

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

JackknifeScale = Literal["linear", "log", "logit"]

RESAMPLES = 2000
MOST_LEFT_OUT = 1000

# Poolings whose figure no resample of subjects speaks for.
NOT_SMOOTH = {
    "maximum": "the largest of a sample has no jackknife or bootstrap interval",
    "bins": "distances of binned shares are never below 0, so those of a resample are larger: no bootstrap interval",
}


def pooled_interval(
    columns: Columns,
    clusters: ArrayLike,
    metric: Metric,
    scale: JackknifeScale | None = None,
    level: float = 0.95,
    groups: ArrayLike | None = None,
) -> Interval:
    """The interval over subjects of a metric of their pooled rows: the one place where its method is chosen.

    Below 6 clusters there is none, below 30 it is the jackknife t, from 30 on the BCa cluster bootstrap.

    Args:
        columns: The metric's columns, one entry a row.
        clusters: The subject (unit) of each row, shape (rows,).
        metric: A smooth metric; a maximum has no interval of this kind.
        scale: Below 30 clusters; None for the metric's own: "logit" between two bounds, "log" above 0 without an upper bound.
        level: Nominal coverage.
        groups: A label a row, shape (rows,) or (rows, parts): the figure is then the mean over groups; None pools all rows.

    Raises:
        DataError: columns, clusters and groups are not of one length.
    """
    sample = Clustered.of(columns, clusters, metric, groups)
    n = sample.n
    if metric.pooling in NOT_SMOOTH:
        return Interval.undefined(NOT_SMOOTH[metric.pooling], n, level)
    if too_few(n):
        return Interval.undefined(too_few(n), n, level)
    figure = sample.whole().value
    bounded = math.isfinite(metric.bounds[0]) and math.isfinite(metric.bounds[1])
    near = 1e-12 * (metric.bounds[1] - metric.bounds[0]) if bounded else 0.0
    if min(abs(figure - bound) for bound in metric.bounds) <= near:
        why = f"the figure stands at its bound, {figure:g}, in every resample: no interval"
        return Interval.undefined(why, n, level)
    if n < FEWEST_FOR_BOOTSTRAP:
        own: JackknifeScale = "logit" if bounded else "log" if metric.bounds == (0.0, math.inf) else "linear"
        made = jackknife_t(sample, scale or own, level, metric.bounds)
    else:
        made = bca_bootstrap(sample, RESAMPLES, 0, level)
    note = "; ".join(filter(None, (made.note, MEANING if made.defined else "")))
    return Interval(made.low, made.high, level, made.method, made.n, note)


def jackknife_interval(
    columns: Columns,
    clusters: ArrayLike,
    metric: Metric,
    *,
    scale: JackknifeScale = "linear",
    level: float = 0.95,
    groups: ArrayLike | None = None,
) -> Interval:
    """Student's t interval of a pooled figure, with the standard error of leaving out one cluster at a time.

    Arguments as in `pooled_interval`; `scale` "logit" is for a metric between two bounds.
    """
    return jackknife_t(Clustered.of(columns, clusters, metric, groups), scale, level, metric.bounds)


def cluster_bootstrap(
    columns: Columns,
    clusters: ArrayLike,
    statistic: Metric,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = 0.95,
    groups: ArrayLike | None = None,
) -> Interval:
    """BCa bootstrap interval of a metric: whole clusters are drawn again, with all their rows.

    Args:
        columns: The metric's columns, one entry a row.
        clusters: The cluster of each row, shape (rows,): ids of any sortable type.
        statistic: The metric. With pooling "sums" it sees rows only through their column sums, so all resamples are one
            matrix product of cluster counts and cluster sums; with a `resample` of its own that is used; any other metric is
            given the drawn rows themselves.
        resamples: How often to draw.
        seed: Seed of the draw.
        level: Nominal coverage.
        groups: A label a row, as in `pooled_interval`.

    Raises:
        DataError: columns, clusters and groups are not of one length.
    """
    return bca_bootstrap(Clustered.of(columns, clusters, statistic, groups), resamples, seed, level)


# What these and the paired intervals share


class Resampled(Protocol):
    """A figure of n clusters that can be had again of other clusters: `Clustered`, or the difference of two."""

    @property
    def n(self) -> int:
        """How many clusters."""
        ...

    def whole(self) -> Score:
        """The figure of all rows."""
        ...

    def figures(self, counts: NDArray[np.int64]) -> Array:
        """The figure of every resample, shape (resamples,); `counts` (resamples, n) says how often each cluster is drawn."""
        ...

    def leave_one_out(self, chosen: Indices) -> Array:
        """The figure without each of the chosen clusters in turn, shape (chosen,)."""
        ...


def jackknife_t(
    sample: Resampled, scale: JackknifeScale, level: float, bounds: tuple[float, float] = (0.0, 1.0)
) -> Interval:
    """Student's t interval with the jackknife's standard error: see `jackknife_interval`; `bounds` are for "logit"."""
    n = sample.n
    whole = sample.whole()
    if n < 2 or not whole.defined:
        return Interval.undefined(whole.reason or "fewer than 2 clusters", n, level)
    without = sample.leave_one_out(np.arange(n))
    if np.isnan(without).any():
        return Interval.undefined("undefined without one of the clusters", n, level)
    figure, method = whole.value, f"jackknife t, {scale} scale"
    if scale == "log":
        if figure <= 0 or (without <= 0).any():
            return Interval.undefined("the log scale needs positive figures", n, level)
        figure, without = math.log(figure), np.log(without)
    error = math.sqrt((n - 1) / n * float(np.square(without - without.mean()).sum()))
    q = t_quantile(n - 1, level)
    if scale == "logit":
        span = bounds[1] - bounds[0]
        place = (figure - bounds[0]) / span
        if not 0 < place < 1:
            return Interval.undefined(
                f"the logit scale needs a figure between {bounds[0]:g} and {bounds[1]:g}", n, level
            )
        centre, half = math.log(place / (1 - place)), q * error / span / (place * (1 - place))
        low, high = (bounds[0] + span * (0.5 + 0.5 * math.tanh(0.5 * end)) for end in (centre - half, centre + half))
        return Interval(low, high, level, method, n)
    return Interval(*from_scale(figure - q * error, figure + q * error, scale), level, method, n)


def bca_bootstrap(sample: Resampled, resamples: int, seed: int, level: float) -> Interval:
    """BCa interval of a figure of clusters: see `cluster_bootstrap`."""
    whole = sample.whole()
    if sample.n < 2 or not whole.defined:
        return Interval.undefined(whole.reason or "fewer than 2 clusters", sample.n, level)
    figures = np.concatenate([sample.figures(counts) for counts in counts_drawn(sample.n, resamples, seed)])
    lost = int(np.isnan(figures).sum())
    if lost > 0.05 * resamples:
        return Interval.undefined(f"undefined in {lost} of {resamples} resamples", sample.n, level)
    chosen = _some(sample.n, MOST_LEFT_OUT, seed)
    levels, note = _corrected_levels(
        figures[~np.isnan(figures)], whole.value, sample.leave_one_out(chosen), sample.n, level
    )
    low, high = np.quantile(figures[~np.isnan(figures)], levels)
    if lost:
        note = "; ".join(filter(None, (note, f"undefined in {lost} of {resamples} resamples, which are left out")))
    method = "percentile cluster bootstrap" if note.startswith("percentile") else "BCa cluster bootstrap"
    return Interval(float(low), float(high), level, method, sample.n, note)


def _some(n: int, most: int, seed: int) -> Indices:
    """All of n clusters, or a random sample where they are more than `most`; ascending."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng([seed, n]).choice(n, size=most, replace=False))


def _corrected_levels(figures: Array, figure: float, without: Array, n: int, level: float) -> tuple[list[float], str]:
    """The levels at which BCa reads the resampled figures (Efron and Tibshirani 1993, eq. 14.10 to 14.15)."""
    from scipy.special import ndtr, ndtri

    plain = [(1 - level) / 2, (1 + level) / 2]
    below = float(((figures < figure) + 0.5 * (figures == figure)).mean())
    away = without.mean() - without
    spread = float(np.square(away).mean())
    if not 0 < below < 1 or not spread > 0:
        return plain, "percentile: no correction for bias or acceleration can be had"
    bias = float(ndtri(below))
    acceleration = float((away**3).mean()) / (6 * math.sqrt(n) * spread**1.5)
    z = bias + ndtri(np.array(plain))
    return [float(p) for p in ndtr(bias + z / (1 - acceleration * z))], ""


@dataclass(frozen=True)
class _Group:
    """The rows of one group: columns sorted by cluster, and the cluster of each row as 0 ... m - 1 within the group."""

    columns: Columns
    member: Indices
    clusters: Indices
    label: str
    metric: Metric

    def figures(self, counts: NDArray[np.int64]) -> Array:
        """The metric of every resample; `counts`, shape (resamples, m), says how often each cluster was drawn."""
        if self.metric.resample is not None:
            return self.metric.resample(self.columns, self.member, counts)
        if self.metric.pooling == "sums":
            times = counts.astype(np.float64)
            sums = {name: times @ self._sum(column) for name, column in self.columns.items()}
            return np.array(
                [self.metric({name: s[i : i + 1] for name, s in sums.items()}).value for i in range(len(counts))]
            )
        rows = np.arange(len(self.member))
        drawn = (np.repeat(rows, count[self.member]) for count in counts)
        return np.array([self.metric({name: c[i] for name, c in self.columns.items()}).value for i in drawn])

    def _sum(self, column: Array) -> Array:
        """A column's sum in each cluster, shape (m,)."""
        return np.bincount(self.member, weights=column, minlength=len(self.clusters)).astype(np.float64)

    def leave_one_out(self, chosen: Indices) -> Array:
        """The metric without each of the chosen clusters (numbered over all groups), shape (chosen,)."""
        place = np.minimum(np.searchsorted(self.clusters, chosen), len(self.clusters) - 1)
        here = self.clusters[place] == chosen
        everyone = np.arange(len(self.clusters))
        block = max(1, BLOCK // len(everyone))
        found = np.full(len(chosen), self.metric(self.columns).value)
        gone = place[here, np.newaxis]
        left_out = (gone[first : first + block] for first in range(0, len(gone), block))
        found[here] = np.concatenate(
            [np.empty(0), *(self.figures((everyone != one).astype(np.int64)) for one in left_out)]
        )
        return found


@dataclass(frozen=True)
class Clustered:
    """Rows of n clusters in one or more groups, and the metric whose mean over groups is the figure."""

    groups: tuple[_Group, ...]
    n: int

    @classmethod
    def of(cls, columns: Columns, clusters: ArrayLike, metric: Metric, groups: ArrayLike | None = None) -> Clustered:
        """Sort rows by group and cluster, so that the order of the input rows leaves no trace."""
        ids, member = number_labels(clusters)
        labels, group = (
            (["all rows"], np.zeros(len(member), dtype=np.intp)) if groups is None else number_labels(groups)
        )
        needed = {name: np.asarray(columns[name], dtype=np.float64) for name in columns_read(metric, columns)}
        for name, length in {"groups": len(group), **{name: len(c) for name, c in needed.items()}}.items():
            if length != len(member):
                raise DataError(f"'{name}' has {length} rows, the clusters {len(member)}", where=metric.name)
        # Within a cluster by value, so that sums are added in the same order, down to the last bits.
        order = np.lexsort((*reversed(needed.values()), member, group))
        bounds = np.searchsorted(group[order], np.arange(len(labels) + 1))
        parts = []
        for label, first, end in zip(labels, bounds[:-1], bounds[1:], strict=True):
            rows = order[first:end]
            here, local = np.unique(member[rows], return_inverse=True)
            parts.append(_Group({name: c[rows] for name, c in needed.items()}, local, here, str(label), metric))
        return cls(tuple(parts), len(ids))

    def whole(self) -> Score:
        """The figure of all rows: the mean over groups."""
        if not self.groups:
            return Score.undefined("no rows")
        scores = [part.metric(part.columns) for part in self.groups]
        for part, score in zip(self.groups, scores, strict=True):
            if not score.defined:
                where = f"group {part.label}: " if len(self.groups) > 1 else ""
                return Score.undefined(where + score.reason)
        return Score(float(np.mean([score.value for score in scores])))

    def figures(self, counts: NDArray[np.int64]) -> Array:
        """The figure of every resample, shape (resamples,); `counts` is (resamples, n)."""
        if len(self.groups) == 1:
            return self.groups[0].figures(counts)
        return _mean([part.figures(np.ascontiguousarray(counts[:, part.clusters])) for part in self.groups])

    def leave_one_out(self, chosen: Indices) -> Array:
        """The figure without each of the chosen clusters in turn, shape (chosen,)."""
        return _mean([part.leave_one_out(chosen) for part in self.groups])


def columns_read(metric: Metric, columns: Mapping[str, Any]) -> list[str]:
    """The columns that a metric reads: those it needs, and every `p:` column where it needs none by name (many classes)."""
    if "target" in metric.needs and not any(need.startswith("p:") for need in metric.needs):
        return [name for name in columns if name in metric.needs or name.startswith("p:")]
    return [name for name in metric.needs if name in columns]


def number_labels(labels: ArrayLike) -> tuple[list[Any], Indices]:
    """Distinct labels, sorted, and the number of each row's, shape (rows,); a label may be a line of several columns."""
    given = np.asarray(labels)
    # Text that arrives as objects sorts a hundred times faster at a fixed width.
    plain = given.astype(np.str_) if given.dtype == object else given
    names, number = np.unique(plain, axis=0 if plain.ndim > 1 else None, return_inverse=True)
    return names.tolist(), number.reshape(-1).astype(np.intp)


def _mean(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.asarray(np.mean(parts, axis=0), dtype=np.float64)
