"""Suspected infection: antibiotics that go on, and a body fluid sampled for culture near their start. The earlier of the two is the onset.

    course     antibiotics from t for 72 h with no gap over 24 h; who dies or whose record ends within them needs them until then
    sampled    within 24 h before the first antibiotic, or up to 72 h after it
    onset      the earlier of antibiotic and culture

`suspected_infection = "antibiotics"` asks for the course alone (databases without cultures). `culture = "grown"` counts only cultures
that grew an organism, though a suspicion does not wait for the laboratory. `antibiotics = "given"` counts recorded infusions only: of
the MIMIC-III demo the published cohort holds sepsis in no stay charted with CareVue, where antibiotics are prescriptions, and holds
what infusions explain in those charted with MetaVision.

Source: Seymour et al., JAMA 315:762-774 (2016), as in the published cohorts of van de Water et al. (2024).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.modalities.ehr.clock import Clock

if TYPE_CHECKING:
    import polars as pl

COURSE_H, GAP_H = 72, 24
BEFORE_H, AFTER_H = 24, 72


def label(clock: Clock) -> pl.DataFrame:
    """stay_id, onset (hour, Int64; may lie before admission): the first suspicion of each stay."""
    import polars as pl

    return suspicions(clock).group_by("stay_id").agg(pl.col("onset").min()).sort("stay_id")


def suspicions(clock: Clock) -> pl.DataFrame:
    """stay_id, onset: every suspicion, sorted."""
    import polars as pl

    course = courses(clock)
    if clock.rules.suspected_infection == "antibiotics":
        return course.select("stay_id", pl.col("hour").alias("onset")).unique().sort("stay_id", "onset")
    taken = clock.measured.filter(pl.col("concept") == "culture")
    if clock.rules.culture == "grown":
        taken = taken.filter(pl.col("value") > 0)
    sampled = taken.select("stay_id", pl.col("hour").alias("sampled")).unique()
    both = course.join(sampled, on="stay_id").filter(
        (pl.col("sampled") - pl.col("hour")).is_between(-BEFORE_H, AFTER_H)
    )
    earlier = pl.min_horizontal("hour", "sampled").alias("onset")
    return both.select("stay_id", earlier).unique().sort("stay_id", "onset")


def courses(clock: Clock) -> pl.DataFrame:
    """stay_id, hour: antibiotic hours from which a course of 72 h goes on."""
    import polars as pl

    counted = clock.measured.filter(pl.col("concept") == "antibiotic")
    if clock.rules.antibiotics == "given":
        counted = counted.filter(~pl.col("code").str.contains("^(drug|medication)//"))
    given = counted.select("stay_id", "hour").unique().sort("stay_id", "hour")
    following = (pl.col("hour").shift(-1) - pl.col("hour")).over("stay_id")
    broken = following.is_null() | (following > GAP_H)
    # The last hour reached from each antibiotic without a gap: the next one behind which there is a gap.
    reach = pl.when(broken).then(pl.col("hour")).backward_fill().over("stay_id")
    ends = clock.stays.select("stay_id", pl.col("death_hour"))
    known = given.with_columns(broken.alias("broken")).with_columns(reach.alias("reach")).join(ends, on="stay_id")
    needed = pl.min_horizontal(pl.col("hour") + COURSE_H - GAP_H, pl.col("death_hour") - GAP_H)
    return known.filter(pl.col("reach") >= needed).select("stay_id", "hour")
