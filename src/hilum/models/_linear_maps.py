"""One linear map per horizon, from the newest window: what all linear forecasters share, whatever moves their weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilum.core.kinds.forecast import ForecastSetting
from hilum.modalities.series.recent import RecentSamples
from hilum.modalities.series.standardise import Standardise

Array = NDArray[np.float64]


class LinearMaps:
    """Weights (horizons, channels, 1 + history * channels), in standard units, and the samples they read.

    Until the first window is full, and until `ready`, the forecast is the last value.
    """

    def __init__(
        self, setting: ForecastSetting, history: int, scaling: Standardise, *, keep: int = 0, ready: bool = True
    ) -> None:
        self.history = history
        self.scaling = scaling
        self.ready = ready
        self.recent = RecentSamples(setting.channels, max(history + max(setting.horizons), keep) + 1)
        self.weights = np.zeros((len(setting.horizons), setting.channels, 1 + history * setting.channels))
        self._place = {horizon: index for index, horizon in enumerate(setting.horizons)}

    def observe(self, sample: Array) -> None:
        """Take the newest sample, in the setting's unit."""
        self.recent.append(self.scaling.apply(sample))

    def window(self, origin: int) -> Array | None:
        """The standardised window that ends at `origin`, (history * channels,), where it is there in full."""
        return self.recent.window(origin, self.history) if self.recent.has_window(origin, self.history) else None

    def pair(self, origin: int, target: Array) -> tuple[Array, Array] | None:
        """Window and standardised target to learn from; None where either is missing."""
        window = self.window(origin)
        return None if window is None or np.isnan(target).any() else (window, self.scaling.apply(target))

    def of(self, horizon: int) -> Array:
        """The weights of one horizon, (channels, inputs), to be moved in place."""
        weights: Array = self.weights[self._place[horizon]]
        return weights

    def predict(self) -> Array:
        """Every horizon's forecast, (horizons, channels), in the setting's unit."""
        window = self.window(self.recent.count - 1)
        if window is None or not self.ready:
            return self.scaling.invert(np.tile(self.recent.newest, (len(self._place), 1)))
        return self.scaling.invert(self.weights[:, :, 0] + self.weights[:, :, 1:] @ window)

    def state(self) -> dict[str, Array]:
        """Everything needed to go on."""
        kept = {f"recent/{name}": array for name, array in self.recent.state().items()}
        own = {"weights": self.weights.copy(), "mean": self.scaling.mean, "scale": self.scaling.scale}
        return {**own, "ready": np.array([float(self.ready)]), **kept}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`."""
        self.weights = state["weights"].copy()
        self.scaling = Standardise(state["mean"], state["scale"])
        self.ready = bool(state["ready"][0])
        self.recent.restore({name.removeprefix("recent/"): array for name, array in state.items()})
