"""What grows and runs LightGBM's trees: the part that needs the extra `boost`.

The fitted model is LightGBM's own text, and predictions always come from a booster read from that text: what was just fitted and
what is loaded later give the same bits.
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
from hilum.models._outcome import Outcome, one_thread, usable

if TYPE_CHECKING:
    from hilum.models.light_gbm.settings import LightGBM

Array = NDArray[np.float64]
NAME = "light_gbm"
TEXT = "model.txt"


def grow(settings: LightGBM, train: Labelled | Measured) -> FittedBooster:
    """Fit by `settings`."""
    library = _library()
    outcome = usable(train, NAME)
    target: NDArray[Any]
    asked: dict[str, Any]
    if isinstance(train, Labelled):
        target = outcome.codes(train)
        asked = {"objective": "binary"} if len(outcome.present) == 2 else {"objective": "multiclass"}
        asked |= {"num_class": len(outcome.present)} if len(outcome.present) > 2 else {}
    else:
        target, asked = train.targets, {"objective": "regression"}
    parameters = {
        **asked,
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "max_depth": -1 if settings.depth is None else settings.depth,
        "min_data_in_leaf": settings.rows_per_leaf,
        "lambda_l2": settings.penalty,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": settings.state or 0,
        "verbosity": -1,
    }
    with one_thread():
        data = library.Dataset(np.ascontiguousarray(train.inputs), label=target, params=parameters)
        booster = library.train(parameters, data, num_boost_round=settings.rounds)
    return FittedBooster(outcome, booster.model_to_string(num_iteration=-1))


class FittedBooster:
    """LightGBM's own text, and a booster read from it."""

    def __init__(self, outcome: Outcome, text: str) -> None:
        self._outcome = outcome
        self._text = text
        library = _library()
        try:
            self._booster = library.Booster(model_str=text)
        except library.basic.LightGBMError as error:
            raise HilumError(f"LightGBM cannot read the model: {error}", do="Run the study again") from error

    def predict(self, inputs: Array) -> Array:
        """Numbers (rows,), or probabilities (rows, classes)."""
        rows = self._outcome.accept(inputs)
        if not len(rows):
            return np.empty((0, self._outcome.classes) if self._outcome.classes else 0)
        with one_thread():
            raw = np.asarray(self._booster.predict(rows, raw_score=True, num_threads=1), np.float64)
        return self._outcome.answer(raw.reshape(len(rows), -1))

    def contributions(self, inputs: Array) -> Array:
        """What each column adds to the raw score (`hilum.explain.tree_shap`), the base last: (rows, columns + 1).

        Of three classes or more (rows, classes present, columns + 1).
        """
        rows = self._outcome.accept(inputs)
        outputs = len(self._outcome.present) if len(self._outcome.present) > 2 else 1
        shape = (len(rows), outputs, self._outcome.columns + 1)
        with one_thread():
            found = self._booster.predict(rows, pred_contrib=True, num_threads=1) if len(rows) else np.zeros(shape)
        whole = np.asarray(found, np.float64).reshape(shape)
        return whole if outputs > 1 else whole[:, 0]

    @property
    def importance(self) -> Array:
        """(columns,) share of the loss that splits on each column removed."""
        gain = np.asarray(self._booster.feature_importance("gain"), np.float64)
        return gain / (gain.sum() or 1.0)

    def save(self, folder: Path) -> None:
        """Write LightGBM's text and facts."""
        _folder.write_files(folder, NAME, self._outcome.facts(), {TEXT: self._text.encode()})

    @classmethod
    def load(cls, folder: Path) -> FittedBooster:
        """Read what `save` wrote."""
        facts, files = _folder.read_files(folder, NAME, (TEXT,))
        return cls(Outcome.read(facts), files[TEXT].decode(errors="replace"))


def _library() -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise HilumError("LightGBM needs the extra 'boost'", do="pip install 'hilum[boost]' and run again") from error
    return lightgbm
