"""Where it has been of late: the forecast of every horizon is a mean of the past that forgets.

Model       m(t) = m(t - 1) + a(t) (s(t) - m(t - 1)),  a(t) = max(1 / n, 1 - exp(-dt / T));  s(t + h) is forecast as m(t) for every h
Symbols     s    (channels,)          newest sample, in the series' unit
            T    `time_constant_seconds`;  dt the sampling interval;  n the samples of a channel seen so far: a plain mean at first
Use         Alone it is a poor forecast. In a mixture it is what the others shrink towards when nobody knows: far ahead, or when
            breathing is irregular.
Cost        O(channels) per sample
Source      Exponential smoothing: Holt (1957), reprinted in Int. J. Forecasting 20 (2004); without trend
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.models._principal import refuse_unless

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RecentMean:
    """Settings: after how long the past weighs 1/e, s."""

    time_constant_seconds: float = 10.0
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        refuse_unless(self.time_constant_seconds > 0, self)

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin without a past."""
        return _Running(setting, float(-np.expm1(-setting.seconds_per_sample / self.time_constant_seconds)))


class _Running:
    def __init__(self, setting: ForecastSetting, share: float) -> None:
        self._horizons = len(setting.horizons)
        self._share = share
        self._mean = np.zeros(setting.channels)
        self._seen = np.zeros(setting.channels)

    def observe(self, sample: Array) -> None:
        there = ~np.isnan(sample)
        self._seen = self._seen + there
        shares = np.maximum(1.0 / np.maximum(self._seen, 1.0), self._share)
        self._mean = np.where(there, self._mean + shares * (sample - self._mean), self._mean)

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        """Nothing: there is nothing to learn."""

    def predict(self) -> Array:
        return np.tile(self._mean, (self._horizons, 1))

    def state(self) -> dict[str, Array]:
        return {"mean": self._mean.copy(), "seen": self._seen.copy()}

    def restore(self, state: dict[str, Array]) -> None:
        self._mean, self._seen = state["mean"].copy(), state["seen"].copy()
