"""What models that read sequences share: their settings, what they are fitted on, and what is saved. Torch is imported when fitting.

    settings.fit(train, validation, seed) -> fitted      train, validation: Labelled or Measured, with `sequences`
    settings.fit(train, validation, seed, start=fitted)  goes on from what was fitted elsewhere (another database)
    fitted.predict(Sequenced) -> probabilities (rows, classes), numbers (rows,), or a Joint of both; a row for every record, asked or not

Outcomes    Labels or targets belong to the records that are asked for, in their order; one a record, context included, fits too.
Units       Numbers are learnt in standard units of the train records that are asked for; gaps in units of train's median gap.
Validation  After each pass the validation part is scored by `monitor`; the best pass is kept, and `patience` passes without a better
            one end the training. Without a validation part all passes are taken, and the last is kept.
Same bits   Weights, dropout and the order of sequences are drawn from the seed, on one thread.
Deviations  Whoever declares static columns (`static_columns`, the first so many) has them checked: a change within a sequence is an error.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hilum.core.component import describe
from hilum.core.errors import DataError, HilumError, UsageError, unknown
from hilum.core.kinds.classify import Joint, Labelled
from hilum.core.kinds.regress import Measured
from hilum.core.sequence import Sequenced
from hilum.models import _folder
from hilum.models._outcome import one_thread
from hilum.models._sequence_parts import Facts, Part, badness, targets_of

if TYPE_CHECKING:
    import torch

    from hilum.nn.sequences.encoder import Encoder
    from hilum.nn.sequences.records import Batch
    from hilum.nn.sequences.training import History, Network

Array = NDArray[np.float64]
Loss = Literal["plain", "balanced", "time_aware", "time_aware_published"]
CHOICES = {
    "optimizer": ("adamw", "adam"),
    "loss": get_args(Loss),
    "answers": ("outcome", "joint"),
    "monitor": ("loss", "score"),
}


@dataclass(frozen=True)
class SequenceModel(ABC):
    """Settings that all have.

    Attributes:
        hidden: Numbers of the state that a record ends in.
        dropout: Share of values dropped while training.
        learning_rate: Of the optimiser.
        penalty: Weight decay.
        optimizer: "adamw" takes the decay off the weights, "adam" adds it to the gradient.
        sequences_per_step: Sequences a step.
        epochs: The most passes over all sequences.
        patience: Passes without a better validation part that end the training.
        loss: "plain", "balanced" (classes weigh the same), or one of two that weigh errors by the number beside the outcome
            (hilum/nn/sequences/losses.py).
        answers: "outcome" alone, or "joint": the classes and the number beside them, by one network.
        monitor: What the validation part is judged by: the loss, or the score: average precision of classes (of the second of two,
            else the mean over classes), mean absolute error of numbers.
        static_columns: How many of the first columns do not change within a sequence.
    """

    hidden: int = 64
    dropout: float = 0.0
    learning_rate: float = 1e-3
    penalty: float = 1e-2
    optimizer: Literal["adamw", "adam"] = "adamw"
    sequences_per_step: int = 64
    epochs: int = 100
    patience: int = 10
    loss: Loss = "plain"
    answers: Literal["outcome", "joint"] = "outcome"
    monitor: Literal["loss", "score"] = "loss"
    static_columns: int = 0
    stochastic: ClassVar[bool] = True
    kinds: ClassVar[tuple[str, ...]] = ("classify", "regress")
    extra: ClassVar[str] = "deep"
    reads: ClassVar[str] = "sequences"
    continues: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        counts = (self.hidden, self.sequences_per_step, self.epochs, self.patience)
        whole = min(counts) >= 1 and self.static_columns >= 0
        if not whole or self.learning_rate <= 0 or self.penalty < 0 or not 0 <= self.dropout < 1:
            raise self.nonsense(
                "Counts are 1 or more, the learning rate is positive, penalty and static_columns are not negative, "
                "dropout lies in [0, 1)"
            )
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise unknown(f"value of {name}", str(getattr(self, name)), choices, where=type(self).__name__)

    def nonsense(self, do: str) -> UsageError:
        """The error for settings that make no sense."""
        return UsageError(f"these settings make no sense: {self}", where=type(self).__name__, do=do)

    @abstractmethod
    def encoder(self, columns: int) -> Encoder:
        """The network, for so many columns that are not static; weights are drawn from torch's generator."""

    def fit(
        self,
        train: Labelled | Measured,
        validation: Labelled | Measured | None,
        seed: int,
        start: FittedSequences | None = None,
    ) -> FittedSequences:
        """Train; the validation part steers when to stop.

        Args:
            train: What is learnt from.
            validation: What the passes are judged by, or None.
            seed: Of weights, dropout and the order of sequences.
            start: A fit of the same settings: its weights are the first ones, and its units (of numbers, of gaps) are kept.

        Raises:
            HilumError: the extra `deep` is not installed, training diverged, or the start is a fit of other settings.
            DataError: a part without sequences, or that nothing can be learnt from, or that has other columns or classes than the start.
            UsageError: a loss that needs classes or the number beside them where there are none.
        """
        _need_torch()
        from hilum.nn.sequences.losses import Criterion
        from hilum.nn.sequences.records import Records, usual_gap
        from hilum.nn.sequences.session import torch_session
        from hilum.nn.sequences.training import Schedule, loss_of, scores_of
        from hilum.nn.sequences.training import train as train_network

        name = type(self).__name__
        part = Part.of(train, name)
        self._refuse_loss(part)
        facts = Facts.of(part, name, usual_gap(part.sequences), joint=self.answers == "joint")
        if start is not None:
            facts = _kept_facts(start.facts, facts, part, name)
        numbered = facts.joint or part.labels is None
        schedule = Schedule(
            self.learning_rate, self.penalty, self.optimizer, self.sequences_per_step, self.epochs, self.patience
        )
        with one_thread(), torch_session(seed):
            network = self._network(facts)
            if start is not None:
                _load_into(network, start.network.state_dict(), name)
            judge: Callable[[], float] | None = None
            if validation is not None:
                other = Part.of(validation, name)
                held = Records(facts.accept(other.sequences), self.static_columns, facts.gap_unit)
                aim = Criterion(targets_of(other, facts, part, self.loss), numbered, self.loss)

                def judge() -> float:
                    if self.monitor == "loss":
                        return loss_of(network, held, aim, other.sequences.asked)
                    return badness(other, facts.answer(other.asked(scores_of(network, held))))

            records = Records(part.sequences, self.static_columns, facts.gap_unit)
            criterion = Criterion(targets_of(part, facts, part, self.loss), numbered, self.loss)
            history = train_network(network, records, criterion, schedule, seed, judge)
        return FittedSequences(self, facts, network, history)

    def load(self, folder: Path) -> FittedSequences:
        """Read what was saved.

        Raises:
            HilumError: the extra `deep` is not installed, or the folder is another model's, of other settings, or damaged.
        """
        _need_torch()
        import torch

        from hilum.nn.sequences.session import torch_session
        from hilum.nn.sequences.training import History

        plain, arrays = _folder.read(folder, describe(self).name, ("head.weight", "head.bias"))
        facts = Facts.read(plain)
        with torch_session():
            network = self._network(facts)
        _load_into(network, {name: torch.from_numpy(array) for name, array in arrays.items()}, str(folder))
        network.eval()
        return FittedSequences(self, facts, network, History())

    def _network(self, facts: Facts) -> Network:
        from hilum.nn.sequences.training import Network

        columns = facts.outcome.columns - self.static_columns
        if columns < 1:
            raise UsageError(
                f"{facts.outcome.columns} columns, and static_columns {self.static_columns} leaves none that changes in time",
                where=type(self).__name__,
                do="Lower static_columns",
            )
        return Network(self.encoder(columns), facts.outputs, joint=facts.joint)

    def _refuse_loss(self, part: Part) -> None:
        asked = f"answers '{self.answers}' and loss '{self.loss}'"
        do = "Use answers = 'outcome' and loss = 'plain', or another task"
        if part.labels is None and (self.answers == "joint" or self.loss != "plain"):
            raise UsageError(f"{asked} need classes, and a number is asked for", where=type(self).__name__, do=do)
        if part.numbers is None and (self.answers == "joint" or self.loss.startswith("time_aware")):
            raise UsageError(
                f"{asked} need a number beside the outcome, and there is none", where=type(self).__name__, do=do
            )


