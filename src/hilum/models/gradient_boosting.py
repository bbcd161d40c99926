"""Gradient boosting on histograms: small trees, each fitted to what the sum of those before it got wrong.

Model       F(x) = F_0 + sum_m f_m(x);   a number is F, two classes have p = 1 / (1 + exp(-F)), more have one F_c each and softmax
Fit         F_0 is the best constant; tree m is grown leaf by leaf on the gradients g and curvatures h of the log loss (numbers: half the
            squared error), a leaf answers  -learning_rate * sum g / (sum h + penalty)
Symbols     x    (columns,)     a prepared record, its columns cut into at most 255 bins of train quantiles
            f_m                 tree m, at most `leaves` leaves
Cost        O(rounds * rows * columns), times the classes present where there are three or more
Source      Friedman, Annals of Statistics 29 (2001); histograms: Ke et al., LightGBM, NeurIPS 2017; grown by scikit-learn
Deviations  No rows are set aside for early stopping: they would share subjects with the rest; `rounds` is what there is to choose.
            Above 200,000 records the bins come from a sample drawn from `state`, so nothing depends on the run's seed. Gradients are
            kept in single precision while growing: permuting the records can turn a split that is nearly a tie.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.models._boosting import refuse_nonsense
from hilum.models._outcome import one_thread, usable
from hilum.models._trees import FittedSum, Trees

NAME = "gradient_boosting"


@dataclass(frozen=True)
class GradientBoosting:
    """Settings.

    Attributes:
        rounds: Trees (a round grows one a class where there are three classes or more).
        learning_rate: How much of each tree is taken.
        leaves: The most leaves of a tree.
        depth: The most splits from root to leaf; None for no limit but `leaves`.
        rows_per_leaf: A leaf holds at least so many records.
        penalty: L2 penalty on what a leaf answers.
        state: Above 200,000 records the sample for the bins is drawn from this number; None for 0. Below, nothing is drawn.
    """

    rounds: int = 100
    learning_rate: float = 0.1
    leaves: int = 15
    depth: int | None = None
    rows_per_leaf: int = 20
    penalty: float = 1.0
    state: int | None = None
    stochastic: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("classify", "regress")

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        refuse_nonsense(self, NAME, self.leaves >= 2 and self.rows_per_leaf >= 1)

    def fit(self, train: Labelled | Measured, validation: Labelled | Measured | None, seed: int) -> FittedSum:
        """Grow the trees; validation part and seed are not used.

        Raises:
            DataError: a training part that nothing can be learnt from.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        outcome = usable(train, NAME)
        settings: dict[str, Any] = {
            "max_iter": self.rounds,
            "learning_rate": self.learning_rate,
            "max_leaf_nodes": self.leaves,
            "max_depth": self.depth,
            "min_samples_leaf": self.rows_per_leaf,
            "l2_regularization": self.penalty,
            "early_stopping": False,
            "random_state": self.state or 0,
        }
        with one_thread():
            if isinstance(train, Labelled):
                grown = HistGradientBoostingClassifier(**settings).fit(train.inputs, outcome.codes(train))
            else:
                grown = HistGradientBoostingRegressor(**settings).fit(train.inputs, train.targets)
        start = np.asarray(grown._baseline_prediction, np.float64).reshape(-1)
        return FittedSum(
            NAME, outcome, start, Trees.join([_nodes(one) for each in grown._predictors for one in each]), rounded=False
        )

    def load(self, folder: Path) -> FittedSum:
        """Read what was saved."""
        return FittedSum.load(folder, NAME, rounded=False)


def _nodes(tree: Any) -> dict[str, NDArray[np.generic]]:
    nodes = tree.nodes
    leaf = nodes["is_leaf"] != 0
    return {
        "feature": np.where(leaf, -1, nodes["feature_idx"].astype(np.int64)),
        "threshold": nodes["num_threshold"],
        "left": nodes["left"].astype(np.int64),
        "right": nodes["right"].astype(np.int64),
        "value": nodes["value"][:, None],
    }
