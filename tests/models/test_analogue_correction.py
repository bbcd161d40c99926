"""A forecaster corrected by its own errors: against brute force, and that a wrong correction is dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.core.component import build, describe
from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import ForecastSetting
from hilum.engine.forecasts.stream import stream_record
from hilum.models.analogue_correction import AnalogueCorrection
from hilum.models.hold_last import HoldLast
from hilum.models.least_mean_squares import LeastMeanSquares
from hilum.models.mixture import Mixture
from tests.models.test_mixture import offsets
from tests.models.test_principal import ANALOGUES, DIRECT, SETTING, breath

Array = NDArray[np.float64]
CORRECTED = AnalogueCorrection(mixture=Mixture(experts=(DIRECT,)), analogues=ANALOGUES)


def stream(model: Any, values: Array, protocol: str = "causal") -> Array:
    return stream_record(model, SETTING, values, 20, protocol, 0).forecasts


def test_the_last_value_corrected_is_analogues_with_a_share() -> None:
    """Errors of the last value are increments, so what is added is what analogues alone would add, times the share."""
    values = breath()
    alone, corrected = (
        stream(ANALOGUES, values),
        stream(replace(CORRECTED, mixture=Mixture(experts=(HoldLast(),)), caution=0.0), values),
    )
    origin = 110
    for index, horizon in enumerate(SETTING.horizons):
        held = {t: values[t] for t in range(len(values))}
        # From the refit on, what was thought at every origin; before it, what a basis of the warm-up had thought.
        thought = {j: alone[index, j + horizon] - held[j] for j in range(origin - horizon + 1)}
        error = {j: values[j + horizon] - held[j] for j in thought}
        age = {j: 0.998 ** (origin - horizon - j) for j in thought}
        share = sum(age[j] * (thought[j] @ error[j]) for j in thought) / sum(
            age[j] * (thought[j] @ thought[j]) for j in thought
        )
        wanted = held[origin] + np.clip(share, 0, 1) * (alone[index, origin + horizon] - held[origin])
        np.testing.assert_allclose(corrected[index, origin + horizon], wanted, atol=1e-9)


def test_errors_that_come_back_are_taken_away_and_others_are_left() -> None:
    values, draw = breath(600), np.random.default_rng(4)
    repeats = np.cos(1.7 * np.arange(600) / 10)
    chance = draw.normal(size=600)
    for errors, at_most in ((repeats, 0.3), (chance, 1.02)):
        model = replace(CORRECTED, mixture=Mixture(experts=offsets(errors[None], values)))
        late = stream(model, values)[:, 300:] - values[300:]
        assert np.sqrt(np.square(late).mean()) < at_most * np.sqrt(np.square(errors[300:]).mean())


@pytest.mark.parametrize("origin", [30, 41, 101])
def test_nothing_later_than_the_clock_moves_a_forecast(origin: int) -> None:
    values = breath()
    full, poisoned = stream(CORRECTED, values), values.copy()
    poisoned[origin + 1 :] = 1e6
    for index, horizon in enumerate(SETTING.horizons):
        made = slice(horizon, origin + horizon + 1)
        assert np.array_equal(full[index, made], stream(CORRECTED, poisoned)[index, made], equal_nan=True)


@pytest.mark.parametrize("carried_at", [1, 30, 77])
def test_state_can_be_carried_elsewhere(carried_at: int) -> None:
    values = breath()
    straight = CORRECTED.start(SETTING, values[:20], 3)
    restored = CORRECTED.start(SETTING, values[:20] * 0 + 1, 99)
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


def test_missing_flat_and_exploding_are_ordinary_input() -> None:
    values = breath()
    values[50, 0] = np.nan
    values[70:75] = np.nan
    assert np.isfinite(stream(CORRECTED, values)[:, 30:]).all()
    np.testing.assert_allclose(stream(CORRECTED, np.ones((60, 3)))[:, 10:], 1.0)
    wild = Mixture(experts=(LeastMeanSquares(history=3, rate=1e3, clip=np.inf),))
    with np.errstate(all="ignore"):
        assert np.isfinite(stream(replace(CORRECTED, mixture=wild), breath(900))[:, 30:]).all()


def test_what_it_is_made_of_shows() -> None:
    assert AnalogueCorrection().stochastic
    assert not CORRECTED.stochastic
    setting = ForecastSetting(3, (1,), 0.1, "mm")
    assert CORRECTED.pretrain([], setting, 0) == CORRECTED
    assert build(describe(CORRECTED)) == CORRECTED
    with pytest.raises(UsageError, match="AnalogueCorrection"):
        replace(CORRECTED, memory=0.0)
