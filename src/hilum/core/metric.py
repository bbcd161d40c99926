"""Metric: how good is it? A pure function of columns, with its definition beside it.

A metric reads columns of equal length, one entry a row, and returns one figure. What a row is depends on the task
kind: for `forecast` and `regress` a row holds the additive statistics of one unit (sums, counts, maxima), so the same
function gives the figure of one unit (one row), of a group (its rows, pooled) and of a bootstrap resample (rows drawn
again); for kinds whose metrics are not additive a row is one prediction. An undefined figure is `nan` with a reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[np.float64]]
Direction = Literal["lower", "higher", "none"]
# (columns, cluster of each row as 0 ... n - 1 with shape (rows,), how often each cluster is drawn with shape (resamples, n))
# -> the metric of each resample, shape (resamples,); nan where it is undefined.
Resampler = Callable[[Columns, NDArray[np.intp], NDArray[np.int64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Score:
    """One figure, and the reason where it is undefined."""

    value: float
    reason: str = ""

    @property
    def defined(self) -> bool:
        """Whether there is a figure at all."""
        return not math.isnan(self.value)

    @classmethod
    def undefined(cls, reason: str) -> Score:
        """`nan`, and why; never 0."""
        return cls(math.nan, reason)


@dataclass(frozen=True)
class Metric:
    """What is measured, and how to read it.

    Attributes:
        name: The metric's name, unique within a task kind; claims name it.
        title: The name as it stands in tables.
        unit: Unit of the figure; "1" for a pure number.
        direction: Which way is better; "none" where neither is.
        bounds: The smallest and largest value the figure can take.
        definition: The equation, in words or symbols.
        pooling: How rows become one figure: "sums", "moments", "ranks", "rows", "maximum", "bins"; the last two have no interval.
        source: Paper, section and equation, or the standard.
        needs: The columns it reads.
        compute: The function itself.
        resample: A fast way to the same figure for many resamples at once; None where there is none.
    """

    name: str
    title: str
    unit: str
    direction: Direction
    bounds: tuple[float, float]
    definition: str
    pooling: str
    source: str
    needs: tuple[str, ...]
    compute: Callable[[Columns], Score]
    resample: Resampler | None = None

    def __call__(self, columns: Columns) -> Score:
        """Score the rows; empty or non-finite input is undefined, with the reason."""
        for need in self.needs:
            if need not in columns:
                return Score.undefined(f"column '{need}' is missing")
            if columns[need].size == 0:
                return Score.undefined("no rows")
            if not np.isfinite(columns[need]).all():
                return Score.undefined(f"column '{need}' holds values that are not finite")
        return self.compute(columns)
