"""A plain long table of one's own, CSV or parquet: one row a value. And a second one, one row a stay.

    events.csv    patient, stay, time, what, value, unit          columns are mapped; a moment, or hours since the stay began
    stays.csv     stay, patient, start, end, died, age, sex

What a row measures may be called by the dictionary's own name ("crea", "hr"), without any entry in the dictionary, or by a code of the
dictionary's `plain` list. Names that mean nothing to it are in the notes. With a column of units, values in any unit that the
dictionary converts from are converted ("umol/L" of creatinine); other units, and values that are no number, are counted as rejected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.core.errors import DataError
from hilum.modalities.ehr.concepts import Dictionary, read_concepts
from hilum.modalities.ehr.events import as_events
from hilum.modalities.ehr.readers import _tables
from hilum.modalities.ehr.readers._tables import Kind, Source
from hilum.modalities.ehr.stays import Records, as_stays

if TYPE_CHECKING:
    import polars as pl

DATABASE = "plain"


@dataclass(frozen=True)
class EventColumns:
    """How the columns of the two tables are called; "" where there is none.

    Attributes:
        stay: Of the stay, in both tables.
        subject: Of the patient, in both tables.
        time: When, a moment; "" if `hour` is given.
        hour: When, in hours since the stay began.
        what: What the row measures.
        value: The number.
        unit: Its unit.
        start: Start of the stay, a moment.
        end: End of the stay, a moment.
        died: 1 if the patient died in the stay.
        death: When, a moment.
        age: Years.
        sex: "Female" or "Male".
    """

    stay: str = "stay_id"
    subject: str = "subject_id"
    time: str = "time"
    hour: str = ""
    what: str = "code"
    value: str = "value"
    unit: str = ""
    start: str = "start"
    end: str = "end"
    died: str = ""
    death: str = ""
    age: str = ""
    sex: str = ""


def read(
    events: Path, stays: Path, columns: EventColumns | None = None, dictionary: Dictionary | None = None
) -> Records:
    """Records of two tables of one's own.

    Args:
        events: The long table.
        stays: The table of stays.
        columns: Names of their columns; ours without it.
        dictionary: What the names mean; ours without one.

    Raises:
        DataError: a file or column is missing, a value does not fit, or nothing that was measured is known to the dictionary.
    """
    import polars as pl

    columns, dictionary = columns or EventColumns(), dictionary or read_concepts()
    known = _stays(stays, columns)
    when: dict[str, Kind] = {columns.hour: "number"} if columns.hour else {columns.time: "moment"}
    kinds: dict[str, Kind] = {columns.stay: "integer", **when, columns.what: "text", columns.value: "text"}
    source = _source(events, kinds | ({columns.unit: "text"} if columns.unit else {}))
    codes = set(dictionary.codes(DATABASE, alarms=True)["code"].to_list())
    with _tables.reading(source):
        names = source.scan().select(pl.col(columns.what.lower()).unique()).collect(engine="streaming").to_series()
    strange = sorted(name for name in names.drop_nulls().to_list() if name not in codes)
    if len(strange) == len(names.drop_nulls()):
        raise DataError(
            f"the dictionary knows none of {strange[:5]}",
            where=str(events),
            do="Use its names (crea, hr), or list yours as plain = [...]",
        )
    row = source.scan().rename({columns.stay.lower(): "stay_id"})
    placed = row.join(known.lazy().select("stay_id", "subject_id", "start"), on="stay_id", how="inner")
    hour = (
        pl.col("start") + pl.duration(microseconds=(pl.col(columns.hour.lower()) * 3.6e9).round().cast(pl.Int64))
        if columns.hour
        else None
    )
    # What is no number ("<0.1", "hemolysed") stays text and is counted as rejected where a number is asked.
    number = pl.col(columns.value.lower()).str.strip_chars().cast(pl.Float64, strict=False)
    found = placed.select(
        "subject_id",
        (hour if hour is not None else pl.col(columns.time.lower())).cast(pl.Datetime("us")).alias("time"),
        pl.col(columns.what.lower()).alias("code"),
        number.alias("numeric_value"),
        pl.when(number.is_null()).then(columns.value.lower()).alias("text_value"),
        "stay_id",
        (pl.col(columns.unit.lower()) if columns.unit else pl.lit(None, dtype=pl.String)).alias("unit"),
    )
    notes = (f"The dictionary does not know {', '.join(strange[:20])}: left out.",) if strange else ()
    return Records(DATABASE, known, as_events(found, where=str(events)), notes=notes, where=str(events))


def _stays(path: Path, columns: EventColumns) -> pl.DataFrame:
    import polars as pl

    asked: Mapping[str, tuple[str, Kind]] = {
        "stay_id": (columns.stay, "integer"),
        "subject_id": (columns.subject, "integer"),
        "start": (columns.start, "moment"),
        "end": (columns.end, "moment"),
        "died": (columns.died, "integer"),
        "death": (columns.death, "moment"),
        "age": (columns.age, "number"),
        "sex": (columns.sex, "text"),
    }
    there = {ours: theirs for ours, theirs in asked.items() if theirs[0]}
    frame = _tables.read(_source(path, dict(there.values())))
    selected = frame.select(pl.col(name.lower()).alias(ours) for ours, (name, _) in there.items())
    if "died" in selected.columns:
        selected = selected.with_columns((pl.col("died") == 1).fill_null(False))
    return as_stays(selected, where=str(path))


def _source(path: Path, kinds: Mapping[str, Kind]) -> Source:
    if not path.is_file():
        raise DataError("there is no such file", where=str(path), do="Give a CSV or parquet file")
    return Source(path, {name.lower(): kind for name, kind in kinds.items()})
