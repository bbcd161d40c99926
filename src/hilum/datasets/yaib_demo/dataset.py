"""Eight published cohorts in YAIB's triple: what the authors built from the open MIMIC-III and eICU demos. Read, not built.

The files do not say whose a stay is. Where `mimic3_demo` or `eicu_demo` lies beside this folder, its table of stays says so, and
folds can be dealt by patient; without it who is who is unknown, and the cohort says so. A pooled item holds the same cohort of
both databases, with the database as source. Source: van de Water et al., Yet Another ICU Benchmark, ICLR 2024.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hilum.core.card import read_card, read_files, verify
from hilum.core.data import Field, Item
from hilum.core.errors import UsageError, unknown
from hilum.modalities.ehr.as_table import PROVIDES, table_of
from hilum.modalities.ehr.cohort import Cohort
from hilum.modalities.ehr.pooled import by_hospital, pool
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
# Item to the items whose cohorts it pools.
POOLED = {f"{task}-pooled": (f"{task}-mimic3", f"{task}-eicu") for task in ("mortality24", "aki", "kidney_function")}
# The table of stays of each database, in the folder beside, and the files that it is read from.
_STAYS = {
    "mimic3": ("mimic3_demo", mimic3.stays, ("ADMISSIONS", "ICUSTAYS", "PATIENTS", "TRANSFERS")),
    "eicu": ("eicu_demo", eicu.stays, ("patient",)),
}
SOURCES = ("database", "hospital")


@dataclass(frozen=True)
class YaibDemo:
    """The cohorts, read as they are.

    Attributes:
        source: What leave-one-source-out leaves out: the "database" of a pooled item, or the "hospital" (eICU alone names them).
        only: One of the items alone, so that arms on two cohorts are two arms; empty for all.
    """

    source: str = "database"
    only: str = ""
    name: ClassVar[str] = "yaib_demo"
    ITEMS: ClassVar[tuple[str, ...]] = (*COHORTS, *POOLED)
    provides: ClassVar[Mapping[str, Field]] = PROVIDES

    def __post_init__(self) -> None:
        """Refuse a source that does not exist."""
        if self.source not in SOURCES:
            raise unknown("source", self.source, SOURCES, where="dataset 'yaib_demo'")
        if self.only not in ("", *self.ITEMS):
            raise unknown("cohort", self.only, self.ITEMS, where="dataset 'yaib_demo'")

    def items(self, folder: Path) -> Sequence[Item]:
        """One a cohort, then the pooled ones."""
        here = Path(__file__).parent
        known = [entry.path for entry in read_files(read_card(here / "card.toml"), here)]
        files = {
            name: (*(path for path in known if path.startswith(f"{place}/")), *_beside(folder, database))
            for name, (_, place, database) in COHORTS.items()
        }
        single = [Item(name, None, files[name], {"database": database}) for name, (*_, database) in COHORTS.items()]
        pooled = [
            Item(name, None, tuple(file for one in cohorts for file in files[one]), {"database": "pooled"})
            for name, cohorts in POOLED.items()
        ]
        return [item for item in (*single, *pooled) if self.only in ("", item.id)]

    def load(self, folder: Path, item: Item) -> Table:
        """One cohort as a table: a record an hour, 4 static and 48 hourly features (see `modalities/ehr/as_table.py`)."""
        there = {each.id: each for each in replace(self, only="").items(folder)}
        tables = {
            COHORTS[name][2]: table_of(self.cohort(folder, there[name]), task_named(COHORTS[name][0]))
            for name in POOLED.get(item.id, (item.id,))
        }
        table = pool(tables, item.id) if item.id in POOLED else next(iter(tables.values()))
        return by_hospital(table) if self.source == "hospital" else table

    def cohort(self, folder: Path, item: Item) -> Cohort:
        """One cohort, verified against the card, with the subjects where the database's table of stays lies beside.

        Raises:
            UsageError: a pooled item, which is no one cohort.
        """
        if item.id in POOLED:
            raise UsageError(
                f"'{item.id}' is several cohorts", where="dataset 'yaib_demo'", do="Load it as a table, or ask for one"
            )
        here = Path(__file__).parent
        known = {entry.path: entry for entry in read_files(read_card(here / "card.toml"), here)}
        for file in item.files:
            if file in known:  # what lies beside is the other card's
                verify(known[file], folder)
        name, place, database = COHORTS[item.id]
        task = task_named(name)
        return read_triple(
            folder / place, name, database=database, kind=task.kind, unit=task.unit, stays=_stays(folder, database)
        )


def _stays(folder: Path, database: str) -> pl.DataFrame | None:
    beside, read, _ = _STAYS[database]
    place = folder.resolve().parent / beside
    return read(place) if place.is_dir() else None


def _beside(folder: Path, database: str) -> tuple[str, ...]:
    """The files that say whose the stays are, where they are there: with them the folds are others, so a cell's key holds them."""
    beside, _, names = _STAYS[database]
    files = (f"../{beside}/{name}.csv.gz" for name in names)
    return tuple(file for file in files if (folder.resolve() / file).is_file())
