"""Dates in text to seconds since 1970, in whole columns. What can be read two ways is refused, not guessed.

Read are ISO dates (2020-01-31, 2020/01/31), 31.01.2020, 31 Jan 2020, Jan 31, 2020, and 31/01/2020 or 01/31/2020 where a day above 12
in the column says which; each with or without a time of day (AM and PM too) and an offset from UTC. Without an offset a time stays as it
is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_TIME = r"(?:[T ]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}(?:[.,]\d+)?))?\s*(?P<half>[AaPp][Mm])?)?"
_WHOLE = rf"^(?P<date>.+?){_TIME}\s*(?P<zone>Z|[+-]\d{{2}}:?\d{{2}})?$"
_SHAPES = (
    (r"^\d{4}-\d{1,2}-\d{1,2}$", "%Y-%m-%d"),
    (r"^\d{4}/\d{1,2}/\d{1,2}$", "%Y/%m/%d"),
    (r"^\d{1,2}\.\d{1,2}\.\d{4}$", "%d.%m.%Y"),
    (r"^\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{4}$", "%d %b %Y"),
    (r"^[A-Za-z]{3,9} \d{1,2},? \d{4}$", "%b %d %Y"),
)
_SLASHED = r"^\d{1,2}[/-]\d{1,2}[/-]\d{4}$"
DATED = r"^(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{4}|[A-Za-z]{3,9} \d{1,2},? \d{4})"


def seconds_of(moments: pl.Series) -> pl.Series:
    """Datetimes to s since 1970, Float64."""
    import polars as pl

    return moments.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64) / 1e6


def parse_dates(texts: pl.Series) -> tuple[pl.Series, str]:
    """Dates of a text column.

    Args:
        texts: String, null where missing.

    Returns:
        Float64, s since 1970, null where a text is no date; and why the column cannot be read at all, "" where it can.
    """
    import polars as pl

    parts = texts.str.extract_groups(_WHOLE).struct.unnest()
    date = parts["date"].str.strip_chars()
    days = pl.select(pl.coalesce(*(_days(date, shape, form) for shape, form in _SHAPES), *_compact(date))).to_series()
    slashed = date.str.contains(_SLASHED).fill_null(False)
    if bool(slashed.any()):
        plain = date.str.replace_all("-", "/")
        day_first, month_first = (plain.str.to_date(form, strict=False) for form in ("%d/%m/%Y", "%m/%d/%Y"))
        valid = [int((slashed & way.is_not_null()).sum()) for way in (day_first, month_first)]
        same = bool((day_first == month_first).filter(slashed).all())
        if valid[0] == valid[1] and not same:
            return texts.cast(pl.Float64, strict=False), "day and month can be told apart in none of its dates"
        chosen = day_first if valid[0] >= valid[1] else month_first
        days = pl.select(pl.coalesce(days, pl.select(pl.when(slashed).then(chosen)).to_series())).to_series()
    days = pl.select(pl.when(days.dt.year().is_between(1800, 2200)).then(days)).to_series()
    return (seconds_of(days) + _time_of_day(parts)).alias(texts.name), ""


def _days(date: pl.Series, shape: str, form: str) -> pl.Series:
    import polars as pl

    if not bool(date.str.contains(shape).any()):
        return pl.Series([None], dtype=pl.Date).new_from_index(0, len(date))
    plain = date
    if "%b" in form:
        plain = date.str.replace_all(r"[-,]", " ").str.replace_all("  ", " ").str.replace(r"([A-Za-z]{3})[a-z]+", "$1")
    parsed = plain.str.to_titlecase().str.to_date(form, strict=False)
    return pl.select(pl.when(date.str.contains(shape)).then(parsed)).to_series()


def _compact(date: pl.Series) -> list[pl.Series]:
    """Eight digits, 20200131, where every value is such a date."""
    shaped = date.drop_nulls()
    if len(shaped) == 0 or not bool(shaped.str.contains(r"^(19|20)\d{6}$").all()):
        return []
    parsed = date.str.to_date("%Y%m%d", strict=False)
    return [parsed] if parsed.null_count() == date.null_count() else []


def _time_of_day(parts: pl.DataFrame) -> pl.Series:
    """Seconds into the day, null where there is no such time; an offset from UTC is taken off."""
    import polars as pl

    def number(name: str) -> pl.Expr:
        return pl.col(name).str.replace(",", ".", literal=True).cast(pl.Float64).fill_null(0.0)

    half, zone = pl.col("half").str.to_lowercase(), pl.col("zone")
    clock = number("hour")
    hour = pl.when(half.is_null()).then(clock).otherwise(clock % 12 + pl.when(half == "pm").then(12).otherwise(0))
    valid = (hour < 24) & (number("minute") < 60) & (number("second") < 61) & (half.is_null() | clock.is_between(1, 12))
    sign = pl.when(zone.str.starts_with("-")).then(-1.0).otherwise(1.0)
    digits = zone.str.replace_all(r"[^\d]", "")
    ahead = (digits.str.slice(0, 2).cast(pl.Float64, strict=False) * 3600).fill_null(0.0)
    ahead = ahead + (digits.str.slice(2, 2).cast(pl.Float64, strict=False) * 60).fill_null(0.0)
    total = hour * 3600 + number("minute") * 60 + number("second") - sign * ahead
    return parts.select(pl.when(valid).then(total)).to_series()
