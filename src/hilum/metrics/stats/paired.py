"""Two methods on the same subjects: the difference, its interval and its p-value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hilum.metrics.stats.hypothesis_tests import sign_flip
from hilum.metrics.stats.intervals import Interval, subject_interval, too_few


@dataclass(frozen=True)
class PairedDifference:
    """The difference a - b over shared units.

    Attributes:
        mean: Mean difference.
        interval: Its interval over units.
        p: Sign-flip p-value; `nan` below 6 units.
        method: How p was made.
        n: Shared units.
        note: Units that only one side has, or why something is undefined.
    """

    mean: float
    interval: Interval
    p: float
    method: str
    n: int
    note: str = ""


def paired_difference(
    a: Mapping[str, float], b: Mapping[str, float], *, level: float = 0.95, resamples: int = 20_000, seed: int = 0
) -> PairedDifference:
    """The difference a - b over the units that both have: mean, interval over units, sign-flip p-value.

    Args:
        a: Figure of each unit, by unit id.
        b: The other figures; joined on the id, never on position.
        level: Nominal coverage of the interval.
        resamples: Sign flips drawn above 16 units; up to 16 all are enumerated.
        seed: Seed of that draw.
    """
    shared = sorted(a.keys() & b.keys())
    alone = len(a.keys() ^ b.keys())
    note = f"{alone} units stand on one side only and are left out" if alone else ""
    differences = np.array([a[unit] - b[unit] for unit in shared], dtype=np.float64)
    n = len(shared)
    interval = subject_interval(differences, level=level)
    if not n or not np.isfinite(differences).all():
        why = "; ".join(filter(None, (note, interval.note)))
        return PairedDifference(math.nan, interval, math.nan, "none", n, why)
    mean = float(differences.mean())
    if too_few(n):
        return PairedDifference(mean, interval, math.nan, "none", n, "; ".join(filter(None, (note, too_few(n)))))
    test = sign_flip(differences, resamples=resamples, seed=seed)
    return PairedDifference(mean, interval, test.p, test.method, n, note)
