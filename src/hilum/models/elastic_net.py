"""Elastic net: a linear model whose penalty sets weak weights to zero and shares the rest among columns that go together.

Penalty     penalty * (l1_share * sum |w| + (1 - l1_share) / 2 * sum w^2);  the intercept goes free
Numbers     minimises  1/(2n) sum_i ((y_i - mean) / sd - w'x_i - b)^2 + Penalty;   weights are then brought back to the unit of y
Classes     minimises  1/n sum_i -log p(y_i | x_i) + Penalty,  p as in `logistic_regression`
Symbols     x    (columns,)     a prepared record
            w    (columns,) or (columns, classes present in train)
            n                   train records
Cost        O(rows * columns * outputs) a sweep: of coordinate descent for numbers, of accelerated proximal gradient for classes
Source      Zou and Hastie, Journal of the Royal Statistical Society B 67 (2005), without their rescaling by 1 + lambda_2; Friedman,
            Hastie and Tibshirani, Journal of Statistical Software 33 (2010). Solvers: scikit-learn's for numbers; for classes Beck
            and Teboulle, SIAM Journal on Imaging Sciences 2 (2009), with the gradient restart of O'Donoghue and Candes,
            Foundations of Computational Mathematics 15 (2015), section 3.2
Deviations  A number is fitted in standard units of the train targets, so that the penalty has no unit and one default suits mm and s.
            Permuting the records moves the weights by rounding and by the solver's tolerance alone.
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
from hilum.core.kinds.regress import Measured
from hilum.models._linear import FittedLinear
from hilum.models._outcome import Outcome, one_thread, usable

Array = NDArray[np.float64]
NAME = "elastic_net"
TOLERANCE = 1e-7


@dataclass(frozen=True)
class ElasticNet:
    """Settings: penalty, the share of it that is L1, and the most sweeps over the data."""

    penalty: float = 0.01
    l1_share: float = 0.5
    sweeps: int = 5000
    stochastic: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("classify", "regress")

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.penalty <= 0 or not 0 < self.l1_share <= 1 or self.sweeps < 1:
            raise UsageError(
                f"penalty {self.penalty}, l1_share {self.l1_share} or sweeps {self.sweeps} makes no sense",
                where=NAME,
                do="Penalty and sweeps are positive, l1_share lies in (0, 1]; without L1 it is logistic_regression or ridge_linear",
            )

    def fit(self, train: Labelled | Measured, validation: Labelled | Measured | None, seed: int) -> FittedLinear:
        """The one minimum; validation part and seed are not used.

        Raises:
            DataError: a training part that nothing can be learnt from.
        """
        from sklearn.exceptions import ConvergenceWarning

        outcome = usable(train, NAME)
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return self._classes(train, outcome) if isinstance(train, Labelled) else self._numbers(train, outcome)

    def load(self, folder: Path) -> FittedLinear:
        """Read what was saved."""
        return FittedLinear.load(folder, NAME)

    def _numbers(self, train: Measured, outcome: Outcome) -> FittedLinear:
        from sklearn.linear_model import ElasticNet as Solver

        middle, spread = float(train.targets.mean()), float(train.targets.std()) or 1.0
        solver = Solver(alpha=self.penalty, l1_ratio=self.l1_share, tol=1e-8, max_iter=self.sweeps)
        solver.fit(train.inputs, (train.targets - middle) / spread)
        weights = (solver.coef_ * spread).reshape(-1, 1)
        intercept = np.array([middle + spread * float(solver.intercept_)])
        return FittedLinear(NAME, outcome, weights, intercept, int(solver.n_iter_) < self.sweeps)

    def _classes(self, train: Labelled, outcome: Outcome) -> FittedLinear:
        truth = np.eye(len(outcome.present))[outcome.codes(train)]
        truth = truth[:, 1:] if truth.shape[1] == 2 else truth
        l1, l2 = self.penalty * self.l1_share, self.penalty * (1 - self.l1_share)
        return FittedLinear(NAME, outcome, *_accelerated(train.inputs, truth, l1, l2, self.sweeps))


def _accelerated(inputs: Array, truth: Array, l1: float, l2: float, sweeps: int) -> tuple[Array, Array, bool]:
    """Weights (columns, outputs), intercept (outputs,), and whether the slope fell below the tolerance.

    Columns are centred first: the intercept then has curvature 1 and is apart from the weights. The second derivative of the
    log loss in a score is at most 1/4, that of softmax at most 1/2.
    """
    from scipy.special import expit, softmax

    rows, outputs = truth.shape
    middle = inputs.mean(axis=0)
    centred = inputs - middle
    gram = centred @ centred.T if rows < centred.shape[1] else centred.T @ centred
    steepest = (0.25 if outputs == 1 else 0.5) * max(1.0, float(np.linalg.eigvalsh(gram)[-1]) / rows) + l2
    weights, intercept = np.zeros((inputs.shape[1], outputs)), np.zeros(outputs)
    ahead, ahead_intercept, pace = weights, intercept, 1.0
    for _ in range(sweeps):
        scores = centred @ ahead + ahead_intercept
        error = (expit(scores) if outputs == 1 else softmax(scores, axis=1)) - truth
        moved = ahead - (centred.T @ error / rows + l2 * ahead) / steepest
        moved = np.sign(moved) * np.maximum(np.abs(moved) - l1 / steepest, 0.0)
        moved_intercept = ahead_intercept - error.mean(axis=0) / steepest
        back, back_intercept = ahead - moved, ahead_intercept - moved_intercept
        slope = steepest * max(np.abs(back).max(), np.abs(back_intercept).max())
        step, step_intercept = moved - weights, moved_intercept - intercept
        uphill = float((back * step).sum() + (back_intercept * step_intercept).sum()) > 0
        faster = 1.0 if uphill else (1 + np.sqrt(1 + 4 * pace**2)) / 2
        momentum = 0.0 if uphill else (pace - 1) / faster
        ahead, ahead_intercept = moved + momentum * step, moved_intercept + momentum * step_intercept
        weights, intercept, pace = moved, moved_intercept, faster
        if slope < TOLERANCE:
            return weights, intercept - middle @ weights, True
    return weights, intercept - middle @ weights, False
