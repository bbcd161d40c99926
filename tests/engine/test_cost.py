"""A plan's cost is extrapolated from a slice: by the formula in its head, on the machine that it is asked of."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.core.experiment import Arm, Cell, Search
from hilum.core.kinds.forecast import ForecastSetting
from hilum.datasets.simulated_breathing.dataset import SimulatedBreathing
from hilum.engine.forecasts.cost import Slice, measure, samples_of
from hilum.tasks.position_ahead import PositionAhead

Array = NDArray[np.float64]
TASK = PositionAhead(horizons_s=(0.5, 1.0, 1.5, 2.0))


@dataclass(frozen=True)
class Slow:
    """Takes a stated time for every sample, and for its one fit."""

    seconds: float = 0.002
    fit: float = 0.0
    fit_seconds: float = 0.0
    stochastic: ClassVar[bool] = True

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> _Running:
        return _Running(self, setting)


class _Running:
    def __init__(self, settings: Slow, setting: ForecastSetting) -> None:
        self.settings, self.setting, self.count = settings, setting, 0

    def observe(self, sample: Array) -> None:
        self.count += 1
        fits = self.count == round(self.settings.fit_seconds / self.setting.seconds_per_sample)
        _busy(self.settings.fit if fits else self.settings.seconds)

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        pass

    def predict(self) -> Array:
        return np.zeros((len(self.setting.horizons), self.setting.channels))

    def state(self) -> dict[str, Array]:
        return {}

    def restore(self, state: dict[str, Array]) -> None:
        pass


def _busy(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def cell(model: Slow, search: Search | None = None, seeds: tuple[int, ...] = (0,)) -> Cell:
    return Cell(Arm(SimulatedBreathing(), TASK, model, "causal", search), (SimulatedBreathing.ITEMS[0],), seeds)


def test_the_formula() -> None:
    found = Slice(candidates=3, views=2, per_sample=0.01, per_fit=1.0, pretraining=5.0, horizons=4, choosing=100)
    once, whole = 4 * (1.0 + 1.0), 4 * (10.0 + 1.0)
    plain, searched = cell(Slow()).arm, cell(Slow(), Search((("seconds", (0.001, 0.002, 0.003)),), "rmse", seeds=5)).arm
    assert found.seconds(plain, 1000, 7) == pytest.approx(7 * whole + 2 * once + 5 * 7)
    assert found.seconds(searched, 1000, 7) == pytest.approx(30 * once + 7 * whole + 2 * once + 5 * (30 + 7))


def test_the_slice_finds_what_a_sample_and_a_fit_take() -> None:
    found = measure(cell(Slow(fit=0.3, fit_seconds=3.0)), Path())
    assert (found.candidates, found.horizons, found.choosing, found.pretraining) == (1, 4, 600, 0.0)
    # Two horizons share the slice; a busy machine can only make it longer.
    assert 0.001 <= found.per_sample < 0.01
    assert 0.14 <= found.per_fit < 1.0


def test_candidates_are_averaged() -> None:
    search = Search((("seconds", (0.0002, 0.003)),), "rmse")
    found = measure(cell(Slow(), search), Path())
    assert found.candidates == 2
    assert 0.0008 <= found.per_sample < 0.008
    assert samples_of(cell(Slow()), Path()) == len(
        SimulatedBreathing().load(Path(), SimulatedBreathing().items(Path())[0]).values
    )
