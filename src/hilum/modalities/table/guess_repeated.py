"""Guessing which records belong together in time, and which column is what in a long table of events. Guesses are for people to look at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.core.errors import DataError
from hilum.modalities.table import values
from hilum.modalities.table.frame import RawTable, as_text, read_raw

# Whole words of a column's name, most telling first.
_SEQUENCE = ("stay", "icustay", "sequence", "episode", "encounter", "hadm", "admission")
_STEP = ("hour", "hours", "step", "day", "charttime", "minute", "time")
_BESIDE = ("left", "remaining")
_EVENTS = {
    "stay": _SEQUENCE,
    "hour": ("hour", "hours"),
    "time": ("time", "charttime", "datetime", "timestamp", "when", "date"),
    "code": ("code", "item", "parameter", "variable", "concept", "test", "what", "name", "label"),
    "value": ("value", "valuenum", "result", "number"),
    "unit": ("unit", "units", "valueuom", "uom"),
    "text": ("text",),
}
_STAYS = {
    "stay": _SEQUENCE,
    "subject": ("subject", "patient", "person", "mrn", "pid"),
    "start": ("start", "intime", "admitted", "admit", "begin", "admission"),
    "end": ("end", "outtime", "discharged", "discharge"),
    "outcome": ("outcome", "died", "death", "dead", "mortality", "target", "label", "event", "status"),
}
FEWEST = 3  # records of a sequence, on average


@dataclass(frozen=True)
class Together:
    """Which records belong together in time.

    Attributes:
        sequence: The column of the sequence.
        step: When within it.
        step_unit: What steps that are dates are counted in; "" where they are numbers.
        beside: A number that goes with the outcome; "" where none looks like one.
        static: Columns that do not change within a sequence.
    """

    sequence: str
    step: str
    step_unit: str
    beside: str
    static: tuple[str, ...]


def guess_together(raw: RawTable, *, subject: str, taken: Sequence[str]) -> Together | None:
    """Which columns say that records belong together in time; None where none do.

    Args:
        raw: The file.
        subject: The column that says whose record it is; it stands for the sequence where no other does.
        taken: Columns that have another role.
    """
    import polars as pl

    free = [name for name in raw.frame.columns if name not in taken]
    steps = [name for word in _STEP for name in free if word in words_of(name) and _orders(raw, name)]
    named = [name for word in _SEQUENCE for name in free if word in words_of(name)]
    for sequence in (*named, *([subject] if subject else [])):
        for step in dict.fromkeys(steps):
            pair = pl.DataFrame({"sequence": as_text(raw.frame[sequence]), "step": raw.frame[step]})
            count = pair["sequence"].n_unique()
            if step == sequence or pair.null_count().sum_horizontal()[0] or raw.frame.height < FEWEST * count:
                continue
            if pair.n_unique() == raw.frame.height:
                return _together(raw, sequence, step, [name for name in free if name not in (sequence, step)])
    return None


def guess_roles(path: Path, *, stays: bool) -> tuple[dict[str, str], tuple[str, ...]]:
    """Role to column of a table of events or of stays, by name; and the columns that have none.

    Raises:
        DataError: the file cannot be read.
    """
    raw = read_raw(path)
    free = list(raw.frame.columns)
    roles: dict[str, str] = {}
    for role, telling in (_STAYS if stays else _EVENTS).items():
        found = next((name for word in telling for name in free if word in words_of(name)), "")
        if found:
            roles[role] = found
            free.remove(found)
    return roles, tuple(free)


def words_of(name: str) -> list[str]:
    """Parts of a name in small letters: "PatientID" gives patient, id."""
    return re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())


def _together(raw: RawTable, sequence: str, step: str, others: list[str]) -> Together:
    import polars as pl

    frame = raw.frame.with_columns(as_text(raw.frame[sequence]).alias("\0sequence"))
    counts = frame.group_by("\0sequence").agg(pl.col(others).drop_nulls().n_unique())
    constant = [name for name in others if int(counts[name].max() or 0) <= 1]  # type: ignore[arg-type]
    beside = next((name for name in others if name not in constant and set(words_of(name)) & set(_BESIDE)), "")
    dated = bool(values.as_numbers(raw.frame[step], decimal_comma=raw.decimal_comma).bad.any())
    return Together(sequence, step, "h" if dated else "", beside, tuple(constant))


def _orders(raw: RawTable, name: str) -> bool:
    try:
        return values.moments(raw, raw.frame[name]).null_count() == 0
    except DataError:
        return False
