"""Calibration curve: of those to whom a risk of p was given, which share had the event? Smooth, and in bins of equal mass.

Symbols
    L               logit p, p held within 1e-6 and 1 - 1e-6
    t_1 ... t_k     knots: k = 4 at the 5, 35, 65 and 95 % quantiles of L; k = 3 at 10, 50 and 90 % where a class has under 100 rows
    s_j(L)          restricted cubic spline: (L - t_j)+^3 - (L - t_k-1)+^3 (t_k - t_j) / (t_k - t_k-1)
                    + (L - t_k)+^3 (t_k-1 - t_j) / (t_k - t_k-1), over (t_k - t_1)^2; straight beyond the outer knots

Equation        logit P(y = 1) = a + b L + sum_j c_j s_j(L), j = 1 ... k - 2, by maximum likelihood. It stays within 0 and 1,
                and a straight logit line is one of its forms, so a calibrated model is not bent by the method.
Where knots coincide (few distinct p) the line alone is fitted; where that has no finite maximum there is no curve, and a reason.
Source          Harrell, Regression Modeling Strategies (2015), section 2.4.5 and table 2.3: splines and knots; Van Calster et al.,
                J. Clin. Epidemiol. 74 (2016): flexible calibration curves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.metrics._logistic import expit, fit_logistic, logit_of
from hilum.metrics._resample import sum_in_clusters
from hilum.metrics.calibration import BINS, LOGIT_LIMIT, mass_bins
from hilum.metrics.curves.bands import Band, band_over, two_classes

Array = NDArray[np.float64]

POINTS = 101
_KNOTS = {3: (0.10, 0.50, 0.90), 4: (0.05, 0.35, 0.65, 0.95)}


@dataclass(frozen=True)
class CalibrationBins:
    """Rows in bins of equal mass; rows with equal probabilities share a bin, so bins can be fewer than asked for.

    Attributes:
        predicted: Mean probability of each bin, ascending, shape (bins,).
        observed: Share of events.
        count: Rows.
        events: Events.
    """

    predicted: Array
    observed: Array
    count: NDArray[np.int64]
    events: NDArray[np.int64]


@dataclass(frozen=True)
class CalibrationCurve:
    """A calibration curve.

    Attributes:
        predicted: Probabilities, evenly between the smallest and the largest of the rows, shape (points,).
        observed: The smooth share of events there; `nan` where there is no curve.
        bins: The same in bins.
        band: Of the smooth curve, over subjects; None without subjects.
        note: Why there is no curve, or no band.
    """

    predicted: Array
    observed: Array
    bins: CalibrationBins
    band: Band | None = None
    note: str = ""


def calibration_curve(
    target: ArrayLike,
    probability: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    bins: int = BINS,
    resamples: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> CalibrationCurve:
    """The calibration curve of probabilities.

    Args:
        target: 0 or 1, shape (rows,).
        probability: Of class 1, shape (rows,).
        clusters: The subject of each row, shape (rows,), for a band.
        bins: Bins of equal mass.
        resamples: Draws of subjects for the band.
        seed: Their seed.
        level: Pointwise coverage of the band.

    Raises:
        DataError: malformed rows, see `two_classes`.
    """
    y, p = two_classes(target, probability, probability=True)
    table = calibration_bins(y, p, bins)
    x = np.linspace(float(p.min()), float(p.max()), POINTS)
    if len(np.unique(y)) < 2 or float(np.ptp(p)) == 0:
        why = "all rows are of one class" if len(np.unique(y)) < 2 else "the predictions do not vary"
        return CalibrationCurve(x, np.full(POINTS, np.nan), table, None, why)
    # Rows with equal p are one row with a weight: exact, and far fewer of a forest.
    values, row = np.unique(p, return_inverse=True)
    logits, at = logit_of(values, LOGIT_LIMIT), logit_of(x, LOGIT_LIMIT)
    knots = knots_for(logit_of(p, LOGIT_LIMIT), fewest=int(min(y.sum(), len(y) - y.sum())))
    design, design_at = spline_design(logits, knots), spline_design(at, knots)

    def fit(weights: Array, start: Array | None = None) -> Array | None:
        total, events = sum_in_clusters([weights, weights * y], row, len(values)).T
        return fit_logistic(design, events, trials=total, start=start)

    whole = fit(np.ones(len(y)))
    if whole is None:
        return CalibrationCurve(x, np.full(POINTS, np.nan), table, None, "no finite fit")

    def smooth(weights: Array) -> Array:
        beta = fit(weights, whole)
        return np.full(POINTS, np.nan) if beta is None else expit(design_at @ beta)

    band, note = band_over(clusters, len(y), x, smooth, resamples=resamples, seed=seed, level=level)
    return CalibrationCurve(x, expit(design_at @ whole), table, band, note)


def calibration_bins(target: Array, probability: Array, bins: int = BINS) -> CalibrationBins:
    """Rows in bins of equal mass: see `mass_bins`; arguments of shape (rows,)."""
    place = np.unique(mass_bins(probability, bins), return_inverse=True)[1]
    count = np.bincount(place)
    events = np.bincount(place, weights=target)
    predicted = np.bincount(place, weights=probability) / count
    return CalibrationBins(predicted, events / count, count.astype(np.int64), events.astype(np.int64))


def knots_for(logits: Array, fewest: int) -> Array:
    """Knots at quantiles of the logits, shape (k,); none where two coincide or values are few. `fewest` rows are of the rarer class."""
    knots = np.quantile(logits, _KNOTS[4 if fewest >= 100 else 3])
    apart = float(np.diff(knots).min()) > 1e-6 * float(np.ptp(logits))
    return knots if apart and len(np.unique(logits)) > len(knots) else np.empty(0)


def spline_design(x: Array, knots: Array) -> Array:
    """Columns 1, x and the restricted cubic splines of x, shape (rows, knots), or (rows, 2) without knots."""
    columns = [np.ones(len(x)), x]
    if len(knots):
        *inner, before, last = knots.tolist()
        for t in inner:
            cubes = [np.maximum(x - knot, 0.0) ** 3 for knot in (t, before, last)]
            bent = cubes[0] - cubes[1] * (last - t) / (last - before) + cubes[2] * (before - t) / (last - before)
            columns.append(bent / (last - knots[0]) ** 2)
    return np.stack(columns, axis=1)
