"""A perceptron trained on other recordings to say how far breathing will move, and never on the one that it forecasts.

Model       s(t + h) is forecast as s(t) + lift(y_h(u(t)));   y_h a perceptron with ReLU units, one a horizon
"components"    u = [ c(t - l) - c(t) for l = 1 ... k - 1, then c(t) ];  y_h(u) = c(t + h) - c(t);  lift back into the channels.
                What the components leave out is held at its last value
"channels"      the same with one standardised channel in the place of c, one perceptron for all of them, asked once a channel
Training    Adam and half the squared error by scikit-learn, `epochs` passes, over the other recordings at the sampling interval asked for
            (polyphase filtering), each in its own components or standard units. They are used several times over: faster and slower by
            `time_scales`, larger and smaller by factors within `size`, components but the first with either sign (which is chance)
Symbols     s    (channels,)          newest sample, in the series' unit
            c    (components,)        scores in the basis of the recording's train part, see _principal.py; k the history in samples
Cost        training: O(pairs * weights) a pass and horizon, some seconds for three; a forecast: O(weights) per horizon
Source      Own. Sharp et al., Phys. Med. Biol. 49 (2004), compares such networks fitted to one patient; breathing of others as the only
            teacher, and the increment as its lesson, are ours
Deviations  At most `most_pairs` windows are used, evenly spread: recordings overlap themselves from window to window.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError
from hilum.core.kinds.forecast import Forecaster, ForecastModel, ForecastSetting, Recording
from hilum.modalities.series.standardise import Standardise
from hilum.models._fitted_once import windows
from hilum.models._outcome import one_thread
from hilum.models._pretrained import Standing, at_interval, labels_of, not_pretrained, places_of, refuse_nothing
from hilum.models._principal import PrincipalComponents, in_samples, refuse_unless, under

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PretrainedPerceptron:
    """Settings.

    Attributes:
        target: Whose increments are learnt: of principal components, or of each standardised channel.
        components: How many components.
        history_seconds: How far back it looks, s.
        hidden_units: Units of each hidden layer.
        time_scales: Factors by which the other recordings are stretched in time.
        size: How far the factors of their size lie from 1.
        rate: Learning rate of Adam.
        batch: Pairs a step.
        epochs: Passes over all pairs.
        penalty: L2 penalty on the weights.
        most_pairs: The most windows trained on.
        basis_seconds: Length of each other recording's first part that its scaling is fitted on, s.
    """

    target: Literal["components", "channels"] = "components"
    components: int = 3
    history_seconds: float = 4.0
    hidden_units: tuple[int, ...] = (64, 32)
    time_scales: tuple[float, ...] = (0.7, 1.0, 1.4)
    size: float = 0.2
    rate: float = 1e-3
    batch: int = 128
    epochs: int = 15
    penalty: float = 1e-3
    most_pairs: int = 20000
    basis_seconds: float = 30.0
    stochastic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        several = (*self.hidden_units, *self.time_scales)
        positive = (self.components, self.history_seconds, self.rate, self.batch, self.epochs, self.most_pairs)
        there = bool(self.hidden_units) and bool(self.time_scales) and self.target in ("components", "channels")
        refuse_unless(
            there and min(*several, *positive, self.basis_seconds) > 0 and self.penalty >= 0 and 0 <= self.size < 1,
            self,
        )

    def pretrain(self, others: Sequence[Recording], setting: ForecastSetting, seed: int) -> ForecastModel:
        """Train one perceptron per horizon on `others`; each draws from (seed, horizon).

        Raises:
            DataError: a recording with fewer channels than components, or recordings that are all too short.
        """
        inputs, labels = _pairs(self, others, setting, np.random.default_rng(seed))
        with one_thread():
            fitted = [
                _fit(self, inputs, label, np.random.default_rng((seed, horizon)))
                for horizon, label in zip(setting.horizons, labels, strict=True)
            ]
        return _Trained(self, setting, {name: np.stack([one[name] for one in fitted]) for name in fitted[0]})

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Refuse: it must be pretrained.

        Raises:
            UsageError: always.
        """
        raise not_pretrained(self)


@dataclass(frozen=True, eq=False)
class _Trained:
    """Settings, what they were trained for, and the layers: weights (horizons, inputs, units), offsets (horizons, units)."""

    settings: PretrainedPerceptron
    setting: ForecastSetting
    layers: dict[str, Array]

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin with the weights, and the components or the scaling of the train part."""
        places = places_of(self.setting, setting, self.settings)
        layers = {name: array[places] for name, array in self.layers.items()}
        maps = _Perceptrons(_basis(self.settings, warm_up, _components(self.settings, setting)), layers)
        return Standing(setting, in_samples(self.settings.history_seconds, setting), maps)


class _Perceptrons:
    def __init__(self, basis: PrincipalComponents | Standardise, layers: dict[str, Array]) -> None:
        self._basis = basis
        self._layers = layers

    def forecast(self, window: Array) -> Array:
        tracks = _tracks(self._basis, window)
        forecast: Array = window[-1] + _lift(self._basis, perceptron(self._layers, features(tracks)))
        return forecast

    def state(self) -> dict[str, Array]:
        basis = self._basis
        fitted = {"mean": basis.mean, "scale": basis.scale} if isinstance(basis, Standardise) else basis.state()
        return {**{f"basis/{name}": array for name, array in fitted.items()}, **self._layers}

    def restore(self, state: dict[str, Array]) -> None:
        fitted = {name: array.copy() for name, array in under("basis/", state).items()}
        alone = isinstance(self._basis, Standardise)
        self._basis = Standardise(**fitted) if alone else PrincipalComponents.from_state(fitted)
        self._layers = {name: state[name].copy() for name in self._layers}


def perceptron(layers: dict[str, Array], inputs: Array) -> Array:
    """Every horizon's answer to inputs (rows, features): (horizons, rows, outputs)."""
    last = len(layers) // 2 - 1
    x = inputs[np.newaxis]
    for n in range(last + 1):
        x = x @ layers[f"weights{n}"] + layers[f"offsets{n}"][:, np.newaxis]
        if n < last:
            x = np.maximum(x, 0.0)
    return x


