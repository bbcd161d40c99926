"""AmsterdamUMCdb 1.0.2: one hospital, 2003 to 2016. Times are milliseconds from a patient's first admission.

    admissions -> stays      numericitems, drugitems, admissions (height and weight groups) -> events

There are no dates: a patient's clock starts on 1 January 2000, so that admissions of one patient keep their distance. Age, height
and weight are groups, read as a value within each. A patient died in a stay if it is the destination "Overleden", or the date of
death lies within 24 h of discharge. The files are in Latin-1: letters outside ASCII are lost, none of which matters here. No test
of ours has seen the real tables: names of tables and columns are public schema knowledge, tried on hand-written ones.

Source: Thoral et al., Crit Care Med 49:e563-e577 (2021); amsterdammedicaldatascience.nl.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hilum.modalities.ehr.concepts import Dictionary, read_concepts
from hilum.modalities.ehr.events import as_events
from hilum.modalities.ehr.readers import _tables
from hilum.modalities.ehr.readers._tables import Kind
from hilum.modalities.ehr.stays import Records, as_stays

if TYPE_CHECKING:
    import polars as pl

DATABASE = "aumc"
AGES = {"18-39": 30.0, "40-49": 45.0, "50-59": 55.0, "60-69": 65.0, "70-79": 75.0, "80+": 90.0}
HEIGHTS = {"159-": 150.0, "160-169": 165.0, "170-179": 175.0, "180-189": 185.0, "190+": 200.0}
WEIGHTS = {"59-": 50.0, "60-69": 65.0, "70-79": 75.0, "80-89": 85.0, "90-99": 95.0, "100-109": 105.0, "110+": 120.0}
_DAY_MS = 86_400_000


def read(folder: Path, dictionary: Dictionary | None = None) -> Records:
    """Stays and events of an AmsterdamUMCdb folder.

    Raises:
        DataError: admissions or numericitems is missing, or a value does not fit its column.
    """
    import polars as pl

    dictionary = dictionary or read_concepts()
    wanted = dictionary.codes(DATABASE, alarms=True)["code"].to_list()
    known = stays(folder)
    clock = known.lazy().select(pl.col("stay_id").alias("admissionid"), "subject_id", "start")
    numeric: dict[str, Kind] = {
        "admissionid": "integer",
        "itemid": "integer",
        "value": "number",
        "unit": "text",
        "measuredat": "integer",
    }
    code = pl.format("numeric//{}", pl.col("itemid"))
    measured = (
        _tables.table(folder, "numericitems", numeric, encoding="utf8-lossy")
        .scan()
        .filter(code.is_in(wanted))
        .join(clock, on="admissionid")
    )
    number = (pl.col("value").alias("numeric_value"), pl.col("admissionid").alias("stay_id"), "unit")
    frames = [measured.select("subject_id", _at("measuredat").alias("time"), code.alias("code"), *number)]
    drugs: dict[str, Kind] = {
        "admissionid": "integer",
        "itemid": "integer",
        "rate": "number",
        "start": "integer",
        "stop": "integer",
    }
    source = _tables.optional_table(folder, "drugitems", {**drugs, "rateunit": "text"}, encoding="utf8-lossy")
    if source is not None:
        code = pl.format("drug//{}", pl.col("itemid"))
        clocked = clock.rename({"start": "begun"})
        given = source.scan().filter(code.is_in(wanted)).join(clocked, on="admissionid")
        rate = (
            pl.col("rate").alias("numeric_value"),
            pl.col("admissionid").alias("stay_id"),
            pl.col("rateunit").alias("unit"),
        )
        frames.append(given.select("subject_id", _at("start").alias("time"), code.alias("code"), *rate))
        stopped = (pl.lit(0.0).alias("numeric_value"), *rate[1:])
        frames.append(given.select("subject_id", _at("stop").alias("time"), code.alias("code"), *stopped))
    frames.append(_groups(folder, known))
    return Records(
        DATABASE, known, pl.concat([as_events(part, where=str(folder)) for part in frames]), where=str(folder)
    )


def stays(folder: Path) -> pl.DataFrame:
    """The stays of an AmsterdamUMCdb folder; see `stays.py`."""
    import polars as pl

    kinds: dict[str, Kind] = {
        "patientid": "integer",
        "admissionid": "integer",
        "admittedat": "integer",
        "dischargedat": "integer",
        "destination": "text",
        "gender": "text",
        "agegroup": "text",
        "dateofdeath": "integer",
    }
    admissions = _tables.read(_tables.table(folder, "admissions", kinds, encoding="utf8-lossy"))
    soon = pl.col("dateofdeath") - pl.col("dischargedat") <= _DAY_MS
    died = ((pl.col("destination") == "Overleden") | soon.fill_null(False)).fill_null(False)
    return as_stays(
        admissions.select(
            pl.col("admissionid").alias("stay_id"),
            pl.col("patientid").alias("subject_id"),
            _at("admittedat").alias("start"),
            _at("dischargedat").alias("end"),
            pl.when(died).then(_at("dateofdeath")).alias("death"),
            died.alias("died"),
            pl.col("agegroup").replace_strict(AGES, default=None, return_dtype=pl.Float64).alias("age"),
            pl.col("gender").replace_strict({"Vrouw": "Female", "Man": "Male"}, default=None).alias("sex"),
        ),
        where=str(folder),
    )


def _at(column: str) -> pl.Expr:
    """Milliseconds from the first admission as a moment."""
    import polars as pl

    return (pl.datetime(2000, 1, 1, time_unit="us") + pl.duration(milliseconds=pl.col(column))).cast(pl.Datetime("us"))


def _groups(folder: Path, known: pl.DataFrame) -> pl.LazyFrame:
    """Height and weight, which `admissions` holds as groups, at the start of the stay."""
    import polars as pl

    kinds: dict[str, Kind] = {"admissionid": "integer", "heightgroup": "text", "weightgroup": "text"}
    groups = _tables.read(_tables.table(folder, "admissions", kinds, encoding="utf8-lossy")).select(
        pl.col("admissionid").alias("stay_id"),
        pl.col("heightgroup").alias("admission//height"),
        pl.col("weightgroup").alias("admission//weight"),
    )
    long = groups.unpivot(index="stay_id", variable_name="code", value_name="text_value").drop_nulls("text_value")
    # A group that is none of these has no number, and is counted as rejected.
    middle = pl.col("text_value").replace_strict(HEIGHTS | WEIGHTS, default=None, return_dtype=pl.Float64)
    start = known.select("stay_id", "subject_id", pl.col("start").alias("time"))
    return long.with_columns(middle.alias("numeric_value")).join(start, on="stay_id").lazy()
