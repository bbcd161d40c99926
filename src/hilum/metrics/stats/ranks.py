"""Which method is best? Ranks over blocks, how sure they are, and agreement of two orders.

Symbols
    k methods on N blocks (data sets, recordings, subjects);  R_j mean rank of method j, rank 1 the best, ties share ranks

Equations
    Friedman             chi2 = (k - 1) sum_j (sum_i r_ij - N (k + 1) / 2)^2 / (sum_ij r_ij^2 - N k (k + 1)^2 / 4), k - 1 degrees
    critical difference  q sqrt(k (k + 1) / (6 N)), q the studentised range at infinite degrees of freedom over sqrt 2 (Nemenyi)
    rank probabilities   share of resamples of units, the same draw for all methods, in which a method has each rank
    Kendall's tau-b      (C - D) / sqrt((C + D + T_x)(C + D + T_y)): pairs in the same and in opposite order, tied in x or y only

Clear       Rank 1 is clear where the leader's paired difference from every other method has a Holm-adjusted p below 1 - level.
            A probability of rank 1 says how stable the order is with other subjects like these; it is no test.
Source      Friedman, JASA 32 (1937), with the correction for ties as in Conover (1999), section 5.8; Demsar, JMLR 7 (2006);
            Goldstein and Spiegelhalter, JRSS A 159 (1996): uncertainty of ranks; Kendall, Rank Correlation Methods (1970).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import DataError
from hilum.core.metric import Columns, Metric, Score
from hilum.metrics.stats.bootstrap import Clustered, pooled_interval
from hilum.metrics.stats.draws import counts_of, draws_of
from hilum.metrics.stats.hypothesis_tests import PValue, holm, never_zero
from hilum.metrics.stats.intervals import Interval, too_few
from hilum.metrics.stats.paired import PairedDifference, paired_difference, paired_pooled_difference

Array = NDArray[np.float64]
Better = Literal["lower", "higher"]


@dataclass(frozen=True)
class Ranks:
    """Methods in order, and how sure the order is.

    Attributes:
        methods: Names, the best first.
        figures: Figure of each, shape (methods,), in that order.
        probability: Share of resamples in which a method (line) has each rank (column), shape (methods, methods); ties are split.
        p: Holm-adjusted p-value of the leader's difference from each method, shape (methods,); `nan` for itself.
        clear: Whether rank 1 is clear of every other method.
        n: Units drawn.
        note: Why something is undefined.
    """

    methods: tuple[str, ...]
    figures: Array
    probability: Array
    p: Array
    clear: bool
    n: int
    note: str = ""


@dataclass(frozen=True)
class Association:
    """Agreement of two orders: the coefficient, its interval over pairs, and a two-sided p-value that there is none."""

    value: float
    interval: Interval
    p: float
    method: str
    n: int
    note: str = ""


def mean_ranks(scores: ArrayLike, better: Better) -> Array:
    """Mean rank of each method over blocks, 1 the best; scores of shape (blocks, methods) to (methods,)."""
    return np.asarray(_ranks(_table(scores), better).mean(axis=0))


def friedman(scores: ArrayLike) -> PValue:
    """Friedman's test that methods do not differ over blocks, scores of shape (blocks, methods), ties corrected.

    The reference is chi-square, which wants about 10 blocks or more; the p-value is the same whichever way is better.
    """
    from scipy.special import chdtrc

    table = _table(scores)
    blocks, methods = table.shape
    if blocks < 2 or methods < 2:
        return PValue(
            math.nan, math.nan, "none", blocks, f"{blocks} blocks of {methods} methods: at least 2 of 2 are needed"
        )
    if not np.isfinite(table).all():
        return PValue(math.nan, math.nan, "none", blocks, "some scores are not finite")
    ranks = _ranks(table, "lower")
    spread = float(np.square(ranks).sum()) - blocks * methods * (methods + 1) ** 2 / 4
    if spread <= 0:
        return PValue(1.0, 0.0, "Friedman", blocks, "all methods are tied in every block")
    away = ranks.sum(axis=0) - blocks * (methods + 1) / 2
    statistic = (methods - 1) * float(np.square(away).sum()) / spread
    note = "fewer than 10 blocks: the chi-square reference is rough" if blocks < 10 else ""
    return PValue(never_zero(float(chdtrc(methods - 1, statistic))), statistic, "Friedman, chi-square", blocks, note)


def critical_difference(methods: int, blocks: int, level: float = 0.95) -> float:
    """How far two mean ranks must lie apart to differ (Nemenyi, all pairs); nan below 2 methods or 1 block."""
    from scipy.stats import studentized_range

    if methods < 2 or blocks < 1:
        return math.nan
    q = float(studentized_range.ppf(level, methods, np.inf)) / math.sqrt(2)
    return q * math.sqrt(methods * (methods + 1) / (6 * blocks))


def ranks_over_units(
    values: Mapping[str, Mapping[str, float]],
    better: Better,
    *,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Ranks:
    """Rank methods by the mean of their figures over the units that all have.

    Args:
        values: Method to unit id to figure.
        better: Which way is better.
        resamples: Draws of units.
        seed: Their seed.
        level: Rank 1 is clear where the adjusted p is below 1 - level.

    Raises:
        DataError: fewer than two methods, or no unit that all have.
    """
    names = sorted(values)
    shared = sorted(set.intersection(*(set(values[name]) for name in names))) if names else []
    if len(names) < 2 or not shared:
        raise DataError(f"{len(names)} methods share {len(shared)} units", where="ranks", do="Give two that share some")
    table = np.array([[values[name][unit] for unit in shared] for name in names], dtype=np.float64)
    n = len(shared)
    drawn = np.concatenate([counts_of(d) @ table.T / n for d in draws_of(n, resamples, seed)])
    common = [dict(zip(shared, line.tolist(), strict=True)) for line in table]
    return _ranked(
        names, table.mean(axis=1), drawn, lambda i, j: paired_difference(common[i], common[j]), better, n, level
    )


def ranks_pooled(
    columns: Mapping[str, Columns],
    clusters: ArrayLike,
    metric: Metric,
    groups: ArrayLike | None = None,
    *,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Ranks:
    """Rank methods by a metric of their pooled rows; rows, clusters and groups as in `paired_pooled_difference`.

    Raises:
        DataError: fewer than two methods, a metric without a better side, or methods on different rows.
    """
    names = sorted(columns)
    if len(names) < 2 or metric.direction == "none":
        raise DataError(
            f"{len(names)} methods by {metric.name}", where="ranks", do="Give two, and a metric with a better side"
        )
    samples = [Clustered.of(columns[name], clusters, metric, groups) for name in names]
    n = samples[0].n
    drawn = np.concatenate(
        [np.stack([one.figures(counts_of(d)) for one in samples], axis=1) for d in draws_of(n, resamples, seed)]
    )
    figures = np.array([one.whole().value for one in samples])

    def difference(i: int, j: int) -> PairedDifference:
        return paired_pooled_difference(columns[names[i]], columns[names[j]], clusters, metric, groups, seed=seed)

    return _ranked(names, figures, drawn, difference, metric.direction, n, level)


def _ranked(
    names: list[str],
    figures: Array,
    drawn: Array,
    difference: Callable[[int, int], PairedDifference],
    better: Better,
    n: int,
    level: float,
) -> Ranks:
    k = len(names)
    if not np.isfinite(figures).all():
        lost = [name for name, one in zip(names, figures, strict=True) if not math.isfinite(one)]
        nothing = np.full((k, k), math.nan)
        return Ranks(tuple(names), figures, nothing, nothing[0], False, n, f"undefined for {', '.join(lost)}")
    order = np.argsort(figures if better == "lower" else -figures, kind="stable")
    kept = drawn[np.isfinite(drawn).all(axis=1)][:, order]
    note = (
        f"{len(drawn) - len(kept)} of {len(drawn)} resamples are undefined and left out"
        if len(kept) < len(drawn)
        else ""
    )
    ranks = _ranks(kept, better)
    # A rank shared by t methods stands for t places: each gets 1 / t of every one of them.
    tied = (kept[:, :, np.newaxis] == kept[:, np.newaxis, :]).sum(axis=2)
    first = ranks - (tied - 1) / 2
    places = np.arange(1, k + 1)
    holds = (places >= first[..., np.newaxis]) & (places < (first + tied)[..., np.newaxis])
    probability = (holds / tied[..., np.newaxis]).mean(axis=0) if len(kept) else np.full((k, k), math.nan)
    raw = np.array([math.nan, *(difference(int(order[0]), int(j)).p for j in order[1:])])
    p = holm(raw)
    clear = bool((p[1:] < 1 - level).all())
    note = "; ".join(filter(None, (note, too_few(n))))
    return Ranks(tuple(names[i] for i in order), figures[order], probability, p, clear, n, note)


def kendall_tau(x: ArrayLike, y: ArrayLike, level: float = 0.95) -> Association:
    """Kendall's tau-b of pairs, shape (n,) each, with a p-value and an interval over pairs.

    The p-value is scipy's: exact in small samples without ties, else normal. The interval is made as `pooled_interval` makes it.

    Raises:
        DataError: x and y are not of one length.
    """
    from scipy.stats import kendalltau

    a, b = np.asarray(x, dtype=np.float64).ravel(), np.asarray(y, dtype=np.float64).ravel()
    if a.size != b.size:
        raise DataError(f"{a.size} and {b.size} values", where="Kendall's tau", do="Give pairs")
    columns = {"x": a, "y": b}
    whole = _TAU(columns)
    if not whole.defined:
        return Association(
            math.nan, Interval.undefined(whole.reason, a.size, level), math.nan, "none", a.size, whole.reason
        )
    made = pooled_interval(columns, np.arange(a.size), _TAU, level=level)
    p = never_zero(float(kendalltau(a, b).pvalue))
    return Association(whole.value, made, p, "Kendall's tau-b", a.size)


def _tau(columns: Columns) -> Score:
    from scipy.stats import kendalltau

    x, y = columns["x"], columns["y"]
    if x.size < 2:
        return Score.undefined("fewer than 2 pairs")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Score.undefined("one of the two does not vary")
    return Score(float(kendalltau(x, y).statistic))


_TAU = Metric(
    name="kendall-tau",
    title="Kendall's tau-b",
    unit="1",
    direction="none",
    bounds=(-1.0, 1.0),
    definition="(C - D) / sqrt((C + D + T_x)(C + D + T_y))",
    pooling="rows",
    source="Kendall, Rank Correlation Methods (1970)",
    needs=("x", "y"),
    compute=_tau,
)


def _table(scores: ArrayLike) -> Array:
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2:
        raise DataError(
            f"scores have shape {table.shape}", where="ranks", do="Give one line a block, one column a method"
        )
    return table


def _ranks(table: Array, better: Better) -> Array:
    """Midranks along the last axis, 1 the best."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(table if better == "lower" else -table, axis=-1), dtype=np.float64)
