"""Least mean squares with a clipped gradient: one linear map per horizon, moved a little by every error.

Model       z(t + h) is forecast as W_h u(t),  u(t) = [1; z(t - k + 1); ...; z(t)]
Update      e = z(t + h) - W_h u(t);   G = e u'  (the negative gradient of |e|^2 / 2)
            W_h <- W_h + rate * min(1, clip / |G|) * G
Symbols     z     (channels,)            newest sample in standard units of the train part
            k                            history, samples
            u     (1 + k * channels,)    oldest sample first
            W_h   (channels, inputs)     starts at 0
            |G|                          Frobenius norm, |e| |u|
Cost        O(inputs * channels) per sample and horizon
Source      Pohl et al., arXiv 2403.01607 and its released code (c31ee37f): grid, clip 100, scaling on the first 30 s
Deviations  Before the window is full it holds the last value (the released code makes no forecast there). At the published
            rates the filter is unstable without its clip and amplifies rounding (LOG.md, 2026-11-23).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kernel import kernel
from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.modalities.series.standardise import Standardise
from hilum.models._linear_maps import LinearMaps

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LeastMeanSquares:
    """Settings: history in samples, learning rate, and the largest norm of a gradient."""

    history: int = 24
    rate: float = 2e-4
    clip: float = 100.0
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.history < 1 or self.rate <= 0 or self.clip <= 0:
            raise UsageError(
                f"history {self.history}, rate {self.rate} and clip {self.clip} must be positive",
                where="LeastMeanSquares",
                do="Give a history of one sample or more, and a rate and clip above 0",
            )

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin with all weights at 0."""
        return _Running(self, LinearMaps(setting, self.history, Standardise.fit(warm_up)))


class _Running:
    def __init__(self, settings: LeastMeanSquares, maps: LinearMaps) -> None:
        self._settings = settings
        self._maps = maps
        self.observe = maps.observe
        self.predict = maps.predict
        self.state = maps.state
        self.restore = maps.restore

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        pair = self._maps.pair(origin, target)
        if pair is not None:
            lms_step(self._maps.of(horizon), *pair, self._settings.rate, self._settings.clip)


@kernel
def lms_step(weights: Array, window: Array, target: Array, rate: float, clip: float) -> None:
    """One update of `weights` (channels, inputs) in place, from a window without its leading 1."""
    channels, inputs = weights.shape
    error = np.empty(channels)
    for c in range(channels):
        forecast = weights[c, 0]
        for i in range(1, inputs):
            forecast += weights[c, i] * window[i - 1]
        error[c] = target[c] - forecast
    norm = np.sqrt(np.sum(error * error) * (1.0 + np.sum(window * window)))
    step = rate if norm <= clip else rate * clip / norm
    for c in range(channels):
        weights[c, 0] += step * error[c]
        for i in range(1, inputs):
            weights[c, i] += step * error[c] * window[i - 1]
