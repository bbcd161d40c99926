"""Impute by chained equations: each column with something missing is predicted from all others, round after round.

    start   a missing value is its column's train mean
    round   for each column, fewest missing first: a Bayesian ridge regression on the others, fitted where train has the column, predicts
            it where it is missing; what it predicts is what the next column reads
    new     the train's regressions are gone through in the same order

Each record is filled from itself alone. It is one draw, the mean that a regression predicts, so nothing is random: multiple imputation
with draws from the posterior is not done. What is predicted stays within the column's train range, for a regression may run away.
Columns count as they are: put `Scale` before. Source: van Buuren and Groothuis-Oudshoorn, J. Stat. Softw. 2011; the rounds are those
of scikit-learn's IterativeImputer, which ends early when values settle.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.modalities.table.inputs import Role
from hilum.modalities.table.steps._carrier import Array, Carrier
from hilum.modalities.table.steps._step import Settled, check_roles, packed, unpacked

ARRAYS = ("start", "target", "weights", "offset", "low", "high")


@dataclass(frozen=True)
class ImputeChained(Settled):
    """Settings.

    Attributes:
        rounds: At most so many.
        on: Roles of the columns that predict and are filled.
        but: Columns that do neither.
    """

    learns: ClassVar[bool] = True

    rounds: int = 10
    on: tuple[Role, ...] = ("measured",)
    but: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        check_roles(self)
        if self.rounds < 1:
            raise UsageError(f"rounds is {self.rounds}", where="ImputeChained", do="Give 1 or more")

    def fit(self, carrier: Carrier) -> FittedChained:
        """The regressions of every round."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - it opens the next import
        from sklearn.impute import IterativeImputer

        places = carrier.chosen(self.on, self.but, levels=False, where="ImputeChained")
        values = carrier.values[:, places]
        empty = np.isnan(values).all(axis=0)
        known = np.where(empty, 0.0, values)
        low, high = np.nanmin(known, axis=0, initial=np.inf), np.nanmax(known, axis=0, initial=-np.inf)
        low, high = np.where(low < high, low, -np.inf), np.where(low < high, high, np.inf)  # one value is no range
        columns = len(places)
        chain: list[Any] = []
        start = np.where(empty, 0.0, np.nansum(values, axis=0) / np.maximum((~np.isnan(values)).sum(axis=0), 1))
        if columns > 1:
            imputer = IterativeImputer(
                max_iter=self.rounds, keep_empty_features=True, min_value=low, max_value=high, random_state=0
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                imputer.fit(values)
            chain = imputer.imputation_sequence_
            start = np.asarray(imputer.initial_imputer_.statistics_, dtype=np.float64)
            start = np.where(np.isfinite(start), start, 0.0)
        weights = np.zeros((len(chain), columns))
        for row, (_, others, model) in zip(weights, chain, strict=True):
            row[others] = model.coef_
        target = np.array([at for at, _, _ in chain], dtype=np.int64)
        offset = np.array([model.intercept_ for _, _, model in chain], dtype=np.float64)
        return FittedChained(carrier.called(places), start, target, weights, offset, low, high)

    def read(self, data: Mapping[str, Any]) -> FittedChained:
        """What was fitted."""
        return FittedChained(tuple(map(str, data["columns"])), *(unpacked(data[name]) for name in ARRAYS))


@dataclass(frozen=True, eq=False)
class FittedChained:
    """The regressions.

    Attributes:
        columns: (columns,) names of the filled columns.
        start: (columns,) what a missing value is at first.
        target: (regressions,) which column each predicts.
        weights: (regressions, columns) 0 at its target.
        offset: (regressions,).
        low: (columns,) the smallest value in train.
        high: (columns,) the largest.
    """

    columns: tuple[str, ...]
    start: Array
    target: NDArray[np.int64]
    weights: Array
    offset: Array
    low: Array
    high: Array

    def apply(self, carrier: Carrier) -> Carrier:
        """With nothing missing in the columns."""
        places = carrier.places(self.columns)
        values = carrier.values[:, places]
        missing = np.isnan(values)
        filled = np.where(missing, self.start, values)
        rows = [np.flatnonzero(gone) for gone in missing.T]
        for at, weights, offset in zip(self.target, self.weights, self.offset, strict=True):
            # A sum over columns, row by row: a matrix product's last bit depends on how many rows it is given.
            predicted = (filled[rows[at]] * weights).sum(axis=1) + offset
            filled[rows[at], at] = np.clip(predicted, self.low[at], self.high[at])
        return carrier.changed(places, filled)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"columns": list(self.columns), **{name: packed(getattr(self, name)) for name in ARRAYS}}
