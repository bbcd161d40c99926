"""Classification metrics: does the model tell the classes apart, and are its calls right?

Columns
    target         class index 0 ... K - 1 of each row; with two classes 1 is the positive one
    p:0, p:1, ...  probability, or any score, of each class; with two classes p:1 alone is enough
A row is one prediction. Which class is called: of two the positive one where p:1 >= 0.5, of more the first with the largest p.

Symbols
    TP FP TN FN    true and false positives and negatives;  P = TP + FN, N = TN + FP
    m_ij           rows of class i that are called j;  m_i. and m_.j row and column sums;  n rows

Equations
    auroc              P(score of a positive > score of a negative) + P(equal) / 2, over all pairs
    auroc-macro        mean over classes k of the AUROC of p:k for class k against the rest; of two classes it is the auroc
    auprc              sum over thresholds t, descending, of (R(t) - R(before)) precision(t), R the recall; by chance P / n
    accuracy           sum_i m_ii / n
    balanced-accuracy  mean_i m_ii / m_i.
    f1                 2 TP / (2 TP + FP + FN);       f1-macro its mean over classes, each in turn the positive one
    kappa              1 - sum_ij w_ij m_ij / sum_ij w_ij m_i. m_.j / n,    w_ij = 1 off the diagonal
    kappa-quadratic    the same with w_ij = (i - j)^2, for ordered classes
    sensitivity        TP / P;                        specificity  TN / N
    sensitivity-at-95-specificity    the largest TP / P over thresholds with TN / N >= 0.95

Ties        Rows with equal scores stand on the same side of every threshold; none is broken by row order. So the exact specificity
            asked for may not be had, and the next higher one is used; at worst no row is called, and the sensitivity is 0.
Optimistic  A sensitivity at a fixed specificity sets its threshold on the rows that it scores. That of a threshold set on other
            rows is lower on average.
Undefined   A class without rows where it is asked for, f1 without any positive row or call, kappa where chance agreement is
            complete: `nan`. A class index that no column of p belongs to: `nan`.
Source      Hanley and McNeil, Radiology 143 (1982): AUROC; Hand and Till, Machine Learning 45 (2001), section 3: one against the
            rest, here with equal weights; Davis and Goadrich, ICML 2006: no linear interpolation between points of a
            precision-recall curve; Cohen, Educ. Psychol. Meas. 20 (1960) and Psychol. Bull. 70 (1968): kappa.
            Deviations: scikit-learn gives 0 or drops the class where we say `nan`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilum.core.metric import Columns, Metric, Score
from hilum.metrics import _classes as classes
from hilum.metrics._resample import (
    Additive,
    auroc_pass,
    average_precision_pass,
    ranked,
    ratio,
    sensitivity_pass,
    tally,
    weighed,
)

KIND = "classify"

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

_NO_CLASS = "a class has no rows"


def auroc_of(score: Array, positive: NDArray[np.bool_]) -> float:
    """AUROC of scores, shape (rows,), for the rows that are positive; nan without a positive or a negative row."""
    high, low = score[positive], np.sort(score[~positive])
    if not high.size or not low.size:
        return float("nan")
    # Negatives below, and those not above: their mean counts ties as one half. Whole numbers, so the order does not matter.
    pairs = np.searchsorted(low, high, "left").sum() + np.searchsorted(low, high, "right").sum()
    return float(pairs) / 2 / (high.size * low.size)


def _auroc(columns: Columns) -> Score:
    why = classes.binary_obstacle(columns)
    value = float("nan") if why else auroc_of(columns["p:1"], columns["target"] == 1)
    return Score.undefined(why or _NO_CLASS) if np.isnan(value) else Score(value)


def _auroc_macro(columns: Columns) -> Score:
    why = classes.obstacle(columns)
    if why or classes.class_count(columns) == 2:
        return Score.undefined(why) if why else _auroc(columns)
    score = classes.probabilities(columns)
    each = [auroc_of(score[:, k], columns["target"] == k) for k in range(score.shape[1])]
    lacking = np.flatnonzero(np.isnan(each))
    return (
        Score.undefined(f"class {lacking[0]} has no rows, or all of them")
        if lacking.size
        else Score(float(np.mean(each)))
    )


def _resample_auroc_macro(columns: Columns, member: Indices, counts: NDArray[np.int64]) -> Array:
    if classes.class_count(columns) == 2:
        return weighed(auroc_pass, columns["p:1"], columns["target"] == 1, member, counts)
    score = classes.probabilities(columns)
    each = [weighed(auroc_pass, score[:, k], columns["target"] == k, member, counts) for k in range(score.shape[1])]
    return np.asarray(np.mean(each, axis=0), dtype=np.float64)


def _thresholds(columns: Columns) -> tuple[Array, Array]:
    """Rows called positive, and positives among them, at each threshold from the highest: shape (distinct scores,)."""
    order = np.argsort(-columns["p:1"], kind="stable")
    score = columns["p:1"][order]
    last = np.append(score[1:] != score[:-1], True)
    rows_called, true = np.arange(1.0, len(score) + 1), np.cumsum(columns["target"][order])
    return rows_called[last], true[last]


def _auprc(columns: Columns) -> Score:
    why = classes.binary_obstacle(columns)
    if why or not columns["target"].any():
        return Score.undefined(why or "no positive row")
    called, true = _thresholds(columns)
    return Score(float(np.diff(true, prepend=0.0) @ (true / called)) / float(true[-1]))


def sensitivity_at(specificity: float) -> Metric:
    """The metric "largest sensitivity at a specificity of at least that", specificity in (0, 1]; see the rule above."""
    percent = f"{100 * specificity:g}"
    most = 1.0 - specificity

    def compute(columns: Columns) -> Score:
        why = classes.binary_obstacle(columns)
        if why or len(np.unique(columns["target"])) < 2:
            return Score.undefined(why or _NO_CLASS)
        called, true = _thresholds(columns)
        negatives = len(columns["target"]) - true[-1]
        allowed = called - true <= most * negatives * (1 + 1e-12)
        return Score(float(true[allowed].max(initial=0.0) / true[-1]))

    return Metric(
        name=f"sensitivity-at-{percent}-specificity",
        title=f"Sensitivity at {percent} % specificity",
        unit="1",
        direction="higher",
        bounds=(0.0, 1.0),
        definition=f"largest sensitivity over thresholds with specificity of at least {percent} %, set on the scored rows: optimistic",
        pooling="ranks",
        source="Pepe, The Statistical Evaluation of Medical Tests (2003), section 4.3",
        needs=("target", "p:1"),
        compute=compute,
        resample=ranked(lambda member, positive, last, counts: sensitivity_pass(member, positive, last, counts, most)),
    )


# Figures of the table of classes and calls


def _confusion(columns: Columns, member: Indices, n: int) -> Array:
    """m_ij of each cluster, flattened: (n, K * K)."""
    k = classes.class_count(columns)
    return tally(classes.truth(columns) * k + classes.called(columns), k * k, member, n)


def _square(table: Array) -> Array:
    k = round(table.shape[-1] ** 0.5)
    return table.reshape(*table.shape[:-1], k, k)


def _accuracy(table: Array) -> Array:
    m = _square(table)
    return ratio(np.trace(m, axis1=-2, axis2=-1), m.sum(axis=(-2, -1)))


def _balanced_accuracy(table: Array) -> Array:
    m = _square(table)
    return np.asarray(ratio(np.diagonal(m, axis1=-2, axis2=-1), m.sum(axis=-1)).mean(axis=-1))


def _f1_of_each(table: Array) -> Array:
    m = _square(table)
    return ratio(2 * np.diagonal(m, axis1=-2, axis2=-1), m.sum(axis=-1) + m.sum(axis=-2))


def _f1(table: Array) -> Array:
    return np.asarray(_f1_of_each(table)[..., 1])


def _f1_macro(table: Array) -> Array:
    return np.asarray(_f1_of_each(table).mean(axis=-1))


def _sensitivity(table: Array) -> Array:
    m = _square(table)
    return ratio(m[..., 1, 1], m[..., 1, :].sum(axis=-1))


def _specificity(table: Array) -> Array:
    m = _square(table)
    return ratio(m[..., 0, 0], m[..., 0, :].sum(axis=-1))


def _kappa(table: Array, power: int) -> Array:
    m = _square(table)
    k = m.shape[-1]
    apart = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    weight = (apart > 0).astype(np.float64) if power == 0 else apart.astype(np.float64) ** power
    by_chance = m.sum(axis=-1)[..., :, np.newaxis] * m.sum(axis=-2)[..., np.newaxis, :]
    observed = (weight * m).sum(axis=(-2, -1)) * m.sum(axis=(-2, -1))
    return np.asarray(1.0 - ratio(observed, (weight * by_chance).sum(axis=(-2, -1))))


def _of_calls(
    name: str,
    title: str,
    definition: str,
    figure: Additive,
    *,
    source: str = "as in scikit-learn, sklearn.metrics",
    lowest: float = 0.0,
    needs: tuple[str, ...] = ("target",),
) -> Metric:
    return Metric(
        name, title, "1", "higher", (lowest, 1.0), definition, "rows", source, needs, figure.compute, figure.resample
    )


_COHEN = "Cohen, Educ. Psychol. Meas. 20 (1960)"
_TWO = ("target", "p:1")
_AT_HALF = "positive where p:1 >= 0.5"

METRICS: tuple[Metric, ...] = (
    Metric(
        name="auroc",
        title="AUROC",
        unit="1",
        direction="higher",
        bounds=(0.0, 1.0),
        definition="share of pairs of a positive and a negative row in which the positive one scores higher, ties as one half",
        pooling="ranks",
        source="Hanley and McNeil, Radiology 143 (1982)",
        needs=_TWO,
        compute=_auroc,
        resample=ranked(auroc_pass),
    ),
    Metric(
        name="auroc-macro",
        title="AUROC, macro",
        unit="1",
        direction="higher",
        bounds=(0.0, 1.0),
        definition="mean over classes of the AUROC of one class against the rest",
        pooling="ranks",
        source="Hand and Till, Machine Learning 45 (2001), section 3, with equal weights",
        needs=("target",),
        compute=_auroc_macro,
        resample=_resample_auroc_macro,
    ),
    Metric(
        name="auprc",
        title="AUPRC",
        unit="1",
        direction="higher",
        bounds=(0.0, 1.0),
        definition="average precision: precision at each threshold x gain in recall, no interpolation; by chance the prevalence",
        pooling="ranks",
        source="Davis and Goadrich, ICML 2006; as sklearn.metrics.average_precision_score",
        needs=_TWO,
        compute=_auprc,
        resample=ranked(average_precision_pass),
    ),
    sensitivity_at(0.95),
    sensitivity_at(0.90),
    _of_calls(
        "accuracy",
        "Accuracy",
        "share of rows whose class is called",
        Additive(_confusion, _accuracy, classes.obstacle, "no rows"),
    ),
    _of_calls(
        "balanced-accuracy",
        "Balanced accuracy",
        "mean over classes of the share of the class's rows that are called it",
        Additive(_confusion, _balanced_accuracy, classes.obstacle, _NO_CLASS),
    ),
    _of_calls(
        "f1",
        "F1",
        f"2 TP / (2 TP + FP + FN), {_AT_HALF}",
        Additive(_confusion, _f1, classes.binary_obstacle, "no row is positive or called so"),
        needs=_TWO,
    ),
    _of_calls(
        "f1-macro",
        "F1, macro",
        "mean over classes of F1 with that class as the positive one",
        Additive(_confusion, _f1_macro, classes.obstacle, "a class has neither rows nor calls"),
    ),
    _of_calls(
        "kappa",
        "Cohen's kappa",
        "agreement beyond chance: 1 - observed / expected disagreement",
        Additive(_confusion, lambda table: _kappa(table, 0), classes.obstacle, "chance agreement is complete"),
        source=_COHEN,
        lowest=-1.0,
    ),
    _of_calls(
        "kappa-quadratic",
        "Cohen's kappa, quadratic weights",
        "kappa with disagreement weighed by the squared distance of the class indices",
        Additive(_confusion, lambda table: _kappa(table, 2), classes.obstacle, "chance agreement is complete"),
        source="Cohen, Psychol. Bull. 70 (1968)",
        lowest=-1.0,
    ),
    _of_calls(
        "sensitivity",
        "Sensitivity",
        f"TP / (TP + FN), {_AT_HALF}",
        Additive(_confusion, _sensitivity, classes.binary_obstacle, "no positive row"),
        needs=_TWO,
    ),
    _of_calls(
        "specificity",
        "Specificity",
        f"TN / (TN + FP), {_AT_HALF}",
        Additive(_confusion, _specificity, classes.binary_obstacle, "no negative row"),
        needs=_TWO,
    ),
)
