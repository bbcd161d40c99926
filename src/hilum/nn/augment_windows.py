"""Changes to the pairs of a step that leave breathing breathing: another size, other names of the channels, another level, a slow drift.

Order       size, names, level, drift; each is drawn for a pair and made with its probability
Size        channel c of window and target times a factor uniform in [1 - size, 1 + size]
Names       the channels of window and target in another order
Level       + uniform in [-level, level] times the channel's spread, on window and target
Drift       + r i / k on sample i of the window's k, r uniform in [-drift, drift] times the channel's spread; the target gets what the
            newest sample got
Spread      95th minus 5th percentile of the channel in this window, after size and names
Source      Pohl et al., arXiv 2410.05882, and the released code, where each is drawn as here
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError

Single = NDArray[np.float32]


@dataclass(frozen=True)
class Augmentation:
    """How far each change may go, and the probability that a pair gets it."""

    size: float = 0.2
    size_probability: float = 0.8
    names_probability: float = 0.5
    level: float = 0.2
    level_probability: float = 0.3
    drift: float = 0.05
    drift_probability: float = 0.3

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        shares = (self.size_probability, self.names_probability, self.level_probability, self.drift_probability)
        if not (min(shares) >= 0 and max(shares) <= 1 and 0 <= self.size < 1 and min(self.level, self.drift) >= 0):
            raise UsageError(
                "these settings make no sense",
                where="Augmentation",
                do=f"Probabilities lie in [0, 1], size in [0, 1), level and drift are 0 or more. They are {self}",
            )


@dataclass(frozen=True)
class Changes:
    """What was drawn for some pairs: factors, new places, levels and drifts, each (pairs, channels); the last two in spreads."""

    factors: Single
    places: NDArray[np.intp]
    levels: Single
    drifts: Single


def draw_changes(augmentation: Augmentation, pairs: int, channels: int, generator: np.random.Generator) -> Changes:
    """Draw for each pair what is changed, and by how much."""
    shape = (pairs, channels)

    def uniform(largest: float, probability: float) -> Single:
        made = generator.random((pairs, 1)) < probability
        return np.where(made, generator.uniform(-largest, largest, shape), 0.0).astype(np.float32)

    factors = 1 + uniform(augmentation.size, augmentation.size_probability)
    mixed = generator.random((pairs, 1)) < augmentation.names_probability
    places = np.where(mixed, generator.random(shape).argsort(axis=1), np.arange(channels))
    levels = uniform(augmentation.level, augmentation.level_probability)
    return Changes(factors, places, levels, uniform(augmentation.drift, augmentation.drift_probability))


def change_pairs(windows: Single, targets: Single, changes: Changes) -> tuple[Single, Single]:
    """Windows (pairs, history, channels) and targets (pairs, channels), changed; what is given stays as it is."""
    history = windows.shape[1]
    windows = np.take_along_axis(windows * changes.factors[:, np.newaxis], changes.places[:, np.newaxis], axis=2)
    targets = np.take_along_axis(targets * changes.factors, changes.places, axis=1)
    spread = _spread(windows)
    ramp = (np.arange(history, dtype=np.float32) / history)[:, np.newaxis]
    offset, slope = changes.levels * spread, changes.drifts * spread
    windows += offset[:, np.newaxis] + ramp * slope[:, np.newaxis]
    targets += offset + ramp[-1] * slope
    return windows, targets


def _spread(windows: Single) -> Single:
    """95th minus 5th percentile along the history, between order statistics as numpy.quantile does by default."""
    ordered = np.sort(windows, axis=1)
    last = windows.shape[1] - 1

    def at(share: float) -> Single:
        place = share * last
        below = int(place)
        above = min(below + 1, last)
        value: Single = ordered[:, below] + np.float32(place - below) * (ordered[:, above] - ordered[:, below])
        return value

    return at(0.95) - at(0.05)
