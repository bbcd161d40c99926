"""Repeated records: the rows of a table that belong together in time, from the columns that `sequence` and `step` name.

    sequence   the stay, or the patient: text
    step       a number as it stands; a date in `step_unit`, counted from `step_start`, else from the sequence's first record
    target     of `asked = "every"` where it stands; of "last" at the last step of the sequence, wherever in it the outcome is written
    beside     a number wherever a target is
    static     the one value that stands in any record of the sequence, in all of them

The order of rows leaves no trace. Two records of a sequence at one step, a static value that changes and an outcome that changes
where one is asked are refused, by sequence and row. A record without an outcome is context; a sequence without any is left out and
counted, or refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hilum.core.errors import DataError, UsageError
from hilum.modalities.table import values
from hilum.modalities.table.columns import STEP_UNITS, Columns
from hilum.modalities.table.frame import RawTable, as_text

if TYPE_CHECKING:
    import polars as pl

ONE_VALUE = "Write one value in all of its records; or, in a study, take it out of `static`"


def sequence_and_step(raw: RawTable, columns: Columns) -> tuple[pl.Series, pl.Series]:
    """Which sequence each record belongs to (String), and when within it (Float64).

    Raises:
        DataError: a record without either, two records of a sequence at one step, or a start that changes within a sequence.
        UsageError: steps that are dates without a unit, or a start of steps that are numbers.
    """
    import polars as pl

    sequence = as_text(raw.frame[columns.sequence]).alias("sequence")
    _refuse_gaps(raw, sequence, columns.sequence, "sequence")
    column = raw.frame[columns.step]
    step = values.moments(raw, column)
    _refuse_gaps(raw, step, columns.step, "step")
    if not _is_dated(raw, column):
        if columns.step_start:
            raise UsageError(
                f"steps are counted from '{columns.step_start}', and are numbers already",
                where=raw.at(columns.step),
                do="Leave step_start out, or name a column of dates as step",
            )
    elif not columns.step_unit:
        raise UsageError(
            "steps are dates, and nothing says what they are counted in",
            where=raw.at(columns.step),
            do='In a study, state step_unit = "h", "day" or "min"; of a file to predict, count them as the study\'s table does',
        )
    else:
        frame = pl.DataFrame({"sequence": sequence, "step": step})
        first = frame.select(pl.col("step").min().over("sequence")).to_series()
        start = _starts(raw, columns, sequence) if columns.step_start else first
        step = (step - start) / STEP_UNITS[columns.step_unit]
    step = step.alias("step")
    _refuse_twins(raw, columns, sequence, step)
    return sequence, step


def once_a_sequence(raw: RawTable, columns: Columns, rows: pl.DataFrame) -> pl.DataFrame:
    """The outcome, and the number beside it, of each sequence at its last record alone.

    Args:
        raw: The file.
        columns: Its columns.
        rows: sequence, step, target and perhaps beside, in the order of the file.

    Raises:
        DataError: a sequence has two outcomes.
    """
    import polars as pl

    _refuse_change(raw, rows["sequence"], rows["target"], columns.target, "the outcome", "Ask for `every` record")
    last = pl.col("step") == pl.col("step").max().over("sequence")
    known = pl.col("target").drop_nulls().first().over("sequence")
    return rows.with_columns(pl.when(last).then(known).alias("target"))


def same_within(raw: RawTable, static: Mapping[str, str], sequence: pl.Series, features: pl.DataFrame) -> pl.DataFrame:
    """The features, static ones with the one value of their sequence in every record.

    Args:
        raw: The file.
        static: Static feature to its column in the file.
        sequence: (records,) which sequence.
        features: (records, features).

    Raises:
        DataError: a static feature changes within a sequence.
    """
    import polars as pl

    for name, column in static.items():
        _refuse_change(raw, sequence, features[name], column, f"the static feature '{name}'", ONE_VALUE)
    named = features.with_columns(sequence.alias("\0sequence"))
    filled = [pl.col(name).drop_nulls().first().over("\0sequence") for name in static]
    return named.with_columns(filled).drop("\0sequence")


def names_of(sequence: pl.Series, step: pl.Series) -> pl.Series:
    """One name a record, SEQUENCE-STEP; whole steps have three digits, so that they sort as they follow."""
    import polars as pl

    frame = pl.DataFrame({"sequence": sequence, "step": step})
    whole = (pl.col("step") == pl.col("step").round()) & (pl.col("step") >= 0) & (pl.col("step") < 2**53)
    digits = pl.when(whole).then(pl.col("step")).cast(pl.Int64).cast(pl.String).str.zfill(3)
    number = pl.when(whole).then(digits).otherwise(pl.col("step").cast(pl.String))
    return frame.select(pl.format("{}-{}", "sequence", number).alias("item")).to_series()


def _starts(raw: RawTable, columns: Columns, sequence: pl.Series) -> pl.Series:
    import polars as pl

    column = raw.frame[columns.step_start]
    if not _is_dated(raw, column):
        raise DataError("the start is no date", where=raw.at(columns.step_start), do="Write dates as 2020-01-31 14:05")
    start = values.moments(raw, column)
    _refuse_change(raw, sequence, start, columns.step_start, "the start", "Write one start a sequence")
    frame = pl.DataFrame({"sequence": sequence, "start": start})
    start = frame.select(pl.col("start").drop_nulls().first().over("sequence")).to_series()
    _refuse_gaps(raw, start, columns.step_start, "start")
    return start


def _is_dated(raw: RawTable, column: pl.Series) -> bool:
    import polars as pl

    if column.dtype == pl.Datetime:
        return True
    return bool(values.as_numbers(column, decimal_comma=raw.decimal_comma).bad.any())


def _refuse_gaps(raw: RawTable, found: pl.Series, column: str, role: str) -> None:
    lost = found.is_null()
    if bool(lost.any()):
        raise DataError(
            f"a record without a {role} in {values.rows_of(raw, lost)}",
            where=raw.at(column),
            do="Say of every record which sequence it belongs to, and when",
        )


def _refuse_twins(raw: RawTable, columns: Columns, sequence: pl.Series, step: pl.Series) -> None:
    import polars as pl

    frame = pl.DataFrame({"sequence": sequence, "step": step})
    twins = frame.is_duplicated()
    if not bool(twins.any()):
        return
    first = frame.filter(twins).row(0)
    same = frame.select((pl.col("sequence") == first[0]) & (pl.col("step") == first[1])).to_series()
    more = frame.filter(twins).n_unique() - 1
    raise DataError(
        f"{int(same.sum())} records of '{first[0]}' stand at {columns.step} {raw.frame[columns.step][int(same.arg_true()[0])]}, "
        f"in {values.rows_of(raw, same)}" + (f"; {more:,} more such places" if more else ""),
        where=raw.at(columns.step),
        do="Leave one out, or put their values into one record",
    )


def _refuse_change(raw: RawTable, sequence: pl.Series, found: pl.Series, column: str, what: str, do: str) -> None:
    import polars as pl

    frame = pl.DataFrame({"sequence": sequence, "found": found})
    counts = frame.drop_nulls("found").group_by("sequence").agg(pl.col("found").n_unique().alias("n"))
    changing = counts.filter(pl.col("n") > 1).sort("sequence")
    if not changing.height:
        return
    name = changing["sequence"][0]
    mine = (sequence == name) & found.is_not_null()
    texts = as_text(raw.frame[column])
    first = int(mine.arg_true()[0])
    other = mine & (found != found[first])
    second = int(other.arg_true()[0])
    raise DataError(
        f"{what} of '{name}' changes: '{texts[first]}' in row {raw.row(first)}, '{texts[second]}' in row {raw.row(second)}"
        + (f"; so it does in {changing.height - 1:,} more" if changing.height > 1 else ""),
        where=raw.at(column),
        do=do,
    )
