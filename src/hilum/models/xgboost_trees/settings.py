"""XGBoost: gradient boosting on histograms, trees grown level by level, by the library of that name. Needs the extra `boost`.

Model       F(x) = F_0 + sum_m f_m(x);   a number is F, two classes have p = 1 / (1 + exp(-F)), more have one F_c each and softmax
Fit         F_0 is estimated from train; tree m is grown on gradients g and curvatures h of the log loss (numbers: half the squared
            error); a leaf answers  -learning_rate * sum g / (sum h + penalty)
Symbols     x    (columns,)     a prepared record, its columns cut into at most 256 bins of train quantiles
            f_m                 tree m
Cost        O(rounds * rows * columns), times the classes present where there are three or more
Source      Chen and Guestrin, XGBoost, KDD 2016 (arXiv 1603.02754)
Deviations  One thread. Inputs and answers of trees are in single precision. With `patience` rounds end early by the loss of the
            validation part, which the engine keeps apart by subject; without a validation part all rounds are taken. Categories come
            one-hot from `Prepare`. Permuting the records changes answers by rounding, and can turn a split that is nearly a tie.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.models._boosting import refuse_nonsense

if TYPE_CHECKING:
    from hilum.models.xgboost_trees.network import FittedBooster

NAME = "xgboost_trees"


@dataclass(frozen=True)
class XGBoostTrees:
    """Settings.

    Attributes:
        rounds: Trees (a round grows one a class where there are three classes or more).
        learning_rate: How much of each tree is taken.
        depth: The most splits from root to leaf; None for no limit but `leaves`.
        leaves: The most leaves of a tree, which then grows where the loss falls most; None to grow level by level.
        curvature_per_leaf: The least sum of curvatures in a leaf: of numbers the records in it, of classes sum p (1 - p).
        penalty: L2 penalty on what a leaf answers.
        row_share: Share of the records that each tree is grown on.
        column_share: Share of the columns that each tree may ask.
        patience: Rounds without a lower loss of the validation part that end the training, the best round then being kept; None to take
            all rounds.
        state: Draws are made from this number, whatever the seed; None for the seed.
    """

    rounds: int = 100
    learning_rate: float = 0.1
    depth: int | None = 6
    leaves: int | None = None
    curvature_per_leaf: float = 1.0
    penalty: float = 1.0
    row_share: float = 1.0
    column_share: float = 1.0
    patience: int | None = None
    state: int | None = None
    kinds: ClassVar[tuple[str, ...]] = ("classify", "regress")
    extra: ClassVar[str] = "boost"
    library: ClassVar[str] = "xgboost"

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        shares = (self.row_share, self.column_share)
        whole = (self.leaves is None or self.leaves >= 2) and (self.patience is None or self.patience >= 1)
        whole = whole and min(shares) > 0 and max(shares) <= 1 and self.curvature_per_leaf >= 0
        refuse_nonsense(self, NAME, whole)

    @property
    def stochastic(self) -> bool:
        """Whether the seed changes anything: only if records or columns are drawn."""
        return self.state is None and min(self.row_share, self.column_share) < 1

    def fit(self, train: Labelled | Measured, validation: Labelled | Measured | None, seed: int) -> FittedBooster:
        """Grow the trees; the validation part steers when to stop, if `patience` is given.

        Raises:
            HilumError: the extra `boost` is not installed.
            DataError: a training part that nothing can be learnt from, or a validation part with a class that train lacks.
        """
        from hilum.models.xgboost_trees.network import grow

        return grow(self, train, validation, seed)

    def load(self, folder: Path) -> FittedBooster:
        """Read what was saved."""
        from hilum.models.xgboost_trees.network import FittedBooster

        return FittedBooster.load(folder)
