"""Measure: events in the units of the dictionary, and a count of every one that is not used, with the reason.

    event --its code and unit--> a way to read it --(written + add) * times--> value --judged--> measurement, or a line of the count

    no number       the concept has a plausible range, and the event no number (text such as "<0.1", an empty cell)
    no time         the concept is measured hour by hour, and the event says no time
    unknown unit    the unit is none that the dictionary lists for this code: whether it was meant is for a person to say
    below, above    outside the plausible range, after conversion

The first that holds is the reason. Under the rule `unknown_units = "read as if known"` (how the published cohorts were made) a strange unit
is no reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hilum.modalities.ehr.concepts import Dictionary, code_pattern, plain_unit

if TYPE_CHECKING:
    import polars as pl

REJECTED = ("concept", "code", "unit", "reason", "values")
UNKNOWN_UNITS = ("left out", "read as if known")


def measure(
    events: pl.DataFrame, codes: pl.DataFrame, *, unknown_units: str = "left out"
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events in the concepts' units, and what was rejected.

    Args:
        events: See `events.py`.
        codes: `Dictionary.codes`.
        unknown_units: One of `UNKNOWN_UNITS`.

    Returns:
        Measurements: stay_id, time, concept, value (Float64), text (String), code, unit; and the rejected values: concept, code, unit (as
        written; null where there is none), reason, values (how many).
    """
    import polars as pl

    ways = ways_of(events, codes)
    columns = ("stay_id", "time", "code", "numeric_value", "text_value", "unit")
    joined = events.select(columns).join(ways.drop("in"), on=["code", "unit"], how="inner", nulls_equal=True)
    joined = joined.with_columns(((pl.col("numeric_value") + pl.col("add")) * pl.col("times")).alias("value"))
    joined = joined.drop("numeric_value", "add", "times")
    value = pl.col("value")
    ranged = pl.col("least").is_finite() | pl.col("most").is_finite()
    lost = {
        "no number": (value.is_null() | value.is_nan()) & ranged,
        "no time": pl.col("time").is_null() & ~pl.col("static"),
        "unknown unit": ~pl.col("known") & pl.lit(unknown_units == "left out"),
        "below": value < pl.col("least"),
        "above": value > pl.col("most"),
    }
    bad = pl.any_horizontal(list(lost.values())).fill_null(False)
    kept = joined.filter(~bad).select(
        "stay_id", "time", "concept", "value", pl.col("text_value").alias("text"), "code", "unit"
    )
    return kept, _counted(joined.filter(bad), lost, ways)


def ways_of(events: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    """How each code and unit that occurs is read.

    Returns:
        code, unit (as written, or null), concept, add, times, least, most, known (whether the dictionary lists the unit), in, static; one
        row a concept, for codes that stand for several.
    """
    import polars as pl

    exact, patterns = _indexed(codes)
    found: list[dict[str, Any]] = []
    for code, unit in events.select("code", "unit").unique().sort("code", "unit").iter_rows():
        rows = {row["concept"]: each for pattern, each in patterns if pattern.fullmatch(code) for row in each}
        for concept, each in {**rows, **exact.get(code, {})}.items():
            row, converted, known = _way(each, plain_unit(unit or ""))
            change = {"add": row["add"], "times": row["times"]} if converted else {"add": 0.0, "times": 1.0}
            limits = {name: row[name] for name in ("least", "most", "in", "static")}
            found.append({"code": code, "unit": unit, "concept": concept, **change, **limits, "known": known})
    text, number, flag = pl.String(), pl.Float64(), pl.Boolean()
    kinds = {"code": text, "unit": text, "concept": text, "add": number, "times": number, "least": number}
    return pl.DataFrame(found, schema={**kinds, "most": number, "in": text, "static": flag, "known": flag})


def _indexed(codes: pl.DataFrame) -> tuple[dict[str, dict[str, list[dict[str, Any]]]], list[tuple[Any, list[Any]]]]:
    """Code to concept to the ways it may be written; and the codes that are patterns, each with its rows."""
    exact: dict[str, dict[str, list[dict[str, Any]]]] = {}
    patterns = []
    for row in codes.iter_rows(named=True):
        if row["code"].endswith("*") or "//(?i)" in row["code"]:
            patterns.append((code_pattern(row["code"]), [row]))
        else:
            exact.setdefault(row["code"], {}).setdefault(row["concept"], []).append(row)
    return exact, patterns


def _way(rows: Sequence[Mapping[str, Any]], unit: str) -> tuple[Mapping[str, Any], bool, bool]:
    """Which of the ways a unit means, whether its conversion holds, and whether the unit is one that it may have."""
    for row in rows:
        if row["when_unit"] and unit.startswith(row["when_unit"]):
            return row, True, True
    for row in rows:
        if not unit or not row["units"] or unit in row["units"]:
            return row, not row["when_unit"], True
    return rows[0], not rows[0]["when_unit"], False


def _counted(lost: pl.DataFrame, reasons: Mapping[str, pl.Expr], ways: pl.DataFrame) -> pl.DataFrame:
    """The count of what was lost; rebuilt from its rows, so that it keeps no hold of the events."""
    import polars as pl

    first = pl.coalesce(*(pl.when(holds).then(pl.lit(name)) for name, holds in reasons.items()))
    keys = ["concept", "code", "unit"]
    counted = lost.group_by(*keys, first.alias("reason")).agg(pl.len().cast(pl.Int64).alias("values"))
    limits = ways.select(*keys, "least", "most", "in").unique()
    told = counted.join(limits, on=keys, how="left", nulls_equal=True).sort(*keys, "reason")
    rows = []
    for row in told.iter_rows(named=True):
        limit = row["least"] if row["reason"] == "below" else row["most"]
        reason = (
            f"{row['reason']} {limit:g} {row['in']}".strip() if row["reason"] in {"below", "above"} else row["reason"]
        )
        rows.append((row["concept"], row["code"], row["unit"], reason, row["values"]))
    return pl.DataFrame(rows, schema=rejected_schema(), orient="row").sort(REJECTED[:-1])


def in_words(rejected: pl.DataFrame, dictionary: Dictionary) -> pl.DataFrame:
    """Rejected values for people to read: variable, written as (code), unit, why, values; the most frequent first."""
    import polars as pl

    names = {id: concept.name for id, concept in dictionary.concepts.items()}
    told = rejected.select(
        pl.col("concept").replace(names).alias("variable"),
        pl.col("code").alias("written as"),
        pl.col("unit").fill_null("not stated"),
        pl.col("reason").alias("why"),
        "values",
    )
    return told.sort("values", "variable", "written as", "unit", "why", descending=[True, *[False] * 4])


def rejected_schema() -> dict[str, pl.DataType]:
    """Column to polars type of a table of rejected values."""
    import polars as pl

    return dict(zip(REJECTED, (*[pl.String()] * 4, pl.Int64()), strict=True))
