"""An echo state network: a fixed random reservoir driven by principal components, with a readout that learns recursively.

State       x(t) = (1 - a) x(t - 1) + a tanh(A x(t - 1) + B [1; c(t)])
Readout     s(t + h) is forecast as s(t) + W_h [1; x(t); c(t), c(t - d), c(t - 2 d), ...]      see _increment_readout.py
Symbols     c    (components,)         newest scores, see _principal.py;  s (channels,) newest sample, in the series' unit
            x    (units,)              reservoir, starts at 0;  a its leak
            A    (units, units)        uniform, the share `links` of its entries kept, scaled to its spectral radius
            B    (units, 1 + components)   uniform in +- `input_scale`;  both drawn once from the seed and never learnt
            d                          stride of the lags that the readout sees beside the reservoir, samples
Cost        O(units^2 + inputs^2) per sample, O(inputs * channels) per sample and horizon
Source      Jaeger and Haas, Harnessing nonlinearity, Science 304 (2004), with a recursive readout; leaky units: Jaeger et al.,
            Neural Networks 20 (2007)
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
from hilum.models._principal import OnPrincipalComponents, PrincipalComponents, in_samples, refuse_unless, under

Array = NDArray[np.float64]


@dataclass(frozen=True)
class EchoState:
    """Settings.

    Attributes:
        components: Principal components that drive the reservoir.
        units: Units of the reservoir.
        links: Share of the links among them that exist.
        spectral_radius: Largest modulus of an eigenvalue of the links.
        leak: Share of a unit's state that is new at each sample.
        input_scale: Largest weight of an input.
        lags: Past scores of each component that the readout sees.
        stride_seconds: Distance between those, s.
        forgetting: Of the readout, per sample.
        prior: How uncertain the readout's weights are at first.
        basis_seconds: When the components are fitted, s.
    """

    components: int = 3
    units: int = 150
    links: float = 0.1
    spectral_radius: float = 0.95
    leak: float = 0.5
    input_scale: float = 0.5
    lags: int = 24
    stride_seconds: float = 0.2
    forgetting: float = 0.9995
    prior: float = 0.01
    basis_seconds: float = 60.0
    stochastic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        counts = (self.components, self.units, self.lags)
        sizes = (self.spectral_radius, self.input_scale, self.stride_seconds, self.prior, self.basis_seconds)
        shares = (self.links, self.leak, self.forgetting)
        refuse_unless(min(*counts, *sizes, *shares) > 0 and max(shares) <= 1, self)

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin at the last value, with a reservoir drawn from the seed."""
        generator = np.random.default_rng(seed)
        components = min(self.components, setting.channels)
        inner = generator.uniform(-1.0, 1.0, (self.units, self.units))
        inner *= generator.random((self.units, self.units)) < self.links
        radius = np.abs(np.linalg.eigvals(inner)).max()
        inner *= self.spectral_radius / radius if radius > 0 else 0.0
        outer = generator.uniform(-self.input_scale, self.input_scale, (self.units, 1 + components))
        return OnPrincipalComponents(
            setting,
            warm_up,
            self.components,
            self.basis_seconds,
            lambda basis: _Running(self, setting, basis, inner, outer),
        )


class _Running:
    def __init__(
        self, settings: EchoState, setting: ForecastSetting, basis: PrincipalComponents, inner: Array, outer: Array
    ) -> None:
        self._basis = basis
        self._leak = settings.leak
        self._inner, self._outer = inner, outer
        self._reservoir = np.zeros(settings.units)
        self._stride = in_samples(settings.stride_seconds, setting)
        self._longest = 1 + (settings.lags - 1) * self._stride
        components = len(basis.directions)
        self._series = RecentSamples(setting.channels, 1)
        self._scores = RecentSamples(components, self._longest)
        self._features = np.ones(1 + settings.units + settings.lags * components)
        self._readout = IncrementReadout(
            setting.horizons,
            setting.channels,
            len(self._features),
            forgetting=settings.forgetting,
            prior=settings.prior,
        )
        self._horizons = len(setting.horizons)
        self.learn = self._readout.learn

    def observe(self, sample: Array) -> None:
        self._series.append(sample)
        self._scores.append(self._basis.scores(self._series.newest))
        units = len(self._reservoir)
        self._reservoir = resound(self._inner, self._outer, self._reservoir, self._scores.newest, self._leak)
        now = self._scores.count - 1
        if self._scores.has_window(now, self._longest):
            window = self._scores.window(now, self._longest).reshape(self._longest, -1)
            self._features[1 : 1 + units] = self._reservoir
            self._features[1 + units :] = window[:: self._stride].reshape(-1)
            self._readout.observe(now, self._features, self._series.newest)

    def predict(self) -> Array:
        now = self._scores.count - 1
        if not self._scores.has_window(now, self._longest):
            return np.tile(self._series.newest, (self._horizons, 1))
        return self._readout.predict(now)

    def state(self) -> dict[str, Array]:
        own = {"inner": self._inner.copy(), "outer": self._outer.copy(), "reservoir": self._reservoir.copy()}
        kept = {
            f"{part}/{name}": array
            for part, kept in (("series", self._series), ("scores", self._scores), ("readout", self._readout))
            for name, array in kept.state().items()
        }
        return {**own, **kept}

    def restore(self, state: dict[str, Array]) -> None:
        # In place: these arrays are also those from which it begins once more when the basis is fitted anew.
        self._inner[:], self._outer[:] = state["inner"], state["outer"]
        self._reservoir = state["reservoir"].copy()
        self._series.restore(under("series/", state))
        self._scores.restore(under("scores/", state))
        self._readout.restore(under("readout/", state))


@kernel
def resound(inner: Array, outer: Array, reservoir: Array, scores: Array, leak: float) -> Array:
    """The reservoir (units,) one sample later, from A, B, its last state and the newest scores (components,)."""
    drive = inner @ reservoir
    units, inputs = outer.shape
    after = np.empty(units)
    for r in range(units):
        total = drive[r] + outer[r, 0]
        for i in range(1, inputs):
            total += outer[r, i] * scores[i - 1]
        after[r] = (1.0 - leak) * reservoir[r] + leak * np.tanh(total)
    return after
