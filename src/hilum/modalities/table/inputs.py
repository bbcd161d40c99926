"""Inputs: features on their way to a model, with what preprocessing must know of them.

    Table.inputs --prepare.start--> inputs --take(train)--> prepare.fit --> prepared.apply(inputs) --> (records, columns) float64

A role says what a feature is: `measured` where nothing is said; `static` does not change within a sequence; `flag` says that another
feature is missing, or how long it has been; `derived` was computed from others. Preprocessing selects features by role, never by name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, unknown
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


def refuse_other_features(
    names: Collection[str], known: Collection[str], *, optional: Collection[str] = (), made: Collection[str] = ()
) -> None:
    """Refuse features that are not those that preprocessing was fitted on.

    Args:
        names: The features that are there.
        known: Those that are read.
        optional: Those that were left out in train, and may be absent.
        made: Those among `known` that `start` makes.

    Raises:
        DataError: a feature too many, with the closest name, or one that is missing.
    """
    for name in names:
        if name not in known and name not in optional:
            raise DataError(
                f"the feature '{name}' was not there when the model was fitted",
                do="Leave it out; " + unknown("feature", name, known).do,
            )
    for name in known:
        if name not in names:
            raise DataError(
                f"the feature '{name}' is missing",
                do="Hand on what the recipe's `start` gave"
                if name in made
                else "Add it; where it was not measured leave its cells empty",
            )
