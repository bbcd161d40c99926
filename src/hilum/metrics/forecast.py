"""Forecast metrics: how far is a forecast position from where the point really was?

Symbols
    p_j(t), q_j(t)   true and forecast position of object j at scored sample t; in space (3,), else a number. mm
    e_j(t)           Euclidean error |q_j(t) - p_j(t)|, mm; the absolute error where an object is one channel
    n                scored pairs (j, t)
    m_j              mean of p_j over the scored samples of one unit
    dt               seconds per sample

Equations
    mae                 sum e / n                                                   mm
    rmse                sqrt(sum e^2 / n)                                           mm
    nrmse               sqrt(sum e^2) / sqrt(sum |p_j(t) - m_j|^2)                  1
    max-error           max e                                                       mm
    jitter              mean over j, t of |q_j(t + 1) - q_j(t)|                     mm per sample
    jitter-per-second   sum |q_j(t + 1) - q_j(t)| / sum dt                          mm/s
    within-Xmm          share of the n errors that are at most X mm, X = 2, 3, 5    1

Rows        One row of statistics is one unit, horizon and seed. Rows pool by adding their sums (max-error: by the
            largest), which equals scoring all their samples together, but for two things that stay within a unit: its
            mean m_j, so nrmse never rewards units that lie far apart, and its jumps, so no jump joins two recordings.
Undefined   A forecast that is not finite anywhere (an explosion) gives `nan` in every statistic: the caller counts it.
            A true position that is not finite is missing truth: that object is not scored at that sample.
Unit        mm throughout. Where channels are not positions (points = 0, e.g. weights of a component) read "the unit of
            the series" for mm; the shares within 2, 3 and 5 mm then mean little.
Source      Pohl et al., arXiv 2403.01607 (MAE, RMSE, nRMSE, maximum error, jitter); the mean in nRMSE is that of
            the scored samples. Deviations: jitter-per-second is ours, because jitter per sample cannot be compared
            between sampling rates, and so are the shares within a tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import DataError
from hilum.core.metric import Columns, Metric, Score

KIND = "forecast"

Array = NDArray[np.float64]

_SOURCE = "Pohl et al., arXiv 2403.01607"
_OURS = "hilum"


def statistics(
    target: ArrayLike,
    prediction: ArrayLike,
    *,
    points: int,
    seconds_per_sample: float,
    tolerances_mm: Sequence[float] = (2.0, 3.0, 5.0),
) -> dict[str, float]:
    """The additive statistics of one unit, horizon and seed.

    Args:
        target: True values, shape (samples, channels), mm. Consecutive samples, one interval apart.
        prediction: What was forecast for the same samples, same shape, mm.
        points: Points in space; the channels are then x1 ... xP y1 ... yP z1 ... zP. 0: every channel on its own.
        seconds_per_sample: The sampling interval, s.
        tolerances_mm: Errors up to which a forecast counts as within; each gives a column `within_<mm>`.

    Returns:
        n, sum_abs, sum_sq, max_error, sum_sq_truth, sum_jump, n_jump, seconds_per_sample and one within_<mm> a
        tolerance; all but seconds_per_sample `nan` where a forecast is not finite, or so large that its square is not.

    Raises:
        DataError: the shapes differ, or do not fit the points.
    """
    truth, forecast = _objects(target, points, "target"), _objects(prediction, points, "prediction")
    _same_samples(truth, forecast)
    scored: NDArray[np.bool_] = np.all(np.isfinite(truth), axis=2)
    with np.errstate(over="ignore", invalid="ignore"):
        errors = np.linalg.norm(forecast - truth, axis=2)[scored]
        jumps = np.linalg.norm(np.diff(forecast, axis=0), axis=2)
        found = {
            "n": float(errors.size),
            "sum_abs": float(errors.sum()),
            "sum_sq": float(np.square(errors).sum()),
            "max_error": float(errors.max(initial=0.0)),
            "sum_sq_truth": _spread(truth, scored),
            "sum_jump": float(jumps.sum()),
            "n_jump": float(jumps.size),
            **{f"within_{mm:g}": float(np.count_nonzero(errors <= mm)) for mm in tolerances_mm},
        }
    exploded = not (np.isfinite(forecast).all() and all(map(math.isfinite, found.values())))
    if exploded:
        found = dict.fromkeys(found, math.nan)
    return {**found, "seconds_per_sample": float(seconds_per_sample)}


def _same_samples(truth: Array, forecast: Array) -> None:
    if truth.shape != forecast.shape:
        raise DataError(
            f"target has {truth.shape[0]} samples of {truth.shape[1]} objects, prediction "
            f"{forecast.shape[0]} of {forecast.shape[1]}",
            where="forecast statistics",
            do="Pass both for the same samples and channels",
        )


def _objects(given: ArrayLike, points: int, name: str) -> Array:
    """(samples, channels) to (samples, objects, coordinates)."""
    values = np.asarray(given, dtype=np.float64)
    if values.ndim != 2 or points < 0 or (points > 0 and values.shape[1] != 3 * points):
        wanted = f"(samples, {3 * points})" if points > 0 else "(samples, channels)"
        raise DataError(
            f"{name} has shape {values.shape} where {points} points need {wanted}",
            where="forecast statistics",
            do="Order the channels x1 ... xP y1 ... yP z1 ... zP, or pass points=0",
        )
    if points == 0:
        return values[:, :, np.newaxis]
    return values.reshape(len(values), 3, points).transpose(0, 2, 1)


def _spread(truth: Array, scored: NDArray[np.bool_]) -> float:
    """Sum over objects and scored samples of the squared distance from the object's own mean, mm^2."""
    total = 0.0
    for j in range(truth.shape[1]):
        path = truth[scored[:, j], j]
        if len(path):
            # Distances from the first sample are small and, for a point at rest, exactly 0: no spread out of rounding.
            moved = path - path[0]
            total += float(np.square(moved - moved.mean(axis=0)).sum())
    return total


