"""Curves against scikit-learn, scipy's natural splines, statsmodels and the metrics of the same name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline
from sklearn import metrics as oracle  # type: ignore[import-untyped]

from hilum.core.errors import DataError
from hilum.metrics import calibration, classify
from hilum.metrics.calibration import net_benefit_at
from hilum.metrics.curves import (
    calibration_curve,
    confusion_matrix,
    decision_curve,
    precision_recall_curve,
    roc_curve,
)
from hilum.metrics.curves.calibration import knots_for, spline_design
from hilum.metrics.stats.draws import draws_of
from tests.metrics.test_classify import SEEDS, binary, matrix, several

BY_NAME = {metric.name: metric for metric in (*classify.METRICS, *calibration.METRICS)}


def subjects(n: int, of: int = 30) -> Any:
    return np.arange(n) % of


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(2, 100), st.integers(1, 5))
def test_roc_as_scikit_learn(seed: int, n: int, digits: int) -> None:
    c = binary(seed, n, digits)
    found = roc_curve(c["target"], c["p:1"])
    rate, sensitivity, threshold = oracle.roc_curve(c["target"], c["p:1"], drop_intermediate=False)
    np.testing.assert_allclose(found.false_positive_rate, rate)
    np.testing.assert_allclose(found.sensitivity, sensitivity)
    np.testing.assert_allclose(found.threshold, threshold)
    assert found.auroc == BY_NAME["auroc"](c).value
    assert np.trapezoid(found.sensitivity, found.false_positive_rate) == pytest.approx(found.auroc)
    assert found.band is None


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(2, 100), st.integers(1, 5))
def test_precision_and_recall_as_scikit_learn(seed: int, n: int, digits: int) -> None:
    c = binary(seed, n, digits)
    found = precision_recall_curve(c["target"], c["p:1"])
    precision, recall, threshold = oracle.precision_recall_curve(c["target"], c["p:1"])
    np.testing.assert_allclose(found.precision, precision[:-1][::-1])
    np.testing.assert_allclose(found.recall, recall[:-1][::-1])
    np.testing.assert_allclose(found.threshold, threshold[::-1])
    assert found.average_precision == pytest.approx(BY_NAME["auprc"](c).value)
    assert found.prevalence == c["target"].mean()


def test_confusion_matrix_as_scikit_learn() -> None:
    c = several(0, 60, 4)
    theirs = oracle.confusion_matrix(c["target"], matrix(c).argmax(axis=1))
    assert confusion_matrix(c).tolist() == theirs.tolist()
    two = {"target": np.array([0.0, 1.0, 1.0]), "p:1": np.array([0.5, 0.5, 0.2])}
    assert confusion_matrix(two).tolist() == [[0, 1], [1, 1]]
    with pytest.raises(DataError, match="'target' is missing"):
        confusion_matrix({"p:1": np.ones(2)})
    with pytest.raises(DataError, match="not one of the class indices"):
        confusion_matrix({"target": np.array([3.0]), "p:1": np.ones(1)})


@settings(deadline=None, max_examples=20)
@given(SEEDS, st.integers(2, 80))
def test_decision_curve_is_the_metric_at_every_threshold(seed: int, n: int) -> None:
    c = binary(seed, n)
    found = decision_curve(c["target"], c["p:1"])
    for t, value in zip(found.threshold[::7], found.model[::7], strict=True):
        assert value == pytest.approx(net_benefit_at(float(t))(c).value, abs=1e-12)
    everybody = decision_curve(c["target"], np.ones(n))
    np.testing.assert_allclose(everybody.model, found.treat_all, atol=1e-12)
    nobody = decision_curve(c["target"], np.zeros(n))
    np.testing.assert_allclose(nobody.model, found.treat_none, atol=1e-12)
    assert found.prevalence == c["target"].mean()


def test_thresholds_of_ones_own() -> None:
    c = binary(0)
    assert decision_curve(c["target"], c["p:1"], thresholds=[0.3, 0.1]).threshold.tolist() == [0.1, 0.3]
    with pytest.raises(DataError, match="outside"):
        decision_curve(c["target"], c["p:1"], thresholds=[0.0])


# Calibration


@settings(deadline=None, max_examples=20)
@given(SEEDS, st.sampled_from([3, 4, 5]))
def test_splines_are_natural_splines(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    knots = np.sort(random.normal(size=k)) + np.arange(k)
    spline = CubicSpline(knots, random.normal(size=k), bc_type="natural")
    x = np.linspace(knots[0] - 2, knots[-1] + 2, 60)
    inside = np.clip(x, knots[0], knots[-1])
    values = spline(inside) + (x - inside) * spline(inside, 1)  # straight beyond the outer knots
    design = spline_design(x, knots)
    fitted, *_ = np.linalg.lstsq(design, values, rcond=None)
    assert design.shape == (60, k)
    np.testing.assert_allclose(design @ fitted, values, atol=1e-8)


def test_curve_as_statsmodels() -> None:
    sm = pytest.importorskip("statsmodels.api")
    c = binary(3, 900, 4)
    y, p = c["target"], np.clip(c["p:1"], 1e-6, 1 - 1e-6)
    x = np.log(p / (1 - p))
    knots = np.quantile(x, [0.05, 0.35, 0.65, 0.95])
    fit = sm.GLM(y, spline_design(x, knots), family=sm.families.Binomial()).fit(tol=1e-13)
    found = calibration_curve(y, c["p:1"])
    at = np.log(found.predicted / (1 - found.predicted))
    np.testing.assert_allclose(found.observed, fit.predict(spline_design(at, knots)), rtol=1e-6)


def test_a_calibrated_model_lies_on_the_diagonal_and_a_bent_one_does_not() -> None:
    random = np.random.default_rng(0)
    p = random.beta(2, 3, 40_000)
    y = (random.random(40_000) < p).astype(np.float64)
    middle = slice(10, 80)
    found = calibration_curve(y, p)
    np.testing.assert_allclose(found.observed[middle], found.predicted[middle], atol=0.02)
    np.testing.assert_allclose(found.bins.observed, found.bins.predicted, atol=0.03)
    bent = calibration_curve(y, np.sqrt(p))
    np.testing.assert_allclose(bent.observed[30:95], bent.predicted[30:95] ** 2, atol=0.03)


@settings(deadline=None, max_examples=20)
@given(SEEDS, st.integers(30, 200), st.integers(1, 4))
def test_bins_add_up_and_give_the_ece(seed: int, n: int, digits: int) -> None:
    c = binary(seed, n, digits)
    bins = calibration_curve(c["target"], c["p:1"]).bins
    assert bins.count.sum() == n
    assert bins.events.sum() == c["target"].sum()
    assert (bins.count > 0).all()
    assert (np.diff(bins.predicted) > 0).all()
    ece = float((bins.count * np.abs(bins.observed - bins.predicted)).sum()) / n
    assert ece == pytest.approx(BY_NAME["ece"](c).value)


def test_few_rows_and_few_values() -> None:
    assert len(knots_for(np.linspace(-2, 2, 500), fewest=200)) == 4
    assert len(knots_for(np.linspace(-2, 2, 500), fewest=50)) == 3
    assert len(knots_for(np.repeat([0.0, 1.0], 50), fewest=50)) == 0
    y = np.array([0.0, 1.0] * 20)
    two_values = calibration_curve(y, np.tile([0.2, 0.2, 0.8, 0.8], 10))
    np.testing.assert_allclose(two_values.observed, 0.5)
    assert len(two_values.bins.count) == 2
    assert calibration_curve(np.ones(10), np.linspace(0, 1, 10)).note == "all rows are of one class"
    assert calibration_curve(y, np.full(40, 0.4)).note == "the predictions do not vary"
    parted = calibration_curve(np.repeat([0.0, 1.0], 20), np.linspace(0.01, 0.99, 40))
    assert parted.note == "no finite fit"
    assert np.isnan(parted.observed).all()


# Bands


def plain_band(y: Any, p: Any, member: Any, resamples: int, figure: Any) -> Any:
    n = int(member.max()) + 1
    curves = []
    for draw in next(draws_of(n, resamples, seed=0)):
        rows = np.concatenate([np.flatnonzero(member == i) for i in draw])
        curves.append(figure(y[rows], p[rows]))
    return np.nanquantile(curves, [0.025, 0.975], axis=0)


def test_bands_against_plain_loops() -> None:
    c = binary(5, 240, 1)
    y, p, member = c["target"], c["p:1"], subjects(240)
    roc = roc_curve(y, p, member, resamples=100).band
    assert roc is not None

    def sensitivity(yy: Any, pp: Any) -> Any:
        rate, true, _ = oracle.roc_curve(yy, pp, drop_intermediate=False)
        top = {float(r): float(t) for r, t in zip(rate, true, strict=True)}
        return np.interp(roc.x, list(top), list(top.values()))

    np.testing.assert_allclose([roc.low, roc.high], plain_band(y, p, member, 100, sensitivity), atol=1e-7)
    decision = decision_curve(y, p, member, resamples=100).band
    assert decision is not None
    wanted = plain_band(y, p, member, 100, lambda yy, pp: decision_curve(yy, pp).model)
    np.testing.assert_allclose([decision.low, decision.high], wanted, atol=1e-12)
    both = precision_recall_curve(y, p, member, resamples=100).band
    assert both is not None

    def precision(yy: Any, pp: Any) -> Any:
        value, recall, _ = oracle.precision_recall_curve(yy, pp)
        return [value[:-1][recall[:-1] >= x - 1e-9].max() for x in both.x]

    np.testing.assert_allclose([both.low, both.high], plain_band(y, p, member, 100, precision), atol=1e-12)


def test_band_of_the_calibration_curve() -> None:
    c = binary(6, 600, 2)
    y, p = c["target"], c["p:1"]
    found = calibration_curve(y, p, subjects(600, 60), resamples=60)
    assert found.band is not None
    assert (found.band.low <= found.band.high).all()
    inside = (found.band.low <= found.observed) & (found.observed <= found.band.high)
    assert inside.mean() > 0.9
    assert (found.band.n, found.band.level) == (60, 0.95)


def test_bands_need_subjects() -> None:
    c = binary(0)
    y, p = c["target"], c["p:1"]
    few = roc_curve(y, p, subjects(60, 5))
    assert few.band is None
    assert "below 6" in few.note
    # A class that one subject in thirty has is missing from too many resamples.
    rare = (subjects(60) == 0).astype(np.float64)
    for curve in (roc_curve, precision_recall_curve):
        lost = curve(rare, p, subjects(60), resamples=200).band
        assert lost is not None
        assert np.isnan(lost.low).all()
    with pytest.raises(DataError, match="30 clusters, 60 rows"):
        roc_curve(y, p, np.arange(30))


def test_undefined_curves() -> None:
    alone = roc_curve(np.ones(4), [0.1, 0.2, 0.3, 0.4])
    assert math.isnan(alone.auroc)
    assert np.isnan(alone.false_positive_rate).all()
    assert np.isnan(precision_recall_curve(np.zeros(4), [0.1, 0.2, 0.3, 0.4]).recall).all()


@pytest.mark.parametrize(
    ("target", "score", "says"),
    [
        ([], [], "0 targets"),
        ([0, 1], [0.5], "2 targets and 1 scores"),
        ([0, 2], [0.5, 0.5], "target 2 is neither"),
        ([0, 1], [0.5, math.nan], "1 scores are not finite"),
        ([0, 1], [0.5, 1.5], "1.5 is not a probability"),
    ],
)
def test_malformed_rows(target: list[float], score: list[float], says: str) -> None:
    for curve in (calibration_curve, decision_curve):
        with pytest.raises(DataError, match=says):
            curve(target, score)
