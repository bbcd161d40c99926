"""Regression metrics: how far is a predicted quantity from the measured one?

Symbols
    y_i, f_i   measured and predicted value of item i, in the unit of the target
    e_i        f_i - y_i
    n          items
    Y, F       means of y and f over all n items

Equations
    mae         sum |e| / n
    mse         sum e^2 / n
    rmse        sqrt(mse)
    r2          1 - sum e^2 / sum (y - Y)^2
    bias        sum e / n                                                       positive: predicted too high
    pearson     sum (y - Y)(f - F) / sqrt(sum (y - Y)^2 sum (f - F)^2)
    concordance 2 sum (y - Y)(f - F) / (sum (y - Y)^2 + sum (f - F)^2 + n (Y - F)^2)
    calibration-slope      sum (y - Y)(f - F) / sum (f - F)^2: of a line of y on f; below 1: predictions too spread out
    calibration-intercept  Y - slope F, in the unit of the target
    max-error   max |e|
    mape        sum |e / y| / n                                                 a fraction, not per cent

Rows        One row of statistics is one unit (a subject, a fold). Sums add. Variances are not kept as sums of squares,
            which lose every digit when a mean is large (a weight in grams), but as a mean and a sum of products about
            that mean; rows pool by moment(all) = sum of moments + sum n_k (mean_k - mean)(mean_k - mean)', so r2 and
            pearson of pooled rows are those of all items together.
Undefined   A prediction that is not finite gives `nan` in every statistic; an item whose measured value is not finite
            has no truth and is not scored.
Left out    The median absolute error and Spearman's correlation: no sums of per-unit statistics give the median or the ranks of
            all items. The symmetric MAPE: its value depends on the sign of the error, and it is 2 wherever the truth is 0.
Source      Definitions as in scikit-learn, sklearn.metrics; pooling: Chan, Golub and LeVeque, The American
            Statistician 37 (1983), eq. 2.1; concordance: Lin, Biometrics 45 (1989), eq. 1, here with n instead of n - 1
            throughout, which cancels. Deviations: mape is undefined with a measured 0, r2 and pearson with
            values that do not vary, where scikit-learn returns a substitute.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import DataError
from hilum.core.metric import Columns, Metric, Resampler, Score
from hilum.metrics._resample import ratio, sum_in_clusters
from hilum.metrics.stats.bootstrap import number_labels

KIND = "regress"

Array = NDArray[np.float64]

_SOURCE = "as in scikit-learn, sklearn.metrics"
_UNIT = "unit of the target"


def statistics(target: ArrayLike, prediction: ArrayLike) -> dict[str, float]:
    """The poolable statistics of one unit.

    Args:
        target: Measured values, shape (items,), in the unit of the target.
        prediction: Predicted values of the same items, same shape and unit.

    Returns:
        n; the sums sum_error, sum_abs, sum_sq and sum_relative (of |e / y| where y is not 0), the count n_zero of
        measured zeros, max_error, mean_target, mean_prediction and the moments about these means moment_target,
        moment_prediction and moment_both. All `nan` where a prediction, or the square of an error, is not finite.

    Raises:
        DataError: the shapes differ or are not (items,).
    """
    measured, predicted = _same_items(target, prediction)
    exploded = not np.isfinite(predicted).all()
    scored = np.isfinite(measured)
    y, f = measured[scored], predicted[scored]
    with np.errstate(over="ignore", invalid="ignore"):
        error = f - y
        mean_y, from_y = _about_mean(y)
        mean_f, from_f = _about_mean(f)
        found = {
            "n": float(y.size),
            "sum_error": float(error.sum()),
            "sum_abs": float(np.abs(error).sum()),
            "sum_sq": float(np.square(error).sum()),
            "sum_relative": float(np.abs(error[y != 0] / y[y != 0]).sum()),
            "n_zero": float(np.count_nonzero(y == 0)),
            "max_error": float(np.abs(error).max(initial=0.0)),
            "mean_target": mean_y,
            "mean_prediction": mean_f,
            "moment_target": float(from_y @ from_y),
            "moment_prediction": float(from_f @ from_f),
            "moment_both": float(from_y @ from_f),
        }
    if exploded or not all(map(math.isfinite, found.values())):
        return dict.fromkeys(found, math.nan)
    return found


def statistics_by(groups: ArrayLike, target: ArrayLike, prediction: ArrayLike) -> dict[str, Array]:
    """The poolable statistics of many units at once: `statistics`, one entry a unit, in the sorted order of their labels.

    Args:
        groups: The unit of each item, shape (items,): ids of any sortable type.
        target: Measured values, shape (items,), in the unit of the target.
        prediction: Predicted values of the same items, same shape and unit.

    Returns:
        The names of `statistics`, each of shape (units,); unit k is the k-th of the distinct labels in ascending order.

    Raises:
        DataError: the shapes differ or are not (items,).
    """
    measured, predicted = _same_items(target, prediction)
    labels, unit = number_labels(groups)
    if len(unit) != len(measured):
        raise DataError(
            f"{len(unit)} units, {len(measured)} items", where="regression statistics", do="Pass one unit an item"
        )
    units = len(labels)
    scored = np.isfinite(measured)
    exploded = np.bincount(unit[~np.isfinite(predicted)], minlength=units) > 0
    y, f, k = measured[scored], predicted[scored], unit[scored]

    def total(values: Array) -> Array:
        return np.bincount(k, weights=values, minlength=units).astype(np.float64)

    n = total(np.ones(len(k)))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        error = f - y
        largest = np.zeros(units)
        np.maximum.at(largest, k, np.abs(error))
        mean_y, from_y = _about_means(y, k, n)
        mean_f, from_f = _about_means(f, k, n)
        found = {
            "n": n,
            "sum_error": total(error),
            "sum_abs": total(np.abs(error)),
            "sum_sq": total(np.square(error)),
            "sum_relative": total(np.where(y != 0, np.abs(error / np.where(y != 0, y, 1.0)), 0.0)),
            "n_zero": total((y == 0).astype(np.float64)),
            "max_error": largest,
            "mean_target": mean_y,
            "mean_prediction": mean_f,
            "moment_target": total(from_y * from_y),
            "moment_prediction": total(from_f * from_f),
            "moment_both": total(from_y * from_f),
        }
    lost = exploded | ~np.all([np.isfinite(column) for column in found.values()], axis=0)
    return {name: np.where(lost, math.nan, column) for name, column in found.items()}


def _about_means(values: Array, unit: NDArray[np.intp], n: Array) -> tuple[Array, Array]:
    """`_about_mean` of every unit at once: means, shape (units,), and distances from them, shape (items,)."""
    first = np.zeros(len(n))
    # Written backwards, so that the first value of a unit stays.
    first[unit[::-1]] = values[::-1]
    moved = values - first[unit]
    mean = np.bincount(unit, weights=moved, minlength=len(n)) / np.maximum(n, 1.0)
    return first + mean, moved - mean[unit]


def _same_items(target: ArrayLike, prediction: ArrayLike) -> tuple[Array, Array]:
    measured, predicted = np.asarray(target, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    if measured.ndim != 1 or measured.shape != predicted.shape:
        raise DataError(
            f"target has shape {measured.shape}, prediction {predicted.shape}",
            where="regression statistics",
            do="Pass one value an item in both, in the same order",
        )
    return measured, predicted


def _about_mean(values: Array) -> tuple[float, Array]:
    """The mean, and the distances from it, exactly 0 where all values are equal."""
    if not values.size:
        return 0.0, values
    moved = values - values[0]
    return float(values[0] + moved.mean()), moved - moved.mean()


def _moments(columns: Columns) -> tuple[float, float, float]:
    """Sums of (y - Y)^2, (f - F)^2 and (y - Y)(f - F) over all items of all rows."""
    weight = columns["n"] / columns["n"].sum()
    y = columns["mean_target"] - columns["mean_target"][0]
    f = columns["mean_prediction"] - columns["mean_prediction"][0]
    y, f = y - weight @ y, f - weight @ f
    n = columns["n"]
    return (
        float(columns["moment_target"].sum() + n @ (y * y)),
        float(columns["moment_prediction"].sum() + n @ (f * f)),
        float(columns["moment_both"].sum() + n @ (y * f)),
    )


def _mean_of(column: str, columns: Columns) -> Score:
    n = columns["n"].sum()
    return Score(float(columns[column].sum() / n)) if n > 0 else Score.undefined("no item was scored")


def _mae(columns: Columns) -> Score:
    return _mean_of("sum_abs", columns)


def _mse(columns: Columns) -> Score:
    return _mean_of("sum_sq", columns)


def _rmse(columns: Columns) -> Score:
    mse = _mse(columns)
    return Score(math.sqrt(mse.value)) if mse.defined else mse


def _bias(columns: Columns) -> Score:
    return _mean_of("sum_error", columns)


def _mape(columns: Columns) -> Score:
    zeros = int(columns["n_zero"].sum())
    if zeros:
        return Score.undefined(f"{zeros} measured values are 0: no relative error")
    return _mean_of("sum_relative", columns)


def _max_error(columns: Columns) -> Score:
    if columns["n"].sum() == 0:
        return Score.undefined("no item was scored")
    return Score(float(columns["max_error"].max()))


def _r2(columns: Columns) -> Score:
    if columns["n"].sum() < 2:
        return Score.undefined("fewer than 2 items")
    spread = _moments(columns)[0]
    if spread <= 0:
        return Score.undefined("the measured values do not vary")
    return Score(1.0 - float(columns["sum_sq"].sum()) / spread)


def _pearson(columns: Columns) -> Score:
    if columns["n"].sum() < 2:
        return Score.undefined("fewer than 2 items")
    target, prediction, both = _moments(columns)
    if target <= 0:
        return Score.undefined("the measured values do not vary")
    if prediction <= 0:
        return Score.undefined("the predictions do not vary")
    # Two roots rather than the root of a product, which could overflow; rounding may step over 1.
    return Score(min(1.0, max(-1.0, both / math.sqrt(target) / math.sqrt(prediction))))


def _concordance(columns: Columns) -> Score:
    if columns["n"].sum() < 2:
        return Score.undefined("fewer than 2 items")
    n = columns["n"]
    target, prediction, both = _moments(columns)
    apart = float(n @ (columns["mean_target"] - columns["mean_prediction"])) / float(n.sum())
    spread = target + prediction + float(n.sum()) * apart * apart
    if target <= 0 and prediction <= 0:
        return Score.undefined("neither the measured values nor the predictions vary")
    return Score(min(1.0, max(-1.0, 2 * both / spread)))


def _slope(columns: Columns) -> Score:
    if columns["n"].sum() < 2:
        return Score.undefined("fewer than 2 items")
    _, prediction, both = _moments(columns)
    return Score(both / prediction) if prediction > 0 else Score.undefined("the predictions do not vary")


def _intercept(columns: Columns) -> Score:
    slope = _slope(columns)
    if not slope.defined:
        return slope
    share = columns["n"] / columns["n"].sum()
    return Score(float(share @ columns["mean_target"]) - slope.value * float(share @ columns["mean_prediction"]))


# The same figures of many resamples at once: sums about one common centre, so that a large mean costs no digits.


def _by_sums(figure: Callable[[Array, Array, Array, Array, Array, Array, Array], Array]) -> Resampler:
    """A resampler from a figure of n, Y, F, the three moments and the sum of squared errors of every resample."""

    def resample(columns: Columns, member: NDArray[np.intp], counts: NDArray[np.int64]) -> Array:
        n = columns["n"]
        centre_y = float(n @ columns["mean_target"]) / max(float(n.sum()), 1.0)
        centre_f = float(n @ columns["mean_prediction"]) / max(float(n.sum()), 1.0)
        y, f = columns["mean_target"] - centre_y, columns["mean_prediction"] - centre_f
        terms = [
            n,
            n * y,
            n * f,
            columns["moment_target"] + n * y * y,
            columns["moment_prediction"] + n * f * f,
            columns["moment_both"] + n * y * f,
            columns.get("sum_sq", n),
        ]
        rows, sum_y, sum_f, yy, ff, yf, square = (
            counts.astype(np.float64) @ sum_in_clusters(terms, member, counts.shape[1])
        ).T
        mean_y, mean_f = ratio(sum_y, rows), ratio(sum_f, rows)
        # What rounding leaves of a moment that is 0 on paper is taken for 0.
        moments = [yy - rows * mean_y**2, ff - rows * mean_f**2, yf - rows * mean_y * mean_f]
        for place, all_of_it in ((0, yy), (1, ff)):
            moments[place] = np.where(moments[place] > 1e-12 * all_of_it, moments[place], 0.0)
        found = figure(rows, mean_y + centre_y, mean_f + centre_f, moments[0], moments[1], moments[2], square)
        return np.where(rows >= 2, found, math.nan)

    return resample


def _many_r2(n: Array, Y: Array, F: Array, yy: Array, ff: Array, yf: Array, square: Array) -> Array:
    return 1.0 - ratio(square, yy)


def _many_pearson(n: Array, Y: Array, F: Array, yy: Array, ff: Array, yf: Array, square: Array) -> Array:
    return np.clip(ratio(yf, np.sqrt(yy) * np.sqrt(ff)), -1.0, 1.0)


def _many_concordance(n: Array, Y: Array, F: Array, yy: Array, ff: Array, yf: Array, square: Array) -> Array:
    found = np.clip(ratio(2 * yf, yy + ff + n * np.square(Y - F)), -1.0, 1.0)
    return np.where((yy > 0) | (ff > 0), found, math.nan)


def _many_slope(n: Array, Y: Array, F: Array, yy: Array, ff: Array, yf: Array, square: Array) -> Array:
    return ratio(yf, ff)


def _many_intercept(n: Array, Y: Array, F: Array, yy: Array, ff: Array, yf: Array, square: Array) -> Array:
    return Y - ratio(yf, ff) * F


_MOMENTS = ("n", "mean_target", "mean_prediction", "moment_target", "moment_prediction", "moment_both")

METRICS: tuple[Metric, ...] = (
    Metric(
        name="mae",
        title="MAE",
        unit=_UNIT,
        direction="lower",
        bounds=(0.0, math.inf),
        definition="mean absolute error",
        pooling="sums",
        source=_SOURCE,
        needs=("n", "sum_abs"),
        compute=_mae,
    ),
    Metric(
        name="rmse",
        title="RMSE",
        unit=_UNIT,
        direction="lower",
        bounds=(0.0, math.inf),
        definition="root of the mean squared error",
        pooling="sums",
        source=_SOURCE,
        needs=("n", "sum_sq"),
        compute=_rmse,
    ),
    Metric(
        name="mse",
        title="MSE",
        unit=f"{_UNIT}, squared",
        direction="lower",
        bounds=(0.0, math.inf),
        definition="mean squared error",
        pooling="sums",
        source=_SOURCE,
        needs=("n", "sum_sq"),
        compute=_mse,
    ),
    Metric(
        name="r2",
        title="R2",
        unit="1",
        direction="higher",
        bounds=(-math.inf, 1.0),
        definition="1 - summed squared error / summed squared distance of the measured values from their mean",
        pooling="moments",
        source=_SOURCE,
        needs=("sum_sq", *_MOMENTS),
        compute=_r2,
        resample=_by_sums(_many_r2),
    ),
    Metric(
        name="bias",
        title="Bias",
        unit=_UNIT,
        direction="none",
        bounds=(-math.inf, math.inf),
        definition="mean of predicted - measured",
        pooling="sums",
        source="Bland and Altman, Lancet 1986",
        needs=("n", "sum_error"),
        compute=_bias,
    ),
    Metric(
        name="pearson",
        title="Pearson r",
        unit="1",
        direction="higher",
        bounds=(-1.0, 1.0),
        definition="covariance of measured and predicted / product of their standard deviations",
        pooling="moments",
        source="Pearson, Proc. R. Soc. 1895",
        needs=_MOMENTS,
        compute=_pearson,
        resample=_by_sums(_many_pearson),
    ),
    Metric(
        name="concordance",
        title="Lin's concordance",
        unit="1",
        direction="higher",
        bounds=(-1.0, 1.0),
        definition="agreement with the line of identity: 2 covariance / (both variances + squared difference of the means)",
        pooling="moments",
        source="Lin, Biometrics 45 (1989), eq. 1",
        needs=_MOMENTS,
        compute=_concordance,
        resample=_by_sums(_many_concordance),
    ),
    Metric(
        name="calibration-slope",
        title="Calibration slope",
        unit="1",
        direction="none",
        bounds=(-math.inf, math.inf),
        definition="slope of a straight line of measured on predicted; 1 is ideal, below 1 predictions are too spread out",
        pooling="moments",
        source="Steyerberg, Clinical Prediction Models (2019), section 15.1",
        needs=_MOMENTS,
        compute=_slope,
        resample=_by_sums(_many_slope),
    ),
    Metric(
        name="calibration-intercept",
        title="Calibration intercept",
        unit=_UNIT,
        direction="none",
        bounds=(-math.inf, math.inf),
        definition="intercept of that line; 0 is ideal where the slope is 1",
        pooling="moments",
        source="Steyerberg, Clinical Prediction Models (2019), section 15.1",
        needs=_MOMENTS,
        compute=_intercept,
        resample=_by_sums(_many_intercept),
    ),
    Metric(
        name="max-error",
        title="Maximum error",
        unit=_UNIT,
        direction="lower",
        bounds=(0.0, math.inf),
        definition="largest absolute error of any item",
        pooling="maximum",
        source=_SOURCE,
        needs=("n", "max_error"),
        compute=_max_error,
    ),
    Metric(
        name="mape",
        title="MAPE",
        unit="1",
        direction="lower",
        bounds=(0.0, math.inf),
        definition="mean of absolute error / absolute measured value",
        pooling="sums",
        source=_SOURCE,
        needs=("n", "n_zero", "sum_relative"),
        compute=_mape,
    ),
)
