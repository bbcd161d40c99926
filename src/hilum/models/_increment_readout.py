"""A linear readout of any features, one per horizon, that learns the increment s(t + h) - s(t) by recursive least squares.

Model       s(t + h) is forecast as s(t) + W_h u(t)
Update      d = P u;  q = f + u' d;  g = d / q;  P <- (P - d d' / q) / f      once per origin
            W_h <- W_h + ((s(t + h) - s(t)) - W_h u) g'                      when the label of that origin has arrived
Symbols     s    (outputs,)            what is forecast; u (inputs,) the features of an origin, the first of them 1
            P    (inputs, inputs)      inverse discounted covariance of u, starts at prior * identity; symmetric to the last bit
            f                          forgetting factor in (0, 1]
Cost        O(inputs^2) per sample, O(inputs * outputs) per sample and horizon
Source      Haykin, Adaptive Filter Theory, 4th ed., table 9.1. Weights of 0 forecast the last value: the increment as target makes
            ignorance a good forecast, where with the position as target it is the mean of all
Deviations  In directions that nothing excites forgetting lets P grow without end (a flat record); it pauses above `CEILING`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilum.core.kernel import kernel

Array = NDArray[np.float64]
CEILING = 1e9  # of a diagonal entry of P


class IncrementReadout:
    """Weights (horizons, outputs, inputs), and what waits for its label: features, gains and bases of the newest origins."""

    def __init__(
        self, horizons: tuple[int, ...], outputs: int, inputs: int, *, forgetting: float, prior: float
    ) -> None:
        waiting = max(horizons) + 1
        self._forgetting = forgetting
        self._place = {horizon: index for index, horizon in enumerate(horizons)}
        self._weights = np.zeros((len(horizons), outputs, inputs))
        self._spread = prior * np.eye(inputs)
        self._features = np.zeros((waiting, inputs))
        self._gains = np.zeros((waiting, inputs))
        self._bases = np.zeros((waiting, outputs))
        self._origins = np.full(waiting, -1.0)

    def observe(self, origin: int, features: Array, base: Array) -> None:
        """Take the features (inputs,) and s (outputs,) of a new origin."""
        slot = origin % len(self._origins)
        self._features[slot], self._bases[slot], self._origins[slot] = features, base, origin
        advance_gain(self._spread, self._features[slot], self._forgetting, self._gains[slot])

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        """Learn s(origin + horizon); nothing where it is missing or the origin was never observed with features."""
        slot = origin % len(self._origins)
        if self._origins[slot] == origin and not np.isnan(target).any():
            weights = self._weights[self._place[horizon]]
            error = target - self._bases[slot] - weights @ self._features[slot]
            weights += error[:, np.newaxis] * self._gains[slot]

    def predict(self, origin: int) -> Array:
        """Every horizon's forecast from the newest origin, (horizons, outputs)."""
        slot = origin % len(self._origins)
        forecast: Array = self._bases[slot] + self._weights @ self._features[slot]
        return forecast

    def weights_of(self, horizon: int) -> Array:
        """The weights of one horizon, (outputs, inputs)."""
        weights: Array = self._weights[self._place[horizon]]
        return weights

    def state(self) -> dict[str, Array]:
        """Everything needed to go on."""
        return {name.removeprefix("_"): array.copy() for name, array in self._arrays().items()}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`."""
        for name in self._arrays():
            setattr(self, name, state[name.removeprefix("_")].copy())

    def _arrays(self) -> dict[str, Array]:
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}


@kernel
def advance_gain(spread: Array, features: Array, forgetting: float, gain: Array) -> None:
    """Advance P (inputs, inputs) by the features (inputs,) of one origin in place, and write its gain (inputs,)."""
    inputs = len(gain)
    direction = spread @ features
    scale = forgetting + np.dot(features, direction)
    highest = 0.0
    for i in range(inputs):
        gain[i] = direction[i] / scale
        highest = max(highest, spread[i, i])
    inverse = 1.0 / scale
    growth = 1.0 / forgetting if highest < CEILING else 1.0
    for i in range(inputs):
        row = spread[i]
        for j in range(inputs):
            row[j] = (row[j] - direction[i] * direction[j] * inverse) * growth
