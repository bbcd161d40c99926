"""Standardise: per-channel mean and population standard deviation, fitted on the train part alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Standardise:
    """z = (s - mean) / scale; both of shape (channels,), in the series' unit."""

    mean: Array
    scale: Array

    @classmethod
    def fit(cls, samples: Array) -> Standardise:
        """From (samples, channels); NaN is left out, and a channel that never moves has scale 1."""
        there = np.isfinite(samples)
        count = np.maximum(there.sum(axis=0), 1)
        mean = np.where(there, samples, 0.0).sum(axis=0) / count
        scale = np.sqrt((np.where(there, samples - mean, 0.0) ** 2).sum(axis=0) / count)
        return cls(mean, np.where(scale > 0, scale, 1.0))

    def apply(self, samples: Array) -> Array:
        """Into standard units."""
        return (samples - self.mean) / self.scale

    def invert(self, standard: Array) -> Array:
        """Back into the series' unit."""
        return standard * self.scale + self.mean

    def fingerprint(self) -> str:
        """SHA-256 of what was fitted."""
        return hashlib.sha256(self.mean.tobytes() + self.scale.tobytes()).hexdigest()
