"""Tables of a database as they are distributed: found in a folder, scanned lazily, and checked column by column.

A table is NAME.csv, NAME.csv.gz or NAME.parquet, in any case, in the folder or one folder below; column names are read in lower
case. A value that does not fit its column is an error that names file, column, row and value: nothing becomes null by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hilum.core.errors import DataError

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["integer", "number", "text", "moment"]
Encoding = Literal["utf8", "utf8-lossy"]
ENDINGS = (".csv", ".csv.gz", ".parquet")
_MISSING = "Database folders hold one file a table: NAME.csv, NAME.csv.gz or NAME.parquet"


@dataclass(frozen=True)
class Source:
    """One table: where it lies, which of its columns are asked for, and whether its text may hold letters that are not UTF-8."""

    path: Path
    kinds: Mapping[str, Kind]
    encoding: Encoding = "utf8"

    def scan(self) -> pl.LazyFrame:
        """The asked columns under their names in lower case, in their types.

        Raises:
            DataError: a column is missing, or the file is no table.
        """
        import polars as pl

        frame, names = _open(self.path, self.encoding)
        lacking = [name for name in self.kinds if name not in names]
        if lacking:
            raise DataError(
                f"the column '{lacking[0]}' is missing",
                where=str(self.path),
                do=f"It has: {', '.join(list(names)[:20])}",
            )
        schema = frame.collect_schema()
        return frame.select(
            _typed(pl.col(names[name]), schema[names[name]], kind).alias(name) for name, kind in self.kinds.items()
        )


def find_table(folder: Path, name: str) -> Path | None:
    """The file of a table, whatever its case and ending; None where there is none."""
    for place in (folder, *sorted(part for part in folder.glob("*") if part.is_dir())):
        files = {file.name.lower(): file for file in sorted(place.iterdir()) if file.is_file()}
        for ending in ENDINGS:
            if (file := files.get(name.lower() + ending)) is not None:
                return file
    return None


def table(folder: Path, name: str, kinds: Mapping[str, Kind], *, encoding: Encoding = "utf8") -> Source:
    """A table that must be there.

    Raises:
        DataError: it is not, or the folder is not.
    """
    if not folder.is_dir():
        raise DataError("there is no such folder", where=str(folder), do="Give the folder that holds the tables")
    path = find_table(folder, name)
    if path is None:
        raise DataError(f"the table {name} is missing", where=str(folder), do=_MISSING)
    return Source(path, kinds, encoding)


def optional_table(folder: Path, name: str, kinds: Mapping[str, Kind], *, encoding: Encoding = "utf8") -> Source | None:
    """A table that may be lacking (a part of a database): None where it is."""
    there = folder.is_dir() and find_table(folder, name) is not None
    return table(folder, name, kinds, encoding=encoding) if there else None


def read(source: Source) -> pl.DataFrame:
    """A small table, whole."""
    with reading(source):
        return source.scan().collect()


@contextmanager
def reading(*sources: Source) -> Iterator[None]:
    """Turn what polars raises while it reads into an error that names file, column, row and value."""
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        for source in sources:
            name_the_bad_value(source)
        raise explain(error, ", ".join(str(source.path) for source in sources)) from error


def explain(error: Exception, where: str) -> DataError:
    """What polars raised, as an error of ours."""
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return DataError(f"the table cannot be read: {first}", where=where, do="It may be cut off: get it again")


def _open(path: Path, encoding: Encoding) -> tuple[pl.LazyFrame, dict[str, str]]:
    """A lazy frame and its column names by their lower-case form; CSV columns are text."""
    import polars as pl

    try:
        text = path.suffix != ".parquet"
        frame = (
            pl.scan_csv(path, infer_schema=False, low_memory=True, encoding=encoding)
            if text
            else pl.scan_parquet(path, low_memory=True)
        )
        names = {name.lower().strip(): name for name in frame.collect_schema().names()}
    except (pl.exceptions.PolarsError, OSError) as error:
        raise explain(error, str(path)) from error
    return frame, names


def _typed(column: pl.Expr, found: pl.DataType, kind: Kind, *, strict: bool = True) -> pl.Expr:
    import polars as pl

    if kind == "moment" and found == pl.String:
        text = column.str.replace("T", " ", literal=True).str.strip_suffix("Z")
        # A day without a time of day (dates of birth in some exports) is read as midnight.
        whole = pl.when(text.str.len_chars() == 10).then(text + " 00:00:00").otherwise(text.str.slice(0, 19))
        return whole.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=strict, time_unit="us")
    if kind == "moment":
        return column.cast(pl.Datetime("us"), strict=strict)
    if kind == "text":
        return column.cast(pl.String)
    if kind == "integer" and found == pl.String:
        # Exports of nullable integers often write 12.0.
        return column.str.strip_suffix(".0").cast(pl.Int64, strict=strict)
    return column.cast(pl.Int64 if kind == "integer" else pl.Float64, strict=strict)


def name_the_bad_value(source: Source) -> None:
    """Raise the error that names the first value that does not fit; nothing where every value does."""
    import polars as pl

    try:
        frame, names = _open(source.path, source.encoding)
        schema = frame.collect_schema()
        for name, kind in source.kinds.items():
            if name not in names or kind == "text":
                continue
            column = pl.col(names[name])
            lenient = _typed(column, schema[names[name]], kind, strict=False)
            bad = frame.select(column.alias("value"), lenient.is_null().alias("lost")).with_row_index("row", offset=2)
            found = bad.filter(pl.col("value").is_not_null() & pl.col("lost")).head(1).collect()
            if found.height:
                raise DataError(
                    f"'{found['value'][0]}' is no {kind}",
                    where=f"{source.path}, column {name}, line {found['row'][0]}",
                    do="Mend the value, or leave it empty",
                )
    except (pl.exceptions.PolarsError, OSError):
        return
