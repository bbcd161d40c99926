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

from hilum.report.numbers import percent
from hilum.report.tables import Tables

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """Of one arm: seeds and folds, and the standard deviations over each; `share` is the seed's, of the variance; `why` it is not known."""

    name: str
    seeds: int
    folds: int
    over_seeds: float
    over_folds: float
    share: float
    why: str = ""

    @property
    def told(self) -> str:
        """The share in per cent, or why it is not known."""
        return self.why or percent(self.share)


def components(figures: Array) -> tuple[float, float, float]:
    """Standard deviation over seeds and over folds, and the seed's share of the variance, from figures (seeds, folds)."""
    within = float(figures.var(axis=0, ddof=1).mean())
    between = max(0.0, float(figures.mean(axis=0).var(ddof=1)) - within / len(figures))
    total = within + between
    return math.sqrt(within), math.sqrt(between), within / total if total else math.nan


def spreads(tables: Tables) -> list[Spread]:
    """Every arm, in order; one that has a single seed or fold, or a figure that is undefined, says so."""
    return [_spread(arm.name, arm.by_seed_and_fold(tables.leading)) for arm in tables.arms]


def _spread(name: str, figures: Array) -> Spread:
    seeds, folds = figures.shape
    why = (
        "one seed: not known"
        if seeds == 1
        else "one fold: not known"
        if folds == 1
        else "undefined in a fold: not known"
        if not figures.size or not np.isfinite(figures).all()
        else ""
    )
    if why:
        return Spread(name, seeds, folds, math.nan, math.nan, math.nan, why)
    over_seeds, over_folds, share = components(figures)
    return Spread(
        name,
        seeds,
        folds,
        over_seeds,
        over_folds,
        share,
        "" if math.isfinite(share) else "no spread: the same figure everywhere",
    )
