"""The AUROC's variance against all pairs, the jackknife and the cluster bootstrap."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.core.errors import DataError
from hilum.metrics import classify
from hilum.metrics.stats import auroc_covariance, auroc_difference, auroc_interval
from hilum.metrics.stats.bootstrap import Clustered
from hilum.metrics.stats.draws import counts_of, draws_of
from tests.metrics.test_classify import SEEDS

AUROC = next(metric for metric in classify.METRICS if metric.name == "auroc")


def rows(seed: int, n: int = 60, methods: int = 2, digits: int = 1) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n).astype(np.float64)
    y[:4] = (0.0, 1.0, 0.0, 1.0)
    shared = random.normal(size=n)
    scores = [np.round(0.8 * y + shared + random.normal(size=n), digits) for _ in range(methods)]
    return y, np.stack(scores)


def by_pairs(y: Any, scores: Any) -> tuple[Any, Any]:
    """DeLong's covariance from the table of all pairs."""
    v10, v01 = [], []
    for s in scores:
        high, low = s[y == 1][:, np.newaxis], s[y == 0]
        wins = (high > low) + 0.5 * (high == low)
        v10.append(wins.mean(axis=1))
        v01.append(wins.mean(axis=0))
    return np.mean(v10, axis=1), np.cov(v10) / len(v10[0]) + np.cov(v01) / len(v01[0])


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(4, 80), st.integers(0, 3))
def test_against_all_pairs(seed: int, n: int, digits: int) -> None:
    y, scores = rows(seed, n, 3, digits)
    theta, covariance = auroc_covariance(y, scores)
    wanted, wanted_covariance = by_pairs(y, scores)
    np.testing.assert_allclose(theta, wanted, atol=1e-12)
    np.testing.assert_allclose(covariance, wanted_covariance, atol=1e-12)
    for one, figure in zip(scores, theta, strict=True):
        assert AUROC({"target": y, "p:1": one}).value == pytest.approx(figure, abs=1e-12)


def test_by_hand() -> None:
    # Positives 3, 1; negatives 2, 0: V10 = 1, 1/2; V01 = 1/2, 1; theta 3/4, variances 1/8 each: 1/16 + 1/16.
    theta, covariance = auroc_covariance([1, 1, 0, 0], [3.0, 1.0, 2.0, 0.0])
    assert theta[0] == 0.75
    assert covariance[0, 0] == pytest.approx(0.125)


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_one_row_a_cluster_is_delong(seed: int) -> None:
    y, scores = rows(seed)
    plain, clustered = auroc_covariance(y, scores), auroc_covariance(y, scores, np.arange(len(y)))
    np.testing.assert_allclose(clustered[1], plain[1], atol=1e-14)
    # Neither the order of rows nor a monotone transform matters.
    order = np.random.default_rng(seed).permutation(len(y))
    moved = auroc_covariance(y[order], np.exp(scores[:, order]), order)
    np.testing.assert_allclose(moved[1], plain[1], atol=1e-14)


def test_clusters_by_their_formula() -> None:
    y, scores = rows(7, 48, 1)
    member = np.arange(48) // 4
    s = scores[0]
    wins = (s[y == 1][:, np.newaxis] > s[y == 0]) + 0.5 * (s[y == 1][:, np.newaxis] == s[y == 0])
    theta, p, n = wins.mean(), int((y == 1).sum()), int((y == 0).sum())
    high, low = member[y == 1], member[y == 0]
    a = np.array([(wins.mean(axis=1)[high == c] - theta).sum() for c in range(12)])
    b = np.array([(wins.mean(axis=0)[low == c] - theta).sum() for c in range(12)])
    i10, i01 = len(set(high)), len(set(low))
    variance = i10 / (i10 - 1) * (a @ a) / p**2 + i01 / (i01 - 1) * (b @ b) / n**2 + 2 * 12 / 11 * (a @ b) / (p * n)
    assert auroc_covariance(y, s, member)[1][0, 0] == pytest.approx(variance)