def _mae(columns: Columns) -> Score:
    return _ratio(columns["sum_abs"].sum(), columns["n"].sum(), "no sample was scored")


def _rmse(columns: Columns) -> Score:
    return _root(_ratio(columns["sum_sq"].sum(), columns["n"].sum(), "no sample was scored"))


def _nrmse(columns: Columns) -> Score:
    return _root(_ratio(columns["sum_sq"].sum(), columns["sum_sq_truth"].sum(), "the truth does not vary"))


def _max_error(columns: Columns) -> Score:
    if columns["n"].sum() == 0:
        return Score.undefined("no sample was scored")
    return Score(float(columns["max_error"].max()))


def _jitter(columns: Columns) -> Score:
    interval = columns["seconds_per_sample"]
    if not np.allclose(interval, interval[0], rtol=1e-6, atol=0.0):
        return Score.undefined("rows of several sampling rates: jitter per sample cannot be compared")
    return _ratio(columns["sum_jump"].sum(), columns["n_jump"].sum(), "one sample makes no jump")


def _jitter_per_second(columns: Columns) -> Score:
    seconds = columns["n_jump"] * columns["seconds_per_sample"]
    return _ratio(columns["sum_jump"].sum(), seconds.sum(), "one sample makes no jump")


def _within_2(columns: Columns) -> Score:
    return _ratio(columns["within_2"].sum(), columns["n"].sum(), "no sample was scored")


def _within_3(columns: Columns) -> Score:
    return _ratio(columns["within_3"].sum(), columns["n"].sum(), "no sample was scored")


def _within_5(columns: Columns) -> Score:
    return _ratio(columns["within_5"].sum(), columns["n"].sum(), "no sample was scored")


def _ratio(above: float, below: float, reason: str) -> Score:
    return Score(float(above / below)) if below > 0 else Score.undefined(reason)


def _root(score: Score) -> Score:
    return Score(math.sqrt(score.value)) if score.defined else score


def _share(mm: Literal[2, 3, 5]) -> Metric:
    compute = {2: _within_2, 3: _within_3, 5: _within_5}[mm]
    return Metric(
        name=f"within-{mm}mm",
        title=f"Within {mm} mm",
        unit="1",
        direction="higher",
        bounds=(0.0, 1.0),
        definition=f"share of errors of at most {mm} mm",
        pooling="sums",
        source=_OURS,
        needs=("n", f"within_{mm}"),
        compute=compute,
    )


METRICS: tuple[Metric, ...] = (
    Metric(
        name="mae",
        title="MAE",
        unit="mm",
        direction="lower",
        bounds=(0.0, math.inf),
        definition="mean Euclidean error",
        pooling="sums",
        source=_SOURCE,
        needs=("n", "sum_abs"),
        compute=_mae,
    ),
    Metric(
        name="rmse",
        title="RMSE",
        unit="mm",
        direction="lower",
        bounds=(0.0, math.inf),
        definition="root of the mean squared Euclidean error",
        pooling="sums",
        source=_SOURCE,
        needs=("n", "sum_sq"),
        compute=_rmse,
    ),
    Metric(
        name="nrmse",
        title="nRMSE",
        unit="1",
        direction="lower",
        bounds=(0.0, math.inf),
        definition="root of: summed squared error / summed squared distance of the truth from its own mean",
        pooling="sums",
        source=_SOURCE,
        needs=("sum_sq", "sum_sq_truth"),
        compute=_nrmse,
    ),
    Metric(
        name="max-error",
        title="Maximum error",
        unit="mm",
        direction="lower",
        bounds=(0.0, math.inf),
        definition="largest Euclidean error of any object at any scored sample",
        pooling="maximum",
        source=_SOURCE,
        needs=("n", "max_error"),
        compute=_max_error,
    ),
    Metric(
        name="jitter",
        title="Jitter",
        unit="mm per sample",
        direction="lower",
        bounds=(0.0, math.inf),
        definition="mean distance between successive forecasts; compare within one sampling rate only",
        pooling="sums of rows of one sampling rate",
        source=_SOURCE,
        needs=("sum_jump", "n_jump", "seconds_per_sample"),
        compute=_jitter,
    ),
    Metric(
        name="jitter-per-second",
        title="Jitter per second",
        unit="mm/s",
        direction="lower",
        bounds=(0.0, math.inf),
        definition="length of the forecast path / time",
        pooling="sums over time",
        source=_OURS,
        needs=("sum_jump", "n_jump", "seconds_per_sample"),
        compute=_jitter_per_second,
    ),
    _share(2),
    _share(3),
    _share(5),
)
