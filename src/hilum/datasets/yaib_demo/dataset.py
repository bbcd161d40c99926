"""Eight published cohorts in YAIB's triple: what the authors built from the open MIMIC-III and eICU demos. Read, not built.

The files do not say whose a stay is. Where `mimic3_demo` or `eicu_demo` lies beside this folder, its table of stays says so, and
folds can be dealt by patient; without it who is who is unknown, and the cohort says so. Source: van de Water et al., Yet Another
ICU Benchmark, ICLR 2024.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hilum.core.card import read_card, read_files, verify
from hilum.core.data import Field, Item
from hilum.modalities.ehr.as_table import table_of
from hilum.modalities.ehr.cohort import Cohort
from hilum.modalities.ehr.readers import eicu, mimic3
from hilum.modalities.ehr.task_file import task_named
from hilum.modalities.ehr.yaib import read_triple
from hilum.modalities.table.sample import Table

if TYPE_CHECKING:
    import polars as pl

# Item to (our task, folder, database).
COHORTS = {
    "mortality24-mimic3": ("mortality24", "mortality24/mimic_demo", "mimic3"),
    "mortality24-eicu": ("mortality24", "mortality24/eicu_demo", "eicu"),
    "aki-mimic3": ("aki", "aki/mimic_demo", "mimic3"),
    "aki-eicu": ("aki", "aki/eicu_demo", "eicu"),
    "sepsis-mimic3": ("sepsis", "sepsis/mimic_demo", "mimic3"),
    "kidney_function-mimic3": ("kidney_function", "kidney_function/mimic_demo", "mimic3"),
    "kidney_function-eicu": ("kidney_function", "kidney_function/eicu_demo", "eicu"),
    "length_of_stay-mimic3": ("length_of_stay", "los/mimic_demo", "mimic3"),
}
# The table of stays of each database, in the folder beside.
_STAYS = {"mimic3": ("mimic3_demo", mimic3.stays), "eicu": ("eicu_demo", eicu.stays)}


@dataclass(frozen=True)
class YaibDemo:
    """No settings: the cohorts are read as they are."""

    name: ClassVar[str] = "yaib_demo"
    ITEMS: ClassVar[tuple[str, ...]] = tuple(COHORTS)
    provides: ClassVar[Mapping[str, Field]] = {
        "input": Field("hours", "table"),
        "label": Field("outcome", "classes"),
        "target": Field("outcome", "number"),
        "cohort": Field("stays", "cohort"),
    }

    def items(self, folder: Path) -> Sequence[Item]:
        """One a cohort."""
        here = Path(__file__).parent
        known = [entry.path for entry in read_files(read_card(here / "card.toml"), here)]
        return [
            Item(name, None, tuple(path for path in known if path.startswith(f"{place}/")), {"database": database})
            for name, (_, place, database) in COHORTS.items()
        ]

    def load(self, folder: Path, item: Item) -> Table:
        """One cohort as a table: a record an hour, 4 static and 48 hourly features (see `modalities/ehr/as_table.py`)."""
        return table_of(self.cohort(folder, item), task_named(COHORTS[item.id][0]))

    def cohort(self, folder: Path, item: Item) -> Cohort:
        """One cohort, verified against the card, with the subjects where the database's table of stays lies beside."""
        here = Path(__file__).parent
        known = {entry.path: entry for entry in read_files(read_card(here / "card.toml"), here)}
        for file in item.files:
            verify(known[file], folder)
        name, place, database = COHORTS[item.id]
        task = task_named(name)
        return read_triple(
            folder / place, name, database=database, kind=task.kind, unit=task.unit, stays=_stays(folder, database)
        )


def _stays(folder: Path, database: str) -> pl.DataFrame | None:
    beside, read = _STAYS[database]
    place = folder.resolve().parent / beside
    return read(place) if place.is_dir() else None
