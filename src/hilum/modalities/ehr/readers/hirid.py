"""HiRID 1.1.1: one hospital in Bern, 2008 to 2016, a value up to every two minutes. One patient number a stay.

    general_table -> stays      observation_tables/**, pharma_records/** (parts, CSV or parquet) -> events

Nothing says when a stay ended: the last observation does. Nothing says whether two stays are one patient's: each counts as its own
subject, and the notes say so. Urine (variable 30005110) is charted as a running total; the events hold what was added, a fall
starts a new total. No test of ours has seen the real tables: names of tables and columns are public schema knowledge, tried on
hand-written ones.

Source: Hyland et al., Nat Med 26:364-373 (2020); hirid.intensivecare.ai.
"""

from __future__ import annotations

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

DATABASE = "hirid"
URINE_TOTAL = "30005110"
_GENERAL: dict[str, Kind] = {
    "patientid": "integer",
    "admissiontime": "moment",
    "sex": "text",
    "age": "number",
    "discharge_status": "text",
}
_OBSERVED: dict[str, Kind] = {
    "patientid": "integer",
    "datetime": "moment",
    "variableid": "integer",
    "value": "number",
    "stringvalue": "text",
}
_GIVEN: dict[str, Kind] = {
    "patientid": "integer",
    "givenat": "moment",
    "pharmaid": "integer",
    "givendose": "number",
    "doseunit": "text",
}


def read(folder: Path, dictionary: Dictionary | None = None) -> Records:
    """Stays and events of a HiRID folder.

    Raises:
        DataError: the general table or every observation is missing, or a value does not fit its column.
    """
    import polars as pl

    dictionary = dictionary or read_concepts()
    wanted = dictionary.codes(DATABASE, alarms=True)["code"].to_list()
    general = _tables.table(folder, "general_table", _GENERAL)
    observed, given = _parts(folder, "observation", _OBSERVED), _parts(folder, "pharma", _GIVEN)
    if not observed:
        raise DataError("there are no observations", where=str(folder), do="Put observation_tables/ into the folder")
    known = stays(general, observed)
    frames = [_observations(source, wanted) for source in observed] + [_pharma(source, wanted) for source in given]
    found = pl.concat([as_events(frame, where=str(folder)) for frame in frames])
    events = pl.concat([found.filter(pl.col("code") != f"observation//{URINE_TOTAL}"), _added_urine(found)])
    return Records(
        DATABASE, known, events, notes=("HiRID does not say which stays are one patient's.",), where=str(folder)
    )


def stays(general: Source, observed: list[Source]) -> pl.DataFrame:
    """The stays of a general table; the end of each is its last observation."""
    import polars as pl

    with _tables.reading(*observed):
        last = pl.concat([source.scan().select("patientid", "datetime") for source in observed])
        ends = last.group_by("patientid").agg(pl.col("datetime").max().alias("end")).collect(engine="streaming")
    joined = _tables.read(general).join(ends, on="patientid", how="left")
    dead = (pl.col("discharge_status") == "dead").fill_null(False)
    return as_stays(
        joined.select(
            pl.col("patientid").alias("stay_id"),
            pl.col("patientid").alias("subject_id"),
            pl.col("admissiontime").alias("start"),
            "end",
            pl.when(dead).then("end").alias("death"),
            dead.alias("died"),
            "age",
            pl.col("sex").replace_strict({"F": "Female", "M": "Male"}, default=None).alias("sex"),
        ),
        where=str(general.path),
    )


def _parts(folder: Path, start: str, kinds: dict[str, Kind]) -> list[Source]:
    """Every part of a table: files whose path below the folder starts with its name."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name.lower().endswith(_tables.ENDINGS))
    return [Source(path, kinds) for path in paths if str(path.relative_to(folder)).lower().startswith(start)]


def _observations(source: Source, wanted: list[str]) -> pl.LazyFrame:
    import polars as pl

    code = pl.format("observation//{}", pl.col("variableid"))
    return (
        source.scan()
        .filter(code.is_in(wanted))
        .select(
            pl.col("patientid").alias("subject_id"),
            pl.col("datetime").alias("time"),
            code.alias("code"),
            pl.col("value").alias("numeric_value"),
            pl.col("stringvalue").alias("text_value"),
            pl.col("patientid").alias("stay_id"),
        )
    )


def _pharma(source: Source, wanted: list[str]) -> pl.LazyFrame:
    import polars as pl

    code = pl.format("pharma//{}", pl.col("pharmaid"))
    return (
        source.scan()
        .filter(code.is_in(wanted))
        .select(
            pl.col("patientid").alias("subject_id"),
            pl.col("givenat").alias("time"),
            code.alias("code"),
            pl.col("givendose").alias("numeric_value"),
            pl.col("patientid").alias("stay_id"),
            pl.col("doseunit").alias("unit"),
        )
    )


def _added_urine(events: pl.LazyFrame) -> pl.LazyFrame:
    """The running total of urine as what was added since the record before."""
    import polars as pl

    total = events.filter(pl.col("code") == f"observation//{URINE_TOTAL}").sort("stay_id", "time", "numeric_value")
    before = pl.col("numeric_value").shift(1).over("stay_id")
    added = pl.when(pl.col("numeric_value") >= before).then(pl.col("numeric_value") - before).otherwise("numeric_value")
    return total.with_columns(pl.when(before.is_null()).then("numeric_value").otherwise(added).alias("numeric_value"))
