"""KDIGO: acute kidney injury from creatinine and urine, hour by hour; the onset is the first hour at stage 1 or above.

    creatinine c (mg/dL), lowest of 7 days m7, of 48 hours m2 (both up to and with now, the far end open):
        stage 3   c >= 3 m7, or c >= 4 and (c >= m2 + 0.3 or c >= 1.5 m7)
        stage 2   c >= 2 m7
        stage 1   c >= m2 + 0.3, or c >= 1.5 m7
    urine u over w hours (mL/kg/h), from hour w of the stay on:
        stage 3   u(24) < 0.3, or u(12) = 0        stage 2   u(12) < 0.5        stage 1   u(6) < 0.5

`urine_rate` says what u(w) is:

    spread   each record's volume is spread over the hours since the record before (at most 24, the first over one); u(w) is the mean of
             the w hours, and is judged only where records cover all of them
    mean     the volumes of the w hours divided by w: an hour without a record counts as an hour without urine
    yaib     r = volume / (hours since the record before + 1), the first record and gaps over 24 h count as 1 hour; u(w) is the SUM of
             the r in the window, not divided by w: about w times too large, so that the criterion rarely fires. A published quirk.
    yaib divided   the same sum divided by w: as the formula reads, but an hour without a record counts as one without urine although
             the record after it was divided by the hours since; it fires in most stays

`missing_weight`: without a weight the criterion is left out, or 75 kg is taken, or the volume is not divided at all (published quirk).

Source: KDIGO Clinical Practice Guideline for Acute Kidney Injury, Kidney Int Suppl 2:1-138 (2012), section 2.1. Windows and quirks:
those of the published cohorts of van de Water et al. (2024). Baseline from before the admission is not known; renal replacement is
not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.modalities.ehr.clock import Clock

if TYPE_CHECKING:
    import polars as pl

USUAL_WEIGHT_KG = 75.0
LONGEST_GAP_H = 24


def label(clock: Clock) -> pl.DataFrame:
    """Onset of acute kidney injury: stay_id, onset (hour, Int64, may be negative); only stays that have one."""
    import polars as pl

    stages = pl.concat([creatinine_stage(clock), urine_stage(clock)])
    onset = stages.filter(pl.col("stage") >= 1).group_by("stay_id").agg(pl.col("hour").min().alias("onset"))
    return onset.sort("stay_id")


def creatinine_stage(clock: Clock) -> pl.DataFrame:
    """Stage by creatinine at every hour that has one: stay_id, hour, stage (Int64)."""
    import polars as pl

    values = clock.column("crea").sort("stay_id", "hour")

    def lowest(hours: int) -> pl.Expr:
        return pl.col("value").rolling_min_by("hour", window_size=f"{hours}i", closed="right").over("stay_id")

    found = values.with_columns(lowest(7 * 24).alias("week"), lowest(48).alias("days"))
    now, week = pl.col("value"), pl.col("week")
    risen = (now >= pl.col("days") + 0.3) | (now >= 1.5 * week)
    stage = (
        pl.when((now >= 3 * week) | ((now >= 4) & risen))
        .then(3)
        .when(now >= 2 * week)
        .then(2)
        .when(risen)
        .then(1)
        .otherwise(0)
    )
    return found.select("stay_id", "hour", stage.cast(pl.Int64).alias("stage"))


def urine_stage(clock: Clock) -> pl.DataFrame:
    """Stage by urine at every hour where it is judged: stay_id, hour, stage (Int64)."""
    import polars as pl

    rule = clock.rules.urine_rate
    made = {"yaib": _published_rate, "yaib divided": _published_rate, "mean": _hourly_volume, "spread": _spread}
    rates = made[rule](_per_kg(clock))
    hour, rate = pl.col("hour"), pl.col("rate")

    def over(hours: int) -> pl.Expr:
        # In hundred-millionths, so that the sums of a sliding window do not depend on what slid out of it before.
        exact = (rate * 1e8).round().cast(pl.Int64)
        total = exact.rolling_sum_by("hour", window_size=f"{hours}i", closed="right").over("stay_id") / 1e8
        held = rate.is_not_null().cast(pl.Int64).rolling_sum_by("hour", window_size=f"{hours}i", closed="right")
        average = total if rule == "yaib" else total / hours
        enough = hour >= hours if rule != "spread" else (hour >= hours) & (held.over("stay_id") == hours)
        return pl.when(enough).then(average)

    found = rates.sort("stay_id", "hour").with_columns(
        over(24).alias("day"), over(12).alias("half"), over(6).alias("quarter")
    )
    stage = (
        pl.when((pl.col("day") < 0.3) | (pl.col("half") == 0))
        .then(3)
        .when(pl.col("half") < 0.5)
        .then(2)
        .when(pl.col("quarter") < 0.5)
        .then(1)
        .otherwise(0)
    )
    return found.select("stay_id", "hour", stage.cast(pl.Int64).alias("stage"))


def _per_kg(clock: Clock) -> pl.DataFrame:
    """Hours with a urine record: stay_id, hour, value (mL/kg; mL where the rule says not to divide)."""
    import polars as pl

    volume = clock.column("urine").join(clock.static.select("stay_id", "weight"), on="stay_id", how="left")
    stand_in = {"75 kg": USUAL_WEIGHT_KG, "undivided": 1.0, "no urine criterion": None}[clock.rules.missing_weight]
    weight = pl.coalesce(pl.col("weight"), pl.lit(stand_in, dtype=pl.Float64))
    return volume.select("stay_id", "hour", pl.col("value") / weight).drop_nulls().sort("stay_id", "hour")


def _since_last() -> pl.Expr:
    """Hours since the record before; null for the first."""
    import polars as pl

    return (pl.col("hour") - pl.col("hour").shift(1)).over("stay_id")


def _published_rate(volume: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    gap = _since_last() + 1
    hours = pl.when(gap.is_null() | (gap > LONGEST_GAP_H)).then(1).otherwise(gap)
    return volume.select("stay_id", "hour", (pl.col("value") / hours).alias("rate"))


def _hourly_volume(volume: pl.DataFrame) -> pl.DataFrame:
    """Every hour from the first record to the last, 0 where there is no record."""
    import polars as pl

    every = volume.group_by("stay_id").agg(pl.col("hour").min().alias("first"), pl.col("hour").max().alias("until"))
    hours = every.select("stay_id", pl.int_ranges("first", pl.col("until") + 1).alias("hour")).explode("hour")
    joined = hours.join(volume, on=["stay_id", "hour"], how="left")
    return joined.select("stay_id", "hour", pl.col("value").fill_null(0.0).alias("rate"))


def _spread(volume: pl.DataFrame) -> pl.DataFrame:
    """Every hour that a record covers: a record of the hours since the one before."""
    import polars as pl

    gap = pl.when(_since_last() > LONGEST_GAP_H).then(None).otherwise(_since_last()).fill_null(1)
    covered = volume.with_columns(gap.alias("hours"))
    each = covered.select(
        "stay_id",
        (pl.col("value") / pl.col("hours")).alias("rate"),
        pl.int_ranges(pl.col("hour") - pl.col("hours") + 1, pl.col("hour") + 1).alias("hour"),
    )
    return each.explode("hour").select("stay_id", "hour", "rate")
