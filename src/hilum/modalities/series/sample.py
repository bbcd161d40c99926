"""Series: a sampled signal with its unit, its rate and its name. What every reader of series returns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """One recording.

    Attributes:
        item: Its id in the dataset.
        subject: Whose it is; None where that is not known.
        values: (samples, channels), in `unit`; NaN where nothing was measured.
        seconds_per_sample: Sampling interval, s.
        unit: Unit of every channel.
        channels: Names of the channels, in order.
        points: Number of points in space when channels are x1..xP, y1..yP, z1..zP; 0 when each channel stands alone.
        start_s: Time of the first sample, s.
        quality: 0 for what cannot be used, 1 for what can.
        reason: Why quality is 0, or what a user must know.
    """

    item: str
    subject: str | None
    values: Array
    seconds_per_sample: float
    unit: str
    channels: tuple[str, ...]
    points: int = 0
    start_s: float = 0.0
    quality: float = 1.0
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse shapes and rates that contradict each other."""
        where = f"recording '{self.item}'"
        if self.values.ndim != 2 or self.values.shape[1] != len(self.channels):
            raise DataError(
                f"the values have shape {self.values.shape} for {len(self.channels)} channels",
                where=where,
                do="They must be (samples, channels)",
            )
        if not (np.isfinite(self.seconds_per_sample) and self.seconds_per_sample > 0):
            raise DataError(
                f"the sampling interval is {self.seconds_per_sample} s", where=where, do="Give seconds above 0"
            )
        if self.points and len(self.channels) != 3 * self.points:
            raise DataError(
                f"{self.points} points in space need {3 * self.points} channels, and there are {len(self.channels)}",
                where=where,
                do="Give x, y and z of every point, or say points=0",
            )

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return len(self.values)

    @property
    def seconds(self) -> float:
        """Its length, s."""
        return self.samples * self.seconds_per_sample

    def prefix(self, samples: int) -> Series:
        """The first `samples` samples."""
        return replace(self, values=self.values[:samples])


def assess(series: Series, minimum_samples: int = 2) -> Series:
    """The same series, with quality 0 and the reason where it cannot be used."""
    problem = _problem(series, minimum_samples)
    return replace(series, quality=0.0, reason=problem) if problem else series


def _problem(series: Series, minimum_samples: int) -> str:
    if series.samples < minimum_samples:
        return f"{series.samples} samples where {minimum_samples} are needed"
    there = np.isfinite(series.values)
    if not there.any():
        return "every value is missing"
    empty = [name for name, column in zip(series.channels, there.T, strict=True) if not column.any()]
    if empty:
        return f"nothing was measured on {', '.join(empty)}"
    if np.nanmax(np.nanmax(series.values, axis=0) - np.nanmin(series.values, axis=0)) == 0:
        return "flat: no channel ever moves"
    return ""
