"""Linear regression with an L2 penalty, on the features of a table: a number is linear in the features.

Model       y = w'x + b
Fit         minimises  sum_i (y_i - w'x_i - b)^2 + penalty * sum |w|^2;  the intercept b goes free
Symbols     x    (columns,)     a prepared record
            w    (columns,)
Cost        O(rows * columns^2 + columns^3), or with rows and columns exchanged where there are more columns than rows
Source      Hoerl and Kennard, Technometrics 12 (1970); solver: scikit-learn, Cholesky
Deviations  The penalty is a sum over rows, as in the source: the same value weighs less on a longer table. Of a forecaster's past it
            is `ridge_regression`. Permuting the records moves the weights by rounding alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from hilum.core.errors import UsageError
from hilum.core.kinds.regress import Measured
from hilum.models._linear import FittedLinear
from hilum.models._outcome import one_thread, usable

NAME = "ridge_linear"


@dataclass(frozen=True)
class RidgeLinear:
    """Settings: the penalty."""

    penalty: float = 1.0
    stochastic: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("regress",)

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.penalty <= 0:
            raise UsageError(f"penalty {self.penalty} must be positive", where=NAME)

    def fit(self, train: Measured, validation: Measured | None, seed: int) -> FittedLinear:
        """The one minimum; validation part and seed are not used.

        Raises:
            DataError: a training part that nothing can be learnt from.
        """
        from sklearn.linear_model import Ridge

        outcome = usable(train, NAME)
        with one_thread():
            solver = Ridge(alpha=self.penalty, solver="cholesky").fit(train.inputs, train.targets)
        return FittedLinear(NAME, outcome, solver.coef_.reshape(-1, 1), np.array([float(solver.intercept_)]))

    def load(self, folder: Path) -> FittedLinear:
        """Read what was saved."""
        return FittedLinear.load(folder, NAME)
