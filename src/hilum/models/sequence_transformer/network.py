"""What fits a transformer encoder on a recording's own past; torch is imported when it is fitted, and never to forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.modalities.series.standardise import Standardise
from hilum.models._fitted_once import FittedOnce, FittingPart, windows
from hilum.models._principal import under
from hilum.nn.forecast_transformer import Architecture, Pairs, Schedule, Weights, forward, train

if TYPE_CHECKING:
    from hilum.models.sequence_transformer.settings import SequenceTransformer

Array = NDArray[np.float64]


def begin(settings: SequenceTransformer, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
    """A forecaster that fits its networks once, after `settings.fit_seconds`."""
    part = FittingPart.of(
        setting, history=settings.history, fit_seconds=settings.fit_seconds, refit_seconds=0.0, labels="observed"
    )
    return FittedOnce(setting, part, Standardise.fit(warm_up), _Encoders(settings, setting, seed))


class _Encoders:
    """One network per horizon, and the scaling that was fitted with them."""

    def __init__(self, settings: SequenceTransformer, setting: ForecastSetting, seed: int) -> None:
        self._settings = settings
        self._horizons = setting.horizons
        self._seed = seed
        self._architecture = Architecture(
            settings.history, setting.channels, settings.width, settings.heads, settings.layers
        )
        self._scaling = Standardise(np.zeros(setting.channels), np.ones(setting.channels))
        self._weights: Weights = {}

    def fit(self, samples: Array, targets: Array) -> None:
        settings, arch = self._settings, self._architecture
        self._scaling = Standardise.fit(samples)  # the fitting part is longer than what the warm-up gave
        standard = self._scaling.apply(samples)
        inputs = windows(standard, arch.history).reshape(-1, arch.history, arch.channels)
        labels = self._scaling.apply(targets[:, arch.history - 1 :])
        if settings.target == "increment":
            labels = labels - inputs[:, -1]
        generators = [np.random.default_rng((self._seed, horizon)) for horizon in self._horizons]
        schedule = Schedule(settings.rate, settings.dropout, settings.batch, settings.epochs)
        self._weights = train(arch, Pairs(inputs, labels), schedule, generators).weights

    def predict(self, window: Array) -> Array:
        arch = self._architecture
        inputs = self._scaling.apply(window.reshape(arch.history, arch.channels))
        said = forward(arch, self._weights, inputs[np.newaxis])[:, 0]
        if self._settings.target == "increment":
            said = said + inputs[-1]
        return self._scaling.invert(said)

    def state(self) -> dict[str, Array]:
        kept = {f"weights/{name}": array for name, array in self._weights.items()}
        own = {"seed": np.array([float(self._seed)]), "mean": self._scaling.mean, "scale": self._scaling.scale}
        return {**own, **kept}

    def restore(self, state: dict[str, Array]) -> None:
        self._seed = int(state["seed"][0])
        self._scaling = Standardise(state["mean"].copy(), state["scale"].copy())
        self._weights = {name: array.copy() for name, array in under("weights/", state).items()}
