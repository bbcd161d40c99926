"""Classical forecasters, each against an independent computation: a library, a solver, or the equations by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_are

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import ForecastSetting
from hilum.datasets.extmarkers.dataset import ExternalMarkers
from hilum.engine.forecasts.stream import stream_record
from hilum.metrics.forecast import statistics
from hilum.modalities.series.standardise import Standardise
from hilum.models.constant_velocity_kalman import ConstantVelocityKalman
from hilum.models.hold_last import HoldLast
from hilum.models.linear_regression import LinearRegression
from hilum.models.normalised_least_mean_squares import NormalisedLeastMeanSquares, nlms_step
from hilum.models.quasi_periodic import QuasiPeriodic
from hilum.models.repeat_last_label import RepeatLastLabel
from hilum.models.ridge_regression import RidgeRegression, ridge
from hilum.models.support_vector_regression import SupportVectorRegression

Array = NDArray[np.float64]
SETTING = ForecastSetting(channels=2, horizons=(1, 4), seconds_per_sample=0.1, unit="mm")
TRAIN = 30


def breath(samples: int = 120, seed: int = 0) -> Array:
    t = np.arange(samples) / 10
    noise = np.random.default_rng(seed).normal(0, 0.1, (samples, 2))
    return np.stack([5 * np.sin(1.7 * t), 3 * np.cos(1.7 * t + 0.3)], axis=1) + noise


def stream(model: Any, values: Array, protocol: str = "causal", setting: ForecastSetting = SETTING) -> Array:
    return stream_record(model, setting, values, TRAIN, protocol, 0).forecasts


# --- repeat the last label


def test_the_last_label_is_the_sample_before_the_one_asked_for() -> None:
    values = breath()
    found = stream(RepeatLastLabel(), values, "published")
    for index, horizon in enumerate(SETTING.horizons):
        assert np.array_equal(found[index, horizon + 1 :], values[horizon:-1])


def test_causally_the_last_label_is_the_last_value() -> None:
    values = breath()
    values[:6] = np.nan
    values[3, 0] = 1.0
    values[40:44, 1] = np.nan
    assert np.array_equal(stream(RepeatLastLabel(), values), stream(HoldLast(), values), equal_nan=True)


@pytest.mark.real_data
def test_the_bound_of_the_published_protocol(real_data: Callable[[str], Path]) -> None:
    """Regression figures of the nine recordings at 10 Hz: the same error at every horizon."""
    dataset, folder = ExternalMarkers(), real_data("extmarkers")
    setting = ForecastSetting(9, (5, 20), 0.1, "mm")
    rows = []
    for item in dataset.items(folder):
        values = np.ascontiguousarray(dataset.load(folder, item).values)
        forecasts = stream(RepeatLastLabel(), values, "published", setting)
        rows.append([statistics(values[600:], f[600:], points=3, seconds_per_sample=0.1) for f in forecasts])
    for index in range(2):
        told = [row[index] for row in rows]
        assert round(np.mean([math.sqrt(r["sum_sq"] / r["n"]) for r in told]), 3) == 0.584
        assert round(np.mean([r["sum_abs"] / r["n"] for r in told]), 3) == 0.438


# --- normalised least mean squares


@given(st.integers(0, 1000), st.floats(0.01, 1.99))
def test_the_error_just_learnt_shrinks_by_the_rate(seed: int, rate: float) -> None:
    draw = np.random.default_rng(seed)
    weights, window, target = draw.normal(size=(2, 5)), draw.normal(size=4), draw.normal(size=2)
    u = np.concatenate([[1.0], window])
    before = target - weights @ u
    nlms_step(weights, window, target, rate, 0.0)
    np.testing.assert_allclose(target - weights @ u, (1 - rate) * before, atol=1e-12)


@pytest.mark.parametrize("target", ["increment", "position"])
def test_nlms_by_the_equations(target: Any) -> None:
    values, k, h, rate, floor = breath(), 3, 4, 0.3, 0.1
    found = stream(NormalisedLeastMeanSquares(history=k, rate=rate, floor=floor, target=target), values)[1]
    mean, scale = values[:TRAIN].mean(axis=0), values[:TRAIN].std(axis=0)
    z = (values - mean) / scale
    level = z if target == "increment" else np.zeros_like(z)
    u = {t: np.concatenate([[1.0], z[t - k + 1 : t + 1].ravel()]) for t in range(k - 1, len(z))}
    weights = np.zeros((2, 1 + 2 * k))
    for t in range(k - 1, len(z) - h):
        if t - h in u:
            past = u[t - h]
            error = z[t] - level[t - h] - weights @ past
            weights += rate * np.outer(error, past) / (floor + past @ past)
        np.testing.assert_allclose(found[t + h], (weights @ u[t] + level[t]) * scale + mean, atol=1e-9)


def test_the_compiled_step_is_the_plain_one() -> None:
    draw = np.random.default_rng(1)
    weights, window, target = draw.normal(size=(2, 7)), draw.normal(size=6), draw.normal(size=2)
    plain = weights.copy()
    nlms_step(weights, window, target, 0.1, 0.01)
    nlms_step.plain(plain, window, target, 0.1, 0.01)
    np.testing.assert_allclose(weights, plain, atol=1e-12)


# --- constant-velocity Kalman filter


def kalman(values: Array, settings: ConstantVelocityKalman, interval: float) -> tuple[Array, Array]:
    """One channel with 2 x 2 matrices: states (samples, 2) and the last covariance; NaN skips the update."""
    F, H = np.array([[1, interval], [0, 1]]), np.array([[1.0, 0.0]])
    q, r = settings.process_noise**2, settings.measurement_noise**2
    Q = q * np.array([[interval**3 / 3, interval**2 / 2], [interval**2 / 2, interval]])
    x, P = np.array([values[0], 0.0]), np.diag([r, settings.start_velocity**2])
    states = [x]
    for value in values[1:]:
        x, P = F @ x, F @ P @ F.T + Q
        if not np.isnan(value):
            K = P @ H.T @ np.linalg.inv(H @ P @ H.T + r)
            x, P = x + K @ (value - H @ x), (np.eye(2) - K @ H) @ P
        states.append(x)
    return np.array(states), P


def test_kalman_is_the_matrix_form() -> None:
    values = breath()
    values[50:53, 1] = np.nan
    settings = ConstantVelocityKalman(process_noise=7.0, measurement_noise=0.4)
    found = stream(settings, values)
    for channel in range(2):
        states, _ = kalman(values[:, channel], settings, 0.1)
        for index, h in enumerate(SETTING.horizons):
            np.testing.assert_allclose(found[index, h:, channel], (states[:-h] @ [1.0, h * 0.1]), atol=1e-9)


def test_kalman_settles_at_the_solution_of_the_riccati_equation() -> None:
    settings = ConstantVelocityKalman(process_noise=7.0, measurement_noise=0.4)
    forecaster = stream_record(settings, SETTING, breath(400), TRAIN, "causal", 0).forecaster
    state = forecaster.state()
    F, H, r = np.array([[1, 0.1], [0, 1]]), np.array([[1.0, 0.0]]), 0.4**2
    Q = 49.0 * np.array([[1e-3 / 3, 1e-2 / 2], [1e-2 / 2, 0.1]])
    before = solve_discrete_are(F.T, H.T, Q, np.array([[r]]))
    after = before - before @ H.T @ H @ before / (before[0, 0] + r)
    found = [state[name][0] for name in ("pp", "pv", "vv")]
    np.testing.assert_allclose(found, [after[0, 0], after[0, 1], after[1, 1]], rtol=1e-8)


def test_a_channel_out_of_sight_stops_and_begins_anew() -> None:
    values = np.stack([np.arange(100.0), np.arange(100.0)], axis=1)
    values[50:80, 0] = np.nan
    found = stream(ConstantVelocityKalman(coast_seconds=1.0), values)[1]
    np.testing.assert_allclose(found[40:50], np.stack([np.arange(40.0, 50)] * 2, axis=1), atol=0.01)
    assert found[58, 0] == pytest.approx(58.0, abs=0.1)  # still coasting
    assert found[75, 0] == found[76, 0] == pytest.approx(60.0, abs=1.1)  # stands where a second took it
    assert found[84, 0] == 80.0  # made at sample 80, the first one seen again: at rest there
    assert found[99, 0] == pytest.approx(99.0, abs=0.2)


# --- quasi-periodic extrapolation


def harmonic_fit(values: Array, settings: QuasiPeriodic, horizon: int) -> tuple[Array, float]:
    """Weighted least squares for every period by a library, and the best one's forecast from the last sample."""
    samples = round(settings.window_s / 0.1)
    ages = 0.1 * np.arange(1 - samples, 1)
    root = np.exp(0.5 * ages / settings.memory_s)[:, None]
    best = (np.inf, np.zeros(2), 0.0)
    for period in np.geomspace(settings.shortest_period_s, settings.longest_period_s, settings.periods):

        def columns(a: Array, period: float = period) -> Array:
            waves = [f(2 * np.pi * j * a / period) for j in range(1, settings.harmonics + 1) for f in (np.cos, np.sin)]
            return np.stack([np.ones_like(a), a, *waves], axis=1)

        wanted = root * values[-samples:]
        weights = np.linalg.lstsq(root * columns(ages), wanted, rcond=None)[0]
        left = float(((wanted - root * columns(ages) @ weights) ** 2).sum())
        change = (columns(np.array([0.1 * horizon])) - columns(np.zeros(1))) @ weights
        best = min(best, (left, values[-1] + change[0], float(period)), key=lambda found: found[0])
    return best[1], best[2]


