"""Guessing which column is what, for the template of a study. Guesses are for people to look at: each is said, none is used unseen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.core.errors import DataError
from hilum.modalities.table.columns import Columns
from hilum.modalities.table.frame import RawTable, as_text, read_raw
from hilum.modalities.table.values import MOST, as_numbers, moments

if TYPE_CHECKING:
    import polars as pl

# Whole words of a column's name, most telling first.
_SUBJECT = (
    "subject",
    "patient",
    "person",
    "participant",
    "volunteer",
    "mrn",
    "case",
    "hadm",
    "pid",
    "proband",
    "animal",
)
_TARGET = (
    "target", "label", "outcome", "class", "died", "death", "mortality", "dead", "event", "diagnosis", "disease", "status",
    "response", "readmission", "readmitted", "y",
)  # fmt: skip
_TIME = (
    "time",
    "date",
    "datetime",
    "timestamp",
    "day",
    "admission",
    "admitted",
    "recorded",
    "visit",
    "charttime",
    "when",
)
_SOURCE = (
    "device",
    "source",
    "scanner",
    "recorder",
    "machine",
    "sensor",
    "channel",
    "analyser",
    "analyzer",
    "microphone",
)
_SITE = ("site", "hospital", "centre", "center", "clinic", "ward", "institution", "unit")
_SPLIT = ("split", "fold", "partition", "subset")
_GROUP = ("sex", "gender", "age", "ethnicity", "race")
_ID = ("id", "record", "item", "row", "stay", "sample", "encounter", "icustay", "recording", "key")


def guess_columns(path: Path) -> tuple[Columns, tuple[str, ...]]:
    """Columns by their names and content, and what the user should look at.

    Raises:
        DataError: the file cannot be read: see `hilum.modalities.table.frame.read_frame`.
    """
    raw = read_raw(path)
    frame = raw.frame
    height, distinct = frame.height, {name: frame[name].drop_nulls().n_unique() for name in frame.columns}
    remarks: list[str] = []
    free = list(frame.columns)

    def take(words: tuple[str, ...], fits: set[str]) -> str:
        found = next((n for word in words for n in free if n in fits and word in _words(n)), "")
        if found:
            free.remove(found)
        return found

    full = {name for name in free if frame[name].null_count() == 0}
    several = {name for name in free if distinct[name] > 1}
    target = take(_TARGET, several)
    remarks.append(_of_target(raw, target, distinct))
    subject = take(_SUBJECT, full & several)
    unique = {name for name in full if distinct[name] == height}
    item = take(_ID, {name for name in unique if "id" in _words(name) or frame[name].dtype != _float()})
    if not subject and item:
        remarks.append(
            f"No column says whose record it is; '{item}' is the id. Where a record is a subject, state subject = \"{item}\"."
        )
    elif not subject:
        remarks.append("No column says whose record it is: nothing can then be said about new people (HIL010).")
    elif subject in unique:
        remarks.append(f"'{subject}' is taken for the subject; each has one record.")
    else:
        remarks.append(f"'{subject}' is taken for the subject: {distinct[subject]:,} of them in {height:,} records.")
    when = take(_TIME, {name for name in several if _is_time(raw, name)})
    source = take(_SOURCE, {name for name in several if distinct[name] <= 50})
    site = take(_SITE, {name for name in several if distinct[name] <= 200})
    split = take(_SPLIT, {name for name in full & several if distinct[name] <= 20})
    said = (("time", when), ("source", source), ("site", site), ("split", split))
    remarks += [f"'{name}' is taken for the {role}." for role, name in said if name]
    gaps = [name for name in free if set(_words(name)) & set(_SUBJECT) and name not in full]
    if gaps and not subject:
        free = [name for name in free if name not in gaps]
        remarks.append(
            f"Left aside: {_quoted(gaps)} may say whose record it is, but is empty in some rows. Fill it in."
        )
    late = [name for name in free if _is_time(raw, name) and frame[name].dtype != _float() and _dated(raw, name)]
    if late:
        remarks.append(f"Left aside, since they hold dates: {_quoted(late)}.")
    numbered = [name for name in free if name not in late and name in unique and _is_number_or_id(raw, name)]
    if numbered:
        remarks.append(f"Left aside, since every record has its own: {_quoted(numbered)}.")
    groups = tuple(name for name in free if set(_words(name)) & set(_GROUP) and name not in late)
    features = tuple(name for name in free if name not in late and name not in numbered)
    if groups:
        remarks.append(f"Subgroups to look at: {_quoted(groups)}; they stay features too.")
    kind = _kind(raw, target, distinct) if target else "classify"
    without = frame[target].null_count() if target else 0
    if without:
        remarks.append(f"{without:,} records have no value in '{target}': they are excluded, and counted.")
    return Columns(
        target=target,
        kind=kind,
        subject=subject,
        id=item,
        features=features if groups else (),
        exclude=(*gaps, *late, *numbered) if not subject else (*late, *numbered),
        time=when,
        source=source,
        site=site,
        groups=groups,
        split=split,
        positive=_positive(raw, target) if kind == "classify" else "",
        missing_target="exclude" if without else "refuse",
    ), tuple(remark for remark in (*raw.notes, *remarks) if remark)


def _float() -> pl.DataType:
    import polars as pl

    return pl.Float64()


def _words(name: str) -> list[str]:
    """Parts of a name in small letters: "PatientID" gives patient, id."""
    return re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())


def _quoted(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _of_target(raw: RawTable, target: str, distinct: dict[str, int]) -> str:
    if not target:
        binary = [name for name in raw.frame.columns if distinct[name] == 2]
        hint = f" Columns with two values: {_quoted(binary[:8])}." if binary else ""
        return f"No column looks like an outcome: state target.{hint}"
    return f"'{target}' is taken for the outcome: {distinct[target]:,} different values."


def _kind(raw: RawTable, target: str, distinct: dict[str, int]) -> str:
    parsed = as_numbers(raw.frame[target], decimal_comma=raw.decimal_comma)
    return "regress" if distinct[target] > 10 and not bool(parsed.bad.any()) else "classify"


def _positive(raw: RawTable, target: str) -> str:
    """The class that reads like the event; empty where neither does."""
    if not target:
        return ""
    classes = as_text(raw.frame[target]).drop_nulls().unique().to_list()
    if len(classes) != 2:
        return ""
    yes = {
        "1",
        "1.0",
        "yes",
        "y",
        "true",
        "positive",
        "pos",
        "died",
        "dead",
        "death",
        "case",
        "disease",
        "abnormal",
        "event",
    }
    found = [name for name in classes if name.lower() in yes]
    return found[0] if len(found) == 1 else ""


def _is_time(raw: RawTable, name: str) -> bool:
    try:
        return moments(raw, raw.frame[name]).null_count() < raw.frame.height
    except DataError:
        return False


def _dated(raw: RawTable, name: str) -> bool:
    """Whether a time is written as dates, not as numbers."""
    import polars as pl

    column = raw.frame[name]
    return column.dtype == pl.Datetime or (
        column.dtype == pl.String and bool(as_numbers(column, decimal_comma=raw.decimal_comma).bad.any())
    )


def _is_number_or_id(raw: RawTable, name: str) -> bool:
    """Whether a column with a value of its own in every record is a name or a whole number, not a measurement."""
    parsed = as_numbers(raw.frame[name], decimal_comma=raw.decimal_comma)
    if int(parsed.bad.sum()) > (1 - MOST) * raw.frame.height:
        return True
    return raw.frame.height > 20 and bool((parsed.values == parsed.values.round()).all()) and "id" in _words(name)
