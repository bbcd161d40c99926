"""Fill: one number a column stands for what is missing there; it is learned from train at the step's place in the recipe.

    zero            0: after scaling this is the train mean
    mean, median    of the train values that are not missing
    most_frequent   of them, the smallest of equally frequent ones
    constant        the number that is given

A column without any value in train is filled with 0, or with the constant. After this step nothing selected is missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from hilum.core.errors import DataError, UsageError
from hilum.modalities.table.inputs import Role
from hilum.modalities.table.steps._carrier import ROLES, Array, Carrier
from hilum.modalities.table.steps._step import Settled, check_choice, check_roles, made, plain

By = Literal["zero", "mean", "median", "constant", "most_frequent"]


@dataclass(frozen=True)
class Fill(Settled):
    """Settings.

    Attributes:
        by: What stands for a missing number.
        value: The constant.
        on: Roles of the columns that are filled: all by default.
        but: Columns that are not.
    """

    learns: ClassVar[bool] = True

    by: By = "zero"
    value: float = 0.0
    on: tuple[Role, ...] = ROLES
    but: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        check_choice(self, "by", By)
        check_roles(self)
        if not math.isfinite(self.value):
            raise UsageError(f"value is {self.value}", where="Fill", do="Give a finite number")

    def fit(self, carrier: Carrier) -> Filled:
        """The number of every selected column."""
        places = carrier.chosen(self.on, self.but, where="Fill")
        fills = [self._fill(carrier.values[:, place], carrier.names[place]) for place in places]
        return Filled(carrier.called(places), tuple(fills))

    def read(self, data: Mapping[str, Any]) -> Filled:
        """What was fitted."""
        fitted: Filled = made(Filled, data)
        if not all(map(math.isfinite, fitted.fills)):
            raise ValueError("a fill is not finite")
        return fitted

    def _fill(self, values: Array, name: str) -> float:
        if self.by in ("zero", "constant"):
            return float(self.value) if self.by == "constant" else 0.0
        seen = values[~np.isnan(values)]
        if seen.size == 0:
            return 0.0
        if self.by == "most_frequent":
            found, counts = np.unique(seen, return_counts=True)
            return float(found[counts.argmax()])
        with np.errstate(over="ignore", invalid="ignore"):
            fill = float(np.median(seen) if self.by == "median" else seen.mean())
        if not math.isfinite(fill):
            raise DataError("the numbers are too large to be averaged", where=f"feature '{name}'", do="Change its unit")
        return fill


@dataclass(frozen=True)
class Filled:
    """What was learned: names of the filled columns, and the number of each."""

    columns: tuple[str, ...]
    fills: tuple[float, ...]

    def apply(self, carrier: Carrier) -> Carrier:
        """With nothing missing in the columns."""
        fills = carrier.spread(self.columns, self.fills, np.nan)
        return replace(carrier, values=np.where(np.isnan(carrier.values), fills, carrier.values))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return plain(self)
