"""Constant prediction: the same answer for every record, whatever its features. The trivial predictor of tables.

Model       p(class c) = (train records of class c) / (train records);   a number is the mean of the train targets
Symbols     none
Cost        one pass over the outcomes
Source      the climatological forecast: Murphy, Journal of Applied Meteorology 12 (1973), eq. 5, for its Brier score
Deviations  The mean is the exactly rounded sum over the count, so the order of the records leaves no trace.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError
from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.models import _folder

Array = NDArray[np.float64]
NAME = "constant_prediction"


@dataclass(frozen=True)
class ConstantPrediction:
    """Settings: none."""

    stochastic: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("classify", "regress")

    def fit(self, train: Labelled | Measured, validation: Labelled | Measured | None, seed: int) -> FittedConstant:
        """Class shares, or the mean; validation part and seed are not used.

        Raises:
            DataError: there is no record.
        """
        if not len(train.inputs):
            raise DataError("there is no row to learn from", where=NAME)
        if isinstance(train, Measured):
            return FittedConstant(np.array([math.fsum(train.targets.tolist()) / len(train.targets)]), "regress")
        return FittedConstant(np.bincount(train.labels, minlength=len(train.classes)) / len(train.labels), "classify")

    def load(self, folder: Path) -> FittedConstant:
        """Read what was saved."""
        facts, arrays = _folder.read(folder, NAME, ("answer",))
        return FittedConstant(arrays["answer"], str(facts["kind"]))


class FittedConstant:
    """The answer: one probability a class, or one number."""

    def __init__(self, answer: Array, kind: str) -> None:
        self._answer = answer
        self._kind = kind

    def predict(self, inputs: Array) -> Array:
        """The same for every row."""
        rows = len(inputs)
        return np.full(rows, self._answer[0]) if self._kind == "regress" else np.tile(self._answer, (rows, 1))

    def save(self, folder: Path) -> None:
        """Write the answer."""
        _folder.write(folder, NAME, {"kind": self._kind}, {"answer": self._answer})
