"""A dataset of *synthetic* stays in time: the outcome of a day follows what was measured that day and the days before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from hilum.core.data import Field, Item
from hilum.modalities.table.sample import Table

FACTS = {"title": "Simulated stays (synthetic)", "licence": "none", "synthetic": True}


@dataclass(frozen=True)
class SimulatedStays:
    """Stays of one to six days; lactate matters, noise does not, some days have no outcome and are context."""

    stays: int = 40
    seed: int = 0

    name: ClassVar[str] = "simulated_stays"
    synthetic: ClassVar[bool] = True
    ITEMS: ClassVar[tuple[str, ...]] = ("stays",)

    @property
    def provides(self) -> Mapping[str, Field]:
        return {"input": Field("features", "table"), "label": Field("died", "classes")}

    def items(self, folder: Path) -> Sequence[Item]:
        return [Item("stays", None)]

    def load(self, folder: Path, item: Item) -> Table:
        rng = np.random.default_rng(self.seed)
        days = rng.integers(1, 7, self.stays)
        stay = np.repeat(np.arange(self.stays), days)
        day = np.concatenate([np.arange(n, dtype=float) for n in days])
        lactate = rng.standard_normal(len(stay))
        memory = np.concatenate([np.cumsum(part) for part in np.split(lactate, np.cumsum(days)[:-1])])
        target = (memory + 0.3 * rng.standard_normal(len(stay)) > 0).astype(float)
        measured = np.where(rng.random(len(stay)) < 0.2, np.nan, lactate)
        rows = pl.DataFrame(
            {
                "item": [f"s{s:02d}-d{d:.0f}" for s, d in zip(stay, day, strict=True)],
                "subject": [f"p{s:02d}" for s in stay],
                "target": pl.Series(np.where((day == 0) & (days[stay] > 1), np.nan, target)).fill_nan(None),
                "sequence": [f"s{s:02d}" for s in stay],
                "step": day,
            }
        )
        features = pl.DataFrame(
            {
                "age": rng.standard_normal(self.stays)[stay],
                "lactate": pl.Series(measured).fill_nan(None),
                "noise": rng.standard_normal(len(stay)),
                "empty": pl.Series([None] * len(stay), dtype=pl.Float64),
            }
        )
        return Table("stays", rows, features, ("no", "yes"), target="died", static=("age",))
