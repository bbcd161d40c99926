"""A fitted linear model: scores are inputs times weights plus intercept. Shared by logistic, ridge and elastic-net regression."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.models import _folder
from hilum.models._outcome import Outcome, one_thread

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FittedLinear:
    """Weights and what they answer.

    Attributes:
        model: Name of the model that fitted it.
        outcome: What is asked.
        weights: (columns, outputs); one output for a number or for two classes present, else one a class present.
        intercept: (outputs,).
        converged: Whether the solver reached its tolerance within its iterations.
    """

    model: str
    outcome: Outcome
    weights: Array
    intercept: Array
    converged: bool = True

    def predict(self, inputs: Array) -> Array:
        """Numbers (rows,), or probabilities (rows, classes)."""
        with one_thread():
            return self.outcome.answer(self.outcome.accept(inputs) @ self.weights + self.intercept)

    @property
    def importance(self) -> Array:
        """Mean absolute weight of each column, (columns,): comparable where the columns have one scale."""
        return np.asarray(np.abs(self.weights).mean(axis=1))

    def save(self, folder: Path) -> None:
        """Write weights and facts."""
        facts = {**self.outcome.facts(), "converged": self.converged}
        _folder.write(folder, self.model, facts, {"weights": self.weights, "intercept": self.intercept})

    @classmethod
    def load(cls, folder: Path, model: str) -> FittedLinear:
        """Read what `save` wrote."""
        facts, arrays = _folder.read(folder, model, ("weights", "intercept"))
        return cls(model, Outcome.read(facts), arrays["weights"], arrays["intercept"], bool(facts["converged"]))
