"""Forecast metrics against a hand-worked case, plain loops and their symmetries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from hilum.core.errors import DataError
from hilum.core.metric import Metric
from hilum.metrics.forecast import KIND, METRICS, statistics

Array = NDArray[np.float64]
BY_NAME = {metric.name: metric for metric in METRICS}
SEEDS = st.integers(0, 2**32 - 1)


def case(seed: int, samples: int = 30, points: int = 3, centre: float = 5.0) -> tuple[Array, Array]:
    """A path and a forecast of it, shape (samples, 3 * points), mm."""
    random = np.random.default_rng(seed)
    truth = centre + np.cumsum(random.normal(size=(samples, 3 * points)), axis=0)
    return truth, truth + random.normal(scale=2.0, size=truth.shape)


def score(*rows: dict[str, float]) -> dict[str, float]:
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {metric.name: metric(columns).value for metric in METRICS}


def of(truth: Array, forecast: Array, points: int = 3, seconds: float = 0.1) -> dict[str, float]:
    return statistics(truth, forecast, points=points, seconds_per_sample=seconds)


def test_hand_worked() -> None:
    # One point, four samples, at rest forecasts off by (3, 4, 0), 0, (0, 0, 2), (0, 3, 0): errors 5, 0, 2, 3 mm.
    truth = np.array([[0, 0, 0], [2, 0, 0], [2, 0, 0], [4, 0, 0]], dtype=float)
    forecast = truth + np.array([[3, 4, 0], [0, 0, 0], [0, 0, 2], [0, 3, 0]])
    found = score(of(truth, forecast, points=1, seconds=0.5))
    # Forecasts (3,4,0) (2,0,0) (2,0,2) (4,3,0): steps sqrt(17), 2, sqrt(4+9+4). Truth 0 2 2 4 about 2: spread 8.
    steps = 2 * math.sqrt(17) + 2
    assert found == pytest.approx(
        {
            "mae": 2.5,
            "rmse": math.sqrt(38 / 4),
            "nrmse": math.sqrt(38 / 8),
            "max-error": 5.0,
            "jitter": steps / 3,
            "jitter-per-second": steps / 1.5,
            "within-2mm": 2 / 4,
            "within-3mm": 3 / 4,
            "within-5mm": 1.0,
        }
    )


@pytest.mark.parametrize("points", [0, 3])
def test_plain_loops(points: int) -> None:
    truth, forecast = case(1)
    objects = [[j, j + 3, j + 6] for j in range(3)] if points else [[j] for j in range(9)]
    errors, jumps, spread = [], [], 0.0
    for channels in objects:
        mean = [sum(truth[t, c] for t in range(30)) / 30 for c in channels]
        for t in range(30):
            errors.append(math.dist(truth[t, channels], forecast[t, channels]))
            spread += math.dist(truth[t, channels], mean) ** 2
            if t:
                jumps.append(math.dist(forecast[t, channels], forecast[t - 1, channels]))
    squares = sum(e * e for e in errors)
    assert score(of(truth, forecast, points)) == pytest.approx(
        {
            "mae": sum(errors) / len(errors),
            "rmse": math.sqrt(squares / len(errors)),
            "nrmse": math.sqrt(squares / spread),
            "max-error": max(errors),
            "jitter": sum(jumps) / len(jumps),
            "jitter-per-second": sum(jumps) / len(jumps) / 0.1,
            "within-2mm": sum(e <= 2 for e in errors) / len(errors),
            "within-3mm": sum(e <= 3 for e in errors) / len(errors),
            "within-5mm": sum(e <= 5 for e in errors) / len(errors),
        }
    )


@given(SEEDS)
def test_moving_or_turning_space_changes_nothing(seed: int) -> None:
    truth, forecast = case(seed)
    turn = Rotation.random(random_state=seed % 2**31).as_matrix()
    shift = np.random.default_rng(seed).normal(scale=50.0, size=(3, 1))

    def moved(values: Array) -> Array:
        space = values.reshape(-1, 3, 3)  # sample, coordinate, point
        result: Array = (turn @ space + shift).reshape(values.shape)
        return result

    assert score(of(moved(truth), moved(forecast))) == pytest.approx(score(of(truth, forecast)), rel=1e-8)


@given(SEEDS, st.floats(0.01, 100.0))
def test_scale_equivariance(seed: int, factor: float) -> None:
    truth, forecast = case(seed)
    before, after = score(of(truth, forecast)), score(of(factor * truth, factor * forecast))
    for name in ("mae", "rmse", "max-error", "jitter", "jitter-per-second"):
        assert after[name] == pytest.approx(factor * before[name], rel=1e-9)
    assert after["nrmse"] == pytest.approx(before["nrmse"], rel=1e-9)


@given(SEEDS)
def test_order_of_size(seed: int) -> None:
    found = score(of(*case(seed)))
    assert found["max-error"] >= found["rmse"] >= found["mae"] > 0
    assert 0 <= found["within-2mm"] <= found["within-3mm"] <= found["within-5mm"] <= 1
    for metric in METRICS:
        assert metric.bounds[0] <= found[metric.name] <= metric.bounds[1]


@given(SEEDS)
def test_order_of_samples_and_of_rows(seed: int) -> None:
    truth, forecast = case(seed)
    order = np.random.default_rng(seed).permutation(len(truth))
    shuffled, straight = score(of(truth[order], forecast[order])), score(of(truth, forecast))
    for name in straight.keys() - {"jitter", "jitter-per-second"}:
        assert shuffled[name] == pytest.approx(straight[name])
    rows = [of(*case(seed + k)) for k in range(4)]
    assert score(*rows) == pytest.approx(score(*rows[::-1]))


@given(SEEDS, st.integers(1, 29))
def test_pooled_rows_equal_all_samples_together(seed: int, cut: int) -> None:
    truth, forecast = case(seed)
    pooled = score(of(truth[:cut], forecast[:cut]), of(truth[cut:], forecast[cut:]))
    together = score(of(truth, forecast))
    # nrmse keeps each unit's mean and the jitters make no jump between units: see the module's head.
    for name in ("mae", "rmse", "max-error", "within-2mm", "within-3mm", "within-5mm"):
        assert pooled[name] == pytest.approx(together[name])
    assert pooled["nrmse"] >= together["nrmse"] * (1 - 1e-12)


@pytest.mark.parametrize("metric", [m for m in METRICS if m.pooling == "sums"], ids=lambda m: m.name)
def test_pooling_by_sums_reads_column_sums_only(metric: Metric) -> None:
    rows = [of(*case(seed, samples=10 + seed)) for seed in range(5)]
    columns = {name: np.array([row[name] for row in rows]) for name in metric.needs}
    summed = {name: column.sum(keepdims=True) for name, column in columns.items()}
    assert metric(summed).value == pytest.approx(metric(columns).value)


def test_jitter_over_rates() -> None:
    truth, forecast = case(0)
    slow, fast = of(truth, forecast, seconds=0.3), of(truth[:11], forecast[:11], seconds=0.1)
    columns = {name: np.array([slow[name], fast[name]]) for name in slow}
    assert "sampling rates" in BY_NAME["jitter"](columns).reason
    seconds = 3 * (29 * 0.3 + 10 * 0.1)
    length = slow["sum_jump"] + fast["sum_jump"]
    assert BY_NAME["jitter-per-second"](columns).value == pytest.approx(length / seconds)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e200])
def test_explosion_is_nan_everywhere(bad: float) -> None:
    truth, forecast = case(0)
    forecast[4, 2] = bad
    row = of(truth, forecast)
    assert row.pop("seconds_per_sample") == 0.1
    assert all(math.isnan(value) for value in row.values())
    for metric in METRICS:
        found = metric({name: np.array([value]) for name, value in of(truth, forecast).items()})
        assert not found.defined
        assert "not finite" in found.reason


def test_missing_truth_is_not_scored() -> None:
    truth, forecast = case(0)
    kept = of(np.delete(truth, 5, axis=0), np.delete(forecast, 5, axis=0))
    truth[5, :] = math.nan
    row = of(truth, forecast)
    for name in ("n", "sum_abs", "sum_sq", "max_error", "sum_sq_truth", "within_2"):
        assert row[name] == pytest.approx(kept[name])
    truth[7, 0] = math.nan  # x of the first point: that point only
    assert of(truth, forecast)["n"] == 29 * 3 - 1


def undefined(name: str, row: dict[str, float]) -> str:
    found = BY_NAME[name]({key: np.array([value]) for key, value in row.items()})
    assert not found.defined
    return found.reason


def test_undefined_with_a_reason() -> None:
    truth, forecast = case(0)
    still = np.full_like(truth, 0.1)
    assert undefined("nrmse", of(still, forecast)) == "the truth does not vary"
    for name in ("jitter", "jitter-per-second"):
        assert undefined(name, of(truth[:1], forecast[:1])) == "one sample makes no jump"
    nothing = of(truth[:0], forecast[:0])
    for name in ("mae", "rmse", "max-error", "within-2mm", "within-3mm", "within-5mm"):
        assert undefined(name, nothing) == "no sample was scored"


def test_perfect_forecast_and_edges_of_tolerance() -> None:
    truth, _ = case(0)
    found = score(of(truth, truth))
    assert (found["mae"], found["nrmse"], found["within-2mm"]) == (0.0, 0.0, 1.0)
    row = statistics(np.zeros((2, 1)), [[2.0], [2.5]], points=0, seconds_per_sample=1.0, tolerances_mm=(2.0, 2.5))
    assert (row["within_2"], row["within_2.5"]) == (1.0, 2.0)


def test_wrong_shapes_say_what_to_do() -> None:
    truth, forecast = case(0)
    with pytest.raises(DataError, match="points=0"):
        of(truth, forecast, points=2)
    with pytest.raises(DataError, match="shape"):
        of(truth[:, 0], forecast[:, 0], points=0)
    with pytest.raises(DataError, match="same samples"):
        of(truth, forecast[:-1])


def test_cards_are_complete() -> None:
    assert KIND == "forecast"
    assert len(BY_NAME) == len(METRICS) == 9
    for metric in METRICS:
        assert metric.definition
        assert metric.source
        assert metric.direction == ("higher" if metric.name.startswith("within") else "lower")
