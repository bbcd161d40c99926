"""Clock: everything of one set of stays on its own time, hour 0 the first in intensive care. What labels and criteria look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hilum.modalities.ehr.concepts import Dictionary
from hilum.modalities.ehr.grid import hour_of, hourly_cells, on_stay_clock
from hilum.modalities.ehr.measure import measure
from hilum.modalities.ehr.rules import Rules
from hilum.modalities.ehr.stays import place_in_stays

if TYPE_CHECKING:
    import polars as pl

OLDEST = 90.0
LONGEST_HOURS = 168


@dataclass(frozen=True)
class Clock:
    """A set of stays with what was measured in them.

    Attributes:
        stays: See `stays.py`, with `hours` (length, Float64), `last` (the last hour of the first seven days, Int64) and
            `death_hour` (of a death in this stay, Int64).
        static: stay_id, age (years), sex, height (cm), weight (kg).
        cells: stay_id, hour, one column an hourly concept: every hour with a measurement, those outside the window too.
        measured: stay_id, hour, time, concept, value, text, code, unit: concepts that only labels look at.
        rejected: concept, code, unit, reason, values: see `measure.py`.
        rules: How it was built.
    """

    stays: pl.DataFrame
    static: pl.DataFrame
    cells: pl.DataFrame
    measured: pl.DataFrame
    rejected: pl.DataFrame
    rules: Rules

    def column(self, concept: str) -> pl.DataFrame:
        """The cells of one concept that are filled: stay_id, hour, value; sorted."""
        import polars as pl

        return self.cells.select("stay_id", "hour", pl.col(concept).alias("value")).drop_nulls()


def clock_of(stays: pl.DataFrame, events: pl.DataFrame, database: str, dictionary: Dictionary, rules: Rules) -> Clock:
    """Put the events of some stays on their clock.

    Args:
        stays: See `stays.py`.
        events: See `events.py`; events of other stays are ignored.
        database: Whose codes these are.
        dictionary: What the codes mean.
        rules: Hour rule, alarm limits, length of a year.
    """
    import polars as pl

    codes = dictionary.codes(database, alarms=rules.counts_alarms)
    measured, rejected = measure(place_in_stays(events, stays), codes, unknown_units=rules.unknown_units)
    timed = on_stay_clock(measured, stays, hour_rule=rules.hour_rule)
    hourly, label = dictionary.ids("hourly"), dictionary.ids("label")
    return Clock(
        _with_hours(stays, rules),
        _static(stays, measured, dictionary, rules),
        hourly_cells(timed, dictionary, hourly),
        timed.filter(pl.col("concept").is_in(list(label))).sort("stay_id", "hour", "time", "concept", "code", "value"),
        rejected,
        rules,
    )


def _with_hours(stays: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    import polars as pl

    hours = (pl.col("end") - pl.col("start")).dt.total_microseconds() / 3.6e9
    death = hour_of(pl.col("death"), pl.col("start"), pl.lit(""), rules.hour_rule)
    return stays.with_columns(
        hours.alias("hours"),
        pl.min_horizontal(hours.floor().cast(pl.Int64), pl.lit(LONGEST_HOURS)).alias("last"),
        pl.when("died").then(death).alias("death_hour"),
    )


def _static(stays: pl.DataFrame, measured: pl.DataFrame, dictionary: Dictionary, rules: Rules) -> pl.DataFrame:
    """One row a stay: age in years (at most 90, as de-identified sources have it), sex, and the medians of the static concepts."""
    import polars as pl

    ids = dictionary.ids("static")
    values = (
        measured.filter(pl.col("concept").is_in(list(ids)))
        .group_by("stay_id", "concept")
        .agg(pl.col("value").median())
        .pivot(on="concept", on_columns=list(ids), index="stay_id", values="value", aggregate_function="first")
    )
    days = 365.0 if rules.year == "365 days" else 365.25
    lived = hour_of(pl.col("start"), pl.col("birth"), pl.lit(""), rules.hour_rule) / 24 / days
    age = pl.min_horizontal(pl.coalesce(lived, pl.col("age")), pl.lit(OLDEST))
    static = stays.select("stay_id", age.alias("age"), "sex")
    return static.join(values, on="stay_id", how="left").sort("stay_id")
