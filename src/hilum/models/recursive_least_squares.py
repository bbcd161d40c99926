"""Recursive least squares with forgetting: the best linear map per horizon for the recent past, kept exact at every sample.

Model       z(t + h) is forecast as W_h' u(t),  u(t) = [1; z(t - k + 1); ...; z(t)]
Update      g = P u / (f + u' P u);  P <- (P - g u' P) / f        once per origin: P depends on the inputs alone
            W_h <- W_h + g (z(t + h) - W_h' u)'                  when the label of that origin has arrived
Symbols     z    (channels,)          newest sample in standard units of the train part
            k                         history, samples
            P    (inputs, inputs)     inverse discounted covariance of u, starts at prior * identity
            g    (inputs,)            gain of an origin, kept until its last label has arrived; shared by all horizons
            f                         forgetting factor in (0, 1]; 0.9995 at 10 Hz forgets with a time constant of 200 s
Cost        O(inputs^2) per sample, O(inputs * channels) per sample and horizon
Target      "position": W_h starts at 0, so an ignorant forecast is the mean of the train part. "increment": what is learnt is
            z(t + h) - z(t), so an ignorant forecast is the last value. The two differ in the start alone: learning the increment from
            weights 0 is learning the position from weights that pass the newest sample on, and that is how it is done here.
Source      Haykin, Adaptive Filter Theory, 4th ed., table 9.1
Deviations  A label that never arrives (NaN) leaves P as if it had; P is kept symmetric by updating one triangle.
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
class RecursiveLeastSquares:
    """Settings: history in samples, forgetting factor, how uncertain the weights are at first, and what they are at first."""

    history: int = 24
    forgetting: float = 0.9995
    prior: float = 0.1
    target: Literal["position", "increment"] = "position"
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        known = self.target in ("position", "increment")
        if self.history < 1 or not 0 < self.forgetting <= 1 or self.prior <= 0 or not known:
            raise UsageError(
                f"history {self.history}, forgetting {self.forgetting}, prior {self.prior} or target '{self.target}' "
                "makes no sense",
                where="RecursiveLeastSquares",
                do="History is one sample or more, forgetting lies in (0, 1], prior is above 0, the target is position or increment",
            )

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin with all weights at 0, or those of the newest sample at 1 where the target is the increment."""
        maps = LinearMaps(setting, self.history, Standardise.fit(warm_up))
        if self.target == "increment":
            maps.weights[:, :, -setting.channels :] = np.eye(setting.channels)
        return _Running(self, maps, origins=max(setting.horizons) + 1)


class _Running:
    def __init__(self, settings: RecursiveLeastSquares, maps: LinearMaps, origins: int) -> None:
        self._forgetting = settings.forgetting
        self._maps = maps
        inputs = maps.weights.shape[2]
        self._spread = settings.prior * np.eye(inputs)
        self._gains = np.zeros((origins, inputs))  # a ring: the gain of an origin waits for its last label
        self.predict = maps.predict

    def observe(self, sample: Array) -> None:
        self._maps.observe(sample)
        now = self._maps.recent.count - 1
        window = self._maps.window(now)
        if window is not None:
            rls_gain(self._spread, window, self._forgetting, self._gains[now % len(self._gains)])

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        pair = self._maps.pair(origin, target)
        if pair is not None:
            rls_learn(self._maps.of(horizon), self._gains[origin % len(self._gains)], *pair)

    def state(self) -> dict[str, Array]:
        return {"spread": self._spread.copy(), "gains": self._gains.copy(), **self._maps.state()}

    def restore(self, state: dict[str, Array]) -> None:
        self._spread, self._gains = state["spread"].copy(), state["gains"].copy()
        self._maps.restore(state)


@kernel
def rls_gain(spread: Array, window: Array, forgetting: float, gain: Array) -> None:
    """Advance `spread` (inputs, inputs) by one input in place, and write its gain (inputs,)."""
    inputs = len(gain)
    u = np.ones(inputs)
    u[1:] = window
    direction = spread @ u
    scale = forgetting + np.dot(u, direction)
    for i in range(inputs):
        gain[i] = direction[i] / scale
    for i in range(inputs):
        for j in range(i, inputs):
            value = (spread[i, j] - gain[i] * direction[j]) / forgetting
            spread[i, j] = value
            spread[j, i] = value


@kernel
def rls_learn(weights: Array, gain: Array, window: Array, target: Array) -> None:
    """Move `weights` (channels, inputs) in place along the gain of the origin whose label is `target`."""
    channels, inputs = weights.shape
    for c in range(channels):
        error = target[c] - weights[c, 0]
        for i in range(1, inputs):
            error -= weights[c, i] * window[i - 1]
        for i in range(inputs):
            weights[c, i] += gain[i] * error
