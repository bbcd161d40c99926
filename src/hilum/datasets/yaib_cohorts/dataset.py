"""A user's own cohorts of the four databases of YAIB, in its triples: TASK/DATABASE/{dyn,sta,outc}.parquet. Read, not built.

The databases are credentialed, so nothing of them is here; whoever has access puts the files where the card says. A file
`stays.parquet` beside a triple says whose the stays are. Source: van de Water et al., Yet Another ICU Benchmark, ICLR 2024.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hilum.core.data import Field, Item
from hilum.core.errors import unknown
from hilum.modalities.ehr.as_table import PROVIDES, table_of
from hilum.modalities.ehr.cohort import Cohort
from hilum.modalities.ehr.task_file import task_named
from hilum.modalities.ehr.yaib import read_triple
from hilum.modalities.table.sample import Table

# Our name of a task to YAIB's folder, and of a database to YAIB's folder.
TASKS = {
    "mortality24": "mortality24",
    "aki": "aki",
    "sepsis": "sepsis",
    "kidney_function": "kidney_function",
    "length_of_stay": "los",
}
DATABASES = {"aumc": "aumc", "hirid": "hirid", "eicu": "eicu", "mimic4": "miiv"}
FILES = ("dyn.parquet", "sta.parquet", "outc.parquet")


@dataclass(frozen=True)
class YaibCohorts:
    """The cohorts, read as they are.

    Attributes:
        only: One of the items alone, so that arms on two cohorts are two arms; empty for all.
    """

    only: str = ""
    name: ClassVar[str] = "yaib_cohorts"
    ITEMS: ClassVar[tuple[str, ...]] = tuple(f"{task}-{database}" for task in TASKS for database in DATABASES)
    provides: ClassVar[Mapping[str, Field]] = PROVIDES

    def __post_init__(self) -> None:
        """Refuse a cohort that does not exist."""
        if self.only not in ("", *self.ITEMS):
            raise unknown("cohort", self.only, self.ITEMS, where="dataset 'yaib_cohorts'")

    def items(self, folder: Path) -> Sequence[Item]:
        """One a task and database, there or not; a file that says whose the stays are belongs to it where it is there."""
        listed = []
        for name in (self.only,) if self.only else self.ITEMS:
            place = _place(name)
            beside = ("stays.parquet",) if (folder / place / "stays.parquet").is_file() else ()
            files = tuple(f"{place}/{file}" for file in (*FILES, *beside))
            listed.append(Item(name, None, files, {"database": name.rpartition("-")[2]}))
        return listed

    def load(self, folder: Path, item: Item) -> Table:
        """One cohort as a table: a record an hour, 4 static and 48 hourly features (see `modalities/ehr/as_table.py`)."""
        return table_of(self.cohort(folder, item), task_named(item.id.rpartition("-")[0]))

    def cohort(self, folder: Path, item: Item) -> Cohort:
        """One cohort, with its subjects where a file says whose the stays are; errors as in `read_triple`."""
        name, _, database = item.id.rpartition("-")
        task = task_named(name)
        return read_triple(folder / _place(item.id), name, database=database, kind=task.kind, unit=task.unit)


def _place(name: str) -> str:
    task, _, database = name.rpartition("-")
    return f"{TASKS[task]}/{DATABASES[database]}"
