"""eICU Collaborative Research Database 2.0: many hospitals of the United States, 2014 and 2015. Times are minutes from unit admission.

    patient -> stays      lab, vitalperiodic, vitalaperiodic, respiratorycharting, intakeoutput, infusiondrug, medication -> events

There are no dates: each stay gets a clock of its own that starts on 1 January 2000; times of two stays cannot be compared. A patient
is `uniquepid`; the subject's number is made of it (hashed, 62 bits). Ages over 89 are written "> 89" and read as 90. A patient died
in a stay if the unit was left dead. Every table but `patient` may be lacking, as in the open parts of the demo; what is lacking is a note.

Source: Pollard et al., The eICU Collaborative Research Database, Sci Data 5:180178 (2018). Columns: those of the open demo; vitalperiodic,
which the part at hand lacks, from public schema knowledge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.core.errors import DataError
from hilum.modalities.ehr.concepts import Dictionary, read_concepts
from hilum.modalities.ehr.events import as_events
from hilum.modalities.ehr.readers import _tables
from hilum.modalities.ehr.readers._tables import Kind
from hilum.modalities.ehr.stays import Records, as_stays

if TYPE_CHECKING:
    import polars as pl

DATABASE = "eicu"
_STAY = "patientunitstayid"
_LONG = {
    "lab": ("labresultoffset", "labname", "labresult", "labmeasurenameinterface"),
    "respiratorycharting": ("respchartoffset", "respchartvaluelabel", "respchartvalue", ""),
    "intakeoutput": ("intakeoutputoffset", "celllabel", "cellvaluenumeric", ""),
    "infusiondrug": ("infusionoffset", "drugname", "drugrate", ""),
    "medication": ("drugstartoffset", "drugname", "", ""),
}
_WIDE = {"vitalperiodic": "observationoffset", "vitalaperiodic": "observationoffset"}


def read(folder: Path, dictionary: Dictionary | None = None, *, renamed: dict[str, str] | None = None) -> Records:
    """Stays and events of an eICU folder.

    Args:
        folder: Holds the tables as CSV, CSV.gz or parquet.
        dictionary: Only events that carry one of its codes are read; our dictionary without one.
        renamed: Table to the name of its file, where that differs ("lab" -> "lab_178stays").

    Raises:
        DataError: `patient` is missing, or a value does not fit its column.
    """
    import polars as pl

    dictionary = dictionary or read_concepts()
    wanted = dictionary.codes(DATABASE, alarms=True)["code"].to_list()
    known = stays(folder)
    clock = known.lazy().select("stay_id", "subject_id", "start")
    frames, lacking = [_at_admission(folder, clock)], []
    for name in (*_LONG, *_WIDE):
        file = (renamed or {}).get(name, name)
        if _tables.find_table(folder, file) is None:
            lacking.append(name)
        elif name in _WIDE:
            frames += _wide(folder, file, name, wanted, clock)
        else:
            frames += _long(folder, file, name, wanted, clock)
    notes = (f"eICU without {', '.join(lacking)}: their variables are empty.",) if lacking else ()
    events = pl.concat([as_events(frame, where=str(folder)) for frame in frames])
    return Records(DATABASE, known, events, notes=notes, where=str(folder))


def stays(folder: Path) -> pl.DataFrame:
    """The stays of an eICU folder; see `stays.py`."""
    import polars as pl

    kinds: dict[str, Kind] = {
        _STAY: "integer",
        "patienthealthsystemstayid": "integer",
        "uniquepid": "text",
        "hospitalid": "integer",
        "gender": "text",
        "age": "text",
        "hospitaladmitoffset": "integer",
        "unitdischargeoffset": "integer",
        "unitdischargestatus": "text",
        "hospitaldischargeoffset": "integer",
        "hospitaldischargestatus": "text",
    }
    patient = _tables.read(_tables.table(folder, "patient", kinds))
    start = pl.datetime(2000, 1, 1, time_unit="us")
    ages = patient["age"].str.strip_chars()
    odd = patient.filter(
        ages.is_not_null() & (ages != "") & ~ages.is_in(["> 89"]) & ages.cast(pl.Float64, strict=False).is_null()
    )
    if odd.height:
        raise DataError(
            f"the age '{odd['age'][0]}' is no number", where=f"{folder}, patient", do='Ages are numbers or "> 89"'
        )
    people = {person: subject_number(person) for person in patient["uniquepid"].drop_nulls().unique().to_list()}
    dead = pl.col("hospitaldischargestatus") == "Expired"
    return as_stays(
        patient.select(
            pl.col(_STAY).alias("stay_id"),
            pl.col("uniquepid").replace_strict(people, default=None, return_dtype=pl.Int64).alias("subject_id"),
            pl.col("patienthealthsystemstayid").alias("admission_id"),
            pl.col("hospitalid").cast(pl.String).alias("hospital"),
            (start + pl.duration(minutes=pl.col("hospitaladmitoffset"))).alias("admitted"),
            start.alias("start"),
            (start + pl.duration(minutes=pl.col("unitdischargeoffset"))).alias("end"),
            pl.when(dead).then(start + pl.duration(minutes=pl.col("hospitaldischargeoffset"))).alias("death"),
            (pl.col("unitdischargestatus") == "Expired").fill_null(False).alias("died"),
            pl.when(ages == "> 89").then(90.0).otherwise(ages.cast(pl.Float64, strict=False)).alias("age"),
            pl.when(pl.col("gender").is_in(["Female", "Male"])).then("gender").alias("sex"),
        ),
        where=str(folder),
    )


def subject_number(person: str) -> int:
    """A patient's text id as a number: the same on any machine, in any order of the rows."""
    return int.from_bytes(hashlib.sha256(person.encode()).digest()[:8], "big") >> 2


