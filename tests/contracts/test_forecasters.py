"""What holds for every forecaster that the finder finds, whoever adds it: no list is kept here.

Models are run with lighter settings than their defaults (names that they share, below), on short records.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.core.component import build, default_of, describe, parts_of
from hilum.core.errors import UsageError
from hilum.core.finder import find, get
from hilum.core.kinds.forecast import Forecaster, ForecastModel, ForecastSetting, Pretrainable
from hilum.engine.forecasts.stream import stream_record
from hilum.engine.plan import EXTRA_MODULES
from hilum.modalities.series.sample import Series

Array = NDArray[np.float64]
SETTING = ForecastSetting(channels=3, horizons=(1, 4), seconds_per_sample=0.1, unit="mm")
SAMPLES, WARM_UP = 130, 30
PREFIXES = (33, 61, 97)  # before most models are fitted, just after, and well into what they learn

# No larger than this; a model that has no such setting, or refuses it, keeps its own.
LIGHTER = {
    "units": 6,
    "history": 3,
    "fit_seconds": 4.0,
    "basis_seconds": 3.0,
    "history_seconds": 0.6,
    "leading_history_seconds": 0.6,
    "window_s": 3.0,
    "longest_period_s": 3.0,
    "shortest_period_s": 1.5,
    "periods": 12,
    "lags": 3,
    "epochs": 2,
    "width": 8,
    "batch": 16,
}


def lighter(model: Any) -> Any:
    """The same model with smaller settings, inside too."""
    for field in dataclasses.fields(model):
        value = getattr(model, field.name)
        if isinstance(value, tuple) and value and all(dataclasses.is_dataclass(inner) for inner in value):
            model = dataclasses.replace(model, **{field.name: tuple(lighter(inner) for inner in value)})
    smaller = {
        name: least
        for name, least in LIGHTER.items()
        if name in {field.name for field in dataclasses.fields(model)}
        and isinstance(getattr(model, name), int | float)
        and getattr(model, name) > least
    }
    try:
        return dataclasses.replace(model, **smaller)
    except UsageError:
        for name, least in smaller.items():
            try:
                model = dataclasses.replace(model, **{name: least})
            except UsageError:
                continue
        return model


@cache
def default(name: str) -> Any:
    found = get("models", name)
    return default_of(found.load("settings" if found.has("settings") else ""))


FORECASTERS = [name for name in find("models") if isinstance(default(name), ForecastModel)]
every = pytest.mark.parametrize("name", FORECASTERS)


def breath(samples: int = SAMPLES, seed: int = 0) -> Array:
    t = np.arange(samples) / 10
    noise = np.random.default_rng(seed).normal(0, 0.1, (samples, 3))
    return np.stack([5 * np.sin(2.1 * t), 3 * np.cos(2.1 * t + 0.3), 1 + np.sin(2.1 * t + 1)], axis=1) + noise


@cache
def ready(name: str, setting: ForecastSetting) -> Any:
    """The model that runs: skipped where its extra is absent, trained on two other records where it wants that."""
    model = default(name)
    for part in parts_of(model):
        module = EXTRA_MODULES.get(getattr(part, "extra", ""), "")
        if module and find_spec(module) is None:
            pytest.skip(f"{name} needs the extra '{part.extra}', and {module} is not installed")
    model = lighter(model)
    if isinstance(model, Pretrainable):
        others = [Series(f"other-{n}", None, breath(160, n), 0.1, "mm", ("x", "y", "z")) for n in (7, 8)]
        model = model.pretrain(others, setting, 0)
    return model


def run(
    name: str, values: Array, *, protocol: str = "causal", setting: ForecastSetting = SETTING, **only: Any
) -> Array:
    with np.errstate(all="ignore"):
        return stream_record(
            ready(name, setting), setting, np.ascontiguousarray(values), WARM_UP, protocol, 3, **only
        ).forecasts


@cache
def whole_run(name: str) -> Array:
    return run(name, breath())


def made_before(forecasts: Array, origin: int) -> list[Array]:
    """The forecasts made up to and at sample `origin`, by horizon; those that no record can have are left out."""
    return [forecasts[index, h : origin + h + 1] for index, h in enumerate(SETTING.horizons)]


def test_there_are_forecasters() -> None:
    assert {"hold_last", "linear_regression", "recursive_least_squares", "snap1"} <= set(FORECASTERS)


@every
@pytest.mark.parametrize("samples", PREFIXES)
def test_a_forecast_from_a_truncated_record_is_the_full_runs(name: str, samples: int) -> None:
    cut = np.concatenate(
        [breath()[:samples], np.full((max(SETTING.horizons), 3), np.nan)]
    )  # room for the last forecasts
    truncated = run(name, cut, stop=samples)
    for one, other in zip(made_before(whole_run(name), samples - 1), made_before(truncated, samples - 1), strict=True):
        assert one.shape == other.shape
        assert np.array_equal(one, other, equal_nan=True), "the record after the clock moved a forecast"


@every
@pytest.mark.parametrize("samples", PREFIXES)
def test_a_poisoned_future_moves_nothing(name: str, samples: int) -> None:
    poisoned = breath()
    poisoned[samples:] = 1e6
    found = run(name, poisoned)
    for one, other in zip(made_before(whole_run(name), samples - 1), made_before(found, samples - 1), strict=True):
        assert np.array_equal(one, other, equal_nan=True), "the record after the clock moved a forecast"


def test_these_tests_see_a_label_that_comes_too_early() -> None:
    """The negative control: under the published order the same forecaster moves when the record is cut."""
    name, samples = "recursive_least_squares", 61
    full = run(name, breath(), protocol="published")
    cut = np.concatenate([breath()[:samples], np.full((max(SETTING.horizons), 3), np.nan)])
    truncated = run(name, cut, protocol="published", stop=samples)
    near, far = (
        np.array_equal(one, other, equal_nan=True)
        for one, other in zip(made_before(full, samples - 1), made_before(truncated, samples - 1), strict=True)
    )
    assert near, "one sample ahead no label is early"
    assert not far


def single_samples(values: Array) -> None:
    values[50, 0] = values[51, 2] = np.nan
    values[70:75] = np.nan


def a_channel_drops_out(values: Array) -> None:
    values[60:, 1] = np.nan


def a_channel_never_seen(values: Array) -> None:
    values[:, 1] = np.nan


def begins_unseen(values: Array) -> None:
    values[:5] = np.nan
    values[: WARM_UP + 6, 1] = np.nan


def a_constant_channel(values: Array) -> None:
    values[:, 1] = 2.0


def stands_still(values: Array) -> None:
    values[:] = 2.0


def slows_to_every_second_sample(values: Array) -> None:
    values[61::2] = np.nan


def missing_while_fitting(values: Array) -> None:
    values[20:45, 2] = np.nan
    values[33] = np.nan


CASES = (
    single_samples,
    a_channel_drops_out,
    a_channel_never_seen,
    begins_unseen,
    a_constant_channel,
    stands_still,
    slows_to_every_second_sample,
    missing_while_fitting,
)


@every
@pytest.mark.parametrize("damage", CASES, ids=lambda case: case.__name__)
def test_what_happens_in_a_room_is_ordinary_input(name: str, damage: Callable[[Array], None]) -> None:
    values = breath()
    damage(values)
    forecasts = run(name, values)
    for made in made_before(forecasts, SAMPLES - 1):
        assert np.isfinite(made).all()
        assert np.abs(made).max() < 1e3, "a breath of 5 mm was forecast as a metre"


@every
def test_another_sampling_interval_is_another_setting(name: str) -> None:
    slower = dataclasses.replace(SETTING, seconds_per_sample=2 * SETTING.seconds_per_sample)
    forecasts = run(name, breath()[::2], setting=slower)
    assert all(np.isfinite(made).all() for made in made_before(forecasts, SAMPLES // 2 - 1))


@every
@pytest.mark.parametrize("spike", [1e150, 1e300])
def test_an_overflow_is_no_crash(name: str, spike: float) -> None:
    values = breath()
    values[36] = spike
    values[80, 0] = -spike
    forecasts = run(name, values)
    assert forecasts.shape == (2, SAMPLES, 3)


@every
@pytest.mark.parametrize("values", [breath()[:1], np.full((60, 3), np.nan)], ids=["one sample", "nothing at all"])
def test_too_little_is_no_crash(name: str, values: Array) -> None:
    assert run(name, values).shape == (2, len(values), 3)


@every
def test_the_published_order_runs_too(name: str) -> None:
    forecasts = run(name, breath(), protocol="published")
    assert all(np.isfinite(made).all() for made in made_before(forecasts, SAMPLES - 1))


def step(forecaster: Forecaster, t: int, sample: Array) -> Array:
    forecaster.observe(sample)
    for horizon in SETTING.horizons:
        if t >= horizon:
            forecaster.learn(t - horizon, horizon, sample)
    return forecaster.predict()


@every
@pytest.mark.parametrize("restart", [10, 38, 80])
def test_a_restart_goes_on_bit_by_bit(name: str, restart: int) -> None:
    values = breath()
    values[70:73, 0] = np.nan
    model = ready(name, SETTING)
    straight = model.start(SETTING, values[:WARM_UP], 3)
    restored = model.start(SETTING, np.ones((WARM_UP, 3)), 99)
    asked = model.start(SETTING, values[:WARM_UP], 3)  # as `straight`, but nobody asks for its state
    for t, sample in enumerate(values):
        if t == restart:
            kept = straight.state()
            assert all(isinstance(array, np.ndarray) for array in kept.values())
            restored.restore({key: array.copy() for key, array in kept.items()})
        wanted = step(asked, t, sample)
        found = step(straight, t, sample)
        assert np.array_equal(found, wanted, equal_nan=True), "asking for the state changed the forecaster"
        if t >= restart:
            assert np.array_equal(step(restored, t, sample), wanted, equal_nan=True), f"differs at sample {t}"


@every
def test_a_state_is_a_copy(name: str) -> None:
    values = breath()
    forecaster = ready(name, SETTING).start(SETTING, values[:WARM_UP], 3)
    for t in range(80):
        step(forecaster, t, values[t])
    kept = forecaster.state()
    before = {key: array.copy() for key, array in kept.items()}
    for t in range(80, SAMPLES):
        step(forecaster, t, values[t])
    for key, array in before.items():
        assert np.array_equal(array, kept[key], equal_nan=True), f"'{key}' moved on with the forecaster"


@every
def test_a_description_makes_the_model_again(name: str) -> None:
    for model in (default(name), lighter(default(name))):
        assert build(describe(model)) == model
        assert hash(build(describe(model))) == hash(model)
