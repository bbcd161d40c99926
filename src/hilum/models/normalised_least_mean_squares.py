"""Normalised least mean squares: a step whose length does not depend on how large the input is.

Model       z(t + h) is forecast as b + W_h u(t),  u(t) = [1; z(t - k + 1); ...; z(t)];   b = z(t), or 0 where target = "position"
Update      e = z(t + h) - b - W_h u(t);   W_h <- W_h + rate * e u' / (floor + u'u)
Symbols     z     (channels,)            newest sample in standard units of the train part
            k                            history, samples
            u     (1 + k * channels,)    oldest sample first; u'u is at least 1, so the division is always defined
            W_h   (channels, inputs)     starts at 0: with target = "increment" that is hold-last, otherwise the mean
            rate                         between 0 and 2: with labels at once the error of the pair just learnt shrinks by |1 - rate|
Cost        O(inputs * channels) per sample and horizon
Source      Nagumo and Noda, IEEE Trans. Automatic Control 12 (1967); Haykin, Adaptive Filter Theory, 4th ed., table 6.1
Deviations  Labels arrive h samples late, which lowers the largest stable rate. Before the window is full it holds the last value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kernel import kernel
from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.modalities.series.standardise import Standardise
from hilum.models._linear_maps import LinearMaps

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NormalisedLeastMeanSquares:
    """Settings: history in samples, learning rate, what is added to the input's squared length, and what is forecast."""

    history: int = 24
    rate: float = 0.02
    floor: float = 1e-3
    target: Literal["increment", "position"] = "increment"
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        known = self.target in ("increment", "position")
        if self.history < 1 or not 0 < self.rate < 2 or self.floor < 0 or not known:
            raise UsageError(
                f"history {self.history}, rate {self.rate}, floor {self.floor} or target '{self.target}' makes no sense",
                where="NormalisedLeastMeanSquares",
                do="History is one sample or more, the rate lies between 0 and 2, the floor is 0 or more, and the target is "
                "'increment' or 'position'",
            )

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin with all weights at 0."""
        return _Running(self, LinearMaps(setting, self.history, Standardise.fit(warm_up)))


class _Running:
    def __init__(self, settings: NormalisedLeastMeanSquares, maps: LinearMaps) -> None:
        self._settings = settings
        self._increments = settings.target == "increment"
        self._maps = maps
        self.observe = maps.observe
        self.state = maps.state
        self.restore = maps.restore

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        pair = self._maps.pair(origin, target)
        if pair is not None:
            window, label = pair
            wanted = label - window[-len(label) :] if self._increments else label
            nlms_step(self._maps.of(horizon), window, wanted, self._settings.rate, self._settings.floor)

    def predict(self) -> Array:
        forecasts = self._maps.predict()
        if self._increments and self._maps.window(self._maps.recent.count - 1) is not None:
            forecasts += self._maps.recent.newest * self._maps.scaling.scale
        return forecasts


@kernel
def nlms_step(weights: Array, window: Array, target: Array, rate: float, floor: float) -> None:
    """One update of `weights` (channels, inputs) in place, from a window without its leading 1."""
    channels, inputs = weights.shape
    length = floor + 1.0 + np.dot(window, window)
    for c in range(channels):
        error = target[c] - weights[c, 0] - np.dot(weights[c, 1:], window)
        step = rate * error / length
        weights[c, 0] += step
        for i in range(1, inputs):
            weights[c, i] += step * window[i - 1]