def test_quasi_periodic_is_the_best_of_all_harmonic_fits() -> None:
    values = breath()
    settings = QuasiPeriodic(window_s=5.0, longest_period_s=5.0, memory_s=1.5, periods=15)
    found = stream(settings, values)
    for t in (49, 70, 110):
        for index, h in enumerate(SETTING.horizons):
            np.testing.assert_allclose(found[index, t + h], harmonic_fit(values[: t + 1], settings, h)[0], atol=1e-8)


@given(st.sampled_from(range(12)), st.integers(0, 100))
def test_a_wave_of_the_grid_on_a_slope_goes_on_for_ever(place: int, seed: int) -> None:
    settings = QuasiPeriodic(window_s=8.0, longest_period_s=6.0, periods=12)
    period = np.geomspace(2.0, 6.0, 12)[place]
    draw = np.random.default_rng(seed)
    t = np.arange(150) * 0.1
    angles = 2 * np.pi * np.outer(t, [1, 2]) / period
    shape = draw.uniform(0.5, 2.0, (4, 2))
    values = np.concatenate([np.cos(angles), np.sin(angles)], axis=1) @ shape + 0.3 * t[:, None] + 5
    setting = ForecastSetting(2, (20,), 0.1, "mm")
    np.testing.assert_allclose(stream(settings, values, setting=setting)[0, 100:], values[100:], atol=1e-6)


