"""Files of tables as they are: CSV, Parquet or a spreadsheet to columns of text, with the rows numbered as a person sees them.

The header is row 1, as a spreadsheet shows it. Delimiter and encoding are found by looking: the delimiter that gives the most
columns, the same number in every one of the first rows; UTF-8 and UTF-16 with or without a mark. Anything else is refused
at its first byte, never guessed. Rows without any value are no records; they are counted.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.core.errors import DataError, UsageError, unknown
from hilum.modalities.table.columns import MISSING

if TYPE_CHECKING:
    import polars as pl

TEXT = (".csv", ".tsv", ".tab", ".txt")
PARQUET = (".parquet", ".pq")
SPREADSHEET = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
DELIMITERS = (",", ";", "\t", "|")
_LOOK = 1 << 18  # bytes looked at to find the delimiter
_HEADS = {
    b"PK\x03\x04": ("a zip archive or a spreadsheet (.xlsx)", SPREADSHEET),
    b"PAR1": ("a Parquet file", PARQUET),
    b"\xd0\xcf\x11\xe0": ("an old Excel file (.xls)", SPREADSHEET),
    b"\x1f\x8b": ("compressed (gzip)", ()),
    b"%PDF": ("a PDF", ()),
    b"<!DOC": ("a web page", ()),
    b"<html": ("a web page", ()),
}


@dataclass(frozen=True)
class RawTable:
    """A file's columns before anything is made of them.

    Attributes:
        path: The file.
        frame: String columns, stripped, null where missing; of Parquet also Float64, Int64 and Datetime columns.
        row: Position in `frame` to the row that a spreadsheet shows.
        empty_rows: How many rows held no value at all.
        decimal_comma: Whether "12,5" may be a number: the delimiter is no comma.
        notes: What a reader of results should know of the reading.
        header: The names of all columns of the file, the skipped ones too.
    """

    path: Path
    frame: pl.DataFrame
    row: Callable[[int], int]
    empty_rows: int = 0
    decimal_comma: bool = False
    notes: tuple[str, ...] = ()
    header: tuple[str, ...] = ()

    def at(self, column: str, position: int | None = None) -> str:
        """Where something is, for an error."""
        place = f"{self.path}, column '{column}'"
        return place if position is None else f"{place}, row {self.row(position)}"


def read_frame(
    path: Path | str, columns: Sequence[str] | None = None, *, missing: Sequence[str] = MISSING, encoding: str = ""
) -> pl.DataFrame:
    """The raw columns of a table as text, null where missing.

    Args:
        path: A CSV, Parquet or spreadsheet file; `file.xlsx#Sheet` for a sheet that is not the first.
        columns: Which of them; all where not given.
        missing: The texts that mean missing.
        encoding: How the text is encoded where it is neither UTF-8 nor UTF-16.

    Raises:
        DataError: the file is missing, empty, damaged, of another kind than its name says, in another encoding, has rows of
            another length than its header, or two columns of one name.
        UsageError: a column or sheet that is not there; the closest is named.
    """
    raw = read_raw(path, missing=missing, encoding=encoding)
    for name in columns or ():
        if name not in raw.frame.columns:
            raise unknown("column", name, raw.frame.columns, where=str(raw.path))
    frame = raw.frame.select(columns) if columns is not None else raw.frame
    return frame.with_columns(as_text(frame[name]) for name in frame.columns)


def as_text(values: pl.Series) -> pl.Series:
    """A column as text; whole numbers without a decimal point, dates in ISO form."""
    import polars as pl

    if values.dtype == pl.Float64:
        whole = values.is_null() | ((values == values.round()) & (values.abs() < 2**53))
        values = values.cast(pl.Int64) if bool(whole.all()) else values
    return values.cast(pl.String)


def read_raw(
    path: Path | str, *, missing: Sequence[str] = MISSING, encoding: str = "", skip: Sequence[str] = ()
) -> RawTable:
    """Read a file; `skip` names columns that are not looked at. Errors as in `read_frame`."""
    import polars as pl

    path, sheet = _find(path)
    _look_like(path)
    suffix = path.suffix.lower()
    if suffix in TEXT:
        raw = _read_text(path, encoding, missing)
    elif suffix in PARQUET:
        raw = _read_parquet(path, skip)
    else:
        raw = _read_spreadsheet(path, sheet)
    frame = _without_unnamed(raw.frame)
    header = tuple(frame.columns)
    frame = frame.select(name for name in header if name not in set(skip))
    if frame.width == 0:
        raise DataError("every column is excluded", where=str(path), do="Exclude fewer")
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    stripped = pl.col(texts).str.strip_chars()
    frame = frame.with_columns(pl.when(~stripped.is_in(list(missing))).then(stripped))
    return _without_empty_rows(replace(raw, frame=frame, header=header))


def _without_unnamed(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns without a name: left out where they are empty, else called after their place."""
    empty = [c for c in frame.columns if c.startswith("\0") and frame[c].null_count() == frame.height]
    frame = frame.drop(empty)
    return frame.rename(lambda name: f"column {_letters(int(name[1:]))}" if name.startswith("\0") else name)


