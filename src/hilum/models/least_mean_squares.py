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
from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.modalities.series.recent import RecentSamples
from hilum.modalities.series.standardise import Standardise
from hilum.nn.kernel import kernel

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
        return _Running(self, setting, Standardise.fit(warm_up))


class _Running:
    def __init__(self, settings: LeastMeanSquares, setting: ForecastSetting, scaling: Standardise) -> None:
        self._settings = settings
        self._scaling = scaling
        self._place = {horizon: index for index, horizon in enumerate(setting.horizons)}
        self._recent = RecentSamples(setting.channels, settings.history + max(setting.horizons) + 1)
        inputs = 1 + settings.history * setting.channels
        self._weights = np.zeros((len(setting.horizons), setting.channels, inputs))

    def observe(self, sample: Array) -> None:
        self._recent.append(self._scaling.apply(sample))

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        history = self._settings.history
        if not self._recent.has_window(origin, history) or np.isnan(target).any():
            return
        wanted = self._scaling.apply(target)
        weights = self._weights[self._place[horizon]]
        lms_step(weights, self._recent.window(origin, history), wanted, self._settings.rate, self._settings.clip)

    def predict(self) -> Array:
        now = self._recent.count - 1
        if not self._recent.has_window(now, self._settings.history):
            standard = np.tile(self._recent.newest, (len(self._place), 1))
        else:
            window = self._recent.window(now, self._settings.history)
            standard = self._weights[:, :, 0] + self._weights[:, :, 1:] @ window
        return self._scaling.invert(standard)

    def state(self) -> dict[str, Array]:
        kept = {f"recent/{name}": array for name, array in self._recent.state().items()}
        return {"weights": self._weights.copy(), "mean": self._scaling.mean, "scale": self._scaling.scale, **kept}

    def restore(self, state: dict[str, Array]) -> None:
        self._weights = state["weights"].copy()
        self._scaling = Standardise(state["mean"], state["scale"])
        self._recent.restore({name.removeprefix("recent/"): array for name, array in state.items()})


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
