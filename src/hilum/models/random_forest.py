"""Random forest: the mean answer of many trees, each grown on its own bootstrap sample and asking few columns at each split.

Model       p(c | x) = 1/T sum_t (share of class c in the leaf of x in tree t);   a number: 1/T sum_t (mean of that leaf)
Fit         each tree: as many records drawn with replacement as there are; at each node the split with the lowest Gini impurity
            (numbers: squared error) among a few columns drawn at random, until a leaf would hold too few records
Symbols     x    (columns,)     a prepared record
            T                   trees
Cost        O(T * rows * log(rows) * columns asked); O(T * depth) a prediction
Source      Breiman, Machine Learning 45 (2001); probabilities: mean of leaf shares, not of votes; grown by scikit-learn
Deviations  Records are drawn, not subjects, so trees of subjects with several records are more alike than the source supposes. Inputs
            are rounded to single precision, as scikit-learn does. The bootstrap draws positions: permuting the records gives another
            forest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from hilum.core.errors import UsageError, unknown
from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.models._outcome import one_thread, usable
from hilum.models._trees import FittedTrees, Trees, grown_by_scikit, refuse_state, single_precision

Asked = Literal["square root", "third", "all"]
NAME = "random_forest"


@dataclass(frozen=True)
class RandomForest:
    """Settings.

    Attributes:
        trees: How many.
        depth: The most splits from root to leaf; None for as many as it takes.
        rows_per_leaf: A leaf holds at least so many draws.
        columns_per_split: How many of the columns are drawn at each split.
        state: Draws are made from this number, whatever the seed; None for the seed.
    """

    trees: int = 200
    depth: int | None = None
    rows_per_leaf: int = 5
    columns_per_split: Asked = "square root"
    state: int | None = None
    kinds: ClassVar[tuple[str, ...]] = ("classify", "regress")

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.trees < 1 or self.rows_per_leaf < 1 or (self.depth is not None and self.depth < 1):
            raise UsageError(
                f"trees {self.trees}, depth {self.depth} and rows_per_leaf {self.rows_per_leaf} must be 1 or more",
                where=NAME,
            )
        if self.columns_per_split not in get_args(Asked):
            raise unknown("value of columns_per_split", self.columns_per_split, get_args(Asked), where=NAME)
        refuse_state(self.state, NAME)

    @property
    def stochastic(self) -> bool:
        """Whether the seed changes anything."""
        return self.state is None

    def fit(self, train: Labelled | Measured, validation: Labelled | Measured | None, seed: int) -> FittedTrees:
        """Grow the trees; the validation part is not used.

        Raises:
            DataError: a training part that nothing can be learnt from.
        """
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        outcome = usable(train, NAME)
        settings: dict[str, Any] = {
            "n_estimators": self.trees,
            "max_depth": self.depth,
            "min_samples_leaf": self.rows_per_leaf,
            "max_features": {"square root": "sqrt", "third": 1 / 3, "all": None}[self.columns_per_split],
            "n_jobs": 1,
            "random_state": seed if self.state is None else self.state,
        }
        inputs = single_precision(train.inputs, NAME)
        with one_thread():
            if isinstance(train, Labelled):
                grown = RandomForestClassifier(**settings).fit(inputs, outcome.codes(train))
            else:
                grown = RandomForestRegressor(**settings).fit(inputs, train.targets)
        trees = Trees.join([grown_by_scikit(one.tree_) for one in grown.estimators_])
        return FittedTrees(NAME, outcome, trees, grown.feature_importances_)

    def load(self, folder: Path) -> FittedTrees:
        """Read what was saved."""
        return FittedTrees.load(folder, NAME)
