"""Decision tree: one tree of yes-or-no questions about single columns; a leaf answers with its train records.

Model       p(c | x) = share of class c in the leaf of x;   a number: the mean of that leaf
Fit         at each node the split with the lowest Gini impurity (numbers: squared error) among all columns, until a leaf or a node
            would hold too few records
Symbols     x    (columns,)     a prepared record
Cost        O(columns * rows * log(rows) * depth); O(depth) a prediction
Source      Breiman, Friedman, Olshen and Stone, Classification and regression trees (1984); grown by scikit-learn
Deviations  Nothing is pruned. Inputs are rounded to single precision, as scikit-learn does. Columns are tried in an order drawn at
            random: where two splits are equally good the first is taken, so that another seed may give another tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from hilum.core.errors import UsageError
from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.models._outcome import one_thread, usable
from hilum.models._trees import FittedTrees, Trees, grown_by_scikit, refuse_state, single_precision

NAME = "decision_tree"


@dataclass(frozen=True)
class DecisionTree:
    """Settings.

    Attributes:
        depth: The most splits from root to leaf; None for as many as it takes.
        rows_per_leaf: A leaf holds at least so many records.
        rows_per_split: A node of fewer records is not split.
        state: Draws are made from this number, whatever the seed; None for the seed.
    """

    depth: int | None = None
    rows_per_leaf: int = 5
    rows_per_split: int = 2
    state: int | None = None
    kinds: ClassVar[tuple[str, ...]] = ("classify", "regress")

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.rows_per_leaf < 1 or self.rows_per_split < 2 or (self.depth is not None and self.depth < 1):
            raise UsageError(
                f"depth {self.depth} and rows_per_leaf {self.rows_per_leaf} must be 1 or more, "
                f"rows_per_split {self.rows_per_split} 2 or more",
                where=NAME,
            )
        refuse_state(self.state, NAME)

    @property
    def stochastic(self) -> bool:
        """Whether the seed changes anything."""
        return self.state is None

    def fit(self, train: Labelled | Measured, validation: Labelled | Measured | None, seed: int) -> FittedTrees:
        """Grow the tree; the validation part is not used.

        Raises:
            DataError: a training part that nothing can be learnt from.
        """
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        outcome = usable(train, NAME)
        settings: dict[str, Any] = {
            "max_depth": self.depth,
            "min_samples_leaf": self.rows_per_leaf,
            "min_samples_split": self.rows_per_split,
            "random_state": seed if self.state is None else self.state,
        }
        inputs = single_precision(train.inputs, NAME)
        with one_thread():
            if isinstance(train, Labelled):
                grown = DecisionTreeClassifier(**settings).fit(inputs, outcome.codes(train))
            else:
                grown = DecisionTreeRegressor(**settings).fit(inputs, train.targets)
        return FittedTrees(NAME, outcome, Trees.join([grown_by_scikit(grown.tree_)]), grown.feature_importances_)

    def load(self, folder: Path) -> FittedTrees:
        """Read what was saved."""
        return FittedTrees.load(folder, NAME)
