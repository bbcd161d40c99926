"""Maps from probabilities to probabilities that are nearer to what comes true: temperature, isotonic, logistic.

Symbols      p (rows, classes) predicted probabilities, y class of each row;  r log of p held within 1e-12 and 1

temperature  q_c = p_c^b / sum_k p_k^b, b = 1 / temperature > 0 maximises sum_i [b r_iy - log sum_k exp(b r_ik)]: one number for all
             classes; ranks of two classes and the called class stay. The slope of the likelihood falls in b, so b is found by bisection;
             it is held within 1/20 and 5, which it would leave where all or none of the calls are right. A p of 0 (a forest's) counts
             as 1e-12; but a class whose p was 0 in every row, for train lacks it, stays at 0.
isotonic     for each class, against the rest: the non-decreasing function of p_c with the least squared distance from [y = c], by
             pooling adjacent violators, linear between the pools and constant beyond them. Ties may come, and 0 and 1: a log loss may
             then be infinite but for its limit.
logistic     for each class, against the rest: logit q_c = a + b logit p_c, p held within 1e-6 and 1 - 1e-6, by maximum likelihood with
             Platt's targets (N+ + 1) / (N+ + 2) and 1 / (N- + 2), so that it is finite where classes are separated.
Several      Of two classes the second is mapped, and the first is what is left; of more each is, and they are divided by their sum. A class
             without a row among y, or nothing but such rows, keeps its p. A row whose mapped values are all 0 keeps its own.
Source       Guo et al., ICML 2017: temperature; Zadrozny and Elkan, KDD 2002: isotonic, and one against the rest; Platt, in Advances in
             Large Margin Classifiers (2000): logistic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hilum.metrics._logistic import expit, fit_logistic, logit_of

Array = NDArray[np.float64]
By = Literal["temperature", "isotonic", "logistic"]
WAYS: tuple[By, ...] = get_args(By)

LEAST = 1e-12
LOGIT_LIMIT = 1e-6
LOWEST_POWER, HIGHEST_POWER = 1 / 20, 5.0


@dataclass(frozen=True)
class Map:
    """A fitted map of all classes.

    Attributes:
        by: How.
        knots: Of each mapped class what the map is: (2, pools) for isotonic, from p to q; (a, b) for logistic; None where it keeps its p.
        power: 1 / temperature.
        absent: Classes whose p was 0 in every row.
    """

    by: By
    knots: tuple[Array | None, ...] = ()
    power: float = 1.0
    absent: tuple[int, ...] = ()

    @classmethod
    def fit(cls, by: By, probabilities: Array, labels: NDArray[np.int64]) -> Map:
        """From probabilities (rows, classes) and the class of each row."""
        if by == "temperature":
            absent = tuple(int(k) for k in np.flatnonzero(~probabilities.any(axis=0)))
            return cls(by, power=_power(probabilities, labels), absent=absent)
        mapped = range(probabilities.shape[1]) if probabilities.shape[1] > 2 else (1,)
        fit = isotonic if by == "isotonic" else _platt
        knots = []
        for k in mapped:
            event = (labels == k).astype(np.float64)
            knots.append(fit(probabilities[:, k], event) if 0 < event.sum() < len(event) else None)
        return cls(by, tuple(knots))

    def apply(self, probabilities: Array) -> Array:
        """Probabilities (rows, classes), that add up to 1 as those given do."""
        if self.by == "temperature":
            held = np.maximum(probabilities, LEAST)
            held[:, list(self.absent)] = 0.0
            raised = (held / held.max(axis=1, keepdims=True)) ** self.power
            return np.asarray(raised / raised.sum(axis=1, keepdims=True))
        if probabilities.shape[1] == 2:
            second = self._one(0, probabilities[:, 1])
            return np.stack([1.0 - second, second], axis=1)
        each = np.stack([self._one(k, probabilities[:, k]) for k in range(probabilities.shape[1])], axis=1)
        total = each.sum(axis=1, keepdims=True)
        return np.where(total > 0, each / np.where(total > 0, total, 1.0), probabilities)

    def _one(self, k: int, p: Array) -> Array:
        knots = self.knots[k]
        if knots is None:
            return p
        if self.by == "isotonic":
            return np.asarray(np.interp(p, knots[0], knots[1]), dtype=np.float64)
        return expit(knots[0] + knots[1] * logit_of(p, LOGIT_LIMIT))


def isotonic(p: Array, event: Array) -> Array:
    """The non-decreasing fit of event (rows,) on p (rows,): its first and last p of each pool and their level, shape (2, points)."""
    x, place = np.unique(p, return_inverse=True)
    weight = np.bincount(place).astype(np.float64)
    level = np.bincount(place, weights=event) / weight
    pools: list[tuple[float, float, int]] = []  # level, weight, first x
    for first in range(len(x)):
        mean, rows, start = float(level[first]), float(weight[first]), first
        while pools and pools[-1][0] >= mean:
            before, n, start = pools.pop()
            mean, rows = (before * n + mean * rows) / (n + rows), n + rows
        pools.append((mean, rows, start))
    starts = np.array([start for _, _, start in pools])
    ends = np.append(starts[1:] - 1, len(x) - 1)
    levels = np.array([mean for mean, _, _ in pools])
    both = np.unique(np.concatenate([starts, ends]))
    return np.stack([x[both], levels[np.searchsorted(starts, both, "right") - 1]])


def _power(probabilities: Array, labels: NDArray[np.int64]) -> float:
    r = np.log(np.maximum(probabilities, LEAST))
    of_truth = float(np.mean(np.take_along_axis(r, labels[:, np.newaxis], axis=1)))
    r_top = r - r.max(axis=1, keepdims=True)

    def slope(power: float) -> float:
        weight = np.exp(power * r_top)
        return of_truth - float(np.mean((weight * r).sum(axis=1) / weight.sum(axis=1)))

    low, high = float(LOWEST_POWER), float(HIGHEST_POWER)
    if slope(low) <= 0:
        return low
    if slope(high) >= 0:
        return high
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return float((low * high) ** 0.5)


def _platt(p: Array, event: Array) -> Array | None:
    events = float(event.sum())
    others = len(event) - events
    aim = np.where(event > 0, (events + 1) / (events + 2), 1 / (others + 2))
    x = logit_of(p, LOGIT_LIMIT)
    return fit_logistic(np.stack([np.ones(len(x)), x], axis=1), aim)
