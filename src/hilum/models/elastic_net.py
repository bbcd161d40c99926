"""Elastic net: a linear model whose penalty sets weak weights to zero and shares the rest among columns that go together.

Penalty     penalty * (l1_share * sum |w| + (1 - l1_share) / 2 * sum w^2);  the intercept goes free
Numbers     minimises  1/(2n) sum_i ((y_i - mean) / sd - w'x_i - b)^2 + Penalty;   weights are then brought back to the unit of y
Classes     minimises  1/n sum_i -log p(y_i | x_i) + Penalty,  p as in `logistic_regression`
Symbols     x    (columns,)     a prepared record
            w    (columns,) or (columns, classes present in train)
            n                   train records
Cost        numbers: O(rows * columns) a sweep of coordinate descent; classes: the same an epoch of SAGA, some hundreds of epochs
Source      Zou and Hastie, Journal of the Royal Statistical Society B 67 (2005), without their rescaling by 1 + lambda_2; Friedman,
            Hastie and Tibshirani, Journal of Statistical Software 33 (2010); SAGA: Defazio et al., arXiv 1407.0202; solver: scikit-learn
Deviations  A number is fitted in standard units of the train targets, so that the penalty has no unit and one default suits mm and s.
            SAGA draws its records with a fixed seed: the minimum is one, so the run's seed would say nothing. Permuting the records moves
            the weights by the solver's tolerance.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hilum.core.errors import UsageError
from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.models._linear import FittedLinear
from hilum.models._outcome import Outcome, one_thread, usable

NAME = "elastic_net"


@dataclass(frozen=True)
class ElasticNet:
    """Settings: penalty, the share of it that is L1, and the most sweeps over the data."""

    penalty: float = 0.01
    l1_share: float = 0.5
    sweeps: int = 2000
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
        solver = _saga(
            C=1.0 / (self.penalty * len(train.labels)),
            l1_ratio=self.l1_share,
            max_iter=self.sweeps,
            tol=1e-6,
            random_state=0,
        )
        solver.fit(train.inputs, outcome.codes(train))
        weights = np.ascontiguousarray(solver.coef_.T)
        return FittedLinear(NAME, outcome, weights, solver.intercept_, int(np.max(solver.n_iter_)) < self.sweeps)


def _saga(**settings: Any) -> Any:
    """Logistic regression by SAGA; up to scikit-learn 1.7 the penalty is also named, from 1.8 its L1 share alone says it."""
    import sklearn
    from sklearn.linear_model import LogisticRegression

    named = {"penalty": "elasticnet"} if sklearn.__version__.startswith("1.7.") else {}
    return LogisticRegression(solver="saga", **named, **settings)
