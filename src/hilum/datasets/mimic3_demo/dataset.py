"""The five cohorts, built from the raw tables of the open MIMIC-III demo: 100 patients, 136 intensive-care stays.

    raw tables --readers/mimic3--> records --cohorts/NAME.toml--> Cohort --as_table--> Table      about a second each

`rules = "yaib"` gives the published cohorts of YAIB (four of them cell by cell); "clean" is our own definition.
Source: Johnson et al., Sci Data 3:160035 (2016).
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
from hilum.modalities.ehr.readers import mimic3
from hilum.modalities.ehr.rules import PRESETS
from hilum.modalities.ehr.task_file import task_named
from hilum.modalities.table.sample import Table

TABLES = (
    *("ADMISSIONS", "CHARTEVENTS", "ICUSTAYS", "INPUTEVENTS_CV", "INPUTEVENTS_MV", "LABEVENTS", "MICROBIOLOGYEVENTS"),
    *("OUTPUTEVENTS", "PATIENTS", "PRESCRIPTIONS", "PROCEDUREEVENTS_MV", "TRANSFERS"),
)
# Only sepsis looks at drugs, infusions, cultures and procedures.
_MEASURED = ("chart", "lab", "output")


@dataclass(frozen=True)
class Mimic3Demo:
    """Cohorts of the demo.

    Attributes:
        rules: "clean", or "yaib" as the published cohorts were made (see `modalities/ehr/rules.py`).
        only: One of the items alone, so that arms on two cohorts are two arms; empty for all.
    """

    rules: str = "clean"
    only: str = ""
    name: ClassVar[str] = "mimic3_demo"
    ITEMS: ClassVar[tuple[str, ...]] = ("mortality24", "aki", "sepsis", "kidney_function", "length_of_stay")
    provides: ClassVar[Mapping[str, Field]] = PROVIDES

    def __post_init__(self) -> None:
        """Refuse a preset that does not exist."""
        if self.rules not in PRESETS:
            raise unknown("preset of rules", self.rules, PRESETS, where="dataset 'mimic3_demo'")
        if self.only not in ("", *self.ITEMS):
            raise unknown("cohort", self.only, self.ITEMS, where="dataset 'mimic3_demo'")

    def items(self, folder: Path) -> Sequence[Item]:
        """One a cohort."""
        files = tuple(f"{name}.csv.gz" for name in TABLES)
        return [Item(name, None, files) for name in self.ITEMS if self.only in ("", name)]

    def load(self, folder: Path, item: Item) -> Table:
        """One cohort as a table: a record an hour, 4 static and 48 hourly features (see `modalities/ehr/as_table.py`)."""
        return table_of(self.cohort(folder, item), task_named(item.id))

    def cohort(self, folder: Path, item: Item) -> Cohort:
        """Build one cohort from the raw tables, verified against the card."""
        here = Path(__file__).parent
        known = {entry.path: entry for entry in read_files(read_card(here / "card.toml"), here)}
        for file in item.files:
            verify(known[file], folder)
        task = task_named(item.id)
        return build(mimic3.read(folder, tables=() if task.label == "sepsis3" else _MEASURED), task, self.rules)
