"""Intervals over units, and of ours - claimed: a range, and how it was made.

Symbols
    x_1 ... x_n    one figure a unit (a subject, a recording, a seed); m its mean, s its standard deviation (n - 1)
    g, se          the figure on the scale on which it is symmetric, and its standard error there
    q              quantile of Student's t with n - 1 degrees of freedom at (1 + level) / 2

Scales          what the interval is for                   g           se
    linear      the mean                                   m           s / sqrt(n)
    log         the mean, of positive figures              log m       s / (m sqrt(n))      (delta method)
    geometric   the geometric mean, of ratios              mean log x  sd(log x) / sqrt(n)

Intervals
    t                      g -+ q se
    Wilson                 of a share: (k + z^2 / 2 -+ z sqrt(k (n - k) / n + z^2 / 4)) / (n + z^2), k successes of n
    studentised bootstrap  [g - t*(1 - a) se, g - t*(a) se], a = (1 - level) / 2, t* = (g* - g) / se* over resamples

Why these       The mean of units has a standard error in closed form, so its bootstrap is studentised: second-order
                accurate, and it keeps the heavy upper tail of errors. It is unreliable in small samples, so below 30
                units t takes its place; below 6 there is none.
Source          Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 11 and 12; Davison and Hinkley,
                Bootstrap Methods and their Application (1997), ch. 2 and 5; Wilson, JASA 22 (1927). Coverage is printed by
                benchmarks/interval_coverage.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.metrics.stats.draws import draws_of

Array = NDArray[np.float64]
Scale = Literal["linear", "log", "geometric"]

FEWEST_FOR_INTERVAL = 6
FEWEST_FOR_BOOTSTRAP = 30
MEANING = (
    "holds the fitted model and these folds fixed; does not cover retraining, other hospitals or selection among models"
)


@dataclass(frozen=True)
class Interval:
    """A range, and how it was made.

    Attributes:
        low: Lower end; `nan` where there is none.
        high: Upper end.
        level: Nominal coverage.
        method: How it was made; "none" where there is none.
        n: Units (subjects, seeds, clusters) it rests on.
        note: What it means, or why there is none.
    """

    low: float
    high: float
    level: float
    method: str
    n: int
    note: str = ""

    @property
    def defined(self) -> bool:
        """Whether there is an interval at all."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    @property
    def width(self) -> float:
        """The distance from low to high."""
        return self.high - self.low

    def covers(self, x: float) -> bool:
        """Whether x lies in it, ends included; an undefined interval covers nothing."""
        return self.low <= x <= self.high

    @classmethod
    def undefined(cls, reason: str, n: int, level: float = 0.95) -> Interval:
        """No interval, and why."""
        return cls(math.nan, math.nan, level, "none", n, reason)


def t_interval(values: ArrayLike, level: float = 0.95, scale: Scale = "linear") -> Interval:
    """Student's t interval of the mean (geometric mean on the geometric scale) of values, shape (n,)."""
    x = np.sort(np.asarray(values, dtype=np.float64).ravel())
    obstacle = obstacle_to(x, scale, fewest=2)
    if obstacle:
        return Interval.undefined(obstacle, x.size, level)
    centre, error = _centre(x, scale)
    half = t_quantile(x.size - 1, level) * error
    return Interval(*from_scale(centre - half, centre + half, scale), level, f"t, {scale} scale", x.size)


def studentised_bootstrap(
    values: ArrayLike, level: float = 0.95, scale: Scale = "linear", resamples: int = 2000, seed: int = 0
) -> Interval:
    """Bootstrap-t interval of the mean (geometric mean on the geometric scale) of values, shape (n,).

    Falls back on t, and says so, where a resample has no spread: its studentised figure would be infinite.
    """
    x = np.sort(np.asarray(values, dtype=np.float64).ravel())
    obstacle = obstacle_to(x, scale, fewest=2)
    if obstacle:
        return Interval.undefined(obstacle, x.size, level)
    centre, error = _centre(x, scale)
    pivots = []
    for draws in draws_of(x.size, resamples, seed):
        centres, errors = _centre(x[draws], scale)
        if (errors <= 1e-9 * error).any():
            plain = t_interval(x, level, scale)
            return Interval(plain.low, plain.high, level, plain.method, x.size, "t: some resamples have no spread")
        pivots.append((centres - centre) / errors)
    upper, lower = np.quantile(np.concatenate(pivots), [(1 + level) / 2, (1 - level) / 2])
    ends = from_scale(centre - upper * error, centre - lower * error, scale)
    return Interval(*ends, level, f"studentised bootstrap, {scale} scale", x.size)


