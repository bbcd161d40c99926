"""Paired differences of pooled metrics, corrected resampled t and the Wilson interval, against brute force and libraries."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.core.errors import DataError
from hilum.metrics import classify, regress
from hilum.metrics.stats import (
    nadeau_bengio,
    paired_difference,
    paired_pooled_difference,
    pooled_difference_interval,
    pooled_interval,
    t_interval,
    wilson_interval,
)
from tests.metrics.test_classify import SEEDS

CLASSIFY = {metric.name: metric for metric in classify.METRICS}
REGRESS = {metric.name: metric for metric in regress.METRICS}


def two_models(subjects: int, seed: int = 0, apart: float = 0.0) -> tuple[Any, Any, Any]:
    """Rows of two models on the same rows; `apart` makes the first better."""
    random = np.random.default_rng(seed)
    n = 4 * subjects
    subject = np.repeat(np.arange(subjects), 4)
    y = random.integers(0, 2, n).astype(np.float64)
    y[:2] = (0.0, 1.0)
    x = y + random.normal(size=subjects)[subject]
    sides = []
    for strength in (1.0 + apart, 1.0):
        p = 1 / (1 + np.exp(-strength * x + 0.5 - random.normal(size=n)))
        sides.append({"target": y, "p:0": 1 - p, "p:1": p})
    return sides[0], sides[1], subject


@pytest.mark.parametrize("grouped", [False, True])
def test_permutation_against_every_swap(grouped: bool) -> None:
    a, b, subject = two_models(8, seed=3)
    fold = np.tile([0, 0, 1, 1], 8) if grouped else np.zeros(32, dtype=int)
    metric = CLASSIFY["accuracy"]

    def figure(columns: Any) -> float:
        return float(np.mean([metric({k: v[fold == f] for k, v in columns.items()}).value for f in np.unique(fold)]))

    observed = figure(a) - figure(b)
    extreme = []
    for swap in product((False, True), repeat=8):
        here = np.array(swap)[subject]
        left = {k: np.where(here, b[k], a[k]) for k in a}
        right = {k: np.where(here, a[k], b[k]) for k in a}
        extreme.append(abs(figure(left) - figure(right)) >= abs(observed) - 1e-12)
    found = paired_pooled_difference(a, b, subject, metric, fold if grouped else None)
    assert found.mean == pytest.approx(observed)
    assert found.p == pytest.approx(np.mean(extreme))
    assert found.method == "swaps within subjects, all"


def test_ranked_metrics_swap_ranks() -> None:
    a, b, subject = two_models(10, seed=1, apart=1.0)
    metric = CLASSIFY["auroc"]
    plain = paired_pooled_difference(a, b, subject, metric)
    # The scale of a model's scores says nothing about its AUROC, and does not move p.
    other = {**a, "p:1": 0.001 * a["p:1"] ** 3}
    assert paired_pooled_difference(other, b, subject, metric).p == plain.p
    assert paired_pooled_difference(other, b, subject, metric).mean == pytest.approx(plain.mean, abs=1e-15)


@settings(deadline=None, max_examples=10)
@given(SEEDS, st.sampled_from([7, 12, 31]))
def test_symmetric_and_never_0(seed: int, subjects: int) -> None:
    a, b, subject = two_models(subjects, seed, apart=3.0)
    forth = paired_pooled_difference(a, b, subject, CLASSIFY["auroc"], resamples=200)
    back = paired_pooled_difference(b, a, subject, CLASSIFY["auroc"], resamples=200)
    assert 0 < forth.p <= 1
    assert back.p == forth.p
    assert back.mean == -forth.mean
    assert (-back.interval.high, -back.interval.low) == pytest.approx(
        (forth.interval.low, forth.interval.high), abs=0.02 * forth.interval.width
    )
    order = np.random.default_rng(seed).permutation(len(subject))
    shuffled = paired_pooled_difference(
        {k: v[order] for k, v in a.items()},
        {k: v[order] for k, v in b.items()},
        subject[order],
        CLASSIFY["auroc"],
        resamples=200,
    )
    assert shuffled == forth


def test_additive_differences_are_those_of_units() -> None:
    # One row a subject: the mean absolute error of a less that of b is the mean of the units' differences.
    random = np.random.default_rng(2)
    y = random.normal(size=14)
    rows = [[regress.statistics([t], [t + e]) for t, e in zip(y, random.normal(size=14), strict=True)] for _ in (0, 1)]
    a, b = ({name: np.array([row[name] for row in side]) for name in side[0]} for side in rows)
    pooled = paired_pooled_difference(a, b, np.arange(14), REGRESS["mae"], resamples=2**14)
    units = [{str(i): float(v) for i, v in enumerate(side["sum_abs"])} for side in (a, b)]
    by_unit = paired_difference(units[0], units[1])
    assert pooled.mean == pytest.approx(by_unit.mean)
    assert pooled.p == pytest.approx(by_unit.p)
    assert (pooled.interval.low, pooled.interval.high) == pytest.approx((by_unit.interval.low, by_unit.interval.high))


def test_shared_draws_make_the_interval_narrow() -> None:
    a, b, subject = two_models(60, seed=5, apart=0.3)
    metric = CLASSIFY["auroc"]
    found = paired_pooled_difference(a, b, subject, metric)
    alone = [pooled_interval(side, subject, metric).width for side in (a, b)]
    assert found.interval.width < math.hypot(*alone)
    assert found.interval.method == "BCa cluster bootstrap"
    assert pooled_difference_interval(a, b, subject, metric) == found.interval
    same = paired_pooled_difference(a, a, subject, metric)
    assert (same.mean, same.interval.low, same.interval.high, same.p) == (0.0, 0.0, 0.0, 1.0)


def test_p_is_even_where_methods_are_exchangeable() -> None:
    ps = []
    for seed in range(150):
        a, b, subject = two_models(15, seed)
        ps.append(paired_pooled_difference(a, b, subject, CLASSIFY["auroc"], resamples=99).p)
    for level in (0.1, 0.3):
        assert np.mean(np.array(ps) <= level) <= level + 3 * math.sqrt(level * (1 - level) / 150)
    assert np.mean(ps) == pytest.approx(0.5, abs=3 * math.sqrt(1 / 12 / 150) + 0.01)


def test_what_cannot_be_compared() -> None:
    a, b, subject = two_models(5)
    few = paired_pooled_difference(a, b, subject, CLASSIFY["auroc"])
    assert math.isfinite(few.mean)
    assert math.isnan(few.p)
    assert "below 6" in few.note
    a, b, subject = two_models(8)
    lost = paired_pooled_difference(
        {**a, "target": np.ones(32)}, {**b, "target": np.ones(32)}, subject, CLASSIFY["auroc"]
    )
    assert math.isnan(lost.mean)
    assert lost.note == "a class has no rows"
    with pytest.raises(DataError, match="column 'target', row 1"):
        paired_pooled_difference(
            a, {**b, "target": np.where(np.arange(32) == 1, 0.0, b["target"])}, subject, CLASSIFY["auroc"]
        )
    with pytest.raises(DataError, match="32 rows, b 31"):
        paired_pooled_difference(a, {k: v[1:] for k, v in b.items()}, subject, CLASSIFY["auroc"])
    widest = {"n": np.ones(8), "max_error": np.arange(8.0)}
    assert "largest" in paired_pooled_difference(widest, widest, np.arange(8), REGRESS["max-error"]).note


def test_undefined_swaps_count_as_extreme() -> None:
    # F1 of a swap in which nobody is called positive and nobody is: undefined.
    y = np.zeros(28)
    y[0] = 1.0
    a, b = {"target": y, "p:1": y.copy()}, {"target": y, "p:1": y.copy()}
    b["p:1"][5] = 0.9
    found = paired_pooled_difference(a, b, np.arange(28) // 4, CLASSIFY["f1"])
    assert 0 < found.p <= 1
    assert not found.interval.defined


# Folds


def test_nadeau_bengio_by_hand() -> None:
    # 1, 2, 3: mean 2, s = 1; 1/3 + 1/2 = 5/6; t = 2 / sqrt(5/6) with 2 degrees; t(0.975; 2) = 4.302653.
    found = nadeau_bengio([3.0, 1.0, 2.0], test_rows=10, train_rows=20)
    half = 4.302653 * math.sqrt(5 / 6)
    assert (found.interval.low, found.interval.high) == pytest.approx((2 - half, 2 + half), rel=1e-6)
    assert found.p == pytest.approx(2 * scipy.stats.t.sf(2 / math.sqrt(5 / 6), 2))


def test_nadeau_bengio_with_a_tiny_test_part_is_students_t() -> None:
    d = np.random.default_rng(0).normal(0.3, 1.0, 12)
    found = nadeau_bengio(d, 1, 10**12)
    theirs = scipy.stats.ttest_1samp(d, 0.0)
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.interval.width == pytest.approx(t_interval(d).width)
    assert nadeau_bengio(d, 1, 9).interval.width > found.interval.width
    assert nadeau_bengio(-d[::-1], 1, 9).p == nadeau_bengio(d, 1, 9).p


def test_nadeau_bengio_undefined() -> None:
    assert "at least 2" in nadeau_bengio([1.0], 1, 9).note
    assert "not finite" in nadeau_bengio([1.0, math.nan], 1, 9).note
    assert "positive" in nadeau_bengio([1.0, 2.0], 0, 9).note
    assert nadeau_bengio([0.0, 0.0], 1, 9).p == 1.0
    equal = nadeau_bengio([0.5, 0.5], 1, 9)
    assert math.isnan(equal.p)
    assert equal.note == "all differences are equal"
    assert nadeau_bengio([1e9, 1e9 + 1e-3] * 40, 1, 9).p > 0


# A share


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10), (1, 7), (30, 90)])
def test_wilson_as_scipy(successes: int, n: int) -> None:
    theirs = scipy.stats.binomtest(successes, n).proportion_ci(0.9, method="wilson")
    made = wilson_interval(successes, n, level=0.9)
    assert (made.low, made.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_undefined() -> None:
    assert not wilson_interval(0, 0).defined
    assert not wilson_interval(3, 2).defined
