"""Guessing which column is what, for the template of a study. Guesses are for people to look at: each is said, none is used unseen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.core.errors import DataError, unknown
from hilum.modalities.table.columns import Columns
from hilum.modalities.table.frame import RawTable, as_text, read_raw
from hilum.modalities.table.guess_repeated import Together, guess_together, words_of
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
    "time", "date", "datetime", "timestamp", "day", "admission", "admitted", "recorded", "visit", "charttime", "when",
)  # fmt: skip
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
_SITE = ("site", "hospital", "centre", "center", "clinic", "ward", "institution")
_SPLIT = ("split", "fold", "partition", "subset")
_GROUP = ("sex", "gender", "age", "ethnicity", "race")
_ID = ("id", "record", "item", "row", "stay", "sample", "encounter", "icustay", "recording", "key")


def guess_columns(path: Path, *, target: str = "", subject: str = "") -> tuple[Columns, tuple[str, ...]]:
    """Columns by their names and content, and what the user should look at.

    Args:
        path: The table.
        target: The outcome, where it is known.
        subject: The column that says whose record it is, where it is known.

    Raises:
        DataError: the file cannot be read: see `hilum.modalities.table.frame.read_frame`.
        UsageError: a column is named that is not there.
    """
    raw = read_raw(path)
    for name in (target, subject):
        if name and name not in raw.frame.columns:
            raise unknown("column", name, raw.frame.columns, where=str(path))
    roles, distinct = _roles(raw, target, subject)
    together = guess_together(raw, subject=roles["subject"], taken=[n for r, n in roles.items() if n and r != "time"])
    target = roles["target"]
    kind = _kind(raw, target, distinct) if target else "classify"
    later = ""
    if together is not None:
        if kind == "regress" or distinct.get(target) != 2:  # a number goes with one of two classes
            later, together = together.beside, replace(together, beside="")
        roles = {**roles, "sequence": together.sequence, "step": together.step, "beside": together.beside}
        roles["subject"] = roles["subject"] or together.sequence
        roles["time"] = roles["time"] if roles["time"] not in (together.step, together.beside) else ""
    free = [name for name in raw.frame.columns if name not in roles.values()]
    aside, told = _left_aside(raw, free, distinct, known=bool(roles["subject"]))
    if later and later not in aside:
        aside, told = (*aside, later), [*told, f"Left aside, since it tells of the end: '{later}'."]
    features = tuple(name for name in free if name not in aside)
    static = tuple(name for name in together.static if name in features) if together else ()
    groups = tuple(name for name in features if set(words_of(name)) & set(_GROUP))
    without = raw.frame[target].null_count() if target else 0
    lost = "they are context" if together else "they are excluded, and counted"
    remarks = [
        *raw.notes,
        _of_target(raw, target, distinct),
        _of_subject(raw, roles, distinct),
        _of_together(together, distinct, static) if together else "",
        *(f"'{name}' is taken for the {role}." for role, name in roles.items() if name and role in _SAID),
        *told,
        f"Subgroups to look at: {_quoted(groups)}; they stay features too." if groups else "",
        f"{without:,} records have no value in '{target}': {lost}." if without else "",
    ]
    named: dict[str, Any] = dict(roles)
    return Columns(
        **named,
        kind=kind,
        exclude=aside,
        groups=groups,
        positive=_positive(raw, target) if kind == "classify" else "",
        missing_target="exclude" if without else "refuse",
        step_unit=together.step_unit if together else "",
        static=static,
    ), tuple(remark for remark in remarks if remark)


def _of_together(together: Together, distinct: dict[str, int], static: tuple[str, ...]) -> str:
    count = distinct[together.sequence]
    told = (
        f"Records belong together in time: '{together.step}' says when within each of {count:,} '{together.sequence}'."
    )
    if together.step_unit:
        told += f" It holds dates: they are counted in {together.step_unit} from the first record of each."
    if together.beside:
        told += f" '{together.beside}' is taken for a number that goes with the outcome."
    return told + (f" What does not change within them: {_quoted(static)}." if static else "")


_SAID = ("time", "source", "site", "split")


def _roles(raw: RawTable, target: str, subject: str) -> tuple[dict[str, str], dict[str, int]]:
    """Role to the first column whose name and content fit, "" where none does; and how many values each column has."""
    frame = raw.frame
    distinct = {name: frame[name].drop_nulls().n_unique() for name in frame.columns}
    free = [name for name in frame.columns if name not in (target, subject)]

    def take(words: tuple[str, ...], fits: set[str]) -> str:
        found = next((name for word in words for name in free if name in fits and word in words_of(name)), "")
        if found:
            free.remove(found)
        return found

    full = {name for name in free if frame[name].null_count() == 0}
    several = {name for name in free if distinct[name] > 1}
    unique = {name for name in full if distinct[name] == frame.height}
    roles = {"target": target or take(_TARGET, several), "subject": subject or take(_SUBJECT, full & several)}
    roles["id"] = take(_ID, {name for name in unique if "id" in words_of(name) or frame[name].dtype != _float()})
    roles["time"] = take(_TIME, {name for name in several if _is_time(raw, name)})
    roles["source"] = take(_SOURCE, {name for name in several if distinct[name] <= 50})
    roles["site"] = take(_SITE, {name for name in several if distinct[name] <= 200})
    roles["split"] = take(_SPLIT, {name for name in full & several if distinct[name] <= 20})
    return roles, distinct


def _of_subject(raw: RawTable, roles: dict[str, str], distinct: dict[str, int]) -> str:
    subject, item, height = roles["subject"], roles["id"], raw.frame.height
    if not subject and item:
        return f"No column says whose record it is; '{item}' is the id. Where a record is a subject, state subject = \"{item}\"."
    if not subject:
        return "No column says whose record it is: nothing can then be said about new people (HIL010)."
    if distinct[subject] == height:
        return f"'{subject}' is taken for the subject; each has one record."
    return f"'{subject}' is taken for the subject: {distinct[subject]:,} of them in {height:,} records."


def _left_aside(
    raw: RawTable, free: list[str], distinct: dict[str, int], *, known: bool
) -> tuple[tuple[str, ...], list[str]]:
    """Columns without a role that are no features either, and why."""
    frame = raw.frame
    gaps = [name for name in free if set(words_of(name)) & set(_SUBJECT) and frame[name].null_count() and not known]
    late = [name for name in free if name not in gaps and _is_time(raw, name) and _dated(raw, name)]
    own = [
        name
        for name in free
        if name not in (*gaps, *late) and distinct[name] == frame.height and _is_number_or_id(raw, name)
    ]
    told = []
    if gaps:
        told.append(f"Left aside: {_quoted(gaps)} may say whose record it is, but is empty in some rows. Fill it in.")
    if late:
        told.append(f"Left aside, since they hold dates: {_quoted(late)}.")
    if own:
        told.append(f"Left aside, since every record has its own: {_quoted(own)}.")
    return (*gaps, *late, *own), told


def _float() -> pl.DataType:
    import polars as pl

    return pl.Float64()


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
    return raw.frame.height > 20 and bool((parsed.values == parsed.values.round()).all()) and "id" in words_of(name)
