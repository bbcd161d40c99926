"""DNI: a recurrent network trained online with a linear guess of how its state will matter later, learnt beside it.

Network     one per horizon, with actor and learner states: see `_recurrent.py` for model, loss, symbols and update
Guess       c_t = A' xt_t,  xt_t = [x_t; y_{t-1}; 1]: an estimate of d(loss now and later)/dx_{t+1}, for the state that u_t makes
Residual    r = A' xt_t - d - D' (A' xt_{t+1}),   D = diag(f) Wa
Learning A  dA = xt_t r' - xt_{t+1} (D r)'        the gradient of |r|^2 / 2: `credit_update="whole_gradient"`
            dA = xt_t r'                          what r compares with is held fixed: "bootstrap_held_fixed", the ablation
            A <- A - credit_rate * dA             not clipped
Gradient    dL/d[Wa Wb]' = xi (f * c_t)'          with the new A: a matrix of rank one, so its norm needs no pass
Symbols     A    (units + channels + 1, units)    drawn from N(0, 1 / units)
            y_t  (channels,)                      label of the pair learnt, y_{t-1} the label of the pair learnt before it, at first 0
Late labels The learner replays pairs in the order in which it is given them, and every label in A's input is one that `learn` has
            been handed. In the causal protocol at clock t the pair is (u_{t-h}, s_t): xt_{t+1} holds s_t and xt_t holds s_{t-1},
            both observed. Under the published order both lie h samples later, as they do in the released code. A label that is
            missing leaves y as it is.
Cost        O(units * (units + inputs)) per sample and horizon
Source      Jaderberg et al., Decoupled neural interfaces using synthetic gradients, ICML 2017; Marschall, Cho and Savin, A unified
            framework of online learning algorithms for training recurrent neural networks, JMLR 2020 (A held fixed in the target);
            Pohl et al., arXiv 2403.01607, and its released code (c31ee37f): the second term of dA, credit_rate 0.002
Deviations  Those of `_recurrent.py` alone.
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


@dataclass(frozen=True)
class Dni:
    """Settings: as for SnAp-1, then the learning rate of A and how A is learnt."""

    units: int = 90
    history: int = 24
    rate: float = 0.01
    initial_sd: float = 0.02
    clip: float = 100.0
    credit_rate: float = 0.002
    credit_update: Literal["whole_gradient", "bootstrap_held_fixed"] = "whole_gradient"
    stochastic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        refuse_nonsense(self)
        if not self.credit_rate > 0 or self.credit_update not in ("whole_gradient", "bootstrap_held_fixed"):
            raise UsageError(
                f"credit_rate {self.credit_rate} or credit_update '{self.credit_update}' makes no sense",
                where="Dni",
                do="credit_rate is above 0; credit_update is 'whole_gradient' or 'bootstrap_held_fixed'",
            )

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin with weights drawn from (seed, horizon)."""
        return RecurrentForecaster(self, setting, warm_up, seed)

    def memory(self, inputs: int, channels: int, seed: tuple[int, int]) -> dict[str, Array]:
        """A, and the label of the last pair."""
        generator = np.random.default_rng((*seed, 1))
        guess = generator.normal(0.0, self.units**-0.5, (self.units + channels + 1, self.units))
        return {"guess": guess, "label": np.zeros(channels)}

    def descend(self, network: Network, pair: Pair, squares: float, rate: float) -> float:
        """Move weights and A in place by one pair; returns the step taken."""
        return dni_descend(
            network.inner,
            network.memory["guess"],
            network.memory["label"],
            pair.xi,
            pair.after,
            pair.slope,
            pair.credit,
            pair.label,
            squares,
            rate,
            self.clip,
            self.credit_rate,
            1.0 if self.credit_update == "whole_gradient" else 0.0,
        )


