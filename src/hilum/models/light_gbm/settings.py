"""LightGBM: gradient boosting on histograms, trees grown leaf by leaf, by the library of that name. Needs the extra `boost`.

Model       F(x) = sum_m f_m(x), the first tree holding the best constant;   a number is F, two classes have p = 1 / (1 + exp(-F)),
            more have one F_c each and softmax
Fit         tree m is grown on gradients g and curvatures h of the log loss (numbers: half the squared error), always splitting the leaf
            that gains most; a leaf answers  -learning_rate * sum g / (sum h + penalty)
Symbols     x    (columns,)     a prepared record, its columns cut into at most 255 bins of train quantiles
            f_m                 tree m, at most `leaves` leaves
Cost        O(rounds * rows * columns), times the classes present where there are three or more
Source      Ke et al., LightGBM, NeurIPS 2017
Deviations  One thread, `deterministic` and rows first, so that timing chooses nothing; no early stopping: rows set aside would share
            subjects with the rest. Neither rows nor columns are drawn, and bins use `state`, so the run's seed has no effect.
            Categories come one-hot from `Prepare`. Permuting the records can turn a split that is nearly a tie.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.models._boosting import refuse_nonsense

if TYPE_CHECKING:
    from hilum.models.light_gbm.network import FittedBooster

NAME = "light_gbm"


@dataclass(frozen=True)
class LightGBM:
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
    extra: ClassVar[str] = "boost"

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        refuse_nonsense(self, NAME, self.leaves >= 2 and self.rows_per_leaf >= 1)

    def fit(self, train: Labelled | Measured, validation: Labelled | Measured | None, seed: int) -> FittedBooster:
        """Grow the trees; validation part and seed are not used.

        Raises:
            HilumError: the extra `boost` is not installed.
            DataError: a training part that nothing can be learnt from.
        """
        from hilum.models.light_gbm.network import grow

        return grow(self, train)

    def load(self, folder: Path) -> FittedBooster:
        """Read what was saved."""
        from hilum.models.light_gbm.network import FittedBooster

        return FittedBooster.load(folder)
