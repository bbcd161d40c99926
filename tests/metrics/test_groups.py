"""Pooled intervals of a mean over groups (folds), against plain loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats

from hilum.core.errors import DataError
from hilum.metrics import classify, regress
from hilum.metrics.stats import bootstrap, cluster_bootstrap, jackknife_interval, pooled_interval
from hilum.metrics.stats.bootstrap import Clustered, number_labels
from hilum.metrics.stats.draws import counts_of, draws_of
from tests.metrics.test_classify import binary

AUROC = next(metric for metric in classify.METRICS if metric.name == "auroc")
RMSE = next(metric for metric in regress.METRICS if metric.name == "rmse")


def case(clusters: int, rows: int = 400) -> tuple[dict[str, Any], Any, Any]:
    """Columns, subjects and folds; a subject stands in several folds."""
    random = np.random.default_rng(clusters)
    subject = np.array([f"s{i:03d}" for i in random.integers(0, clusters, rows)])
    subject[:clusters] = [f"s{i:03d}" for i in range(clusters)]
    return binary(clusters, rows, 2), subject, random.integers(0, 3, rows)


def mean_over_folds(columns: dict[str, Any], fold: Any, rows: Any) -> float:
    each = [
        AUROC({name: column[rows[fold[rows] == one]] for name, column in columns.items()}).value
        for one in np.unique(fold)
    ]
    return float(np.mean(each))


def test_jackknife_of_a_mean_over_folds() -> None:
    columns, subject, fold = case(20)
    rows = np.arange(len(fold))
    whole = mean_over_folds(columns, fold, rows)
    without = np.array([mean_over_folds(columns, fold, rows[subject != one]) for one in np.unique(subject)])
    error = math.sqrt(19 / 20 * float(((without - without.mean()) ** 2).sum()))
    half = float(scipy.stats.t.ppf(0.975, 19)) * error
    made = jackknife_interval(columns, subject, AUROC, groups=fold)
    assert (made.low, made.high) == pytest.approx((whole - half, whole + half))
    on_logit = jackknife_interval(columns, subject, AUROC, groups=fold, scale="logit")
    centre, half = math.log(whole / (1 - whole)), half / (whole * (1 - whole))
    wanted = [1 / (1 + math.exp(-end)) for end in (centre - half, centre + half)]
    assert (on_logit.low, on_logit.high) == pytest.approx(wanted)
    assert pooled_interval(columns, subject, AUROC, groups=fold).low == on_logit.low


def test_one_draw_serves_all_folds() -> None:
    columns, subject, fold = case(40)
    ids = np.unique(subject)
    draws = next(draws_of(40, 30, seed=5))
    sample = Clustered.of(columns, subject, AUROC, fold)
    figures = sample.figures(counts_of(draws))
    for draw, figure in zip(draws, figures, strict=True):
        rows = np.concatenate([np.flatnonzero(subject == ids[i]) for i in draw])
        assert figure == pytest.approx(mean_over_folds(columns, fold, rows), rel=1e-12)


def test_one_group_is_no_group() -> None:
    columns, subject, _ = case(40)
    assert pooled_interval(columns, subject, AUROC, groups=np.zeros(400)) == pooled_interval(columns, subject, AUROC)


def test_order_of_rows_and_names_of_groups_do_not_matter() -> None:
    columns, subject, fold = case(35)
    seed = np.random.default_rng(0).integers(0, 2, len(fold))
    before = pooled_interval(columns, subject, AUROC, groups=np.stack([seed, fold], axis=1))
    order = np.random.default_rng(1).permutation(len(fold))
    names = [f"seed {s}, fold {f}" for s, f in zip(seed[order], fold[order], strict=True)]
    shuffled = {name: column[order] for name, column in columns.items()}
    assert pooled_interval(shuffled, subject[order].astype(object), AUROC, groups=names) == before


@pytest.mark.parametrize("clusters", [10, 40])
def test_a_figure_at_its_bound_has_no_interval(clusters: int) -> None:
    y = np.arange(120) % 2.0
    perfect = {"target": y, "p:1": 0.2 + 0.6 * y}
    made = pooled_interval(perfect, np.arange(120) % clusters, AUROC)
    assert not made.defined
    assert made.note == "the figure stands at its bound, 1, in every resample: no interval"
    uneven = np.minimum(np.arange(120) // 2, clusters - 1)
    assert "between 0 and 1" in jackknife_interval(perfect, uneven, AUROC, scale="logit").note


def test_a_bounded_figure_of_few_subjects_stays_inside() -> None:
    random = np.random.default_rng(1)
    held, trials = 0, 150
    truth = float(scipy.stats.norm.cdf(2.5 / math.sqrt(2)))
    for _ in range(trials):
        y = np.repeat(np.arange(12) % 2.0, 5)
        score = 2.5 * y + random.normal(size=60)
        made = pooled_interval({"target": y, "p:1": score}, np.repeat(np.arange(12), 5), AUROC)
        assert not made.defined or 0 < made.low < made.high < 1
        held += made.covers(truth) or not made.defined
    assert held / trials >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / trials)


def test_sums_by_group() -> None:
    random = np.random.default_rng(0)
    rows = [regress.statistics(y, y + random.normal(size=5)) for y in random.normal(size=(80, 5))]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    subject, fold = np.repeat(np.arange(40), 2), np.tile([0, 1], 40)
    counts = counts_of(next(draws_of(40, 7, seed=0)))
    figures = Clustered.of(columns, subject, RMSE, fold).figures(counts)
    for count, figure in zip(counts, figures, strict=True):
        drawn = np.repeat(np.arange(80), count[subject])
        each = [RMSE({k: v[drawn[fold[drawn] == one]] for k, v in columns.items()}).value for one in (0, 1)]
        assert figure == pytest.approx(np.mean(each))


def test_a_group_that_cannot_be_scored_is_named() -> None:
    columns, subject, fold = case(40)
    columns["target"][fold == 2] = 1.0
    whole = Clustered.of(columns, subject, AUROC, fold).whole()
    assert whole.reason == "group 2: a class has no rows"
    assert cluster_bootstrap(columns, subject, AUROC, groups=fold).note == whole.reason
    nothing = {name: column[:0] for name, column in columns.items()}
    assert cluster_bootstrap(nothing, subject[:0], AUROC, groups=fold[:0]).note == "no rows"
    assert cluster_bootstrap(nothing, subject[:0], AUROC).note == "no rows"


def test_lengths_must_fit() -> None:
    columns, subject, fold = case(20)
    with pytest.raises(DataError, match="'groups' has 399 rows, the clusters 400"):
        pooled_interval(columns, subject, AUROC, groups=fold[1:])
    with pytest.raises(DataError, match="'p:1' has 399 rows, the clusters 400"):
        pooled_interval({**columns, "p:1": columns["p:1"][1:]}, subject, AUROC)


def test_many_clusters_leave_out_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    columns, subject, _ = case(300, 2000)
    full = cluster_bootstrap(columns, subject, AUROC)
    monkeypatch.setattr(bootstrap, "MOST_LEFT_OUT", 100)
    some = cluster_bootstrap(columns, subject, AUROC)
    assert (some.low, some.high) != (full.low, full.high)
    assert (some.low, some.high) == pytest.approx((full.low, full.high), abs=0.02 * full.width)


def test_labels_are_numbered_in_their_order() -> None:
    names, number = number_labels(np.array(["b", "a", "b"], dtype=object))
    assert names == ["a", "b"]
    assert number.tolist() == [1, 0, 1]
    pairs, number = number_labels([(1, 0), (0, 1), (1, 0)])
    assert pairs == [[0, 1], [1, 0]]
    assert number.tolist() == [1, 0, 1]


def test_coverage_of_a_mean_over_folds() -> None:
    # Subjects with an effect of their own; the truth is the AUROC of two unit normals one apart, Phi(1 / sqrt 2 / s).
    random = np.random.default_rng(0)
    truth = float(scipy.stats.norm.cdf(1 / math.sqrt(2 * 1.25)))
    held = 0
    for _ in range(120):
        subject = np.repeat(np.arange(60), 4)
        y = np.repeat(random.integers(0, 2, 60), 4).astype(np.float64)
        score = y + np.repeat(random.normal(scale=0.5, size=60), 4) + random.normal(size=240)
        interval = cluster_bootstrap({"target": y, "p:1": score}, subject, AUROC, 400, groups=np.tile([0, 1, 2, 3], 60))
        held += interval.covers(truth)
    # 95 % less three standard errors of 120 trials.
    assert held / 120 >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 120)
