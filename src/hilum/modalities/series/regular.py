"""A trace as a series: equally spaced as it stands, or put on a grid, with an account of what became of every row.

Equally     no time lies further than a tenth of the interval from its place on the line through the first and the last: times rounded to
spaced      the millisecond, a little jitter. The values are then taken as they are; the interval is that of the line
Else        the grid of `resample`: a sample held until the next one comes, NaN where the newest is too old
Interval    1 / rate_hz where a rate is stated, else the median of the first half minute (`usual_interval`)
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError
from hilum.modalities.series.read_table import Trace
from hilum.modalities.series.resample import Sampling, resample, usual_interval
from hilum.modalities.series.sample import Series

Array = NDArray[np.float64]
NEAR = 0.1  # share of the interval by which a time may lie beside its place
SAME_RATE = 1e-3  # a stated rate this close to the one measured is the same rate, written shorter


@dataclass(frozen=True)
class Account:
    """What became of a file's rows.

    Attributes:
        rows: Rows that hold a value.
        empty_rows: Rows without any; they are no samples.
        samples: Samples of the series.
        seconds: Its length, s.
        rate_hz: Its rate.
        held: Samples that repeat the one before because nothing newer had come.
        skipped: Rows that no sample shows, because a newer one came first.
        repeated: Rows that repeated the one above them, time and values; left out.
        missing: Samples in which a channel has no value.
        longest_gap_s: The longest time between two rows, s; nan where no column says when.
        resampled: Whether rows were put on a grid at all.
        notes: Of the reading.
    """

    rows: int
    empty_rows: int
    samples: int
    seconds: float
    rate_hz: float
    held: int
    skipped: int
    repeated: int
    missing: int
    longest_gap_s: float
    resampled: bool
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        gap = None if np.isnan(self.longest_gap_s) else self.longest_gap_s
        return {**asdict(self), "longest_gap_s": gap, "notes": list(self.notes)}

    def in_words(self) -> str:
        """One sentence for a report."""
        parts = [
            f"{self.rows:,} rows read as {self.samples:,} samples over {self.seconds:.4g} s at {self.rate_hz:.4g} Hz"
            + (" by holding the newest row" if self.resampled else ", as they stand"),
            f"{self.held:,} samples repeat the one before" if self.held else "",
            f"{self.missing:,} samples lack a value" if self.missing else "no sample lacks a value",
            f"{self.skipped:,} rows lie between two samples and are not used" if self.skipped else "",
            f"{self.repeated:,} repeated rows are left out" if self.repeated else "",
            f"{self.empty_rows:,} rows hold nothing" if self.empty_rows else "",
            f"the longest gap is {self.longest_gap_s:.3g} s" if self.resampled else "",
            *self.notes,
        ]
        return "; ".join(part for part in parts if part)


def regular(
    trace: Trace,
    *,
    item: str,
    subject: str | None,
    unit: str,
    points: int = 0,
    rate_hz: float | None = None,
    longest_hold_s: float | None = None,
) -> tuple[Series, Account]:
    """The series of a trace, and what became of its rows.

    Args:
        trace: The rows.
        item: Id of the recording.
        subject: Whose it is, where the file does not say.
        unit: Unit of every channel.
        points: Points in space, where channels are x1..xP, y1..yP, z1..zP.
        rate_hz: The rate of the series; needed where no column says when.
        longest_hold_s: How old a value may be before it is missing, s; by default two and a half intervals.

    Raises:
        UsageError: there are neither times nor a rate, or one is not above 0.
        DataError: the grid would be absurd; points do not fit the channels.
    """
    where = str(trace.path)
    if rate_hz is not None and not (np.isfinite(rate_hz) and rate_hz > 0):
        raise UsageError(f"rate_hz is {rate_hz}", where=where, do="Give samples a second, above 0")
    interval = None if rate_hz is None else 1.0 / rate_hz
    if trace.times is None:
        if interval is None:
            raise UsageError(
                "neither a column of times nor a rate is named", where=where, do='State time = "..." or rate_hz = ...'
            )
        values, found = trace.values, None
    else:
        values, interval, found = _on_time(trace, trace.times, interval, longest_hold_s)
    series = Series(
        item=item,
        subject=trace.subject if trace.subject is not None else subject,
        values=values,
        seconds_per_sample=interval,
        unit=unit,
        channels=trace.channels,
        points=points,
        start_s=trace.start_s,
    )
    return series, _account(trace, series, found)


def equally_spaced(times: Array) -> float | None:
    """The sampling interval, s, of times (samples,) that lie near their places; None where one does not."""
    interval = float(f"{float(times[-1] - times[0]) / (len(times) - 1):.12g}")  # 0.1, and not what rounding makes of it
    off = np.abs(times - times[0] - interval * np.arange(len(times)))
    return interval if interval > 0 and off.max() <= NEAR * interval else None


def _on_time(
    trace: Trace, times: Array, interval: float | None, hold: float | None
) -> tuple[Array, float, Sampling | None]:
    even = equally_spaced(times)
    if even is not None and (interval is None or abs(even - interval) <= SAME_RATE * interval):
        return trace.values, interval or even, None
    interval = interval or usual_interval(times)
    if not np.isfinite(interval):
        raise DataError(
            "the first half minute holds one sample", where=str(trace.path), do="State rate_hz, or mend the times"
        )
    made = resample(times, trace.values, interval, longest_hold_s=hold, where=str(trace.path), first_row=2)
    return made.values, interval, made.sampling


def _account(trace: Trace, series: Series, sampling: Sampling | None) -> Account:
    gap = float("nan") if trace.times is None else float(np.diff(trace.times).max())
    return Account(
        rows=trace.samples,
        empty_rows=trace.empty_rows,
        samples=series.samples,
        seconds=series.seconds,
        rate_hz=1.0 / series.seconds_per_sample,
        held=0 if sampling is None else sampling.held,
        skipped=0 if sampling is None else sampling.skipped,
        repeated=0 if sampling is None else sampling.repeated,
        missing=int(np.isnan(series.values).any(axis=1).sum()),
        longest_gap_s=gap,
        resampled=sampling is not None,
        notes=trace.notes,
    )
