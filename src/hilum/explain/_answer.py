"""What is asked of a method that explains, and what it answers: plain arrays, and a sentence that says what they mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError
from hilum.core.sequence import Sequenced
from hilum.metrics.stats.intervals import Interval, subject_interval, t_interval

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
Groups = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        fitted: The model.
        inputs: Prepared records; for a model that reads sequences these.
        names: (columns,) names of the columns.
        groups: Feature to the places of its columns; one without columns was dropped by the preparation.
        subjects: (records,) whose each record is.
        record: Which record is asked about; None for all.
        of_class: Which class's score; None for the second of two, of more the one that is likeliest for the record.
        score: From predictions to one figure; None where no outcome is known.
        higher_is_better: Whether more of it is better.
        metric: What the figure is called.
        repeats: Permutations a feature.
        seed: Seed of everything drawn at random.
    """

    fitted: Any
    inputs: Array | Sequenced
    names: tuple[str, ...]
    groups: Groups
    subjects: Sequence[str] = ()
    record: int | None = None
    of_class: int | None = None
    score: Callable[[Any], float] | None = None
    higher_is_better: bool = True
    metric: str = "score"
    repeats: int = 20
    seed: int = 0


@dataclass(frozen=True)
class Importance:
    """How much each feature matters over many records.

    Attributes:
        names: Of features (or columns).
        values: (names, repeats or subjects) the figures behind it.
        of: Which repeat or subject each is of.
        means: What the figures are, in words.
        over: What the intervals are over.
        label: What the figures are, as an axis says it.
    """

    names: tuple[str, ...]
    values: Array
    of: tuple[str, ...]
    means: str
    over: Literal["repeats", "subjects"]
    label: str = ""

    @classmethod
    def joined(cls, parts: Sequence[Importance]) -> Importance:
        """Of several models (folds) one: the figures of one repeat, or of one subject, are averaged."""
        labels = sorted({label for part in parts for label in part.of})
        place = {label: number for number, label in enumerate(labels)}
        total, count = np.zeros((len(parts[0].names), len(labels))), np.zeros(len(labels))
        for part in parts:
            where = [place[label] for label in part.of]
            total[:, where] += part.values
            count[where] += 1
        return replace(parts[0], values=total / count, of=tuple(labels))

    @cached_property
    def intervals(self) -> tuple[Interval, ...]:
        """One a name, 95 %."""
        make = t_interval if self.over == "repeats" else subject_interval
        return tuple(make(row) for row in self.values)

    @property
    def importance(self) -> Array:
        """(names,) the mean."""
        found: Array = self.values.mean(axis=1)
        return found

    @property
    def spread(self) -> Array:
        """(names,) the standard deviation; nan of one figure."""
        few = self.values.shape[1] < 2
        found: Array = np.full(len(self.values), math.nan) if few else self.values.std(axis=1, ddof=1)
        return found


@dataclass(frozen=True)
class Attribution:
    """What each column of each record gave to the score of one record.

    Attributes:
        names: (columns,) names of the columns.
        values: (records, columns).
        means: What the figures are, in words.
        score: The score that is explained; None where the figures add up to nothing.
        base: What it is without them: at the baseline.
        pool: How columns of one feature are put together.
        label: What the figures are, as an axis says it.
    """

    names: tuple[str, ...]
    values: Array
    means: str
    score: float | None = None
    base: float = 0.0
    pool: Literal["sum", "mean"] = "sum"
    label: str = ""

    @property
    def gap(self) -> float:
        """By how much the figures miss the score: sum - (score - base); nan where they add up to nothing."""
        return math.nan if self.score is None else float(self.values.sum()) - (self.score - self.base)

    def grouped(self, groups: Groups) -> Attribution:
        """By feature: its columns together; a feature without columns has 0."""
        return replace(self, names=tuple(groups), values=pooled(self.values, groups, self.pool))


@dataclass(frozen=True)
class Contributions:
    """What each column gave to the score of each record.

    Attributes:
        names: (columns,) names of the columns.
        values: (records, columns).
        base: (records,) what the score is without them.
        gap: The largest distance between what base and values add up to and what the model answers.
        means: What the figures are, in words.
        label: What the figures are, as an axis says it.
    """

    names: tuple[str, ...]
    values: Array
    base: Array
    gap: float
    means: str
    label: str = ""

    def grouped(self, groups: Groups) -> Contributions:
        """By feature: its columns added up; a feature without columns has 0."""
        return replace(self, names=tuple(groups), values=pooled(self.values, groups, "sum"))

    def of(self, record: int) -> Attribution:
        """Of one record."""
        score = float(self.base[record] + self.values[record].sum())
        part = self.values[record : record + 1]
        return Attribution(self.names, part, self.means, score, float(self.base[record]), label=self.label)

    def over(self, subjects: Sequence[str]) -> Importance:
        """The mean over subjects of the mean size |.| over a subject's records, with an interval over subjects."""
        who, member = np.unique(np.asarray(subjects, str), return_inverse=True)
        if len(member) != len(self.values):
            raise DataError(f"{len(self.values)} records and {len(member)} subjects")
        sums = np.zeros((len(who), self.values.shape[1]))
        np.add.at(sums, member, np.abs(self.values))
        each = (sums / np.bincount(member)[:, np.newaxis]).T
        means = f"Mean size over subjects. {self.means} Intervals: 95 % over subjects, the model held fixed."
        return Importance(self.names, each, tuple(map(str, who)), means, "subjects", f"mean size of the {self.label}")


def score_of(classes: int) -> str:
    """What a network's score is called, by how many classes train held; 0 where it answers a number."""
    return {0: "number", 2: "log odds of the second class"}.get(classes, "score of the class")


def pooled(values: Array, groups: Groups, how: Literal["sum", "mean"]) -> Array:
    """(records, groups) from (records, columns)."""
    parts = [values[:, list(columns)] for columns in groups.values()]
    found = [part.mean(axis=1) if how == "mean" and part.shape[1] else part.sum(axis=1) for part in parts]
    return np.column_stack(found) if found else np.zeros((len(values), 0))


@dataclass(frozen=True)
class Explanation:
    """What the command `explain` answers.

    Attributes:
        arm: The model's title.
        chosen: Why this model.
        figure: What the run measured of it, in words.
        method: The method's name.
        means: What the figures are and of which records, in words.
        item: The one record that is explained; empty where all are.
        label: What the figures are, as an axis says it.
        over: What the intervals are over; empty of one record.
        frame: One row a feature, the most important first: feature, importance, spread, low, high; of one record feature, value (null
            where missing), contribution.
        course: Of one record of a sequence: one row a record and feature: item, step, feature, contribution; else None.
        score: The score of one record that contributions add up to with `base`; None where they add up to nothing.
        base: See there.
        licence: Of the data that the model learned from.
        synthetic: Whether these were simulated.
    """

    arm: str
    chosen: str
    figure: str
    method: str
    means: str
    item: str
    label: str
    over: str
    frame: pl.DataFrame
    course: pl.DataFrame | None
    score: float | None
    base: float | None
    licence: str
    synthetic: bool
