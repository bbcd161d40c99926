"""Regression metrics against scikit-learn, and what pooling must keep."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import linregress, pearsonr
from sklearn import metrics as oracle  # type: ignore[import-untyped]

from hilum.core.errors import DataError
from hilum.core.metric import Metric
from hilum.metrics.regress import KIND, METRICS, statistics, statistics_by
from hilum.metrics.stats.bootstrap import Clustered

Array = NDArray[np.float64]
BY_NAME = {metric.name: metric for metric in METRICS}
SEEDS = st.integers(0, 2**32 - 1)


def case(seed: int, n: int = 40, centre: float = 3.0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    y = centre + random.normal(size=n)
    return y, 0.7 * (y - centre) + centre + 0.2 + random.normal(scale=0.5, size=n)


def score(*rows: dict[str, float]) -> dict[str, float]:
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {metric.name: metric(columns).value for metric in METRICS}


def expected(y: Array, f: Array) -> dict[str, float]:
    return {
        "mae": oracle.mean_absolute_error(y, f),
        "rmse": oracle.root_mean_squared_error(y, f),
        "mse": oracle.mean_squared_error(y, f),
        "r2": oracle.r2_score(y, f),
        "bias": float(np.mean(f) - np.mean(y)),
        "pearson": float(pearsonr(y, f).statistic),
        "concordance": 2 * np.cov(y, f, ddof=0)[0, 1] / (np.var(y) + np.var(f) + (y.mean() - f.mean()) ** 2),
        "calibration-slope": float(linregress(f, y).slope),
        "calibration-intercept": float(linregress(f, y).intercept),
        "max-error": oracle.max_error(y, f),
        "mape": oracle.mean_absolute_percentage_error(y, f),
    }


@given(SEEDS, st.integers(2, 200))
def test_as_scikit_learn(seed: int, n: int) -> None:
    y, f = case(seed, n)
    assert score(statistics(y, f)) == pytest.approx(expected(y, f), rel=1e-8, abs=1e-8)


@given(SEEDS, st.lists(st.integers(0, 40), max_size=5))
def test_pooled_rows_equal_all_items_together(seed: int, cuts: list[int]) -> None:
    y, f = case(seed)
    parts = zip(np.split(y, sorted(cuts)), np.split(f, sorted(cuts)), strict=True)
    rows = [statistics(*part) for part in parts]
    assert score(*rows) == pytest.approx(score(statistics(y, f)), rel=1e-9)
    assert score(*rows[::-1]) == pytest.approx(score(*rows), rel=1e-12)


def test_digits_survive_a_large_mean() -> None:
    y, f = case(0)
    far = [
        statistics(part_y + 1e9, part_f + 1e9) for part_y, part_f in zip(np.split(y, 8), np.split(f, 8), strict=True)
    ]
    near = score(statistics(y, f))
    # Adding 1e9 costs y itself 7 of its 16 digits; sums of squares would lose all of them.
    assert score(*far)["r2"] == pytest.approx(near["r2"], rel=1e-5)
    assert score(*far)["pearson"] == pytest.approx(near["pearson"], rel=1e-5)


@given(SEEDS, st.floats(0.01, 100.0), st.floats(-100.0, 100.0))
def test_scale_and_shift(seed: int, factor: float, shift: float) -> None:
    y, f = case(seed)
    before, after = score(statistics(y, f)), score(statistics(factor * y + shift, factor * f + shift))
    for name in ("mae", "rmse", "bias", "max-error"):
        assert after[name] == pytest.approx(factor * before[name], rel=1e-6, abs=1e-9)
    assert after["mse"] == pytest.approx(factor**2 * before["mse"], rel=1e-6)
    for name in ("r2", "pearson"):
        assert after[name] == pytest.approx(before[name], rel=1e-6, abs=1e-9)


@given(SEEDS)
def test_order_of_size_and_of_items(seed: int) -> None:
    y, f = case(seed)
    found = score(statistics(y, f))
    assert found["max-error"] >= found["rmse"] >= found["mae"] >= abs(found["bias"])
    order = np.random.default_rng(seed).permutation(len(y))
    assert score(statistics(y[order], f[order])) == pytest.approx(found, rel=1e-9)
    for metric in METRICS:
        assert metric.bounds[0] <= found[metric.name] <= metric.bounds[1]


@pytest.mark.parametrize("metric", [m for m in METRICS if m.pooling == "sums"], ids=lambda m: m.name)
def test_pooling_by_sums_reads_column_sums_only(metric: Metric) -> None:
    rows = [statistics(*case(seed, n=5 + seed)) for seed in range(5)]
    columns = {name: np.array([row[name] for row in rows]) for name in metric.needs}
    summed = {name: column.sum(keepdims=True) for name, column in columns.items()}
    assert metric(summed).value == pytest.approx(metric(columns).value)


def undefined(name: str, *rows: dict[str, float]) -> str:
    found = BY_NAME[name]({key: np.array([row[key] for row in rows]) for key in rows[0]})
    assert not found.defined
    return found.reason


def test_undefined_with_a_reason() -> None:
    flat, moving = np.full(7, 0.1), np.arange(7.0) + 1
    assert undefined("r2", statistics(flat, moving)) == "the measured values do not vary"
    assert undefined("pearson", statistics(flat, moving)) == "the measured values do not vary"
    assert undefined("pearson", statistics(moving, flat)) == "the predictions do not vary"
    # Flat over several units too: the spread between their means is exactly 0.
    assert undefined("r2", statistics(flat, moving), statistics(flat[:3], moving[:3])).startswith("the measured")
    assert undefined("mape", statistics(moving - 1, moving)) == "1 measured values are 0: no relative error"
    assert undefined("calibration-slope", statistics(moving, flat)) == "the predictions do not vary"
    assert undefined("calibration-intercept", statistics(moving, flat)) == "the predictions do not vary"
    assert undefined("concordance", statistics(flat, flat)).startswith("neither")
    for name in ("r2", "pearson", "concordance", "calibration-slope", "calibration-intercept"):
        assert undefined(name, statistics([1.0], [2.0])) == "fewer than 2 items"
        assert undefined(name, statistics([], [])) == "fewer than 2 items"
    for name in ("mae", "mse", "rmse", "bias", "mape", "max-error"):
        assert undefined(name, statistics([], [])) == "no item was scored"


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e200])
def test_explosion_is_nan_everywhere(bad: float) -> None:
    y, f = case(0)
    f[3] = bad
    assert all(math.isnan(value) for value in statistics(y, f).values())
    assert "not finite" in undefined("mae", statistics(y, f))


def test_missing_truth_is_not_scored() -> None:
    y, f = case(0)
    kept = statistics(np.delete(y, 3), np.delete(f, 3))
    y[3] = math.nan
    assert statistics(y, f) == pytest.approx(kept)


@given(SEEDS, st.integers(0, 60), st.sampled_from([0.0, 3.0, 1e6]))
def test_many_units_at_once(seed: int, n: int, centre: float) -> None:
    random = np.random.default_rng(seed)
    y, f = case(seed, n, centre)
    unit = np.array([f"u{i}" for i in random.integers(0, 7, n)], dtype=object)
    y[random.random(n) < 0.1] = math.nan
    y[random.random(n) < 0.1] = 0.0
    f[random.random(n) < 0.03] = math.inf
    found = statistics_by(unit, y, f)
    for place, label in enumerate(sorted(set(unit.tolist()))):
        one = statistics(y[unit == label], f[unit == label])
        assert {name: column[place] for name, column in found.items()} == pytest.approx(
            one, rel=1e-9, abs=1e-9, nan_ok=True
        )
    assert all(len(column) == len(set(unit.tolist())) for column in found.values())


def test_equal_values_leave_no_spread_in_any_unit() -> None:
    found = statistics_by([0, 0, 1, 1, 1], np.full(5, 0.1), np.full(5, 0.3))
    assert found["moment_target"].tolist() == found["moment_prediction"].tolist() == [0.0, 0.0]
    with pytest.raises(DataError, match="2 units, 1 items"):
        statistics_by([0, 1], [1.0], [1.0])


@pytest.mark.parametrize("metric", [m for m in METRICS if m.resample], ids=lambda m: m.name)
@pytest.mark.parametrize("centre", [0.0, 1e5])
def test_resamples_by_sums_equal_drawn_rows(metric: Metric, centre: float) -> None:
    random = np.random.default_rng(0)
    y, f = case(1, 400, centre)
    subject = np.sort(random.integers(0, 60, 400))
    columns = statistics_by(subject, y, f)
    cluster = random.integers(0, 30, len(columns["n"]))
    counts = random.integers(0, 3, size=(50, len(np.unique(cluster))))
    counts[0], counts[1] = 0, 1
    slow = Metric(**{**metric.__dict__, "resample": None})
    figures = [Clustered.of(columns, cluster, one).figures(counts) for one in (metric, slow)]
    assert math.isnan(figures[0][0])
    np.testing.assert_allclose(figures[0], figures[1], rtol=1e-12 if not centre else 1e-9)


def test_resamples_without_spread_are_undefined() -> None:
    columns = statistics_by([0, 0, 1, 1], [1.0, 1.0, 1.0, 2.0], [0.3, 0.3, 0.3, 0.7])
    counts = np.array([[1, 0], [1, 1]])
    for name in ("r2", "pearson", "concordance", "calibration-slope"):
        figures = Clustered.of(columns, [0, 1], BY_NAME[name]).figures(counts)
        assert math.isnan(figures[0])
        assert math.isfinite(figures[1])


def test_wrong_shapes_say_what_to_do() -> None:
    with pytest.raises(DataError, match="one value an item"):
        statistics([1.0, 2.0], [1.0])
    with pytest.raises(DataError, match="one value an item"):
        statistics([[1.0]], [[1.0]])


def test_cards_are_complete() -> None:
    assert KIND == "regress"
    assert len(BY_NAME) == len(METRICS) == 11
    assert all(metric.definition and metric.source and metric.unit for metric in METRICS)
