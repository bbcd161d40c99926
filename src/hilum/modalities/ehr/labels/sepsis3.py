"""Sepsis-3: organ failure that begins near a suspected infection. The onset is the hour at which the score has risen by 2.

    rise(t)   SOFA(t) - lowest SOFA of the stay up to t
    onset     first t with rise(t) >= 2 and s - 48 h <= t <= s + 24 h, s the first suspicion of infection

Source: Singer et al., JAMA 315:801-810 (2016); the reference of the rise as in the published cohorts of van de Water et al. (2024).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.modalities.ehr.clock import Clock
from hilum.modalities.ehr.labels import sofa, suspected_infection

if TYPE_CHECKING:
    import polars as pl

RISE = 2
BEFORE_H, AFTER_H = 48, 24


def label(clock: Clock) -> pl.DataFrame:
    """stay_id, onset (hour, Int64); only stays that have one."""
    import polars as pl

    suspicion = suspected_infection.label(clock).rename({"onset": "suspected"})
    scores = sofa.score(clock).sort("stay_id", "hour")
    rise = pl.col("sofa") - pl.col("sofa").cum_min().over("stay_id")
    near = (pl.col("hour") - pl.col("suspected")).is_between(-BEFORE_H, AFTER_H)
    risen = (
        scores.with_columns(rise.alias("rise")).join(suspicion, on="stay_id").filter((pl.col("rise") >= RISE) & near)
    )
    return risen.group_by("stay_id").agg(pl.col("hour").min().alias("onset")).sort("stay_id")
