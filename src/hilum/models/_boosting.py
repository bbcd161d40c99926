"""What the models of boosted trees share: the names of their settings, and which values make no sense."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError
from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.models._outcome import Outcome
from hilum.models._trees import refuse_state


class BoostingSettings(Protocol):
    """Settings that all have; their meaning stands with each model."""

    @property
    def rounds(self) -> int:
        """Trees."""
        ...

    @property
    def learning_rate(self) -> float:
        """How much of each tree is taken."""
        ...

    @property
    def depth(self) -> int | None:
        """The most splits from root to leaf."""
        ...

    @property
    def penalty(self) -> float:
        """L2 penalty of a leaf."""
        ...

    @property
    def state(self) -> int | None:
        """What draws are made from, whatever the seed."""
        ...


def refuse_nonsense(settings: BoostingSettings, where: str, own: bool = True) -> None:
    """Refuse settings that make no sense.

    Args:
        settings: Of a model of boosted trees.
        where: Its name.
        own: Whether its settings beyond those that all have make sense.

    Raises:
        UsageError: a count below 1, fewer than two leaves, a learning rate that is not positive, or a negative penalty.
    """
    s = settings
    if not own or s.rounds < 1 or (s.depth is not None and s.depth < 1) or s.learning_rate <= 0 or s.penalty < 0:
        raise UsageError(
            f"{settings} makes no sense",
            where=where,
            do="Two leaves or more, other counts 1 or more, a positive learning rate, shares in (0, 1], no negative penalty",
        )
    refuse_state(s.state, where)


def codes_of_validation(
    outcome: Outcome, train: Labelled | Measured, validation: Labelled | Measured, model: str
) -> NDArray[Any]:
    """The outcomes of a validation part as those of train are coded, (rows,).

    Raises:
        DataError: a part of another kind, of another length than its outcomes, or with a class that train lacks.
    """
    if isinstance(train, Labelled) is not isinstance(validation, Labelled):
        raise DataError(
            "train asks for classes and the validation part for a number, or the other way round", where=model
        )
    target = validation.labels if isinstance(validation, Labelled) else validation.targets
    if len(target) != len(validation.inputs) or not np.isfinite(target).all():
        raise DataError("the validation part holds rows without an outcome", where=model)
    if not isinstance(validation, Labelled):
        return target
    if not np.isin(target, outcome.present).all():
        raise DataError("the validation part holds a class that train lacks", where=model, do="Use fewer folds")
    return outcome.codes(validation)
