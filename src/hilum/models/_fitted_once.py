"""What linear and ridge regression share: one linear map per horizon, fitted once on the forecaster's own past."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hilum.core.kinds.forecast import ForecastSetting
from hilum.modalities.series.recent import RecentSamples
from hilum.modalities.series.standardise import Standardise

Array = NDArray[np.float64]
Solve = Callable[[Array, Array], Array]


class FittedOnce:
    """Observes until `fit_samples` have been seen, fits every horizon on the pairs among them, and never changes again.

    `learn` does nothing: all labels are samples that it has observed itself, so no protocol can hand it one too early.
    """

    def __init__(
        self, setting: ForecastSetting, history: int, fit_samples: int, scaling: Standardise, solve: Solve
    ) -> None:
        self._setting = setting
        self._history = history
        self._fit_samples = fit_samples
        self._scaling = scaling
        self._solve = solve
        self._recent = RecentSamples(setting.channels, max(fit_samples, history) + 1)
        self._weights = np.empty((0, 0, 0))

    def observe(self, sample: Array) -> None:
        """Take the newest sample; fit when the fitting part is complete."""
        self._recent.append(self._scaling.apply(sample))
        if self._recent.count == self._fit_samples:
            self._weights = self._fit(self._recent.window(self._fit_samples - 1, self._fit_samples))

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        """Nothing: it fits on what it has observed."""

    def predict(self) -> Array:
        """Hold the last value before the fit, the linear maps after it."""
        now = self._recent.count - 1
        if not self._weights.size or not self._recent.has_window(now, self._history):
            return self._scaling.invert(np.tile(self._recent.newest, (len(self._setting.horizons), 1)))
        inputs = np.concatenate([[1.0], self._recent.window(now, self._history)])
        return self._scaling.invert(self._weights @ inputs)

    def state(self) -> dict[str, Array]:
        """Weights, scaling and the newest samples."""
        kept = {f"recent/{name}": array for name, array in self._recent.state().items()}
        return {"weights": self._weights.copy(), "mean": self._scaling.mean, "scale": self._scaling.scale, **kept}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`."""
        self._weights = state["weights"].copy()
        self._scaling = Standardise(state["mean"], state["scale"])
        self._recent.restore({name.removeprefix("recent/"): array for name, array in state.items()})

    def _fit(self, flat: Array) -> Array:
        samples = flat.reshape(self._fit_samples, -1)
        channels, history = samples.shape[1], self._history
        weights = np.zeros((len(self._setting.horizons), channels, 1 + history * channels))
        windows = np.lib.stride_tricks.sliding_window_view(samples, history, axis=0).transpose(0, 2, 1)
        inputs = np.concatenate([np.ones((len(windows), 1)), windows.reshape(len(windows), -1)], axis=1)
        for index, horizon in enumerate(self._setting.horizons):
            pairs = len(inputs) - horizon
            if pairs > 0:
                weights[index] = self._solve(inputs[:pairs], samples[history - 1 + horizon :]).T
        return weights
