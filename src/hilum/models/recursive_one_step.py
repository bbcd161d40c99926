"""A vector autoregression of principal components, one step ahead by recursive least squares, iterated to every horizon.

Model       c(t + 1) = c(t) + W u(t),  u(t) = [1; c(t - k + 1); ...; c(t)];  iterated with its own forecasts in place of samples to come
            s(t + h) is forecast as s(t) + the lifted change c(t + h) - c(t); what the components leave out keeps its last value
Symbols     c    (components,)         newest scores, see _principal.py;  s (channels,) newest sample, in the series' unit
            k                          order of the autoregression, samples
Learning    The label one sample ahead is the next sample, so it learns from what it observes itself, without waiting for the
            labels of the horizons; `learn` does nothing, under any protocol. A sample with a missing channel teaches nothing.
Cost        O(inputs^2) per sample, O(longest horizon * components * inputs) per forecast; inputs = 1 + k * components
Source      Luetkepohl, New introduction to multiple time series analysis, section 2.2; update in _increment_readout.py
Deviations  While it is iterated a component is held within `limit` times the size of the first: an unstable map cannot run away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.kernel import kernel
from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.modalities.series.recent import RecentSamples
from hilum.models._increment_readout import IncrementReadout
from hilum.models._principal import OnPrincipalComponents, PrincipalComponents, refuse_unless, under

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RecursiveOneStep:
    """Settings: components, order in samples, forgetting, prior, limit of an iterated score, when the basis is fitted, s."""

    components: int = 9
    order: int = 6
    forgetting: float = 0.9995
    prior: float = 1.0
    limit: float = 8.0
    basis_seconds: float = 60.0
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        positive = (self.components, self.order, self.prior, self.limit, self.basis_seconds)
        refuse_unless(min(positive) > 0 and 0 < self.forgetting <= 1, self)

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin at the last value: with all weights at 0."""
        return OnPrincipalComponents(
            setting, warm_up, self.components, self.basis_seconds, lambda basis: _Running(self, setting, basis)
        )


class _Running:
    def __init__(self, settings: RecursiveOneStep, setting: ForecastSetting, basis: PrincipalComponents) -> None:
        self._basis = basis
        self._order = settings.order
        self._limit = settings.limit
        self._steps = np.array(setting.horizons) - 1
        components = len(basis.directions)
        self._series = RecentSamples(setting.channels, 1)
        self._scores = RecentSamples(components, settings.order)
        self._features = np.ones(1 + settings.order * components)
        self._readout = IncrementReadout(
            (1,), components, len(self._features), forgetting=settings.forgetting, prior=settings.prior
        )

    def observe(self, sample: Array) -> None:
        self._series.append(sample)
        scores = self._basis.scores(self._series.newest)
        self._scores.append(scores)
        now = self._scores.count - 1
        if not np.isnan(sample).any():
            self._readout.learn(now - 1, 1, scores)
        if self._scores.has_window(now, self._order):
            self._features[1:] = self._scores.window(now, self._order)
            self._readout.observe(now, self._features, scores)

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        """Nothing: it learns one step ahead, from what it observes."""

    def predict(self) -> Array:
        now = self._scores.count - 1
        if not self._scores.has_window(now, self._order):
            return np.tile(self._series.newest, (len(self._steps), 1))
        window = self._scores.window(now, self._order)
        path = iterate(self._readout.weights_of(1), window, int(self._steps[-1]) + 1, self._limit)
        return self._series.newest + self._basis.lift(path[self._steps] - self._scores.newest)

    def state(self) -> dict[str, Array]:
        return {
            f"{part}/{name}": array
            for part, kept in (("series", self._series), ("scores", self._scores), ("readout", self._readout))
            for name, array in kept.state().items()
        }

    def restore(self, state: dict[str, Array]) -> None:
        self._series.restore(under("series/", state))
        self._scores.restore(under("scores/", state))
        self._readout.restore(under("readout/", state))


@kernel
def iterate(weights: Array, window: Array, steps: int, limit: float) -> Array:
    """Scores 1 ... `steps` ahead, (steps, components), from [1; window] (oldest first) and weights (components, inputs)."""
    components = weights.shape[0]
    inputs = weights.shape[1]
    features = np.ones(inputs)
    features[1:] = window
    path = np.empty((steps, components))
    for step in range(steps):
        change = weights @ features
        for c in range(components):
            value = features[inputs - components + c] + change[c]
            path[step, c] = min(max(value, -limit), limit)
        features[1 : inputs - components] = features[1 + components :].copy()
        features[inputs - components :] = path[step]
    return path
