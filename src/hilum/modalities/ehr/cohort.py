"""Cohort: stays with what a model may see of them, their outcome, whose they are, and who was left out.

    records --clock--> cells, static --label--> outcome --criteria, in order--> attrition --window--> hourly, static, outcome

Subjects come with the stays because folds are dealt by patient, never by stay: one patient's two stays are no two strangers.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from hilum.core.errors import DataError, UsageError
from hilum.modalities.ehr import criteria
from hilum.modalities.ehr.clock import Clock, clock_of
from hilum.modalities.ehr.concepts import Dictionary, read_concepts
from hilum.modalities.ehr.events import as_events, event_schema
from hilum.modalities.ehr.grid import on_every_hour
from hilum.modalities.ehr.measure import REJECTED
from hilum.modalities.ehr.rules import Rules
from hilum.modalities.ehr.stays import Records
from hilum.modalities.ehr.task_file import CohortTask

if TYPE_CHECKING:
    import polars as pl

ATTRITION = ("criterion", "excluded_alone", "excluded", "left")
FEWEST_OF_A_CLASS = 5


@dataclass(frozen=True)
class Cohort:
    """One task on one database.

    Attributes:
        name: The task's name.
        database: Where the stays come from.
        kind: "classify" or "regress".
        label_is: "one a stay" or "hourly".
        unit: Of the label, where it is a number.
        hourly: stay_id, hour, one Float64 column a variable (null = not measured): every hour of the window, sorted.
        static: stay_id, age (years), sex, height (cm), weight (kg), sorted.
        outcome: stay_id, [hour], label (Float64), sorted.
        stays: stay_id, subject_id, hospital, sorted; subject_id is null where who is who is not known.
        attrition: criterion, excluded_alone (stays that meet it, of all), excluded (of those still in), left.
        rejected: concept, code, unit, reason, values: measurements of all stays that were not used (see `measure.py`).
        rules: How it was built, setting by setting; None where a published cohort was read.
        notes: What a reader of results should know.
    """

    name: str
    database: str
    kind: str
    label_is: str
    hourly: pl.DataFrame
    static: pl.DataFrame
    outcome: pl.DataFrame
    stays: pl.DataFrame
    attrition: pl.DataFrame
    rejected: pl.DataFrame
    rules: Rules | None = None
    unit: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse frames that do not belong together."""
        where = f"cohort '{self.name}' of {self.database}"
        ids = self.stays["stay_id"]
        for name in ("static", "outcome", "hourly"):
            found = getattr(self, name)["stay_id"].unique().sort()
            if not found.equals(ids.sort(), null_equal=False, check_dtypes=False, check_names=False):
                raise DataError(f"'{name}' and 'stays' do not hold the same stays", where=where)

    @property
    def variables(self) -> tuple[str, ...]:
        """The hourly variables."""
        return tuple(name for name in self.hourly.columns if name not in {"stay_id", "hour"})

    @property
    def positive_stays(self) -> int:
        """Stays whose label is ever 1 (classification)."""
        import polars as pl

        return int(self.outcome.group_by("stay_id").agg(pl.col("label").max() == 1)["label"].sum())


def build(
    records: Records,
    task: CohortTask,
    rules: Rules | str = "clean",
    *,
    dictionary: Dictionary | None = None,
    subjects_a_chunk: int = 0,
) -> Cohort:
    """Build the cohort of a task.

    Args:
        records: Stays and events, as a reader returns them.
        task: What to build.
        rules: A preset of the task ("clean", "yaib"), or single choices.
        dictionary: What the codes mean; ours without one.
        subjects_a_chunk: Only the events of so many subjects are ever held; 0 = all at once. The cohort is the same. Records that were
            put through `meds.spool` come a file at a time, and the source is not passed once a chunk. The cohort is still held whole:
            `large.build_to` and `large.build_chunks` hold a chunk of it.

    Raises:
        DataError: no stay is left, or the database carries none of the variables.
    """
    import polars as pl

    dictionary = dictionary or read_concepts()
    chosen = task.rules_of(rules) if isinstance(rules, str) else rules
    parts = list(parts_of(records, task, chosen, dictionary, subjects_a_chunk=subjects_a_chunk))
    kept, attrition = choose(pl.concat([part.facts for part in parts]), task, where=records.where)
    whole = Part(*(pl.concat([getattr(part, each.name) for part in parts]) for each in fields(Part)))
    return cohort_of(whole, records, task, chosen, kept, attrition)


