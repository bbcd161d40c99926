"""Inputs: features on their way to a model, with what preprocessing must know of them.

    Table.inputs --prepare.start--> inputs --take(train)--> prepare.fit --> prepared.apply(inputs) --> (records, columns) float64

A role says what a feature is: `measured` where nothing is said; `static` does not change within a sequence; `flag` says that another
feature is missing, or how long it has been; `derived` was computed from others. Preprocessing selects features by role, never by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.sequence import Order

if TYPE_CHECKING:
    import polars as pl

Role = Literal["measured", "static", "flag", "derived"]


@dataclass(frozen=True)
class Inputs:
    """Features of records.

    Attributes:
        features: (records, features) Float64 for numbers, String for categories, null where missing.
        order: Which records belong together in time; None for single records.
        roles: Feature to role; a feature that is not listed is measured.
    """

    features: pl.DataFrame
    order: Order | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)

    @property
    def height(self) -> int:
        """How many records."""
        return int(self.features.height)

    def role(self, name: str) -> Role:
        """What a feature is."""
        return self.roles.get(name, "measured")

    def take(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Inputs:
        """Some of the records: by position (ascending) or by a mask of shape (records,)."""
        index = np.flatnonzero(chosen) if chosen.dtype == bool else np.sort(chosen).astype(np.intp)
        return Inputs(self.features[index], None if self.order is None else self.order.take(index), self.roles)
