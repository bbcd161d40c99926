"""Conformal sets: which classes, or which range of numbers, hold the truth for 1 - alpha of new subjects, whatever the model is worth.

Symbols
    s_ij       score of record j of subject i: how badly the model said what came true;  n_i records of subject i, k subjects
    q          the smallest s whose share  sum_ij [s_ij <= s] / ((k + 1) n_i)  is 1 - alpha or more; infinite where none is

Scores      classes   1 - p of the true class;  the set holds every class with 1 - p <= q. It may be empty: nothing was said clearly.
            numbers   |measured - predicted|, or that over a predicted spread;  the set is predicted -+ q (times the spread)
By class    A q of its own for each class, from the records of that class: rare classes are then held as often as common ones.
Subjects    Records of a subject are alike, so they are not exchangeable with those of another; subjects are. Here each subject has the
            weight of one, whatever its number of records. What is promised ("a record"): of a new subject, one record drawn at
            random is held with probability 1 - alpha or more. With one record each this is split conformal prediction.
            "all records": the score of a subject is its worst, and all records of a new subject are held together. Much wider.
Across folds   Scores of out-of-fold predictions are pooled: each record is judged by a model that has not learnt from it (cross-conformal).
            The model that is used afterwards saw all records. The promise is then no theorem: it holds as far as that
            model errs as those of the folds do; for jackknife+ and CV+, which keep them all, 1 - 2 alpha is proven.
Holds on average  Over subjects like those it rests on (same hospital, same case mix), not for each of them, and not in every subgroup.
Infinite    With fewer than 1 / alpha - 1 subjects no finite q can be promised: every class, or every number, is in the set.
Source      Lee, Barber and Willett, arXiv 2306.06342: subjects with several records; Sadinle, Lei and Wasserman, JASA 114 (2019):
            classes, and by class; Lei et al., JASA 113 (2018): numbers, and by spread; Vovk, Ann. Math. Artif. Intell. 74 (2015):
            across folds; Barber et al., Ann. Statist. 49 (2021): what is proven there. Volumes from memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import DataError, UsageError, unknown
from hilum.metrics.stats.bootstrap import number_labels
from hilum.metrics.stats.intervals import Interval, subject_interval

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
Held = Literal["a record", "all records"]
WHERE = "conformal sets"


@dataclass(frozen=True)
class Cut:
    """Where scores are cut.

    Attributes:
        quantiles: q for everything, or one a class; infinite where there are too few subjects.
        subjects: How many subjects each rests on.
    """

    quantiles: tuple[float, ...]
    subjects: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data; an infinite q is None."""
        return {
            "quantiles": [q if math.isfinite(q) else None for q in self.quantiles],
            "subjects": list(self.subjects),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Cut:
        """Read what `to_json` wrote."""
        quantiles = (math.inf if q is None else float(q) for q in data["quantiles"])
        return cls(tuple(quantiles), tuple(int(n) for n in data["subjects"]))


@dataclass(frozen=True)
class Conformal:
    """What turns predictions into sets.

    Attributes:
        alpha: The share of subjects for whom a set may miss.
        held: What is promised of a subject.
        classes: Of probabilities; None where none were predicted.
        number: Of numbers; None where none were predicted.
        least: The smallest number there can be: intervals end there.
    """

    alpha: float
    held: Held = "a record"
    classes: Cut | None = None
    number: Cut | None = None
    least: float = -math.inf

    def sets(self, probabilities: ArrayLike) -> NDArray[np.bool_]:
        """Which classes are in the set of each record, (rows, classes), from probabilities of that shape.

        Raises:
            DataError: no classes were calibrated, or another number of them.
        """
        p = np.asarray(probabilities, dtype=np.float64)
        if self.classes is None:
            raise DataError("no probabilities were calibrated", where=WHERE)
        q = np.array(self.classes.quantiles)
        if p.ndim != 2 or len(q) not in (1, p.shape[1]):
            raise DataError(
                f"probabilities have the shape {p.shape}, and {len(q)} classes were calibrated", where=WHERE
            )
        # What is not finite says nothing, so nothing is ruled out.
        return np.asarray(~(1.0 - p > q))

    def intervals(self, numbers: ArrayLike, spread: ArrayLike = 1.0) -> tuple[Array, Array]:
        """Lower and upper ends, each (rows,), around predicted numbers (rows,); `spread` where one was calibrated with.

        Raises:
            DataError: no numbers were calibrated.
        """
        if self.number is None:
            raise DataError("no numbers were calibrated", where=WHERE)
        centre = np.asarray(numbers, dtype=np.float64)
        half = self.number.quantiles[0] * np.asarray(spread, dtype=np.float64)
        low, high = np.maximum(centre - half, self.least), np.maximum(centre + half, self.least)
        lost = ~np.isfinite(centre)
        return np.where(lost, self.least, low), np.where(lost, math.inf, high)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "alpha": self.alpha,
            "held": self.held,
            "classes": None if self.classes is None else self.classes.to_json(),
            "number": None if self.number is None else self.number.to_json(),
            "least": self.least if math.isfinite(self.least) else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Conformal:
        """Read what `to_json` wrote."""
        cuts = [None if data[name] is None else Cut.from_json(data[name]) for name in ("classes", "number")]
        least = -math.inf if data["least"] is None else float(data["least"])
        return cls(float(data["alpha"]), data["held"], cuts[0], cuts[1], least)


def class_sets(
    calibration_p: ArrayLike,
    labels: ArrayLike,
    subjects: ArrayLike,
    alpha: float,
    test_p: ArrayLike,
    *,
    by_class: bool = False,
    held: Held = "a record",
) -> NDArray[np.bool_]:
    """Which classes are in the set of each test record, (test rows, classes).

    Args:
        calibration_p: Probabilities of records that the model has not learnt from, (rows, classes).
        labels: Their classes, (rows,).
        subjects: Whose each is, (rows,).
        alpha: The share of subjects for whom a set may miss, in (0, 1).
        test_p: Probabilities of new subjects' records, (test rows, classes).
        by_class: A q of its own for each class.
        held: What is promised of a subject.

    Raises:
        DataError: shapes that do not fit, or a label that is none of the classes.
        UsageError: alpha outside (0, 1), or another promise.
    """
    cut = cut_classes(calibration_p, labels, subjects, alpha, by_class=by_class, held=held)
    return Conformal(alpha, held, classes=cut).sets(test_p)


def intervals(
    residuals: ArrayLike,
    subjects: ArrayLike,
    alpha: float,
    test_numbers: ArrayLike,
    *,
    spread: ArrayLike = 1.0,
    test_spread: ArrayLike = 1.0,
    held: Held = "a record",
) -> tuple[Array, Array]:
    """Lower and upper ends around predicted numbers, each (test rows,).

    Args:
        residuals: Measured - predicted of records that the model has not learnt from, (rows,).
        subjects: Whose each is, (rows,).
        alpha: The share of subjects for whom an interval may miss, in (0, 1).
        test_numbers: Predictions of new subjects' records, (test rows,).
        spread: A predicted spread of each residual, above 0, (rows,).
        test_spread: That of the test records.
        held: What is promised of a subject.

    Raises:
        DataError: shapes that do not fit, or a spread that is not above 0.
        UsageError: alpha outside (0, 1), or another promise.
    """
    cut = cut_numbers(residuals, subjects, alpha, spread=spread, held=held)
    return Conformal(alpha, held, number=cut).intervals(test_numbers, test_spread)


def cut_classes(
    p: ArrayLike,
    labels: ArrayLike,
    subjects: ArrayLike,
    alpha: float,
    *,
    by_class: bool = False,
    held: Held = "a record",
) -> Cut:
    """Where 1 - p of the true class is cut; arguments and errors as in `class_sets`."""
    said, true = np.asarray(p, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if said.ndim != 2 or true.shape != (len(said),):
        raise DataError(f"probabilities have the shape {said.shape}, labels {true.shape}", where=WHERE)
    wrong = ~np.isin(true, np.arange(said.shape[1]))
    if wrong.any():
        raise DataError(
            f"label {true[wrong][0]:g} is not one of the class indices 0 to {said.shape[1] - 1}", where=WHERE
        )
    true = true.astype(np.intp)
    score = 1.0 - said[np.arange(len(said)), true]
    member = _members(subjects, len(score))
    chosen = [true == k for k in range(said.shape[1])] if by_class else [np.ones(len(score), dtype=bool)]
    found = [_quantile(score[rows], member[rows], alpha, held) for rows in chosen]
    return Cut(tuple(q for q, _ in found), tuple(n for _, n in found))


def cut_numbers(
    residuals: ArrayLike, subjects: ArrayLike, alpha: float, *, spread: ArrayLike = 1.0, held: Held = "a record"
) -> Cut:
    """Where absolute residuals, over their spread, are cut; arguments and errors as in `intervals`."""
    apart, wide = np.asarray(residuals, dtype=np.float64), np.asarray(spread, dtype=np.float64)
    if apart.ndim != 1 or wide.shape not in ((), apart.shape):
        raise DataError(f"residuals have the shape {apart.shape}, spreads {wide.shape}", where=WHERE)
    if not (wide > 0).all():
        raise DataError("a spread is not above 0", where=WHERE, do="Give a predicted standard deviation or error")
    q, n = _quantile(np.abs(apart) / wide, _members(subjects, len(apart)), alpha, held)
    return Cut((q,), (n,))


def coverage(held: ArrayLike, subjects: ArrayLike, level: float = 0.95) -> tuple[float, Interval]:
    """How often sets hold the truth: the mean over subjects of the share of their records that are held, and its interval over subjects.

    Args:
        held: Whether the truth of each record lies in its set, (rows,).
        subjects: Whose each is, (rows,).
        level: Nominal coverage of the interval.

    Raises:
        DataError: no rows, or lengths that differ.
    """
    inside = np.asarray(held, dtype=np.float64)
    member = _members(subjects, len(inside))
    if not len(inside):
        raise DataError("there is no record", where=WHERE)
    each = np.bincount(member, weights=inside) / np.bincount(member)
    return float(each.mean()), subject_interval(each, level=level)


def from_predictions(
    frame: pl.DataFrame, alpha: float, *, by_class: bool = False, held: Held = "a record"
) -> Conformal:
    """What turns a new record's prediction into a set, from a run's out-of-fold predictions: see "Across folds" above.

    Args:
        frame: predictions.parquet of the cells of one arm: target and p:0, p:1, ..., or target and prediction, or both p and the
            number said beside the outcome (beside, number); subject, or item where who is who is not known; all folds and seeds.
        alpha: The share of subjects for whom a set may miss, in (0, 1).
        by_class: A q of its own for each class.
        held: What is promised of a subject.

    Raises:
        DataError: no rows, or neither probabilities nor numbers.
        UsageError: alpha outside (0, 1), or another promise.
    """
    names = set(frame.columns)
    if not frame.height or "item" not in names:
        raise DataError("there is no prediction to go by", where=WHERE, do="Finish the run's folds first")
    whose = frame["item"].cast(str).to_numpy().astype(str)
    if "subject" in names:  # two subjects never share a name with a record that stands for itself
        known = frame["subject"].is_not_null().to_numpy()
        named = np.char.add("subject ", frame["subject"].cast(str).fill_null("").to_numpy().astype(str))
        whose = np.where(known, named, np.char.add("record ", whose))
    said = sorted(
        (name for name in names if name.startswith("p:") and name[2:].isdigit()), key=lambda name: int(name[2:])
    )
    classes = number = None
    least = -math.inf
    if said:
        classes = cut_classes(
            frame.select(said).to_numpy(), frame["target"].to_numpy(), whose, alpha, by_class=by_class, held=held
        )
    pair = ("beside", "number") if {"beside", "number"} <= names else ("target", "prediction")
    if set(pair) <= names:
        measured, predicted = (frame[name].to_numpy().astype(np.float64) for name in pair)
        number = cut_numbers(measured - predicted, whose, alpha, held=held)
        least = 0.0 if pair[0] == "beside" else least
    if classes is None and number is None:
        raise DataError(
            f"the predictions hold neither probabilities nor numbers: {', '.join(sorted(names))}", where=WHERE
        )
    return Conformal(alpha, held, classes, number, least)


def _members(subjects: ArrayLike, rows: int) -> NDArray[np.intp]:
    _, member = number_labels(subjects)
    if len(member) != rows:
        raise DataError(f"{len(member)} subjects, {rows} records", where=WHERE, do="Give one subject a record")
    return member


def _quantile(score: Array, member: NDArray[np.intp], alpha: float, held: Held) -> tuple[float, int]:
    """The cut of scores (rows,), and on how many subjects it rests; a score that is not finite is never held."""
    if not 0 < alpha < 1:
        raise UsageError(
            f"alpha {alpha} does not lie between 0 and 1", where=WHERE, do="0.1 holds for 90 % of subjects"
        )
    if held not in get_args(Held):
        raise unknown("promise", held, get_args(Held), where=WHERE)
    _, own = np.unique(member, return_inverse=True)
    subjects = int(own.max(initial=-1)) + 1
    worst = np.where(np.isfinite(score), score, math.inf)
    if held == "all records":
        each = np.full(subjects, -math.inf)
        np.maximum.at(each, own, worst)
        worst, own = each, np.arange(subjects)
    weight = 1.0 / np.bincount(own, minlength=subjects)[own] / (subjects + 1)
    order = np.lexsort((weight, worst))
    share = np.cumsum(weight[order])
    # Shares are sums of fractions: what is meant as equal may differ in the last bits.
    place = int(np.searchsorted(share, 1.0 - alpha - 1e-12))
    return (float(worst[order[place]]) if place < len(order) else math.inf), subjects
