"""Onto a uniform grid, causally: what a clock that ticks every d seconds would have read, and never a sample later than its tick.

Grid        g_i = start + i d,  i = 0, 1, ...,  up to the last time
Value       v(g) is the newest sample with time <= g, as it is: held, never interpolated (the next sample is in the future) and never
            extrapolated. NaN where that sample is older than longest_hold_s, and in a channel that it does not have
Uniform     samples that lie on the grid come back bit by bit, missing ones too: a time counts as on a grid point up to a
            millionth of the interval after it, so that 0.1 + 0.2 is 0.3
Price       a held value is up to one sampling interval old, and so is what a forecast made from it starts from: `Sampling` counts
            how often. Interpolating would lower the error of every forecast by looking at the sample after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import DataError, UsageError

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

ON_TIME = 1e-6  # of the grid's interval: what counts as the same time
LARGEST_GRID = 20_000_000  # points; a year of 0.6 Hz, a day of 230 Hz
FINEST = 50  # grid points between two samples, at most


@dataclass(frozen=True)
class Sampling:
    """How the samples lay in time, and what became of them.

    Attributes:
        samples: Samples given.
        repeated: Left out because time and values were those of the sample before.
        moved: Rows that stood below a later time, where sorting was asked for.
        interval_s: Median time from one sample to the next, s.
        shortest_s: Shortest, s.
        longest_s: Longest, s.
        jitter_s: Median distance of these times from their median, s.
        gaps: How many of them are longer than the longest hold.
        points: Grid points.
        fresh: Grid points that a new sample reached.
        held: Grid points that repeat the sample of the point before.
        missing: Grid points without a value, for the newest sample is too old.
        skipped: Samples that no grid point shows, because a newer one came before it.
    """

    samples: int
    repeated: int
    moved: int
    interval_s: float
    shortest_s: float
    longest_s: float
    jitter_s: float
    gaps: int
    points: int
    fresh: int
    held: int
    missing: int
    skipped: int

    def in_words(self) -> str:
        """One sentence for a report."""
        parts = [
            f"{self.samples} samples, {self.interval_s:.4g} s apart (median; {self.shortest_s:.4g} to {self.longest_s:.4g} s, "
            f"jitter {self.jitter_s:.2g} s), on {self.points} grid points: {self.fresh} fresh, {self.held} held, "
            f"{self.missing} missing",
            f"{self.skipped} samples between grid points were skipped" if self.skipped else "",
            f"gaps longer than the longest hold: {self.gaps}" if self.gaps else "",
            f"{self.repeated} repeated rows were left out" if self.repeated else "",
            f"{self.moved} rows were put into the order of time" if self.moved else "",
        ]
        return "; ".join(part for part in parts if part)


@dataclass(frozen=True)
class Resampled:
    """A uniform series.

    Attributes:
        values: (points, channels), in the unit of the input; NaN where there is none.
        start_s: Time of the first grid point, s.
        seconds_per_sample: Interval of the grid, s.
        sampling: Where the samples lay, and what became of them.
    """

    values: Array
    start_s: float
    seconds_per_sample: float
    sampling: Sampling


def resample(
    times: ArrayLike,
    values: ArrayLike,
    seconds_per_sample: float,
    *,
    longest_hold_s: float | None = None,
    disorder: Literal["refuse", "sort"] = "refuse",
    where: str = "",
    first_row: int = 1,
) -> Resampled:
    """Put irregular samples on a uniform grid; see the head of this file.

    Args:
        times: (n,), s.
        values: (n, channels), any unit; NaN where a channel is missing.
        seconds_per_sample: Interval of the grid, s.
        longest_hold_s: How old a value may be, s; by default two and a half intervals, so that a rate that halves is absorbed.
        disorder: What to do with a time before the one above it: refuse it, or sort the rows and count how many moved.
        where: What the samples came from, for error texts.
        first_row: The number of the first row there.

    Returns:
        The series, from the first time to the last.

    Raises:
        DataError: the shapes differ, nothing was given, a time is not finite or (unless sorted) out of order, a value is
            infinite, one time has two different samples, or the grid would be absurd; the row is named.
        UsageError: the interval or the longest hold is not above 0, or `disorder` is unknown.
    """
    hold = 2.5 * seconds_per_sample if longest_hold_s is None else longest_hold_s
    _refuse_settings(seconds_per_sample, hold, disorder, where)
    given, rows = _checked(times, values, where, first_row)
    order = _ordered(given, disorder, where, first_row)
    moved = int(np.count_nonzero(given < np.maximum.accumulate(given)))
    kept = _once(given[order], rows[order], order, where, first_row)
    clock, rows = given[order][kept], rows[order][kept]
    points = _points(clock, seconds_per_sample, where)

    grid = clock[0] + seconds_per_sample * np.arange(points)
    late = _late(grid, seconds_per_sample)
    newest = np.searchsorted(clock, grid + late, side="right") - 1
    there = grid - clock[newest] <= hold + late
    result = np.where(there[:, None], rows[newest], np.nan)

    new = np.diff(newest, prepend=-1) > 0
    steps = np.diff(clock) if len(clock) > 1 else np.full(1, np.nan)
    sampling = Sampling(
        samples=len(given),
        repeated=len(given) - len(clock),
        moved=moved,
        interval_s=float(np.median(steps)),
        shortest_s=float(steps.min()),
        longest_s=float(steps.max()),
        jitter_s=float(np.median(np.abs(steps - np.median(steps)))),
        gaps=int(np.count_nonzero(steps > hold)),
        points=points,
        fresh=int(np.count_nonzero(new & there)),
        held=int(np.count_nonzero(~new & there)),
        missing=int(np.count_nonzero(~there)),
        skipped=len(clock) - int(np.count_nonzero(new)),
    )
    return Resampled(result, float(clock[0]), float(seconds_per_sample), sampling)


def usual_interval(times: ArrayLike, *, within_s: float = 30.0) -> float:
    """The median time between samples of the first `within_s` seconds, s; nan where there are fewer than two different times.

    Only the beginning is looked at, so that the grid of a forecast does not depend on what comes later.
    """
    clock = np.asarray(times, dtype=np.float64)
    steps = np.diff(clock[clock <= clock[0] + within_s]) if len(clock) else np.zeros(0)
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else float("nan")


def _late(grid: Array, interval: float) -> Array:
    """By how much a time may exceed a grid point and still count as on it: rounding, of the grid and of large times."""
    late: Array = ON_TIME * interval + 4 * np.spacing(np.abs(grid))
    return late


def _refuse_settings(interval: float, hold: float, disorder: str, where: str) -> None:
    if not (np.isfinite(interval) and interval > 0 and hold > 0):
        raise UsageError(
            f"a grid of {interval:g} s with values held for {hold:g} s makes no sense",
            where=where or "resample",
            do="Give seconds above 0",
        )
    if disorder not in ("refuse", "sort"):
        raise UsageError(f"disorder '{disorder}' is unknown", where=where or "resample", do="Choose refuse or sort")


def _checked(times: ArrayLike, values: ArrayLike, where: str, first_row: int) -> tuple[Array, Array]:
    clock, rows = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if clock.ndim != 1 or rows.ndim != 2 or len(clock) != len(rows) or not len(clock):
        raise DataError(
            f"times have shape {clock.shape} and values {rows.shape}",
            where=where or "resample",
            do="Give times (n,) and values (n, channels), one row or more",
        )
    bad = np.flatnonzero(~np.isfinite(clock))
    if len(bad):
        raise DataError(
            f"the time is {clock[bad[0]]}" + (f", and {len(bad) - 1} more are not finite" if len(bad) > 1 else ""),
            where=_row(where, first_row + bad[0]),
            do="Give each sample its time in seconds, or leave the row out",
        )
    endless = np.argwhere(np.isinf(rows))
    if len(endless):
        row, column = endless[0]
        raise DataError(
            f"channel {column + 1} is infinite",
            where=_row(where, first_row + row),
            do="Write what was not measured as missing",
        )
    return clock, rows


def _ordered(clock: Array, disorder: str, where: str, first_row: int) -> Indices:
    back = np.flatnonzero(np.diff(clock) < 0)
    if len(back) and disorder == "refuse":
        row = int(back[0]) + 1
        raise DataError(
            f"the time {clock[row]:.10g} s comes after {clock[row - 1]:.10g} s"
            + (f", and {len(back) - 1} more rows go back in time" if len(back) > 1 else ""),
            where=_row(where, first_row + row),
            do="Mend the times, or ask for the rows to be sorted if their order means nothing",
        )
    return np.argsort(clock, kind="stable")


def _once(clock: Array, rows: Array, order: Indices, where: str, first_row: int) -> NDArray[np.bool_]:
    """Which rows to keep: the first of rows that are equal in time and values."""
    same_time = np.diff(clock) == 0
    same = same_time & ((rows[1:] == rows[:-1]) | (np.isnan(rows[1:]) & np.isnan(rows[:-1]))).all(axis=1)
    clash = np.flatnonzero(same_time & ~same)
    if len(clash):
        one, other = (first_row + int(order[clash[0] + step]) for step in (0, 1))
        raise DataError(
            f"rows {one} and {other} have the same time, {clock[clash[0]]:.10g} s, and different values"
            + (f"; so have {len(clash) - 1} more pairs" if len(clash) > 1 else ""),
            where=_row(where, other),
            do="Keep one of them, or mend the times",
        )
    return np.concatenate([[True], ~same])


def _points(clock: Array, interval: float, where: str) -> int:
    length = clock[-1] - clock[0]
    points = np.floor((length + _late(clock, interval)[-1]) / interval) + 1
    usual = usual_interval(clock, within_s=np.inf)
    if usual > FINEST * interval or points > LARGEST_GRID:
        raise DataError(
            f"{len(clock)} samples over {length:.4g} s, {usual:.4g} s apart, would need {points:.3g} grid points of {interval:g} s",
            where=where or "resample",
            do="Are the times in seconds? If they are, give a longer interval",
        )
    return int(points)


def _row(where: str, row: int) -> str:
    return f"{where}, row {row}" if where else f"row {row}"