def dni_gradient(
    network: Network, pair: Pair, credit_rate: float = 0.002, credit_update: str = "whole_gradient"
) -> tuple[Array, dict[str, Array]]:
    """The equations above in NumPy: dL/d[Wa Wb]' (inputs, units), and the next A and label. Nothing is changed."""
    before, _, change = credit_gradient(network, pair, credit_update)
    guess = network.memory["guess"] - credit_rate * change
    return np.outer(pair.xi, pair.slope * (before @ guess)), {"guess": guess, "label": pair.label}


def credit_gradient(network: Network, pair: Pair, credit_update: str = "whole_gradient") -> tuple[Array, Array, Array]:
    """xt_t (units + channels + 1,), the residual r (units,), and dA (units + channels + 1, units), in NumPy."""
    units = len(pair.after)
    guess = network.memory["guess"]
    before = np.concatenate([network.learner, network.memory["label"], [1.0]])
    after = np.concatenate([pair.after, pair.label, [1.0]])
    through = pair.slope[:, None] * network.inner[:units].T
    residual = before @ guess - pair.credit - (after @ guess) @ through
    change = np.outer(before, residual)
    if credit_update == "whole_gradient":
        change -= np.outer(after, through @ residual)
    return before, residual, change


@kernel
def dni_descend(
    inner: Array,
    guess: Array,
    last_label: Array,
    xi: Array,
    after: Array,
    slope: Array,
    credit: Array,
    label: Array,
    squares: float,
    rate: float,
    clip: float,
    credit_rate: float,
    second_term: float,
) -> float:
    """Move A, then the weights, in place; returns the step taken. `squares` is the readout's share of |G|^2.

    `second_term` is 1 for the whole gradient of A and 0 for the ablation; a `rate` of 0 (no label) moves neither A nor the label.
    """
    inputs, units = inner.shape
    channels, rows = len(label), len(guess)
    before_input, after_input = np.ones(rows), np.ones(rows)
    for r in range(units):
        before_input[r] = xi[r]
        after_input[r] = after[r]
    taught = rate > 0.0
    for k in range(channels):
        before_input[units + k] = last_label[k]
        after_input[units + k] = label[k] if taught else last_label[k]
        last_label[k] = after_input[units + k]
    now, later = np.zeros(units), np.zeros(units)
    for i in range(rows):
        for r in range(units):
            now[r] += before_input[i] * guess[i, r]
            later[r] += after_input[i] * guess[i, r]
    for r in range(units):
        later[r] *= slope[r]
    residual, second, through = np.empty(units), np.zeros(units), np.zeros(units)
    for j in range(0, units - 3, 4):  # four sums at once: none waits for another, each keeps its order
        t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
        for r in range(units):
            t0 += inner[j, r] * later[r]
            t1 += inner[j + 1, r] * later[r]
            t2 += inner[j + 2, r] * later[r]
            t3 += inner[j + 3, r] * later[r]
        through[j], through[j + 1], through[j + 2], through[j + 3] = t0, t1, t2, t3
    for j in range(units - units % 4, units):
        for r in range(units):
            through[j] += inner[j, r] * later[r]
    for j in range(units):
        residual[j] = now[j] - credit[j] - through[j]
        for r in range(units):
            second[r] += inner[j, r] * residual[j]
    credit_step = credit_rate if taught else 0.0
    for r in range(units):
        second[r] *= slope[r] * second_term
        now[r] = 0.0
    for i in range(rows):
        for r in range(units):
            value = guess[i, r] - credit_step * (before_input[i] * residual[r] - after_input[i] * second[r])
            guess[i, r] = value
            now[r] += before_input[i] * value
    push_squares, xi_squares = 0.0, 0.0
    for r in range(units):
        now[r] *= slope[r]
        push_squares += now[r] * now[r]
    for i in range(inputs):
        xi_squares += xi[i] * xi[i]
    norm = np.sqrt(squares + push_squares * xi_squares)
    step = rate if norm <= clip else rate * clip / norm
    for i in range(inputs):
        push = step * xi[i]
        for r in range(units):
            inner[i, r] -= push * now[r]
    return step
