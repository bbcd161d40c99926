"""What steps do along a sequence, written as slow loops over single values: the oracle of the fast ones."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def figure(name: str, seen: list[float]) -> float:
    """A figure of the values observed so far."""
    if name == "count":
        return float(len(seen))
    if len(seen) < (2 if name == "variance" else 1):
        return math.nan
    if name == "last":
        return seen[-1]
    of: dict[str, Callable[[list[float]], float]] = {
        "min": min,
        "max": max,
        "mean": statistics.fmean,
        "median": statistics.median,
        "variance": statistics.variance,
        "sum": math.fsum,
    }
    return float(of[name](seen))


def history(name: str, values: Array, series: NDArray[np.int64], step: Array) -> Array:
    """A figure over the record and earlier ones of its sequence, of records in any order."""
    out = np.full(values.shape, np.nan)
    for row, column in np.ndindex(values.shape):
        earlier = [other for other in range(len(values)) if series[other] == series[row] and step[other] <= step[row]]
        earlier.sort(key=lambda other: step[other])
        out[row, column] = figure(
            name, [float(values[o, column]) for o in earlier if not math.isnan(values[o, column])]
        )
    return out


def forward_fill(values: Array, series: NDArray[np.int64], step: Array, at_most: float | None) -> Array:
    """The last observed value of the sequence, where none is observed now and it is not older than `at_most`."""
    out = values.copy()
    for row, column in np.ndindex(values.shape):
        if math.isnan(values[row, column]):
            earlier = [
                (float(step[other]), float(values[other, column]))
                for other in range(len(values))
                if series[other] == series[row] and step[other] < step[row] and not math.isnan(values[other, column])
            ]
            if earlier and (at_most is None or step[row] - max(earlier)[0] <= at_most):
                out[row, column] = max(earlier)[1]
    return out
