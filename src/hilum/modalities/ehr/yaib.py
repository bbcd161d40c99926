"""YAIB's triple: dyn.parquet, sta.parquet and outc.parquet in and out, so that cohorts made elsewhere work unchanged.

    dyn    stay_id, time (duration), one numeric column a variable: hourly grid
    sta    stay_id, age (years), sex, height (cm), weight (kg)
    outc   stay_id, [time], label
    attrition.csv beside them, where there is one: incl_n (stays left), excl_n_total (that meet the criterion, of all), excl_n
    (of those still in); its rows are not named

The published triple does not say whose a stay is. `stays` may be handed in (from the database); without it who is who is unknown. What
is written here has two more files, which YAIB does not look at: stays.parquet (stay_id, subject_id, hospital; where who is who
is known), which is read again, and rejected.csv.

Source: van de Water et al., Yet Another ICU Benchmark, ICLR 2024.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hilum.core.errors import DataError
from hilum.modalities.ehr.cohort import ATTRITION, Cohort
from hilum.modalities.ehr.measure import rejected_schema
from hilum.modalities.ehr.readers._tables import explain

if TYPE_CHECKING:
    import polars as pl

_COUNTS = {"excl_n_total": "excluded_alone", "excl_n": "excluded", "incl_n": "left"}
_STATIC = ("age", "sex", "height", "weight")


def read_triple(
    folder: Path, name: str, *, database: str, kind: str, unit: str = "", stays: pl.DataFrame | None = None
) -> Cohort:
    """Read a cohort.

    Args:
        folder: Holds the three parquet files.
        name: The task's name.
        database: Where the stays come from.
        kind: "classify" or "regress".
        unit: Of the label, where it is a number.
        stays: stay_id, subject_id and hospital of (at least) the cohort's stays; without it `stays.parquet`, where there is one.

    Raises:
        DataError: a file or column is missing, an hour stands twice or is no whole hour, or the files hold different stays.
    """
    import polars as pl

    if stays is None and (folder / "stays.parquet").is_file():
        stays = _parquet(folder / "stays.parquet")
    dyn, static, outcome = (_parquet(folder / f"{part}.parquet") for part in ("dyn", "sta", "outc"))
    where = str(folder)
    for frame, part, needed in (
        (dyn, "dyn", ("stay_id", "time")),
        (static, "sta", ("stay_id",)),
        (outcome, "outc", ("stay_id", "label")),
    ):
        for column in needed:
            if column not in frame.columns:
                raise DataError(f"the column '{column}' is missing", where=f"{where}/{part}.parquet")
    keys = ["stay_id", "hour"] if "time" in outcome.columns else ["stay_id"]
    label = _on_hours(outcome, where=f"{where}/outc.parquet") if "time" in outcome.columns else _ids(outcome, where)
    ids = label["stay_id"].unique().sort()
    return Cohort(
        name,
        database,
        kind,
        "hourly" if len(keys) == 2 else "one a stay",
        _numbers(_on_hours(dyn, where=f"{where}/dyn.parquet"), ["stay_id", "hour"], f"{where}/dyn.parquet"),
        _static(static, where),
        _numbers(label.select(*keys, "label"), keys, f"{where}/outc.parquet"),
        _who(ids, stays, where),
        _attrition(folder / "attrition.csv"),
        pl.DataFrame(schema=rejected_schema()),
        unit=unit,
        notes=() if stays is not None else ("The files do not say which stays are of one patient.",),
    )


def write_triple(cohort: Cohort, folder: Path) -> None:
    """Write a cohort as YAIB reads it, in the types of the published files; subjects, attrition and rejected values beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = id_type(cohort.stays["stay_id"])
    for frame, name in ((cohort.hourly, "dyn"), (cohort.static, "sta"), (cohort.outcome, "outc")):
        written = as_triple(frame.lazy(), cohort.kind, cohort.label_is, ids)
        written.collect().write_parquet(folder / f"{name}.parquet")
    write_beside(folder, cohort.stays, cohort.attrition, cohort.rejected)


def id_type(stay_ids: pl.Series) -> pl.DataType:
    """The type that the published files give to stay ids: Int32 where they fit."""
    import polars as pl

    largest = stay_ids.abs().max()
    return pl.Int32() if largest is None or int(largest) < 2**31 else pl.Int64()  # type: ignore[arg-type]


def as_triple(frame: pl.LazyFrame, kind: str, label_is: str, ids: pl.DataType) -> pl.LazyFrame:
    """A frame of a cohort in the columns and types of the published files.

    Hours become durations in ms. The label is Int32 (a class a stay), Boolean (a class an hour), or Float64 (a number).
    """
    import polars as pl

    names = frame.collect_schema().names()
    label = pl.Float64() if kind != "classify" else pl.Boolean() if label_is == "hourly" else pl.Int32()
    types = {"stay_id": pl.col("stay_id").cast(ids), "label": pl.col("label").cast(label)}
    types["hour"] = pl.duration(hours=pl.col("hour"), time_unit="ms").alias("time")
    return frame.select(types.get(name, pl.col(name)) for name in names)


