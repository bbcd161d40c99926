"""Clip: numbers outside a range are brought to its end, or become missing.

plausible   the range that is given for a feature; others are left alone: nothing is learned
train       the range of the train values
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hilum.core.errors import UsageError, unknown
from hilum.modalities.table.inputs import Role
from hilum.modalities.table.steps._carrier import Carrier
from hilum.modalities.table.steps._step import Settled, check_choice, check_roles, made, plain

By = Literal["plausible", "train"]
Outside = Literal["limit", "missing"]


@dataclass(frozen=True)
class Clip(Settled):
    """Settings.

    Attributes:
        by: "plausible" or "train".
        ranges: (feature, low, high) of the plausible ranges, both ends included.
        outside: What a number outside becomes: the "limit", or "missing".
        on: Roles of the columns that are clipped to train's range.
        but: Columns that are not.
    """

    by: By = "plausible"
    ranges: tuple[tuple[str, float, float], ...] = ()
    outside: Outside = "limit"
    on: tuple[Role, ...] = ("measured",)
    but: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        check_choice(self, "by", By)
        check_choice(self, "outside", Outside)
        check_roles(self)
        if bool(self.ranges) != (self.by == "plausible"):
            do = "Give ranges by feature" if self.by == "plausible" else "Leave out the ranges: train gives them"
            raise UsageError(f"by is {self.by} with {len(self.ranges)} ranges", where="Clip", do=do)
        for name, low, high in self.ranges:
            if not low <= high:
                raise UsageError(
                    f"the range of '{name}' is {low} to {high}", where="Clip", do="Write the low end first"
                )

    @property
    def learns(self) -> bool:  # type: ignore[override] # by its settings
        """Whether the range is train's."""
        return self.by == "train"

    def fit(self, carrier: Carrier) -> Clipped:
        """The range of every column that is clipped."""
        if self.by == "plausible":
            for name, _, _ in self.ranges:
                if name not in carrier.names or name in carrier.text:
                    raise unknown("number", name, set(carrier.names) - carrier.text, where="Clip")
            names, low, high = zip(*self.ranges, strict=True)
            return Clipped(names, tuple(map(float, low)), tuple(map(float, high)), self.outside)
        places = [
            place
            for place in carrier.chosen(self.on, self.but, where="Clip")
            if not np.isnan(carrier.values[:, place]).all()
        ]
        values = carrier.values[:, places]
        low, high = np.nanmin(values, axis=0, initial=np.inf), np.nanmax(values, axis=0, initial=-np.inf)
        return Clipped(
            carrier.called(np.array(places, np.intp)), tuple(low.tolist()), tuple(high.tolist()), self.outside
        )

    def apply(self, carrier: Carrier) -> Carrier:
        """With the columns clipped to their plausible ranges, which need no fit."""
        return self.fit(carrier).apply(carrier)

    def read(self, data: Mapping[str, Any]) -> Clipped:
        """What was fitted."""
        fitted: Clipped = made(Clipped, data)
        if any(map(math.isnan, (*fitted.low, *fitted.high))):
            raise ValueError("a range is no number")
        return fitted


@dataclass(frozen=True)
class Clipped:
    """Names of the clipped columns, the range of each, and what a number outside becomes."""

    columns: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    outside: Outside

    def apply(self, carrier: Carrier) -> Carrier:
        """With the columns clipped."""
        places = carrier.places(self.columns)
        values = carrier.values[:, places]
        low, high = np.array(self.low), np.array(self.high)
        if self.outside == "limit":
            return carrier.changed(places, np.clip(values, low, high))
        return carrier.changed(places, np.where((values < low) | (values > high), np.nan, values))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return plain(self)
