"""What holds for every forecaster, and an independent oracle for each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import ForecastSetting
from hilum.engine.forecasts.stream import stream_record
from hilum.modalities.series.standardise import Standardise
from hilum.models.hold_last import HoldLast
from hilum.models.least_mean_squares import LeastMeanSquares, lms_step
from hilum.models.linear_regression import LinearRegression
from hilum.models.recursive_least_squares import RecursiveLeastSquares, rls_gain, rls_learn
from hilum.models.ridge_regression import RidgeRegression, ridge
from hilum.models.snap1 import SnAp1

Array = NDArray[np.float64]
SETTING = ForecastSetting(channels=2, horizons=(1, 4), seconds_per_sample=0.1, unit="mm")
EVERY = [
    HoldLast(),
    LinearRegression(history=3, fit_seconds=4.0),
    RidgeRegression(history=3, penalty=1.0, fit_seconds=4.0),
    LeastMeanSquares(history=3, rate=1e-2),
    RecursiveLeastSquares(history=3),
    SnAp1(units=5, history=3, rate=0.02, initial_sd=0.3),
]
every = pytest.mark.parametrize("model", EVERY, ids=lambda model: type(model).__name__)


def breath(samples: int = 120, seed: int = 0) -> Array:
    t = np.arange(samples) / 10
    noise = np.random.default_rng(seed).normal(0, 0.1, (samples, 2))
    return np.stack([5 * np.sin(1.7 * t), 3 * np.cos(1.7 * t + 0.3)], axis=1) + noise


def stream(model: Any, values: Array, protocol: str = "causal", **only: Any) -> Array:
    return stream_record(model, SETTING, values, 30, protocol, 0, **only).forecasts


@every
@pytest.mark.parametrize("origin", [45, 70, 101])
def test_nothing_later_than_the_clock_moves_a_forecast(model: Any, origin: int) -> None:
    values = breath()
    full = stream(model, values)
    poisoned = values.copy()
    poisoned[origin + 1 :] = 1e6
    for other in (
        stream(model, poisoned),
        stream(model, np.concatenate([values[: origin + 1], np.full((5, 2), np.nan)])),
    ):
        for index, horizon in enumerate(SETTING.horizons):
            made = slice(horizon, origin + horizon + 1)
            assert np.array_equal(full[index, made][: len(other[index, made])], other[index, made], equal_nan=True)


@every
def test_state_can_be_carried_elsewhere(model: Any) -> None:
    values = breath()
    straight = model.start(SETTING, values[:30], 3)
    restored = model.start(SETTING, values[:30] * 0 + 1, 99)
    for t, sample in enumerate(values):
        if t == 60:
            restored.restore({name: array.copy() for name, array in straight.state().items()})
        for forecaster in (straight, restored) if t >= 60 else (straight,):
            forecaster.observe(sample)
            for horizon in SETTING.horizons:
                if t >= horizon:
                    forecaster.learn(t - horizon, horizon, sample)
        if t >= 60:
            assert np.array_equal(straight.predict(), restored.predict())
        else:
            straight.predict()


@every
def test_missing_samples_and_labels_are_ordinary_input(model: Any) -> None:
    values = breath()
    values[50, 0] = np.nan
    values[70:75] = np.nan
    assert np.isfinite(stream(model, values)[:, 40:]).all()


@every
@pytest.mark.parametrize("values", [np.zeros((1, 2)), np.ones((80, 2))])
def test_one_sample_and_a_flat_record(model: Any, values: Array) -> None:
    forecasts = stream(model, values)
    assert np.isfinite(forecasts[:, 10:]).all()


@every
def test_a_window_that_is_not_full_holds_the_last_value(model: Any) -> None:
    values = breath()
    forecasts = stream(model, values)
    assert forecasts[0, 2] == pytest.approx(values[1])


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (LinearRegression, {"history": 0}),
        (RidgeRegression, {"penalty": 0.0}),
        (LeastMeanSquares, {"rate": -1.0}),
        (RecursiveLeastSquares, {"forgetting": 1.5}),
        (SnAp1, {"units": 0}),
    ],
)
def test_settings_that_make_no_sense_are_refused(kind: Any, settings: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=kind.__name__):
        kind(**settings)


@pytest.mark.parametrize("kernel", [lms_step, rls_gain, rls_learn])
def test_kernels_equal_their_plain_form(kernel: Any) -> None:
    draw = np.random.default_rng(1)
    spread = draw.normal(size=(7, 7))
    arguments = {
        "lms_step": (draw.normal(size=(2, 7)), draw.normal(size=6), draw.normal(size=2), 0.1, 3.0),
        "rls_gain": (spread @ spread.T, draw.normal(size=6), 0.99, np.zeros(7)),
        "rls_learn": (draw.normal(size=(2, 7)), draw.normal(size=7), draw.normal(size=6), draw.normal(size=2)),
    }[kernel.__name__]
    mine, plain = ([np.array(a) if isinstance(a, np.ndarray) else a for a in arguments] for _ in range(2))
    returned = (kernel(*mine), kernel.plain(*plain))
    if returned[0] is not None:
        np.testing.assert_allclose(returned[0], returned[1], atol=1e-10)
    for one, other in zip(mine, plain, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10)


def test_linear_regression_is_least_squares() -> None:
    values = breath()
    forecasts = stream(LinearRegression(history=3, fit_seconds=4.0), values)
    for index, horizon in enumerate(SETTING.horizons):
        rows = [np.concatenate([[1.0], values[t - 2 : t + 1].ravel()]) for t in range(2, len(values))]
        pairs = 40 - 3 - horizon + 1
        inputs, targets = np.array(rows[:pairs]), values[2 + horizon : 2 + horizon + pairs]
        gram = targets.T @ inputs @ np.linalg.pinv(inputs.T @ inputs)  # the published form
        wanted = np.array([gram @ rows[t - horizon - 2] for t in range(60, len(values))])
        np.testing.assert_allclose(forecasts[index, 60:], wanted, rtol=1e-8)


def test_ridge_is_scikit_learns() -> None:
    from sklearn.linear_model import Ridge

    draw = np.random.default_rng(2)
    inputs, targets = np.concatenate([np.ones((40, 1)), draw.normal(size=(40, 5))], axis=1), draw.normal(size=(40, 2))
    fitted = Ridge(alpha=3.0).fit(inputs[:, 1:], targets)
    mine = ridge(inputs, targets, 3.0)
    np.testing.assert_allclose(mine[1:].T, fitted.coef_, atol=1e-10)
    np.testing.assert_allclose(mine[0], fitted.intercept_, atol=1e-10)


def test_two_steps_of_lms_by_hand() -> None:
    weights = np.zeros((1, 3))
    lms_step(weights, np.array([1.0, 2.0]), np.array([2.0]), 0.1, 100.0)
    assert weights.tolist() == [[0.2, 0.2, 0.4]]  # 0.1 * 2 * [1, 1, 2]
    lms_step(weights, np.array([1.0, 2.0]), np.array([2.0]), 0.1, 1.0)
    error = 2.0 - (0.2 + 0.2 + 0.8)
    clipped = 0.1 / (error * np.sqrt(6.0)) * error
    np.testing.assert_allclose(weights, [[0.2 + clipped, 0.2 + clipped, 0.4 + 2 * clipped]])


def test_recursive_least_squares_is_the_weighted_solution() -> None:
    draw = np.random.default_rng(3)
    forgetting, prior = 0.97, 0.5
    inputs, targets = draw.normal(size=(50, 4)), draw.normal(size=(50, 2))
    spread, weights, gain = prior * np.eye(5), np.zeros((2, 5)), np.zeros(5)
    for u, y in zip(inputs, targets, strict=True):
        rls_gain(spread, u, forgetting, gain)
        rls_learn(weights, gain, u, y)
    rows = np.concatenate([np.ones((50, 1)), inputs], axis=1)
    age = forgetting ** np.arange(49, -1, -1.0)
    gram = rows.T @ (age[:, None] * rows) + forgetting**50 / prior * np.eye(5)
    np.testing.assert_allclose(weights.T, np.linalg.solve(gram, rows.T @ (age[:, None] * targets)), atol=1e-9)


def test_recursive_least_squares_waits_for_its_labels() -> None:
    """Gains kept for late labels give what updating with the pair at once gives, one horizon at a time."""
    values = breath()
    together = stream(RecursiveLeastSquares(history=3), values)
    for index, horizon in enumerate(SETTING.horizons):
        alone = ForecastSetting(2, (horizon,), 0.1, "mm")
        single = stream_record(RecursiveLeastSquares(history=3), alone, values, 30, "causal", 0).forecasts
        np.testing.assert_allclose(together[index, 40:], single[0, 40:], atol=1e-10)


def test_an_explosion_is_nan_and_no_crash() -> None:
    model = LeastMeanSquares(history=3, rate=1e3, clip=np.inf)
    with np.errstate(all="ignore"):
        forecasts = stream(model, breath(1500))
    assert not np.isfinite(forecasts[:, -1]).all()


def test_seeds_differ_and_repeat() -> None:
    model, values = SnAp1(units=5, history=3, initial_sd=0.3), breath()
    runs = [stream_record(model, SETTING, values, 30, "causal", seed).forecasts for seed in (0, 0, 1)]
    assert np.array_equal(runs[0], runs[1], equal_nan=True)
    assert not np.array_equal(runs[0], runs[2], equal_nan=True)


def test_scaling_is_fitted_on_what_it_is_given() -> None:
    values = breath()
    values[3, 0] = np.nan
    scaling = Standardise.fit(values[:50])
    np.testing.assert_allclose(scaling.mean, np.nanmean(values[:50], axis=0))
    np.testing.assert_allclose(scaling.scale, np.nanstd(values[:50], axis=0))
    np.testing.assert_allclose(scaling.invert(scaling.apply(values)), values)
    assert Standardise.fit(np.ones((5, 2))).scale.tolist() == [1.0, 1.0]
    assert scaling.fingerprint() == Standardise.fit(values[:50]).fingerprint() != Standardise.fit(values).fingerprint()
