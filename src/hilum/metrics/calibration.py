"""Calibration and decisions: do predicted probabilities come true, and would acting on them help?

Symbols
    y_i, p_i   outcome (0 or 1) and predicted probability of row i of two classes;  n rows
    p_ik       predicted probability of class k;  y_ik 1 where row i is of class k
    L          logit p, p held within 1e-6 and 1 - 1e-6 (a forest says 0 and 1, whose logit is infinite)

Equations
    brier                  two classes: sum (p - y)^2 / n, 0 to 1;  more: sum_i sum_k (p_ik - y_ik)^2 / n, 0 to 2
    log-loss               - sum_i log p_i,target / n, p held within 2.2e-16 and 1 - 2.2e-16 (a sure miss costs 36, not infinity)
    calibration-slope      b of logit P(y = 1) = a + b L by maximum likelihood; below 1: predictions too extreme
    calibration-intercept  a of logit P(y = 1) = a + L, the slope held at 1: calibration in the large; above 0: predicted too low
    observed-expected      sum y / sum p; above 1: predicted too low
    ece                    sum over bins of |sum over the bin's rows of (y - p)| / n
    net-benefit-at-20      TP / n - FP / n x t / (1 - t), t = 0.20, positive where p >= t

Bins        Ten, of equal mass: rows in ascending order of p; those with equal p fall together into bin floor(10 x rows before
            them / n). Of more than two classes p is the largest of a row and y whether that class is true (top label).
            A perfectly calibrated model has an expected ece above 0, the more so the fewer rows.
Undefined   Values that are not probabilities; one class only; no finite maximum of the likelihood (p that do not vary, or that
            separate the classes completely): `nan`.
Source      Brier, Monthly Weather Review 78 (1950); Cox, Biometrika 45 (1958): slope and intercept, as in Van Calster et al.,
            BMC Medicine 17 (2019); Guo et al., ICML 2017: ece, there with bins of equal width; Nixon et al., CVPR workshops 2019:
            equal mass; Vickers and Elkin, Medical Decision Making 26 (2006), eq. 1: net benefit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hilum.core.metric import Columns, Metric, Score
from hilum.metrics import _classes as classes
from hilum.metrics._logistic import expit, fit_logistic, logit_of
from hilum.metrics._resample import Additive, calibration_error_pass, logistic_pass, ratio, sum_in_clusters

KIND = "classify"

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

BINS = 10
LOGIT_LIMIT = 1e-6
_SMALLEST = float(np.finfo(np.float64).eps)


# Sums over rows


def _brier_sums(columns: Columns, member: Indices, n: int) -> Array:
    p = classes.probabilities(columns)
    if p.shape[1] == 2:
        apart = np.square(p[:, 1] - columns["target"])
    else:
        apart = np.square(p - (classes.truth(columns)[:, np.newaxis] == np.arange(p.shape[1]))).sum(axis=1)
    return sum_in_clusters([np.ones(len(p)), apart], member, n)


def _log_loss_sums(columns: Columns, member: Indices, n: int) -> Array:
    p = classes.probabilities(columns)
    of_truth = np.take_along_axis(p, classes.truth(columns)[:, np.newaxis], axis=1)[:, 0]
    loss = -np.log(np.clip(of_truth, _SMALLEST, 1.0 - _SMALLEST))
    return sum_in_clusters([np.ones(len(p)), loss], member, n)


def _observed_expected_sums(columns: Columns, member: Indices, n: int) -> Array:
    return sum_in_clusters([columns["p:1"], columns["target"]], member, n)


def _second_per_first(sums: Array) -> Array:
    return ratio(sums[..., 1], sums[..., 0])


def net_benefit_at(threshold: float) -> Metric:
    """The metric "net benefit of acting where p:1 >= threshold", threshold in (0, 1)."""
    percent = f"{100 * threshold:g}"
    odds = threshold / (1.0 - threshold)

    def sums(columns: Columns, member: Indices, n: int) -> Array:
        called = columns["p:1"] >= threshold
        worth = np.where(columns["target"] == 1, 1.0, -odds) * called
        return sum_in_clusters([np.ones(len(called)), worth], member, n)

    figure = Additive(sums, _second_per_first, classes.binary_probability_obstacle, "no rows")
    return Metric(
        name=f"net-benefit-at-{percent}",
        title=f"Net benefit at {percent} %",
        unit="true positives per row",
        direction="higher",
        bounds=(-odds, 1.0),
        definition=f"TP / n - FP / n x t / (1 - t) at a threshold probability t of {percent} %",
        pooling="rows",
        source="Vickers and Elkin, Medical Decision Making 26 (2006), eq. 1",
        needs=("target", "p:1"),
        compute=figure.compute,
        resample=figure.resample,
    )


# Slope and intercept


def _logit(columns: Columns) -> Array:
    return logit_of(columns["p:1"], LOGIT_LIMIT)


def _one_class(columns: Columns) -> str:
    why = classes.binary_probability_obstacle(columns)
    return why or ("" if len(np.unique(columns["target"])) == 2 else "all rows are of one class")


def _slope(columns: Columns) -> Score:
    why = _one_class(columns)
    if why:
        return Score.undefined(why)
    x = _logit(columns)
    if float(np.ptp(x)) == 0:
        return Score.undefined("the predictions do not vary")
    beta = fit_logistic(np.stack([np.ones(len(x)), x], axis=1), columns["target"])
    return Score.undefined("no finite slope: the classes are separated") if beta is None else Score(float(beta[1]))


def _intercept(columns: Columns) -> Score:
    why = _one_class(columns)
    if why:
        return Score.undefined(why)
    x = _logit(columns)
    beta = fit_logistic(np.ones((len(x), 1)), columns["target"], offset=x)
    return Score.undefined("no finite intercept") if beta is None else Score(float(beta[0]))


def _resample_slope(columns: Columns, member: Indices, counts: NDArray[np.int64]) -> Array:
    x, y = _logit(columns), columns["target"]
    whole = fit_logistic(np.stack([np.ones(len(x)), x], axis=1), y)
    begin = np.zeros(2) if whole is None else whole
    return np.asarray(_refit(member, y, x, counts, begin, free_slope=True)[:, 1])


def _resample_intercept(columns: Columns, member: Indices, counts: NDArray[np.int64]) -> Array:
    x, y = _logit(columns), columns["target"]
    whole = fit_logistic(np.ones((len(x), 1)), y, offset=x)
    begin = np.array([0.0 if whole is None else whole[0], 1.0])
    return np.asarray(_refit(member, y, x, counts, begin, free_slope=False)[:, 0])


def _refit(member: Indices, y: Array, x: Array, counts: NDArray[np.int64], begin: Array, *, free_slope: bool) -> Array:
    """Coefficients a and b of each resample, (resamples, 2). The first of Newton's steps starts from one fit for all, so it is additive."""
    p = expit(begin[0] + begin[1] * x)
    w = p * (1 - p)
    weight = counts.astype(np.float64)
    terms = sum_in_clusters([y - p, (y - p) * x, w, w * x, w * x * x], member, counts.shape[1])
    g0, g1, h00, h01, h11 = (weight @ terms).T
    determinant = h00 * h11 - h01 * h01
    step = [ratio(h11 * g0 - h01 * g1, determinant), ratio(h00 * g1 - h01 * g0, determinant)]
    if not free_slope:
        step = [ratio(g0, h00), np.zeros(len(weight))]
    # A long step is cut short: the exact ones that follow find the maximum from wherever it ends.
    near = np.clip(np.nan_to_num(np.stack(step, axis=1)), -1.0, 1.0)
    found = logistic_pass(member, y, x, weight, begin + near, free_slope)
    lost = np.isnan(found[:, 0])
    if lost.any():  # a start in the flat part of the curve leads nowhere: from 0, as the whole fit starts
        afresh = np.tile([0.0, 0.0 if free_slope else 1.0], (int(lost.sum()), 1))
        found[lost] = logistic_pass(member, y, x, weight[lost], afresh, free_slope)
    return found


