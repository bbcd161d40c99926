"""Recalibrated: another model, whose probabilities are mapped to what came true on records that it had not learnt from.

Model       q = f(p), p the inner model's probabilities; f has one number a model or two a class, or is a step-like curve: see below
Fit         with a validation part: the inner model is fitted as it is, and f on its predictions for that part. If the part also ended
            the training (early stopping), f has seen slightly too good predictions.
            without one: the subjects of train are dealt into `folds`; the inner model is fitted on all but one in turn and predicts that
            one; f is fitted on all these predictions, and then the inner model on all of train
By          temperature   p^(1/T), divided by its sum: the class that is called stays, of two classes every rank (AUROC) too
            isotonic      of each class a non-decreasing curve; ranks may tie, probabilities of 0 and 1 occur
            logistic      of each class a logit, shifted and stretched (Platt)
            A forest that says 0 and 1 is better mapped by isotonic: one temperature for all must make up for the few sure misses
Symbols     p, q (rows, classes); a class that train lacks stays at 0
Cost        without a validation part `folds` + 1 fits of the inner model; one pass over the predictions
Source      Guo et al., ICML 2017; Zadrozny and Elkan, KDD 2002; Platt (2000): see hilum/models/_recalibration.py
Deviations  Records count alike, not subjects: many records of one subject tell less than their number. Inner folds learn from less than
            all of train, so their predictions are a little less sharp than those that f is used on. A number beside the class
            (a joint model's) is handed on as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, HilumError, UsageError, unknown
from hilum.core.kinds.classify import Joint, Labelled
from hilum.core.model import Fitted
from hilum.core.sequence import Sequenced
from hilum.core.split import Records, k_folds
from hilum.core.store import write_bytes
from hilum.models import _folder
from hilum.models._outcome import one_thread, usable
from hilum.models._recalibration import WAYS, By, Map
from hilum.models.logistic_regression import LogisticRegression

Array = NDArray[np.float64]
NAME = "recalibrated"
INNER = "inner."


@dataclass(frozen=True)
class Recalibrated:
    """Settings.

    Attributes:
        model: The inner model: a classifier.
        by: "temperature", "isotonic" or "logistic".
        folds: Parts of train's subjects where there is no validation part.
    """

    model: Any = field(default_factory=LogisticRegression)
    by: By = "temperature"
    folds: int = 5
    stochastic: ClassVar[bool] = True  # the folds are dealt by the seed
    kinds: ClassVar[tuple[str, ...]] = ("classify",)

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if "classify" not in getattr(self.model, "kinds", ()):
            raise UsageError(
                "one classifier is recalibrated", where=NAME, do='Name it, in study.toml as model = "random_forest"'
            )
        if self.by not in WAYS:
            raise unknown("value of by", self.by, WAYS, where=NAME)
        if self.folds < 2:
            raise UsageError(f"folds {self.folds} must be 2 or more", where=NAME)

    @property
    def reads(self) -> str:
        """What the inner model is handed."""
        return str(getattr(self.model, "reads", "records"))

    def fit(self, train: Labelled, validation: Labelled | None, seed: int) -> FittedRecalibrated:
        """Fit the inner model, and the map on records that it has not learnt from.

        Raises:
            DataError: a training part that nothing can be learnt from, or no two classes among what the map is fitted on.
        """
        if self.reads == "records":
            train, validation = replace(train, sequences=None), validation and replace(validation, sequences=None)
            usable(train, NAME)
        fitted = self.model.fit(train, validation, seed)
        if validation is not None:
            seen = [_said(fitted, train, validation)]
        else:
            seen = [_said(self.model.fit(fit, None, seed), fit, held) for fit, held in _parts(train, self.folds, seed)]
        labels = np.concatenate([np.empty(0, np.int64), *(y for _, y in seen)])
        if len(np.unique(labels)) < 2:
            raise DataError(
                "what the probabilities would be mapped to holds one class alone",
                where=NAME,
                do="Use a split that puts every class into the validation part, and two subjects of each class into train",
            )
        with one_thread():
            return FittedRecalibrated(fitted, Map.fit(self.by, np.concatenate([p for p, _ in seen]), labels))

    def load(self, folder: Path) -> FittedRecalibrated:
        """Read what was saved.

        Raises:
            HilumError: the folder is another model's, or damaged, or names files outside itself.
        """
        facts, arrays = _folder.read(folder, NAME, ("power",))
        names = {str(name): PurePosixPath(str(name).removeprefix(INNER)) for name in facts["files"]}
        for name, inside in names.items():
            if not name.startswith(INNER) or inside.is_absolute() or ".." in inside.parts:
                raise HilumError(f"'{name}' is no file of the inner model", where=str(folder), do="Run the study again")
        _, files = _folder.read_files(folder, NAME, tuple(names))
        with TemporaryDirectory() as place:
            for name, data in files.items():
                write_bytes(Path(place) / names[name], data)
            fitted = self.model.load(Path(place))
        knots = tuple(arrays.get(f"knots {k}") for k in range(int(facts["mapped"])))
        return FittedRecalibrated(fitted, Map(facts["by"], knots, float(arrays["power"][0]), tuple(facts["absent"])))


class FittedRecalibrated:
    """The inner model, and the map.

    Attributes:
        inner: The fitted inner model.
        map: From its probabilities to ours.
    """

    def __init__(self, inner: Fitted[Any, Any], map_: Map) -> None:
        self.inner = inner
        self.map = map_

    def predict(self, inputs: Array | Sequenced) -> Array | Joint:
        """Probabilities (rows, classes), with the numbers beside them where the inner model gives any."""
        answer = self.inner.predict(inputs)
        if isinstance(answer, Joint):
            return Joint(self.map.apply(answer.probabilities), answer.numbers)
        return self.map.apply(answer)

    def save(self, folder: Path) -> None:
        """Write the map, and the inner model's files beside it."""
        from safetensors.numpy import save

        arrays = {f"knots {k}": knots for k, knots in enumerate(self.map.knots) if knots is not None}
        with TemporaryDirectory() as place:
            self.inner.save(Path(place))
            inside = sorted(path for path in Path(place).rglob("*") if path.is_file())
            files = {f"{INNER}{path.relative_to(place).as_posix()}": path.read_bytes() for path in inside}
        facts = {
            "by": self.map.by,
            "mapped": len(self.map.knots),
            "absent": list(self.map.absent),
            "files": list(files),
        }
        data = save({"power": np.array([self.map.power]), **arrays})
        _folder.write_files(folder, NAME, facts, {_folder.ARRAYS: data, **files})


