"""Events: the one table inside. Every reader fills it, everything after it reads nothing else.

    subject_id     Int64           whose
    time           Datetime(us)    when it was true of the patient; null = static
    code           String          what: TABLE//ITEM, e.g. "lab//50912"
    numeric_value  Float64         the number, null where there is none
    text_value     String          the text, null where there is none
    stay_id        Int64           the intensive-care stay that the record names; null where it names none
    unit           String          as it was written

The first five are the columns of MEDS (Medical Event Data Standard); see `meds.py` for its files. Rows have no order: nothing
downstream may depend on one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hilum.core.errors import DataError

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("subject_id", "time", "code", "numeric_value", "text_value", "stay_id", "unit")


def event_schema() -> Mapping[str, pl.DataType]:
    """Column to polars type, in order."""
    import polars as pl

    kinds = (pl.Int64(), pl.Datetime("us"), pl.String(), pl.Float64(), pl.String(), pl.Int64(), pl.String())
    return dict(zip(COLUMNS, kinds, strict=True))


def as_events(frame: pl.LazyFrame, *, where: str) -> pl.LazyFrame:
    """The event columns of a frame in their order and types; what it lacks (text, stay, unit) is null.

    Raises:
        DataError: subject, time or code is missing, or a column has a type that does not fit.
    """
    import polars as pl

    there = frame.collect_schema()
    for name in ("subject_id", "time", "code"):
        if name not in there:
            raise DataError(
                f"the column '{name}' is missing", where=where, do=f"Events have the columns {', '.join(COLUMNS)}"
            )
    for name, kind in event_schema().items():
        fits = name not in there or there[name] == pl.Null or _fits(there[name], kind)
        if not fits:
            raise DataError(f"'{name}' is {there[name]}, not {kind}", where=where, do="Convert the column")
    return frame.select(
        (pl.col(name) if name in there else pl.lit(None)).cast(kind).alias(name)
        for name, kind in event_schema().items()
    )


def _fits(found: pl.DataType, wanted: pl.DataType) -> bool:
    import polars as pl

    if isinstance(wanted, pl.Datetime):
        return isinstance(found, pl.Datetime) and found.time_zone is None
    if isinstance(wanted, pl.String):
        return isinstance(found, pl.String | pl.Categorical | pl.Enum)
    return found.is_integer() if wanted.is_integer() else found.is_numeric()
