"""Forecasters on principal components: the basis, the readout, and an independent oracle for each forecaster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as shapes
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import ForecastSetting
from hilum.engine.forecasts.stream import stream_record
from hilum.models._increment_readout import CEILING, IncrementReadout, advance_gain
from hilum.models._principal import OnPrincipalComponents, PrincipalComponents, in_samples
from hilum.models.echo_state import EchoState, resound
from hilum.models.nearest_analogues import NearestAnalogues, linear_increment, mean_increment, squared_distances
from hilum.models.principal_component_least_squares import PrincipalComponentLeastSquares
from hilum.models.recent_mean import RecentMean
from hilum.models.recursive_least_squares import RecursiveLeastSquares
from hilum.models.recursive_one_step import RecursiveOneStep, iterate

Array = NDArray[np.float64]
SETTING = ForecastSetting(channels=3, horizons=(1, 4), seconds_per_sample=0.1, unit="mm")
DIRECT = PrincipalComponentLeastSquares(
    components=2, leading_history_seconds=0.5, other_history_seconds=0.2, forgetting=0.99, basis_seconds=4.0
)
ONE_STEP = RecursiveOneStep(components=2, order=3, forgetting=0.99, basis_seconds=4.0)
ECHO = EchoState(components=2, units=12, links=0.4, lags=3, stride_seconds=0.2, forgetting=0.99, basis_seconds=4.0)
ANALOGUES = NearestAnalogues(components=2, history_seconds=0.6, neighbours=4, basis_seconds=4.0)
LINEAR = replace(ANALOGUES, slope_lags_seconds=(0.1, 0.3), most=30)
EVERY = (DIRECT, ONE_STEP, ECHO, ANALOGUES, replace(ANALOGUES, memory_seconds=5.0), LINEAR)
every = pytest.mark.parametrize("model", EVERY, ids=lambda model: type(model).__name__)


def breath(samples: int = 130, seed: int = 0) -> Array:
    t = np.arange(samples) / 10
    noise = np.random.default_rng(seed).normal(0, 0.1, (samples, 3))
    return np.stack([5 * np.sin(1.7 * t), 3 * np.cos(1.7 * t + 0.3), np.sin(1.7 * t + 2)], axis=1) + noise


def stream(model: Any, values: Array, protocol: str = "causal", warm_up: int = 20, **only: Any) -> Array:
    return stream_record(model, SETTING, values, warm_up, protocol, 0, **only).forecasts


# What holds for every one of them


@every
@pytest.mark.parametrize("origin", [30, 39, 40, 70, 101])
def test_nothing_later_than_the_clock_moves_a_forecast(model: Any, origin: int) -> None:
    values = breath()
    full = stream(model, values)
    poisoned = values.copy()
    poisoned[origin + 1 :] = 1e6
    for other in (
        stream(model, poisoned),
        stream(model, np.concatenate([values[: origin + 1], np.full((5, 3), np.nan)])),
    ):
        for index, horizon in enumerate(SETTING.horizons):
            made = slice(horizon, origin + horizon + 1)
            assert np.array_equal(full[index, made][: len(other[index, made])], other[index, made], equal_nan=True)


@every
@pytest.mark.parametrize("carried_at", [25, 60])  # before and after the basis is fitted anew
def test_state_can_be_carried_elsewhere(model: Any, carried_at: int) -> None:
    values = breath()
    values[24, 1] = np.nan
    straight = model.start(SETTING, values[:20], 3)
    restored = model.start(SETTING, values[:20] * 0 + 1, 99)
    for t, sample in enumerate(values):
        if t == carried_at:
            restored.restore({name: array.copy() for name, array in straight.state().items()})
        for forecaster in (straight, restored) if t >= carried_at else (straight,):
            forecaster.observe(sample)
            for horizon in SETTING.horizons:
                if t >= horizon:
                    forecaster.learn(t - horizon, horizon, sample)
        if t >= carried_at:
            assert np.array_equal(straight.predict(), restored.predict())
        else:
            straight.predict()


@every
def test_missing_samples_and_labels_are_ordinary_input(model: Any) -> None:
    values = breath()
    values[[5, 50], 0] = np.nan
    values[70:75] = np.nan
    assert np.isfinite(stream(model, values)[:, 30:]).all()
    values[:20] = np.nan  # nothing to fit the first basis on
    assert np.isfinite(stream(model, values)[:, 30:]).all()


@every
@pytest.mark.parametrize("values", [np.zeros((1, 3)), np.ones((90, 3)), np.full((60, 3), np.nan)])
def test_one_sample_a_flat_record_and_nothing_at_all(model: Any, values: Array) -> None:
    forecasts = stream(model, values)
    assert np.isfinite(forecasts[:, 10:]).all()
    if len(values) == 90:
        np.testing.assert_allclose(forecasts[:, 10:], 1.0)


@every
def test_it_holds_the_last_value_until_it_can_do_better(model: Any) -> None:
    values = breath()
    np.testing.assert_allclose(stream(model, values)[0, 2], values[1])


@every
def test_a_smooth_breath_is_forecast_better_than_by_the_last_value(model: Any) -> None:
    values = breath(600)
    for index, horizon in enumerate(SETTING.horizons):
        error = np.square(stream(model, values)[index, 300:] - values[300:]).mean()
        assert error < np.square(values[300 - horizon : -horizon] - values[300:]).mean() * (
            0.9 if horizon == 1 else 0.2
        )


@every
def test_an_explosion_is_no_crash(model: Any) -> None:
    values = breath()
    values[90:] *= 1e200
    with np.errstate(all="ignore"):
        assert stream(model, values).shape == (2, 130, 3)


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (DIRECT, {"components": 0}),
        (DIRECT, {"forgetting": 1.5}),
        (ONE_STEP, {"limit": 0.0}),
        (ECHO, {"leak": 0.0}),
        (ECHO, {"links": 1.2}),
        (ANALOGUES, {"neighbours": 0}),
        (ANALOGUES, {"level": -0.1}),
        (ANALOGUES, {"slope_lags_seconds": (0.2, 0.6)}),
        (RecentMean(), {"time_constant_seconds": 0.0}),
        (RecursiveLeastSquares(), {"target": "place"}),
    ],
)
def test_settings_that_make_no_sense_are_refused(model: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"makes? no sense"):
        replace(model, **settings)


@pytest.mark.parametrize(
    "kernel", [advance_gain, iterate, resound, squared_distances, mean_increment, linear_increment]
)
def test_kernels_equal_their_plain_form(kernel: Any) -> None:
    draw = np.random.default_rng(1)
    root = draw.normal(size=(7, 7))
    followed = draw.normal(size=(9, 3))
    followed[4] = np.nan
    arguments = {
        "advance_gain": (root @ root.T, draw.normal(size=7), 0.99, np.zeros(7)),
        "iterate": (0.3 * draw.normal(size=(2, 7)), draw.normal(size=6), 5, 2.0),
        "resound": (
            draw.normal(size=(4, 4)),
            draw.normal(size=(4, 3)),
            draw.normal(size=4),
            draw.normal(size=2),
            0.3,
        ),
        "squared_distances": (draw.normal(size=(5, 1200)), draw.normal(size=5), 1100),
        "linear_increment": (np.square(draw.normal(size=8)), followed, draw.normal(size=(2, 9)), 3, 0.4, 0.1, 6),
        "mean_increment": (np.square(draw.normal(size=8)), followed, 3, 0.4),
    }[kernel.__name__]
    mine, plain = ([np.array(a) if isinstance(a, np.ndarray) else a for a in arguments] for _ in range(2))
    returned = (kernel(*mine), kernel.plain(*plain))
    if returned[0] is not None:
        np.testing.assert_allclose(returned[0], returned[1], atol=1e-10)
    for one, other in zip(mine, plain, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10)


# The basis


@given(shapes.arrays(np.float64, (30, 4), elements=st.floats(-50, 50, width=32)), st.integers(1, 4))
def test_the_basis_is_scikit_learns(samples: Array, components: int) -> None:
    from sklearn.decomposition import PCA

    with np.errstate(invalid="ignore"):  # where nothing varies, of the shares that are not used
        fitted = PCA(4, svd_solver="full").fit(samples)
    variances = fitted.explained_variance_
    if variances[0] == 0 or (variances[:-1] - variances[1:]).min() < 1e-3 * variances[0]:
        return  # directions of equal variance are anybody's choice
    basis = PrincipalComponents.fit(samples, components)
    theirs = fitted.transform(samples)[:, :components]
    size = np.sqrt(np.mean(theirs[:, 0] ** 2))
    np.testing.assert_allclose(np.abs(basis.scores(samples)), np.abs(theirs) / size, atol=1e-6)
    assert (basis.directions[np.arange(components), np.abs(basis.directions).argmax(axis=1)] > 0).all()


def test_what_the_basis_lifts_is_where_it_came_from() -> None:
    values = breath()
    whole = PrincipalComponents.fit(values, 9)
    assert whole.directions.shape == (3, 3)
    np.testing.assert_allclose(values[0] + whole.lift(whole.scores(values) - whole.scores(values[0])), values)
    assert np.sqrt(np.mean(whole.scores(values)[:, 0] ** 2)) == pytest.approx(1.0)
    values[3, 1] = np.nan
    kept = np.delete(values, 3, axis=0)
    np.testing.assert_array_equal(
        PrincipalComponents.fit(values, 2).directions, PrincipalComponents.fit(kept, 2).directions
    )


@every
def test_after_the_second_basis_all_is_as_if_it_had_been_there_from_the_start(model: Any) -> None:
    values = breath()
    values[33, 2] = np.nan
    early = stream(model, values, warm_up=20)
    from_the_start = stream_record(model, SETTING, values, 40, "causal", 0).forecasts
    for index, horizon in enumerate(SETTING.horizons):
        assert np.array_equal(early[index, 39 + horizon :], from_the_start[index, 39 + horizon :])
        assert not np.array_equal(early[index, 25 : 39 + horizon], from_the_start[index, 25 : 39 + horizon])


def test_labels_are_learnt_again_in_the_order_in_which_they_came() -> None:
    told: list[tuple[Any, ...]] = []

    class Scribe:
        def observe(self, sample: Array) -> None:
            told.append(("observe", sample[0]))

        def learn(self, origin: int, horizon: int, target: Array) -> None:
            told.append(("learn", origin, horizon, target[0]))

    values = breath(10)
    scribe: Any = OnPrincipalComponents(SETTING, values[:4], 2, 0.8, lambda basis: Scribe())  # type: ignore[arg-type,return-value]
    for t in range(8):
        if t == 7:
            before = list(told)
            told.clear()
        scribe.observe(values[t])
        if t < 7:
            scribe.learn(t, 1, values[t + 1])
    assert told == [*before, ("observe", values[7, 0])]


def test_durations_become_samples() -> None:
    assert [in_samples(seconds, SETTING) for seconds in (0.01, 0.1, 0.26, 6.0)] == [1, 1, 3, 60]


# The readout


def test_the_readout_is_the_discounted_least_squares_solution() -> None:
    draw = np.random.default_rng(3)
    forgetting, prior, horizon = 0.97, 0.5, 2
    features, values = draw.normal(size=(60, 5)), draw.normal(size=(60, 2))
    readout = IncrementReadout((1, horizon), 2, 5, forgetting=forgetting, prior=prior)
    for t in range(60):
        readout.observe(t, features[t], values[t])
        if t >= horizon:
            readout.learn(t - horizon, horizon, values[t])
    pairs = 60 - horizon  # of the last `horizon` origins the label is missing, though they have advanced the covariance
    age = forgetting ** np.arange(59, -1, -1.0)
    # As each label moves the weights by the gain of its origin, they solve the problem as it was at the last labelled origin.
    age = age[:pairs] / age[pairs - 1]
    rows, increments = features[:pairs], values[horizon:] - values[:pairs]
    gram = rows.T @ (age[:, None] * rows) + forgetting**pairs / prior * np.eye(5)
    wanted = np.linalg.solve(gram, rows.T @ (age[:, None] * increments))
    np.testing.assert_allclose(readout.weights_of(horizon).T, wanted, atol=1e-9)
    np.testing.assert_allclose(readout.predict(59)[1], values[59] + features[59] @ wanted, atol=1e-9)
    assert not readout.weights_of(1).any()


def test_the_covariance_stays_symmetric_and_bounded_where_nothing_excites_it() -> None:
    spread, gain = np.eye(4), np.zeros(4)
    for _ in range(20000):
        advance_gain(spread, np.array([1.0, 0.3, 0.0, 0.0]), 0.99, gain)
    assert np.array_equal(spread, spread.T)
    assert np.diag(spread).max() <= CEILING / 0.99
    assert np.isfinite(gain).all()


def test_least_squares_on_components_by_batches() -> None:
    """Its forecast at one moment, from a weighted least-squares solution over features built by hand."""
    values = breath()
    basis = PrincipalComponents.fit(values[:40], 2)
    scores = basis.scores(values)
    origin, horizon = 99, 4
    rows = np.array(
        [np.concatenate([[1.0], scores[t - 4 : t + 1, 0], scores[t - 1 : t + 1, 1]]) for t in range(4, origin + 1)]
    )
    increments = values[4 + horizon : origin + 1] - values[4 : origin + 1 - horizon]
    age = 0.99 ** np.arange(len(increments) - 1, -1, -1.0)
    past = rows[: len(increments)]
    gram = past.T @ (age[:, None] * past) + 0.99 ** len(increments) / 0.1 * np.eye(rows.shape[1])
    weights = np.linalg.solve(gram, past.T @ (age[:, None] * increments))
    np.testing.assert_allclose(
        stream(DIRECT, values)[1, origin + horizon], values[origin] + rows[-1] @ weights, atol=1e-8
    )


def test_one_step_iterated_is_the_companion_matrix() -> None:
    draw = np.random.default_rng(5)
    weights, window = 0.2 * draw.normal(size=(2, 7)), draw.normal(size=6)
    companion = np.eye(7)
    companion[1:5] = np.eye(7)[3:]
    companion[5:] = np.eye(7)[5:] + weights
    path = iterate(weights, window, 6, np.inf)
    for step in range(6):
        ahead = np.linalg.matrix_power(companion, step + 1) @ np.concatenate([[1.0], window])
        np.testing.assert_allclose(path[step], ahead[5:], atol=1e-10)
    assert np.abs(iterate(weights + 5.0, window, 20, 3.0)).max() == 3.0


def test_one_step_needs_no_labels_and_finds_a_known_map() -> None:
    truth = np.array([[0.9, -0.4, 0.0], [0.4, 0.9, 0.0], [0.0, 0.0, 0.5]])
    draw = np.random.default_rng(6)
    values = np.zeros((3000, 3))
    for t in range(1, 3000):
        values[t] = truth @ values[t - 1] + draw.normal(0, 1, 3)
    model = RecursiveOneStep(components=3, order=1, forgetting=1.0, basis_seconds=4.0)
    forecasts = stream(model, values)
    assert np.array_equal(forecasts, stream(model, values, "published"), equal_nan=True)
    wanted = np.linalg.matrix_power(truth, 4) @ values[2900]
    np.testing.assert_allclose(forecasts[1, 2904], wanted, atol=0.3)


# The reservoir


def test_the_reservoir_has_the_radius_it_was_given_and_repeats() -> None:
    started = ECHO.start(SETTING, breath()[:20], 1).state()
    assert np.abs(np.linalg.eigvals(started["inner/inner"])).max() == pytest.approx(0.95)
    again, other = (ECHO.start(SETTING, breath()[:20], seed).state() for seed in (1, 2))
    assert np.array_equal(started["inner/inner"], again["inner/inner"])
    assert not np.array_equal(started["inner/outer"], other["inner/outer"])


def test_the_reservoir_forgets_where_it_began() -> None:
    started = ECHO.start(SETTING, breath()[:20], 1).state()
    inner, outer = started["inner/inner"], started["inner/outer"]
    one, other = np.full(12, 0.9), np.full(12, -0.9)
    for t in range(400):
        drive = np.array([np.sin(t / 5), np.cos(t / 7)])
        one, other = (resound(inner, outer, state, drive, 0.5) for state in (one, other))
    np.testing.assert_allclose(one, other, atol=1e-6)
    by_hand = 0.5 * one + 0.5 * np.tanh(inner @ one + outer @ np.array([1.0, 0.2, -0.1]))
    np.testing.assert_allclose(resound(inner, outer, one, np.array([0.2, -0.1]), 0.5), by_hand, atol=1e-12)


# Analogues


def test_analogues_by_brute_force() -> None:
    values = breath()
    basis = PrincipalComponents.fit(values[:40], 2)
    scores = basis.scores(values)

    def moment(t: int) -> Array:
        shape = [(scores[t - lag] - scores[t]) * 2 / np.sqrt(6) * np.exp(-lag / 9) for lag in range(1, 6)]
        return np.concatenate([0.2 * scores[t], *shape])

    forecasts = stream(ANALOGUES, values)
    for origin in (50, 99, 120):
        for index, horizon in enumerate(SETTING.horizons):
            past = range(5, origin - horizon + 1)
            squares = np.array([np.sum((moment(j) - moment(origin)) ** 2) for j in past])
            weights = np.exp(-squares / (2 * 0.15 * np.sort(squares)[3]))
            increments = np.array([values[j + horizon] - values[j] for j in past])
            wanted = values[origin] + weights @ increments / weights.sum()
            if origin + horizon < len(values):
                np.testing.assert_allclose(forecasts[index, origin + horizon], wanted, atol=1e-9)


def test_the_nearest_moments_are_those_a_search_tree_finds() -> None:
    from sklearn.neighbors import NearestNeighbors

    draw = np.random.default_rng(8)
    moments, moment = draw.normal(size=(4, 700)), draw.normal(size=4)
    squares = squared_distances(moments, moment, 700)
    distance, which = NearestNeighbors(n_neighbors=1).fit(moments.T).kneighbors(moment[None])
    assert squares.argmin() == which[0, 0]
    assert np.sqrt(squares.min()) == pytest.approx(distance[0, 0])
    followed = draw.normal(size=(700, 2))
    alone = mean_increment(squares, followed, 1, 1e-6)  # a kernel so narrow that the nearest one speaks alone
    np.testing.assert_allclose(alone, followed[which[0, 0]])


def test_analogues_follow_only_moments_that_are_still_kept() -> None:
    values = breath(200)
    short = replace(ANALOGUES, memory_seconds=5.0)
    changed = values.copy()
    changed[40:100] += np.random.default_rng(9).normal(0, 1, (60, 3))
    assert np.array_equal(stream(short, values)[:, 180:], stream(short, changed)[:, 180:])
    assert not np.array_equal(stream(ANALOGUES, values)[:, 180:], stream(ANALOGUES, changed)[:, 180:])


def test_a_linear_fit_to_analogues_by_batches() -> None:
    """The fit of `most` moments in one solve, with the ridge on the slopes alone."""
    values = breath()
    basis = PrincipalComponents.fit(values[:40], 2)
    scores = basis.scores(values)

    def lagged(t: int, lag: int) -> Array:
        return (scores[t - lag] - scores[t]) * 2 / np.sqrt(6) * np.exp(-lag / 9)

    def moment(t: int) -> Array:
        return np.concatenate([0.2 * scores[t], *(lagged(t, lag) for lag in range(1, 6))])

    def regressors(t: int) -> Array:
        return np.array([0.2 * scores[t, 0], lagged(t, 1)[0], lagged(t, 3)[0]])

    origin, horizon = 110, 4
    past = np.arange(5, origin - horizon + 1)
    squares = np.array([np.sum((moment(j) - moment(origin)) ** 2) for j in past])
    nearest = np.argsort(squares)[:30]
    weights = np.exp(-squares[nearest] / (2 * 0.15 * np.sort(squares)[3]))
    away = np.array([regressors(j) - regressors(origin) for j in past[nearest]])
    rows = np.concatenate([np.ones((30, 1)), away], axis=1)
    gram = rows.T @ (weights[:, None] * rows)
    ridge = 0.3 * np.trace(gram[1:, 1:]) / 3
    fit = np.linalg.solve(
        gram + np.diag([0, ridge, ridge, ridge]),
        rows.T @ (weights[:, None] * (values[past[nearest] + horizon] - values[past[nearest]])),
    )
    np.testing.assert_allclose(stream(LINEAR, values)[1, origin + horizon], values[origin] + fit[0], atol=1e-8)


def test_a_linear_fit_follows_a_slope_that_a_mean_cannot() -> None:
    away = np.linspace(0.1, 2.0, 50)
    followed = np.stack([3 + 2 * away, -away], axis=1)
    for answer, wanted in (
        (linear_increment(away**2, followed, away[None], 10, 1.0, 1e-9, 50), [3.0, 0.0]),
        (linear_increment(away**2, np.full((50, 2), np.nan), away[None], 10, 1.0, 1e-9, 50), [0.0, 0.0]),
    ):
        np.testing.assert_allclose(answer, wanted, atol=1e-6)
    assert mean_increment(away**2, followed, 10, 1.0)[0] > 3.2


# The recent mean


def test_the_recent_mean_by_hand() -> None:
    model = RecentMean(time_constant_seconds=0.1 / np.log(2))  # forgets half of the past at every sample
    running = model.start(SETTING, breath()[:2], 0)
    for sample in ([4.0, 1.0, 0.0], [8.0, np.nan, 0.0], [2.0, 5.0, 0.0]):
        running.observe(np.array(sample))
    np.testing.assert_allclose(running.predict(), [[4.0, 3.0, 0.0]] * 2)  # (6 + 2) / 2; the plain mean of two
    again = model.start(SETTING, breath()[:2], 0)
    again.restore(running.state())
    again.observe(np.full(3, 2.0))
    np.testing.assert_allclose(again.predict()[0], [3.0, 2.5, 1.0])


# Recursive least squares with the increment as target


def test_the_increment_as_target_is_a_regression_of_increments() -> None:
    values = breath()
    scaled = (values - values[:20].mean(axis=0)) / values[:20].std(axis=0)
    origin, horizon, history = 99, 4, 3
    rows = np.array([np.concatenate([[1.0], scaled[t - 2 : t + 1].ravel()]) for t in range(2, origin + 1)])
    pairs = len(rows) - horizon
    increments = scaled[2 + horizon : origin + 1] - scaled[2 : origin + 1 - horizon]
    gram = rows[:pairs].T @ rows[:pairs] + np.eye(10) / 0.1
    weights = np.linalg.solve(gram, rows[:pairs].T @ increments)
    wanted = (scaled[origin] + rows[-1] @ weights) * values[:20].std(axis=0) + values[:20].mean(axis=0)
    found = stream(RecursiveLeastSquares(history=history, forgetting=1.0, target="increment"), values)
    np.testing.assert_allclose(found[1, origin + horizon], wanted, atol=1e-8)
