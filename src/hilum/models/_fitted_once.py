"""What linear and ridge regression share: one linear map per horizon, fitted once on the forecaster's own past."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hilum.core.kinds.forecast import ForecastSetting
from hilum.modalities.series.standardise import Standardise
from hilum.models._linear_maps import LinearMaps

Array = NDArray[np.float64]
Solve = Callable[[Array, Array], Array]


class FittedOnce:
    """Observes until `fit_samples` have been seen, fits every horizon on the pairs among them, and never changes again.

    `learn` does nothing: all labels are samples that it has observed itself, so no protocol can hand it one too early.
    """

    def __init__(
        self, setting: ForecastSetting, history: int, fit_samples: int, scaling: Standardise, solve: Solve
    ) -> None:
        self._horizons = setting.horizons
        self._fit_samples = fit_samples
        self._solve = solve
        self._maps = LinearMaps(setting, history, scaling, keep=fit_samples, ready=False)
        self.predict = self._maps.predict
        self.state = self._maps.state
        self.restore = self._maps.restore

    def observe(self, sample: Array) -> None:
        """Take the newest sample; fit when the fitting part is complete."""
        self._maps.observe(sample)
        if self._maps.recent.count == self._fit_samples:
            self._fit(self._maps.recent.window(self._fit_samples - 1, self._fit_samples))

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        """Nothing: it fits on what it has observed."""

    def _fit(self, flat: Array) -> None:
        samples, history = flat.reshape(self._fit_samples, -1), self._maps.history
        if len(samples) < history:
            return
        windows = np.lib.stride_tricks.sliding_window_view(samples, history, axis=0).transpose(0, 2, 1)
        inputs = np.concatenate([np.ones((len(windows), 1)), windows.reshape(len(windows), -1)], axis=1)
        for horizon in self._horizons:
            pairs = len(inputs) - horizon
            if pairs > 0:
                self._maps.of(horizon)[:] = self._solve(inputs[:pairs], samples[history - 1 + horizon :]).T
        self._maps.ready = True
