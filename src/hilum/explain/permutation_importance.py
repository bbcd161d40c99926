"""Permutation importance: by how much does a figure get worse when a feature is dealt out anew?

Equation    I_g = mean over repeats r of  s * (m(f(x)) - m(f(x with the columns of g taken from row p_r(i))))
Symbols     m   a metric on all records;  s  1 where more of it is better, else -1;  g  a feature: all its columns together, so that a
            value and its flag never contradict each other;  p_r  a permutation, the same for every feature
Among       "subjects"  a subject takes another's whole series of the columns, from its first record on, repeated or cut to its own length
            "records"   records are dealt out one by one
            "within"    a subject's own records: how much the order in time matters, the subject's level left alone
Cost        (features * repeats + 1) predictions of all records
Source      Breiman, Machine Learning 45 (2001), section 10; any model and metric: Fisher, Rudin and Dominici, JMLR 20 (2019), eq. 3.3
Deviations  Subjects of unequal length: a long series is cut and a short one repeated, so a column's distribution moves a little.
            Features that go with one another share what they know: each of two copies looks unimportant, and permuting one makes
            records that no patient has. The interval is over repeats alone; it says nothing about other patients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError, unknown
from hilum.core.sequence import Sequenced
from hilum.explain._answer import Array, Groups, Importance, Question

SCOPE = "records"
Among = Literal["subjects", "records", "within"]
AMONG: tuple[Among, ...] = ("subjects", "records", "within")


def permutation_importance(
    predict: Callable[[Any], Any],
    inputs: Array | Sequenced,
    groups: Groups,
    score: Callable[[Any], float],
    *,
    higher_is_better: bool = True,
    metric: str = "score",
    subjects: Sequence[str] = (),
    among: Among = "subjects",
    repeats: int = 20,
    seed: int = 0,
) -> Importance:
    """By how much a figure gets worse without each feature.

    Args:
        predict: The fitted model's.
        inputs: (records, columns), or sequences.
        groups: Feature to the places of its columns.
        score: From predictions to one figure.
        higher_is_better: Whether more of it is better.
        metric: What it is called.
        subjects: (records,) whose each record is; by default each sequence, or each record, stands for itself.
        among: Who swaps.
        repeats: Permutations.
        seed: Of the permutations.

    Returns:
        A line a feature, a column a repeat; a feature without columns, or one that the model ignores, has exactly 0.

    Raises:
        DataError: no records, or a figure that is undefined.
        UsageError: fewer than one repeat, or an unknown `among`.
    """
    values = inputs.values if isinstance(inputs, Sequenced) else inputs
    member = _members(inputs, subjects)
    if among not in AMONG:
        raise unknown("way to permute", among, AMONG)
    if repeats < 1:
        raise UsageError(f"{repeats} repeats", do="Ask for one or more")
    if not len(values):
        raise DataError("there is no record to permute")
    figure = _figure(score, predict(inputs), metric)
    sign = 1.0 if higher_is_better else -1.0
    found = np.zeros((len(groups), repeats))
    for repeat in range(repeats):
        rows = _permuted(member, among, np.random.default_rng([seed, repeat]))
        for place, columns in enumerate(groups.values()):
            if len(columns):
                moved = values.copy()
                moved[:, list(columns)] = values[rows][:, list(columns)]
                said = predict(replace(inputs, values=moved) if isinstance(inputs, Sequenced) else moved)
                found[place, repeat] = sign * (figure - _figure(score, said, metric))
    of = tuple(f"{repeat:04d}" for repeat in range(repeats))
    return Importance(tuple(groups), found, of, _means(metric, among, repeats), "repeats", f"{metric} lost without it")


def obstacle(fitted: Any) -> str:
    """Nothing: whatever predicts can be asked."""
    return ""


def explain(question: Question) -> Importance:
    """By how much the run's metric gets worse without each feature.

    Raises:
        UsageError: no outcome is known.
    """
    if question.score is None:
        raise UsageError(
            "permutation importance needs records with an outcome, and these have none",
            do="Hand in a file with the outcome, leave the file out to use the run's test records, or name a record and another method",
        )
    return permutation_importance(
        question.fitted.predict,
        question.inputs,
        question.groups,
        question.score,
        higher_is_better=question.higher_is_better,
        metric=question.metric,
        subjects=question.subjects,
        repeats=question.repeats,
        seed=question.seed,
    )


def _members(inputs: Array | Sequenced, subjects: Sequence[str]) -> NDArray[np.intp]:
    """(records,) which subject each record is of, from 0."""
    if not len(subjects):
        return inputs.series.astype(np.intp) if isinstance(inputs, Sequenced) else np.arange(len(inputs))
    rows = len(inputs.values) if isinstance(inputs, Sequenced) else len(inputs)
    if len(subjects) != rows:
        raise DataError(f"{rows} records and {len(subjects)} subjects")
    return np.unique(np.asarray(subjects, str), return_inverse=True)[1].astype(np.intp)


def _permuted(member: NDArray[np.intp], among: Among, random: np.random.Generator) -> NDArray[np.intp]:
    """(records,) which record's columns each record gets."""
    rows = len(member)
    if among == "records":
        return random.permutation(rows)
    order = np.argsort(member, kind="stable")
    if among == "within":
        found = np.empty(rows, np.intp)
        found[order] = np.lexsort((random.random(rows), member))
        return found
    counts = np.bincount(member)
    starts = np.cumsum(counts) - counts
    place = np.empty(rows, np.intp)
    place[order] = np.arange(rows) - np.repeat(starts, counts)
    other = random.permutation(len(counts))[member]
    return order[starts[other] + place % counts[other]]


def _figure(score: Callable[[Any], float], said: Any, metric: str) -> float:
    figure = float(score(said))
    if not np.isfinite(figure):
        raise DataError(f"{metric} is undefined on these records", do="Hand in more records, of every class")
    return figure


def _means(metric: str, among: Among, repeats: int) -> str:
    who = {
        "subjects": "dealt out anew among subjects",
        "records": "dealt out anew among records",
        "within": "put in another order within each subject",
    }[among]
    return (
        f"By how much {metric} gets worse when a feature is {who}: what the model goes by on these records, not what causes the "
        f"outcome; features that say the same share it. Intervals: 95 %, over {repeats} permutations, not over patients."
    )
