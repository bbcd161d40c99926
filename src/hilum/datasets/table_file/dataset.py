"""A table of one's own: one file, and which column is what. Its one item is the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from hilum.core.data import Field, Item
from hilum.core.errors import UsageError
from hilum.modalities.table.columns import Columns
from hilum.modalities.table.read import read_table
from hilum.modalities.table.sample import Table


@dataclass(frozen=True)
class TableFile:
    """A user's table.

    Attributes:
        path: The file, relative to the study's folder; `file.xlsx#Sheet` for a sheet that is not the first.
        columns: Which column is what.
        label: What the table is called; the file's name without one.
    """

    path: str = ""
    columns: Columns = field(default_factory=Columns)
    label: str = ""

    name: ClassVar[str] = "table_file"
    ITEMS: ClassVar[tuple[str, ...]] = ()

    @property
    def provides(self) -> Mapping[str, Field]:
        """The table, and its outcome: classes under `label`, a number under `target`."""
        outcome = (
            {"label": Field(self.columns.target, "classes")}
            if self.columns.kind == "classify"
            else {"target": Field(self.columns.target, "number", self.columns.unit)}
        )
        return {"input": Field(self.path, "table"), **outcome}

    def items(self, folder: Path) -> Sequence[Item]:
        """One: the table.

        Raises:
            UsageError: no file is named.
        """
        if not self.path:
            raise UsageError("no file is named", where="dataset 'table_file'", do='Name it: table = "patients.csv"')
        return [Item(self.label or Path(self.path.partition("#")[0]).stem, None, (self.path,))]

    def load(self, folder: Path, item: Item) -> Table:
        """Read the table; errors as in `hilum.modalities.table.read.read_table`."""
        (path,) = item.files
        return read_table(folder / path, self.columns, name=item.id)
