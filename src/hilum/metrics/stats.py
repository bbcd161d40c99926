"""Intervals and tests: the only home of both.

Symbols
    x_1 ... x_n    one figure a unit (a subject, a recording, a seed); m its mean, s its standard deviation (n - 1)
    g, se          the figure on the scale on which it is symmetric, and its standard error there
    q              quantile of Student's t with n - 1 degrees of freedom at (1 + level) / 2

Scales          what the interval is for                   g           se
    linear      the mean                                   m           s / sqrt(n)
    log         the mean, of positive figures              log m       s / (m sqrt(n))      (delta method)
    geometric   the geometric mean, of ratios              mean log x  sd(log x) / sqrt(n)

Intervals
    t                      g -+ q se
    studentised bootstrap  [g - t*(1 - a) se, g - t*(a) se], a = (1 - level) / 2, t* = (g* - g) / se* over resamples
    jackknife t            g -+ q sqrt((n - 1) / n sum (g_(i) - mean g_(.))^2), g_(i) the pooled figure without unit i
    BCa bootstrap          quantiles of the pooled figure over resamples of whole clusters, at levels corrected for bias
                           and acceleration

Why these       The mean of units has a standard error in closed form, so its bootstrap is studentised: second-order
                accurate, and it keeps the heavy upper tail of errors. A pooled figure has none, may be bounded (a
                share, a correlation), and a studentised interval can leave the bounds; BCa is as accurate and cannot.
                Both are unreliable in small samples, so below 30 units t takes their place; below 6 there is none.
Meaning         An interval over units holds the fitted model and these folds fixed; it does not cover retraining, other
                hospitals or selection among models.
Undefined       Too little, or values that are not finite: `nan` and the reason, never an exception.
Order           No result depends on the order of rows or units; whatever is drawn is drawn from a fixed seed.
Source          Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 11, 12 and 14; Davison and Hinkley,
                Bootstrap Methods and their Application (1997), ch. 2 and 5; Holm, Scand. J. Statist. 6 (1979);
                Benjamini and Yekutieli, Ann. Statist. 29 (2001), theorem 1.3; Phipson and Smyth, SAGMB 9 (2010), on
                p-values that are never 0. Coverage is printed by benchmarks/interval_coverage.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.metric import Columns, Metric

Array = NDArray[np.float64]
Scale = Literal["linear", "log", "geometric"]

FEWEST_FOR_INTERVAL = 6
FEWEST_FOR_BOOTSTRAP = 30
MOST_ENUMERATED = 16
MEANING = (
    "holds the fitted model and these folds fixed; does not cover retraining, other hospitals or selection among models"
)

# Numbers drawn at a time, so that memory does not grow with resamples x units.
_BLOCK = 4_000_000


@dataclass(frozen=True)
class Interval:
    """A range, and how it was made.

    Attributes:
        low: Lower end; `nan` where there is none.
        high: Upper end.
        level: Nominal coverage.
        method: How it was made; "none" where there is none.
        n: Units (subjects, seeds, clusters) it rests on.
        note: What it means, or why there is none.
    """

    low: float
    high: float
    level: float
    method: str
    n: int
    note: str = ""

    @property
    def defined(self) -> bool:
        """Whether there is an interval at all."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    @property
    def width(self) -> float:
        """The distance from low to high."""
        return self.high - self.low

    def covers(self, x: float) -> bool:
        """Whether x lies in it, ends included; an undefined interval covers nothing."""
        return self.low <= x <= self.high

    @classmethod
    def undefined(cls, reason: str, n: int, level: float = 0.95) -> Interval:
        """No interval, and why."""
        return cls(math.nan, math.nan, level, "none", n, reason)


@dataclass(frozen=True)
class PValue:
    """A two-sided p-value in (0, 1], or `nan` and the reason in `note`."""

    p: float
    statistic: float
    method: str
    n: int
    note: str = ""


@dataclass(frozen=True)
class PairedDifference:
    """The difference a - b over shared units.

    Attributes:
        mean: Mean difference.
        interval: Its interval over units.
        p: Sign-flip p-value; `nan` below 6 units.
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


# Intervals over units


def t_interval(values: ArrayLike, level: float = 0.95, scale: Scale = "linear") -> Interval:
    """Student's t interval of the mean (geometric mean on the geometric scale) of values, shape (n,)."""
    x = np.sort(np.asarray(values, dtype=np.float64).ravel())
    obstacle = _obstacle(x, scale, fewest=2)
    if obstacle:
        return Interval.undefined(obstacle, x.size, level)
    centre, error = _centre(x, scale)
    half = _t_quantile(x.size - 1, level) * error
    return Interval(*_back(centre - half, centre + half, scale), level, f"t, {scale} scale", x.size)