def cohort_of(
    part: Part, records: Records, task: CohortTask, rules: Rules, kept: pl.DataFrame, attrition: pl.DataFrame
) -> Cohort:
    """The cohort of what was built, without the stays that the criteria take out.

    Args:
        part: Of all stays, or of some subjects.
        records: Whose stays they are.
        task: What was built.
        rules: How.
        kept: stay_id of the stays that the criteria leave, of these subjects at least.
        attrition: Of all stays.
    """
    these = kept.join(part.static, on="stay_id", how="semi")

    def of_these(frame: pl.DataFrame, *order: str) -> pl.DataFrame:
        return frame.join(these, on="stay_id", how="semi").sort(*order)

    return Cohort(
        task.name,
        records.database,
        task.kind,
        task.label_is,
        of_these(part.hourly, "stay_id", "hour"),
        of_these(part.static, "stay_id"),
        of_these(part.outcome, *(("stay_id", "hour") if task.label_is == "hourly" else ("stay_id",))),
        of_these(records.stays.select("stay_id", "subject_id", "hospital"), "stay_id"),
        attrition,
        summed(part.rejected),
        rules=rules,
        unit=task.unit,
        notes=records.notes,
    )


def summed(rejected: pl.DataFrame) -> pl.DataFrame:
    """Rejected values of several chunks as one table, sorted."""
    import polars as pl

    keys = REJECTED[:-1]
    return rejected.group_by(keys).agg(pl.col("values").sum()).sort(keys)


def parts_of(
    records: Records, task: CohortTask, rules: Rules, dictionary: Dictionary, *, subjects_a_chunk: int = 0
) -> Iterator[Part]:
    """What each chunk of subjects adds to a cohort, before any stay is left out."""
    for clock in clocks(records, dictionary, rules, subjects_a_chunk=subjects_a_chunk):
        yield _part(clock, task)


def clocks(records: Records, dictionary: Dictionary, rules: Rules, *, subjects_a_chunk: int = 0) -> Iterator[Clock]:
    """The stays of a database on their clocks, some subjects at a time.

    Raises:
        DataError: the database carries none of the dictionary's codes, or an event table cannot be read.
    """
    codes = dictionary.codes(records.database, alarms=rules.counts_alarms)
    if not codes.height:
        raise DataError(
            f"the dictionary has no code of '{records.database}'",
            where=dictionary.where,
            do="Add the codes of its items",
        )
    chunks = _by_shard if subjects_a_chunk and records.shards else _by_range
    for stays, events in chunks(records, subjects_a_chunk):
        yield clock_of(stays, events, records.database, dictionary, rules)


def _by_range(records: Records, subjects_a_chunk: int) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Stays and events of neighbours in the order of their ids; the source is passed once a chunk."""
    import polars as pl

    subjects = records.stays["subject_id"].unique().sort()
    size = subjects_a_chunk or max(len(subjects), 1)
    for start in range(0, max(len(subjects), 1), size):
        some = subjects.slice(start, size)
        these = pl.col("subject_id").is_between(some.min(), some.max())
        wanted = records.events.filter(these) if len(some) < len(subjects) else records.events
        yield records.stays.filter(these), _collect(wanted, records.where)


def _by_shard(records: Records, subjects_a_chunk: int) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Stays and events of one file at a time, then the stays without any event."""
    import polars as pl

    left = records.stays
    for shard in records.shards:
        events = _collect(as_events(pl.scan_parquet(shard), where=str(shard)), str(shard))
        here = events.select(pl.col("subject_id").unique())
        known = records.stays.join(here, on="subject_id", how="semi")
        stays = left.join(here, on="subject_id", how="semi")
        if stays.height < known.height:
            twice = known.join(stays, on="stay_id", how="anti")["subject_id"][0]
            raise DataError(
                f"events of subject {twice} stand in two files",
                where=str(shard),
                do="Put all of a subject into one file",
            )
        left = left.join(here, on="subject_id", how="anti")
        yield stays, events
    nothing = pl.DataFrame(schema=dict(event_schema()))
    for start in range(0, left.height, subjects_a_chunk):
        yield left.slice(start, subjects_a_chunk), nothing


