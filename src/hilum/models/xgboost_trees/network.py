"""What grows and runs XGBoost's trees: the part that needs the extra `boost`.

The fitted model is XGBoost's own JSON, and predictions always come from a booster read from it: what was just fitted and what is
loaded later give the same bits.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import HilumError
from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.models import _folder
from hilum.models._boosting import codes_of_validation
from hilum.models._outcome import Outcome, one_thread, usable
from hilum.models._trees import single_precision

if TYPE_CHECKING:
    from hilum.models.xgboost_trees.settings import XGBoostTrees

Array = NDArray[np.float64]
NAME = "xgboost_trees"
FILE = "booster.json"


def grow(
    settings: XGBoostTrees, train: Labelled | Measured, validation: Labelled | Measured | None, seed: int
) -> FittedBooster:
    """Fit by `settings`."""
    library = _library()
    outcome = usable(train, NAME)
    parameters = {
        **_objective(outcome),
        "learning_rate": settings.learning_rate,
        "max_depth": settings.depth or 0,
        "max_leaves": settings.leaves or 0,
        "grow_policy": "depthwise" if settings.leaves is None else "lossguide",
        "min_child_weight": settings.curvature_per_leaf,
        "reg_lambda": settings.penalty,
        "subsample": settings.row_share,
        "colsample_bytree": settings.column_share,
        "tree_method": "hist",
        "seed": seed if settings.state is None else settings.state,
        "nthread": 1,
        "verbosity": 0,
    }

    def matrix(part: Labelled | Measured, target: NDArray[Any]) -> Any:
        return library.DMatrix(single_precision(outcome.accept(part.inputs), NAME), label=target, nthread=1)

    held: dict[str, Any] = {}
    with one_thread():
        if validation is not None and settings.patience is not None:
            data = matrix(validation, codes_of_validation(outcome, train, validation, NAME))
            held = {"evals": [(data, "validation")], "early_stopping_rounds": settings.patience, "verbose_eval": False}
        data = matrix(train, outcome.codes(train) if isinstance(train, Labelled) else train.targets)
        booster = library.train(parameters, data, num_boost_round=settings.rounds, **held)
        if held:
            booster = booster[: booster.best_iteration + 1]
    return FittedBooster(outcome, bytes(booster.save_raw("json")))


class FittedBooster:
    """XGBoost's own JSON, and a booster read from it."""

    def __init__(self, outcome: Outcome, data: bytes) -> None:
        self._outcome = outcome
        self._data = data
        library = _library()
        if not data:  # the library would end the process
            raise HilumError("XGBoost cannot read the model: the file is empty", do="Run the study again")
        try:
            self._booster = library.Booster({"nthread": 1}, model_file=bytearray(data))
        except library.core.XGBoostError as error:
            reason = str(error).strip().partition("\n")[0]
            raise HilumError(f"XGBoost cannot read the model: {reason}", do="Run the study again") from error

    @property
    def rounds(self) -> int:
        """Rounds that were kept."""
        return int(self._booster.num_boosted_rounds())

    def predict(self, inputs: Array) -> Array:
        """Numbers (rows,), or probabilities (rows, classes)."""
        scores = self._scores(inputs, output_margin=True)
        if not len(scores):
            return np.empty((0, self._outcome.classes) if self._outcome.classes else 0)
        return self._outcome.answer(scores.reshape(len(scores), -1))

    def contributions(self, inputs: Array) -> Array:
        """What each column adds to the raw score (`hilum.explain.tree_shap`), the base last: (rows, columns + 1).

        Of three classes or more (rows, classes present, columns + 1).
        """
        outputs = len(self._outcome.present) if len(self._outcome.present) > 2 else 1
        found = self._scores(inputs, pred_contribs=True).reshape(len(inputs), outputs, self._outcome.columns + 1)
        return found if outputs > 1 else found[:, 0]

    @property
    def importance(self) -> Array:
        """(columns,) share of the loss that splits on each column removed."""
        gain = np.zeros(self._outcome.columns)
        for name, value in self._booster.get_score(importance_type="total_gain").items():
            gain[int(name.removeprefix("f"))] = value
        return gain / (gain.sum() or 1.0)

    def save(self, folder: Path) -> None:
        """Write XGBoost's JSON and facts."""
        _folder.write_files(folder, NAME, self._outcome.facts(), {FILE: self._data})

    @classmethod
    def load(cls, folder: Path) -> FittedBooster:
        """Read what `save` wrote."""
        facts, files = _folder.read_files(folder, NAME, (FILE,))
        return cls(Outcome.read(facts), files[FILE])

    def _scores(self, inputs: Array, **asked: bool) -> Array:
        rows = single_precision(self._outcome.accept(inputs), NAME)
        if not len(rows):
            return np.empty(0)
        with one_thread():
            data = _library().DMatrix(rows, nthread=1)
            return np.asarray(self._booster.predict(data, **asked), np.float64)


def _objective(outcome: Outcome) -> dict[str, Any]:
    if not outcome.classes:
        return {"objective": "reg:squarederror"}
    if len(outcome.present) == 2:
        return {"objective": "binary:logistic"}
    return {"objective": "multi:softprob", "num_class": len(outcome.present)}


def _library() -> Any:
    try:
        import xgboost
    except ImportError as error:
        raise HilumError("XGBoost needs the extra 'boost'", do="pip install 'hilum[boost]' and run again") from error
    return xgboost
