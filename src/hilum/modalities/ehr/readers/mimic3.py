"""MIMIC-III 1.4: 26 tables of one hospital, 2001 to 2012, two charting systems (CareVue and MetaVision).

    ICUSTAYS + ADMISSIONS + PATIENTS + TRANSFERS -> stays      CHARTEVENTS, OUTPUTEVENTS  name their stay
                                                                LABEVENTS                  name the admission at most: placed by time

A patient died in a stay if the admission ended in death and the last unit before discharge is that stay's.
Prescriptions and many cultures carry a date only: they count at noon. Rows that CareVue flagged as errors are kept, as the published cohorts kept
them (`error` is empty in all but a few rows).

Source: Johnson et al., MIMIC-III, a freely accessible critical care database, Sci Data 3:160035 (2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.modalities.ehr.concepts import Dictionary, read_concepts
from hilum.modalities.ehr.events import as_events
from hilum.modalities.ehr.readers import _tables
from hilum.modalities.ehr.readers._tables import Kind, Source
from hilum.modalities.ehr.stays import Records, as_stays, place_in_admissions

if TYPE_CHECKING:
    import polars as pl

DATABASE = "mimic3"
_IDS: dict[str, Kind] = {"subject_id": "integer", "icustay_id": "integer", "itemid": "integer"}
_CHART: dict[str, Kind] = {**_IDS, "charttime": "moment", "value": "text", "valuenum": "number", "valueuom": "text"}
_NOON = "12h"


def read(folder: Path, dictionary: Dictionary | None = None, *, tables: Sequence[str] = ()) -> Records:
    """Stays and events of a MIMIC-III folder.

    Args:
        folder: Holds the tables as CSV, CSV.gz or parquet.
        dictionary: Only events that carry one of its codes are read; our dictionary without one.
        tables: Only these tables ("chart", "lab", "output", "input", "drug", "culture", "procedure"); all without.

    Raises:
        DataError: a table or column is missing, or a value does not fit its column.
    """
    import polars as pl

    dictionary = dictionary or read_concepts()
    wanted = dictionary.codes(DATABASE, alarms=True)["code"].to_list()
    known = stays(folder)
    parts = {name: make(folder, wanted, known) for name, make in _PARTS.items() if not tables or name in tables}
    frames = [as_events(frame, where=str(folder)) for found in parts.values() for frame in found]
    return Records(DATABASE, known, pl.concat(frames), where=str(folder))


def stays(folder: Path) -> pl.DataFrame:
    """The stays of a MIMIC-III folder; see `stays.py`."""
    import polars as pl

    icu = _tables.read(
        _tables.table(
            folder,
            "ICUSTAYS",
            {
                "subject_id": "integer",
                "hadm_id": "integer",
                "icustay_id": "integer",
                "intime": "moment",
                "outtime": "moment",
            },
        )
    )
    admissions = _tables.read(
        _tables.table(
            folder,
            "ADMISSIONS",
            {"hadm_id": "integer", "admittime": "moment", "deathtime": "moment", "hospital_expire_flag": "integer"},
        )
    )
    patients = _tables.read(
        _tables.table(folder, "PATIENTS", {"subject_id": "integer", "gender": "text", "dob": "moment"})
    )
    last = _last_unit(folder)
    joined = (
        icu.join(admissions.unique("hadm_id"), on="hadm_id", how="left")
        .join(patients.unique("subject_id"), on="subject_id", how="left")
        .join(last, on="hadm_id", how="left")
    )
    in_hospital = pl.col("hospital_expire_flag").fill_null(0) == 1
    return as_stays(
        joined.select(
            pl.col("icustay_id").alias("stay_id"),
            "subject_id",
            pl.col("hadm_id").alias("admission_id"),
            pl.col("admittime").alias("admitted"),
            pl.col("intime").alias("start"),
            pl.col("outtime").alias("end"),
            pl.when(in_hospital).then(pl.col("deathtime")).alias("death"),
            (in_hospital & (pl.col("last_stay") == pl.col("icustay_id"))).fill_null(False).alias("died"),
            pl.col("dob").alias("birth"),
            pl.col("gender").replace_strict({"F": "Female", "M": "Male"}, default=None).alias("sex"),
        ),
        where=str(folder),
    )


def _last_unit(folder: Path) -> pl.DataFrame:
    """hadm_id and the intensive-care stay of the last unit before discharge; null where that is a ward."""
    import polars as pl

    transfers = _tables.read(
        _tables.table(
            folder,
            "TRANSFERS",
            {"hadm_id": "integer", "icustay_id": "integer", "eventtype": "text", "intime": "moment"},
        )
    )
    units = transfers.filter(pl.col("eventtype") != "discharge").sort("hadm_id", "intime")
    return units.group_by("hadm_id", maintain_order=True).agg(pl.col("icustay_id").last().alias("last_stay"))


def _items(wanted: Sequence[str], prefix: str) -> list[int]:
    """The item numbers of one table among the wanted codes."""
    rest = [code.partition("//")[2] for code in wanted if code.startswith(f"{prefix}//")]
    return [int(item) for item in rest if item.isdigit()]


def _of_items(source: Source | None, wanted: Sequence[str], prefix: str) -> pl.LazyFrame | None:
    import polars as pl

    items = _items(wanted, prefix)
    if source is None or not items:
        return None
    frame = source.scan().filter(pl.col("itemid").is_in(items))
    return frame.with_columns(pl.format(f"{prefix}//{{}}", pl.col("itemid")).alias("code"))


def _charted(folder: Path, wanted: Sequence[str], known: pl.DataFrame) -> list[pl.LazyFrame]:
    import polars as pl

    frame = _of_items(_tables.table(folder, "CHARTEVENTS", _CHART), wanted, "chart")
    # The text is kept only where there is no number, or it says more than the number: verbal scores of intubated patients.
    return (
        []
        if frame is None
        else [frame.select("subject_id", "code", *_value("charttime"), pl.col("icustay_id").alias("stay_id"))]
    )


def _laboratory(folder: Path, wanted: Sequence[str], known: pl.DataFrame) -> list[pl.LazyFrame]:
    import polars as pl

    kinds: dict[str, Kind] = {
        "subject_id": "integer",
        "hadm_id": "integer",
        "itemid": "integer",
        "charttime": "moment",
        "value": "text",
        "valuenum": "number",
        "valueuom": "text",
    }
    frame = _of_items(_tables.table(folder, "LABEVENTS", kinds), wanted, "lab")
    if frame is None:
        return []
    named = frame.select("subject_id", "code", *_value("charttime"), pl.col("hadm_id").alias("admission_id"))
    return [place_in_admissions(named, known)]


def _outputs(folder: Path, wanted: Sequence[str], known: pl.DataFrame) -> list[pl.LazyFrame]:
    import polars as pl

    kinds: dict[str, Kind] = {**_IDS, "charttime": "moment", "value": "number", "valueuom": "text"}
    frame = _of_items(_tables.table(folder, "OUTPUTEVENTS", kinds), wanted, "output")
    if frame is None:
        return []
    number = (pl.col("charttime").alias("time"), pl.col("value").alias("numeric_value"))
    return [
        frame.select(
            "subject_id", "code", *number, pl.col("valueuom").alias("unit"), pl.col("icustay_id").alias("stay_id")
        )
    ]


def _value(time: str) -> tuple[pl.Expr, ...]:
    import polars as pl

    return (
        pl.col(time).alias("time"),
        pl.col("valuenum").alias("numeric_value"),
        pl.col("value").alias("text_value"),
        pl.col("valueuom").alias("unit"),
    )


_PARTS = {"chart": _charted, "lab": _laboratory, "output": _outputs}
