"""Tests of hypotheses: p-values, and their adjustment where there are several. A p-value is never 0.

Source          Wilcoxon, Biometrics Bulletin 1 (1945); Holm, Scand. J. Statist. 6 (1979); Benjamini and Yekutieli,
                Ann. Statist. 29 (2001), theorem 1.3; Phipson and Smyth, SAGMB 9 (2010), on p-values that are never 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.metrics.stats.draws import draws_of

Array = NDArray[np.float64]

MOST_ENUMERATED = 16


@dataclass(frozen=True)
class PValue:
    """A two-sided p-value in (0, 1], or `nan` and the reason in `note`."""

    p: float
    statistic: float
    method: str
    n: int
    note: str = ""


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
    for bits in draws_of(d.size, resamples, seed, below=2):
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
    p = never_zero(float(wilcoxon(kept).pvalue))
    return PValue(p, statistic, "Wilcoxon signed rank, scipy", kept.size, note)


def never_zero(p: float) -> float:
    """A p-value whose tail underflowed becomes the smallest number there is; rounding above 1 is cut."""
    return min(1.0, max(p, float(np.finfo(np.float64).tiny)))


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