def subject_interval(values: ArrayLike, scale: Scale = "linear", level: float = 0.95) -> Interval:
    """The interval over subjects (units) of the mean of their figures: the one place where the method is chosen.

    Below 6 units there is none, below 30 it is t, from 30 on the studentised bootstrap.

    Args:
        values: One figure a unit, shape (n,); a unit without a figure (`nan`) leaves all undefined.
        scale: "linear"; "log" for positive errors, where the interval is still for their arithmetic mean; "geometric"
            for ratios of errors, where it is for their geometric mean.
        level: Nominal coverage.
    """
    x = np.asarray(values, dtype=np.float64).ravel()
    obstacle = too_few(x.size) or obstacle_to(x, scale, fewest=2)
    if obstacle:
        return Interval.undefined(obstacle, x.size, level)
    made = (t_interval if x.size < FEWEST_FOR_BOOTSTRAP else studentised_bootstrap)(x, level, scale)
    note = f"{made.note}; {MEANING}" if made.note else MEANING
    return Interval(made.low, made.high, level, made.method, made.n, note)


def wilson_interval(successes: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share of n independent trials; it stays within 0 and 1.

    centre (k + z^2 / 2) / (n + z^2), half width z sqrt(k (n - k) / n + z^2 / 4) / (n + z^2), k successes.
    """
    from scipy.special import ndtri

    if n < 1 or not 0 <= successes <= n:
        return Interval.undefined(f"{successes} of {n}: no share", n, level)
    z = float(ndtri((1 + level) / 2))
    centre = (successes + z * z / 2) / (n + z * z)
    half = z * math.sqrt(successes * (n - successes) / n + z * z / 4) / (n + z * z)
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Interval(low, high, level, "Wilson", n, "trials are taken as independent")


# Intervals of ours - claimed


def seed_interval(values_over_seeds: ArrayLike, m: int = 1, level: float = 0.95) -> Interval:
    """Where a figure of `m` other runs would lie, given ours: mean -+ q s sqrt(1/S + 1/m), S seeds.

    Less the claimed figure it is the interval of ours - claimed on the same data: means of runs with one spread.

    Args:
        values_over_seeds: Our figure for each seed, shape (S,).
        m: Runs behind the printed value; 1 where unknown.
        level: Nominal coverage.
    """
    x = np.sort(np.asarray(values_over_seeds, dtype=np.float64).ravel())
    if x.size == 1:
        return Interval.undefined("one seed: the noise between runs is unknown", 1, level)
    obstacle = obstacle_to(x, "linear", fewest=2)
    if obstacle:
        return Interval.undefined(obstacle, x.size, level)
    spread = float(x.std(ddof=1)) * math.sqrt(1 / x.size + 1 / max(1, m))
    half = t_quantile(x.size - 1, level) * spread
    mean = float(x.mean())
    return Interval(mean - half, mean + half, level, f"t over {x.size} seeds against {max(1, m)} runs", x.size)


def difference_interval(se_ours: float, se_claimed: float, difference: float = 0.0, level: float = 0.95) -> Interval:
    """Interval of ours - claimed over different subjects: difference -+ z sqrt(se_ours^2 + se_claimed^2).

    Args:
        se_ours: Standard error of our figure over subjects.
        se_claimed: Standard error of the claimed figure, from a printed interval, n or counts; `nan` if there is none.
        difference: ours - claimed; 0 gives the interval about the difference.
        level: Nominal coverage.
    """
    from scipy.special import ndtri

    for whose, error in (("our figure", se_ours), ("the claimed figure", se_claimed)):
        if not (math.isfinite(error) and error >= 0):
            return Interval.undefined(f"no standard error of {whose} can be had", 2, level)
    if not math.isfinite(difference):
        return Interval.undefined("the difference is undefined", 2, level)
    half = float(ndtri((1 + level) / 2)) * math.hypot(se_ours, se_claimed)
    return Interval(difference - half, difference + half, level, "normal, two independent samples", 2)


# What the above share


def _centre(x: Array, scale: Scale) -> tuple[Any, Any]:
    """The centre g and its se of samples along the last axis: see the table of scales above."""
    if scale == "geometric":
        x = np.log(x)
    mean = x.mean(axis=-1)
    error = x.std(axis=-1, ddof=1) / math.sqrt(x.shape[-1])
    return (np.log(mean), error / mean) if scale == "log" else (mean, error)


def from_scale(low: float, high: float, scale: Scale) -> tuple[float, float]:
    """From the scale on which the interval is made to the figure's own; beyond the largest number is infinity."""
    if scale == "linear":
        return float(low), float(high)
    with np.errstate(over="ignore"):
        return float(np.exp(low)), float(np.exp(high))


def t_quantile(degrees: int, level: float) -> float:
    """The quantile of Student's t at (1 + level) / 2."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + level) / 2))


def too_few(n: int) -> str:
    """Why n units are too few for any interval, or nothing."""
    if n >= FEWEST_FOR_INTERVAL:
        return ""
    return f"{n} units: below {FEWEST_FOR_INTERVAL} nothing is inferred about others; read the units' own values"


def obstacle_to(x: Array, scale: Scale, *, fewest: int) -> str:
    """Why no interval can be made, or nothing."""
    if x.size < fewest:
        return f"{x.size} values: at least {fewest} are needed"
    if not np.isfinite(x).all():
        return f"{int((~np.isfinite(x)).sum())} of {x.size} values are not finite"
    if scale != "linear" and (x <= 0).any():
        return f"the {scale} scale needs positive values"
    return ""
