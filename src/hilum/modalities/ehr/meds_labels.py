"""MEDS labels: the outcomes of a cohort as the Medical Event Data Standard, version 0.4, writes them, and back.

    subject_id Int64, prediction_time Datetime(us), and one of boolean_value Boolean, integer_value Int64, float_value Float32

A label may be predicted from what happened up to and with its prediction time: the last microsecond of the hour that the outcome is
asked at. A class is a boolean, a number a 32-bit float (one read back may differ in the eighth digit). The standard allows no further
column and no empty value: outcomes that are not known are left out, and which stay a label belongs to is found by time.

Source: Medical-Event-Data-Standard/meds 0.4.1, LabelSchema.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hilum.core.errors import DataError
from hilum.modalities.ehr.cohort import Cohort
from hilum.modalities.ehr.readers._tables import explain

if TYPE_CHECKING:
    import polars as pl

VALUES = ("boolean_value", "integer_value", "float_value")


def write_labels(cohort: Cohort, stays: pl.DataFrame, path: Path) -> None:
    """Write the labels of a cohort as one parquet file.

    Args:
        cohort: What was built.
        stays: stay_id, subject_id and start of its stays (`Records.stays`).
        path: Of the file.

    Raises:
        DataError: a stay has no subject or start.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    labels_of(cohort, stays).write_parquet(path)


def labels_of(cohort: Cohort, stays: pl.DataFrame) -> pl.DataFrame:
    """The labels of a cohort, in order of subject and time; see the head.

    Raises:
        DataError: a stay has no subject or start.
    """
    import polars as pl

    known = stays.select("stay_id", "subject_id", "start").drop_nulls()
    lacking = cohort.stays.join(known, on="stay_id", how="anti").height
    if lacking:
        raise DataError(
            f"{lacking} stays have no subject or start",
            where=f"cohort '{cohort.name}'",
            do="Hand in the stays it was built from",
        )
    asked = cohort.outcome.drop_nulls("label")
    if cohort.label_is != "hourly":
        asked = asked.join(cohort.hourly.group_by("stay_id").agg(pl.col("hour").max()), on="stay_id")
    label = pl.col("label")
    value = (label == 1).alias(VALUES[0]) if cohort.kind == "classify" else label.cast(pl.Float32).alias(VALUES[2])
    last = pl.col("start") + pl.duration(hours=pl.col("hour") + 1, microseconds=-1, time_unit="us")
    told = asked.join(known, on="stay_id").select("subject_id", last.alias("prediction_time"), value)
    return told.sort("subject_id", "prediction_time")


def read_labels(path: Path) -> pl.DataFrame:
    """Labels of a file, or of every file of a folder: subject_id, prediction_time, label (Float64), sorted.

    Raises:
        DataError: there is none, a column is missing, of another type or empty, or the value is none of boolean, integer and float.
    """
    import polars as pl

    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise DataError("there are no labels", where=str(path), do="Give a parquet file, or a folder of them")
    try:
        return pl.concat([_labels(pl.read_parquet(file), str(file)) for file in files]).sort(
            "subject_id", "prediction_time"
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(error, str(path)) from error


def _labels(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    import polars as pl

    values = [name for name in VALUES if name in frame.columns and frame[name].null_count() < max(frame.height, 1)]
    if len(values) != 1:
        raise DataError(
            f"{len(values)} columns of values are filled", where=where, do=f"Labels have one of {', '.join(VALUES)}"
        )
    for name, fits in (
        ("subject_id", lambda kind: kind.is_integer()),
        ("prediction_time", lambda kind: isinstance(kind, pl.Datetime)),
        (values[0], lambda kind: kind.is_numeric() or kind == pl.Boolean),
    ):
        if name not in frame.columns:
            raise DataError(f"the column '{name}' is missing", where=where, do="See hilum.modalities.ehr.meds_labels")
        if not fits(frame[name].dtype):
            raise DataError(f"'{name}' is {frame[name].dtype}", where=where, do="Convert the column")
        if frame[name].null_count():
            raise DataError(f"'{name}' is empty in {frame[name].null_count()} rows", where=where, do="Leave them out")
    time = pl.col("prediction_time").cast(pl.Datetime("us"))
    return frame.select(pl.col("subject_id").cast(pl.Int64), time, pl.col(values[0]).cast(pl.Float64).alias("label"))


def on_stays(labels: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Which stay and hour each label belongs to: the subject's last stay that has begun by then.

    Args:
        labels: As `read_labels` returns them.
        stays: stay_id, subject_id and start.

    Returns:
        stay_id, hour (Int64), label; sorted. Labels of before any stay are left out.
    """
    import polars as pl

    begun = stays.select("stay_id", "subject_id", "start").sort("start", "stay_id")
    placed = labels.sort("prediction_time").join_asof(
        begun, left_on="prediction_time", right_on="start", by="subject_id", strategy="backward", check_sortedness=False
    )
    hour = (pl.col("prediction_time") - pl.col("start")).dt.total_hours().alias("hour")
    return placed.drop_nulls("stay_id").select("stay_id", hour, "label").sort("stay_id", "hour")
