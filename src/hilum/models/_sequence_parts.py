"""The parts that a model of sequences is fitted on and judged by, and the facts that are kept beside its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError
from hilum.core.kinds.classify import Joint, Labelled
from hilum.core.kinds.regress import Measured
from hilum.core.sequence import Sequenced
from hilum.models._outcome import Outcome, usable

if TYPE_CHECKING:
    from hilum.nn.sequences.losses import Loss, Targets

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """A part of the data, its outcomes spread over all records; what stands at records that are not asked for means nothing.

    Attributes:
        data: As it was handed over, inputs and outcomes of the records that are asked for alone.
        sequences: All records.
        labels: (records,) or None where a number is asked for.
        numbers: (records,) the target, or the number beside the class; None where there is none.
    """

    data: Labelled | Measured
    sequences: Sequenced
    labels: NDArray[np.int64] | None
    numbers: Array | None

    @classmethod
    def of(cls, data: Labelled | Measured, model: str) -> Part:
        """From what the engine hands over.

        Raises:
            DataError: no sequences, outcomes that fit neither all records nor those asked for, or a number that is not finite.
        """
        rows = data.sequences
        if rows is None:
            raise DataError(
                "the model reads sequences, and was handed single records",
                where=model,
                do="Say which column names the sequence and which the time, or use a model of single records",
            )
        if isinstance(data, Measured):
            numbers = _spread(rows, data.targets, model)
            asked: Labelled | Measured = replace(data, inputs=rows.values[rows.asked], targets=numbers[rows.asked])
            return cls(asked, rows, None, numbers)
        labels = _spread(rows, data.labels, model)
        beside = None if data.beside is None else _spread(rows, data.beside, model)
        if beside is not None and not np.isfinite(beside[rows.asked]).all():
            record = int(np.flatnonzero(~np.isfinite(beside) & rows.asked)[0])
            raise DataError(f"the number beside the outcome of record {record + 1} is not finite", where=model)
        asked = replace(data, inputs=rows.values[rows.asked], labels=labels[rows.asked])
        return cls(asked, rows, labels, beside)

    def asked(self, values: NDArray[Any]) -> NDArray[Any]:
        """Of values (records, ...), those of the records that are asked for."""
        found: NDArray[Any] = values[self.sequences.asked]
        return found


def _spread(rows: Sequenced, outcomes: NDArray[Any], model: str) -> NDArray[Any]:
    if len(outcomes) == len(rows.values):
        return outcomes
    if len(outcomes) != int(rows.asked.sum()):
        raise DataError(
            f"{len(outcomes)} outcomes for {len(rows.values)} records, {int(rows.asked.sum())} of which are asked for",
            where=model,
        )
    whole = np.zeros(len(rows.values), outcomes.dtype)
    whole[rows.asked] = outcomes
    return whole


@dataclass(frozen=True)
class Facts:
    """What is kept beside the weights.

    Attributes:
        outcome: What is answered.
        joint: Whether a class and the number beside it are.
        middle, spread: Mean and standard deviation of the numbers of the train records that are asked for.
        gap_unit: The median time between neighbouring records of train.
    """

    outcome: Outcome
    joint: bool
    middle: float
    spread: float
    gap_unit: float

    @classmethod
    def of(cls, train: Part, model: str, gap_unit: float, *, joint: bool) -> Facts:
        """From the training part.

        Raises:
            DataError: a training part that nothing can be learnt from.
        """
        outcome = usable(train.data, model)
        if train.numbers is None:
            return cls(outcome, joint, 0.0, 1.0, gap_unit)
        numbers = train.asked(train.numbers)
        return cls(outcome, joint, float(numbers.mean()), float(numbers.std()) or 1.0, gap_unit)

    @property
    def outputs(self) -> int:
        """How many scores a record has: two classes share one."""
        classes = len(self.outcome.present)
        return (1 if classes == 2 else classes) + int(self.joint) if classes else 1

    def accept(self, inputs: Sequenced) -> Sequenced:
        """The same, if it has the columns that were fitted, all of them finite.

        Raises:
            DataError: single records, another number of columns, or a value that is not finite.
        """
        if not isinstance(inputs, Sequenced):
            raise DataError("the model reads sequences, and was handed single records")
        self.outcome.accept(inputs.values)
        return inputs

    def answer(self, scores: Array) -> Array | Joint:
        """Probabilities, numbers or both from scores (records, outputs)."""
        if not self.outcome.classes:
            return scores[:, 0] * self.spread + self.middle
        if not self.joint:
            return self.outcome.answer(scores)
        return Joint(self.outcome.answer(scores[:, :-1]), scores[:, -1] * self.spread + self.middle)

    def plain(self) -> dict[str, Any]:
        """Plain data for `model.json`."""
        own = {"joint": self.joint, "middle": self.middle, "spread": self.spread, "gap_unit": self.gap_unit}
        return self.outcome.facts() | own

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> Facts:
        """Read what `plain` gave."""
        figures = (float(facts[name]) for name in ("middle", "spread", "gap_unit"))
        return cls(Outcome.read(facts), bool(facts["joint"]), *figures)


def targets_of(part: Part, facts: Facts, train: Part, loss: Loss) -> Targets:
    """A part's targets as tensors, weighted as the training part says.

    Raises:
        DataError: a class that train lacks among the records that are asked for.
    """
    import torch

    from hilum.nn.sequences.losses import Targets, balanced_weights, time_aware_weights

    def single(values: Array) -> torch.Tensor:
        return torch.from_numpy(values.astype(np.float32))

    standard = None if part.numbers is None else single((part.numbers - facts.middle) / facts.spread)
    if part.labels is None or train.labels is None:
        return Targets(None, standard)
    present = np.array(facts.outcome.present)
    known = np.isin(part.labels, present)
    if not part.asked(known).all():
        raise DataError("the validation part holds a class that train lacks", do="Use fewer folds")
    codes = torch.from_numpy(np.where(known, np.searchsorted(present, part.labels), 0))
    weights = None
    if loss == "balanced":
        of_train = torch.from_numpy(np.searchsorted(present, train.asked(train.labels)))
        weights = balanced_weights(codes, of_train, len(present))
    elif loss == "time_aware" and part.numbers is not None and train.numbers is not None:
        weights = time_aware_weights(single(part.numbers), single(train.asked(train.numbers)))
    return Targets(codes, standard, weights)


def badness(part: Part, said: Array | Joint) -> float:
    """How bad what was said of the records that are asked for is: minus the mean average precision, or the mean absolute error.

    Raises:
        DataError: a part without records of two classes.
    """
    if part.labels is None:
        assert part.numbers is not None
        return float(np.abs(np.asarray(said) - part.asked(part.numbers)).mean())
    from sklearn.metrics import average_precision_score

    shares = said.probabilities if isinstance(said, Joint) else said
    labels = part.asked(part.labels)
    classes = range(shares.shape[1]) if shares.shape[1] > 2 else (1,)
    found = [average_precision_score(labels == c, shares[:, c]) for c in classes if 0 < (labels == c).mean() < 1]
    if not found:
        raise DataError(
            "the validation part holds one class alone, and average precision needs two",
            do="Use monitor = 'loss', or a split that puts every class into validation",
        )
    return -float(np.mean(found))