def _without_empty_rows(raw: RawTable) -> RawTable:
    import polars as pl

    frame, row = raw.frame, raw.row
    empty = frame.select(pl.all_horizontal(pl.all().is_null()))[:, 0]
    count = int(empty.sum())
    if count == frame.height:
        raise DataError("there is a header and no value below it", where=str(raw.path), do="Add the records")
    if count == 0:
        return raw
    kept = (~empty).arg_true().to_numpy()
    return replace(raw, frame=frame.filter(~empty), row=lambda index: row(int(kept[index])), empty_rows=count)


def _find(path: Path | str) -> tuple[Path, str]:
    """The file and the sheet asked for; a missing file is an error that names the closest in its folder."""
    path, sheet = Path(path), ""
    if not path.exists() and "#" in path.name:
        name, _, sheet = path.name.partition("#")
        path = path.with_name(name)
    if path.is_dir():
        raise DataError("this is a folder", where=str(path), do="Name the file in it")
    if not path.is_file():
        there = [entry.name for entry in path.parent.iterdir() if entry.is_file()] if path.parent.is_dir() else []
        close = get_close_matches(path.name, there, n=1, cutoff=0.5)
        folder = "" if path.parent.is_dir() else f"There is no folder '{path.parent}'"
        hint = f"Did you mean '{close[0]}'?" if close else folder or f"The folder '{path.parent}' has no such file"
        raise DataError("the file is missing", where=str(path), do=hint)
    if sheet and path.suffix.lower() not in SPREADSHEET:
        raise UsageError(f"a sheet '{sheet}' is asked of a file that has none", where=str(path), do="Leave '#' out")
    return path, sheet


def _look_like(path: Path) -> None:
    """Refuse a file whose first bytes are not what its name says."""
    suffix = path.suffix.lower()
    ours = next((kinds for kinds in (TEXT, PARQUET, SPREADSHEET) if suffix in kinds), None)
    if ours is None:
        raise DataError(
            f"'{suffix or path.name}' is no kind of table that is read here",
            where=str(path),
            do="Save it as CSV (UTF-8), Parquet or xlsx",
        )
    with path.open("rb") as stream:
        head = stream.read(8)
    if not head:
        raise DataError("the file is empty (0 bytes)", where=str(path), do="Save or copy it again")
    for mark, (kind, suffixes) in _HEADS.items():
        if head.lower().startswith(mark.lower()) and ours != suffixes:
            do = f"Rename it to {path.stem}{suffixes[0]}" if suffixes else "Unpack or export it as CSV (UTF-8)"
            raise DataError(f"the name says {suffix} and the file is {kind}", where=str(path), do=do)
    if ours == PARQUET and not head.startswith(b"PAR1"):
        raise DataError("this is no Parquet file", where=str(path), do="Rename it after what it is, e.g. .csv")
    if ours == SPREADSHEET and not head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError("this is no spreadsheet", where=str(path), do="Rename it after what it is, e.g. .csv")


def _header(names: Sequence[str | None], path: Path) -> list[str]:
    """Stripped names; two of one name are refused; a column without a name is marked by its place."""
    stripped = [(name or "").strip() for name in names]
    seen: dict[str, int] = {}
    for place, name in enumerate(stripped):
        if name and name in seen:
            raise DataError(
                f"two columns are called '{name}' ({_letters(seen[name])} and {_letters(place)})",
                where=f"{path}, row 1",
                do="Rename one of them",
            )
        seen[name] = place
    if not any(stripped):
        raise DataError("the first row holds no column names", where=f"{path}, row 1", do="Add a header")
    return [name or f"\0{place}" for place, name in enumerate(stripped)]


def _letters(place: int) -> str:
    """A column's letters as a spreadsheet shows them: 0 is A, 26 is AA."""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(65 + rest) + text
    return text


def _exact(texts: pl.Series, numbers: pl.Series) -> pl.Series:
    """The text of each cell; of numbers every digit, for the reader's own text has nine decimals."""
    import polars as pl

    shown = texts.cast(pl.Float64, strict=False)
    rounded = numbers.is_not_null() & shown.is_not_null() & (shown != numbers)
    return (
        pl.select(pl.when(rounded.fill_null(False)).then(numbers.cast(pl.String)).otherwise(texts))
        .to_series()
        .alias(texts.name)
    )


