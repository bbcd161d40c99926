"""Criteria: what a task file may include and exclude by. One number or text a stay each; the file compares it.

stay_hours            length of the stay in intensive care
measured_hours        hours of the grid that hold any of the variables, outside the window too
longest_gap_hours     longest run of hours without any, from hour 0 to the end of the stay or of the seventh day
age                   years
sex                   "Female" or "Male"
death_hour            hour of a death in this stay; missing where the patient left alive
onset_hour            first hour of the label's event; missing where it never comes
baseline_creatinine   mg/dL, lowest up to and with the first value in intensive care
label                 the label, where there is one a stay
hospital_prevalence   share of the stays of the same hospital that ever have the event
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hilum.core.errors import UsageError, unknown
from hilum.modalities.ehr.clock import Clock

if TYPE_CHECKING:
    import polars as pl

FACTS = (
    *("stay_hours", "measured_hours", "longest_gap_hours", "age", "sex", "death_hour", "onset_hour"),
    *("baseline_creatinine", "label", "hospital_prevalence"),
)
COMPARISONS = ("below", "above", "is", "missing")


@dataclass(frozen=True)
class Criterion:
    """One step of a cohort: stays that meet it go (exclude) or stay (include).

    Attributes:
        say: In words, as the attrition table prints it.
        fact: One of `FACTS`.
        comparison: "below", "above", "is" or "missing".
        value: What is compared with; None for "missing".
        keep: "include" keeps the stays that meet it, "exclude" those that do not.
    """

    say: str
    fact: str
    comparison: str
    value: float | str | None
    keep: str

    def excluded(self) -> pl.Expr:
        """True for stays that this step takes out; a missing fact meets "missing" only."""
        import polars as pl

        fact = pl.col(self.fact)
        met = {
            "below": lambda: fact < self.value,
            "above": lambda: fact > self.value,
            "is": lambda: fact == self.value,
            "missing": fact.is_null,
        }[self.comparison]().fill_null(False)
        return met if self.keep == "exclude" else ~met


def criterion_from(entry: Mapping[str, Any], *, where: str) -> Criterion:
    """A criterion of a task file.

    Raises:
        UsageError: it includes and excludes, or neither; the fact or comparison does not exist; the value does not fit.
    """
    keeps = [key for key in ("include", "exclude") if key in entry]
    if len(keeps) != 1:
        raise UsageError("a criterion includes or excludes", where=where, do='Write exclude = "age" (or include = ...)')
    fact = str(entry[keeps[0]])
    if fact not in FACTS:
        raise unknown("fact", fact, FACTS, where=where)
    compared = [key for key in entry if key not in {"say", keeps[0]}]
    for key in compared:
        if key not in COMPARISONS:
            raise unknown("comparison", key, COMPARISONS, where=where)
    if len(compared) != 1:
        raise UsageError(
            f"'{fact}' is compared {len(compared)} times", where=where, do="Write one of below, above, is, missing"
        )
    comparison, value = compared[0], entry[compared[0]]
    fits = {
        "missing": value is True,
        "is": isinstance(value, str) if fact == "sex" else isinstance(value, int | float),
    }.get(comparison, isinstance(value, int | float) and not isinstance(value, bool) and fact != "sex")
    if not fits:
        raise UsageError(
            f"'{fact}' cannot be {comparison} {value!r}", where=where, do='below = 18, is = "Female", missing = true'
        )
    kept = None if comparison == "missing" else value
    say = str(entry.get("say", f"{fact} {comparison}" + ("" if kept is None else f" {kept}")))
    return Criterion(say, fact, comparison, kept, keeps[0])


def facts(clock: Clock) -> pl.DataFrame:
    """stay_id and the facts that need no label: one row a stay."""
    import polars as pl

    stays = clock.stays.select("stay_id", pl.col("hours").alias("stay_hours"), pl.col("death_hour"), "hospital")
    parts = (
        measured_hours(clock),
        longest_gap(clock),
        baseline_creatinine(clock),
        clock.static.select("stay_id", "age", "sex"),
    )
    for part in parts:
        stays = stays.join(part, on="stay_id", how="left")
    return stays.with_columns(pl.col("measured_hours").fill_null(0)).sort("stay_id")


def measured_hours(clock: Clock) -> pl.DataFrame:
    """stay_id, measured_hours."""
    import polars as pl

    return clock.cells.group_by("stay_id").agg(pl.len().cast(pl.Int64).alias("measured_hours"))


def longest_gap(clock: Clock) -> pl.DataFrame:
    """stay_id, longest_gap_hours: between measured hours, and from the ends of the window to them."""
    import polars as pl

    windows = clock.stays.filter(pl.col("last") >= 0).select("stay_id", "last")
    seen = clock.cells.select("stay_id", "hour").join(windows, on="stay_id")
    seen = seen.filter(pl.col("hour").is_between(0, pl.col("last"))).select("stay_id", "hour")
    before = windows.select("stay_id", pl.lit(-1, dtype=pl.Int64).alias("hour"))
    after = windows.select("stay_id", (pl.col("last") + 1).alias("hour"))
    marks = pl.concat([before, seen, after]).sort("stay_id", "hour")
    gap = (pl.col("hour") - pl.col("hour").shift(1) - 1).over("stay_id")
    return marks.with_columns(gap.alias("gap")).group_by("stay_id").agg(pl.col("gap").max().alias("longest_gap_hours"))


def baseline_creatinine(clock: Clock) -> pl.DataFrame:
    """stay_id, baseline_creatinine (mg/dL); only stays with a creatinine."""
    import polars as pl

    values = clock.column("crea")
    first = pl.col("hour").filter(pl.col("hour") >= 0).min().over("stay_id")
    until = values.filter(first.is_null() | (pl.col("hour") <= first))
    return until.group_by("stay_id").agg(pl.col("value").min().alias("baseline_creatinine"))
