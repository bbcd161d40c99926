"""How much of the spread of a figure is the seed's: two models that differ by less than that are not told apart by one run of each.

y_sf     the leading metric of seed s on the test part of fold f, S seeds and F folds
within   W = mean over folds of the variance of y over seeds, divisor S - 1
between  B = max(0, variance over folds of the mean over seeds, divisor F - 1,  -  W / S)
share    W / (W + B), of the variance of one run's figure on one fold
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.report.tables import Tables

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """Of one arm: seeds and folds, and the standard deviations over each; `share` is the seed's, of the variance."""

    name: str
    seeds: int
    folds: int
    over_seeds: float
    over_folds: float
    share: float


def components(figures: Array) -> tuple[float, float, float]:
    """Standard deviation over seeds and over folds, and the seed's share of the variance, from figures (seeds, folds)."""
    within = float(figures.var(axis=0, ddof=1).mean())
    between = max(0.0, float(figures.mean(axis=0).var(ddof=1)) - within / len(figures))
    total = within + between
    return math.sqrt(within), math.sqrt(between), within / total if total else math.nan


def spreads(tables: Tables) -> list[Spread]:
    """Every arm with two seeds or more on each of two folds or more, in order; where a figure is undefined, none."""
    found = []
    for arm in tables.arms:
        figures = arm.by_seed_and_fold(tables.leading)
        if min(figures.shape) > 1 and np.isfinite(figures).all():
            seeds, folds = figures.shape
            found.append(Spread(arm.name, seeds, folds, *components(figures)))
    return found
