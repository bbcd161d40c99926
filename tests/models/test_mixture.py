"""The mixture: its weights against their closed forms, its memory, and that it is no worse a citizen than its experts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as shapes
from numpy.typing import NDArray

from hilum.core.component import build, describe
from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import ForecastSetting
from hilum.engine.forecasts.stream import stream_record
from hilum.models.hold_last import HoldLast
from hilum.models.least_mean_squares import LeastMeanSquares
from hilum.models.mixture import Mixture, exponential_weights, minimum_variance_weights
from hilum.models.recursive_least_squares import RecursiveLeastSquares
from hilum.models.snap1 import SnAp1
from tests.models.test_principal import ANALOGUES, DIRECT, ECHO, ONE_STEP, SETTING, breath

Array = NDArray[np.float64]
EXPERTS = (HoldLast(), DIRECT, ONE_STEP, ECHO, ANALOGUES, RecursiveLeastSquares(history=3), SnAp1(units=5, history=3))
MIXTURE = Mixture(experts=EXPERTS, exponential_beyond_seconds=0.2)
RULES = [replace(MIXTURE, rule=rule) for rule in ("minimum-variance", "exponential", "by-horizon")]
every_rule = pytest.mark.parametrize("model", RULES, ids=lambda model: model.rule)


def stream(model: Any, values: Array, protocol: str = "causal") -> Array:
    return stream_record(model, SETTING, values, 20, protocol, 0).forecasts


@dataclass(frozen=True)
class Offset:
    """An expert that misses the next value of a known record by a known error: an oracle needs no clock."""

    record: tuple[tuple[float, ...], ...]
    errors: tuple[float, ...]

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Any:
        return _Offset(self, setting)


class _Offset:
    def __init__(self, model: Offset, setting: ForecastSetting) -> None:
        self._values, self._errors = np.array(model.record), np.array(model.errors)
        self._horizons, self._now = setting.horizons, -1

    def observe(self, sample: Array) -> None:
        self._now += 1

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        """Nothing."""

    def predict(self) -> Array:
        ahead = [min(self._now + horizon, len(self._values) - 1) for horizon in self._horizons]
        return np.stack([self._values[t] + self._errors[t] for t in ahead])

    def state(self) -> dict[str, Array]:
        return {"now": np.array([float(self._now)])}

    def restore(self, state: dict[str, Array]) -> None:
        self._now = int(state["now"][0])


def offsets(errors: Array, values: Array) -> tuple[Offset, ...]:
    return tuple(Offset(tuple(map(tuple, values)), tuple(row)) for row in errors)


# Weights


@given(shapes.arrays(np.float64, (40, 4), elements=st.floats(-5, 5, width=32)))
def test_minimum_variance_weights_are_what_an_optimiser_finds(errors: Array) -> None:
    from scipy.optimize import minimize

    products = errors.T @ errors
    if np.trace(products) < 1e-3:
        return
    found = minimum_variance_weights(products[None], np.array([40.0]), np.array([40.0]))[0]
    covariance = products / 40
    ridged = covariance + (0.005 + 0.095 * np.exp(-2.0)) * np.trace(covariance) / 4 * np.eye(4)
    free = minimize(
        lambda w: np.array([*w, 1 - w.sum()]) @ ridged @ np.array([*w, 1 - w.sum()]) / np.trace(ridged),
        np.full(3, 0.25),
        method="BFGS",
        options={"gtol": 1e-10},
    ).x
    wanted = np.maximum([*free, 1 - free.sum()], 0.0)
    np.testing.assert_allclose(found, wanted / wanted.sum(), atol=1e-4)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1.0)


def test_minimum_variance_of_two_by_hand() -> None:
    """Independent errors of variance 1 and 4 weigh 4 to 1, but for the ridge of 0.005 times the mean variance 2.5."""
    found = minimum_variance_weights(np.diag([10.0, 40.0])[None], np.array([10.0]), np.array([1e9]))[0]
    np.testing.assert_allclose(found, np.array([4.0125, 1.0125]) / 5.025)


def test_exponential_weights_by_hand() -> None:
    found = exponential_weights(np.array([[2.0, 4.0], [0.0, 0.0], [0.0, 3.0]]))
    np.testing.assert_allclose(found, [[1 / (1 + np.exp(-2)), np.exp(-2) / (1 + np.exp(-2))], [0.5, 0.5], [1.0, 0.0]])


def test_nothing_learnt_weighs_all_the_same() -> None:
    assert minimum_variance_weights(np.zeros((2, 4, 4)), np.zeros(2), np.zeros(2)).tolist() == [[0.25] * 4] * 2
    assert exponential_weights(np.zeros((2, 4))).tolist() == [[0.25] * 4] * 2


def test_weights_come_from_discounted_errors_already_seen() -> None:
    values, draw = breath(60), np.random.default_rng(1)
    errors = draw.normal(size=(3, 60)) * np.array([[1.0], [2.0], [0.5]])
    for rule in ("minimum-variance", "exponential"):
        model = Mixture(experts=offsets(errors, values), rule=rule, memory=0.9, loss_memory=0.8)
        forecasts = stream(model, values)
        for index, horizon in enumerate(SETTING.horizons):
            origin = 40  # forecasts of samples horizon ... origin have met their labels
            seen = errors[:, horizon : origin + 1]
            age = np.arange(seen.shape[1])[::-1]
            if rule == "exponential":
                weights = exponential_weights(3 * (seen**2 @ 0.8**age)[None])[0]  # an error of each of three channels
            else:
                products = (seen * 0.9**age) @ seen.T
                weights = minimum_variance_weights(
                    products[None], np.array([(0.9**age).sum()]), np.array([float(len(age))])
                )[0]
            wanted = values[origin + horizon] + weights @ errors[:, origin + horizon]
            np.testing.assert_allclose(forecasts[index, origin + horizon], wanted, atol=1e-9)


def test_two_opposite_experts_cancel() -> None:
    values = breath(200)
    swing = np.sin(np.arange(200.0))
    mixed = stream(Mixture(experts=offsets(np.stack([swing, -swing]), values), rule="minimum-variance"), values)
    assert np.abs(mixed[:, 60:] - values[60:]).max() < 1e-9


def test_it_follows_the_better_half_of_a_record() -> None:
    values, draw = breath(400), np.random.default_rng(2)
    errors = draw.normal(size=(2, 400)) * np.where(np.arange(400) < 200, [[0.1], [3.0]], [[3.0], [0.1]])
    for rule in ("minimum-variance", "exponential"):
        model = Mixture(experts=offsets(errors, values), rule=rule, memory=0.9, loss_memory=0.9)
        error = stream(model, values)[:, 300:] - values[300:]
        assert np.sqrt(np.square(error).mean()) < 0.2


# As a forecaster


@every_rule
@pytest.mark.parametrize("origin", [30, 41, 101])
def test_nothing_later_than_the_clock_moves_a_forecast(model: Any, origin: int) -> None:
    values = breath()
    full = stream(model, values)
    poisoned = values.copy()
    poisoned[origin + 1 :] = 1e6
    for index, horizon in enumerate(SETTING.horizons):
        made = slice(horizon, origin + horizon + 1)
        assert np.array_equal(full[index, made], stream(model, poisoned)[index, made], equal_nan=True)


def test_a_label_one_sample_early_moves_it() -> None:
    """What the test above would find: under the published protocol later samples do move a forecast."""
    values = breath()
    poisoned = values.copy()
    poisoned[91:] = 1e3
    full, other = (stream(MIXTURE, record, "published")[1, 94] for record in (values, poisoned))
    assert not np.array_equal(full, other)


@every_rule
@pytest.mark.parametrize("carried_at", [1, 30, 77])
def test_state_can_be_carried_elsewhere(model: Any, carried_at: int) -> None:
    values = breath()
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


@every_rule
def test_missing_samples_and_labels_are_ordinary_input(model: Any) -> None:
    values = breath()
    values[50, 0] = np.nan
    values[70:75] = np.nan
    assert np.isfinite(stream(model, values)[:, 30:]).all()
    assert np.isfinite(stream(model, np.ones((60, 3)))[:, 10:]).all()


@every_rule
def test_an_expert_that_explodes_counts_as_the_last_value(model: Any) -> None:
    values = breath(1200)
    wild = LeastMeanSquares(history=3, rate=1e3, clip=np.inf)
    with np.errstate(all="ignore"):
        alone = stream(wild, values)
        mixed = stream(replace(model, experts=(wild, DIRECT)), values)
    assert not np.isfinite(alone[:, -1]).all()
    assert np.isfinite(mixed[:, 30:]).all()
    late = slice(1000, None)
    sound = stream(DIRECT, values)[:, late]
    assert np.square(mixed[:, late] - values[late]).mean() < 3 * np.square(sound - values[late]).mean()


def test_a_single_expert_is_itself() -> None:
    values = breath()
    for rule in RULES:
        np.testing.assert_allclose(
            stream(replace(rule, experts=(DIRECT,)), values), stream(DIRECT, values), rtol=0, atol=1e-12
        )


def test_experts_that_can_be_pretrained_are() -> None:
    @dataclass(frozen=True)
    class Taught:
        seen: int = 0

        def pretrain(self, others: Any, setting: ForecastSetting, seed: int) -> Any:
            return Taught(len(others))

        def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Any:
            return HoldLast().start(setting, warm_up, seed)

    ready = Mixture(experts=(DIRECT, Taught())).pretrain(["one", "two"], SETTING, 0)  # type: ignore[list-item]
    assert ready == Mixture(experts=(DIRECT, Taught(2)))


def test_it_can_be_written_down_and_built_again() -> None:
    for model in (Mixture(), MIXTURE):
        assert build(describe(model)) == model


def test_it_draws_at_random_where_an_expert_does() -> None:
    assert Mixture().stochastic
    assert not Mixture(experts=(DIRECT, ANALOGUES)).stochastic


@pytest.mark.parametrize("settings", [{"experts": ()}, {"rule": "best"}, {"memory": 1.5}, {"loss_memory": 0.0}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="Mixture"):
        Mixture(**settings)