def _at(frame: pl.LazyFrame, clock: pl.LazyFrame, offset: str) -> pl.LazyFrame:
    """With subject_id, stay_id and time."""
    import polars as pl

    joined = frame.rename({_STAY: "stay_id"}).join(clock, on="stay_id", how="inner")
    return joined.with_columns((pl.col("start") + pl.duration(minutes=pl.col(offset))).alias("time"))


def _at_admission(folder: Path, clock: pl.LazyFrame) -> pl.LazyFrame:
    """Height and weight, which `patient` holds."""
    import polars as pl

    kinds: dict[str, Kind] = {_STAY: "integer", "admissionheight": "number", "admissionweight": "number"}
    measured = (
        _tables.table(folder, "patient", kinds)
        .scan()
        .unpivot(index=_STAY, variable_name="what", value_name="numeric_value")
    )
    timed = measured.rename({_STAY: "stay_id"}).join(clock, on="stay_id").drop_nulls("numeric_value")
    code = pl.format("patient//{}", pl.col("what")).alias("code")
    return timed.select("subject_id", pl.col("start").alias("time"), code, "numeric_value", "stay_id")


def _long(folder: Path, file: str, name: str, wanted: Sequence[str], clock: pl.LazyFrame) -> list[pl.LazyFrame]:
    """A table with one row a value."""
    import polars as pl

    offset, item, value, unit = _LONG[name]
    keep = _kept(wanted, name)
    if keep is None:
        return []
    kinds: dict[str, Kind] = {_STAY: "integer", offset: "integer", item: "text"}
    kinds |= {column: "text" for column in (value, unit) if column}
    frame = _at(_tables.table(folder, file, kinds).scan().filter(keep(pl.col(item))), clock, offset)
    # Charted as text: "40%", "Yes". What is no number stays text and is counted as rejected where a number is asked.
    number = (
        pl.col(value).str.strip_chars().str.strip_suffix("%").cast(pl.Float64, strict=False) if value else pl.lit(None)
    )
    return [
        frame.select(
            "subject_id",
            "time",
            pl.format(f"{name}//{{}}", pl.col(item)).alias("code"),
            number.cast(pl.Float64).alias("numeric_value"),
            (pl.col(value) if value else pl.lit(None, dtype=pl.String)).alias("text_value"),
            "stay_id",
            (pl.col(unit) if unit else pl.lit(None, dtype=pl.String)).alias("unit"),
        )
    ]


def _wide(folder: Path, file: str, name: str, wanted: Sequence[str], clock: pl.LazyFrame) -> list[pl.LazyFrame]:
    """A table with one column a vital sign."""
    import polars as pl

    columns = sorted({code.partition("//")[2] for code in wanted if code.startswith(f"{name}//")})
    if not columns:
        return []
    kinds: dict[str, Kind] = {_STAY: "integer", _WIDE[name]: "integer"}
    source = _tables.table(folder, file, {**kinds, **dict.fromkeys(columns, "number")})
    long = source.scan().unpivot(index=[_STAY, _WIDE[name]], variable_name="what", value_name="numeric_value")
    timed = _at(long.drop_nulls("numeric_value"), clock, _WIDE[name])
    code = pl.format(f"{name}//{{}}", pl.col("what")).alias("code")
    return [timed.select("subject_id", "time", code, "numeric_value", "stay_id")]


def _kept(wanted: Sequence[str], name: str) -> Callable[[pl.Expr], pl.Expr] | None:
    """Whether an item of a table is wanted: its exact names and its patterns; None where nothing is."""
    rest = [code.partition("//")[2] for code in wanted if code.startswith(f"{name}//")]
    exact = [item for item in rest if not item.startswith("(?i)")]
    patterns = [item.removeprefix("(?i)") for item in rest if item.startswith("(?i)")]
    if not rest:
        return None

    def keep(item: pl.Expr) -> pl.Expr:
        found = item.is_in(exact)
        return found | item.str.contains(f"(?i){'|'.join(patterns)}") if patterns else found

    return keep