# Expected calibration error


def _said_and_true(columns: Columns) -> tuple[Array, Array]:
    """The probability that is judged, and whether it came true: of more than two classes that of the top label."""
    p = classes.probabilities(columns)
    if p.shape[1] == 2:
        return p[:, 1], columns["target"]
    top = np.argmax(p, axis=1)
    return p[np.arange(len(p)), top], (top == classes.truth(columns)).astype(np.float64)


def mass_bins(said: Array, bins: int) -> Indices:
    """The bin of equal mass that each row falls into, shape (rows,): floor(bins x rows with a smaller p / rows)."""
    before = np.searchsorted(np.sort(said), said, "left")
    return (bins * before) // len(said)


def _ece(columns: Columns) -> Score:
    why = classes.probability_obstacle(columns)
    if why:
        return Score.undefined(why)
    said, true = _said_and_true(columns)
    apart = np.bincount(mass_bins(said, BINS), weights=true - said, minlength=BINS)
    return Score(float(np.abs(apart).sum()) / len(said))


def _resample_ece(columns: Columns, member: Indices, counts: NDArray[np.int64]) -> Array:
    said, true = _said_and_true(columns)
    order = np.argsort(said, kind="stable")
    ordered = said[order]
    last = np.append(ordered[1:] != ordered[:-1], True)
    return calibration_error_pass(member[order], true[order], ordered, last, counts.astype(np.float64), BINS)


