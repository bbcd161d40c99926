"""Stays: one row an intensive-care stay, with whose it is. Folds are dealt by subject, so no stay comes without one.

stay_id       Int64          unique
subject_id    Int64          whose
admission_id  Int64          the hospital admission; null where the database knows none
hospital      String         null where there is one only
admitted      Datetime(us)   to the hospital; null where that is not known
start, end    Datetime(us)   of the stay in intensive care
death         Datetime(us)   when the patient died during this hospital admission; null otherwise
died          Boolean        in this stay: in intensive care, or discharged from there dead
birth         Datetime(us)   null where only the age is known
age           Float64        years at admission, where the database states it and not the birth
sex           String         "Female", "Male" or null
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.core.errors import DataError

if TYPE_CHECKING:
    import polars as pl

COLUMNS = (
    *("stay_id", "subject_id", "admission_id", "hospital", "admitted", "start", "end"),
    *("death", "died", "birth", "age", "sex"),
)
SEXES = ("Female", "Male")


def stay_schema() -> Mapping[str, pl.DataType]:
    """Column to polars type, in order."""
    import polars as pl

    moment = pl.Datetime("us")
    number = (pl.Int64(), pl.Int64(), pl.Int64())
    kinds = (*number, pl.String(), moment, moment, moment, moment, pl.Boolean(), moment, pl.Float64(), pl.String())
    return dict(zip(COLUMNS, kinds, strict=True))


@dataclass(frozen=True)
class Records:
    """What a reader returns: the stays at hand, the events on demand.

    Attributes:
        database: The layout, as the concept dictionary names it ("mimic3", "eicu", ...).
        stays: See the head of `stays.py`; sorted by stay_id.
        events: See `events.py`; lazy, so that only what is asked for is ever held.
        notes: What a reader of results should know of the reading.
        where: The folder or file, for errors.
        shards: Parquet files that hold the same events, all of a subject in one (see `meds.spool`); empty where there are none.
    """

    database: str
    stays: pl.DataFrame
    events: pl.LazyFrame
    notes: tuple[str, ...] = ()
    where: str = ""
    shards: tuple[Path, ...] = ()


def as_stays(frame: pl.DataFrame, *, where: str) -> pl.DataFrame:
    """Stays in the order of their ids, checked.

    Raises:
        DataError: a column is missing, an id is missing or stands twice, a stay has no start, or a sex is neither of the two.
    """
    import polars as pl

    for name in ("stay_id", "subject_id", "start", "end"):
        if name not in frame.columns:
            raise DataError(f"the column '{name}' is missing", where=where, do="See hilum.modalities.ehr.stays")
    schema = stay_schema()
    known = frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in schema.items()
    )
    for name in ("stay_id", "subject_id", "start"):
        lacking = known[name].null_count()
        if lacking:
            raise DataError(f"{lacking} stays have no {name}", where=where, do="A stay needs its id, subject and start")
    twins = known["stay_id"].is_duplicated()
    if twins.any():
        raise DataError(f"the stay {known['stay_id'].filter(twins)[0]} stands {int(twins.sum())} times", where=where)
    strange = known.filter(~pl.col("sex").is_in(SEXES))
    if strange.height:
        raise DataError(f"the sex is '{strange['sex'][0]}'", where=where, do="Write Female, Male or nothing")
    return known.sort("stay_id")


def until(start: pl.Expr, end: pl.Expr) -> pl.Expr:
    """The last moment that counts to a stay: its last hour is whole, and what is charted within it belongs to the stay."""
    import polars as pl

    hours = (end - start).dt.total_hours() + 1
    return start + pl.duration(hours=hours) - pl.duration(microseconds=1)


def place_in_stays(events: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Give events that name no stay the subject's first stay that has not ended before them; their hours may be negative.

    Events before the hospital admission of that stay, after a subject's last stay, and static ones belong to none and are left out:
    an outpatient's creatinine of last year is not the first of this stay.
    """
    import polars as pl

    named = events.filter(pl.col("stay_id").is_not_null())
    loose = events.filter(pl.col("stay_id").is_null() & pl.col("time").is_not_null()).drop("stay_id")
    ends = stays.filter(pl.col("end").is_not_null()).select(
        "stay_id", "subject_id", "admitted", until(pl.col("start"), pl.col("end")).alias("until")
    )
    placed = loose.sort("time").join_asof(
        ends.sort("until", "stay_id"),
        left_on="time",
        right_on="until",
        by="subject_id",
        strategy="forward",
        check_sortedness=False,
    )
    inside = pl.col("stay_id").is_not_null() & (pl.col("admitted").is_null() | (pl.col("time") >= pl.col("admitted")))
    return pl.concat([named, placed.filter(inside).select(events.columns)])


def place_in_admissions(events: pl.LazyFrame, stays: pl.DataFrame) -> pl.LazyFrame:
    """Give events that name a hospital admission, not a stay, the first stay of it that has not ended before them, else the last.

    Hours before the stay are negative (the emergency room); hours after it (the ward) lie beyond its last hour. Labels may look at
    both, models never see either.

    Args:
        events: With `admission_id` and `time`; lazy, and it stays so: no sorting, one join.
        stays: See the head.

    Returns:
        The events with `stay_id`, null where the admission is not named or has no stay.
    """
    import polars as pl

    last = until(pl.col("start"), pl.col("end"))
    spans = stays.filter(pl.col("end").is_not_null() & pl.col("admission_id").is_not_null())
    spans = spans.select("admission_id", "stay_id", last.alias("until")).sort("admission_id", "until", "stay_id")
    # From the end of the stay before to the end of this one; the first has no beginning, the last no end.
    final = pl.col("stay_id") == pl.col("stay_id").last().over("admission_id")
    spans = spans.with_columns(
        pl.col("until").shift(1).over("admission_id").alias("after"),
        pl.when(~final).then("until").alias("until"),
        pl.lit(True).alias("named"),
    )
    begun = pl.col("after").is_null() | (pl.col("time") > pl.col("after"))
    inside = begun & (pl.col("until").is_null() | (pl.col("time") <= pl.col("until")))
    joined = events.join(spans.lazy(), on="admission_id", how="left")
    return joined.filter(pl.col("named").is_null() | inside).drop("until", "after", "named")
