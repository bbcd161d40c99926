"""What the curves share: rows of two classes, and a pointwise band over subjects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import DataError
from hilum.metrics.stats.bootstrap import number_labels
from hilum.metrics.stats.draws import counts_of, draws_of
from hilum.metrics.stats.intervals import too_few

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """A pointwise band of a curve over subjects.

    Attributes:
        x: Where it stands, shape (points,).
        low: Lower end at each point; `nan` where it is undefined in more than 5 % of the resamples.
        high: Upper end.
        level: Nominal pointwise coverage.
        n: Subjects.
    """

    x: Array
    low: Array
    high: Array
    level: float
    n: int


def two_classes(target: ArrayLike, score: ArrayLike, *, probability: bool) -> tuple[Array, Array]:
    """Targets and scores of the same rows, checked.

    Raises:
        DataError: shapes that differ, no rows, a target that is not 0 or 1, scores that are not finite or, where they are asked
            for, not probabilities.
    """
    y, p = np.asarray(target, dtype=np.float64).ravel(), np.asarray(score, dtype=np.float64).ravel()
    why = ""
    if y.size != p.size or not y.size:
        why = f"{y.size} targets and {p.size} scores"
    elif not np.isin(y, (0.0, 1.0)).all():
        why = f"target {y[~np.isin(y, (0.0, 1.0))][0]:g} is neither 0 nor 1"
    elif not np.isfinite(p).all():
        why = f"{int((~np.isfinite(p)).sum())} scores are not finite"
    elif probability and ((p < 0) | (p > 1)).any():
        why = f"{p[(p < 0) | (p > 1)][0]:g} is not a probability"
    if why:
        raise DataError(why, where="curve", do="Give one target of 0 or 1 and one score a row")
    return y, p


def band_over(
    clusters: ArrayLike | None,
    rows: int,
    x: Array,
    curve: Callable[[Array], Array],
    *,
    resamples: int,
    seed: int,
    level: float,
) -> tuple[Band | None, str]:
    """A band from a curve of weighted rows, and why there is none.

    Args:
        clusters: The subject of each row; None for no band.
        rows: How many rows there are.
        x: Points of the curve.
        curve: Weights of the rows, shape (rows,), to the curve at x, shape (points,).
        resamples: How often subjects are drawn.
        seed: Seed of the draw.
        level: Pointwise coverage.

    Raises:
        DataError: not one cluster a row.
    """
    if clusters is None:
        return None, ""
    names, member = number_labels(clusters)
    if len(member) != rows:
        raise DataError(f"{len(member)} clusters, {rows} rows", where="curve", do="Give one cluster a row")
    n = len(names)
    if too_few(n):
        return None, too_few(n)
    curves = np.stack(
        [curve(count[member].astype(np.float64)) for d in draws_of(n, resamples, seed) for count in counts_of(d)]
    )
    lost = np.isnan(curves)
    kept = np.where(lost, np.inf, curves)
    # Undefined resamples are left out: sorted to the end, the quantile is read among the others.
    kept.sort(axis=0)
    found = (~lost).sum(axis=0)
    low, high = (_quantile(kept, found, (1 + side * level) / 2) for side in (-1, 1))
    few = found < 0.95 * resamples
    return Band(x, np.where(few, np.nan, low), np.where(few, np.nan, high), level, n), ""


def _quantile(ordered: Array, found: NDArray[np.intp], share: float) -> Array:
    """The quantile of the first `found` of each column, linear between neighbours."""
    place = share * np.maximum(found - 1, 0)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, np.maximum(found - 1, 0))
    column = np.arange(ordered.shape[1])
    a, b = ordered[below, column], ordered[above, column]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(found > 0, a + (place - below) * (b - a), np.nan), dtype=np.float64)
