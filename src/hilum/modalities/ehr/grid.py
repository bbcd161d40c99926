"""Grid: measurements on the clock of a stay, one row an hour, one column a concept.

    floor   hour = floor((time - start) / 1 h)          hour 0 is the first hour in intensive care; what came before is negative
    trunc   hour = truncated towards zero               the hour BEFORE admission falls into hour 0 as well: a published quirk.
            Laboratory events then count from the start rounded to the whole minute, another one.

    cell = median (sum for urine) of the plausible values of that stay, concept and hour; null where there is none

`floor` is the default: `trunc` shows a model what was measured before admission as if it belonged to the first hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hilum.core.errors import unknown
from hilum.modalities.ehr.concepts import Dictionary

if TYPE_CHECKING:
    import polars as pl

HOUR_RULES = ("floor", "trunc")


def on_stay_clock(measured: pl.DataFrame, stays: pl.DataFrame, *, hour_rule: str = "floor") -> pl.DataFrame:
    """Measurements with their hour.

    Args:
        measured: stay_id, time, code and others.
        stays: See `stays.py`.
        hour_rule: "floor" or "trunc", as in the head.

    Returns:
        The same rows that belong to a known stay and have a time, with `hour` (Int64).
    """
    import polars as pl

    if hour_rule not in HOUR_RULES:
        raise unknown("hour rule", hour_rule, HOUR_RULES)
    joined = measured.filter(pl.col("time").is_not_null()).join(stays.select("stay_id", "start"), on="stay_id")
    return joined.with_columns(hour_of(pl.col("time"), pl.col("start"), pl.col("code"), hour_rule).alias("hour")).drop(
        "start"
    )


def hour_of(time: pl.Expr, start: pl.Expr, code: pl.Expr, hour_rule: str) -> pl.Expr:
    """The hour of an event on the clock of a stay, Int64."""
    import polars as pl

    hour = 3_600_000_000
    if hour_rule == "floor":
        return (time - start).dt.total_microseconds().floordiv(hour)
    minute = start.dt.offset_by("30s").dt.truncate("1m")
    origin = pl.when(code.str.starts_with("lab//")).then(minute).otherwise(start)
    away = (time - origin).dt.total_microseconds()
    return away.sign() * away.abs().floordiv(hour)


def hourly_cells(measured: pl.DataFrame, dictionary: Dictionary, ids: Sequence[str]) -> pl.DataFrame:
    """One row a stay and hour that hold any of the concepts.

    Args:
        measured: As `on_stay_clock` returns it.
        dictionary: Says how the values of an hour become one.
        ids: The concepts, which become the columns.

    Returns:
        stay_id, hour, and one Float64 column a concept; sorted by stay and hour.
    """
    import polars as pl

    keys = ["stay_id", "hour"]
    sums = [id for id in ids if dictionary.concepts[id].aggregate == "sum"]
    of_these = measured.filter(pl.col("concept").is_in(list(ids)))
    value = pl.col("value")
    # Sums are taken in the order of the values: the same bits whatever the order of the rows.
    cell = pl.when(pl.col("concept").first().is_in(sums)).then(value.sort().sum()).otherwise(value.median())
    long = of_these.group_by(*keys, "concept").agg(cell.alias("value"))
    wide = long.pivot(on="concept", on_columns=list(ids), index=keys, values="value", aggregate_function="first")
    return wide.select(*keys, *(pl.col(id).cast(pl.Float64) for id in ids)).sort(keys)


def on_every_hour(cells: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """Cells on a full grid: one row for every hour 0, 1, ..., last of each stay.

    Args:
        cells: As `hourly_cells` returns it.
        windows: stay_id, last (the last hour, Int64; below 0 there is no row).

    Returns:
        stay_id, hour and the columns of `cells`; sorted by stay and hour.
    """
    import polars as pl

    hours = windows.filter(pl.col("last") >= 0).select("stay_id", pl.int_ranges(0, pl.col("last") + 1).alias("hour"))
    grid = hours.explode("hour").with_columns(pl.col("hour").cast(pl.Int64))
    return grid.join(cells, on=["stay_id", "hour"], how="left").sort("stay_id", "hour")
