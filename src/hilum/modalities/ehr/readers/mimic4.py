"""MIMIC-IV 2.2 and 3.1: one hospital, 2008 on, one charting system; folders icu/ and hosp/.

    ICUSTAYS + ADMISSIONS + PATIENTS + TRANSFERS -> stays      the event tables: see `_mimic.py`

Age is that of the anchor year plus the years since. A patient died in a stay if the admission ended in death, its last unit before
discharge is one of intensive care, and the stay is the last of the admission. No test of ours has seen the real tables: names of
columns are public schema knowledge (physionet.org/content/mimiciv), tried on hand-written ones.

Source: Johnson et al., MIMIC-IV, a freely accessible electronic health record dataset, Sci Data 10:1 (2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.modalities.ehr.concepts import Dictionary, read_concepts
from hilum.modalities.ehr.readers import _mimic, _tables
from hilum.modalities.ehr.readers._tables import Kind
from hilum.modalities.ehr.stays import Records, as_stays

if TYPE_CHECKING:
    import polars as pl

LAYOUT = _mimic.Layout("mimic4", "stay_id", ("starttime", "stoptime"), "", "INPUTEVENTS", "PROCEDUREEVENTS")
INTENSIVE = "(?i)ICU|intensive care|CCU|coronary care"


def read(folder: Path, dictionary: Dictionary | None = None, *, tables: Sequence[str] = ()) -> Records:
    """Stays and events of a MIMIC-IV folder.

    Args:
        folder: Holds the tables as CSV, CSV.gz or parquet.
        dictionary: Only events that carry one of its codes are read; our dictionary without one.
        tables: Only these tables ("chart", "lab", "output", "input", "drug", "culture", "procedure"); all without.

    Raises:
        DataError: a table or column is missing, or a value does not fit its column.
    """
    return _mimic.read(folder, dictionary or read_concepts(), LAYOUT, stays(folder), tables)


def stays(folder: Path) -> pl.DataFrame:
    """The stays of a MIMIC-IV folder; see `stays.py`."""
    import polars as pl

    icu = _tables.read(
        _tables.table(
            folder,
            "ICUSTAYS",
            {
                "subject_id": "integer",
                "hadm_id": "integer",
                "stay_id": "integer",
                "intime": "moment",
                "outtime": "moment",
            },
        )
    )
    admission: dict[str, Kind] = {"hadm_id": "integer", "admittime": "moment", "deathtime": "moment"}
    admissions = _tables.read(_tables.table(folder, "ADMISSIONS", {**admission, "hospital_expire_flag": "integer"}))
    person: dict[str, Kind] = {
        "subject_id": "integer",
        "gender": "text",
        "anchor_age": "number",
        "anchor_year": "integer",
    }
    patients = _tables.read(_tables.table(folder, "PATIENTS", person))
    joined = (
        icu.join(admissions.unique("hadm_id"), on="hadm_id", how="left")
        .join(patients.unique("subject_id"), on="subject_id", how="left")
        .join(_last_unit(folder), on="hadm_id", how="left")
    )
    in_hospital = pl.col("hospital_expire_flag").fill_null(0) == 1
    final = pl.col("intime") == pl.col("intime").max().over("hadm_id")
    return as_stays(
        joined.select(
            "stay_id",
            "subject_id",
            pl.col("hadm_id").alias("admission_id"),
            pl.col("admittime").alias("admitted"),
            pl.col("intime").alias("start"),
            pl.col("outtime").alias("end"),
            pl.when(in_hospital).then(pl.col("deathtime")).alias("death"),
            (in_hospital & final & pl.col("intensive")).fill_null(False).alias("died"),
            (pl.col("anchor_age") + pl.col("intime").dt.year() - pl.col("anchor_year")).alias("age"),
            pl.col("gender").replace_strict({"F": "Female", "M": "Male"}, default=None).alias("sex"),
        ),
        where=str(folder),
    )


def _last_unit(folder: Path) -> pl.DataFrame:
    """hadm_id and whether the last unit before discharge is one of intensive care."""
    import polars as pl

    kinds: dict[str, Kind] = {"hadm_id": "integer", "eventtype": "text", "careunit": "text", "intime": "moment"}
    units = _tables.read(_tables.table(folder, "TRANSFERS", kinds)).filter(pl.col("eventtype") != "discharge")
    last = units.sort("hadm_id", "intime").group_by("hadm_id", maintain_order=True).agg(pl.col("careunit").last())
    return last.select("hadm_id", pl.col("careunit").str.contains(INTENSIVE).fill_null(False).alias("intensive"))
