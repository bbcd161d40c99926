"""What tabular models share: what they accept, what they answer for classes that train lacks, and one thread.

A task's classes may be more than those present in train. A model is fitted on the classes present, and `Outcome` puts its
probabilities into the columns of all classes; a class that was never seen has probability 0.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError
from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What a fitted model answers.

    Attributes:
        columns: How many columns of inputs it was fitted on.
        classes: How many classes the task has; 0 where a number is asked.
        present: The classes that train held, ascending; empty where a number is asked.
    """

    columns: int
    classes: int = 0
    present: tuple[int, ...] = ()

    @classmethod
    def of(cls, train: Labelled | Measured) -> Outcome:
        """From the training part."""
        if isinstance(train, Measured):
            return cls(train.inputs.shape[1])
        return cls(train.inputs.shape[1], len(train.classes), tuple(int(c) for c in np.unique(train.labels)))

    def accept(self, inputs: Array) -> Array:
        """The inputs as float64 (rows, columns), all finite.

        Raises:
            DataError: another number of columns, or a value that is not finite.
        """
        inputs = _matrix(inputs)
        if inputs.shape[1] != self.columns:
            raise DataError(f"{inputs.shape[1]} columns of inputs, and the model was fitted on {self.columns}")
        return inputs

    def codes(self, train: Labelled) -> NDArray[np.int64]:
        """The labels as positions among the classes present, (rows,)."""
        return np.searchsorted(np.array(self.present), train.labels).astype(np.int64)

    def spread(self, probabilities: Array) -> Array:
        """From (rows, classes present) to (rows, classes); absent classes get 0."""
        whole = np.zeros((len(probabilities), self.classes))
        whole[:, list(self.present)] = probabilities
        return whole

    def answer(self, scores: Array) -> Array:
        """Numbers, or probabilities, from scores (rows, outputs): one output is the log odds of the second class."""
        if not self.classes:
            return np.ascontiguousarray(scores[:, 0])
        from scipy.special import expit, softmax

        if scores.shape[1] > 1:
            return self.spread(softmax(scores, axis=1))
        second = expit(scores[:, 0])
        return self.spread(np.column_stack([1.0 - second, second]))

    def facts(self) -> dict[str, Any]:
        """Plain data for `model.json`."""
        return {"columns": self.columns, "classes": self.classes, "present": list(self.present)}

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> Outcome:
        """Read what `facts` gave."""
        return cls(int(facts["columns"]), int(facts["classes"]), tuple(int(c) for c in facts["present"]))


def usable(train: Labelled | Measured, model: str) -> Outcome:
    """Refuse a training part that nothing can be learnt from.

    Raises:
        DataError: no rows or columns, lengths that differ, values that are not finite, a label outside the classes, or one
            class alone.
    """
    inputs = _matrix(train.inputs)
    target = train.targets if isinstance(train, Measured) else train.labels
    if len(target) != len(inputs):
        raise DataError(f"{len(inputs)} rows of inputs and {len(target)} outcomes", where=model)
    if not len(inputs):
        raise DataError("there is no row to learn from", where=model)
    if not inputs.shape[1]:
        raise DataError(
            "there is no column to learn from",
            where=model,
            do="Name features that are not the same in all train records",
        )
    if not np.isfinite(target).all():
        row = int(np.flatnonzero(~np.isfinite(target))[0])
        raise DataError(f"the outcome of row {row + 1} is not finite", where=model)
    outcome = Outcome.of(train)
    if isinstance(train, Labelled):
        _usable_classes(outcome, train, model)
    return outcome


def _usable_classes(outcome: Outcome, train: Labelled, model: str) -> None:
    if outcome.present[0] < 0 or outcome.present[-1] >= outcome.classes:
        raise DataError(f"labels go from {outcome.present[0]} to {outcome.present[-1]}, for {outcome.classes} classes")
    if len(outcome.present) < 2:
        raise DataError(
            f"train holds one class alone: '{train.classes[outcome.present[0]]}'",
            where=model,
            do="Use fewer folds, or a split that puts every class into train",
        )


def _matrix(inputs: Array) -> Array:
    inputs = np.asarray(inputs, np.float64)
    if inputs.ndim != 2:
        raise DataError(f"inputs have the shape {inputs.shape}, and a table has rows and columns")
    if not np.isfinite(inputs).all():
        row, column = (int(i[0]) for i in np.nonzero(~np.isfinite(inputs)))
        raise DataError(
            f"the input in row {row + 1}, column {column + 1} is not finite", do="Prepare the table before fitting"
        )
    return inputs


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for BLAS and OpenMP: sums then have one order, inline and in a process alike."""
    with _libraries(len(sys.modules)).limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _libraries(_modules: int) -> ThreadpoolController:
    """The libraries that make threads. Finding them takes longer than many a fit; they come with imports, and are looked for after one."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
