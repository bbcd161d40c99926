"""Flag missing: a column of its own for every selected one, 1 where the value is missing.

The flag is always there, also where train has every value, so that the width depends on no split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hilum.modalities.table.inputs import Role
from hilum.modalities.table.steps._carrier import Carrier
from hilum.modalities.table.steps._step import Stateless, check_roles


@dataclass(frozen=True)
class FlagMissing(Stateless):
    """Settings. A flag's role is "flag".

    Attributes:
        on: Roles of the columns that get one.
        but: Columns that get none.
    """

    on: tuple[Role, ...] = ("measured",)
    but: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse roles that do not exist."""
        check_roles(self)

    def makes(self, name: str) -> tuple[str, ...]:
        """The flag's name."""
        return (f"{name} is missing",)

    def apply(self, carrier: Carrier) -> Carrier:
        """With the flags after the other columns."""
        places = carrier.chosen(self.on, self.but, text=True, where="FlagMissing")
        names = [self.makes(name)[0] for name in carrier.called(places)]
        return carrier.joined(np.isnan(carrier.values[:, places]).astype(np.float64), names, "flag")