def features(tracks: Array) -> Array:
    """Windows (rows, k, numbers) as (rows, k * numbers): the past relative to the newest sample, then the newest sample."""
    newest = tracks[:, -1]
    return np.concatenate([(tracks[:, :-1] - newest[:, np.newaxis]).reshape(len(tracks), -1), newest], axis=1)


def _components(settings: PretrainedPerceptron, setting: ForecastSetting) -> int:
    return min(settings.components, setting.channels)


def _basis(settings: PretrainedPerceptron, samples: Array, components: int) -> PrincipalComponents | Standardise:
    alone = settings.target == "channels"
    return Standardise.fit(samples) if alone else PrincipalComponents.fit(samples, components)


def _tracks(basis: PrincipalComponents | Standardise, samples: Array) -> Array:
    """Samples (n, channels) as what one perceptron reads: (1, n, components), or (channels, n, 1)."""
    if isinstance(basis, Standardise):
        return basis.apply(samples).T[:, :, np.newaxis]
    return basis.scores(samples)[np.newaxis]


def _lift(basis: PrincipalComponents | Standardise, increments: Array) -> Array:
    """Increments of the tracks, (horizons, tracks, numbers), as those of the channels, in the series' unit."""
    if isinstance(basis, Standardise):
        scaled: Array = increments[:, :, 0] * basis.scale
        return scaled
    return basis.lift(increments[:, 0])


def _pairs(
    settings: PretrainedPerceptron, others: Sequence[Recording], setting: ForecastSetting, draw: np.random.Generator
) -> tuple[Array, Array]:
    """Inputs (n, features) and the increments (horizons, n, numbers) that followed; NaN where none did."""
    history, components = in_samples(settings.history_seconds, setting), _components(settings, setting)
    tracks: list[Array] = []
    for other in others:
        if settings.target == "components" and other.values.shape[1] < components:
            raise DataError(
                f"it has {other.values.shape[1]} channels, and {components} components are asked for",
                where=f"recording '{other.item}', to be learnt from",
                do=f"Set components={other.values.shape[1]}, or learn from other recordings",
            )
        for scale in settings.time_scales:
            values = at_interval(other.values, scale * other.seconds_per_sample, setting.seconds_per_sample)
            first = max(1, round(settings.basis_seconds / setting.seconds_per_sample))
            tracks += list(_tracks(_basis(settings, values[:first], components), values))
    long = [track for track in tracks if len(track) >= history]
    every = max(1, -(-sum(len(track) - history + 1 for track in long) // settings.most_pairs))
    numbers = components if settings.target == "components" else 1
    inputs, labels = [np.empty((0, history, numbers))], [np.empty((len(setting.horizons), 0, numbers))]
    for track in long:
        inputs.append(windows(track, history).reshape(-1, history, numbers)[::every])
        newest = track[history - 1 :]
        labels.append((labels_of(newest, setting.horizons) - newest)[:, ::every])
    together, followed = np.concatenate(inputs), np.concatenate(labels, axis=1)
    refuse_nothing(followed, setting, settings)
    factors = draw.uniform(1 - settings.size, 1 + settings.size, (len(together), 1)) * np.ones(numbers)
    factors[:, 1:] *= draw.choice((-1.0, 1.0), (len(together), numbers - 1))
    return features(together * factors[:, np.newaxis]), followed * factors


def _fit(
    settings: PretrainedPerceptron, inputs: Array, labels: Array, generator: np.random.Generator
) -> dict[str, Array]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    whole = np.isfinite(labels).all(axis=1)
    solver = MLPRegressor(
        hidden_layer_sizes=settings.hidden_units,
        alpha=settings.penalty,
        batch_size=min(settings.batch, int(whole.sum())),
        learning_rate_init=settings.rate,
        max_iter=settings.epochs,
        n_iter_no_change=settings.epochs,
        random_state=int(generator.integers(2**31)),
    )
    target = labels[whole].astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it ends after `epochs`, as asked
        solver.fit(inputs[whole].astype(np.float32), target if target.shape[1] > 1 else target[:, 0])
    layers = {f"weights{n}": np.asarray(array, dtype=np.float64) for n, array in enumerate(solver.coefs_)}
    return layers | {f"offsets{n}": np.asarray(array, dtype=np.float64) for n, array in enumerate(solver.intercepts_)}
