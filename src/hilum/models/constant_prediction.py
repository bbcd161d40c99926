"""Constant prediction: the same answer for every record, whatever its features. The trivial predictor of tables.

Model       p(class c) = (train records of class c) / (train records);   a number is the mean of the train targets, or of those of them
            that lie inside a band of their quantiles
Symbols     none
Cost        one pass over the outcomes; a sort for the band
Source      the climatological forecast: Murphy, Journal of Applied Meteorology 12 (1973), eq. 5, for its Brier score; the band: the
            constant of arXiv 2209.07805 is the mean of the remaining days strictly inside their 5 to 95 % band
Deviations  The mean is the exactly rounded sum over the count, so the order of the records leaves no trace. Quantiles are interpolated
            linearly; a number on a limit of the band is outside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError, unknown
from hilum.core.kinds.classify import Joint, Labelled
from hilum.core.kinds.regress import Measured
from hilum.models import _folder

Array = NDArray[np.float64]
Answers = Literal["outcome", "joint"]
NAME = "constant_prediction"


@dataclass(frozen=True)
class ConstantPrediction:
    """Settings.

    Attributes:
        answers: "outcome" alone, or "joint": the class shares and the mean of the number beside the outcome.
        band: The two quantiles, shares from 0 to 1, between which numbers count for the mean; None for all numbers.
    """

    answers: Answers = "outcome"
    band: tuple[float, float] | None = None
    stochastic: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("classify", "regress")

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.answers not in get_args(Answers):
            raise unknown("value of answers", str(self.answers), get_args(Answers), where=NAME)
        if self.band is not None and (len(self.band) != 2 or not 0 <= self.band[0] < self.band[1] <= 1):
            raise UsageError(f"{self.band} is no band of quantiles", where=NAME, do="Two shares, e.g. (0.05, 0.95)")

    def fit(self, train: Labelled | Measured, validation: Labelled | Measured | None, seed: int) -> FittedConstant:
        """Class shares, or the mean, or both; validation part and seed are not used.

        Raises:
            DataError: there is no record, no number beside the outcome where both are answered, or none inside the band.
            UsageError: both are to be answered, and a number alone is asked for.
        """
        if not len(train.inputs):
            raise DataError("there is no row to learn from", where=NAME)
        if isinstance(train, Measured):
            if self.answers == "joint":
                raise UsageError(
                    "answers 'joint' needs classes, and a number is asked for", where=NAME, do="Use answers = 'outcome'"
                )
            return FittedConstant("regress", np.array([self._mean(train.targets)]))
        shares = np.bincount(train.labels, minlength=len(train.classes)) / len(train.labels)
        if self.answers == "outcome":
            return FittedConstant("classify", shares)
        if train.beside is None:
            raise DataError(
                "answers 'joint' needs a number beside the outcome, and there is none",
                where=NAME,
                do="Use answers = 'outcome', or a task that has one",
            )
        return FittedConstant("joint", np.append(shares, self._mean(train.beside)))

    def load(self, folder: Path) -> FittedConstant:
        """Read what was saved."""
        facts, arrays = _folder.read(folder, NAME, ("answer",))
        return FittedConstant(str(facts["kind"]), arrays["answer"])

    def _mean(self, numbers: Array) -> float:
        if self.band is not None:
            low, high = np.quantile(numbers, self.band)
            numbers = numbers[(numbers > low) & (numbers < high)]
            if not len(numbers):
                raise DataError(f"no number of train lies inside its band {self.band}", where=NAME, do="Widen the band")
        return math.fsum(numbers.tolist()) / len(numbers)


class FittedConstant:
    """The answer: one probability a class ("classify"), one number ("regress"), or the number after the probabilities ("joint")."""

    def __init__(self, kind: str, answer: Array) -> None:
        self._kind = kind
        self._answer = answer

    def predict(self, inputs: Array) -> Array | Joint:
        """The same for every row."""
        rows = len(inputs)
        if self._kind == "regress":
            return np.full(rows, self._answer[0])
        if self._kind == "classify":
            return np.tile(self._answer, (rows, 1))
        return Joint(np.tile(self._answer[:-1], (rows, 1)), np.full(rows, self._answer[-1]))

    def save(self, folder: Path) -> None:
        """Write the answer."""
        _folder.write(folder, NAME, {"kind": self._kind}, {"answer": self._answer})