def _said(fitted: Fitted[Any, Any], train: Labelled, held: Labelled) -> tuple[Array, NDArray[np.int64]]:
    """Probabilities and classes of the held records that are asked for; those of classes that train lacks say nothing of the map."""
    answer = fitted.predict(held.inputs if held.sequences is None else held.sequences)
    said = answer.probabilities if isinstance(answer, Joint) else answer
    labels = held.labels
    if held.sequences is not None:
        said = said[held.sequences.asked]
        labels = _asked(held.sequences, labels)
    known = np.isin(labels, train.labels if train.sequences is None else _asked(train.sequences, train.labels))
    return said[known], labels[known]


def _parts(train: Labelled, folds: int, seed: int) -> Iterator[tuple[Labelled, Labelled]]:
    """Each time all subjects but some, and these; a part to fit on with one class alone is left out."""
    rows = train.sequences
    whose = np.asarray(train.subjects)
    labels = train.labels
    if rows is not None:
        whose, labels = _asked(rows, whose), _asked(rows, labels)
    numbers = np.arange(len(labels)).astype(str)
    fold = k_folds(
        Records(numbers, whose, labels.astype(np.float64), "classify"),
        min(folds, len(np.unique(whose))),
        seed,
        where=f"{NAME}, inner folds",
    )
    for number in range(int(fold.max()) + 1):
        if len(np.unique(labels[fold != number])) > 1:
            yield _some(train, fold != number), _some(train, fold == number)


def _some(train: Labelled, chosen: NDArray[np.bool_]) -> Labelled:
    """The records that are chosen among those asked for; of sequences whole ones, with their context."""
    rows = train.sequences
    sequences = None
    labels, whose, beside = train.labels, np.asarray(train.subjects), train.beside
    if rows is not None:
        labels, whose = _asked(rows, labels), _asked(rows, whose)
        beside = None if beside is None else _asked(rows, beside)
        kept = np.isin(rows.series, np.unique(rows.series[rows.asked][chosen]))
        _, series = np.unique(rows.series[kept], return_inverse=True)
        sequences = Sequenced(rows.values[kept], series.astype(np.int64), rows.step[kept], rows.asked[kept])
    inputs = train.inputs[chosen] if rows is None else rows.values[rows.asked][chosen]
    return replace(
        train,
        inputs=inputs,
        labels=labels[chosen],
        subjects=tuple(whose[chosen].tolist()),
        sequences=sequences,
        beside=None if beside is None else beside[chosen],
    )


def _asked(rows: Sequenced, values: NDArray[Any]) -> NDArray[Any]:
    """Of values of all records, or of those asked for already, those that are asked for."""
    return values[rows.asked] if len(values) == len(rows.asked) else values
