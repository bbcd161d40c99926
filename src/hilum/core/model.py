"""Model: what computes? Settings that can be fitted; what is fitted predicts, and can be saved and loaded.

    settings.fit(train, validation, seed) -> fitted        fitted.predict(inputs) -> predictions
    fitted.save(folder)                                     settings.load(folder) -> fitted

The engine hands a model only what its protocol allows. Each task kind says what inputs, targets and predictions are
(`hilum.core.kinds`); a kind whose models live in time (`forecast`, `act`) has verbs of its own. Nothing is unpickled: arrays are
safetensors, boosters use their own format. A model that cannot be saved says so, and is refused by predict and export.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

Inputs = TypeVar("Inputs", contravariant=True)
Predictions = TypeVar("Predictions", covariant=True)


class Fitted(Protocol[Inputs, Predictions]):
    """A model that has seen its training part."""

    def predict(self, inputs: Inputs) -> Predictions:
        """Predictions for every row of `inputs`, in order."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything that `load` needs into an empty folder; nothing that must be unpickled.

        Raises:
            HilumError: this model cannot be saved.
        """
        ...


@runtime_checkable
class Trainable(Protocol):
    """A model's settings: frozen data."""

    def fit(self, train: Any, validation: Any | None, seed: int) -> Fitted[Any, Any]:
        """Learn from the training part; `validation` may steer (early stopping), and is None where there is none."""
        ...

    def load(self, folder: Path) -> Fitted[Any, Any]:
        """Read what `save` wrote.

        Raises:
            HilumError: the folder is damaged or of another model.
        """
        ...
