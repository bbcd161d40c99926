"""Columns of text to numbers, moments or categories, with the rows of what does not fit. Whole columns at once.

A column is numbers where every value is one. Where at least nine in ten are (or half, with more than twenty different
numbers), the rest are taken for mistakes and refused: a silent fall back to categories would make a laboratory value a name. Columns
listed as categories are never numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hilum.core.errors import DataError
from hilum.modalities.table.dates import DATED, parse_dates, seconds_of
from hilum.modalities.table.frame import RawTable, as_text

if TYPE_CHECKING:
    import polars as pl

MOST = 0.9  # from this share of numbers on, what is none is taken for a mistake
_COMMA = r"^[+-]?\d+,\d+([eE][+-]?\d+)?$"
_NUMBER_LIKE = r"^[<>≤≥~+-]?\s*\d[\d.,' ]*%?$"


@dataclass(frozen=True)
class Parsed:
    """A column read as numbers.

    Attributes:
        values: Float64, null where missing or no number.
        bad: Boolean: there is a value and it is no number.
        style: "," or "." where the numbers are written with one; "" where none is.
    """

    values: pl.Series
    bad: pl.Series
    style: str


def as_numbers(column: pl.Series, *, decimal_comma: bool) -> Parsed:
    """Read a column as numbers, "12,5" too where the file allows it."""
    import polars as pl

    if column.dtype != pl.String:
        values = column.cast(pl.Float64)
        return Parsed(values, values.is_null() & column.is_not_null(), "")
    values = column.cast(pl.Float64, strict=False)
    bad = values.is_null() & column.is_not_null()
    style = "." if decimal_comma and bool(column.str.contains(r"^[+-]?\d*\.\d").any()) else ""
    if decimal_comma and bool(bad.any()) and bool(column.str.contains(_COMMA).any()):
        with_comma = column.str.contains(_COMMA)
        values = column.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        values = pl.select(pl.when(with_comma | ~bad).then(values)).to_series()
        bad = values.is_null() & column.is_not_null()
        style = "both" if style else ","
    return Parsed(values.fill_nan(None).alias(column.name), bad, style)


def listed(raw: RawTable, column: pl.Series, wrong: pl.Series, most: int = 5) -> str:
    """The first offending values with their rows: "'12,5' in row 57, 'x' in row 58 and 3 more"."""
    places = wrong.arg_true().to_list()
    shown = [f"'{column[place]}' in row {raw.row(place)}" for place in places[:most]]
    more = f" and {len(places) - most:,} more" if len(places) > most else ""
    return ", ".join(shown) + more


def rows_of(raw: RawTable, wrong: pl.Series, most: int = 5) -> str:
    """The first rows where something is: "row 5", "rows 5, 8 and 3 more"."""
    places = wrong.arg_true().to_list()
    shown = ", ".join(str(raw.row(place)) for place in places[:most])
    more = f" and {len(places) - most:,} more" if len(places) > most else ""
    return f"{'rows' if len(places) > 1 else 'row'} {shown}{more}"


def numbers(raw: RawTable, column: pl.Series) -> pl.Series:
    """A column that must be numbers: Float64, null where missing.

    Raises:
        DataError: a value that is no finite number, with its rows.
    """
    parsed = as_numbers(column, decimal_comma=raw.decimal_comma)
    refuse_mixed_styles(raw, column, parsed)
    if bool(parsed.bad.any()):
        raise not_numbers(raw, column, parsed.bad)
    refuse_infinite(raw, parsed.values)
    return parsed.values


def not_numbers(raw: RawTable, column: pl.Series, bad: pl.Series, do: str = "") -> DataError:
    """The error for values that are no numbers."""
    count = int(bad.sum())
    return DataError(
        f"{listed(raw, column, bad)} {'is no number' if count == 1 else 'are no numbers'}",
        where=f"{raw.path}, column '{column.name}'",
        do=do or "Mend the values, or leave them empty where they are missing",
    )


def refuse_mixed_styles(raw: RawTable, column: pl.Series, parsed: Parsed) -> None:
    """Numbers written with comma and with point in one column can be read two ways."""
    if parsed.style != "both":
        return
    comma, point = (column.str.contains(form).fill_null(False) for form in (_COMMA, r"^[+-]?\d*\.\d+"))
    raise DataError(
        f"numbers are written with a comma and with a point ({listed(raw, column, comma, 1)}, {listed(raw, column, point, 1)})",
        where=f"{raw.path}, column '{column.name}'",
        do="Write them one way, without marks for thousands",
    )


def refuse_infinite(raw: RawTable, values: pl.Series) -> None:
    """Infinity is no measurement."""
    wrong = values.is_infinite().fill_null(False)
    if bool(wrong.any()):
        raise DataError(
            f"infinite value in {rows_of(raw, wrong)}",
            where=f"{raw.path}, column '{values.name}'",
            do="Leave it empty where the measurement failed",
        )


def moments(raw: RawTable, column: pl.Series) -> pl.Series:
    """A time-like column: dates to s since 1970, numbers as they are; Float64, null where missing.

    Raises:
        DataError: a value that is neither, dates that can be read two ways, an infinite value.
    """
    import polars as pl

    if column.dtype == pl.Datetime:
        return seconds_of(column)
    texts = as_text(column)
    dated, why = parse_dates(texts)
    if why:
        raise DataError(why, where=f"{raw.path}, column '{column.name}'", do="Write dates as 2020-01-31")
    present = texts.is_not_null()
    if bool(present.any()) and dated.null_count() == texts.null_count():
        return dated
    parsed = as_numbers(column, decimal_comma=raw.decimal_comma)
    if bool(parsed.bad.any()):
        wrong = (
            dated.is_null() & present if int(dated.is_not_null().sum()) > int((~parsed.bad).sum()) / 2 else parsed.bad
        )
        count = int(wrong.sum())
        raise DataError(
            f"{listed(raw, texts, wrong)} {'is' if count == 1 else 'are'} neither date nor number",
            where=f"{raw.path}, column '{column.name}'",
            do="Write dates as 2020-01-31 or 2020-01-31 14:05, or times as numbers",
        )
    refuse_infinite(raw, parsed.values)
    return parsed.values


def categories(raw: RawTable, column: pl.Series) -> pl.Series:
    """A column of names: String; a number is written one way ("1.0" is "1"), whatever else stands in the column."""
    import polars as pl

    texts = as_text(column)
    numbers = as_numbers(column, decimal_comma=raw.decimal_comma).values
    usual = as_text(numbers)
    return (
        pl.select(pl.when(numbers.is_finite().fill_null(value=False)).then(usual).otherwise(texts))
        .to_series()
        .alias(column.name)
    )


def feature(raw: RawTable, column: pl.Series) -> tuple[pl.Series, str, str]:
    """What a model may see of a column.

    Returns:
        Float64 for numbers or String for categories, null where missing; how decimals are written (see `Parsed`); and a note.

    Raises:
        DataError: values that are no numbers in a column of numbers, infinite values, dates that can be read two ways.
    """
    import polars as pl

    name = column.name
    if column.dtype == pl.Datetime:
        return seconds_of(column), "", f"'{name}' holds dates; as a feature it is s since 1970"
    parsed = as_numbers(column, decimal_comma=raw.decimal_comma)
    present = len(column) - column.null_count()
    good = present - int(parsed.bad.sum())
    if good == present:
        refuse_mixed_styles(raw, column, parsed)
        refuse_infinite(raw, parsed.values)
        return parsed.values, parsed.style, "" if present else f"'{name}' holds no value at all"
    dates = _feature_of_dates(raw, column, present)
    if dates is not None:
        return dates, "", f"'{name}' holds dates; as a feature it is s since 1970"
    share = good / present
    if share >= MOST or (share >= 0.5 and parsed.values.n_unique() > 20):
        raise not_numbers(raw, column, parsed.bad, _MEND)
    like = column.str.contains(_NUMBER_LIKE).fill_null(False)
    if int(like.sum()) >= MOST * present:
        raise not_numbers(raw, column, parsed.bad, _MEND)
    kinds = column.drop_nulls().n_unique()
    note = f"'{name}' holds {kinds:,} different texts in {present:,} records" if kinds > max(50, present / 2) else ""
    return column, "", note


_MEND = (
    "Mend the values (12.5 with a point, no units or signs, empty where missing), or list the column in `categories` "
    "if its values are names"
)


def _feature_of_dates(raw: RawTable, column: pl.Series, present: int) -> pl.Series | None:
    shaped = column.str.contains(DATED)
    if int(shaped.sum()) < MOST * present:
        return None
    dated, why = parse_dates(column)
    if why:
        raise DataError(
            why, where=f"{raw.path}, column '{column.name}'", do="Write dates as 2020-01-31, or exclude the column"
        )
    wrong = dated.is_null() & column.is_not_null()
    if int(wrong.sum()) > (1 - MOST) * present:
        return None
    if bool(wrong.any()):
        raise DataError(
            f"{listed(raw, column, wrong)} {'is no date' if int(wrong.sum()) == 1 else 'are no dates'}",
            where=f"{raw.path}, column '{column.name}'",
            do="Write dates as 2020-01-31, or list the column in `categories`",
        )
    return dated
