"""MIMIC-III 1.4: 26 tables of one hospital, 2001 to 2012, two charting systems (CareVue and MetaVision).

    ICUSTAYS + ADMISSIONS + PATIENTS + TRANSFERS -> stays      the event tables: see `_mimic.py`

A patient died in a stay if the admission ended in death and the last unit before discharge is that stay's. Rows flagged as errors are
kept, as the published cohorts kept them.

Source: Johnson et al., MIMIC-III, a freely accessible critical care database, Sci Data 3:160035 (2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.modalities.ehr.concepts import Dictionary, read_concepts
from hilum.modalities.ehr.readers import _mimic, _tables
from hilum.modalities.ehr.stays import Records, as_stays

if TYPE_CHECKING:
    import polars as pl

LAYOUT = _mimic.Layout(
    "mimic3", "icustay_id", ("startdate", "enddate"), "INPUTEVENTS_CV", "INPUTEVENTS_MV", "PROCEDUREEVENTS_MV"
)


def read(folder: Path, dictionary: Dictionary | None = None, *, tables: Sequence[str] = ()) -> Records:
    """Stays and events of a MIMIC-III folder.

    Args:
        folder: Holds the tables as CSV, CSV.gz or parquet.
        dictionary: Only events that carry one of its codes are read; our dictionary without one.
        tables: Only these tables ("chart", "lab", "output", "input", "drug", "culture", "procedure"); all without.

    Raises:
        DataError: a table or column is missing, or a value does not fit its column.
    """
    return _mimic.read(folder, dictionary or read_concepts(), LAYOUT, stays(folder), tables)


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