def _read_spreadsheet(path: Path, sheet: str) -> RawTable:
    import fastexcel
    import polars as pl

    try:
        book = fastexcel.read_excel(path)
        names = book.sheet_names
        if sheet and sheet not in names:
            raise unknown("sheet", sheet, names, where=str(path))
        cells, exact = (
            book.load_sheet(sheet or 0, header_row=None, skip_rows=0, dtypes=kind).to_polars()
            for kind in ("string", "float")
        )
    except fastexcel.FastExcelError as error:
        raise DataError(
            f"the spreadsheet cannot be read ({str(error).splitlines()[0]})",
            where=str(path),
            do="Open it in a spreadsheet program and save it again as .xlsx, without a password",
        ) from error
    if cells.height == 0:
        raise DataError(
            "the sheet is empty", where=f"{path}, sheet '{sheet or names[0]}'", do="Name another: FILE#SHEET"
        )
    header = _header(cells.row(0), path)
    frame = pl.DataFrame([_exact(cells[name], exact[name]) for name in cells.columns])[1:]
    frame.columns = header
    notes = (f"sheet '{names[0]}' of {len(names)}",) if len(names) > 1 and not sheet else ()
    return RawTable(path, frame, lambda index: index + 2, notes=notes)


def _read_parquet(path: Path, skip: Sequence[str]) -> RawTable:
    import polars as pl

    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"the Parquet file cannot be read ({str(error).splitlines()[0]})", where=str(path), do="Write it again"
        ) from error
    frame.columns = _header(frame.columns, path)
    made: list[pl.Series] = []
    for name in frame.columns:
        column = frame[name]
        kind = column.dtype
        if kind.is_integer():
            column = column.cast(pl.Int64)
        elif kind.is_numeric():
            column = column.cast(pl.Float64).fill_nan(None)
        elif kind == pl.Duration:
            column = column.dt.total_microseconds() / 1e6
        elif isinstance(kind, pl.Datetime) and kind.time_zone:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(pl.Datetime("us"))
        elif kind in (pl.Date, pl.Datetime):
            column = column.cast(pl.Datetime("us"))
        elif kind == pl.Null or kind in (pl.Boolean, pl.Categorical, pl.Enum, pl.Time, pl.String):
            column = column.cast(pl.String)
        elif name not in skip:
            raise DataError(f"the column holds {kind}", where=f"{path}, column '{name}'", do="Exclude it")
        made.append(column)
    return RawTable(path, pl.DataFrame(made), lambda index: index + 2)


def _read_text(path: Path, encoding: str, missing: Sequence[str]) -> RawTable:
    import polars as pl
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    codec, quotes = _decode(path, encoding)
    with path.open("rb") as stream:
        head = codecs.getincrementaldecoder(codec)(errors="replace").decode(stream.read(_LOOK)).lstrip("\ufeff")
    if not head.strip():
        raise DataError("the file holds no text", where=str(path), do="Save or copy it again")
    delimiter = _delimiter(head, whole=path.stat().st_size <= _LOOK)
    names = _first_record(head, delimiter)
    if not names:
        raise DataError(
            "the header cannot be read", where=f"{path}, row 1", do="Put the columns' names into the first row"
        )
    if head.startswith("sep="):
        raise DataError(f"'{head.split()[0]}' stands above the header", where=f"{path}, row 1", do="Take the line out")
    header = _header(names, path)
    source = path if codec == "utf-8" else pa.BufferReader(path.read_bytes().decode(codec).lstrip("\ufeff").encode())
    try:
        table = arrow_csv.read_csv(
            source,
            read_options=arrow_csv.ReadOptions(block_size=1 << 23),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=quotes),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=list(missing),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _ragged(path, codec, delimiter, len(names), str(error)) from error
    frame = pl.DataFrame(pl.from_arrow(table), schema=None)
    frame.columns = header
    notes = () if codec == "utf-8" else (f"read as {codec}",)
    return RawTable(path, frame, _text_rows(path, codec, delimiter), 0, delimiter != ",", notes)


