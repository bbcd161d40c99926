"""classify: which of a few classes is it, and how likely is each?

Record        one row a unit: target class and one probability a class, which add up to 1
Unit          what the task says (a recording, a patient, a stay); subjects are carried along for intervals
Model         `fit` on a table of train, `predict` probabilities, `save`, `load`  (hilum.core.model)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.core.sequence import Sequenced

TITLE = "classify"
ROLES = ("input", "label")
PROTOCOLS = ("published", "honest")
RECORD = ("item", "unit", "subject", "fold", "seed", "target", "prediction")


@dataclass(frozen=True)
class Labelled:
    """What a classifier is fitted on.

    Attributes:
        inputs: (rows, ...) whatever the modality's sample is, stacked.
        labels: (rows,) class indices from 0.
        classes: Names of the classes, in index order.
        subjects: (rows,) whose row it is.
        sequences: The same rows as sequences, context rows among them, for models that read sequences; else None.
        beside: (rows,) a number that goes with the outcome (remaining days), for losses and models that use both; else None.
    """

    inputs: NDArray[np.float64]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    subjects: tuple[str, ...]
    sequences: Sequenced | None = None
    beside: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Joint:
    """Probabilities and a number, predicted together: what a multitask or a two-stage model answers.

    Attributes:
        probabilities: (rows, classes).
        numbers: (rows,) in the unit of `Labelled.beside`.
    """

    probabilities: NDArray[np.float64]
    numbers: NDArray[np.float64]
