"""Calibration metrics against statsmodels, plain loops and hand-worked cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.metrics._logistic import expit, fit_logistic, logit_of
from hilum.metrics.calibration import BINS, LOGIT_LIMIT, METRICS, mass_bins, net_benefit_at
from tests.metrics.test_classify import SEEDS, binary, matrix, several

BY_NAME = {metric.name: metric for metric in METRICS}


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_slope_and_intercept_as_statsmodels(seed: int) -> None:
    sm = pytest.importorskip("statsmodels.api")
    c = binary(seed, 150, 3)
    x = np.log(np.clip(c["p:1"], 1e-6, 1 - 1e-6) / (1 - np.clip(c["p:1"], 1e-6, 1 - 1e-6)))
    slope = sm.GLM(c["target"], sm.add_constant(x), family=sm.families.Binomial()).fit(tol=1e-14)
    intercept = sm.GLM(c["target"], np.ones_like(x), offset=x, family=sm.families.Binomial()).fit(tol=1e-14)
    assert BY_NAME["calibration-slope"](c).value == pytest.approx(slope.params[1], rel=1e-7)
    assert BY_NAME["calibration-intercept"](c).value == pytest.approx(intercept.params[0], rel=1e-7, abs=1e-9)


@settings(deadline=None, max_examples=20)
@given(SEEDS, st.floats(0.4, 3.0), st.floats(-2.0, 2.0))
def test_slope_and_intercept_of_stretched_logits(seed: int, stretch: float, shift: float) -> None:
    c = binary(seed, 300, 3)
    c["p:1"] = np.clip(c["p:1"], 0.05, 0.95)
    x = np.log(c["p:1"] / (1 - c["p:1"]))
    stretched = {**c, "p:1": 1 / (1 + np.exp(-stretch * x))}
    shifted = {**c, "p:1": 1 / (1 + np.exp(-x - shift))}
    slope, intercept = BY_NAME["calibration-slope"], BY_NAME["calibration-intercept"]
    assert slope(stretched).value == pytest.approx(slope(c).value / stretch, rel=1e-6)
    assert slope(shifted).value == pytest.approx(slope(c).value, rel=1e-6)
    assert intercept(shifted).value == pytest.approx(intercept(c).value - shift, rel=1e-6, abs=1e-8)


def test_separated_classes_have_no_slope() -> None:
    y = np.array([0.0] * 10 + [1.0] * 10)
    c = {"target": y, "p:1": np.linspace(0.1, 0.9, 20)}
    assert BY_NAME["calibration-slope"](c).reason == "no finite slope: the classes are separated"
    assert BY_NAME["calibration-intercept"](c).value == pytest.approx(0.0, abs=1e-12)
    flat = {"target": y, "p:1": np.full(20, 0.3)}
    assert BY_NAME["calibration-slope"](flat).reason == "the predictions do not vary"
    assert BY_NAME["calibration-intercept"](flat).value == pytest.approx(math.log(7 / 3))


def test_logits_stay_finite() -> None:
    assert logit_of(np.array([0.0, 0.5, 1.0]), LOGIT_LIMIT) == pytest.approx([-13.815510, 0.0, 13.815510])
    assert expit(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
    assert fit_logistic(np.ones((4, 2)), np.array([0.0, 1.0, 1.0, 0.0])) is None
    assert fit_logistic(np.ones((4, 1)), np.ones(4)) is None


def test_ece_by_hand() -> None:
    # 20 rows in ten bins of two; predicted .25 and .75 each, one of two comes true where .25 is said, all where .75 is.
    y = np.array([0.0, 1.0] * 5 + [1.0] * 10)
    p = np.repeat([0.25, 0.75], 10) + np.tile(np.arange(10) * 1e-9, 2)
    assert BY_NAME["ece"]({"target": y, "p:1": p}).value == pytest.approx(0.25, abs=1e-7)
    # The same with ties: two distinct values are two bins, however many are asked for.
    tied = {"target": y, "p:1": np.repeat([0.25, 0.75], 10)}
    assert BY_NAME["ece"](tied).value == pytest.approx(0.25)


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(1, 200), st.integers(1, 3))
def test_bins_hold_equal_mass_and_keep_ties(seed: int, n: int, digits: int) -> None:
    p = np.round(np.random.default_rng(seed).random(n), digits)
    bins = mass_bins(p, BINS)
    for value in np.unique(p):
        assert len(np.unique(bins[p == value])) == 1
    assert (np.diff(bins[np.argsort(p, kind="stable")]) >= 0).all()
    if len(np.unique(p)) == n and n >= BINS:
        sizes = np.bincount(bins, minlength=BINS)
        assert sizes.max() - sizes.min() <= 1


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_ece_against_a_plain_loop(seed: int) -> None:
    for c in (binary(seed, 73, 1), several(seed, 73, 3)):
        p = matrix(c)
        if p.shape[1] == 2:
            said, true = p[:, 1], c["target"]
        else:
            said, true = p.max(axis=1), (p.argmax(axis=1) == c["target"]).astype(float)
        total = 0.0
        places = [int(10 * sum(other < one for other in said) / len(said)) for one in said]
        for place in set(places):
            here = [i for i, b in enumerate(places) if b == place]
            total += len(here) / len(said) * abs(np.mean(true[here]) - np.mean(said[here]))
        assert BY_NAME["ece"](c).value == pytest.approx(total)


def test_net_benefit_by_hand() -> None:
    # At .2 three are called, two of them true: 2/5 - 1/5 x .25.
    c = {"target": np.array([1.0, 1.0, 0.0, 0.0, 0.0]), "p:1": np.array([0.9, 0.2, 0.5, 0.1, 0.0])}
    assert BY_NAME["net-benefit-at-20"](c).value == pytest.approx(0.35)
    everyone = {**c, "p:1": np.ones(5)}
    assert net_benefit_at(0.3)(everyone).value == pytest.approx(0.4 - 0.6 * 0.3 / 0.7)
    assert net_benefit_at(0.3)({**c, "p:1": np.zeros(5)}).value == 0.0


def test_observed_expected_without_expected_events() -> None:
    assert BY_NAME["observed-expected"]({"target": np.ones(3), "p:1": np.zeros(3)}).reason == "no event is expected"


def test_a_sure_miss_is_dear_but_finite() -> None:
    c = {"target": np.array([1.0]), "p:1": np.array([0.0])}
    assert BY_NAME["log-loss"](c).value == pytest.approx(36.04, abs=0.01)