def studentised_bootstrap(
    values: ArrayLike, level: float = 0.95, scale: Scale = "linear", resamples: int = 2000, seed: int = 0
) -> Interval:
    """Bootstrap-t interval of the mean (geometric mean on the geometric scale) of values, shape (n,).

    Falls back on t, and says so, where a resample has no spread: its studentised figure would be infinite.
    """
    x = np.sort(np.asarray(values, dtype=np.float64).ravel())
    obstacle = _obstacle(x, scale, fewest=2)
    if obstacle:
        return Interval.undefined(obstacle, x.size, level)
    centre, error = _centre(x, scale)
    pivots = []
    for draws in _draws(x.size, resamples, seed):
        centres, errors = _centre(x[draws], scale)
        if (errors <= 1e-9 * error).any():
            plain = t_interval(x, level, scale)
            return Interval(plain.low, plain.high, level, plain.method, x.size, "t: some resamples have no spread")
        pivots.append((centres - centre) / errors)
    upper, lower = np.quantile(np.concatenate(pivots), [(1 + level) / 2, (1 - level) / 2])
    ends = _back(centre - upper * error, centre - lower * error, scale)
    return Interval(*ends, level, f"studentised bootstrap, {scale} scale", x.size)


def subject_interval(values: ArrayLike, scale: Scale = "linear", level: float = 0.95) -> Interval:
    """The interval over subjects (units) of the mean of their figures: the one place where the method is chosen.

    Below 6 units there is none, below 30 it is t, from 30 on the studentised bootstrap.

    Args:
        values: One figure a unit, shape (n,); a unit without a figure (`nan`) leaves all undefined.
        scale: "linear"; "log" for positive errors, where the interval is still for their arithmetic mean; "geometric"
            for ratios of errors, where it is for their geometric mean.
        level: Nominal coverage.
    """
    x = np.asarray(values, dtype=np.float64).ravel()
    obstacle = _too_few(x.size) or _obstacle(x, scale, fewest=2)
    if obstacle:
        return Interval.undefined(obstacle, x.size, level)
    made = (t_interval if x.size < FEWEST_FOR_BOOTSTRAP else studentised_bootstrap)(x, level, scale)
    note = f"{made.note}; {MEANING}" if made.note else MEANING
    return Interval(made.low, made.high, level, made.method, made.n, note)


def pooled_interval(
    columns: Columns,
    clusters: ArrayLike,
    metric: Metric,
    scale: Literal["linear", "log"] = "linear",
    level: float = 0.95,
) -> Interval:
    """The interval over subjects of a metric of their pooled rows: chosen as `subject_interval` does.

    Below 6 clusters there is none, below 30 it is the jackknife t, from 30 on the BCa cluster bootstrap.

    Args:
        columns: The metric's columns, one entry a row.
        clusters: The subject (unit) of each row, shape (rows,).
        metric: A smooth metric; a maximum has no interval of this kind.
        scale: "log" for positive errors below 30 clusters.
        level: Nominal coverage.
    """
    n = len(np.unique(np.asarray(clusters)))
    if metric.pooling == "maximum":
        return Interval.undefined("the largest of a sample has no jackknife or bootstrap interval", n, level)
    if _too_few(n):
        return Interval.undefined(_too_few(n), n, level)
    if n < FEWEST_FOR_BOOTSTRAP:
        made = jackknife_interval(columns, clusters, metric, scale=scale, level=level)
    else:
        made = cluster_bootstrap(columns, clusters, metric, level=level)
    note = "; ".join(filter(None, (made.note, MEANING if made.defined else "")))
    return Interval(made.low, made.high, level, made.method, made.n, note)


def jackknife_interval(
    columns: Columns,
    clusters: ArrayLike,
    metric: Metric,
    *,
    scale: Literal["linear", "log"] = "linear",
    level: float = 0.95,
) -> Interval:
    """Student's t interval of a pooled figure, with the standard error of leaving out one cluster at a time."""
    sample = _Clustered.of(columns, clusters, metric)
    n = sample.n
    whole = metric(sample.columns)
    if n < 2 or not whole.defined:
        return Interval.undefined(whole.reason or "fewer than 2 clusters", n, level)
    without = sample.leave_one_out()
    if np.isnan(without).any():
        return Interval.undefined("undefined without one of the clusters", n, level)
    figure = whole.value
    if scale == "log":
        if figure <= 0 or (without <= 0).any():
            return Interval.undefined("the log scale needs positive figures", n, level)
        figure, without = math.log(figure), np.log(without)
    error = math.sqrt((n - 1) / n * float(np.square(without - without.mean()).sum()))
    half = _t_quantile(n - 1, level) * error
    return Interval(*_back(figure - half, figure + half, scale), level, f"jackknife t, {scale} scale", n)