def _collect(events: pl.LazyFrame, where: str) -> pl.DataFrame:
    import polars as pl

    try:
        return events.collect(engine="streaming")
    except (pl.exceptions.PolarsError, OSError) as error:
        from hilum.modalities.ehr.readers._tables import explain

        raise explain(error, where) from error


@dataclass(frozen=True)
class Part:
    """What one chunk of stays adds to a cohort, before any stay is left out.

    Attributes:
        facts: What criteria compare, one row a stay: see `criteria.py`.
        hourly: As in `Cohort`, of every stay.
        static: As in `Cohort`, of every stay.
        outcome: As in `Cohort`, of every stay that has one.
        rejected: As in `Cohort`.
    """

    facts: pl.DataFrame
    hourly: pl.DataFrame
    static: pl.DataFrame
    outcome: pl.DataFrame
    rejected: pl.DataFrame


def _part(clock: Clock, task: CohortTask) -> Part:
    import polars as pl

    module = importlib.import_module(f"hilum.modalities.ehr.labels.{task.label}")
    made: pl.DataFrame = module.label(clock)
    facts = criteria.facts(clock)
    if "onset" in made.columns:
        # What comes on the ward, after the stay, is no event of this stay.
        hours = facts.select("stay_id", pl.col("stay_hours").floor().alias("until"))
        made = made.join(hours, on="stay_id").filter(pl.col("onset") <= pl.col("until")).drop("until")
    for name, column in (("onset", "onset_hour"), ("label", "label")):
        once = name in made.columns and "hour" not in made.columns
        found = made.select("stay_id", pl.col(name).alias(column)) if once else facts.select("stay_id").clear()
        if column not in found.columns:
            kind = pl.Int64 if name == "onset" else pl.Float64
            found = found.with_columns(pl.lit(None, dtype=kind).alias(column))
        facts = facts.join(found, on="stay_id", how="left")
    windows = _windows(clock, facts, task)
    grid = on_every_hour(clock.cells, windows.select("stay_id", "last")).filter(pl.col("hour") >= task.first)
    return Part(facts, grid, clock.static, _outcome(made, grid, task), clock.rejected)


def _windows(clock: Clock, facts: pl.DataFrame, task: CohortTask) -> pl.DataFrame:
    """The last hour that a model sees of each stay: of the stay, of the window, or of what stops it."""
    import polars as pl

    ends = clock.stays.select("stay_id", "last").join(facts.select("stay_id", "death_hour", "onset_hour"), on="stay_id")
    stop = {
        "": pl.lit(None, dtype=pl.Int64),
        "death": pl.col("death_hour"),
        # An onset before admission stops nothing: such stays are for the criteria to leave out.
        "onset": pl.when(pl.col("onset_hour") >= 0).then(pl.col("onset_hour") + task.stop_after),
    }[task.stop_at]
    return ends.with_columns(pl.min_horizontal("last", pl.lit(task.last), stop).alias("last"))


def _outcome(made: pl.DataFrame, grid: pl.DataFrame, task: CohortTask) -> pl.DataFrame:
    """Labels on the window: one a stay, one an hour, or true around an onset."""
    import polars as pl

    if task.label_is == "one a stay":
        return made.select("stay_id", "label")
    hours = grid.select("stay_id", "hour")
    if "onset" not in made.columns:
        return hours.join(made, on=["stay_id", "hour"], how="left").select("stay_id", "hour", "label")
    since = pl.col("hour") - pl.col("onset")
    near = since.is_between(-task.before, task.after).fill_null(False)
    return hours.join(made, on="stay_id", how="left").select("stay_id", "hour", near.cast(pl.Float64).alias("label"))


