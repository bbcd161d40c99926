"""Recursive least squares from the histories of principal components to the increment of every channel, one map per horizon.

Model       s(t + h) is forecast as s(t) + W_h u(t),  u(t) = [1; the last k1 values of component 1; the last k2 of each other one]
Symbols     s    (channels,)           newest sample, in the series' unit
            k1, k2                     histories, in samples; at 10 Hz 60 and 3, which with nine components makes 85 inputs
Cost        O(inputs^2) per sample, O(inputs * channels) per sample and horizon
Source      Own: basis in _principal.py, update in _increment_readout.py. Breathing moves all markers together, so the history of
            the first component says nearly what those of all channels say, with a quarter of the weights to learn
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.modalities.series.recent import RecentSamples
from hilum.models._increment_readout import IncrementReadout
from hilum.models._principal import OnPrincipalComponents, PrincipalComponents, in_samples, refuse_unless, under

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PrincipalComponentLeastSquares:
    """Settings: components, history of the first and of the others in s, forgetting, prior, when the basis is fitted, s."""

    components: int = 9
    leading_history_seconds: float = 6.0
    other_history_seconds: float = 0.3
    forgetting: float = 0.9995
    prior: float = 0.1
    basis_seconds: float = 60.0
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        durations = (self.leading_history_seconds, self.other_history_seconds, self.basis_seconds)
        refuse_unless(min(self.components, self.prior, *durations) > 0 and 0 < self.forgetting <= 1, self)

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin at the last value: with all weights at 0."""
        return OnPrincipalComponents(
            setting, warm_up, self.components, self.basis_seconds, lambda basis: _Running(self, setting, basis)
        )


class _Running:
    def __init__(
        self, settings: PrincipalComponentLeastSquares, setting: ForecastSetting, basis: PrincipalComponents
    ) -> None:
        self._basis = basis
        self._leading = in_samples(settings.leading_history_seconds, setting)
        self._other = in_samples(settings.other_history_seconds, setting)
        self._longest = max(self._leading, self._other)
        others = len(basis.directions) - 1
        self._series = RecentSamples(setting.channels, 1)
        self._scores = RecentSamples(1 + others, self._longest)
        inputs = 1 + self._leading + self._other * others
        self._readout = IncrementReadout(
            setting.horizons, setting.channels, inputs, forgetting=settings.forgetting, prior=settings.prior
        )
        self._features = np.ones(inputs)
        self._horizons = len(setting.horizons)
        self.learn = self._readout.learn

    def observe(self, sample: Array) -> None:
        self._series.append(sample)
        self._scores.append(self._basis.scores(self._series.newest))
        now = self._scores.count - 1
        if self._scores.has_window(now, self._longest):
            window = self._scores.window(now, self._longest).reshape(self._longest, -1)
            self._features[1 : 1 + self._leading] = window[-self._leading :, 0]
            self._features[1 + self._leading :] = window[-self._other :, 1:].reshape(-1)
            self._readout.observe(now, self._features, self._series.newest)

    def predict(self) -> Array:
        now = self._scores.count - 1
        if not self._scores.has_window(now, self._longest):
            return np.tile(self._series.newest, (self._horizons, 1))
        return self._readout.predict(now)

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
