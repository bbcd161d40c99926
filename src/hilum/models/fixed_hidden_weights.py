"""Fixed hidden weights: a recurrent network of which only the readout learns; the floor for rules that move all weights.

Network     one per horizon, with actor and learner states: see `_recurrent.py` for model, loss, symbols and update
Gradient    dL/d[Wa Wb] is taken to be 0, and so counts nothing in the clipped norm
Cost        O(units * inputs) per sample and horizon, for the states
Source      Pohl et al., arXiv 2403.01607, and its released code (c31ee37f)
Deviations  Those of `_recurrent.py` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.models._recurrent import Network, Pair, RecurrentForecaster, refuse_nonsense

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FixedHiddenWeights:
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
        """Nothing."""
        return {}

    def descend(self, network: Network, pair: Pair, squares: float, rate: float) -> float:
        """Move nothing; returns the step that the readout takes."""
        norm = squares**0.5
        return rate if norm <= self.clip else rate * self.clip / norm


def fixed_hidden_weights_gradient(network: Network, pair: Pair) -> tuple[Array, dict[str, Array]]:
    """Zeros (inputs, units): the gradient as this rule takes it."""
    return np.zeros_like(network.inner), {}