_BRIER = Additive(_brier_sums, _second_per_first, classes.probability_obstacle, "no rows")
_LOG_LOSS = Additive(_log_loss_sums, _second_per_first, classes.probability_obstacle, "no rows")
_OBSERVED = Additive(
    _observed_expected_sums, _second_per_first, classes.binary_probability_obstacle, "no event is expected"
)
_TWO = ("target", "p:1")
_COX = "Cox, Biometrika 45 (1958); Van Calster et al., BMC Medicine 17 (2019)"

METRICS: tuple[Metric, ...] = (
    Metric(
        name="brier",
        title="Brier score",
        unit="1",
        direction="lower",
        bounds=(0.0, 2.0),
        definition="mean squared distance of p:1 from the outcome; of more than two classes summed over the classes",
        pooling="rows",
        source="Brier, Monthly Weather Review 78 (1950)",
        needs=("target",),
        compute=_BRIER.compute,
        resample=_BRIER.resample,
    ),
    Metric(
        name="log-loss",
        title="Log loss",
        unit="nat",
        direction="lower",
        bounds=(0.0, math.inf),
        definition="mean of - log of the probability given to the true class, held within 2.2e-16 and 1 - 2.2e-16",
        pooling="rows",
        source="as in scikit-learn, sklearn.metrics.log_loss",
        needs=("target",),
        compute=_LOG_LOSS.compute,
        resample=_LOG_LOSS.resample,
    ),
    Metric(
        name="calibration-slope",
        title="Calibration slope",
        unit="1",
        direction="none",
        bounds=(-math.inf, math.inf),
        definition="slope of a logistic regression of the outcome on logit p:1; 1 is ideal, below 1 too extreme",
        pooling="rows",
        source=_COX,
        needs=_TWO,
        compute=_slope,
        resample=_resample_slope,
    ),
    Metric(
        name="calibration-intercept",
        title="Calibration in the large",
        unit="1",
        direction="none",
        bounds=(-math.inf, math.inf),
        definition="intercept of a logistic regression of the outcome with logit p:1 as offset (slope 1); 0 is ideal",
        pooling="rows",
        source=_COX,
        needs=_TWO,
        compute=_intercept,
        resample=_resample_intercept,
    ),
    Metric(
        name="observed-expected",
        title="Observed : expected",
        unit="1",
        direction="none",
        bounds=(0.0, math.inf),
        definition="events / sum of predicted probabilities; 1 is ideal",
        pooling="rows",
        source="Van Calster et al., BMC Medicine 17 (2019)",
        needs=_TWO,
        compute=_OBSERVED.compute,
        resample=_OBSERVED.resample,
    ),
    Metric(
        name="ece",
        title="Expected calibration error",
        unit="1",
        direction="lower",
        bounds=(0.0, 1.0),
        definition=f"mean distance of predicted and observed shares over {BINS} bins of equal mass, ties kept together; "
        "above 0 by chance even where calibration is perfect",
        pooling="bins",
        source="Guo et al., ICML 2017; equal mass: Nixon et al., CVPR workshops 2019",
        needs=("target",),
        compute=_ece,
        resample=_resample_ece,
    ),
    net_benefit_at(0.10),
    net_benefit_at(0.20),
    net_benefit_at(0.50),
)
