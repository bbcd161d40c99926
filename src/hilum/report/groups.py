"""Subgroups and sites: the leading metric of the best model within each, with its interval over subjects; all models on first records.

A group with fewer than FEWEST subjects, or with fewer than FEWEST_OF_CLASS of a class, gets its counts and no figure; of data that may not
show small groups, one of fewer than ten subjects gets neither.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hilum.core.row import Estimate, Range
from hilum.metrics.stats import cluster_bootstrap, pooled_interval
from hilum.report.privacy import FEWEST_SHOWN, Privacy
from hilum.report.tables import Predicted, Tables, columns_for

FEWEST, FEWEST_OF_CLASS = 20, 5
MOST_LEVELS = 20
MOST_SMALL = 5  # so many groups that are too small are listed one by one
MANY_ARMS = 20  # beyond, the same of each arm's first records
POOLED = "folds are pooled here, and a constant ranks nobody within one"
MANY_ROWS = 50_000  # beyond, 200 resamples make the interval: it is narrow, and a report is to be made in seconds


@dataclass(frozen=True)
class Group:
    """One group.

    Attributes:
        column: What it is a group by.
        level: Which.
        subjects: How many; None where it may not be said.
        records: How many test records.
        events: Those with the event; None where the outcome is a number, or has more than two classes.
        estimate: The leading metric, or why there is none.
    """

    column: str
    level: str
    subjects: int | None
    records: int | None
    events: int | None
    estimate: Estimate


def groups_of(tables: Tables, privacy: Privacy) -> tuple[Group, ...]:
    """Every level of every group column, site and source of the best model's test records."""
    arm = tables.best
    if arm is None or arm.predicted is None:
        return ()
    rows = arm.predicted
    found = []
    for name, column in rows.columns.items():
        known = np.array([value is not None for value in column])
        levels, counts = np.unique(column[known].astype(str), return_counts=True)
        kept = sorted(levels[np.argsort(-counts, kind="stable")][:MOST_LEVELS])
        texts = np.where(known, column, "").astype(str)
        parts = {str(level): rows.take(known & (texts == level)) for level in kept}
        rest = len(levels) - len(parts)
        small = {level for level, inside in parts.items() if inside.subjects < FEWEST}
        if len(small) + rest > MOST_SMALL:
            parts = {level: inside for level, inside in parts.items() if level not in small}
            rest += len(small)
        for level, inside in parts.items():
            found.append(_group(tables, privacy, name.removeprefix("group:"), level, inside))
        if rest:
            told = f"{rest} smaller groups" if parts else f"{rest} groups"
            why = "not listed" if parts else f"not listed: none of the largest has {FEWEST} subjects"
            found.append(Group(name.removeprefix("group:"), told, None, None, None, Estimate(None, None, why)))
        if not known.all():
            inside = rows.take(~known)
            found.append(_group(tables, privacy, name.removeprefix("group:"), "not known", inside))
    return tuple(found)


def first_records(tables: Tables, privacy: Privacy) -> tuple[Group, ...]:
    """Every model on the first asked record of each sequence, the constant predictor too; `column` is the model's name.

    Nothing where records have no step, or where every sequence has one record.
    """
    found = []
    for arm in tables.arms:
        rows = arm.predicted
        if rows is None or rows.first is None or rows.first.all():
            continue
        inside = rows.take(rows.first)
        quick = len(tables.arms) > MANY_ARMS
        if arm.trivial and tables.leading.pooling == "ranks" and not _enough_in_each_fold(tables, inside):
            # Pooled folds would rank its folds by how common the outcome is in train.
            told = _group(tables, privacy, arm.name, "first record", inside, quick=True)
            why = told.estimate.reason or POOLED
            found.append(replace(told, estimate=Estimate(None, None, why)))
            continue
        found.append(_group(tables, privacy, arm.name, "first record", inside, quick=quick))
    return tuple(found)


def _group(
    tables: Tables, privacy: Privacy, column: str, level: str, inside: Predicted, *, quick: bool = False
) -> Group:
    once = inside.first_seed
    subjects, records = inside.subjects, len(once.target) // inside.times
    if not privacy.shows(subjects):
        why = f"fewer than {FEWEST_SHOWN} subjects: not shown"
        return Group(column, level, None, None, None, Estimate(None, None, why))
    events = int((once.target == 1).sum()) // inside.times if tables.binary else None
    why = _too_small(tables, inside)
    estimate = Estimate(None, None, why) if why else _estimate(tables, inside, quick=quick)
    return Group(column, level, subjects, records, events, estimate)


def _too_small(tables: Tables, rows: Predicted) -> str:
    if rows.subjects < FEWEST:
        return f"too small to say: {rows.subjects} subjects, {FEWEST} are needed"
    if tables.kind != "classify":
        return ""
    each = [len(np.unique(rows.subject[rows.target == k])) for k in range(len(tables.classes))]
    least = int(np.argmin(each))
    if each[least] < FEWEST_OF_CLASS:
        return (
            f"too small to say: {each[least]} subjects of class '{tables.classes[least]}', {FEWEST_OF_CLASS} are needed"
        )
    return ""


def _estimate(tables: Tables, rows: Predicted, *, quick: bool) -> Estimate:
    """Made as the figure of everybody is: ranks fold by fold where each fold has enough subjects of every class, else pooled."""
    metric = tables.leading
    groups = rows.seed
    if metric.pooling == "ranks" and _enough_in_each_fold(tables, rows):
        groups = rows.group
    columns, subject, group = columns_for(
        tables.kind, Predicted(rows.target, rows.said, rows.subject, groups, rows.seed, rows.columns, rows.times)
    )
    scores = [
        metric({name: column[group == one] for name, column in columns.items() if _read(name, metric.needs)})
        for one in np.unique(group)
    ]
    undefined = next((score.reason for score in scores if not score.defined), "")
    if undefined:
        return Estimate(None, None, undefined)
    if (quick or len(group) > MANY_ROWS) and metric.pooling != "maximum":
        made = cluster_bootstrap(columns, subject, metric, resamples=200, groups=group)
    else:
        made = pooled_interval(columns, subject, metric, groups=group)
    interval = Range(made.low, made.high, made.method, made.n, made.note) if made.defined else None
    return Estimate(float(np.mean([score.value for score in scores])), interval, "" if interval else made.note)


def _enough_in_each_fold(tables: Tables, rows: Predicted) -> bool:
    return all(
        len(np.unique(rows.subject[(rows.group == one) & (rows.target == k)])) >= FEWEST_OF_CLASS
        for one in np.unique(rows.group)
        for k in range(len(tables.classes))
    )


def _read(name: str, needs: tuple[str, ...]) -> bool:
    return name in needs or name.startswith("p:")
