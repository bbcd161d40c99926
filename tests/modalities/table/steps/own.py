"""Functions of a reader, as steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Answer = tuple[Array, tuple[str, ...]]


def squared(values: Array, names: tuple[str, ...]) -> Answer:
    """The columns, and their squares."""
    return np.column_stack([values, values**2]), (*names, *(f"{name} squared" for name in names))


def steps_so_far(values: Array, names: tuple[str, ...]) -> Answer:
    """How many records have been, of one sequence in time."""
    return np.arange(1.0, len(values) + 1)[:, None], ("so far",)


def largest_of_all(values: Array, names: tuple[str, ...]) -> Answer:
    """Looks ahead."""
    return np.broadcast_to(np.nanmax(np.nan_to_num(values), axis=0), values.shape), names


def shortened(values: Array, names: tuple[str, ...]) -> Answer:
    """Forgets a row."""
    return values[1:], names


def bare(values: Array, names: tuple[str, ...]) -> Array:
    """Forgets the names."""
    return values


def by_length(values: Array, names: tuple[str, ...]) -> Answer:
    """Other names for other sequences."""
    return values[:, :1], (f"of {len(values)}",)
