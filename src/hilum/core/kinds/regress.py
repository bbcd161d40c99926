"""regress: which number is it?

Record        one row a unit: target and prediction in the task's unit
Unit          what the task says; subjects are carried along for intervals
Model         `fit` on a table of train, `predict` numbers, `save`, `load`  (hilum.core.model)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.core.sequence import Sequenced

TITLE = "regress"
ROLES = ("input", "target")
PROTOCOLS = ("published", "honest")
RECORD = ("item", "unit", "subject", "fold", "seed", "target", "prediction")


@dataclass(frozen=True)
class Measured:
    """What a regressor is fitted on.

    Attributes:
        inputs: (rows, ...) whatever the modality's sample is, stacked.
        targets: (rows,) in `unit`.
        unit: Unit of the targets.
        subjects: (rows,) whose row it is.
        sequences: The same rows as sequences, context rows among them, for models that read sequences; else None.
    """

    inputs: NDArray[np.float64]
    targets: NDArray[np.float64]
    unit: str
    subjects: tuple[str, ...]
    sequences: Sequenced | None = None
