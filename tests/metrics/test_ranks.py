"""Ranks, Friedman, critical difference and Kendall's tau against scipy, published tables and plain loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.core.errors import DataError
from hilum.metrics import calibration, classify
from hilum.metrics.stats import (
    critical_difference,
    friedman,
    holm,
    kendall_tau,
    mean_ranks,
    paired_difference,
    ranks_over_units,
    ranks_pooled,
)
from tests.metrics.test_classify import SEEDS
from tests.metrics.test_paired import two_models

AUROC = next(metric for metric in classify.METRICS if metric.name == "auroc")


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(3, 20), st.integers(3, 6), st.integers(0, 3))
def test_friedman_as_scipy(seed: int, blocks: int, methods: int, digits: int) -> None:
    table = np.round(np.random.default_rng(seed).normal(size=(blocks, methods)), digits)
    if (np.ptp(table, axis=1) == 0).all():
        return
    theirs = scipy.stats.friedmanchisquare(*table.T)
    ours = friedman(table)
    assert (ours.statistic, ours.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert friedman(-3 * table[::-1]).p == pytest.approx(ours.p)
    assert 0 < ours.p <= 1


def test_friedman_without_an_answer() -> None:
    assert "at least 2" in friedman([[1.0, 2.0]]).note
    assert "not finite" in friedman([[1.0, 2.0], [math.nan, 1.0]]).note
    assert friedman(np.ones((5, 3))).p == 1.0
    assert "rough" in friedman([[1.0, 2.0], [2.0, 3.0]]).note
    assert friedman(np.tile(np.arange(4.0), (2000, 1))).p > 0
    with pytest.raises(DataError, match="one line a block"):
        friedman([1.0, 2.0])


def test_mean_ranks() -> None:
    table = [[0.9, 0.8, 0.8], [0.7, 0.9, 0.1]]
    assert mean_ranks(table, "higher").tolist() == [1.5, 1.75, 2.75]
    assert mean_ranks(table, "lower").tolist() == [2.5, 2.25, 1.25]


@pytest.mark.parametrize(("methods", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_critical_difference_as_the_table(methods: int, q: float) -> None:
    # q of Demsar (2006), table 5a, alpha = 0.05.
    found = critical_difference(methods, 14)
    assert found == pytest.approx(q * math.sqrt(methods * (methods + 1) / (6 * 14)), abs=0.001)


def test_critical_difference_undefined() -> None:
    assert math.isnan(critical_difference(1, 5))
    assert math.isnan(critical_difference(3, 0))


def units(seed: int, n: int, shifts: list[float]) -> dict[str, dict[str, float]]:
    random = np.random.default_rng(seed)
    hard = random.normal(size=n)
    return {
        f"m{j}": {f"u{i}": float(hard[i] + shift + 0.3 * random.normal()) for i in range(n)}
        for j, shift in enumerate(shifts)
    }


def test_ranks_over_units_against_a_plain_loop() -> None:
    values = units(0, 25, [0.1, 0.0, 0.15])
    found = ranks_over_units(values, "lower", resamples=500)
    table = np.array([[values[m][u] for u in sorted(values["m0"])] for m in found.methods])
    random = np.random.default_rng(0)
    places = np.zeros((3, 3))
    for draw in random.integers(0, 25, size=(500, 25)):
        for rank, method in enumerate(np.argsort(table[:, draw].mean(axis=1))):
            places[method, rank] += 1 / 500
    np.testing.assert_allclose(found.probability, places, atol=1e-12)
    assert list(found.figures) == sorted(found.figures)
    raw = [paired_difference(values[found.methods[0]], values[m]).p for m in found.methods[1:]]
    np.testing.assert_allclose(found.p[1:], holm(raw))


def test_rank_1_is_clear_or_not() -> None:
    clear = ranks_over_units(units(0, 30, [1.0, 0.0, 2.0]), "lower")
    assert clear.methods == ("m1", "m0", "m2")
    assert clear.clear
    np.testing.assert_allclose(clear.probability, np.eye(3), atol=0.01)
    assert not ranks_over_units(units(1, 30, [0.0, 0.0, 2.0]), "lower").clear
    assert ranks_over_units(units(0, 30, [1.0, 0.0, 2.0]), "higher").methods == ("m2", "m0", "m1")
    few = ranks_over_units(units(0, 4, [5.0, 0.0]), "lower")
    assert not few.clear
    assert "below 6" in few.note


def test_ties_share_their_ranks() -> None:
    same = units(0, 10, [0.0])["m0"]
    found = ranks_over_units({"a": same, "b": dict(same), "c": {u: v + 5 for u, v in same.items()}}, "lower")
    np.testing.assert_allclose(found.probability, [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]])
    assert not found.clear


@settings(deadline=None, max_examples=20)
@given(SEEDS, st.integers(2, 4))
def test_probabilities_add_up(seed: int, k: int) -> None:
    shifts = np.random.default_rng(seed).normal(scale=0.2, size=k).tolist()
    found = ranks_over_units(units(seed, 12, shifts), "higher", resamples=200)
    np.testing.assert_allclose(found.probability.sum(axis=0), 1.0)
    np.testing.assert_allclose(found.probability.sum(axis=1), 1.0)
    backwards = dict(reversed(list(units(seed, 12, shifts).items())))
    assert ranks_over_units(backwards, "higher", resamples=200).methods == found.methods


def test_pooled_ranks() -> None:
    a, b, subject = two_models(40, seed=2, apart=2.0)
    noise = {**b, "p:1": np.random.default_rng(0).random(160)}
    found = ranks_pooled({"noise": noise, "good": a, "fair": b}, subject, AUROC, resamples=300)
    assert found.methods == ("good", "fair", "noise")
    assert found.probability[0, 0] > 0.9
    assert found.n == 40
    folds: Any = np.tile([0, 1, 0, 1], 40)
    assert ranks_pooled({"good": a, "noise": noise}, subject, AUROC, folds, resamples=100).clear
    lost = ranks_pooled(
        {k: {**v, "target": np.ones(160)} for k, v in (("a", a), ("b", b))}, subject, AUROC, resamples=10
    )
    assert not lost.clear
    assert lost.note == "undefined for a, b"


def test_ranks_need_two_methods() -> None:
    with pytest.raises(DataError, match="1 methods"):
        ranks_over_units({"a": {"u": 1.0}}, "lower")
    with pytest.raises(DataError, match="share 0 units"):
        ranks_over_units({"a": {"u": 1.0}, "b": {"v": 1.0}}, "lower")
    a, b, subject = two_models(6)
    slope = next(metric for metric in calibration.METRICS if metric.name == "calibration-slope")
    with pytest.raises(DataError, match="calibration-slope"):
        ranks_pooled({"a": a, "b": b}, subject, slope)


def test_tau_against_all_pairs() -> None:
    random = np.random.default_rng(0)
    x, y = random.integers(0, 6, 25).astype(float), random.integers(0, 6, 25).astype(float)
    signs = [(np.sign(x[i] - x[j]), np.sign(y[i] - y[j])) for i in range(25) for j in range(i)]
    agree = sum(a * b for a, b in signs)
    untied_x, untied_y = sum(a != 0 for a, _ in signs), sum(b != 0 for _, b in signs)
    found = kendall_tau(x, y)
    assert found.value == pytest.approx(agree / math.sqrt(untied_x * untied_y))
    assert found.p == pytest.approx(scipy.stats.kendalltau(x, y).pvalue)
    assert found.interval.method == "jackknife t, logit scale"
    assert kendall_tau(x, -y).value == pytest.approx(-found.value)
    assert kendall_tau(np.exp(x), 3 * y).value == pytest.approx(found.value)


def test_tau_stays_within_its_bounds() -> None:
    x = np.arange(12.0)
    y = x.copy()
    y[[3, 4]] = y[[4, 3]]
    assert kendall_tau(x, y).interval.high <= 1.0
    many = kendall_tau(np.arange(40.0), np.arange(40.0) + 8 * np.random.default_rng(0).normal(size=40))
    assert many.interval.method == "BCa cluster bootstrap"
    assert many.interval.covers(many.value)
    same = kendall_tau(np.arange(300.0), np.arange(300.0))
    assert same.p > 0
    assert "stands at its bound, 1" in same.interval.note


def test_tau_undefined() -> None:
    assert kendall_tau([1.0], [2.0]).note == "fewer than 2 pairs"
    assert kendall_tau([1.0, 1.0], [2.0, 3.0]).note == "one of the two does not vary"
    assert "not finite" in kendall_tau([1.0, math.nan], [2.0, 3.0]).note
    assert "below 6" in kendall_tau([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]).interval.note
    with pytest.raises(DataError, match="2 and 1 values"):
        kendall_tau([1.0, 2.0], [1.0])
