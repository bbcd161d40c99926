"""A table of one's own: one file, and which column is what. Its one item is the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from hilum.core.data import Field, Item
from hilum.core.errors import UsageError
from hilum.modalities.ehr.plausible import range_notes
from hilum.modalities.table.columns import Columns
from hilum.modalities.table.read import read_frame, read_table
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
        # A sheet is named behind the file's own name; a "#" elsewhere, or of a file that is there, belongs to the path.
        whole = Path(self.path)
        there = (folder / whole).is_file()
        file = self.path if there else (whole.parent / whole.name.partition("#")[0]).as_posix()
        return [Item(self.label or Path(file).stem, None, (file, *self._content_files(folder / file)))]

    def load(self, folder: Path, item: Item) -> Table:
        """Read the table; errors as in `hilum.modalities.table.read.read_table`.

        Of records over time the notes say which features hold values, or are in units, that the dictionary of clinical variables finds
        implausible (`hilum.modalities.ehr.plausible`). Nothing is dropped.
        """
        table = read_table(folder / self.path, self.columns, name=item.id)
        if not self.columns.sequence:
            return table
        return replace(table, notes=(*table.notes, *range_notes(table.features, dict(self.columns.units))))

    def _content_files(self, file: Path) -> tuple[str, ...]:
        """The files that the content column names: where one of them changes, the table is another."""
        if not self.columns.content or not file.is_file():
            return ()
        stat = file.stat()
        names = _named_files(file.parent / Path(self.path).name, self.columns, stat.st_mtime_ns, stat.st_size)
        return tuple((Path(self.path).parent / name).as_posix() for name in names)


@lru_cache(maxsize=8)
def _named_files(path: Path, columns: Columns, _changed: int, _size: int) -> tuple[str, ...]:
    texts = read_frame(path, [columns.content], missing=columns.missing, encoding=columns.encoding)[columns.content]
    names = texts.drop_nulls().unique().sort().to_list()
    # Hashes are no files; a file that is missing is refused where the table is read.
    return tuple(name for name in names if (path.parent / name).is_file()) if names else ()