def cluster_bootstrap(
    columns: Columns,
    clusters: ArrayLike,
    statistic: Metric,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """BCa bootstrap interval of a metric: whole clusters are drawn again, with all their rows.

    Args:
        columns: The metric's columns, one entry a row.
        clusters: The cluster of each row, shape (rows,): ids of any sortable type.
        statistic: The metric. With pooling "sums" it sees rows only through their column sums, so all resamples are one
            matrix product of cluster counts and cluster sums; any other metric is given the drawn rows themselves.
        resamples: How often to draw.
        seed: Seed of the draw.
        level: Nominal coverage.
    """
    sample = _Clustered.of(columns, clusters, statistic)
    whole = statistic(sample.columns)
    if sample.n < 2 or not whole.defined:
        return Interval.undefined(whole.reason or "fewer than 2 clusters", sample.n, level)
    figures = np.concatenate([sample.figures(_counts(draws)) for draws in _draws(sample.n, resamples, seed)])
    lost = int(np.isnan(figures).sum())
    if lost > 0.05 * resamples:
        return Interval.undefined(f"undefined in {lost} of {resamples} resamples", sample.n, level)
    levels, note = _corrected_levels(figures[~np.isnan(figures)], whole.value, sample.leave_one_out(), level)
    low, high = np.quantile(figures[~np.isnan(figures)], levels)
    if lost:
        note = "; ".join(filter(None, (note, f"undefined in {lost} of {resamples} resamples, which are left out")))
    method = "percentile cluster bootstrap" if note.startswith("percentile") else "BCa cluster bootstrap"
    return Interval(float(low), float(high), level, method, sample.n, note)


def _corrected_levels(figures: Array, figure: float, without: Array, level: float) -> tuple[list[float], str]:
    """The levels at which BCa reads the resampled figures (Efron and Tibshirani 1993, eq. 14.10 to 14.15)."""
    from scipy.special import ndtr, ndtri

    plain = [(1 - level) / 2, (1 + level) / 2]
    below = float(((figures < figure) + 0.5 * (figures == figure)).mean())
    away = without.mean() - without
    spread = float(np.square(away).sum())
    if not 0 < below < 1 or not spread > 0:
        return plain, "percentile: no correction for bias or acceleration can be had"
    bias = float(ndtri(below))
    acceleration = float((away**3).sum()) / (6 * spread**1.5)
    z = bias + ndtri(np.array(plain))
    return [float(p) for p in ndtr(bias + z / (1 - acceleration * z))], ""


# Intervals of ours - claimed


def seed_interval(values_over_seeds: ArrayLike, m: int = 1, level: float = 0.95) -> Interval:
    """Where a figure of `m` other runs would lie, given ours: mean -+ q s sqrt(1/S + 1/m), S seeds.

    Less the claimed figure it is the interval of ours - claimed on the same data: means of runs with one spread.

    Args:
        values_over_seeds: Our figure for each seed, shape (S,).
        m: Runs behind the printed value; 1 where unknown.
        level: Nominal coverage.
    """
    x = np.sort(np.asarray(values_over_seeds, dtype=np.float64).ravel())
    if x.size == 1:
        return Interval.undefined("one seed: the noise between runs is unknown", 1, level)
    obstacle = _obstacle(x, "linear", fewest=2)
    if obstacle:
        return Interval.undefined(obstacle, x.size, level)
    spread = float(x.std(ddof=1)) * math.sqrt(1 / x.size + 1 / max(1, m))
    half = _t_quantile(x.size - 1, level) * spread
    mean = float(x.mean())
    return Interval(mean - half, mean + half, level, f"t over {x.size} seeds against {max(1, m)} runs", x.size)


def difference_interval(se_ours: float, se_claimed: float, difference: float = 0.0, level: float = 0.95) -> Interval:
    """Interval of ours - claimed over different subjects: difference -+ z sqrt(se_ours^2 + se_claimed^2).

    Args:
        se_ours: Standard error of our figure over subjects.
        se_claimed: Standard error of the claimed figure, from a printed interval, n or counts; `nan` if there is none.
        difference: ours - claimed; 0 gives the interval about the difference.
        level: Nominal coverage.
    """
    from scipy.special import ndtri

    for whose, error in (("our figure", se_ours), ("the claimed figure", se_claimed)):
        if not (math.isfinite(error) and error >= 0):
            return Interval.undefined(f"no standard error of {whose} can be had", 2, level)
    if not math.isfinite(difference):
        return Interval.undefined("the difference is undefined", 2, level)
    half = float(ndtri((1 + level) / 2)) * math.hypot(se_ours, se_claimed)
    return Interval(difference - half, difference + half, level, "normal, two independent samples", 2)


# Tests


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
    if _too_few(n):
        return PairedDifference(mean, interval, math.nan, "none", n, "; ".join(filter(None, (note, _too_few(n)))))
    test = sign_flip(differences, resamples=resamples, seed=seed)
    return PairedDifference(mean, interval, test.p, test.method, n, note)


def sign_flip(differences: ArrayLike, resamples: int = 20_000, seed: int = 0) -> PValue:
    """Two-sided p-value that differences, shape (n,), are as likely one way as the other; the statistic is their sum.

    All 2^n flips for n up to 16. Beyond, `resamples` drawn ones, with p = (1 + as extreme) / (1 + resamples).
    """
    d = np.asarray(differences, dtype=np.float64).ravel()
    if not d.size or not np.isfinite(d).all():
        return PValue(math.nan, math.nan, "none", d.size, "no differences, or some that are not finite")
    size = np.sort(np.abs(d))
    observed = float(d.sum())
    # Sums that are equal on paper differ in their last bits, and count as extreme.
    threshold = abs(observed) - 1e-12 * float(size.sum())
    if d.size <= MOST_ENUMERATED:
        sums = np.zeros(1)
        for value in size:
            sums = np.concatenate([sums + value, sums - value])
        return PValue(float((np.abs(sums) >= threshold).mean()), observed, "sign flips, all", d.size)
    extreme = 0
    for bits in _draws(d.size, resamples, seed, below=2):
        extreme += int((np.abs((2.0 * bits - 1.0) @ size) >= threshold).sum())
    return PValue((1 + extreme) / (1 + resamples), observed, f"sign flips, {resamples} drawn", d.size)


def wilcoxon_signed_rank(differences: ArrayLike) -> PValue:
    """Two-sided Wilcoxon signed-rank test; zero differences are dropped, as Wilcoxon did.

    Exact up to 16 differences, ties too (sign flips of the ranks); beyond, scipy's choice (exact up to 50 without ties,
    else the normal approximation). The statistic is the smaller of the two rank sums.
    """
    from scipy.stats import rankdata, wilcoxon

    d = np.asarray(differences, dtype=np.float64).ravel()
    if not d.size or not np.isfinite(d).all():
        return PValue(math.nan, math.nan, "none", d.size, "no differences, or some that are not finite")
    kept = d[d != 0]
    note = f"{d.size - kept.size} zero differences dropped" if kept.size < d.size else ""
    if not kept.size:
        return PValue(1.0, 0.0, "Wilcoxon signed rank", 0, "every difference is zero")
    ranks = rankdata(np.abs(kept))
    statistic = float(min(ranks[kept > 0].sum(), ranks[kept < 0].sum()))
    if kept.size <= MOST_ENUMERATED:
        p = sign_flip(np.sign(kept) * ranks).p
        return PValue(p, statistic, "Wilcoxon signed rank, exact", kept.size, note)
    # The normal tail can underflow; a p-value is never 0.
    p = max(float(wilcoxon(kept).pvalue), float(np.finfo(np.float64).tiny))
    return PValue(min(1.0, p), statistic, "Wilcoxon signed rank, scipy", kept.size, note)


def holm(p: ArrayLike) -> Array:
    """Holm's adjusted p-values, which control the chance of any false rejection; shape as given.

    adjusted_(i) = max over j <= i of (m - j + 1) p_(j), at most 1. A `nan` stays `nan` and is not part of the family.
    """
    raw = np.asarray(p, dtype=np.float64)
    tested = raw[~np.isnan(raw)]
    order, m = np.argsort(tested, kind="stable"), tested.size
    steps = np.maximum.accumulate(tested[order] * (m - np.arange(m)))
    return _place(raw, order, steps)


def benjamini_yekutieli(p: ArrayLike) -> Array:
    """Adjusted p-values that control the false discovery rate under any dependence; shape as given.

    adjusted_(i) = min over j >= i of m c(m) p_(j) / j, at most 1, with c(m) = 1 + 1/2 + ... + 1/m. A `nan` stays `nan`
    and is not part of the family.
    """
    raw = np.asarray(p, dtype=np.float64)
    tested = raw[~np.isnan(raw)]
    order, rank = np.argsort(tested, kind="stable"), np.arange(1, tested.size + 1)
    scaled = tested[order] * tested.size * (1 / rank).sum() / rank
    return _place(raw, order, np.minimum.accumulate(scaled[::-1])[::-1])


def _place(raw: Array, order: NDArray[np.intp], adjusted: Array) -> Array:
    """Put adjusted p-values, ascending, back where the raw ones stand."""
    back = np.empty(order.size)
    back[order] = np.minimum(adjusted, 1.0)
    out = np.full(raw.shape, math.nan)
    out[~np.isnan(raw)] = back
    return out


# What the above share


@dataclass(frozen=True)
class _Clustered:
    """Rows by cluster: columns sorted by cluster, the cluster of each row (0 ... n - 1), and the metric."""

    columns: Columns
    member: NDArray[np.intp]
    n: int
    metric: Metric

    @classmethod
    def of(cls, columns: Columns, clusters: ArrayLike, metric: Metric) -> _Clustered:
        ids, member = np.unique(np.asarray(clusters), return_inverse=True)
        needed = {name: np.asarray(columns[name], dtype=np.float64) for name in metric.needs if name in columns}
        # Within a cluster by value, so that the order of the input rows leaves no trace in the last bits.
        order = np.lexsort((*reversed(needed.values()), member))
        return cls({name: column[order] for name, column in needed.items()}, member[order], len(ids), metric)

    def figures(self, counts: NDArray[np.int64]) -> Array:
        """The metric of every resample; `counts`, shape (resamples, n), says how often each cluster was drawn."""
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
        """A column's sum in each cluster, shape (n,)."""
        return np.bincount(self.member, weights=column, minlength=self.n).astype(np.float64)

    def leave_one_out(self) -> Array:
        """The metric without each cluster in turn, shape (n,)."""
        block = max(1, _BLOCK // self.n)
        everyone = np.arange(self.n)
        left_out = (everyone[first : first + block, np.newaxis] for first in range(0, self.n, block))
        return np.concatenate([self.figures((everyone != one).astype(np.int64)) for one in left_out])


def _draws(n: int, resamples: int, seed: int, below: int | None = None) -> Iterator[NDArray[np.int64]]:
    """`resamples` draws of n numbers in 0 ... below - 1 (n where not given), in blocks, shape (block, n)."""
    random = np.random.default_rng(seed)
    block = max(1, _BLOCK // n)
    for first in range(0, resamples, block):
        yield random.integers(0, below or n, size=(min(block, resamples - first), n))


def _counts(draws: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each unit stands in each draw: (resamples, n) to (resamples, n)."""
    resamples, n = draws.shape
    flat = (draws + n * np.arange(resamples)[:, np.newaxis]).ravel()
    return np.bincount(flat, minlength=resamples * n).reshape(resamples, n)


def _centre(x: Array, scale: Scale) -> tuple[Any, Any]:
    """The centre g and its se of samples along the last axis: see the table of scales above."""
    if scale == "geometric":
        x = np.log(x)
    mean = x.mean(axis=-1)
    error = x.std(axis=-1, ddof=1) / math.sqrt(x.shape[-1])
    return (np.log(mean), error / mean) if scale == "log" else (mean, error)


def _back(low: float, high: float, scale: Scale) -> tuple[float, float]:
    """From the scale on which the interval is made to the figure's own; beyond the largest number is infinity."""
    if scale == "linear":
        return float(low), float(high)
    with np.errstate(over="ignore"):
        return float(np.exp(low)), float(np.exp(high))


def _t_quantile(degrees: int, level: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + level) / 2))


def _too_few(n: int) -> str:
    if n >= FEWEST_FOR_INTERVAL:
        return ""
    return f"{n} units: below {FEWEST_FOR_INTERVAL} nothing is inferred about others; read the units' own values"


def _obstacle(x: Array, scale: Scale, *, fewest: int) -> str:
    """Why no interval can be made, or nothing."""
    if x.size < fewest:
        return f"{x.size} values: at least {fewest} are needed"
    if not np.isfinite(x).all():
        return f"{int((~np.isfinite(x)).sum())} of {x.size} values are not finite"
    if scale != "linear" and (x <= 0).any():
        return f"the {scale} scale needs positive values"
    return ""
