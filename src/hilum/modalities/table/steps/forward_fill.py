"""Forward fill: the last value that was observed earlier in the sequence stands for a missing one.

What comes before the first observation stays missing. A single record has nothing before it: nothing is filled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hilum.core.errors import UsageError
from hilum.modalities.table.inputs import Role
from hilum.modalities.table.steps._carrier import Carrier
from hilum.modalities.table.steps._step import Stateless, check_roles


@dataclass(frozen=True)
class ForwardFill(Stateless):
    """Settings.

    Attributes:
        on: Roles of the columns that are filled.
        but: Columns that are not.
        at_most: How long a value is carried, in the table's unit of time, the end included; None is for ever.
    """

    along: ClassVar[bool] = True

    on: tuple[Role, ...] = ("measured",)
    but: tuple[str, ...] = ()
    at_most: float | None = None

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        check_roles(self)
        if self.at_most is not None and not (math.isfinite(self.at_most) and self.at_most > 0):
            raise UsageError(f"at_most is {self.at_most}", where="ForwardFill", do="Give a positive time, or None")

    def apply(self, carrier: Carrier) -> Carrier:
        """With the columns filled."""
        places = carrier.chosen(self.on, self.but, text=True, where="ForwardFill")
        values = carrier.values[:, places]
        row = np.arange(carrier.rows)
        first = np.repeat(carrier.starts[:-1], np.diff(carrier.starts))
        # The latest observed row so far; a row before the sequence's first says that there is none.
        last = np.maximum.accumulate(np.where(np.isnan(values), -1, row[:, None]), axis=0)
        there = last >= first[:, None]
        if self.at_most is not None:
            there &= carrier.step[:, None] - carrier.step[last] <= self.at_most
        filled = np.take_along_axis(values, np.maximum(last, 0), axis=0)
        return carrier.changed(places, np.where(there, filled, np.nan))
