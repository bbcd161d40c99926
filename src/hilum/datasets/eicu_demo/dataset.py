"""Death in intensive care, built from the raw tables of the open eICU demo as far as they are at hand: no periodic vital signs.

A test of the reader, of joining stays to patients and hospitals, and of what missing tables do; `yaib_demo` holds the published cohorts.
Source: Pollard et al., Sci Data 5:180178 (2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hilum.core.card import read_card, read_files, verify
from hilum.core.data import Field, Item
from hilum.core.errors import unknown
from hilum.modalities.ehr.as_table import PROVIDES, table_of
from hilum.modalities.ehr.cohort import Cohort, build
from hilum.modalities.ehr.readers import eicu
from hilum.modalities.ehr.rules import PRESETS
from hilum.modalities.ehr.task_file import task_named
from hilum.modalities.table.sample import Table

RENAMED = {"lab": "lab_178stays", "medication": "medication_178stays"}
TABLES = ("infusiondrug", "intakeoutput", "patient", "respiratorycharting", "vitalaperiodic", *RENAMED.values())


@dataclass(frozen=True)
class EicuDemo:
    """One cohort of the demo.

    Attributes:
        rules: "clean", or "yaib" as the published cohorts were made (see `modalities/ehr/rules.py`).
    """

    rules: str = "clean"
    name: ClassVar[str] = "eicu_demo"
    ITEMS: ClassVar[tuple[str, ...]] = ("mortality24",)
    provides: ClassVar[Mapping[str, Field]] = PROVIDES

    def __post_init__(self) -> None:
        """Refuse a preset that does not exist."""
        if self.rules not in PRESETS:
            raise unknown("preset of rules", self.rules, PRESETS, where="dataset 'eicu_demo'")

    def items(self, folder: Path) -> Sequence[Item]:
        """One a cohort."""
        return [Item(name, None, tuple(f"{table}.csv.gz" for table in TABLES)) for name in self.ITEMS]

    def load(self, folder: Path, item: Item) -> Table:
        """One cohort as a table: a record an hour, 4 static and 48 hourly features (see `modalities/ehr/as_table.py`)."""
        return table_of(self.cohort(folder, item), task_named(item.id))

    def cohort(self, folder: Path, item: Item) -> Cohort:
        """Build the cohort from the raw tables, verified against the card."""
        here = Path(__file__).parent
        known = {entry.path: entry for entry in read_files(read_card(here / "card.toml"), here)}
        for file in item.files:
            verify(known[file], folder)
        return build(eicu.read(folder, renamed=RENAMED), task_named(item.id), self.rules)
