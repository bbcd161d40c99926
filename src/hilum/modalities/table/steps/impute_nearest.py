"""Impute by the nearest: a missing value becomes the mean of that column among the most similar train records that have it.

    d(x, y)^2 = (columns / columns that both have) * sum over those of (x - y)^2

Each record is filled from itself and train records, never from a later one of its sequence. Columns count as they are: put `Scale`
before. At most `donors` train records are kept, evenly over the train part, for cost and size grow with them; of equally similar ones
the first count. Where no donor has a column in common the donors' mean is taken, and 0 where train has no value.

Cost        O(records with something missing * donors * (columns + log donors))
Source      Troyanskaya et al., Bioinformatics 2001; equal to scikit-learn's KNNImputer
Deviations  where fewer donors than neighbours share a column with the record, those alone count
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hilum.core.errors import UsageError
from hilum.core.kernel import kernel
from hilum.modalities.table.inputs import Role
from hilum.modalities.table.steps._carrier import Array, Carrier
from hilum.modalities.table.steps._step import Settled, check_roles, packed, unpacked


@dataclass(frozen=True)
class ImputeNearest(Settled):
    """Settings.

    Attributes:
        neighbours: How many records a value is the mean of.
        donors: At most so many train records are kept.
        on: Roles of the columns that are compared and filled.
        but: Columns that are neither.
    """

    learns: ClassVar[bool] = True

    neighbours: int = 5
    donors: int = 2000
    on: tuple[Role, ...] = ("measured",)
    but: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        check_roles(self)
        if not 1 <= self.neighbours <= self.donors:
            raise UsageError(
                f"neighbours {self.neighbours} of {self.donors} donors", where="ImputeNearest", do="Give 1 to donors"
            )

    def fit(self, carrier: Carrier) -> FittedNearest:
        """The donors: of train records with any value, evenly."""
        places = carrier.chosen(self.on, self.but, levels=False, where="ImputeNearest")
        values = carrier.values[:, places]
        values = values[~np.isnan(values).all(axis=1)]
        if len(values) > self.donors:
            values = values[np.linspace(0, len(values) - 1, self.donors).round().astype(np.int64)]
        if len(values) == 0:
            values = np.zeros((1, len(places)))
        return FittedNearest(carrier.called(places), self.neighbours, values)

    def read(self, data: Mapping[str, Any]) -> FittedNearest:
        """What was fitted."""
        return FittedNearest(tuple(map(str, data["columns"])), int(data["neighbours"]), unpacked(data["donors"]))


@dataclass(frozen=True, eq=False)
class FittedNearest:
    """Names of the columns, how many neighbours, and the donors (records, columns)."""

    columns: tuple[str, ...]
    neighbours: int
    donors: Array

    def apply(self, carrier: Carrier) -> Carrier:
        """With nothing missing in the columns."""
        places = carrier.places(self.columns)
        values = np.ascontiguousarray(carrier.values[:, places])
        there = ~np.isnan(self.donors)
        means = np.where(there, self.donors, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
        filled = values.copy()
        fill_nearest(values, np.ascontiguousarray(self.donors), means, self.neighbours, filled)
        return carrier.changed(places, filled)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"columns": list(self.columns), "neighbours": self.neighbours, "donors": packed(self.donors)}


@kernel
def fill_nearest(values: Array, donors: Array, means: Array, neighbours: int, filled: Array) -> None:
    """Fill what is missing in values (records, columns), into `filled`, from donors (donors, columns) with means (columns,)."""
    columns = values.shape[1]
    distance = np.empty(len(donors))
    for row in range(len(values)):
        if not np.isnan(values[row]).any():
            continue
        for donor in range(len(donors)):
            total, both = 0.0, 0
            for column in range(columns):
                apart = values[row, column] - donors[donor, column]
                if not np.isnan(apart):
                    total += apart * apart
                    both += 1
            distance[donor] = total * columns / both if both else np.inf
        order = np.argsort(distance, kind="mergesort")
        for column in range(columns):
            if np.isnan(values[row, column]):
                total, found = 0.0, 0
                for donor in order:
                    if found == neighbours or distance[donor] == np.inf:
                        break
                    if not np.isnan(donors[donor, column]):
                        total += donors[donor, column]
                        found += 1
                filled[row, column] = total / found if found else means[column]
