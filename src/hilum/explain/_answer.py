"""What is asked of a method that explains, and what it answers: plain arrays, and a sentence that says what they mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError
from hilum.core.sequence import Sequenced
from hilum.metrics.stats.intervals import Interval, subject_interval

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
        means: What the figures are, in words.
        intervals: One a name: what they cover stands in `means`.
    """

    names: tuple[str, ...]
    values: Array
    means: str
    intervals: tuple[Interval, ...]

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
    """

    names: tuple[str, ...]
    values: Array
    means: str
    score: float | None = None
    base: float = 0.0
    pool: Literal["sum", "mean"] = "sum"

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
    """

    names: tuple[str, ...]
    values: Array
    base: Array
    gap: float
    means: str

    def grouped(self, groups: Groups) -> Contributions:
        """By feature: its columns added up; a feature without columns has 0."""
        return replace(self, names=tuple(groups), values=pooled(self.values, groups, "sum"))

    def of(self, record: int) -> Attribution:
        """Of one record."""
        score = float(self.base[record] + self.values[record].sum())
        return Attribution(self.names, self.values[record : record + 1], self.means, score, float(self.base[record]))

    def over(self, subjects: Sequence[str]) -> Importance:
        """The mean over subjects of the mean size |.| over a subject's records, with an interval over subjects."""
        _, member = np.unique(np.asarray(subjects, str), return_inverse=True)
        if len(member) != len(self.values):
            raise DataError(f"{len(self.values)} records and {len(member)} subjects")
        sums = np.zeros((member.max(initial=-1) + 1, self.values.shape[1]))
        np.add.at(sums, member, np.abs(self.values))
        each = (sums / np.bincount(member)[:, np.newaxis]).T
        means = f"Mean size over subjects. {self.means} Intervals: 95 % over subjects, this model held fixed."
        return Importance(self.names, each, means, tuple(subject_interval(row) for row in each))


def pooled(values: Array, groups: Groups, how: Literal["sum", "mean"]) -> Array:
    """(records, groups) from (records, columns)."""
    parts = [values[:, list(columns)] for columns in groups.values()]
    found = [part.mean(axis=1) if how == "mean" and part.shape[1] else part.sum(axis=1) for part in parts]
    return np.column_stack(found) if found else np.zeros((len(values), 0))
