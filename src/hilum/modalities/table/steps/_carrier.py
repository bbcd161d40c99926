"""Carrier: what steps hand on. Records of a sequence stand together in ascending order of time; a single record is a sequence of one.

values   (rows, columns) float64, NaN where missing; a category that is not encoded yet stands as the position of its level
starts   (sequences + 1,) the first row of every sequence, and the end of the last
step     (rows,) when, in the table's own unit of time
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, unknown
from hilum.modalities.table.inputs import Role

Array = NDArray[np.float64]
Places = NDArray[np.intp]

ROLES: tuple[Role, ...] = ("measured", "static", "flag", "derived")


@dataclass(frozen=True)
class Carrier:
    """Columns on their way through a recipe.

    Attributes:
        values: (rows, columns); steps never write into it.
        names: (columns,) what the columns are called.
        roles: (columns,) what they are.
        origins: (columns,) the feature that a column of a category's level was made of; elsewhere the column's own name.
        starts: (sequences + 1,) the first row of every sequence, and the end of the last.
        step: (rows,) when within its sequence; 0 for single records.
        text: Names of the columns that hold a category, not encoded yet.
    """

    values: Array
    names: tuple[str, ...]
    roles: tuple[Role, ...]
    origins: tuple[str, ...]
    starts: NDArray[np.int64]
    step: Array
    text: frozenset[str] = field(default_factory=frozenset)

    @property
    def rows(self) -> int:
        """How many records."""
        return len(self.values)

    def chosen(
        self, on: Sequence[str], but: Sequence[str] = (), *, text: bool = False, levels: bool = True, where: str = ""
    ) -> Places:
        """Positions of the columns with one of the roles `on`, without those called `but`.

        Args:
            on: Roles.
            but: Names of columns or of the features they were made of.
            text: Whether categories that are not encoded yet are chosen too.
            levels: Whether columns of a category's level are chosen too.
            where: Which step asks.

        Raises:
            UsageError: no column has a name of `but`.
        """
        for name in but:
            if name not in self.names and name not in self.origins:
                raise unknown("column", name, self.names, where=where)
        return np.array(
            [
                place
                for place, (name, role, origin) in enumerate(zip(self.names, self.roles, self.origins, strict=True))
                if role in on
                and name not in but
                and origin not in but
                and (text or name not in self.text)
                and (levels or name == origin)
            ],
            dtype=np.intp,
        )

    def places(self, names: Sequence[str]) -> Places:
        """Positions of columns by name."""
        at = {name: place for place, name in enumerate(self.names)}
        return np.array([at[name] for name in names], dtype=np.intp)

    def called(self, places: Places) -> tuple[str, ...]:
        """Names of columns by position."""
        return tuple(self.names[place] for place in places)

    def spread(self, names: Sequence[str], numbers: Sequence[float], rest: float) -> Array:
        """(columns,) a number for each of some columns, and `rest` for the others: whole rows are faster than chosen columns."""
        found = np.full(len(self.names), rest)
        found[self.places(names)] = numbers
        return found

    def changed(self, places: Places, values: Array) -> Carrier:
        """With other values (rows, places) in some columns."""
        whole = self.values.copy()
        whole[:, places] = values
        return replace(self, values=whole)

    def joined(self, values: Array, names: Sequence[str], roles: Role | Sequence[Role]) -> Carrier:
        """With more columns after the others.

        Raises:
            DataError: a column is called so already.
        """
        twins = [name for name in names if name in self.names]
        if twins or len(set(names)) < len(names):
            name = twins[0] if twins else next(one for one in names if list(names).count(one) > 1)
            raise DataError(f"two columns of the recipe would be called '{name}'", do="Rename the feature of this name")
        many = (roles,) * len(names) if isinstance(roles, str) else tuple(roles)
        return replace(
            self,
            values=np.column_stack([self.values, values]),
            names=(*self.names, *names),
            roles=(*self.roles, *many),
            origins=(*self.origins, *names),
        )

    def kept(self, places: Places) -> Carrier:
        """Some of the columns, in the order given."""
        if np.array_equal(places, np.arange(len(self.names))):
            return self
        return replace(
            self,
            values=self.values[:, places],
            names=self.called(places),
            roles=tuple(self.roles[place] for place in places),
            origins=tuple(self.origins[place] for place in places),
            text=self.text & set(self.called(places)),
        )

    def without(self, places: Places) -> Carrier:
        """All columns but some."""
        return self.kept(np.setdiff1d(np.arange(len(self.names)), places))
