"""History: what a feature has been up to now: figures over the record and the earlier ones of its sequence.

    min, max, mean, median, last   of the values observed so far; missing before the first
    count                          how many were observed so far
    variance                       with divisor n - 1; missing before the second

Only what is observed at the step's place counts. After a `Fill` or `ForwardFill` every record counts, so `count` counts records:
YAIB's published features were made in that order. Before them, `count` counts observations. A single record is its own history.
Categories that are not encoded yet have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError, unknown
from hilum.core.kernel import kernel
from hilum.modalities.table.inputs import Role
from hilum.modalities.table.steps._carrier import Array, Carrier
from hilum.modalities.table.steps._step import Stateless, check_choice, check_roles

Integers = NDArray[np.int64]
Figure = Literal["min", "max", "mean", "count", "last", "median", "variance"]
Keep = Literal["both", "history"]


@dataclass(frozen=True)
class History(Stateless):
    """Settings. The new columns are called "<feature> <figure>" and their role is "derived".

    Attributes:
        of: The figures.
        on: Roles of the columns that get them.
        but: Columns that do not.
        keep: Whether the columns themselves stay ("both") or give way to their history.
    """

    along: ClassVar[bool] = True

    of: tuple[Figure, ...] = ("min", "max", "mean", "count")
    on: tuple[Role, ...] = ("measured",)
    but: tuple[str, ...] = ()
    keep: Keep = "both"

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        check_choice(self, "keep", Keep)
        check_roles(self)
        if isinstance(self.of, str) or not self.of or len(set(self.of)) < len(self.of):
            raise UsageError(f"of is {self.of!r}", where="History", do='Write each figure once: of=("min", "max")')
        for figure in self.of:
            if figure not in get_args(Figure):
                raise unknown("figure", figure, get_args(Figure), where="History")

    @property
    def leads(self) -> bool:
        """Whether it can be done once for all records: not where it takes columns away."""
        return self.keep == "both"

    def makes(self, name: str) -> tuple[str, ...]:
        """Names of a feature's new columns."""
        return tuple(f"{name} {figure}" for figure in self.of)

    def apply(self, carrier: Carrier) -> Carrier:
        """With the history after the other columns: all features by the first figure, then by the second."""
        places = carrier.chosen(self.on, self.but, where="History")
        names = [f"{name} {figure}" for figure in self.of for name in carrier.called(places)]
        values = np.ascontiguousarray(carrier.values[:, places])
        new = np.column_stack([running(figure, values, carrier.starts) for figure in self.of])
        with_history = carrier.joined(new, names, "derived")
        return with_history if self.keep == "both" else with_history.without(places)


def running(figure: Figure | Literal["sum"], values: Array, starts: Integers) -> Array:
    """A figure over the rows so far of each sequence.

    Args:
        figure: Which.
        values: (rows, columns), NaN where not observed.
        starts: (sequences + 1,) the first row of every sequence, and the end of the last.

    Returns:
        (rows, columns), NaN where undefined.
    """
    out = np.full_like(values, np.nan)
    kernels: dict[str, kernel[[Array, Integers, Array, bool], None]] = {
        "min": _extreme,
        "max": _extreme,
        "mean": _moments,
        "count": _count,
        "last": _last,
        "sum": _sum,
        "median": _median,
        "variance": _moments,
    }
    kernels[figure](values, starts, out, figure in ("max", "variance"))
    return out


@kernel
def _extreme(values: Array, starts: Integers, out: Array, largest: bool) -> None:
    """The smallest, or the largest, so far."""
    for sequence in range(len(starts) - 1):
        start, end = starts[sequence], starts[sequence + 1]
        for row in range(start, end):
            for column in range(values.shape[1]):
                now = values[row, column]
                before = out[row - 1, column] if row > start else np.nan
                if np.isnan(now) or (before >= now if largest else before <= now):
                    out[row, column] = before
                else:
                    out[row, column] = now


@kernel
def _last(values: Array, starts: Integers, out: Array, _unused: bool) -> None:
    """The latest value."""
    for sequence in range(len(starts) - 1):
        start, end = starts[sequence], starts[sequence + 1]
        for row in range(start, end):
            for column in range(values.shape[1]):
                missing = np.isnan(values[row, column])
                if not missing:
                    out[row, column] = values[row, column]
                elif row > start:
                    out[row, column] = out[row - 1, column]


@kernel
def _count(values: Array, starts: Integers, out: Array, _unused: bool) -> None:
    """How many values."""
    for sequence in range(len(starts) - 1):
        start, end = starts[sequence], starts[sequence + 1]
        for row in range(start, end):
            for column in range(values.shape[1]):
                before = out[row - 1, column] if row > start else 0.0
                out[row, column] = before if np.isnan(values[row, column]) else before + 1.0


@kernel
def _sum(values: Array, starts: Integers, out: Array, _unused: bool) -> None:
    """The sum."""
    for sequence in range(len(starts) - 1):
        start, end = starts[sequence], starts[sequence + 1]
        for row in range(start, end):
            for column in range(values.shape[1]):
                now = values[row, column]
                before = out[row - 1, column] if row > start else np.nan
                if np.isnan(now) or np.isnan(before):
                    out[row, column] = before if np.isnan(now) else now
                else:
                    out[row, column] = before + now


@kernel
def _moments(values: Array, starts: Integers, out: Array, second: bool) -> None:
    """Mean or variance, updated value by value (Welford, Technometrics 1962)."""
    columns = values.shape[1]
    for sequence in range(len(starts) - 1):
        start, end = starts[sequence], starts[sequence + 1]
        count, mean, squares = np.zeros(columns), np.zeros(columns), np.zeros(columns)
        for row in range(start, end):
            for column in range(columns):
                now = values[row, column]
                if not np.isnan(now):
                    count[column] += 1.0
                    away = now - mean[column]
                    mean[column] += away / count[column]
                    squares[column] += away * (now - mean[column])
                if second and count[column] > 1.0:
                    out[row, column] = squares[column] / (count[column] - 1.0)
                if not second and count[column] > 0.0:
                    out[row, column] = mean[column]


@kernel
def _median(values: Array, starts: Integers, out: Array, _unused: bool) -> None:
    """The median: values so far are kept sorted, a new one is put in its place."""
    for sequence in range(len(starts) - 1):
        start, end = starts[sequence], starts[sequence + 1]
        for column in range(values.shape[1]):
            seen = np.empty(end - start)
            count = 0
            for row in range(start, end):
                now = values[row, column]
                if not np.isnan(now):
                    at = count
                    while at > 0 and seen[at - 1] > now:
                        seen[at] = seen[at - 1]
                        at -= 1
                    seen[at] = now
                    count += 1
                if count > 0:
                    out[row, column] = 0.5 * (seen[(count - 1) // 2] + seen[count // 2])