class FittedSequences:
    """Settings, facts and a trained network.

    Attributes:
        history: Losses of the passes, and which was kept; empty in a model that was loaded.
    """

    def __init__(self, settings: SequenceModel, facts: Facts, network: Network, history: History) -> None:
        self._settings = settings
        self._facts = facts
        self._network = network
        self.history = history

    def predict(self, inputs: Sequenced) -> Array | Joint:
        """Probabilities (records, classes), numbers (records,), or both, for every record."""
        from hilum.nn.sequences.records import Records
        from hilum.nn.sequences.session import torch_session
        from hilum.nn.sequences.training import scores_of

        rows = self._facts.accept(inputs)
        with one_thread(), torch_session():
            records = Records(rows, self._settings.static_columns, self._facts.gap_unit)
            return self._facts.answer(scores_of(self._network, records))

    @property
    def facts(self) -> Facts:
        """What is kept beside the weights."""
        return self._facts

    @property
    def network(self) -> Network:
        """The network, for whoever looks inside (`hilum.explain`); its scores are not yet answers."""
        return self._network

    def batch(self, inputs: Sequenced) -> Batch:
        """Sequences as the network reads them, the longest first."""
        from hilum.nn.sequences.records import Records

        records = Records(self._facts.accept(inputs), self._settings.static_columns, self._facts.gap_unit)
        return records.batch(records.by_length)

    def save(self, folder: Path) -> None:
        """Write weights and facts."""
        arrays = {name: value.numpy() for name, value in self._network.state_dict().items()}
        _folder.write(folder, describe(self._settings).name, self._facts.plain(), arrays)


def _kept_facts(start: Facts, own: Facts, part: Part, name: str) -> Facts:
    """The facts of the start, if the part has its columns and its classes.

    Raises:
        DataError: it has others.
    """
    start.accept(part.sequences)
    if start.outcome.classes != own.outcome.classes or start.outcome.present != own.outcome.present:
        raise DataError(
            f"train has the classes {own.outcome.present}, and the model that it goes on from was fitted on {start.outcome.present}",
            where=name,
            do="Use fewer folds, or pretrain on data with the same classes",
        )
    return start


def _load_into(network: Network, weights: Mapping[str, torch.Tensor], where: str) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise HilumError(
            "the weights do not fit these settings", where=where, do="Load with the settings that were fitted"
        ) from error


def _need_torch() -> None:
    if find_spec("torch") is None:
        raise HilumError(
            "a network that reads sequences needs the extra 'deep'", do="pip install 'hilum[deep]' and run again"
        )
