"""The newest samples of a stream, stored so that a window is a view and not a copy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class RecentSamples:
    """Keeps at least the last `length` samples of `channels` coordinates; appending is O(channels) on average.

    A channel that is NaN (a marker out of sight) keeps its last value; before the first value it is 0.
    """

    def __init__(self, channels: int, length: int) -> None:
        self._length = max(1, length)
        self._store = np.zeros((4 * self._length, channels))
        self._filled = 0
        self.count = 0

    def append(self, sample: Array) -> None:
        """Take the newest sample, shape (channels,)."""
        if self._filled == len(self._store):
            self._store[: self._length] = self._store[self._filled - self._length : self._filled]
            self._filled = self._length
        row = self._store[self._filled]
        row[:] = sample
        if math.isnan(row.dot(row)):  # a sum of squares is NaN where an entry is: one call instead of four
            before = self._store[self._filled - 1] if self._filled else np.zeros(self._store.shape[1])
            np.copyto(row, before, where=np.isnan(row))
        self._filled += 1
        self.count += 1

    @property
    def newest(self) -> Array:
        """The newest sample, shape (channels,), as a view."""
        newest: Array = self._store[self._filled - 1]
        return newest

    def has_window(self, origin: int, history: int) -> bool:
        """Whether the `history` samples up to and with number `origin` are (still) there."""
        oldest = self.count - self._filled
        return oldest <= origin - history + 1 and 0 <= origin < self.count and origin - history + 1 >= 0

    def window(self, origin: int, history: int) -> Array:
        """Samples origin - history + 1 ... origin, oldest first, flattened to (history * channels,): a view."""
        end = origin - (self.count - self._filled) + 1
        window: Array = self._store[end - history : end].reshape(-1)
        return window

    def state(self) -> dict[str, Array]:
        """Everything needed to go on."""
        return {"samples": self._store[: self._filled].copy(), "count": np.array([float(self.count)])}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`."""
        samples = state["samples"]
        if len(samples) > len(self._store):
            self._store = np.zeros((len(samples), samples.shape[1]))
        self._filled = len(samples)
        self._store[: self._filled] = samples
        self.count = int(state["count"][0])
