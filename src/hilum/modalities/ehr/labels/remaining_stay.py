"""Remaining length of stay: whole hours left in intensive care, at most 168, at every hour of the first seven days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.modalities.ehr.clock import LONGEST_HOURS, Clock

if TYPE_CHECKING:
    import polars as pl


def label(clock: Clock) -> pl.DataFrame:
    """stay_id, hour, label (Float64, hours): floor(length) - hour, at most 168."""
    import polars as pl

    hours = clock.stays.filter(pl.col("last") >= 0).select(
        "stay_id", pl.col("hours").floor().alias("length"), pl.int_ranges(0, pl.col("last") + 1).alias("hour")
    )
    left = pl.min_horizontal(pl.col("length") - pl.col("hour"), pl.lit(float(LONGEST_HOURS)))
    return hours.explode("hour").select("stay_id", pl.col("hour").cast(pl.Int64), left.cast(pl.Float64).alias("label"))
