"""The AUROC's variance in closed form: DeLong's for independent rows, Obuchowski's for clusters of rows.

Symbols
    P, N        positive and negative rows;  theta the AUROC
    V10_i       share of negatives that positive i scores above, ties as one half;  V01_j share of positives above negative j
    T           midrank among all rows, T+ and T- among the positives and the negatives

Equations
    V10_i = (T_i - T+_i) / N          V01_j = 1 - (T_j - T-_j) / P          theta = mean V10 = mean V01
    DeLong      var = S10 / P + S01 / N,  S10 and S01 the (co)variances of V10 and V01 over rows
    Obuchowski  the same with sums within clusters: S10 = I10 / ((I10 - 1) P) sum_c (V10_c - P_c theta)^2, S01 likewise,
                and 2 S11 / (P N) more, S11 = I / (I - 1) sum_c (V10_c - P_c theta)(V01_c - N_c theta); I clusters in all, I10 and
                I01 with a positive and with a negative row.  With one row a cluster it is DeLong's.
    interval    logit theta -+ z se / (theta (1 - theta)), back from the logit: it stays within 0 and 1

Meaning     DeLong's treats rows as independent: with several rows a subject give `clusters`, or use the cluster bootstrap, which
            also serves other metrics and means over folds. Both are approximations for many subjects.
Source      DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988); midranks: Sun and Xu, IEEE Signal Process. Lett. 21 (2014),
            section III; Obuchowski, Biometrics 53 (1997), section 2; logit scale: Pepe (2003), section 5.2.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import DataError
from hilum.metrics.stats.bootstrap import number_labels
from hilum.metrics.stats.hypothesis_tests import never_zero
from hilum.metrics.stats.intervals import Interval, too_few
from hilum.metrics.stats.paired import PairedDifference

Array = NDArray[np.float64]

_INDEPENDENT = "rows are taken as independent"


def auroc_covariance(
    target: ArrayLike, scores: ArrayLike, clusters: ArrayLike | None = None
) -> tuple[Array, NDArray[np.float64]]:
    """AUROCs of methods on the same rows, shape (methods,), and their covariance, shape (methods, methods).

    Args:
        target: 1 for a positive row, 0 for a negative, shape (rows,).
        scores: One line a method, shape (methods, rows), or (rows,) of one.
        clusters: The subject of each row, shape (rows,): Obuchowski's variance; None takes rows as independent: DeLong's.

    Returns:
        `nan` in both where a class has fewer than 2 rows, or fewer than 2 clusters.

    Raises:
        DataError: shapes that do not fit, a target that is not 0 or 1, scores that are not finite.
    """
    from scipy.stats import rankdata

    y, s = np.asarray(target, dtype=np.float64).ravel(), np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if s.shape[1] != y.size or not np.isin(y, (0.0, 1.0)).all() or not np.isfinite(s).all():
        raise DataError(
            f"{y.size} targets and scores of shape {s.shape}",
            where="AUROC variance",
            do="Give targets of 0 and 1 and one finite score a row",
        )
    member = np.arange(y.size) if clusters is None else number_labels(clusters)[1]
    high = y == 1
    p, n = int(high.sum()), int((~high).sum())
    nowhere = np.full(len(s), math.nan), np.full((len(s), len(s)), math.nan)
    if min(p, n) < 2:
        return nowhere
    ranks = rankdata(s, axis=1)
    v10 = (ranks[:, high] - rankdata(s[:, high], axis=1)) / n
    v01 = 1 - (ranks[:, ~high] - rankdata(s[:, ~high], axis=1)) / p
    theta = v10.mean(axis=1)
    units = int(member.max()) + 1
    with_high, with_low = len(np.unique(member[high])), len(np.unique(member[~high]))
    if min(with_high, with_low) < 2:
        return nowhere
    away10 = np.stack(
        [np.bincount(member[high], weights=v - t, minlength=units) for v, t in zip(v10, theta, strict=True)]
    )
    away01 = np.stack(
        [np.bincount(member[~high], weights=v - t, minlength=units) for v, t in zip(v01, theta, strict=True)]
    )
    s10 = with_high / ((with_high - 1) * p) * away10 @ away10.T
    s01 = with_low / ((with_low - 1) * n) * away01 @ away01.T
    s11 = units / (units - 1) * away10 @ away01.T
    return theta, s10 / p + s01 / n + (s11 + s11.T) / (p * n)


def auroc_interval(
    target: ArrayLike, score: ArrayLike, clusters: ArrayLike | None = None, level: float = 0.95
) -> Interval:
    """The interval of an AUROC on the logit scale; arguments as in `auroc_covariance`, of one method."""
    from scipy.special import expit, logit, ndtri

    theta, covariance = auroc_covariance(target, score, clusters)
    figure, variance, n = float(theta[0]), float(covariance[0, 0]), _units(target, clusters)
    if clusters is not None and too_few(n):
        return Interval.undefined(too_few(n), n, level)
    if math.isnan(figure):
        return Interval.undefined("a class has fewer than 2 rows or subjects", n, level)
    if not 0 < figure < 1 or variance <= 0:
        return Interval.undefined(f"the AUROC is {figure:g}: no variance can be estimated", n, level)
    half = float(ndtri((1 + level) / 2)) * math.sqrt(variance) / (figure * (1 - figure))
    low, high = float(expit(logit(figure) - half)), float(expit(logit(figure) + half))
    if clusters is None:
        return Interval(low, high, level, "DeLong, logit scale", n, _INDEPENDENT)
    return Interval(low, high, level, "Obuchowski, logit scale", n)


def auroc_difference(
    target: ArrayLike, score_a: ArrayLike, score_b: ArrayLike, clusters: ArrayLike | None = None, level: float = 0.95
) -> PairedDifference:
    """The difference of two AUROCs on the same rows, with a normal interval and p-value; see `auroc_covariance`."""
    from scipy.special import ndtr, ndtri

    pair = np.stack([np.asarray(score_a, dtype=np.float64).ravel(), np.asarray(score_b, dtype=np.float64).ravel()])
    theta, covariance = auroc_covariance(target, pair, clusters)
    n = _units(target, clusters)
    name, note = ("DeLong", _INDEPENDENT) if clusters is None else ("Obuchowski", "")
    why = too_few(n) if clusters is not None else ""
    if math.isnan(theta[0]):
        why = "a class has fewer than 2 rows or subjects"
    mean = float(theta[0] - theta[1])
    if why:
        return PairedDifference(mean, Interval.undefined(why, n, level), math.nan, "none", n, why)
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    # Two methods that rank alike leave rounding only.
    if variance <= 1e-15:
        why = "the two methods differ in no comparison that varies"
        return PairedDifference(
            mean, Interval.undefined(why, n, level), 1.0 if abs(mean) < 1e-12 else math.nan, name, n, why
        )
    error = math.sqrt(variance)
    half = float(ndtri((1 + level) / 2)) * error
    interval = Interval(mean - half, mean + half, level, name, n, note)
    return PairedDifference(mean, interval, never_zero(2 * float(ndtr(-abs(mean) / error))), name, n, note)


def _units(target: ArrayLike, clusters: ArrayLike | None) -> int:
    return int(np.size(np.asarray(target))) if clusters is None else len(number_labels(clusters)[0])
