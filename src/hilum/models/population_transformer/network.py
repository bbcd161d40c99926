"""What trains a transformer encoder on other recordings; torch is imported to train, and never to forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError
from hilum.core.kinds.forecast import Forecaster, ForecastSetting, Recording
from hilum.modalities.series.standardise import Standardise
from hilum.models._fitted_once import windows
from hilum.models._pretrained import Standing, at_interval, labels_of, places_of, refuse_nothing
from hilum.models._principal import under
from hilum.nn.augment_windows import Augmentation, Single, change_pairs, draw_changes
from hilum.nn.forecast_transformer import Architecture, Pairs, Schedule, Weights, forward, train

if TYPE_CHECKING:
    from hilum.models.population_transformer.settings import PopulationTransformer

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Trained:
    """Settings, what they were trained for, and the weights: a network a horizon."""

    settings: PopulationTransformer
    setting: ForecastSetting
    weights: Weights

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin with the weights, and the scaling of the train part."""
        places = places_of(self.setting, setting, self.settings)
        weights = {name: array[places] for name, array in self.weights.items()}
        maps = _Encoders(self.settings, setting, Standardise.fit(warm_up), weights)
        return Standing(setting, self.settings.history, maps)


def learn_from(
    settings: PopulationTransformer, others: Sequence[Recording], setting: ForecastSetting, seed: int
) -> _Trained:
    """Train on others; see settings.py."""
    for other in others:
        if other.values.shape[1] != setting.channels:
            raise DataError(
                f"it has {other.values.shape[1]} channels, and what is forecast has {setting.channels}",
                where=f"recording '{other.item}', to be learnt from",
                do="Pretrain on recordings with the same channels",
            )
    interval = setting.seconds_per_sample
    series = [at_interval(other.values, other.seconds_per_sample, interval) for other in others]
    ends = [int(settings.train_share * len(values)) for values in series]
    parts = [values[:end] for values, end in zip(series, ends, strict=True)]
    scalings = [Standardise.fit(part) for part in parts]
    if settings.scaling == "pooled":
        scalings = [Standardise.fit(np.concatenate(parts))] * len(parts)
    scaled = [scaling.apply(values) for scaling, values in zip(scalings, series, strict=True)]
    arch = _architecture(settings, setting)
    trained = train(
        arch,
        _pairs(settings, setting, [values[:end] for values, end in zip(scaled, ends, strict=True)]),
        Schedule(settings.rate, settings.dropout, settings.batch, settings.epochs, settings.patience, settings.kept),
        [np.random.default_rng((seed, horizon)) for horizon in setting.horizons],
        validation=_pairs(settings, setting, [values[end:] for values, end in zip(scaled, ends, strict=True)]),
        augment=_Augment(settings.augmentation, settings.target == "increment"),
    )
    return _Trained(settings, setting, trained.weights)


def _architecture(settings: PopulationTransformer, setting: ForecastSetting) -> Architecture:
    return Architecture(settings.history, setting.channels, settings.width, settings.heads, settings.layers)


def _pairs(settings: PopulationTransformer, setting: ForecastSetting, series: list[Array]) -> Pairs:
    """Every window of every series, and its labels; no pair joins two series."""
    history, channels = settings.history, setting.channels
    inputs = [np.empty((0, history, channels))]
    inputs += [windows(values, history).reshape(-1, history, channels) for values in series if len(values) >= history]
    labels = [labels_of(values[:, -1], setting.horizons) for values in inputs]
    if settings.target == "increment":
        labels = [found - values[:, -1] for found, values in zip(labels, inputs, strict=True)]
    together = np.concatenate(labels, axis=1)
    refuse_nothing(together, setting, settings)
    return Pairs(np.concatenate(inputs), together)


@dataclass(frozen=True)
class _Augment:
    augmentation: Augmentation
    increment: bool

    def __call__(self, inputs: Single, targets: Single, generator: np.random.Generator) -> tuple[Single, Single]:
        changes = draw_changes(self.augmentation, len(inputs), inputs.shape[2], generator)
        if self.increment:  # a level moves where the series will be, and not how far it will have moved
            inputs, ends = change_pairs(inputs, targets + inputs[:, -1], changes)
            return inputs, ends - inputs[:, -1]
        return change_pairs(inputs, targets, changes)


class _Encoders:
    """What forecasts: weights, and the scaling of the recording that is forecast."""

    def __init__(
        self, settings: PopulationTransformer, setting: ForecastSetting, scaling: Standardise, weights: Weights
    ) -> None:
        self._architecture = _architecture(settings, setting)
        self._increment = settings.target == "increment"
        self._scaling = scaling
        self._weights = weights

    def forecast(self, window: Array) -> Array:
        inputs = self._scaling.apply(window)
        said = forward(self._architecture, self._weights, inputs[np.newaxis])[:, 0]
        return self._scaling.invert(said + inputs[-1] if self._increment else said)

    def state(self) -> dict[str, Array]:
        kept = {f"weights/{name}": array for name, array in self._weights.items()}
        return {"mean": self._scaling.mean, "scale": self._scaling.scale, **kept}

    def restore(self, state: dict[str, Array]) -> None:
        self._scaling = Standardise(state["mean"].copy(), state["scale"].copy())
        self._weights = {name: array.copy() for name, array in under("weights/", state).items()}
