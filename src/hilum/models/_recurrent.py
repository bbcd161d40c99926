"""What all recurrent networks that learn online share; each rule of learning is one file beside this one.

Model       z_t = Wa x_t + Wb u_t;  x_{t+1} = tanh(z_t);  the forecast is Wc x_{t+1}      one network per horizon
Loss        L = |e|^2 / 2,  e = y - Wc x_{t+1};  d = dL/dx_{t+1} = -Wc' e;  f = 1 - x_{t+1}^2;  xi = [x_t; u_t]
Readout     dL/dWc = -e x_{t+1}', whatever the rule; a rule says what dL/d[Wa Wb] is
Update      theta <- theta - rate * min(1, clip / |G|) * G,  |G| the Frobenius norm over all parameters together
Symbols     u_t     (1 + k * channels,)    [1; z(t - k + 1); ...; z(t)] in standard units of the train part, oldest first
            x_t     (units,)               hidden state, starts at 0
            inner   (inputs, units)        [Wa Wb]', one column a unit: loops over units then run along memory, each unit keeps
                                           its own sum, and so the bits depend neither on BLAS, threads nor vector width
            output  (channels, units)      Wc
Two states  The actor reads u_t and forecasts with the newest weights; the learner replays the pair whose label has arrived. Under
            the published order both are equal, so one code serves both protocols.
Gaps        A label that is missing teaches nothing: the learner's state and what the rule remembers move on, no weight does. An
            origin that is never handed to `learn` is as if it had not been. Samples at which no forecast was asked for are not
            read by the actor; asking twice at one sample reads it once.
Source      Pohl et al., arXiv 2106.01100 and 2403.01607, and the code released with the latter (c31ee37f): no output bias, plain
            gradient descent, clip 100, all weights drawn from N(0, initial_sd^2)
Deviations  Weights come from NumPy's generator seeded by (seed, horizon), so single runs differ from the released ones. Before the
            window is full the last value is held. What overflows is forecast as NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kernel import kernel
from hilum.core.kinds.forecast import ForecastSetting
from hilum.modalities.series.recent import RecentSamples
from hilum.modalities.series.standardise import Standardise

Array = NDArray[np.float64]


@dataclass
class Network:
    """One horizon's network.

    Attributes:
        inner: [Wa Wb]', (inputs, units).
        output: Wc, (channels, units).
        actor: The state that made the newest forecast, (units,).
        before: The actor's state one sample earlier, (units,).
        learner: The state after the last pair learnt, (units,).
        memory: What the rule remembers, by name.
    """

    inner: Array
    output: Array
    actor: Array
    before: Array
    learner: Array
    memory: dict[str, Array]

    def arrays(self) -> dict[str, Array]:
        """All of it, by name."""
        own = {name: array for name, array in vars(self).items() if name != "memory"}
        return {**own, **self.memory}

    def put(self, arrays: dict[str, Array]) -> None:
        """Take over copies of what `arrays` gave."""
        for name in self.arrays():
            copy = np.array(arrays[name], dtype=np.float64, order="C")
            if name in self.memory:
                self.memory[name] = copy
            else:
                setattr(self, name, copy)


@dataclass(frozen=True)
class Pair:
    """A window and its label as a network reads them, in standard units.

    Attributes:
        xi: [x_t; 1; window], (inputs,).
        after: x_{t+1}, (units,).
        slope: f, (units,).
        credit: d, (units,); 0 where the label is missing.
        label: y, (channels,).
        error: e, (channels,); 0 where the label is missing.
    """

    xi: Array
    after: Array
    slope: Array
    credit: Array
    label: Array
    error: Array

    @classmethod
    def empty(cls, inputs: int, units: int, channels: int) -> Pair:
        """Room for one."""
        return cls(np.zeros(inputs), *np.zeros((3, units)), *np.zeros((2, channels)))


class RecurrentSettings(Protocol):
    """What the settings of a network that learns online must offer."""

    @property
    def units(self) -> int:
        """Hidden units."""

    @property
    def history(self) -> int:
        """Samples in a window."""

    @property
    def rate(self) -> float:
        """Learning rate."""

    @property
    def initial_sd(self) -> float:
        """Spread of the first weights."""

    @property
    def clip(self) -> float:
        """Largest norm of the gradient of all parameters together."""

    def memory(self, inputs: int, channels: int, seed: tuple[int, int]) -> dict[str, Array]:
        """What the rule remembers beside the weights, at rest; `seed` is (seed, horizon)."""

    def descend(self, network: Network, pair: Pair, squares: float, rate: float) -> float:
        """Move `network.inner` and the rule's memory in place by one pair.

        Args:
            network: Weights and memory.
            pair: Window and label as the network reads them.
            squares: Squared norm of the readout's gradient.
            rate: Learning rate; 0 where the label is missing.

        Returns:
            The step taken: the rate, or less where the gradient was clipped.
        """


def refuse_nonsense(settings: RecurrentSettings) -> None:
    """Refuse settings that make no sense.

    Raises:
        UsageError: one of them is not positive.
    """
    whole, real = (settings.units, settings.history), (settings.rate, settings.initial_sd, settings.clip)
    if min(whole) < 1 or not all(value > 0 for value in real):
        raise UsageError(
            "units, history, rate, initial_sd and clip must be positive",
            where=type(settings).__name__,
            do=f"They are {settings}",
        )


def fresh_network(settings: RecurrentSettings, channels: int, seed: tuple[int, int]) -> Network:
    """Weights drawn from (seed, horizon), all states 0."""
    generator = np.random.default_rng(seed)
    units, inputs = settings.units, settings.units + 1 + settings.history * channels
    inner = np.ascontiguousarray(generator.normal(0.0, settings.initial_sd, (units, inputs)).T)
    output = generator.normal(0.0, settings.initial_sd, (channels, units))
    memory = settings.memory(inputs, channels, seed)
    return Network(inner, output, np.zeros(units), np.zeros(units), np.zeros(units), memory)


class RecurrentForecaster:
    """The four verbs, over one network per horizon; `settings` say how a network learns."""

    def __init__(self, settings: RecurrentSettings, setting: ForecastSetting, warm_up: Array, seed: int) -> None:
        self._settings = settings
        self._scaling = Standardise.fit(warm_up)
        self._history = settings.history
        self._recent = RecentSamples(setting.channels, settings.history + max(setting.horizons) + 1)
        self._networks = {h: fresh_network(settings, setting.channels, (seed, h)) for h in setting.horizons}
        first = next(iter(self._networks.values()))
        self._pair = Pair.empty(len(first.inner), settings.units, setting.channels)
        self._shape = (len(setting.horizons), setting.channels)
        self._read = -1  # the sample that the actors have read last

    def observe(self, sample: Array) -> None:
        """Take the newest sample, in the setting's unit."""
        self._recent.append(self._scaling.apply(sample))

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        """Move one network by one pair, where the window is there in full."""
        if not self._recent.has_window(origin, self._history):
            return
        network, pair, scaling = self._networks[horizon], self._pair, self._scaling
        window = self._recent.window(origin, self._history)
        advance(network.inner, network.learner, window, pair.xi, pair.after)
        squares = compare(
            network.output,
            pair.after,
            target,
            scaling.mean,
            scaling.scale,
            pair.slope,
            pair.credit,
            pair.label,
            pair.error,
        )
        if squares < 0:  # the label is missing
            step = self._settings.descend(network, pair, 0.0, 0.0)
        else:
            step = self._settings.descend(network, pair, squares, self._settings.rate)
        settle(network.output, network.learner, pair.after, pair.error, step)

    def predict(self) -> Array:
        """Every horizon's forecast, (horizons, channels), in the setting's unit."""
        now = self._recent.count - 1
        if not self._recent.has_window(now, self._history):
            return self._scaling.invert(np.tile(self._recent.newest, (self._shape[0], 1)))
        window, forecasts = self._recent.window(now, self._history), np.empty(self._shape)
        for index, network in enumerate(self._networks.values()):
            if now != self._read:
                network.before, network.actor = network.actor, network.before
            advance(network.inner, network.before, window, self._pair.xi, network.actor)
            say(network.output, network.actor, self._scaling.mean, self._scaling.scale, forecasts, index)
        self._read = now
        return forecasts

    def state(self) -> dict[str, Array]:
        """Everything needed to go on."""
        kept = {f"recent/{name}": array for name, array in self._recent.state().items()}
        own = {f"{h}/{name}": a.copy() for h, network in self._networks.items() for name, a in network.arrays().items()}
        scaling = {"mean": self._scaling.mean, "scale": self._scaling.scale}
        return {**own, **scaling, "read": np.array([float(self._read)]), **kept}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`."""
        for horizon, network in self._networks.items():
            network.put({name.removeprefix(f"{horizon}/"): array for name, array in state.items()})
        self._scaling = Standardise(state["mean"], state["scale"])
        self._read = int(state["read"][0])
        self._recent.restore({name.removeprefix("recent/"): array for name, array in state.items()})


@kernel
def advance(inner: Array, state: Array, window: Array, xi: Array, after: Array) -> None:
    """Fill xi = [x_t; 1; window] and x_{t+1} = tanh([Wa Wb] xi), in place; `state` is x_t."""
    inputs, units = inner.shape
    xi[:units] = state
    xi[units] = 1.0
    xi[units + 1 :] = window
    total = np.zeros(units)
    for i in range(0, inputs - 3, 4):  # four rows a pass: fewer loads and stores of the sums, the same order of adding
        x0, x1, x2, x3 = xi[i], xi[i + 1], xi[i + 2], xi[i + 3]
        for r in range(units):
            part = (total[r] + inner[i, r] * x0) + inner[i + 1, r] * x1
            total[r] = (part + inner[i + 2, r] * x2) + inner[i + 3, r] * x3
    for i in range(inputs - inputs % 4, inputs):
        for r in range(units):
            total[r] += inner[i, r] * xi[i]
    for r in range(units):
        after[r] = np.tanh(total[r])


@kernel
def compare(
    output: Array,
    after: Array,
    target: Array,
    mean: Array,
    scale: Array,
    slope: Array,
    credit: Array,
    label: Array,
    error: Array,
) -> float:
    """Fill the last four arrays (see `Pair`) from x_{t+1} and a target in the series' unit.

    Returns:
        |e|^2 |x_{t+1}|^2, the squared norm of the readout's gradient; -1 where a channel of the target is not finite.
    """
    channels, units = output.shape
    squares = 0.0
    for r in range(units):
        slope[r] = 1.0 - after[r] * after[r]
        credit[r] = 0.0
        squares += after[r] * after[r]
    missing = False
    for k in range(channels):
        label[k] = (target[k] - mean[k]) / scale[k]
        error[k] = label[k]
        missing = missing or not np.isfinite(label[k])
    if missing:
        error[:] = 0.0
        return -1.0
    for r in range(units):  # unit by unit: the channels' sums do not wait for one another
        for k in range(channels):
            error[k] -= output[k, r] * after[r]
    lost = 0.0
    for k in range(channels):
        lost += error[k] * error[k]
        for r in range(units):
            credit[r] -= output[k, r] * error[k]
    return lost * squares


@kernel
def say(output: Array, after: Array, mean: Array, scale: Array, forecasts: Array, index: int) -> None:
    """Write Wc x_{t+1}, in the series' unit, into row `index` of `forecasts`; NaN where it is not finite."""
    channels, units = output.shape
    for k in range(channels):
        forecasts[index, k] = 0.0
    for r in range(units):
        for k in range(channels):
            forecasts[index, k] += output[k, r] * after[r]
    for k in range(channels):
        forecast = forecasts[index, k] * scale[k] + mean[k]
        forecasts[index, k] = forecast if np.isfinite(forecast) else np.nan


@kernel
def settle(output: Array, state: Array, after: Array, error: Array, step: float) -> None:
    """Move the readout by `step` along its gradient, and the learner to its next state, in place."""
    channels, units = output.shape
    for k in range(channels):
        push = step * error[k]
        for r in range(units):
            output[k, r] += push * after[r]
    for r in range(units):
        state[r] = after[r]


# ---- the readable form of a step, in NumPy: what kernels are compared with

# From a network and a pair: dL/d[Wa Wb]' (inputs, units) by a rule, and the rule's next memory. Nothing is changed.
Gradient = Callable[[Network, Pair], tuple[Array, dict[str, Array]]]


def reference_pair(network: Network, window: Array, label: Array) -> Pair:
    """What `advance` and `compare` find, in NumPy, from a window (history * channels,) and a label (channels,), both in standard units."""
    xi = np.concatenate([network.learner, [1.0], window])
    after = np.tanh(network.inner.T @ xi)
    error = label - network.output @ after
    return Pair(xi, after, 1.0 - after**2, -(network.output.T @ error), label, error)


def reference_step(network: Network, gradient: Gradient, window: Array, label: Array, rate: float, clip: float) -> None:
    """Gradient, clip, update: one learning step in place."""
    pair = reference_pair(network, window, label)
    inner, memory = gradient(network, pair)
    output = -np.outer(pair.error, pair.after)
    norm = np.sqrt(np.sum(inner**2) + np.sum(output**2))
    step = rate if norm <= clip else rate * clip / norm
    network.inner = network.inner - step * inner
    network.output = network.output - step * output
    network.learner, network.memory = pair.after, memory


def kernel_step(settings: RecurrentSettings, network: Network, window: Array, label: Array) -> None:
    """The same step by the compiled kernels, in place."""
    units, channels = len(network.learner), len(label)
    pair = Pair.empty(len(network.inner), units, channels)
    advance(network.inner, network.learner, window, pair.xi, pair.after)
    unit = np.zeros(channels), np.ones(channels)
    squares = compare(network.output, pair.after, label, *unit, pair.slope, pair.credit, pair.label, pair.error)
    step = settings.descend(network, pair, squares, settings.rate)
    settle(network.output, network.learner, pair.after, pair.error, step)
