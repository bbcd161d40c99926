"""What grows and runs CatBoost's trees: the part that needs the extra `catboost`.

The fitted model is CatBoost's own binary format (cbm, which holds no code), and predictions always come from a booster read from it:
what was just fitted and what is loaded later give the same bits. The file itself holds the time of the fit, so two of equal fits differ.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
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
    from hilum.models.cat_boost.settings import CatBoost

Array = NDArray[np.float64]
NAME = "cat_boost"
FILE = "model.cbm"


def grow(
    settings: CatBoost, train: Labelled | Measured, validation: Labelled | Measured | None, seed: int
) -> FittedBooster:
    """Fit by `settings`."""
    library = _library()
    outcome = usable(train, NAME)
    target = outcome.codes(train) if isinstance(train, Labelled) else train.targets
    inputs = single_precision(train.inputs, NAME)
    if not np.ptp(inputs, axis=0).any() or not np.ptp(target):  # the library refuses such a part
        return FittedBooster(outcome, b"", _constant(outcome, target))
    loss = "RMSE" if not outcome.classes else "Logloss" if len(outcome.present) == 2 else "MultiClass"
    parameters = {
        "loss_function": loss,
        "iterations": settings.rounds,
        "learning_rate": settings.learning_rate,
        "depth": settings.depth,
        "l2_leaf_reg": settings.penalty,
        "random_seed": seed if settings.state is None else settings.state,
        "thread_count": 1,
        "allow_writing_files": False,
        "logging_level": "Silent",
    }
    held: dict[str, Any] = {}
    with one_thread(), TemporaryDirectory() as folder:
        if validation is not None and settings.patience is not None:
            codes = codes_of_validation(outcome, train, validation, NAME)
            data = library.Pool(single_precision(outcome.accept(validation.inputs), NAME), codes, thread_count=1)
            held = {"eval_set": data, "early_stopping_rounds": settings.patience, "use_best_model": True}
        booster = library.CatBoost(parameters).fit(library.Pool(inputs, target, thread_count=1), **held)
        booster.save_model(str(Path(folder) / FILE), format="cbm")
        return FittedBooster(outcome, (Path(folder) / FILE).read_bytes(), [])


class FittedBooster:
    """CatBoost's own file and a booster read from it; or, where there was nothing to ask, the constant scores (outputs,)."""

    def __init__(self, outcome: Outcome, data: bytes, constant: list[float]) -> None:
        self._outcome = outcome
        self._data = data
        self._constant = constant
        self._booster: Any = None
        if constant:
            return
        library = _library()
        self._booster = library.CatBoost()
        try:
            self._booster.load_model(blob=data)
        except library.CatBoostError as error:
            reason = str(error).strip().partition("\n")[0]
            raise HilumError(f"CatBoost cannot read the model: {reason}", do="Run the study again") from error

    @property
    def rounds(self) -> int:
        """Rounds that were kept."""
        return 0 if self._booster is None else int(self._booster.tree_count_)

    def predict(self, inputs: Array) -> Array:
        """Numbers (rows,), or probabilities (rows, classes)."""
        rows = single_precision(self._outcome.accept(inputs), NAME)
        if self._booster is None or not len(rows):
            scores = np.tile(self._constant or np.zeros(self._outputs), (len(rows), 1))
        else:
            with one_thread():
                found = self._booster.predict(rows, prediction_type="RawFormulaVal", thread_count=1)
            scores = np.asarray(found, np.float64).reshape(len(rows), -1)
        return self._outcome.answer(scores)

    def contributions(self, inputs: Array) -> Array:
        """What each column adds to the raw score (`hilum.explain.tree_shap`), the base last: (rows, columns + 1).

        Of three classes or more (rows, classes present, columns + 1).
        """
        rows = single_precision(self._outcome.accept(inputs), NAME)
        found = np.zeros((len(rows), self._outputs, self._outcome.columns + 1))
        if self._booster is None:
            found[..., -1] = self._constant
        elif len(rows):
            with one_thread():
                data = _library().Pool(rows, thread_count=1)
                shares = self._booster.get_feature_importance(data, type="ShapValues", thread_count=1)
            found[:] = np.asarray(shares, np.float64).reshape(found.shape)
        return found if self._outputs > 1 else found[:, 0]

    @property
    def importance(self) -> Array:
        """(columns,) share of how much a change of each column changes predictions, as the library computes it."""
        if self._booster is None or not self.rounds:
            return np.zeros(self._outcome.columns)
        found = np.asarray(self._booster.get_feature_importance(type="PredictionValuesChange"), np.float64)
        return found / (found.sum() or 1.0)

    def save(self, folder: Path) -> None:
        """Write CatBoost's file and facts."""
        _folder.write_files(folder, NAME, self._outcome.facts() | {"constant": self._constant}, {FILE: self._data})

    @classmethod
    def load(cls, folder: Path) -> FittedBooster:
        """Read what `save` wrote."""
        facts, files = _folder.read_files(folder, NAME, (FILE,))
        return cls(Outcome.read(facts), files[FILE], [float(score) for score in facts.get("constant", ())])

    @property
    def _outputs(self) -> int:
        return len(self._outcome.present) if len(self._outcome.present) > 2 else 1


def _constant(outcome: Outcome, target: NDArray[Any]) -> list[float]:
    """The scores (outputs,) that answer with the class shares, or the mean."""
    if not outcome.classes:
        return [float(target.mean())]
    logs = np.log(np.bincount(target) / len(target))
    return [float(logs[1] - logs[0])] if len(logs) == 2 else logs.tolist()


def _library() -> Any:
    try:
        import catboost
    except ImportError as error:
        raise HilumError(
            "CatBoost needs the extra 'catboost'", do="pip install 'hilum[catboost]' and run again"
        ) from error
    return catboost
