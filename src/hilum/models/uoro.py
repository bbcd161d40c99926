"""UORO: a recurrent network trained online with a random rank-one estimate of its influence matrix, unbiased at fixed weights.

Network     one per horizon, with actor and learner states: see `_recurrent.py` for model, loss, symbols and update
Estimate    nu random signs (units,);  v = f * (Wa x~)                             x~ moved through the network
            rho0 = sqrt(|theta~| / (|v| + eps)) + eps;  rho1 = sqrt(|xi (nu * f)'| / (|nu| + eps)) + eps
            x~ <- rho0 v + rho1 nu;   theta~ <- theta~ / rho0 + xi (nu * f)' / rho1
Gradient    exact      dL/d[Wa Wb]' = (d' x~) theta~   with x~ and theta~ after this update: its mean over the signs is RTRL's
            published  the same product of d with x~ and theta~ from before it, the order of the released code: the sensitivity to
                       the new state meets the influence on the old one, and the mean is another vector (tests/models show both)
Symbols     x~     (units,)           estimate's state side, starts at 0
            theta~ (inputs, units)    estimate's weight side, starts at 0
            eps    1e-7
Signs       The n-th pair's signs are a function of (seed, horizon, n) alone, so a restored network draws on as it would have
Cost        O(units * inputs) per sample and horizon
Source      Tallec and Ollivier, Unbiased online recurrent optimization, ICLR 2018; Pohl et al., arXiv 2106.01100, and the code
            released with arXiv 2403.01607 (c31ee37f)
Deviations  v is the exact product; the released code takes a finite difference of 1e-7, which differs by about that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kernel import kernel
from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.models._recurrent import Network, Pair, RecurrentForecaster, refuse_nonsense

Array = NDArray[np.float64]
EPS = 1e-7


@dataclass(frozen=True)
class Uoro:
    """Settings: hidden units, history in samples, learning rate, spread of the first weights, largest gradient norm, order."""

    units: int = 90
    history: int = 24
    rate: float = 0.01
    initial_sd: float = 0.02
    clip: float = 100.0
    variant: Literal["exact", "published"] = "exact"
    stochastic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        refuse_nonsense(self)
        if self.variant not in ("exact", "published"):
            raise UsageError(f"there is no variant '{self.variant}'", where="Uoro", do="Choose 'exact' or 'published'")

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin with weights drawn from (seed, horizon)."""
        return RecurrentForecaster(self, setting, warm_up, seed)

    def memory(self, inputs: int, channels: int, seed: tuple[int, int]) -> dict[str, Array]:
        """x~ and theta~ at rest, |theta~|^2, and where the signs come from: a key, and how many pairs have drawn."""
        key = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> np.uint64(11)  # 53 bits: exact as a float
        return {
            "tangent": np.zeros(self.units),
            "trace": np.zeros((inputs, self.units)),
            "trace_squares": np.zeros(1),
            "draws": np.array([float(key), 0.0]),
        }

    def descend(self, network: Network, pair: Pair, squares: float, rate: float) -> float:
        """Move weights, x~ and theta~ in place by one pair; returns the step taken."""
        memory, exact = network.memory, self.variant == "exact"
        spread, keep, before, after = uoro_tangent(
            network.inner, memory["tangent"], memory["trace_squares"], memory["draws"], pair.xi, pair.slope, pair.credit
        )
        move = uoro_exact_descend if exact else uoro_published_descend
        return move(
            network.inner,
            memory["trace"],
            memory["trace_squares"],
            pair.xi,
            spread,
            keep,
            after if exact else before,
            squares,
            rate,
            self.clip,
        )


def uoro_gradient(network: Network, pair: Pair) -> tuple[Array, dict[str, Array]]:
    """The exact variant in NumPy: dL/d[Wa Wb]' (inputs, units), and the next memory. Nothing is changed."""
    memory = _next_memory(network, pair)
    return pair.credit @ memory["tangent"] * memory["trace"], memory


def uoro_published_gradient(network: Network, pair: Pair) -> tuple[Array, dict[str, Array]]:
    """The published order in NumPy, likewise."""
    old = network.memory
    return pair.credit @ old["tangent"] * old["trace"], _next_memory(network, pair)