# --- support vector regression


def test_support_vectors_are_scikit_learns() -> None:
    from sklearn.svm import SVR

    values, k, fit = breath(), 3, 45
    settings = SupportVectorRegression(
        history=k, kernel_scale=4.0, box=3.0, epsilon=0.05, fit_seconds=4.5, tolerance=1e-9
    )
    found = stream(settings, values)
    z = (values - values[:fit].mean(axis=0)) / values[:fit].std(axis=0)
    rows = np.array([z[t - k + 1 : t + 1].ravel() for t in range(k - 1, len(z))])
    for index, h in enumerate(SETTING.horizons):
        pairs = fit - h - k + 1
        for channel in range(2):
            machine = SVR(kernel="rbf", gamma=1 / 16.0, C=3.0, epsilon=0.05, tol=1e-9)
            machine.fit(rows[:pairs], z[k - 1 + h : fit, channel])
            wanted = machine.predict(rows[fit - k : len(z) - h - k + 1])
            in_mm = wanted * values[:fit, channel].std() + values[:fit, channel].mean()
            np.testing.assert_allclose(found[index, fit - 1 + h :, channel], in_mm, atol=1e-6)


def test_a_machine_is_kept_as_plain_arrays() -> None:
    settings = SupportVectorRegression(history=3, fit_seconds=4.0, epsilon=0.3)
    state = stream_record(settings, SETTING, breath(), TRAIN, "causal", 0).forecaster.state()
    vectors = len(state["maps/vectors"])
    assert 0 < vectors < 40
    assert state["maps/duals"].shape == (2, 2, vectors)
    assert np.abs(state["maps/duals"]).max() <= settings.box + 1e-9
    assert all(array.dtype == np.float64 and array.flags.c_contiguous for array in state.values())


# --- whose labels, and when to fit


FITTED = [
    LinearRegression(history=3, fit_seconds=4.0),
    LinearRegression(history=3, fit_seconds=4.0, refit_seconds=1.5),
    RidgeRegression(history=3, fit_seconds=4.0, refit_seconds=1.5),
    SupportVectorRegression(history=3, fit_seconds=4.0),
]