def test_clusters_as_the_cluster_bootstrap() -> None:
    random = np.random.default_rng(0)
    subject = np.repeat(np.arange(150), 5)
    y = (random.random(150) < 0.4).astype(np.float64)[subject]
    score = y + 1.5 * random.normal(size=150)[subject] + random.normal(size=750)
    sample = Clustered.of({"target": y, "p:1": score}, subject, AUROC)
    drawn = np.concatenate([sample.figures(counts_of(d)) for d in draws_of(150, 4000, seed=0)])
    error = math.sqrt(auroc_covariance(y, score, subject)[1][0, 0])
    assert error == pytest.approx(drawn.std(), rel=0.06)
    # Rows of a subject share its effect and its class: taken as independent they look far surer than they are.
    assert math.sqrt(auroc_covariance(y, score)[1][0, 0]) < 0.7 * error


def test_intervals() -> None:
    y, scores = rows(1, 200)
    made = auroc_interval(y, scores[0])
    theta, covariance = auroc_covariance(y, scores[0])
    logit = math.log(theta[0] / (1 - theta[0]))
    half = 1.959964 * math.sqrt(covariance[0, 0]) / (theta[0] * (1 - theta[0]))
    assert made.low == pytest.approx(1 / (1 + math.exp(half - logit)), rel=1e-6)
    assert made.high == pytest.approx(1 / (1 + math.exp(-half - logit)), rel=1e-6)
    assert made.note == "rows are taken as independent"
    assert auroc_interval(y, scores[0], np.arange(200) // 4).method == "Obuchowski, logit scale"
    assert "no variance" in auroc_interval([0, 0, 1, 1], [0.0, 1.0, 2.0, 3.0]).note
    assert "fewer than 2" in auroc_interval([0, 1, 1], [0.0, 1.0, 2.0]).note
    assert "below 6" in auroc_interval(y, scores[0], np.arange(200) // 50).note
    parted = auroc_interval([0, 0, 1, 1, 0, 0], [0.0, 1.0, 2.0, 3.0, 1.0, 2.0], [0, 1, 2, 2, 3, 4])
    assert not parted.defined


def test_difference() -> None:
    y, scores = rows(2, 150)
    found = auroc_difference(y, scores[0], scores[1])
    theta, covariance = by_pairs(y, scores)
    error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert found.mean == pytest.approx(theta[0] - theta[1])
    assert found.interval.width == pytest.approx(2 * 1.959964 * error, rel=1e-6)
    assert found.p == pytest.approx(math.erfc(abs(found.mean) / error / math.sqrt(2)))
    assert auroc_difference(y, scores[1], scores[0]).p == pytest.approx(found.p)
    assert auroc_difference(y, scores[0], 3 * scores[0]).p == 1.0
    assert auroc_difference(y, scores[0], scores[1], np.arange(150) // 3).method == "Obuchowski"
    assert math.isnan(auroc_difference([0, 1, 1], [1, 2, 3], [3, 2, 1]).p)
    perfect = auroc_difference([0, 0, 1, 1], [0, 1, 2, 3], [3, 2, 1, 0])
    assert math.isnan(perfect.p)
    assert perfect.mean == 1.0


def test_coverage() -> None:
    from scipy.stats import norm

    random = np.random.default_rng(0)
    truth = float(norm.cdf(1.2 / math.sqrt(2)))
    y = np.repeat([0.0, 1.0], 50)
    held = sum(auroc_interval(y, 1.2 * y + random.normal(size=100)).covers(truth) for _ in range(600))
    assert held / 600 == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 600))


@pytest.mark.parametrize(
    ("target", "score"), [([0, 1, 2], [1, 2, 3]), ([0, 1], [1, 2, 3]), ([0, 1, 1], [1, math.nan, 2])]
)
def test_malformed(target: list[float], score: list[float]) -> None:
    with pytest.raises(DataError, match="AUROC variance"):
        auroc_covariance(target, score)
