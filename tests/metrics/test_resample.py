"""The fast ways to many resamples against the metrics' own readable form, on the rows of each resample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.core.kernel import kernel
from hilum.core.metric import Metric
from hilum.metrics import _resample, calibration, classify
from hilum.metrics.stats import cluster_bootstrap, jackknife_interval
from hilum.metrics.stats.bootstrap import Clustered
from tests.metrics.test_classify import SEEDS, binary, several

METRICS = (*classify.METRICS, *calibration.METRICS)
BY_NAME = {metric.name: metric for metric in METRICS}


def by_rows(metric: Metric) -> Metric:
    return Metric(**{**metric.__dict__, "resample": None})


def case(seed: int, k: int, digits: int, n: int = 90, clusters: int = 25) -> tuple[dict[str, Any], Any]:
    columns = binary(seed, n, digits) if k == 2 else several(seed, n, k)
    return columns, np.random.default_rng([seed, 1]).integers(0, clusters, n)


@settings(deadline=None, max_examples=15)
@given(SEEDS, st.sampled_from([2, 3]), st.sampled_from([1, 2, 8]))
def test_equal_to_drawn_rows(seed: int, k: int, digits: int) -> None:
    columns, clusters = case(seed, k, digits)
    counts = np.random.default_rng(seed).integers(0, 3, size=(70, len(np.unique(clusters))))
    counts[0] = 1
    for metric in METRICS:
        if not metric(columns).defined:
            continue
        fast = Clustered.of(columns, clusters, metric).figures(counts)
        slow = Clustered.of(columns, clusters, by_rows(metric)).figures(counts)
        # A fit ends where rounding lets it; all else agrees to the last digits.
        close = 1e-9 if metric.name.startswith("calibration-") else 1e-12
        np.testing.assert_allclose(fast, slow, rtol=close, atol=close, err_msg=metric.name)
        assert fast[0] == pytest.approx(metric(columns).value, rel=1e-9, abs=1e-12)


def test_resamples_without_a_class_are_undefined() -> None:
    columns = {"target": np.array([1.0, 1.0, 0.0, 0.0]), "p:1": np.array([0.6, 0.4, 0.5, 0.2])}
    counts = np.array([[2, 0], [0, 2], [0, 0], [1, 1]])
    for name in ("auroc", "auroc-macro", "sensitivity-at-95-specificity", "balanced-accuracy", "calibration-slope"):
        figures = Clustered.of(columns, np.array([0, 0, 1, 1]), BY_NAME[name]).figures(counts)
        assert np.isnan(figures[:3]).all(), name
    for name in ("auprc", "ece", "brier", "kappa"):
        figures = Clustered.of(columns, np.array([0, 0, 1, 1]), BY_NAME[name]).figures(counts)
        assert np.isnan(figures[2]), name
        assert np.isfinite(figures[3]), name


@pytest.mark.parametrize("name", ["auroc", "auroc-macro", "auprc", "kappa", "calibration-slope", "ece"])
def test_same_intervals_either_way(name: str) -> None:
    columns, clusters = case(4, 3 if name == "auroc-macro" else 2, 2, n=240, clusters=40)
    for made in (
        [cluster_bootstrap(columns, clusters, m, resamples=200) for m in (BY_NAME[name], by_rows(BY_NAME[name]))],
        [jackknife_interval(columns, clusters, m) for m in (BY_NAME[name], by_rows(BY_NAME[name]))],
    ):
        assert (made[0].low, made[0].high) == pytest.approx((made[1].low, made[1].high), rel=1e-9)


@pytest.mark.parametrize("name", [name for name, thing in vars(_resample).items() if isinstance(thing, kernel)])
def test_kernels_equal_their_plain_form(name: str) -> None:
    thing = getattr(_resample, name)
    random = np.random.default_rng(0)
    n, clusters, resamples = 40, 9, 5
    score = np.sort(np.round(random.random(n), 1))
    last = np.append(score[1:] != score[:-1], True)
    positive = random.random(n) < score
    member = random.integers(0, clusters, n)
    counts = random.integers(0, 3, size=(clusters, resamples)).astype(np.float64)
    by_resample = np.ascontiguousarray(counts.T)
    x, outcome = np.log((score + 0.05) / (1.05 - score)), positive.astype(np.float64)
    arguments: dict[str, tuple[Any, ...]] = {
        "auroc_pass": (member, positive, last, counts),
        "average_precision_pass": (member, positive, last, counts),
        "sensitivity_pass": (member, positive, last, counts, 0.1),
        "calibration_error_pass": (member, outcome, score, last, by_resample, 10),
        "logistic_pass": (member, outcome, x, by_resample, np.zeros((resamples, 2)), True),
    }
    np.testing.assert_allclose(thing(*arguments[name]), thing.plain(*arguments[name]), rtol=1e-12)
    if name == "logistic_pass":
        held = (*arguments[name][:4], np.tile([0.0, 1.0], (resamples, 1)), False)
        np.testing.assert_allclose(thing(*held), thing.plain(*held), rtol=1e-12)


def test_the_logistic_pass_gives_up_where_there_is_no_maximum() -> None:
    x = np.linspace(-1, 1, 10)
    args = (np.arange(10), (x > 0).astype(np.float64), x, np.ones((1, 10)), np.zeros((1, 2)))
    for run in (_resample.logistic_pass, _resample.logistic_pass.plain):
        assert np.isnan(run(*args, True)).all()
        assert np.isnan(run(args[0], np.ones(10), *args[2:], False)).all()
