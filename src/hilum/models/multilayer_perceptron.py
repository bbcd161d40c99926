"""A small multilayer perceptron on the features of a table.

Model       h_0 = x;   h_l = max(0, h_(l-1) W_l + b_l);   the last layer is linear: a number, the log odds of the second of two classes,
            or one score a class
Fit         Adam on shuffled steps of some rows: mean log loss, or half the squared error, + penalty / 2 * sum |W|^2 / (rows of the step)
Symbols     x    (columns,)         a prepared record
            W_l  (inputs, units)    weights of a layer, b_l (units,)
Cost        O(rows * weights) an epoch
Source      Rumelhart, Hinton and Williams, Nature 323 (1986); Adam: Kingma and Ba, arXiv 1412.6980; start: Glorot and Bengio, AISTATS
            2010; solver: scikit-learn
Deviations  No rows are set aside for early stopping: they would share subjects with the rest. It ends when the training loss has not
            fallen by 1e-4 for ten epochs, or after `epochs`. A number is fitted in standard units of the train targets.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.models import _folder
from hilum.models._outcome import Outcome, one_thread, usable

Array = NDArray[np.float64]
NAME = "multilayer_perceptron"


@dataclass(frozen=True)
class MultilayerPerceptron:
    """Settings: units of each hidden layer, penalty, learning rate, most epochs, and rows a step."""

    hidden_units: tuple[int, ...] = (32,)
    penalty: float = 1e-3
    learning_rate: float = 1e-3
    epochs: int = 200
    rows_per_step: int = 64
    stochastic: ClassVar[bool] = True
    kinds: ClassVar[tuple[str, ...]] = ("classify", "regress")

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        counts = (*self.hidden_units, self.epochs, self.rows_per_step)
        if not self.hidden_units or min(counts) < 1 or self.penalty < 0 or self.learning_rate <= 0:
            raise UsageError(
                f"hidden_units {self.hidden_units}, penalty {self.penalty}, learning_rate {self.learning_rate}, "
                f"epochs {self.epochs} or rows_per_step {self.rows_per_step} makes no sense",
                where=NAME,
                do="Counts are 1 or more, the learning rate is positive, the penalty is not negative",
            )

    def fit(self, train: Labelled | Measured, validation: Labelled | Measured | None, seed: int) -> FittedLayers:
        """Train; the validation part is not used.

        Raises:
            DataError: a training part that nothing can be learnt from.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        outcome = usable(train, NAME)
        settings: dict[str, Any] = {
            "hidden_layer_sizes": self.hidden_units,
            "alpha": self.penalty,
            "learning_rate_init": self.learning_rate,
            "max_iter": self.epochs,
            "batch_size": min(self.rows_per_step, len(train.inputs)),
            "random_state": seed,
        }
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            if isinstance(train, Labelled):
                solver = MLPClassifier(**settings).fit(train.inputs, outcome.codes(train))
                return FittedLayers(outcome, solver.coefs_, solver.intercepts_)
            middle, spread = float(train.targets.mean()), float(train.targets.std()) or 1.0
            solver = MLPRegressor(**settings).fit(train.inputs, (train.targets - middle) / spread)
            weights = [*solver.coefs_[:-1], solver.coefs_[-1] * spread]
            return FittedLayers(outcome, weights, [*solver.intercepts_[:-1], solver.intercepts_[-1] * spread + middle])

    def load(self, folder: Path) -> FittedLayers:
        """Read what was saved."""
        facts, arrays = _folder.read(folder, NAME, ("weights 0", "offsets 0"))
        layers = range(len(arrays) // 2)
        weights, offsets = [arrays[f"weights {n}"] for n in layers], [arrays[f"offsets {n}"] for n in layers]
        return FittedLayers(Outcome.read(facts), weights, offsets)


class FittedLayers:
    """Weights (inputs, units) and offsets (units,) of each layer."""

    def __init__(self, outcome: Outcome, weights: list[Array], offsets: list[Array]) -> None:
        self._outcome = outcome
        self._weights = weights
        self._offsets = offsets

    def predict(self, inputs: Array) -> Array:
        """Numbers (rows,), or probabilities (rows, classes)."""
        values = self._outcome.accept(inputs)
        with one_thread():
            for weights, offsets in zip(self._weights[:-1], self._offsets[:-1], strict=True):
                values = np.maximum(values @ weights + offsets, 0.0)
            return self._outcome.answer(values @ self._weights[-1] + self._offsets[-1])

    def save(self, folder: Path) -> None:
        """Write weights and facts."""
        arrays = {f"weights {n}": array for n, array in enumerate(self._weights)}
        arrays |= {f"offsets {n}": array for n, array in enumerate(self._offsets)}
        _folder.write(folder, NAME, self._outcome.facts(), arrays)
