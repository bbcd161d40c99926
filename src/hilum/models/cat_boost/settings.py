"""CatBoost: gradient boosting with trees that ask the same question at all nodes of a level. Needs the extra `catboost`.

Model       F(x) = F_0 + sum_m f_m(x);   a number is F, two classes have p = 1 / (1 + exp(-F)), more have one F_c each and softmax
Fit         tree m is grown on the gradients of the log loss (numbers: squared error) with records weighted at random and noise on the
            score of each split, both as the library does by default; a leaf answers as Newton's step with the penalty says
Symbols     x    (columns,)     a prepared record, its columns cut into at most 255 bins of train quantiles
            f_m                 tree m, 2^depth leaves
Cost        O(rounds * rows * columns), times the classes present where there are three or more
Source      Prokhorenkova et al., CatBoost, NeurIPS 2018 (arXiv 1706.09516)
Deviations  One thread. Boosting is plain, for small tables too: their ordered boosting is the library's choice for a GPU. Categories come
            one-hot from `Prepare`, so nothing is made of their labels. With `patience` rounds end early by the loss of the validation
            part, which the engine keeps apart by subject. Where no column or no outcome varies the answer is the constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.models._boosting import refuse_nonsense

if TYPE_CHECKING:
    from hilum.models.cat_boost.network import FittedBooster

NAME = "cat_boost"
DEEPEST = 16  # what the library takes


@dataclass(frozen=True)
class CatBoost:
    """Settings.

    Attributes:
        rounds: Trees (of three classes or more a tree answers all of them).
        learning_rate: How much of each tree is taken.
        depth: Questions from root to leaf, at most 16.
        penalty: L2 penalty on what a leaf answers.
        patience: Rounds without a lower loss of the validation part that end the training, the best round then being kept; None to take
            all rounds.
        state: Draws are made from this number, whatever the seed; None for the seed.
    """

    rounds: int = 100
    learning_rate: float = 0.1
    depth: int = 6
    penalty: float = 3.0
    patience: int | None = None
    state: int | None = None
    kinds: ClassVar[tuple[str, ...]] = ("classify", "regress")
    extra: ClassVar[str] = "catboost"

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        refuse_nonsense(self, NAME, self.depth <= DEEPEST and (self.patience is None or self.patience >= 1))

    @property
    def stochastic(self) -> bool:
        """Whether the seed changes anything."""
        return self.state is None

    def fit(self, train: Labelled | Measured, validation: Labelled | Measured | None, seed: int) -> FittedBooster:
        """Grow the trees; the validation part steers when to stop, if `patience` is given.

        Raises:
            HilumError: the extra `catboost` is not installed.
            DataError: a training part that nothing can be learnt from, or a validation part with a class that train lacks.
        """
        from hilum.models.cat_boost.network import grow

        return grow(self, train, validation, seed)

    def load(self, folder: Path) -> FittedBooster:
        """Read what was saved."""
        from hilum.models.cat_boost.network import FittedBooster

        return FittedBooster.load(folder)
