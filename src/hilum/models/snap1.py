"""SnAp-1: a recurrent network trained online with the sparse one-step approximation of its influence matrix.

Network     one per horizon, with actor and learner states: see `_recurrent.py` for model, loss, symbols and update
Gradient    J <- xi f' + J * (f * diag(Wa))'       a column is a unit: only entries that are not 0 after one step are kept
            dL/d[Wa Wb]' = J * d'                  (* multiplies entries; rows of f, diag(Wa) and d run along units)
Symbols     J    (inputs, units)   influence of a weight on its own unit's state, starts at 0
Cost        O(units * inputs) per sample and horizon
Source      Menick et al., A practical sparse approximation for real time recurrent learning, ICLR 2021; Pohl et al., arXiv
            2403.01607, and its released code (c31ee37f)
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
        refuse_nonsense(self)

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin with weights drawn from (seed, horizon)."""
        return RecurrentForecaster(self, setting, warm_up, seed)

    def memory(self, inputs: int, channels: int, seed: tuple[int, int]) -> dict[str, Array]:
        """J at rest."""
        return {"influence": np.zeros((inputs, self.units))}

    def descend(self, network: Network, pair: Pair, squares: float, rate: float) -> float:
        """Move weights and J in place by one pair; returns the step taken."""
        return snap1_descend(
            network.inner,
            network.memory["influence"],
            pair.xi,
            pair.slope,
            pair.credit,
            squares,
            rate,
            self.clip,
        )


def snap1_gradient(network: Network, pair: Pair) -> tuple[Array, dict[str, Array]]:
    """The equations above in NumPy: dL/d[Wa Wb]' (inputs, units), and the next J. Nothing is changed."""
    own = np.diagonal(network.inner)  # Wa's diagonal: inner begins with Wa'
    influence = np.outer(pair.xi, pair.slope) + network.memory["influence"] * (pair.slope * own)
    return influence * pair.credit, {"influence": influence}


@kernel
def snap1_descend(
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
    keep, row = np.empty(units), np.zeros(units)
    for r in range(units):
        keep[r] = slope[r] * inner[r, r]
    for i in range(inputs):
        x = xi[i]
        for r in range(units):
            value = x * slope[r] + keep[r] * influence[i, r]
            influence[i, r] = value
            row[r] += value * value
    for r in range(units):
        squares += credit[r] * credit[r] * row[r]
    norm = np.sqrt(squares)
    step = rate if norm <= clip else rate * clip / norm
    for r in range(units):
        row[r] = step * credit[r]
    for i in range(inputs):
        for r in range(units):
            inner[i, r] -= row[r] * influence[i, r]
    return step