@pytest.mark.parametrize("model", FITTED, ids=str)
def test_causally_what_was_handed_is_what_was_observed(model: Any) -> None:
    values = breath()
    handed = type(model)(**{**vars(model), "labels": "handed"})
    assert np.array_equal(stream(model, values), stream(handed, values), equal_nan=True)
    values[35, 1] = values[60, 0] = np.nan
    assert np.array_equal(stream(model, values), stream(handed, values), equal_nan=True)
    assert not np.array_equal(stream(handed, values), stream(handed, values, "published"), equal_nan=True)
    assert np.array_equal(stream(model, values), stream(model, values, "published"), equal_nan=True)


def test_handed_early_the_labels_reach_beyond_the_clock() -> None:
    values, k, fit = breath(), 3, 40
    found = stream(LinearRegression(history=k, fit_seconds=4.0, labels="handed"), values, "published")
    rows = np.array([np.concatenate([[1.0], values[t - k + 1 : t + 1].ravel()]) for t in range(k - 1, len(values))])
    for index, h in enumerate(SETTING.horizons):
        # At the forecast of sample fit - 1 every earlier origin has been handed its label: h - 1 of these lie ahead.
        origins = np.arange(k - 1, fit - 1)
        assert (origins + h).max() == fit - 1 + h - 1
        weights = np.linalg.lstsq(rows[origins - k + 1], values[origins + h], rcond=None)[0]
        np.testing.assert_allclose(found[index, fit - 1 + h :], (rows[fit - k :] @ weights)[:-h], atol=1e-8)


def test_a_refit_is_the_fit_of_a_longer_part() -> None:
    values = breath()
    found = stream(LinearRegression(history=3, fit_seconds=4.0, refit_seconds=1.5), values)
    for fit in (40, 55, 70):
        fresh = stream(LinearRegression(history=3, fit_seconds=fit / 10), values)
        for index, h in enumerate(SETTING.horizons):
            made = slice(fit - 1 + h, fit + 14 + h)  # by the forecasts of fit - 1 to fit + 13
            np.testing.assert_allclose(found[index, made], fresh[index, made], atol=1e-10)


def test_pairs_without_a_whole_label_are_left_out() -> None:
    values, k, h, fit = breath(), 2, 4, 40
    values[20, 0] = np.nan
    found = stream(RidgeRegression(history=k, penalty=2.0, fit_seconds=4.0), values)[1]
    scaling = Standardise.fit(values[:TRAIN])
    labels = scaling.apply(values)
    z = labels.copy()
    z[20, 0] = z[19, 0]
    rows = np.array([np.concatenate([[1.0], z[t - k + 1 : t + 1].ravel()]) for t in range(k - 1, len(z))])
    origins = [t for t in range(k - 1, fit - h) if t + h != 20]
    weights = ridge(rows[np.array(origins) - k + 1], labels[np.array(origins) + h], 2.0)
    wanted = scaling.invert((rows[fit - k :] @ weights)[:-h])
    np.testing.assert_allclose(found[fit - 1 + h :], wanted, atol=1e-9)


def test_a_fitting_part_that_holds_no_pair_is_refused() -> None:
    with pytest.raises(UsageError, match="no pair for a history of 40 samples and a forecast 4 samples ahead"):
        stream(LinearRegression(history=40, fit_seconds=4.0), breath())


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (LinearRegression, {"labels": "guessed"}),
        (LinearRegression, {"refit_seconds": -1.0}),
        (RidgeRegression, {"labels": "guessed"}),
        (RidgeRegression, {"refit_seconds": -1.0}),
        (SupportVectorRegression, {"box": 0.0}),
        (SupportVectorRegression, {"epsilon": -0.1}),
        (SupportVectorRegression, {"labels": ""}),
        (NormalisedLeastMeanSquares, {"rate": 2.0}),
        (NormalisedLeastMeanSquares, {"target": "velocity"}),
        (ConstantVelocityKalman, {"measurement_noise": 0.0}),
        (ConstantVelocityKalman, {"coast_seconds": -1.0}),
        (QuasiPeriodic, {"harmonics": 0}),
        (QuasiPeriodic, {"longest_period_s": 1.0}),
        (QuasiPeriodic, {"window_s": 3.0}),
    ],
)
def test_settings_that_make_no_sense_are_refused(kind: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=kind.__name__):
        kind(**settings)


def test_a_window_with_fewer_samples_than_coefficients_is_refused() -> None:
    with pytest.raises(UsageError, match="QuasiPeriodic"):
        QuasiPeriodic(window_s=12.0).start(ForecastSetting(1, (1,), 3.0, "mm"), np.zeros((5, 1)), 0)
