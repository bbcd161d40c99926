"""Sequences: records that belong together in time, as a model reads them.

A model that reads sequences says so (`reads: ClassVar[str] = "sequences"`). It is handed `Sequenced` inputs instead of a bare matrix,
in training and in prediction, and answers for every row from that row and the earlier rows of the same sequence alone. Rows whose
outcome nobody asks for stand among them as context. A model that reads single records is handed only the rows that are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError


@dataclass(frozen=True)
class Order:
    """Which records belong together in time, of records in any order.

    Attributes:
        series: (records,) which sequence a record belongs to, from 0.
        step: (records,) when, within its sequence, in the table's own unit of time; no two of a sequence are equal.
    """

    series: NDArray[np.int64]
    step: NDArray[np.float64]

    @cached_property
    def sorting(self) -> NDArray[np.intp]:
        """(records,) positions that bring the records of a sequence together, in ascending order of time."""
        return np.lexsort((self.step, self.series))

    def take(self, index: NDArray[np.intp]) -> Order:
        """Some of the records, by position; sequences are counted anew."""
        _, series = np.unique(self.series[index], return_inverse=True)
        return Order(series.astype(np.int64), self.step[index])

    def sequenced(self, values: NDArray[np.float64], asked: NDArray[np.bool_]) -> Sequenced:
        """The records as a model of sequences reads them, from values (records, columns) and asked (records,)."""
        place = self.sorting
        return Sequenced(values[place], self.series[place], self.step[place], asked[place])


@dataclass(frozen=True)
class Sequenced:
    """Prepared records of several sequences.

    Attributes:
        values: (rows, columns) prepared features; nothing is missing, what was missing is flagged in columns of its own.
        series: (rows,) which sequence a row belongs to, from 0; rows of a sequence are adjacent, sequences in ascending order.
        step: (rows,) when, within its sequence, in the table's own unit of time; strictly ascending within a sequence.
        asked: (rows,) whether the row's outcome is asked for; the others are context.
    """

    values: NDArray[np.float64]
    series: NDArray[np.int64]
    step: NDArray[np.float64]
    asked: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Refuse rows that are not in order."""
        rows = len(self.values)
        if not len(self.series) == len(self.step) == len(self.asked) == rows:
            raise DataError(
                f"{rows} rows with {len(self.series)} series, {len(self.step)} steps, {len(self.asked)} asked"
            )
        change = np.diff(self.series)
        if rows and (
            self.series[0] != 0 or not np.isin(change, (0, 1)).all() or (np.diff(self.step)[change == 0] <= 0).any()
        ):
            raise DataError(
                "rows of a sequence are not adjacent and in ascending order of time",
                do="Sort by sequence, then by step",
            )

    @property
    def count(self) -> int:
        """How many sequences."""
        return int(self.series[-1]) + 1 if len(self.series) else 0

    @property
    def starts(self) -> NDArray[np.int64]:
        """(count + 1,) the first row of every sequence, and the end of the last."""
        return np.searchsorted(self.series, np.arange(self.count + 1))

    def padded(self, length: int | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Values (count, length, columns), steps (count, length) and whether a row is there (count, length); the rest is 0."""
        starts = self.starts
        lengths = np.diff(starts)
        longest = int(lengths.max(initial=0)) if length is None else length
        place = np.arange(len(self.series)) - starts[self.series]
        values = np.zeros((self.count, longest, self.values.shape[1]))
        steps, there = np.zeros((self.count, longest)), np.zeros((self.count, longest), dtype=bool)
        values[self.series, place], steps[self.series, place], there[self.series, place] = self.values, self.step, True
        return values, steps, there

    def flat(self, padded: NDArray[np.float64]) -> NDArray[np.float64]:
        """(count, length, ...) back to (rows, ...)."""
        found: NDArray[np.float64] = padded[self.series, np.arange(len(self.series)) - self.starts[self.series]]
        return found
