"""Scale: x <- (x - center) / scale of each selected column, both of its train values that are not missing.

    standard   center = mean, scale = standard deviation with divisor n
    band       the same of the values strictly between two train quantiles, with divisor n - 1: a few wild values do not decide
    none       nothing is scaled; `beyond` still counts

A scale of 0, or one that is undefined, is 1. Where no value lies strictly within the band, the center is the mean of all.
Columns of a category's level are left as they are, and so are flags unless `on` names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from hilum.core.errors import DataError, UsageError
from hilum.modalities.table.inputs import Role
from hilum.modalities.table.steps._carrier import Array, Carrier
from hilum.modalities.table.steps._step import Settled, check_choice, check_roles, made, plain

By = Literal["standard", "band", "none"]


@dataclass(frozen=True)
class Scale(Settled):
    """Settings.

    Attributes:
        by: "standard", "band" or "none".
        band: The two quantiles, by linear interpolation.
        on: Roles of the columns that are scaled.
        but: Columns that are not.
        beyond: A scaled value larger than this in size becomes missing; None keeps all.
    """

    learns: ClassVar[bool] = True

    by: By = "standard"
    band: tuple[float, float] = (0.05, 0.95)
    on: tuple[Role, ...] = ("measured", "static", "derived")
    but: tuple[str, ...] = ()
    beyond: float | None = None

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        check_choice(self, "by", By)
        check_roles(self)
        if len(self.band) != 2 or not 0 <= self.band[0] < self.band[1] <= 1:
            raise UsageError(f"band is {self.band}", where="Scale", do="Give two ascending quantiles from 0 to 1")
        if self.beyond is not None and not self.beyond > 0:
            raise UsageError(f"beyond is {self.beyond}", where="Scale", do="Give a positive number, or None")

    def fit(self, carrier: Carrier) -> Scaled:
        """Center and scale of every selected column."""
        places = carrier.chosen(self.on, self.but, levels=False, where="Scale")
        figures = [self._figures(carrier.values[:, place], carrier.names[place]) for place in places]
        return Scaled(
            carrier.called(places),
            tuple(center for center, _ in figures),
            tuple(scale for _, scale in figures),
            self.beyond,
        )

    def read(self, data: Mapping[str, Any]) -> Scaled:
        """What was fitted."""
        fitted: Scaled = made(Scaled, data)
        if not all(np.isfinite([*fitted.center, *fitted.scale])) or min(fitted.scale, default=1.0) <= 0:
            raise ValueError("a center or scale is not finite, or a scale is not positive")
        return fitted

    def _figures(self, values: Array, name: str) -> tuple[float, float]:
        seen = values[~np.isnan(values)]
        if seen.size == 0 or self.by == "none":
            return 0.0, 1.0
        with np.errstate(over="ignore", invalid="ignore"):
            if self.by == "band":
                low, high = np.quantile(seen, self.band)
                inside = seen[(seen > low) & (seen < high)]
                center = inside.mean() if inside.size else seen.mean()
                scale = inside.std(ddof=1) if inside.size > 1 else 0.0
            else:
                center, scale = seen.mean(), seen.std()
        if not (np.isfinite(center) and np.isfinite(scale)):
            raise DataError("the numbers are too large to be averaged", where=f"feature '{name}'", do="Change its unit")
        return float(center), float(scale) if scale > 0 else 1.0


@dataclass(frozen=True)
class Scaled:
    """What was learned.

    Attributes:
        columns: Names of the scaled columns.
        center: (columns,).
        scale: (columns,), positive.
        beyond: A scaled value larger than this in size becomes missing.
    """

    columns: tuple[str, ...]
    center: tuple[float, ...]
    scale: tuple[float, ...]
    beyond: float | None

    def apply(self, carrier: Carrier) -> Carrier:
        """With the columns scaled."""
        values = carrier.values - carrier.spread(self.columns, self.center, 0.0)
        values /= carrier.spread(self.columns, self.scale, 1.0)
        if self.beyond is not None:
            limit = carrier.spread(self.columns, [self.beyond] * len(self.columns), np.inf)
            values[np.abs(values) > limit] = np.nan
        return replace(carrier, values=values)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return plain(self)
