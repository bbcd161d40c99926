"""OMOP common data model 5.3 and 5.4: tables person, visit_detail, measurement, and death where there is one.

    visit_detail of intensive care + person + death -> stays      measurement -> events      code = omop//measurement_concept_id

Intensive care is visit_detail_concept_id 32037; another can be named. A measurement that names no visit detail is placed by time. A
patient died in a stay if the death lies within it, a day counted whole where the death has a date only. The dictionary's omop codes are
standard concept ids from memory: check them against your vocabulary. Tried on hand-written tables only.

Source: ohdsi.github.io/CommonDataModel (names of tables and columns).
"""

from __future__ import annotations

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

DATABASE = "omop"
INTENSIVE_CARE = 32037
SEXES = {8507: "Male", 8532: "Female"}


def read(folder: Path, dictionary: Dictionary | None = None, *, intensive_care: int = INTENSIVE_CARE) -> Records:
    """Stays and events of an OMOP folder.

    Raises:
        DataError: a table is missing, no visit is one of intensive care, or a value does not fit its column.
    """
    import polars as pl

    dictionary = dictionary or read_concepts()
    wanted = dictionary.codes(DATABASE, alarms=True)["code"].to_list()
    known = stays(folder, intensive_care=intensive_care)
    kinds: dict[str, Kind] = {
        "person_id": "integer",
        "measurement_concept_id": "integer",
        "measurement_datetime": "moment",
        "value_as_number": "number",
        "unit_source_value": "text",
        "visit_detail_id": "integer",
    }
    code = pl.format("omop//{}", pl.col("measurement_concept_id"))
    measured = _tables.table(folder, "measurement", kinds).scan().filter(code.is_in(wanted))
    inside = pl.col("visit_detail_id").is_in(known["stay_id"].implode())
    events = measured.select(
        pl.col("person_id").alias("subject_id"),
        pl.col("measurement_datetime").alias("time"),
        code.alias("code"),
        pl.col("value_as_number").alias("numeric_value"),
        pl.when(inside).then("visit_detail_id").alias("stay_id"),
        pl.col("unit_source_value").alias("unit"),
    )
    return Records(DATABASE, known, as_events(events, where=str(folder)), where=str(folder))


def stays(folder: Path, *, intensive_care: int = INTENSIVE_CARE) -> pl.DataFrame:
    """The stays of an OMOP folder; see `stays.py`."""
    import polars as pl

    visit: dict[str, Kind] = {
        "visit_detail_id": "integer",
        "person_id": "integer",
        "visit_detail_concept_id": "integer",
        "visit_detail_start_datetime": "moment",
        "visit_detail_end_datetime": "moment",
        "visit_occurrence_id": "integer",
    }
    visits = _tables.read(_tables.table(folder, "visit_detail", visit))
    visits = visits.filter(pl.col("visit_detail_concept_id") == intensive_care)
    if not visits.height:
        raise DataError(
            f"no visit_detail has the concept {intensive_care}",
            where=str(folder),
            do="Name yours: intensive_care = ...",
        )
    person: dict[str, Kind] = {
        "person_id": "integer",
        "gender_concept_id": "integer",
        "year_of_birth": "integer",
        "birth_datetime": "moment",
    }
    people = _tables.read(_tables.table(folder, "person", person)).unique("person_id")
    joined = visits.join(people, on="person_id", how="left").join(_deaths(folder), on="person_id", how="left")
    start, end = pl.col("visit_detail_start_datetime"), pl.col("visit_detail_end_datetime")
    died = (pl.col("death") >= start) & (pl.col("death") <= end.dt.truncate("1d") + pl.duration(days=1))
    birth = pl.coalesce("birth_datetime", pl.datetime(pl.col("year_of_birth"), 7, 1, time_unit="us"))
    return as_stays(
        joined.select(
            pl.col("visit_detail_id").alias("stay_id"),
            pl.col("person_id").alias("subject_id"),
            pl.col("visit_occurrence_id").alias("admission_id"),
            start.alias("start"),
            end.alias("end"),
            "death",
            died.fill_null(False).alias("died"),
            birth.alias("birth"),
            pl.col("gender_concept_id").replace_strict(SEXES, default=None, return_dtype=pl.String).alias("sex"),
        ),
        where=str(folder),
    )


def _deaths(folder: Path) -> pl.DataFrame:
    import polars as pl

    source = _tables.optional_table(folder, "death", {"person_id": "integer", "death_datetime": "moment"})
    if source is None:
        return pl.DataFrame(schema={"person_id": pl.Int64, "death": pl.Datetime("us")})
    return _tables.read(source).group_by("person_id").agg(pl.col("death_datetime").min().alias("death"))
