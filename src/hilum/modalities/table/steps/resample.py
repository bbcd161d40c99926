"""Resample: what was observed within a bin of time so far stands in every record of the bin. Records stay as they are.

    bin    floor((step - first step of the sequence) / every)
    x_t <- mean, last, sum, max or min of the values observed in t's bin up to t; missing before the bin's first one

So a record knows no more than what had happened by then: the last record of a bin holds the whole bin's figure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from hilum.core.errors import UsageError
from hilum.modalities.table.inputs import Role
from hilum.modalities.table.steps._carrier import Carrier
from hilum.modalities.table.steps._step import Stateless, check_choice, check_roles
from hilum.modalities.table.steps.history import running

By = Literal["mean", "last", "sum", "max", "min"]


@dataclass(frozen=True)
class Resample(Stateless):
    """Settings.

    Attributes:
        every: How long a bin is, in the table's unit of time.
        by: What stands for the values of a bin.
        on: Roles of the columns that are resampled.
        but: Columns that are not.
    """

    along: ClassVar[bool] = True

    every: float
    by: By = "mean"
    on: tuple[Role, ...] = ("measured",)
    but: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        check_choice(self, "by", By)
        check_roles(self)
        if not (math.isfinite(self.every) and self.every > 0):
            raise UsageError(f"every is {self.every}", where="Resample", do="Give a positive time")

    def apply(self, carrier: Carrier) -> Carrier:
        """With the columns resampled."""
        places = carrier.chosen(self.on, self.but, where="Resample")
        lengths = np.diff(carrier.starts)
        sequence = np.repeat(np.arange(len(lengths)), lengths)
        which = np.floor((carrier.step - carrier.step[carrier.starts[:-1]][sequence]) / self.every)
        new = (np.diff(sequence, prepend=-1) != 0) | (np.diff(which, prepend=-1.0) != 0)
        starts = np.append(np.flatnonzero(new), carrier.rows).astype(np.int64)
        return carrier.changed(places, running(self.by, np.ascontiguousarray(carrier.values[:, places]), starts))
