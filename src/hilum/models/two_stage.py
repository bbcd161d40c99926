"""Two stages: one model says how likely each class is, another the number beside it; both are answered together.

Model       p(c | x) from a classifier, y(x) from a regressor, each fitted alone on the same train records
Fit         the classifier on the labels, the regressor on the numbers beside them (remaining days), both with the run's seed
Symbols     x       a prepared record, or those of its sequence up to it, as each of the two models reads it
Cost        that of both
Source      the two-stage setting of arXiv 2209.07805: the best model of the outcome beside the best model of the length of stay
Deviations  None. Either model may read single records or sequences. If any of them reads sequences, so do the two together, and every
            record is answered; the model of single records is then fitted on the records that are asked for, and answers all.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.component import describe
from hilum.core.errors import DataError, UsageError
from hilum.core.kinds.classify import Joint, Labelled
from hilum.core.kinds.regress import Measured
from hilum.core.sequence import Sequenced
from hilum.models import _folder
from hilum.models._sequence_parts import Part
from hilum.models.logistic_regression import LogisticRegression
from hilum.models.ridge_linear import RidgeLinear

Array = NDArray[np.float64]
NAME = "two_stage"


@dataclass(frozen=True)
class TwoStage:
    """Settings.

    Attributes:
        outcome: The classifier.
        number: The regressor.
    """

    outcome: Any = field(default_factory=LogisticRegression)
    number: Any = field(default_factory=RidgeLinear)
    kinds: ClassVar[tuple[str, ...]] = ("classify",)

    def __post_init__(self) -> None:
        """Refuse models that cannot do their part."""
        for name, kind in (("outcome", "classify"), ("number", "regress")):
            given = getattr(self, name)
            if kind not in getattr(given, "kinds", ()):
                raise UsageError(
                    f"{name} is not one model that can {kind}",
                    where=NAME,
                    do=f'Name it, in study.toml as {name} = "random_forest"',
                )
            if getattr(given, "answers", "outcome") != "outcome":
                raise UsageError(
                    f"{name} is a model that answers both by itself", where=NAME, do="Set its answers to 'outcome'"
                )

    @property
    def answers(self) -> str:
        """Both."""
        return "joint"

    @property
    def reads(self) -> str:
        """What is handed over: "sequences" if either model reads them, else "records"."""
        return "sequences" if "sequences" in (_reads(self.outcome), _reads(self.number)) else "records"

    @property
    def stochastic(self) -> bool:
        """Whether either draws at random."""
        return any(getattr(model, "stochastic", False) for model in (self.outcome, self.number))

    def fit(self, train: Labelled, validation: Labelled | None, seed: int) -> FittedTwoStage:
        """Fit both; each is handed its own validation part.

        Raises:
            DataError: a part without a number beside the outcome, or that a model cannot learn from.
            HilumError: an extra that a model needs is not installed.
        """
        learnt = _with_number(train)
        held = None if validation is None else _with_number(validation)
        outcome, number = self.outcome, self.number
        return FittedTwoStage(
            self,
            outcome.fit(_as_read(outcome, learnt), None if held is None else _as_read(outcome, held), seed),
            number.fit(_numbers(number, learnt), None if held is None else _numbers(number, held), seed),
        )

    def load(self, folder: Path) -> FittedTwoStage:
        """Read what was saved."""
        _folder.read_files(folder, NAME, ())
        return FittedTwoStage(self, self.outcome.load(folder / "outcome"), self.number.load(folder / "number"))


class FittedTwoStage:
    """Both models, fitted."""

    def __init__(self, settings: TwoStage, classifier: Any, regressor: Any) -> None:
        self._settings = settings
        self._classifier = classifier
        self._regressor = regressor

    def predict(self, inputs: Array | Sequenced) -> Joint:
        """Both for every record; of models that all read single records, handed sequences, for the records that are asked for.

        Raises:
            DataError: single records, and a model reads sequences.
        """
        settings = self._settings
        if isinstance(inputs, Sequenced):
            single = inputs.values if settings.reads == "sequences" else inputs.values[inputs.asked]
        elif settings.reads == "sequences":
            raise DataError("the model reads sequences, and was handed single records", where=NAME)
        else:
            single = inputs
        probabilities, numbers = (
            fitted.predict(inputs if _reads(model) == "sequences" else single)
            for fitted, model in ((self._classifier, settings.outcome), (self._regressor, settings.number))
        )
        return Joint(probabilities, numbers)

    def save(self, folder: Path) -> None:
        """Write each model into a folder of its own."""
        for name, fitted in (("outcome", self._classifier), ("number", self._regressor)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            fitted.save(folder / name)
        names = {"outcome": describe(self._settings.outcome).name, "number": describe(self._settings.number).name}
        _folder.write_files(folder, NAME, names, {})


def _reads(model: Any) -> str:
    return str(getattr(model, "reads", "records"))


def _with_number(part: Labelled | Measured) -> Labelled:
    if isinstance(part, Measured) or part.beside is None:
        raise DataError(
            "two stages need classes and a number beside them (remaining days), and there is one of the two alone",
            where=NAME,
            do="Use a task that has both, or one model",
        )
    return part


def _as_read(model: Any, part: Labelled) -> Labelled:
    """The part as the model reads it: sequences, or the single records that are asked for."""
    if part.sequences is None or _reads(model) == "sequences":
        return part
    spread = Part.of(part, NAME)
    assert isinstance(spread.data, Labelled)
    assert spread.numbers is not None
    asked = part.sequences.asked
    subjects = part.subjects
    if len(subjects) == len(asked):
        subjects = tuple(name for name, kept in zip(subjects, asked, strict=True) if kept)
    return replace(spread.data, subjects=subjects, sequences=None, beside=spread.asked(spread.numbers))


def _numbers(model: Any, part: Labelled) -> Measured:
    """The numbers beside the outcome, as the model reads them."""
    seen = _as_read(model, part)
    assert seen.beside is not None
    return Measured(seen.inputs, seen.beside, "", seen.subjects, seen.sequences)  # no model reads the unit
