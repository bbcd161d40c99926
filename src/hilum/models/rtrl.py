"""RTRL: a recurrent network trained online with its whole influence matrix, the exact gradient at fixed weights.

Network     one per horizon, with actor and learner states: see `_recurrent.py` for model, loss, symbols and update
Gradient    J_b <- D J_b;  row b of J_b += f_b xi';   D = diag(f) Wa;   column b of dL/d[Wa Wb]' = J_b' d
Symbols     J_b  (units, inputs)          influence of the weights of unit b on all states; J (units, units, inputs) starts at 0
Cost        O(units^3 * inputs) per sample and horizon: 25 units are 4 million multiplications, 90 would be 230 million
Layout      A block J_b (48 kB at 25 units, 9 channels and a history of 24) is advanced by one matrix product while it lies in the
            cache, so each entry of J is read and written once a step. The product is BLAS's, 2.3 times faster than loops that keep
            the order of each sum; so bits may differ between machines here, and between runs on one machine they do not
Source      Williams and Zipser, A learning algorithm for continually running fully recurrent neural networks, Neural Computation
            1989; Pohl et al., arXiv 2403.01607, whose released code (c31ee37f) calls this order of operations "v2": the forecast
            is made after u_t has been read
Deviations  Those of `_recurrent.py` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.kernel import kernel
from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.models._recurrent import Network, Pair, RecurrentForecaster, refuse_nonsense

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rtrl:
    """Settings: hidden units, history in samples, learning rate, spread of the first weights, largest gradient norm."""

    units: int = 25
    history: int = 24
    rate: float = 0.01
    initial_sd: float = 0.02
    clip: float = 100.0
    stochastic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        refuse_nonsense(self)

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin with weights drawn from (seed, horizon)."""
        return RecurrentForecaster(self, setting, warm_up, seed)

    def memory(self, inputs: int, channels: int, seed: tuple[int, int]) -> dict[str, Array]:
        """J at rest."""
        return {"influence": np.zeros((self.units, self.units, inputs))}

    def descend(self, network: Network, pair: Pair, squares: float, rate: float) -> float:
        """Move weights and J in place by one pair; returns the step taken."""
        return rtrl_descend(
            network.inner,
            network.memory["influence"],
            pair.xi,
            pair.slope,
            pair.credit,
            squares,
            rate,
            self.clip,
        )


def rtrl_gradient(network: Network, pair: Pair) -> tuple[Array, dict[str, Array]]:
    """The equations above in NumPy: dL/d[Wa Wb]' (inputs, units), and the next J. Nothing is changed."""
    units = len(pair.after)
    through = pair.slope[:, None] * network.inner[:units].T
    influence = through @ network.memory["influence"]
    influence[np.arange(units), np.arange(units)] += np.outer(pair.slope, pair.xi)
    return (pair.credit @ influence).T, {"influence": influence}


@kernel
def rtrl_descend(
    inner: Array,
    influence: Array,
    xi: Array,
    slope: Array,
    credit: Array,
    squares: float,
    rate: float,
    clip: float,
) -> float:
    """Advance J and move the weights in place; returns the step taken. `squares` is the readout's share of |G|^2."""
    inputs, units = inner.shape
    through, gradient, moved = np.empty((units, units)), np.zeros((units, inputs)), np.empty((units, inputs))
    for s in range(units):
        for r in range(units):
            through[s, r] = slope[s] * inner[r, s]
    for b in range(units):
        np.dot(through, influence[b], moved)
        for i in range(inputs):
            moved[b, i] += slope[b] * xi[i]
        for s in range(units):
            for i in range(inputs):
                influence[b, s, i] = moved[s, i]
                gradient[b, i] += credit[s] * moved[s, i]
    row = np.zeros(inputs)
    for b in range(units):
        for i in range(inputs):
            row[i] += gradient[b, i] * gradient[b, i]
    norm = np.sqrt(squares + np.sum(row))
    step = rate if norm <= clip else rate * clip / norm
    for b in range(units):
        for i in range(inputs):
            inner[i, b] -= step * gradient[b, i]
    return step
