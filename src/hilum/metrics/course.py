"""The course of a stay: what will happen, how early that is said, and how many days are left.

Columns, one row a record (a day of a stay); what is constant in a fold is set on its train part
    target       1 where the stay ends in the event (death), else 0
    p:1          predicted probability of it; called positive where p:1 > 0.5
    beside       L    remaining days, measured, >= 0
    number       L^   remaining days, predicted; absent where a model answers the outcome alone
    threshold    T    days, > 0: from here on to the end it is late to say so
    longest      M    days, > T: of stays beyond it no length is asked for
    who               a number that stands for the subject

Equations
    es             max(-1, sum s / sum s*)         late = min(L / T, 1)
                   s = late where a positive is called, late - 1 where it is missed; -0.1 a false alarm, 0 a true negative
                   s* = late of a positive, 0 of a negative: the score of the perfect call
    es-patient     mean over subjects with a positive record of sum s / sum s* held within -1 and 1; a false alarm costs nothing
    osmae          sum w d / n, days               w = 1 where L <= T, else max(0, (M - L) / (M - T))
                   d = |L^ - L| where the right outcome is called, else max(0, M - L^) + max(0, M - L)
    accuracy-above-half            share of rows called rightly; `accuracy` calls p = 0.5 positive too, which a leaf of two records may say
    number-mae     sum |L^ - L| / n                number-mse, number-rmse  of (L^ - L)^2, and its root
    number-r2      1 - sum (L^ - L)^2 / sum (L - mean L)^2

Pooling     es is a ratio of sums: of the rows of a fold where a claim asks for folds, else of all rows, each with its fold's T.
Undefined   No positive record with L > 0: there is nothing to gain, and es and es-patient are `nan`. A subject of whom that holds is
            left out of es-patient. L that does not vary: r2 is `nan`.
Not comparable   es and es-patient: another false alarm, another mean. A perfect outcome with a constant L^ has a low osmae: it is
            mostly about outcomes.
Source      Gao et al., A comprehensive benchmark for COVID-19 predictive modeling, Patterns 5 (2024): es and osmae, as in its code
            (pyehr, metrics/es.py and metrics/osmae.py); es-patient: the same authors' earlier definition (arXiv 2209.07805).
            Deviations: where nothing can be gained their es is 0. What they do with such a subject in es-patient is not stated.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hilum.core.metric import Columns, Direction, Metric
from hilum.metrics import _classes as classes
from hilum.metrics._resample import Additive, ratio, sum_in_clusters

KIND = "classify"

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

FALSE_ALARM = -0.1
CALLED_ABOVE = 0.5


def _positive(columns: Columns) -> NDArray[np.bool_]:
    return np.asarray(columns["target"] == 1)


def _called(columns: Columns) -> NDArray[np.bool_]:
    return np.asarray(columns["p:1"] > CALLED_ABOVE)


def _late(columns: Columns) -> Array:
    return np.minimum(columns["beside"] / columns["threshold"], 1.0)


def _score_and_best(columns: Columns, false_alarm: float) -> tuple[Array, Array]:
    """Of each row s and s*, shape (rows,)."""
    positive, called, late = _positive(columns), _called(columns), _late(columns)
    of_positive = np.where(called, late, late - 1.0)
    of_negative = np.where(called, false_alarm, 0.0)
    return np.where(positive, of_positive, of_negative), np.where(positive, late, 0.0)


# Sums over rows, and what is made of them


def _early_sums(columns: Columns, member: Indices, n: int) -> Array:
    score, best = _score_and_best(columns, FALSE_ALARM)
    return sum_in_clusters([score, best], member, n)


def _early(sums: Array) -> Array:
    return np.maximum(ratio(sums[..., 0], sums[..., 1]), -1.0)


def _right_sums(columns: Columns, member: Indices, n: int) -> Array:
    right = _called(columns) == _positive(columns)
    return sum_in_clusters([np.ones(len(right)), right.astype(np.float64)], member, n)


def _subject_sums(columns: Columns, member: Indices, n: int) -> Array:
    """Subjects with something to gain, and the sum of their scores, within clusters; a cluster holds all rows of its subjects."""
    _, who = np.unique(columns["who"], return_inverse=True)
    _, first, one = np.unique(member * (int(who.max(initial=0)) + 1) + who, return_index=True, return_inverse=True)
    score, best = _score_and_best(columns, 0.0)
    own = sum_in_clusters([score, best], one, len(first))
    judged = own[:, 1] > 0
    each = np.clip(own[judged, 0] / own[judged, 1], -1.0, 1.0)
    return sum_in_clusters([np.ones(len(each)), each], member[first[judged]], n)


def _outcome_specific_sums(columns: Columns, member: Indices, n: int) -> Array:
    left, said, longest = columns["beside"], columns["number"], columns["longest"]
    weight = np.clip((longest - left) / (longest - columns["threshold"]), 0.0, 1.0)
    wrong = np.maximum(longest - said, 0.0) + np.maximum(longest - left, 0.0)
    apart = np.where(_called(columns) == _positive(columns), np.abs(said - left), wrong)
    return sum_in_clusters([np.ones(len(left)), weight * apart], member, n)


def _absolute_sums(columns: Columns, member: Indices, n: int) -> Array:
    error = columns["number"] - columns["beside"]
    return sum_in_clusters([np.ones(len(error)), np.abs(error)], member, n)


def _square_sums(columns: Columns, member: Indices, n: int) -> Array:
    error = columns["number"] - columns["beside"]
    # From the least, so that the sums of squares stay small, and are exactly 0 where nothing varies.
    above = columns["beside"] - columns["beside"].min(initial=math.inf)
    return sum_in_clusters([np.ones(len(error)), np.square(error), above, np.square(above)], member, n)


def _second_per_first(sums: Array) -> Array:
    return ratio(sums[..., 1], sums[..., 0])


def _root(sums: Array) -> Array:
    return np.sqrt(_second_per_first(sums))


def _explained(sums: Array) -> Array:
    n, squares, above, above_squares = (sums[..., place] for place in range(4))
    about_mean = above_squares - ratio(np.square(above), n)
    varies = about_mean > 1e-12 * above_squares  # else rounding alone is left of a resample without variation
    return np.asarray(1.0 - ratio(squares, np.where(varies, about_mean, 0.0)))


# Why rows cannot be scored


def _no_days(columns: Columns) -> str:
    return "a remaining length of stay is below 0" if (columns["beside"] < 0).any() else ""


def _no_early(columns: Columns) -> str:
    why = classes.binary_probability_obstacle(columns) or _no_days(columns)
    return why or ("the threshold is not above 0" if not (columns["threshold"] > 0).all() else "")


def _no_outcome_specific(columns: Columns) -> str:
    why = _no_early(columns)
    beyond = (columns["longest"] > columns["threshold"]).all()
    return why or ("" if beyond else "the longest stay is not beyond the threshold")


_COURSE = ("target", "p:1", "beside")
_PYEHR = "Gao et al., Patterns 5 (2024), as in pyehr, "


def _metric(
    name: str,
    title: str,
    definition: str,
    figure: Additive,
    needs: tuple[str, ...],
    source: str = "as in scikit-learn, sklearn.metrics",
    *,
    unit: str = "day",
    direction: Direction = "lower",
    bounds: tuple[float, float] = (0.0, math.inf),
) -> Metric:
    return Metric(
        name, title, unit, direction, bounds, definition, "rows", source, needs, figure.compute, figure.resample
    )


def _of_number(
    name: str,
    title: str,
    definition: str,
    sums: Callable[[Columns, Indices, int], Array],
    figure: Callable[[Array], Array],
    *,
    unit: str = "day",
    direction: Direction = "lower",
    bounds: tuple[float, float] = (0.0, math.inf),
) -> Metric:
    why = "the remaining days do not vary" if name == "number-r2" else "no rows"
    made = Additive(sums, figure, _no_days, why)
    return _metric(
        name, title, definition, made, ("target", "beside", "number"), unit=unit, direction=direction, bounds=bounds
    )


METRICS: tuple[Metric, ...] = (
    _metric(
        "es",
        "Early score",
        "score over that of the perfect call: early right calls gain, late misses cost up to 1, a false alarm 0.1",
        Additive(_early_sums, _early, _no_early, "no positive record has a day left: nothing can be gained"),
        (*_COURSE, "threshold"),
        _PYEHR + "metrics/es.py",
        unit="1",
        direction="higher",
        bounds=(-1.0, 1.0),
    ),
    _metric(
        "es-patient",
        "Early score, by patient",
        "mean over patients with the event of their score over that of the perfect call; false alarms cost nothing",
        Additive(_subject_sums, _second_per_first, _no_early, "no patient with the event has a day left"),
        (*_COURSE, "threshold", "who"),
        "arXiv 2209.07805 (2022)",
        unit="1",
        direction="higher",
        bounds=(-1.0, 1.0),
    ),
    _metric(
        "osmae",
        "OSMAE",
        "mean absolute error of the remaining days; a wrong outcome costs both distances from the longest stay; long stays weigh less",
        Additive(_outcome_specific_sums, _second_per_first, _no_outcome_specific, "no rows"),
        (*_COURSE, "number", "threshold", "longest"),
        _PYEHR + "metrics/osmae.py",
    ),
    _metric(
        "accuracy-above-half",
        "Accuracy, called above 0.5",
        "share of rows called rightly, positive where p:1 > 0.5",
        Additive(_right_sums, _second_per_first, classes.binary_probability_obstacle, "no rows"),
        ("target", "p:1"),
        _PYEHR + "metrics/binary_classification_metrics.py",
        unit="1",
        direction="higher",
        bounds=(0.0, 1.0),
    ),
    _of_number(
        "number-mae", "MAE, days", "mean absolute error of the remaining days", _absolute_sums, _second_per_first
    ),
    _of_number(
        "number-mse",
        "MSE, days",
        "mean squared error of the remaining days",
        _square_sums,
        _second_per_first,
        unit="day^2",
    ),
    _of_number(
        "number-rmse", "RMSE, days", "root of the mean squared error of the remaining days", _square_sums, _root
    ),
    _of_number(
        "number-r2",
        "R2, days",
        "1 - squared error of the remaining days / that of their mean",
        _square_sums,
        _explained,
        unit="1",
        direction="higher",
        bounds=(-math.inf, 1.0),
    ),
)
