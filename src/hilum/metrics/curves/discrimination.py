"""ROC curve, precision-recall curve, and the table of classes and calls.

    roc                 for every threshold t: share of negatives with score >= t (x) and of positives with score >= t (y)
    precision-recall    recall (x) and share of true ones among those called (y); not interpolated between points

Rows with equal scores are called together, so a tie is one step. The bands stand at 101 values of x: of the ROC the sensitivity,
linear between points (a tie is a slope); of the other curve the best precision that is had with at least that recall.
Source      Fawcett, Pattern Recognition Letters 27 (2006); Davis and Goadrich, ICML 2006.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import DataError
from hilum.core.metric import Columns
from hilum.metrics import _classes as classes
from hilum.metrics.classify import auroc_of
from hilum.metrics.curves.bands import Band, band_over, two_classes

Array = NDArray[np.float64]

POINTS = 101


@dataclass(frozen=True)
class RocCurve:
    """A ROC curve.

    Attributes:
        false_positive_rate: 1 - specificity, from 0 to 1, shape (thresholds + 1,); `nan` without a negative row.
        sensitivity: At each of these; `nan` without a positive row.
        threshold: Rows with this score or more are called positive; the first is infinite.
        auroc: The area; `nan` where undefined.
        band: Of the sensitivity, over subjects; None without subjects.
        note: Why there is no band.
    """

    false_positive_rate: Array
    sensitivity: Array
    threshold: Array
    auroc: float
    band: Band | None = None
    note: str = ""


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """A precision-recall curve.

    Attributes:
        recall: Ascending, shape (thresholds,); `nan` without a positive row.
        precision: At each of these.
        threshold: Rows with this score or more are called positive.
        average_precision: sum of precision x gain in recall.
        prevalence: What precision is by chance.
        band: Of the precision, over subjects; None without subjects.
        note: Why there is no band.
    """

    recall: Array
    precision: Array
    threshold: Array
    average_precision: float
    prevalence: float
    band: Band | None = None
    note: str = ""


def roc_curve(
    target: ArrayLike,
    score: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    resamples: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> RocCurve:
    """The ROC curve of scores; arguments of shape (rows,), `clusters` the subject of each row.

    Raises:
        DataError: malformed rows, see `two_classes`.
    """
    y, score_of = two_classes(target, score, probability=False)
    steps = _Steps.of(y, score_of)
    x = np.linspace(0.0, 1.0, POINTS)

    def sensitivity(weights: Array) -> Array:
        true, false = steps.called(weights)
        if not (true[-1] > 0 and false[-1] > 0):
            return np.full(POINTS, np.nan)
        # Points of one rate are set apart by less than anything seen, the highest last: the curve is read at its top.
        apart = 1e-12 * (1 - np.arange(len(false)) / len(false))
        return np.asarray(np.interp(x, false / false[-1] - apart, true / true[-1]), dtype=np.float64)

    band, note = band_over(clusters, len(y), x, sensitivity, resamples=resamples, seed=seed, level=level)
    true, false = steps.called(np.ones(len(y)))
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = false / false[-1], true / true[-1]
    return RocCurve(*rates, np.concatenate([[np.inf], steps.threshold]), auroc_of(score_of, y == 1), band, note)


def precision_recall_curve(
    target: ArrayLike,
    score: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    resamples: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> PrecisionRecallCurve:
    """The precision-recall curve of scores; arguments as in `roc_curve`.

    Raises:
        DataError: malformed rows, see `two_classes`.
    """
    y, score_of = two_classes(target, score, probability=False)
    steps = _Steps.of(y, score_of)
    x = np.linspace(0.0, 1.0, POINTS)

    def precision_at(weights: Array) -> Array:
        true, false = steps.called(weights)
        if not true[-1] > 0:
            return np.full(POINTS, np.nan)
        recall = true[1:] / true[-1]
        called = true[1:] + false[1:]
        precision = np.divide(true[1:], called, out=np.zeros(len(called)), where=called > 0)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        return np.asarray(best[np.searchsorted(recall, np.minimum(x, 1.0) - 1e-12, "left")])

    band, note = band_over(clusters, len(y), x, precision_at, resamples=resamples, seed=seed, level=level)
    true, false = steps.called(np.ones(len(y)))
    precision = true[1:] / (true[1:] + false[1:])
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = true[1:] / true[-1]
    average = float(np.diff(recall, prepend=0.0) @ precision)
    return PrecisionRecallCurve(recall, precision, steps.threshold, average, float(y.mean()), band, note)


def confusion_matrix(columns: Columns) -> NDArray[np.int64]:
    """How many rows of class i (line) are called j (column), shape (classes, classes); columns as in `metrics/classify.py`.

    Raises:
        DataError: columns that do not hold classes and their probabilities.
    """
    why = "column 'target' is missing" if "target" not in columns else classes.obstacle(columns)
    if why:
        raise DataError(why, where="confusion matrix", do="Give target and p:0, p:1, ..., one a class")
    k = classes.class_count(columns)
    cells = classes.truth(columns) * k + classes.called(columns)
    return np.bincount(cells, minlength=k * k).reshape(k, k).astype(np.int64)


@dataclass(frozen=True)
class _Steps:
    """Rows in descending order of the score, and where a tie ends."""

    order: NDArray[np.intp]
    positive: Array
    last: NDArray[np.intp]
    threshold: Array

    @classmethod
    def of(cls, y: Array, score: Array) -> _Steps:
        order = np.argsort(-score, kind="stable")
        ordered = score[order]
        last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        return cls(order, y[order], last, ordered[last])

    def called(self, weights: Array) -> tuple[Array, Array]:
        """Weight of true and of false positives at each threshold, none called first: shape (thresholds + 1,)."""
        w = weights[self.order]
        true = np.cumsum(w * self.positive)[self.last]
        false = np.cumsum(w * (1.0 - self.positive))[self.last]
        return np.concatenate([[0.0], true]), np.concatenate([[0.0], false])
