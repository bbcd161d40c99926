"""Kidney function of the second day: the median of the hourly creatinine cells of hours 25 to 48, mg/dL. One number a stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.modalities.ehr.clock import Clock

if TYPE_CHECKING:
    import polars as pl

AFTER_H, UNTIL_H = 24, 48


def label(clock: Clock) -> pl.DataFrame:
    """stay_id, label (Float64, mg/dL); only stays with a creatinine in (24, 48] h."""
    import polars as pl

    day = clock.column("crea").filter((pl.col("hour") > AFTER_H) & (pl.col("hour") <= UNTIL_H))
    return day.group_by("stay_id").agg(pl.col("value").median().alias("label")).sort("stay_id")