def write_beside(folder: Path, stays: pl.DataFrame, attrition: pl.DataFrame, rejected: pl.DataFrame) -> None:
    """attrition.csv as the published files have it; whose the stays are, and what was rejected, in files of ours."""
    import polars as pl

    counts = attrition.select(pl.col(ours).alias(theirs) for theirs, ours in _COUNTS.items())
    counts.select("incl_n", "excl_n_total", "excl_n").write_csv(folder / "attrition.csv")
    if not stays["subject_id"].null_count():
        stays.write_parquet(folder / "stays.parquet")
    rejected.write_csv(folder / "rejected.csv")


def _parquet(path: Path) -> pl.DataFrame:
    import polars as pl

    if not path.is_file():
        raise DataError(
            "the file is missing", where=str(path), do="A cohort is dyn.parquet, sta.parquet and outc.parquet"
        )
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(error, str(path)) from error


def _ids(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    import polars as pl

    if not frame["stay_id"].dtype.is_integer() or frame["stay_id"].null_count():
        raise DataError("stay_id holds something else than whole numbers", where=where)
    return frame.with_columns(pl.col("stay_id").cast(pl.Int64))


def _on_hours(frame: pl.DataFrame, *, where: str) -> pl.DataFrame:
    """`time` (a duration, or a number of hours) as whole hours."""
    import polars as pl

    time = frame["time"]
    if time.dtype == pl.Duration:
        hours = time.dt.total_microseconds() / 3.6e9
    elif time.dtype.is_numeric():
        hours = time.cast(pl.Float64)
    else:
        raise DataError(f"'time' is {time.dtype}", where=where, do="Write a duration, or a number of hours")
    if time.null_count() or not bool((hours == hours.floor()).all()):
        raise DataError("'time' holds something else than whole hours", where=where)
    placed = _ids(frame, where).with_columns(hours.cast(pl.Int64).alias("hour")).drop("time")
    if placed.select("stay_id", "hour").is_duplicated().any():
        raise DataError("an hour of a stay stands twice", where=where, do="Keep one row an hour")
    return placed


def _numbers(frame: pl.DataFrame, keys: list[str], where: str) -> pl.DataFrame:
    import polars as pl

    values = [name for name in frame.columns if name not in keys]
    for name in values:
        if not (frame[name].dtype.is_numeric() or frame[name].dtype == pl.Boolean):
            raise DataError(f"'{name}' is {frame[name].dtype}, no number", where=where)
    return frame.select(*keys, *(pl.col(name).cast(pl.Float64).fill_nan(None) for name in values)).sort(keys)


def _static(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    import polars as pl

    kinds = {name: pl.String if name == "sex" else pl.Float64 for name in _STATIC}
    there = _ids(frame, f"{where}/sta.parquet")
    columns = ((pl.col(n) if n in there.columns else pl.lit(None)).cast(kind).alias(n) for n, kind in kinds.items())
    return there.select("stay_id", *columns).sort("stay_id")


def _who(ids: pl.Series, stays: pl.DataFrame | None, where: str) -> pl.DataFrame:
    import polars as pl

    cohort = ids.to_frame()
    if stays is None:
        nobody = (pl.lit(None, dtype=pl.Int64).alias("subject_id"), pl.lit(None, dtype=pl.String).alias("hospital"))
        return cohort.with_columns(nobody)
    for name in ("stay_id", "subject_id", "hospital"):
        if name not in stays.columns:
            raise DataError(f"the column '{name}' is missing", where=f"{where}, stays", do="Say whose each stay is")
    joined = cohort.join(stays.select("stay_id", "subject_id", "hospital"), on="stay_id", how="left").sort("stay_id")
    lacking = joined["subject_id"].null_count()
    if lacking:
        raise DataError(f"{lacking} stays have no subject", where=where, do="Hand in the stays of the same database")
    return joined


def _attrition(path: Path) -> pl.DataFrame:
    import polars as pl

    kinds = dict(zip(ATTRITION, (pl.String, pl.Int64, pl.Int64, pl.Int64), strict=True))
    if not path.is_file():
        return pl.DataFrame(schema=kinds)
    try:
        table = pl.read_csv(path)
        counts = table.select(pl.col(theirs).cast(pl.Int64).alias(ours) for theirs, ours in _COUNTS.items())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(error, str(path)) from error
    return counts.with_row_index("n", offset=1).select(pl.format("step {}", "n").alias("criterion"), *ATTRITION[1:])
