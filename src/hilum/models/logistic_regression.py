"""Logistic regression with an L2 penalty: the log odds of a class are linear in the features.

Model       two classes: p = 1 / (1 + exp(-(w'x + b)));   more: p_c = exp(w_c'x + b_c) / sum_k exp(w_k'x + b_k)
Fit         minimises  C sum_i -log p(y_i | x_i) + 1/2 sum |w|^2;  the intercept b goes free
Symbols     x    (columns,)     a prepared record
            w    (columns,) or (columns, classes present in train)
            C                   inverse penalty
Cost        O(rows * columns * classes) an iteration of L-BFGS, some tens of iterations
Source      Cox, Journal of the Royal Statistical Society B 20 (1958); penalty: le Cessie and van Houwelingen, Applied Statistics 41
            (1992); solver: scikit-learn, tolerance 1e-8
Deviations  Which penalty is right depends on the data: choose it inside train. Permuting the records moves the weights by
            rounding and by the solver's tolerance alone.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.classify import Labelled
from hilum.models._linear import FittedLinear
from hilum.models._outcome import one_thread, usable

NAME = "logistic_regression"


@dataclass(frozen=True)
class LogisticRegression:
    """Settings: inverse penalty C, and the most iterations of the solver."""

    inverse_penalty: float = 1.0
    iterations: int = 1000
    stochastic: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("classify",)

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.inverse_penalty <= 0 or self.iterations < 1:
            raise UsageError(
                f"inverse_penalty {self.inverse_penalty} and iterations {self.iterations} must be positive", where=NAME
            )

    def fit(self, train: Labelled, validation: Labelled | None, seed: int) -> FittedLinear:
        """The one minimum of the penalised likelihood; validation part and seed are not used.

        Raises:
            DataError: a training part that nothing can be learnt from.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression as Solver

        outcome = usable(train, NAME)
        solver = Solver(C=self.inverse_penalty, tol=1e-8, max_iter=self.iterations)
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            solver.fit(train.inputs, outcome.codes(train))
        converged = int(np.max(solver.n_iter_)) < self.iterations
        return FittedLinear(NAME, outcome, _column(solver.coef_), solver.intercept_.astype(np.float64), converged)

    def load(self, folder: Path) -> FittedLinear:
        """Read what was saved."""
        return FittedLinear.load(folder, NAME)


def _column(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(weights.T, np.float64)