def _decode(path: Path, encoding: str) -> tuple[str, bool]:
    """The codec of a text file, and whether it holds quotation marks; every byte is looked at.

    Raises:
        DataError: a byte that the codec does not know: which, where, and what to do.
    """
    with path.open("rb") as stream:
        head = stream.read(2048)
    codec = encoding
    if not codec:
        codec = "utf-8"
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            codec = "utf-16"
        elif len(head) > 3 and head[1::2].count(0) > len(head) // 4:
            codec = "utf-16-le"
        elif len(head) > 3 and head[::2].count(0) > len(head) // 4:
            codec = "utf-16-be"
    try:
        decoder = codecs.getincrementaldecoder(codec)()
    except LookupError as error:
        known = ("utf-8", "utf-16", "cp1252", "latin-1", "gb18030", "shift_jis", "cp1251")
        raise unknown("encoding", codec, known, where=str(path)) from error
    codec = codecs.lookup(codec).name
    quotes = False
    with path.open("rb") as stream:
        try:
            while piece := stream.read(1 << 22):
                text = decoder.decode(piece)
                quotes = quotes or '"' in text
                if "\0" in text:
                    raise DataError(
                        "the file holds bytes of value 0: it is no text", where=str(path), do="Export it as CSV"
                    )
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise _undecodable(path, codec) from error
    return codec, quotes


def _undecodable(path: Path, codec: str) -> DataError:
    data = path.read_bytes()
    try:
        data.decode(codec)
    except UnicodeDecodeError as error:
        start = error.start
    else:
        start = 0
    row = data[:start].count(b"\n") + 1
    line = data[data.rfind(b"\n", 0, start) + 1 : start]
    word = data[max(start - 12, 0) : start + 12].decode("cp1252", errors="replace")
    header = data.split(b"\n", 1)[0].decode("latin-1")
    delimiter = _delimiter(header, whole=True)
    names = _first_record(header, delimiter)
    place = line.decode("latin-1").count(delimiter)
    column = f", column '{names[place]}'" if place < len(names) and row > 1 else ""
    shown = "".join(c if c.isprintable() else " " for c in word).strip()
    return DataError(
        f"byte 0x{data[start]:02X} at offset {start:,} is not {codec.upper()}",
        where=f"{path}{column}, row {row}",
        do=f"Save the file as UTF-8 (in Excel: 'CSV UTF-8'), or state its encoding: with encoding = \"cp1252\" "
        f"the place reads '{shown}'",
    )


def _delimiter(head: str, *, whole: bool) -> str:
    """The delimiter that gives the most columns, the same number in each of the first rows."""
    best, most = ",", (False, 1)
    for delimiter in DELIMITERS:
        try:
            records = list(itertools.islice(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), 50))
        except csv.Error:
            continue
        records = [record for record in records if record]
        if not whole and 1 < len(records) < 50:
            records = records[:-1]  # cut by the end of what was looked at
        if not records or len(records[0]) < 2:
            continue
        rank = (all(len(record) == len(records[0]) for record in records), len(records[0]))
        if rank > most or (rank[1] > 1 and most == (False, 1)):
            best, most = delimiter, rank
    return best


def _first_record(text: str, delimiter: str) -> list[str]:
    """The first record that is not blank; empty where there is none, or where it cannot be cut into values."""
    try:
        return next((record for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if record), [])
    except csv.Error:
        return []


def _records(path: Path, codec: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Every record with its row, blank ones left out; a slow walk, for errors only."""
    codec = "utf-8-sig" if codec == "utf-8" else codec
    with path.open(encoding=codec, newline="") as stream:
        for row, record in enumerate(csv.reader(stream, delimiter=delimiter), start=1):
            if record:
                yield row, record


def _text_rows(path: Path, codec: str, delimiter: str) -> Callable[[int], int]:
    """Position of a record to its row. Blank lines shift it, so the file is walked once when an error asks."""

    @cache
    def rows() -> list[int]:
        try:
            return [row for row, _ in _records(path, codec, delimiter)][1:]
        except csv.Error:
            return []

    return lambda index: rows()[index] if index < len(rows()) else index + 2


def _ragged(path: Path, codec: str, delimiter: str, width: int, reason: str) -> DataError:
    """What is wrong with a text table that cannot be cut into columns."""
    try:
        wrong = [(r, len(record)) for r, record in _records(path, codec, delimiter) if len(record) != width]
    except csv.Error as error:
        wrong, reason = [], str(error)
    if not wrong:
        return DataError(
            f"the table cannot be cut into columns ({reason[:120]})",
            where=str(path),
            do="Look for a quotation mark that is never closed",
        )
    row, length = wrong[0]
    others = f"; so do {len(wrong) - 1} more rows" if len(wrong) > 1 else ""
    shown = "tab" if delimiter == "\t" else delimiter
    title = "Row 1 must hold the columns' names: take out what stands above them"
    return DataError(
        f"row {row} has {length} value{'s' if length != 1 else ''} where the header has {width}{others}",
        where=f"{path}, row {row}",
        do=title if width == 1 else f"Put values that hold the delimiter ({shown}) in quotation marks, or mend the row",
    )
