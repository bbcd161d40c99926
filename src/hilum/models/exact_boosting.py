"""Gradient boosting with exact splits: small trees grown level by level, every value of every column a candidate at each node.

Model       F(x) = F_0 + learning_rate * sum_m f_m(x);   a number is F, two classes have p = 1 / (1 + exp(-F)), more have one F_c each
            and softmax
Fit         F_0 is the best constant; tree m is a regression tree on the gradients of the log loss (numbers: half the squared error) by
            Friedman's improvement of squared error, its leaves then set by one Newton step (numbers: the mean)
Symbols     x    (columns,)     a prepared record
            f_m                 tree m, at most 2^depth leaves
Cost        O(rounds * rows * log(rows) * columns * depth), times the classes present where there are three or more: use
            `gradient_boosting` on more than some thousands of records
Source      Friedman, Annals of Statistics 29 (2001); grown by scikit-learn, as the GBDT of arXiv 2209.07805
Deviations  No rows are set aside for early stopping. Inputs are rounded to single precision, as scikit-learn does. Columns are tried in
            an order drawn at random: where two splits are equally good the first is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hilum.core.errors import UsageError
from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.models._outcome import one_thread, usable
from hilum.models._trees import FittedSum, Trees, grown_by_scikit, refuse_state, single_precision

NAME = "exact_boosting"


@dataclass(frozen=True)
class ExactBoosting:
    """Settings.

    Attributes:
        rounds: Trees (a round grows one a class where there are three classes or more).
        learning_rate: How much of each tree is taken.
        depth: The most splits from root to leaf.
        rows_per_leaf: A leaf holds at least so many records.
        state: Draws are made from this number, whatever the seed; None for the seed.
    """

    rounds: int = 100
    learning_rate: float = 0.1
    depth: int = 3
    rows_per_leaf: int = 1
    state: int | None = None
    kinds: ClassVar[tuple[str, ...]] = ("classify", "regress")

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if min(self.rounds, self.depth, self.rows_per_leaf) < 1 or self.learning_rate <= 0:
            raise UsageError(
                f"{self} makes no sense", where=NAME, do="Counts are 1 or more, the learning rate positive"
            )
        refuse_state(self.state, NAME)

    @property
    def stochastic(self) -> bool:
        """Whether the seed changes anything."""
        return self.state is None

    def fit(self, train: Labelled | Measured, validation: Labelled | Measured | None, seed: int) -> FittedSum:
        """Grow the trees; the validation part is not used.

        Raises:
            DataError: a training part that nothing can be learnt from.
        """
        from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

        outcome = usable(train, NAME)
        settings: dict[str, Any] = {
            "n_estimators": self.rounds,
            "learning_rate": self.learning_rate,
            "max_depth": self.depth,
            "min_samples_leaf": self.rows_per_leaf,
            "random_state": seed if self.state is None else self.state,
        }
        inputs = single_precision(train.inputs, NAME)
        with one_thread():
            if isinstance(train, Labelled):
                grown = GradientBoostingClassifier(**settings).fit(inputs, outcome.codes(train))
                shares = grown.init_.class_prior_
                start = np.log(shares) if len(shares) > 2 else np.log(shares[1:] / shares[:1])
            else:
                grown = GradientBoostingRegressor(**settings).fit(inputs, train.targets)
                start = grown.init_.constant_.reshape(-1)
        trees = []
        for one in grown.estimators_.reshape(-1):
            nodes = grown_by_scikit(one.tree_)
            trees.append({**nodes, "value": self.learning_rate * np.asarray(nodes["value"], np.float64)})
        return FittedSum(NAME, outcome, np.asarray(start, np.float64), Trees.join(trees), rounded=True)

    def load(self, folder: Path) -> FittedSum:
        """Read what was saved."""
        return FittedSum.load(folder, NAME, rounded=True)