def choose(facts: pl.DataFrame, task: CohortTask, *, where: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The stays that the criteria leave (stay_id, sorted), and the attrition.

    Args:
        facts: One row a stay, of all stays: the prevalence of a hospital counts them all.
        task: Whose criteria.
        where: For the error.

    Raises:
        DataError: no stay is left.
    """
    steps, attrition = _attrition(_with_prevalence(facts), task)
    kept = facts.select("stay_id").filter(steps).sort("stay_id")
    if not kept.height:
        raise DataError("no stay is left", where=f"task '{task.name}' on {where}", do=_say(attrition))
    return kept, attrition


def _with_prevalence(facts: pl.DataFrame) -> pl.DataFrame:
    """With the share of each hospital's stays that ever have the event."""
    import polars as pl

    share = pl.col("onset_hour").is_not_null().mean().over("hospital")
    return facts.with_columns(pl.when(pl.col("hospital").is_not_null()).then(share).alias("hospital_prevalence"))


def _attrition(facts: pl.DataFrame, task: CohortTask) -> tuple[pl.Series, pl.DataFrame]:
    """Which stays are kept, and one line a criterion in order."""
    import polars as pl

    kept = pl.repeat(True, facts.height, dtype=pl.Boolean, eager=True)
    lines: list[dict[str, Any]] = []
    for step in task.criteria:
        out = facts.select(step.excluded()).to_series()
        now = kept & ~out
        counts = (int(out.sum()), int((kept & out).sum()), int(now.sum()))
        lines.append(dict(zip(ATTRITION, (step.say, *counts), strict=True)))
        kept = now
    kinds = (pl.String, pl.Int64, pl.Int64, pl.Int64)
    return kept, pl.DataFrame(lines, schema=dict(zip(ATTRITION, kinds, strict=True)))


def _say(attrition: pl.DataFrame) -> str:
    lines = (f"{row['criterion']}: {row['excluded']}" for row in attrition.iter_rows(named=True) if row["excluded"])
    return "Left out: " + "; ".join(lines)


def refuse_if_unjudgeable(cohort: Cohort, *, fewest: int = FEWEST_OF_A_CLASS) -> None:
    """Refuse a classification that has too few patients with or without the event to be judged.

    Args:
        cohort: What was built.
        fewest: Least number of subjects of each class (the rule of `metrics/stats`: below it there is no interval).

    Raises:
        UsageError: with the counts; the runner prints it as the reason why the task was not run.
    """
    reason = unjudgeable(cohort, fewest=fewest)
    if reason:
        raise UsageError(reason, where=f"cohort '{cohort.name}' of {cohort.database}", do="Use a larger database")


def unjudgeable(cohort: Cohort, *, fewest: int = FEWEST_OF_A_CLASS) -> str:
    """Why a cohort cannot be judged, as a sentence without a full stop; "" where it can."""
    import polars as pl

    if cohort.kind != "classify":
        return ""
    ever = cohort.outcome.group_by("stay_id").agg((pl.col("label").max() == 1).alias("event"))
    # A stay whose subject is not known stands for itself.
    who = cohort.stays.select("stay_id", pl.coalesce("subject_id", -pl.col("stay_id") - 1).alias("subject"))
    subjects = ever.join(who, on="stay_id").group_by("subject").agg(pl.col("event").any())
    stays = int(ever["event"].sum())
    counts = (int(subjects["event"].sum()), int((~subjects["event"]).sum()))
    for count, which in zip(counts, ("with", "without"), strict=True):
        if count < fewest:
            of = f" ({stays} of {ever.height} stays positive)"
            return (
                f"the task cannot be judged: {count} patient{'s' * (count != 1)} {which} the event{of}, and folds, intervals and ranks"
                f" need at least {fewest}"
            )
    return ""