def _next_memory(network: Network, pair: Pair) -> dict[str, Array]:
    old, units = network.memory, len(pair.after)
    key, drawn = old["draws"]
    signs = random_signs(key, drawn, units)
    moved = pair.slope * (network.inner[:units].T @ old["tangent"])
    added = np.outer(pair.xi, signs * pair.slope)
    rho0 = np.sqrt(np.sqrt(np.sum(old["trace"] ** 2)) / (np.sqrt(np.sum(moved**2)) + EPS)) + EPS
    rho1 = np.sqrt(np.sqrt(np.sum(added**2)) / (np.sqrt(units) + EPS)) + EPS
    trace = old["trace"] / rho0 + added / rho1
    return {
        "tangent": rho0 * moved + rho1 * signs,
        "trace": trace,
        "trace_squares": np.array([np.sum(trace**2)]),
        "draws": np.array([key, drawn + 1.0]),
    }


def random_signs(key: float, drawn: float, units: int) -> Array:
    """Signs +1 or -1, (units,), of the draw with number `drawn`: the top bit of splitmix64 run as a counter.

    Source: Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014, section 4.
    """
    count = np.arange(1, units + 1).astype(np.uint64) + np.uint64(drawn) * np.uint64(units)
    mixed = count * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    signs: Array = 1.0 - 2.0 * (mixed >> np.uint64(63)).astype(np.float64)
    return signs


@kernel
def uoro_tangent(
    inner: Array, tangent: Array, trace_squares: Array, draws: Array, xi: Array, slope: Array, credit: Array
) -> tuple[Array, float, float, float]:
    """Draw signs and move x~ in place.

    Returns:
        (nu * f) / rho1, (units,); 1 / rho0; d' x~ before the move, and after it.
    """
    units = len(tangent)
    before, after, moved_squares, slope_squares, xi_squares = 0.0, 0.0, 0.0, 0.0, 0.0
    moved, spread = np.zeros(units), np.empty(units)
    for i in range(units):
        for r in range(units):
            moved[r] += inner[i, r] * tangent[i]
    for r in range(units):
        moved[r] *= slope[r]
        moved_squares += moved[r] * moved[r]
        slope_squares += slope[r] * slope[r]
        before += credit[r] * tangent[r]
    for i in range(len(xi)):
        xi_squares += xi[i] * xi[i]
    rho0 = np.sqrt(np.sqrt(trace_squares[0]) / (np.sqrt(moved_squares) + EPS)) + EPS
    rho1 = np.sqrt(np.sqrt(slope_squares * xi_squares) / (np.sqrt(units) + EPS)) + EPS
    key, first = np.uint64(draws[0]), np.uint64(draws[1]) * np.uint64(units)
    for r in range(units):  # `random_signs`, one by one
        mixed = (first + np.uint64(r + 1)) * np.uint64(0x9E3779B97F4A7C15) + key
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        sign = -1.0 if mixed >> np.uint64(63) else 1.0
        spread[r] = sign * slope[r] / rho1
        tangent[r] = rho0 * moved[r] + rho1 * sign
        after += credit[r] * tangent[r]
    draws[1] += 1.0
    return spread, 1.0 / rho0, before, after


@kernel
def uoro_exact_descend(
    inner: Array,
    trace: Array,
    trace_squares: Array,
    xi: Array,
    spread: Array,
    keep: float,
    along: float,
    squares: float,
    rate: float,
    clip: float,
) -> float:
    """Advance theta~, then move the weights along it, in place; returns the step taken. `along` is d' x~ after the move."""
    inputs, units = inner.shape
    column = np.zeros(units)
    for i in range(inputs):
        for r in range(units):
            value = keep * trace[i, r] + xi[i] * spread[r]
            trace[i, r] = value
            column[r] += value * value
    trace_squares[0] = np.sum(column)
    norm = np.sqrt(squares + along * along * trace_squares[0])
    step = rate if norm <= clip else rate * clip / norm
    for i in range(inputs):
        for r in range(units):
            inner[i, r] -= step * along * trace[i, r]
    return step


@kernel
def uoro_published_descend(
    inner: Array,
    trace: Array,
    trace_squares: Array,
    xi: Array,
    spread: Array,
    keep: float,
    along: float,
    squares: float,
    rate: float,
    clip: float,
) -> float:
    """Move the weights along theta~, then advance it, in place; returns the step taken. `along` is d' x~ before the move."""
    inputs, units = inner.shape
    norm = np.sqrt(squares + along * along * trace_squares[0])
    step = rate if norm <= clip else rate * clip / norm
    column = np.zeros(units)
    for i in range(inputs):
        for r in range(units):
            inner[i, r] -= step * along * trace[i, r]
            value = keep * trace[i, r] + xi[i] * spread[r]
            trace[i, r] = value
            column[r] += value * value
    trace_squares[0] = np.sum(column)
    return step
