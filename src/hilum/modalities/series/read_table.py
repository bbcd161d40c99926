"""Traces: a table with one row a sample, as a camera, a belt or a spreadsheet exports it: a column of times and one a coordinate.

    CSV, Parquet, xlsx --hilum.modalities.table.frame--> columns of text --here--> Trace

Times       numbers in s, ms, us or min; times of day (10:15:00.125); or dates with one (2026-03-01T10:15:00.125). They ascend from row
            to row: a trace that was sorted unasked would hide a clock that was set back. Without such a column the samples are taken
            as equally spaced, at a rate that has to be stated
Missing     an empty value, or one of the texts that mean missing, is NaN: the channel dropped out
Never       is a row left out in silence: rows without any value are counted, everything else is kept or refused by its row
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError, unknown
from hilum.modalities.table.columns import MISSING
from hilum.modalities.table.frame import RawTable, as_text, read_raw

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0}
_CLOCK = r"^(\d{1,2}):(\d{2}):(\d{2}(?:[.,]\d+)?)$"


@dataclass(frozen=True)
class TraceColumns:
    """Which column of a trace is what; every name is that of the header.

    Attributes:
        channels: The coordinates, in the order in which they are to stand. Of points in space x of all points, then y, then z.
        time: The time of each sample; "" where samples are equally spaced and no column says when.
        time_unit: Unit of times that are numbers: s, ms, us or min.
        subject: The column that says whose recording it is; one name in the whole file. "" where there is none.
        missing: The texts that mean missing.
        encoding: How the text is encoded where it is neither UTF-8 nor UTF-16, e.g. "cp1252".
    """

    channels: tuple[str, ...] = ()
    time: str = ""
    time_unit: str = "s"
    subject: str = ""
    missing: tuple[str, ...] = MISSING
    encoding: str = ""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        where = "columns of a trace"
        if self.time_unit not in TIME_UNITS:
            raise unknown("unit of time", self.time_unit, TIME_UNITS, where=where)
        named = [*self.channels, *(name for name in (self.time, self.subject) if name)]
        twice = next((name for name in named if named.count(name) > 1), "")
        if twice:
            raise UsageError(
                f"'{twice}' is named twice", where=where, do="A column is a time, a subject or one channel"
            )


@dataclass(frozen=True)
class Trace:
    """A file's samples as they stand.

    Attributes:
        path: The file.
        times: (samples,) s from the first sample on, ascending; a repeated time repeats its values. None where no column says when.
        start_s: Time of the first sample as the file has it: s, of dates since 1970, of times of day since midnight.
        values: (samples, channels); NaN where nothing was measured.
        channels: Their names.
        subject: Whose it is; None where no column says.
        empty_rows: Rows that held no value at all, and are no samples.
        notes: What a reader of results should know of the reading.
    """

    path: Path
    times: Array | None
    start_s: float
    values: Array
    channels: tuple[str, ...]
    subject: str | None
    empty_rows: int
    notes: tuple[str, ...]

    @property
    def samples(self) -> int:
        """How many there are."""
        return len(self.values)


def read_trace(path: Path | str, columns: TraceColumns) -> Trace:
    """Read a trace.

    Args:
        path: A CSV, Parquet or spreadsheet file; `file.xlsx#Sheet` for a sheet that is not the first.
        columns: Which column is what.

    Raises:
        DataError: the file cannot be read (see `hilum.modalities.table.frame.read_frame`), holds text among numbers, a channel without
            any value, fewer than two samples, or times that are missing, stand twice or do not ascend; names column and row.
        UsageError: a column is named that is not there, or no channel is named.
    """
    if not columns.channels:
        raise UsageError("no channel is named", where=str(path), do='Name the columns: channels = ["x", "y", "z"]')
    raw = read_raw(path, missing=columns.missing, encoding=columns.encoding)
    for name in (columns.time, columns.subject, *columns.channels):
        if name and name not in raw.frame.columns:
            raise unknown("column", name, raw.frame.columns, where=str(raw.path))
    if raw.frame.height < 2:
        raise DataError("there is one sample", where=str(raw.path), do="A trace has at least two, one a row")
    values = np.column_stack([_channel(raw, name) for name in columns.channels])
    times = None if not columns.time else _times(raw, columns, values)
    return Trace(
        path=raw.path,
        times=None if times is None else times - times[0],
        start_s=0.0 if times is None else float(times[0]),
        values=np.ascontiguousarray(values),
        channels=columns.channels,
        subject=_subject(raw, columns.subject) if columns.subject else None,
        empty_rows=raw.empty_rows,
        notes=raw.notes,
    )


def _channel(raw: RawTable, name: str) -> Array:
    """(samples,), NaN where missing."""
    from hilum.modalities.table.values import numbers

    if raw.frame[name].null_count() == raw.frame.height:
        raise DataError(
            "nothing was measured on this channel", where=raw.at(name), do="Take it out of `channels`, or fill it in"
        )
    return np.asarray(numbers(raw, raw.frame[name]).to_numpy(), dtype=np.float64)


def _times(raw: RawTable, columns: TraceColumns, values: Array) -> Array:
    """(samples,) s, ascending; rows that repeat the one above them whole may stay."""
    column = raw.frame[columns.time]
    if column.null_count():
        from hilum.modalities.table.values import rows_of

        raise DataError(
            f"a sample without a time in {rows_of(raw, column.is_null())}",
            where=raw.at(columns.time),
            do="Fill the time in, or take the row out: when it was measured cannot be guessed",
        )
    seconds = np.asarray(_seconds(raw, column, columns.time_unit).to_numpy(), dtype=np.float64)
    _refuse_unordered(raw, column, seconds, values)
    return seconds


def _seconds(raw: RawTable, column: pl.Series, unit: str) -> pl.Series:
    from hilum.modalities.table.values import moments

    clock = _of_clock(column)
    if clock is not None:
        dated = True
    else:
        clock = moments(raw, column)
        dated = not _is_number(column)
    if dated and unit != "s":
        raise UsageError(
            f"times are stated in {unit}, and the column holds dates or times of day",
            where=raw.at(column.name),
            do="Leave time_unit out",
        )
    return clock if dated else clock * TIME_UNITS[unit]


def _is_number(column: pl.Series) -> bool:
    """Whether a column of times is numbers, which need a unit."""
    import polars as pl

    if column.dtype == pl.Datetime:
        return False
    return column.dtype != pl.String or bool(column.str.contains(r"^[+-]?[\d.,]+([eE][+-]?\d+)?$").all())


def _of_clock(column: pl.Series) -> pl.Series | None:
    """Times of day as s since midnight; None where the column holds something else."""
    import polars as pl

    texts = as_text(column)
    if not bool(texts.str.contains(_CLOCK).all()):
        return None
    parts = texts.str.extract_groups(_CLOCK).struct.unnest()
    hour, minute, second = (parts[name].str.replace(",", ".", literal=True).cast(pl.Float64) for name in parts.columns)
    return hour * 3600.0 + minute * 60.0 + second


def _refuse_unordered(raw: RawTable, column: pl.Series, seconds: Array, values: Array) -> None:
    steps = np.diff(seconds)
    same = ((values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))).all(axis=1)
    wrong = np.flatnonzero((steps < 0) | ((steps == 0) & ~same))
    if not len(wrong):
        return
    first = int(wrong[0])
    texts = as_text(column)
    more = f"; {len(wrong) - 1:,} more such places" if len(wrong) > 1 else ""
    if steps[first] == 0:
        raise DataError(
            f"the time {texts[first]} stands in rows {raw.row(first)} and {raw.row(first + 1)} with different values{more}",
            where=raw.at(column.name),
            do="Keep one of them, or export the times with more digits",
        )
    raise DataError(
        f"the time falls from {texts[first]} in row {raw.row(first)} to {texts[first + 1]} in row {raw.row(first + 1)}{more}",
        where=raw.at(column.name),
        do="Sort the rows by time; where a clock was set back or restarted, cut the file there into two recordings",
    )


def _subject(raw: RawTable, name: str) -> str:
    """The one subject of the file."""
    texts = as_text(raw.frame[name])
    found = texts.drop_nulls().unique(maintain_order=True).to_list()
    if len(found) != 1:
        other = found[1] if found else ""
        told = f"'{found[0]}' and '{other}'" if found else "no name at all"
        where = raw.at(name, int((texts == other).fill_null(value=False).arg_true()[0])) if found else raw.at(name)
        raise DataError(
            f"the column says {told}", where=where, do="One file is one recording of one person: cut it into files"
        )
    return str(found[0])
