"""Simulated patients: one table with a known truth. Synthetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, cast

from hilum.core.data import Field, Item
from hilum.core.errors import unknown
from hilum.modalities.table.columns import KINDS
from hilum.modalities.table.sample import Table
from hilum.modalities.table.simulate import simulate_patients

USE = {
    "title": "Simulated patients (synthetic)",
    "intended": "None: the patients are simulated.",
    "population": "Simulated patients.",
    "outcome": "Drawn from a logistic model of the features: see hilum.modalities.table.simulate.",
    "limits": "Synthetic: nothing follows for real patients.",
}


@dataclass(frozen=True)
class SimulatedPatients:
    """Settings of `hilum.modalities.table.simulate.simulate_patients`; what is not here keeps its default."""

    subjects: int = 200
    records_per_subject: int = 2
    features: int = 8
    prevalence: float = 0.3
    effect: float = 1.5
    kind: str = "classify"
    seed: int = 0

    name: ClassVar[str] = "simulated_patients"
    synthetic: ClassVar[bool] = True
    ITEMS: ClassVar[tuple[str, ...]] = ("simulated-patients",)

    def __post_init__(self) -> None:
        """Refuse a kind that does not exist."""
        if self.kind not in KINDS:
            raise unknown("kind", self.kind, KINDS, where="dataset 'simulated_patients'")

    @property
    def provides(self) -> Mapping[str, Field]:
        """The table, and its outcome: classes under `label`, a number under `target`."""
        if self.kind == "classify":
            return {"input": Field("features", "table"), "label": Field("event", "classes")}
        return {"input": Field("features", "table"), "target": Field("score", "number", "points")}

    def items(self, folder: Path) -> Sequence[Item]:
        """One: the table; no files."""
        return [Item("simulated-patients", None)]

    def load(self, folder: Path, item: Item) -> Table:
        """Simulate the table."""
        return simulate_patients(
            self.subjects,
            self.records_per_subject,
            self.features,
            self.prevalence,
            self.effect,
            self.seed,
            kind=cast("Literal['classify', 'regress']", self.kind),
        )
