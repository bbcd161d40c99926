"""Counts that are kept are those that are drawn, and nobody writes into them."""

from __future__ import annotations

import numpy as np
import pytest

from hilum.metrics.stats.bootstrap import cluster_bootstrap
from hilum.metrics.stats.draws import BLOCK, counts_drawn, counts_of, draws_of


@pytest.mark.parametrize(("n", "resamples"), [(7, 50), (3, 1), (BLOCK // 10, 12)])
def test_counts_are_those_of_the_draws(n: int, resamples: int) -> None:
    expected = np.concatenate([counts_of(draws) for draws in draws_of(n, resamples, 5)])
    np.testing.assert_array_equal(np.concatenate(list(counts_drawn(n, resamples, 5))), expected)


def test_an_interval_leaves_the_kept_counts_as_they_are() -> None:
    from hilum.engine.figures import metrics_of

    draw = np.random.default_rng(0)
    target = (np.arange(120) % 3 == 0).astype(float)
    score = draw.random(120)
    columns = {"target": target, "p:0": 1 - score, "p:1": score}
    (kept,) = counts_drawn(60, 300, 0)
    before = kept.copy()
    for name in ("auroc", "brier", "calibration-slope", "auprc", "f1"):
        cluster_bootstrap(columns, np.arange(120) // 2, metrics_of("classify")[name], resamples=300, seed=0)
    np.testing.assert_array_equal(kept, before)
    (again,) = counts_drawn(60, 300, 0)
    assert again is kept
