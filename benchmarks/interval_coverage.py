"""How often does a 95 % interval over subjects hold the truth? Coverage of `subject_interval`, by simulation.

Subjects are drawn from a known distribution, so the mean that the interval is for is known; a method that keeps its
word covers it in 95 % of the trials. Normal figures are what t assumes; lognormal ones, s the standard deviation of the
logarithm, are what errors over people look like (s = 0.5: skewness 1.8; s = 1: skewness 6.2, worse than most).

Run       python benchmarks/interval_coverage.py
Seconds   under 60 on two cores; seeded, so the figures are the same every time
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.metrics.stats import Scale, subject_interval

SUBJECTS = (9, 20, 50, 300)
TRIALS = {9: 4000, 20: 4000, 50: 1500, 300: 600}
Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


@dataclass(frozen=True)
class Case:
    """A population of subjects: how to draw from it, the scale of the interval, and the mean that it is for."""

    title: str
    draw: Draw
    scale: Scale
    truth: float


def _lognormal(spread: float) -> Draw:
    return lambda random, n: random.lognormal(0.0, spread, n)


CASES = (
    Case("normal", lambda random, n: random.normal(1.0, 0.3, n), "linear", 1.0),
    Case("lognormal s = 0.5", _lognormal(0.5), "linear", math.exp(0.125)),
    Case("lognormal s = 0.5", _lognormal(0.5), "log", math.exp(0.125)),
    Case("lognormal s = 1", _lognormal(1.0), "linear", math.exp(0.5)),
    Case("lognormal s = 1", _lognormal(1.0), "log", math.exp(0.5)),
    Case("lognormal s = 1", _lognormal(1.0), "geometric", 1.0),
)


def coverage(case: Case, subjects: int, trials: int, seed: int = 0) -> tuple[float, float, str]:
    """Share of intervals that hold the truth, the standard error of that share, and the method that was chosen."""
    random = np.random.default_rng([seed, subjects])
    made = [subject_interval(case.draw(random, subjects), scale=case.scale) for _ in range(trials)]
    share = float(np.mean([interval.covers(case.truth) for interval in made]))
    return share, math.sqrt(share * (1 - share) / trials), made[0].method.partition(",")[0]


def main() -> None:
    """Print the table."""
    start = time.perf_counter()
    print("Coverage of the 95 % interval over subjects, % (Monte Carlo standard error)\n")
    print(f"{'units':<20}{'scale':<12}" + "".join(f"{f'n = {n}':>14}" for n in SUBJECTS))
    methods: dict[int, str] = {}
    for case in CASES:
        cells = []
        for n in SUBJECTS:
            share, error, methods[n] = coverage(case, n, TRIALS[n])
            cells.append(f"{100 * share:8.1f} ({100 * error:.1f})")
        print(f"{case.title:<20}{case.scale:<12}" + "".join(f"{cell:>14}" for cell in cells))
    print("\n" + "; ".join(f"n = {n}: {method}, {TRIALS[n]} trials" for n, method in methods.items()))
    print("Below 6 units there is no interval, so nothing to cover.")
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
