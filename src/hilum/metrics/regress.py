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
    max-error   max |e|
    mape        sum |e / y| / n                                                 a fraction, not per cent

Rows        One row of statistics is one unit (a subject, a fold). Sums add. Variances are not kept as sums of squares,
            which lose every digit when a mean is large (a weight in grams), but as a mean and a sum of products about
            that mean; rows pool by moment(all) = sum of moments + sum n_k (mean_k - mean)(mean_k - mean)', so r2 and
            pearson of pooled rows are those of all items together.
Undefined   A prediction that is not finite gives `nan` in every statistic; an item whose measured value is not finite
            has no truth and is not scored.
Left out    The median absolute error: no sum of per-unit statistics gives the median of all items.
Source      Definitions as in scikit-learn, sklearn.metrics; pooling: Chan, Golub and LeVeque, The American
            Statistician 37 (1983), eq. 2.1. Deviations: mape is undefined with a measured 0, r2 and pearson with
            values that do not vary, where scikit-learn returns a substitute.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import DataError
from hilum.core.metric import Columns, Metric, Score

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
