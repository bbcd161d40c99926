"""Writing a table as a plain CSV: the inverse of reading. What is written and the columns returned give an equal table again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.core.errors import DataError
from hilum.core.store import write_text
from hilum.modalities.table.columns import MISSING, Columns
from hilum.modalities.table.sample import Table

if TYPE_CHECKING:
    import polars as pl

# Column of `rows` to the setting of `Columns` that names it.
_SETTINGS = {
    "item": "id",
    "subject": "subject",
    "target": "target",
    "time": "time",
    "source": "source",
    "site": "site",
    "content": "content",
    "declared": "split",
    "time_zero": "time_zero",
    "eligible": "eligible",
}
_DATES = (1e8, 4.1e9)  # s since 1970: 1973 to 2099; what lies within is written as dates


def write_csv(table: Table, path: Path) -> Columns:
    """Write a table as CSV (UTF-8), times as ISO dates where they are such, and say which column is what.

    A group that equals the feature of its name is written once. Columns of `rows` without a role are written and excluded.

    Raises:
        DataError: two columns would have one name.
    """
    import polars as pl

    written: dict[str, pl.Series] = {}
    for role in table.rows.columns:
        column, name = _column(table, role), _name(table, role)
        if name in written or (name in table.features.columns and not column.equals(table.features[name])):
            raise DataError(
                f"two columns would be called '{name}'", where=f"table '{table.name}'", do="Rename the feature"
            )
        if name not in table.features.columns and not (role == "subject" and column.null_count()):
            written[name] = column
    written |= {name: table.features[name] for name in table.features.columns}
    frame = pl.DataFrame([column.alias(name) for name, column in written.items()])
    write_text(path, frame.write_csv())
    return _columns(table, frame)


def _name(table: Table, role: str) -> str:
    """What a column of `rows` is called in the file."""
    kind, _, about = role.partition(":")
    return {"item": "id", "target": table.target or "target", "group": about, "charted": f"charted {about}"}.get(
        kind, role
    )


def _column(table: Table, role: str) -> pl.Series:
    """A column of `rows` as it is written."""
    import polars as pl

    column = table.rows[role]
    if role == "target":
        index = [float(place) for place in range(len(table.classes))]
        return column.replace_strict(index, list(table.classes), return_dtype=pl.String) if index else column
    return _moments(column) if column.dtype == pl.Float64 else column


def _moments(column: pl.Series) -> pl.Series:
    """Seconds since 1970 as ISO dates where all are whole microseconds of 1973 to 2099; else as they are."""
    import polars as pl

    known = column.drop_nulls()
    micro = (known * 1e6).round()
    if len(known) == 0 or not bool((known.is_between(*_DATES) & (micro / 1e6 == known)).all()):
        return column
    fraction = "" if bool((known == known.round()).all()) else "%.6f"
    return (column * 1e6).round().cast(pl.Int64).cast(pl.Datetime("us")).dt.strftime(f"%Y-%m-%d %H:%M:%S{fraction}")


def _columns(table: Table, written: pl.DataFrame) -> Columns:
    import polars as pl

    named = [role for role in table.rows.columns if _name(table, role) in written.columns]
    groups = [role.partition(":")[2] for role in named if role.startswith("group:")]
    charted = [(role.partition(":")[2], _name(table, role)) for role in named if role.startswith("charted:")]
    other = [role for role in named if role not in _SETTINGS and ":" not in role]
    texts = written.select(pl.col(pl.String)).get_columns()
    marked = any(bool(column.is_in([text for text in MISSING if text]).any()) for column in texts)
    roles: dict[str, Any] = {_SETTINGS[role]: _name(table, role) for role in named if role in _SETTINGS}
    return Columns(
        **roles,
        kind="classify" if table.classes else "regress",
        features=tuple(table.features.columns),
        groups=tuple(groups),
        charted=tuple(charted),
        exclude=tuple(other),
        classes=table.classes if len(table.classes) > 2 else (),
        positive=table.classes[1] if len(table.classes) == 2 else "",
        unit=table.unit,
        categories=tuple(name for name, kind in table.features.schema.items() if kind == pl.String),
        missing=("",) if marked else MISSING,
        made_from=table.made_from,
    )
