"""As table: a cohort as records that models of tables and of sequences read. A record is one hour of one stay.

    item       STAY-HOUR, the hour with three digits ("201006-024")          sequence   the stay        step   the hour
    subject    whose stay it is; null where that is not known               site       the hospital, where it is known
    target     class index or number; null where nothing is asked: such an hour is context, it is read and not scored
    features   age (years), male (1, 0; null where unknown), height (cm), weight (kg), then the hourly variables

A task with one outcome a stay asks once, at the last hour of the window: that is when it predicts. `hours = "all"` asks for the same
outcome at every hour, which is another question (how early is it seen?) and weighs long stays more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hilum.core.data import Field
from hilum.core.errors import unknown
from hilum.modalities.ehr.cohort import Cohort, unjudgeable
from hilum.modalities.table.sample import Table

if TYPE_CHECKING:
    import polars as pl

    from hilum.modalities.ehr.task_file import CohortTask

HOURS = ("asked", "all")
STATIC = ("age", "male", "height", "weight")
NO_EVENT = ("no event", "event")
# What a dataset of cohorts provides: a task takes the outcome as classes or as a number, a count takes the cohort.
PROVIDES: Mapping[str, Field] = {
    "input": Field("hours", "table"),
    "label": Field("outcome", "classes"),
    "target": Field("outcome", "number"),
    "cohort": Field("stays", "cohort"),
}


def table_of(cohort: Cohort, task: CohortTask | None = None, *, hours: str = "asked") -> Table:
    """The hours of a cohort as a table of records.

    Args:
        cohort: What was built or read.
        task: Names the classes and the variables that the label is made from; without it the classes are "no event" and "event".
        hours: Where the outcome of a task with one a stay stands: "asked" = at the last hour of each stay's window, "all" = at every one.

    Returns:
        One record an hour in the order of the items. `unjudgeable` says why no model can be judged on it; it can be counted all the same.

    Raises:
        UsageError: `hours` is neither of the two.
    """
    import polars as pl

    if hours not in HOURS:
        raise unknown("choice of hours", hours, HOURS, where=f"cohort '{cohort.name}' of {cohort.database}")
    stay = pl.col("stay_id").cast(pl.String)
    # Records are ordered by their ids as text, so stays are; sorting them is cheaper than sorting hours.
    rank = pl.col("sequence").rank("dense").alias("rank")
    frame = cohort.hourly.join(_of_stays(cohort).with_columns(stay.alias("sequence")).with_columns(rank), on="stay_id")
    frame = _with_target(frame, cohort, hours).sort("rank", "hour")
    rows = frame.select(
        pl.format("{}-{}", "sequence", pl.col("hour").cast(pl.String).str.zfill(3)).alias("item"),
        "subject",
        "target",
        "sequence",
        pl.col("hour").cast(pl.Float64).alias("step"),
        *(["site"] if "site" in frame.columns else []),
        "group:sex",
        "group:age band",
    )
    left_out = cohort.attrition.filter(pl.col("excluded") > 0).select("criterion", "excluded")
    return Table(
        f"{cohort.name}-{cohort.database}",
        rows,
        frame.select(*STATIC, *(name for name in cohort.variables if name not in STATIC)),
        classes=() if cohort.kind != "classify" else (task.classes if task and task.classes else NO_EVENT),
        target="outcome",
        unit=cohort.unit,
        attrition=tuple((f"stays: {why}", int(count)) for why, count in left_out.rows()),
        made_from=() if task is None else task.made_from,
        notes=cohort.notes,
        static=STATIC,
        unjudgeable=unjudgeable(cohort),
    )


def _of_stays(cohort: Cohort) -> pl.DataFrame:
    """What every hour of a stay shares: stay_id, subject, site (where one is known), the static features and subgroups."""
    import polars as pl

    age, sex = pl.col("age"), pl.col("sex")
    band = (
        pl.when(age < 18)
        .then(pl.lit("under 18"))
        .when(age < 50)
        .then(pl.lit("18 to 49"))
        .when(age < 65)
        .then(pl.lit("50 to 64"))
        .when(age < 80)
        .then(pl.lit("65 to 79"))
        .when(age >= 80)
        .then(pl.lit("80 and older"))
    )
    static = cohort.static.select(
        "stay_id",
        "age",
        (sex == "Male").cast(pl.Float64).alias("male"),
        "height",
        "weight",
        sex.str.to_lowercase().alias("group:sex"),
        band.alias("group:age band"),
    )
    known = cohort.stays["hospital"].null_count() < cohort.stays.height
    site = [pl.col("hospital").alias("site")] if known else []
    who = cohort.stays.select("stay_id", pl.col("subject_id").cast(pl.String).alias("subject"), *site)
    return static.join(who, on="stay_id")


def _with_target(frame: pl.DataFrame, cohort: Cohort, hours: str) -> pl.DataFrame:
    import polars as pl

    if cohort.label_is == "hourly":
        asked = cohort.outcome.select("stay_id", "hour", pl.col("label").alias("target"))
        return frame.join(asked, on=["stay_id", "hour"], how="left")
    once = frame.join(cohort.outcome.select("stay_id", pl.col("label").alias("target")), on="stay_id", how="left")
    if hours == "all":
        return once
    last = pl.col("hour") == pl.col("hour").max().over("stay_id")
    return once.with_columns(pl.when(last).then("target").alias("target"))
