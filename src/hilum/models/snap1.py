"""SnAp-1: a recurrent network trained online with the sparse one-step approximation of its influence matrix.

Model       z_t = Wa x_t + Wb u_t;  x_{t+1} = tanh(z_t);  the forecast is Wc x_{t+1}      one network per horizon
Gradient    e = y - Wc x_{t+1};  d = -Wc' e  (dL/dx_{t+1} of L = |e|^2 / 2);  f = 1 - x_{t+1}^2;  xi = [x_t; u_t]
            J <- f xi' + (f * diag(Wa)) * J      (row by row: only entries that are not 0 after one step are kept)
            dL/d[Wa Wb] = d * J (row by row);    dL/dWc = -e x_{t+1}'
Update      theta <- theta - rate * min(1, clip / |G|) * G,  |G| the Frobenius norm over all parameters together
Symbols     u_t  (1 + k * channels,)       [1; z(t - k + 1); ...; z(t)] in standard units of the train part, oldest first
            x_t  (units,)                  hidden state, starts at 0
            Wa   (units, units)            Wb (units, inputs)   Wc (channels, units)   all drawn from N(0, initial_sd^2)
            J    (units, units + inputs)   influence of a weight on its own row's state, starts at 0
Two states  The actor reads u_t and predicts with the newest weights; the learner replays the window whose label has arrived. Under
            the published order both coincide, so the same code serves both protocols.
Cost        O(units * (units + inputs)) per sample and horizon
Source      Menick et al., A practical sparse approximation for real time recurrent learning, ICLR 2021; Pohl et al., arXiv
            2403.01607, and its released code (c31ee37f): no output bias, plain gradient descent, clip 100
Deviations  Weights come from NumPy's generator seeded by (seed, horizon), so single runs differ from the released ones. Before the
            window is full it holds the last value. A network whose numbers overflow forecasts NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kernel import kernel
from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.modalities.series.recent import RecentSamples
from hilum.modalities.series.standardise import Standardise

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SnAp1:
    """Settings: hidden units, history in samples, learning rate, spread of the first weights, largest gradient norm."""

    units: int = 90
    history: int = 24
    rate: float = 0.01
    initial_sd: float = 0.02
    clip: float = 100.0
    stochastic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if min(self.units, self.history) < 1 or min(self.rate, self.initial_sd, self.clip) <= 0:
            raise UsageError(
                "units, history, rate, initial_sd and clip must be positive", where="SnAp1", do=f"They are {self}"
            )

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin with weights drawn from (seed, horizon)."""
        return _Running(self, setting, Standardise.fit(warm_up), seed)


class _Network:
    """One horizon's network: parameters, and the states of actor and learner."""

    def __init__(self, settings: SnAp1, channels: int, generator: np.random.Generator) -> None:
        units, inputs = settings.units, 1 + settings.history * channels
        self.inner = generator.normal(0.0, settings.initial_sd, (units, units + inputs))  # [Wa Wb]
        self.output = generator.normal(0.0, settings.initial_sd, (channels, units))
        self.influence = np.zeros((units, units + inputs))
        self.actor = np.zeros(units)
        self.learner = np.zeros(units)

    def arrays(self) -> dict[str, Array]:
        """By name."""
        return vars(self)


class _Running:
    def __init__(self, settings: SnAp1, setting: ForecastSetting, scaling: Standardise, seed: int) -> None:
        self._settings = settings
        self._scaling = scaling
        self._recent = RecentSamples(setting.channels, settings.history + max(setting.horizons) + 1)
        self._networks = {
            horizon: _Network(settings, setting.channels, np.random.default_rng((seed, horizon)))
            for horizon in setting.horizons
        }

    def observe(self, sample: Array) -> None:
        self._recent.append(self._scaling.apply(sample))

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        settings = self._settings
        if not self._recent.has_window(origin, settings.history) or np.isnan(target).any():
            return
        network = self._networks[horizon]
        snap1_step(
            network.inner,
            network.output,
            network.influence,
            network.learner,
            self._recent.window(origin, settings.history),
            self._scaling.apply(target),
            settings.rate,
            settings.clip,
        )

    def predict(self) -> Array:
        now = self._recent.count - 1
        if not self._recent.has_window(now, self._settings.history):
            return self._scaling.invert(np.tile(self._recent.newest, (len(self._networks), 1)))
        window = self._recent.window(now, self._settings.history)
        standard = np.empty((len(self._networks), len(self._recent.newest)))
        for index, network in enumerate(self._networks.values()):
            network.actor = advance(network.inner, network.actor, window)
            standard[index] = network.output @ network.actor
        return self._scaling.invert(standard)

    def state(self) -> dict[str, Array]:
        kept = {f"recent/{name}": array for name, array in self._recent.state().items()}
        own = {f"{h}/{name}": a.copy() for h, network in self._networks.items() for name, a in network.arrays().items()}
        return {**own, "mean": self._scaling.mean, "scale": self._scaling.scale, **kept}

    def restore(self, state: dict[str, Array]) -> None:
        for horizon, network in self._networks.items():
            for name in network.arrays():
                setattr(network, name, state[f"{horizon}/{name}"].copy())
        self._scaling = Standardise(state["mean"], state["scale"])
        self._recent.restore({name.removeprefix("recent/"): array for name, array in state.items()})


@kernel
def advance(inner: Array, state: Array, window: Array) -> Array:
    """The next hidden state (units,) from [Wa Wb], the last one and a window without its leading 1."""
    units, both = inner.shape
    after = np.empty(units)
    for r in range(units):
        total = inner[r, units]  # weight of the leading 1
        for i in range(units):
            total += inner[r, i] * state[i]
        for i in range(units + 1, both):
            total += inner[r, i] * window[i - units - 1]
        after[r] = np.tanh(total)
    return after


@kernel
def snap1_step(
    inner: Array,
    output: Array,
    influence: Array,
    state: Array,
    window: Array,
    target: Array,
    rate: float,
    clip: float,
) -> None:
    """One learning step in place; all arrays as in the head of this file, `inner` = [Wa Wb] and `state` the learner's."""
    units, both = inner.shape
    channels = output.shape[0]
    xi = np.empty(both)
    xi[:units] = state
    xi[units] = 1.0
    xi[units + 1 :] = window
    after = np.tanh(inner @ xi)
    error = target - output @ after
    credit = -(output.T @ error)
    slope = 1.0 - after * after
    squares = np.sum(error * error) * np.sum(after * after)
    for r in range(units):
        keep = slope[r] * inner[r, r]
        row = 0.0
        for i in range(both):
            value = slope[r] * xi[i] + keep * influence[r, i]
            influence[r, i] = value
            row += value * value
        squares += credit[r] * credit[r] * row
    norm = np.sqrt(squares)
    step = rate if norm <= clip else rate * clip / norm
    for r in range(units):
        for i in range(both):
            inner[r, i] -= step * credit[r] * influence[r, i]
    for c in range(channels):
        for i in range(units):
            output[c, i] += step * error[c] * after[i]
    state[:] = after
