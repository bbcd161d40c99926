"""Hold last: the next h seconds will look like now. The trivial predictor of every forecast.

Model       s(t + h) is forecast as s(t)
Symbols     s  (channels,)  newest sample, in the series' unit; a channel that is NaN keeps its last value
Cost        none
Source      called "no prediction" in Pohl et al., arXiv 2403.01607
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.kinds.forecast import Forecaster, ForecastSetting

Array = NDArray[np.float64]


@dataclass(frozen=True)
class HoldLast:
    """Nothing to set."""

    stochastic: ClassVar[bool] = False

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin at rest."""
        return _Running(setting)


class _Running:
    def __init__(self, setting: ForecastSetting) -> None:
        self._horizons = len(setting.horizons)
        self._last = np.zeros(setting.channels)

    def observe(self, sample: Array) -> None:
        self._last = np.where(np.isnan(sample), self._last, sample)

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        """There is nothing to learn."""

    def predict(self) -> Array:
        return np.tile(self._last, (self._horizons, 1))

    def state(self) -> dict[str, Array]:
        return {"last": self._last.copy()}

    def restore(self, state: dict[str, Array]) -> None:
        self._last = state["last"].copy()
