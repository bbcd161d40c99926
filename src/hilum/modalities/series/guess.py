"""Guessing what the columns of a trace are, for the template of a study: for people to look at. Each guess is said, none is used unseen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hilum.core.errors import DataError, HilumError
from hilum.modalities.series.read_table import TIME_UNITS, TraceColumns, read_trace
from hilum.modalities.series.regular import equally_spaced
from hilum.modalities.series.resample import usual_interval
from hilum.modalities.table.frame import RawTable, read_raw
from hilum.modalities.table.values import as_numbers

if TYPE_CHECKING:
    import polars as pl

MOST_CHANNELS = 60
_TIME = ("time", "timestamp", "datetime", "t", "clock", "date", "seconds", "sec", "ms", "when")
_CERTAIN = ("time", "timestamp", "datetime", "t", "clock")
_COUNTER = ("index", "frame", "sample", "row", "no", "nr", "number", "id", "count")
_SUBJECT = ("subject", "patient", "volunteer", "person", "participant")
_UNITS = ("mm", "cm", "um", "m", "mV", "V", "mL", "L", "Pa", "kPa", "%")
_PARTS = re.compile(r"[A-Za-zµ%]+|\d+")


@dataclass(frozen=True)
class GuessedTrace:
    """What a trace seems to be.

    Attributes:
        columns: Which column is what.
        unit: Unit of the channels; "" where their names do not say.
        points: Points in space.
        rate_hz: Samples a second, by the file's own times; None where no column says when.
        even: Whether they are equally spaced.
        seconds: Its length, s; None likewise.
        remarks: What the user should look at.
    """

    columns: TraceColumns
    unit: str
    points: int
    rate_hz: float | None
    even: bool
    seconds: float | None
    remarks: tuple[str, ...]


def guess_trace(path: Path, *, unit: str = "") -> GuessedTrace:
    """Columns of a trace by their names and content.

    Args:
        path: The trace.
        unit: Unit of its channels, where it is known.

    Raises:
        DataError: the file cannot be read, holds no column of numbers, or times that do not ascend.
    """
    raw = read_raw(path)
    numbers = {name: values for name in raw.frame.columns if (values := _numbers(raw, name)) is not None}
    time = _time(raw, numbers)
    subject = next((name for name in raw.frame.columns if name != time and _has(name, _SUBJECT)), "")
    counters = [name for name in numbers if name != time and _counts(name, numbers[name])]
    channels = [name for name in numbers if name not in (time, subject, *counters)]
    if not channels:
        raise DataError("no column holds numbers that could be a channel", where=str(path), do="Is this a trace?")
    channels, points = _in_space(channels[:MOST_CHANNELS])
    known, unit = unit, unit or _unit(channels)
    aside = [name for name in raw.frame.columns if name not in (time, subject, *channels)]
    time_unit, why = _time_unit(time, numbers.get(time))
    columns = TraceColumns(tuple(channels), time, time_unit, _only_name(raw, subject))
    rate, even, seconds = _rate(path, columns)
    remarks = (
        *raw.notes,
        f"'{time}' is taken for the time, {why}: {rate:.4g} samples a second over {seconds:.4g} s."
        if time and rate and seconds
        else "No column says when a sample was taken: state rate_hz.",
        f"Channels: {', '.join(channels)}" + (f", {points} points in space." if points else ", each on its own."),
        ""
        if known
        else f"The unit is taken from the names: {unit}."
        if unit
        else "Nothing says the unit: state it before you run.",
        f"Left aside: {', '.join(aside)}." if aside else "",
        ""
        if even or not time
        else "The samples are not equally spaced: they are put on a grid, each held until the next.",
    )
    return GuessedTrace(columns, unit, points, rate, even, seconds, tuple(remark for remark in remarks if remark))


def _numbers(raw: RawTable, name: str) -> pl.Series | None:
    """The column as numbers; None where it holds something else, or nothing."""
    import polars as pl

    column = raw.frame[name]
    if column.dtype == pl.Datetime or column.null_count() == raw.frame.height:
        return None
    parsed = as_numbers(column, decimal_comma=raw.decimal_comma)
    return None if bool(parsed.bad.any()) or parsed.style == "both" else parsed.values


def _time(raw: RawTable, numbers: dict[str, pl.Series]) -> str:
    """The first column whose name and content fit, else one that is called time and nothing else; "" where there is none.

    Reading the latter says in which row it falls: taken for a channel, it would be forecast.
    """
    for word in _TIME:
        for name in raw.frame.columns:
            if word in _words(name) and (name not in numbers or _ascends(numbers[name])):
                return name
    called = (name for name in raw.frame.columns if _words(name) and set(_words(name)) <= {*_TIME, *TIME_UNITS})
    return next((name for name in called if set(_words(name)) & set(_CERTAIN)), "")


def _ascends(values: pl.Series) -> bool:
    found = values.to_numpy()
    return bool(np.isfinite(found).all() and len(found) > 1 and (np.diff(found) >= 0).all() and found[-1] > found[0])


def _counts(name: str, values: pl.Series) -> bool:
    """Whether a column counts rows: by its name, and one by one."""
    steps = np.diff(values.to_numpy())
    return _has(name, _COUNTER) and bool(len(steps) and np.all(steps == steps[0]))


def _has(name: str, words: tuple[str, ...]) -> bool:
    return bool(set(_words(name)) & set(words))


def _words(name: str) -> list[str]:
    return [part.lower() for part in _PARTS.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))]


def _in_space(names: list[str]) -> tuple[list[str], int]:
    """The channels in the order x of all points, y, z, and how many points; as they are and 0 where names do not say so."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for name in names:
        parts = _words(name)
        axes = [part for part in parts if part in ("x", "y", "z")]
        if len(axes) != 1:
            return names, 0
        parts.remove(axes[0])
        found.setdefault(tuple(parts), {})[axes[0]] = name
    if any(set(of) != {"x", "y", "z"} for of in found.values()) or 3 * len(found) != len(names):
        return names, 0
    return [of[axis] for axis in "xyz" for of in found.values()], len(found)


def _unit(names: list[str]) -> str:
    """The unit that stands in every name, in brackets or as its last part."""
    said = set()
    for name in names:
        bracket = re.search(r"[\[(]\s*([^\])]+?)\s*[\])]", name)
        last = re.split(r"[_\s]", name)[-1]
        said.add(bracket.group(1) if bracket else last)
    unit = said.pop() if len(said) == 1 else ""
    return unit if unit in _UNITS else ""


def _time_unit(name: str, values: pl.Series | None) -> tuple[str, str]:
    """The unit of times, and why."""
    if values is None:
        return "s", "as dates or times of day"
    said = next((part for part in reversed(_words(name)) if part in TIME_UNITS), "")
    if said:
        return said, f"in {said} by its name"
    step = float(np.median(np.diff(values.to_numpy())))
    unit = "s" if step <= 2 else "ms" if step <= 2000 else "us"
    return unit, f"in {unit} by its size"


def _only_name(raw: RawTable, subject: str) -> str:
    """The column of the subject, where it holds one name."""
    return subject if subject and raw.frame[subject].drop_nulls().n_unique() == 1 else ""


def _rate(path: Path, columns: TraceColumns) -> tuple[float | None, bool, float | None]:
    if not columns.time:
        return None, True, None
    times = read_trace(path, columns).times
    assert times is not None
    even = equally_spaced(times)
    interval = even or usual_interval(times)
    if not np.isfinite(interval):
        raise HilumError("the first half minute holds one sample", where=str(path), do="Is the time in seconds?")
    return 1.0 / interval, even is not None, float(times[-1]) + interval
