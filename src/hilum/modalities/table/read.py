"""Reading users' tables: a file and its columns to a `Table`, or an error that names file, column and row.

    CSV, Parquet, xlsx --frame.py--> columns of text --values.py--> numbers, moments, categories --here--> Table

Nothing depends on the order of the rows or on the kind of file: the same content gives an equal Table. Without an id column
a record is called by a hash of its content, 64 bits over every value that is kept; equal records get -2, -3, ... behind it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, HilumError, UsageError, unknown
from hilum.modalities.table import repeated, values
from hilum.modalities.table.columns import Columns
from hilum.modalities.table.dates import DATED
from hilum.modalities.table.frame import RawTable, as_text, read_frame, read_raw
from hilum.modalities.table.match import Matched, closest, match
from hilum.modalities.table.sample import Table

if TYPE_CHECKING:
    import polars as pl

__all__ = ["read_for_prediction", "read_frame", "read_table"]

MOST_CLASSES = 50
MOST_GROUPS = 50


def read_table(path: Path | str, columns: Columns, *, name: str = "") -> Table:
    """Read a table of records with their outcome.

    Args:
        path: A CSV, Parquet or spreadsheet file; `file.xlsx#Sheet` for a sheet that is not the first.
        columns: Which column is what.
        name: The table's name; the file's without one.

    Raises:
        DataError: what the file holds cannot be read or learned from: see `frame.read_frame`, `values` and the checks here.
        UsageError: `columns` names what is not there or contradicts itself.
    """
    import polars as pl

    if not columns.target:
        raise UsageError("no target is named", where=str(path), do='Name the column of the outcome: target = "..."')
    raw = read_raw(path, missing=columns.missing, encoding=columns.encoding, skip=columns.exclude)
    names = columns.feature_names(raw.header, where=str(raw.path))
    attrition = [("rows without any value", raw.empty_rows)] if raw.empty_rows else []
    raw, dropped = _with_outcome(raw, columns)
    if dropped:
        attrition.append((f"records without a value in '{columns.target}'{_of_sequences(columns)}", dropped))
    if raw.frame.height < 2:
        raise DataError(f"{raw.frame.height} record with an outcome", where=str(raw.path), do="At least two are needed")
    made, group_notes = _rows(raw, columns)
    target, classes = _classes(raw, columns) if columns.kind == "classify" else (_measured(raw, columns), ())
    rows = pl.DataFrame([made[0], target.alias("target"), *made[1:]])
    features, notes = _features(raw, names, columns.categories)
    if columns.sequence:
        rows, told = _asked(raw, columns, rows)
        features = repeated.same_within(raw, {name: name for name in columns.static}, rows["sequence"], features)
        notes += told
    _refuse_lonely_class(raw, columns, rows, classes)
    return Table(
        name or raw.path.stem,
        _named(raw, columns, rows, features),
        features,
        classes=classes,
        target=columns.target,
        unit=columns.unit,
        attrition=tuple(attrition),
        made_from=columns.made_from,
        notes=(*raw.notes, *group_notes, *notes),
        dated=tuple(name for name in names if any(note.startswith(f"'{name}' holds dates") for note in notes)),
        static=columns.static,
    )


def _of_sequences(columns: Columns) -> str:
    return ", nor in any other of their sequence" if columns.sequence else ""


def _asked(raw: RawTable, columns: Columns, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The rows with an outcome where one is asked for, and what is to be said of the others."""
    if columns.asked == "last":
        rows = repeated.once_a_sequence(raw, columns, rows)
    asked = rows["target"].is_not_null()
    if columns.beside:
        lost = rows["beside"].is_null() & asked
        if bool(lost.any()):
            raise DataError(
                f"an outcome without a number in '{columns.beside}' in {values.rows_of(raw, lost)}",
                where=raw.at(columns.beside),
                do="Fill it in, or leave the outcome empty: the record is then read, and not asked",
            )
    context = rows.height - int(asked.sum())
    told = f"{context:,} of {rows.height:,} records are context: they are read, and nothing is asked of them"
    return rows, [told] if context else []


def read_for_prediction(
    path: Path | str, columns: Columns, *, features: Mapping[str, str], name: str = ""
) -> tuple[Table, Matched]:
    """Records to predict: the features of a fitted table, other roles where the file has them, no outcome.

    Args:
        path: As in `read_table`.
        columns: Which column was what when the model was fitted; roles that the file lacks are left out.
        features: Feature to "Float64" or "String", as in the table that the model was fitted on.
        name: The table's name.

    Returns:
        The table, with the features in that order, and which column of the file each was found in. Of records that belong together in
        time a feature may be lacking, as one that was never measured; every record is asked for.

    Raises:
        DataError: as in `read_table`; a feature that the file lacks; text where the model expects a number; see `match`.
    """
    import polars as pl

    # What was left aside in train is not looked at, unless it stands for something here.
    raw = read_raw(path, missing=columns.missing, encoding=columns.encoding)
    there = raw.frame.columns
    kept = ("id", "subject", "time", "source", "site", "time_zero", "sequence", "step", "step_start")
    roles = {role: getattr(columns, role) for role in kept if getattr(columns, role)}
    found = match(there, tuple(dict.fromkeys((*features, *roles.values()))), dict(columns.units), where=str(raw.path))
    lacking = [feature for feature in features if feature in found.lacking]
    _refuse_lacking(raw, columns, features, lacking, found)
    present: dict[str, Any] = {role: found.columns[named] for role, named in roles.items() if named in found.columns}
    theirs = replace(Columns(), **present, step_unit=columns.step_unit)
    rows, _ = _rows(raw, theirs)
    frame = pl.DataFrame(
        [
            _nothing(feature, raw.frame.height, pl.Float64() if kind == "Float64" else pl.String())
            if feature in lacking
            else _as_fitted(raw, raw.frame[found.columns[feature]], kind, feature in columns.categories).alias(feature)
            for feature, kind in features.items()
        ]
    )
    # Of single records all are asked for; within a sequence, those that have a target.
    target = _nothing("target", raw.frame.height, pl.Float64())
    rows.insert(1, target.fill_null(float("nan")) if theirs.sequence else target)
    static = tuple(name for name in columns.static if name in features) if theirs.sequence else ()
    if theirs.sequence:
        written = {name: found.columns[name] for name in static if name in found.columns}
        frame = repeated.same_within(raw, written, pl.DataFrame(rows)["sequence"], frame)
    table = Table(
        name or raw.path.stem,
        _named(raw, theirs, pl.DataFrame(rows), frame),
        frame,
        target=columns.target,
        unit=columns.unit,
        attrition=(("rows without any value", raw.empty_rows),) if raw.empty_rows else (),
        static=static,
    )
    asked = {*features, *(named for named in roles.values() if named in found.columns)}
    used = {wanted: column for wanted, column in found.columns.items() if wanted in asked}
    return table, Matched(used, tuple(lacking), found.remarks)


def _refuse_lacking(
    raw: RawTable, columns: Columns, features: Mapping[str, str], lacking: Sequence[str], found: Matched
) -> None:
    """Refuse a file that lacks features; of records in time only one that lacks most of them, or may have misspelt one."""
    close = closest(lacking, [column for column in raw.frame.columns if column not in found.columns.values()])
    hints = [f"'{column}'" for column in list(close.values())[:3]]
    if columns.sequence:
        for role in ("sequence", "step"):
            if getattr(columns, role) in found.lacking:
                near = closest([getattr(columns, role)], raw.frame.columns)
                raise DataError(
                    f"the file lacks '{getattr(columns, role)}', the {role} of its records",
                    where=str(raw.path),
                    do=(f"Did you mean '{next(iter(near.values()))}'? " if near else "") + "Rename or add the column",
                )
    allowed = columns.sequence and not close and 2 * len(lacking) <= len(features)
    if lacking and not allowed:
        raise DataError(
            f"the file lacks {len(lacking)} of {len(features)} features: {', '.join(map(repr, lacking[:10]))}",
            where=str(raw.path),
            do=(f"Did you mean {', '.join(hints)}? " if close else "")
            + "Rename the columns, or add them, empty where nothing was measured",
        )


def _as_fitted(raw: RawTable, column: pl.Series, kind: str, named: bool) -> pl.Series:
    """A feature in the type that the model was fitted on, value by value: no record's answer depends on its neighbours."""
    import polars as pl

    if kind == "String":
        return values.categories(raw, column) if named else as_text(column)
    dated = column.dtype == pl.Datetime or _holds_dates(raw, column)
    return values.moments(raw, column) if dated else values.numbers(raw, column)


def _nothing(name: str, height: int, kind: pl.DataType) -> pl.Series:
    import polars as pl

    return pl.Series(name, [None], dtype=kind).new_from_index(0, height).alias(name)


def _holds_dates(raw: RawTable, column: pl.Series) -> bool:
    parsed = values.as_numbers(column, decimal_comma=raw.decimal_comma)
    return bool(parsed.bad.any()) and bool(column.str.contains(DATED).any())


def _with_outcome(raw: RawTable, columns: Columns) -> tuple[RawTable, int]:
    """The records that have one, or whose sequence has; the others are refused, or counted where the study says so."""
    outcome = raw.frame[columns.target]
    without = outcome.is_null()
    if columns.sequence:
        import polars as pl

        which = pl.DataFrame({"without": without, "sequence": as_text(raw.frame[columns.sequence])})
        without = which.select(pl.col("without").all().over("sequence") & pl.col("sequence").is_not_null()).to_series()
    count = int(without.sum())
    if count == 0:
        return raw, 0
    if columns.missing_target == "refuse":
        raise DataError(
            f"a record without an outcome{_of_sequences(columns)} in {values.rows_of(raw, without)}{_whose(raw, columns, without)}",
            where=raw.at(columns.target),
            do='Fill it in, or state missing_target = "exclude" to leave such records out, counted '
            f"(missing is written as one of: {', '.join(repr(text) for text in columns.missing)})",
        )
    kept = (~without).arg_true().to_numpy()
    row = raw.row
    return replace(raw, frame=raw.frame.filter(~without), row=lambda index: row(int(kept[index]))), count


def _whose(raw: RawTable, columns: Columns, wrong: pl.Series) -> str:
    if not columns.subject:
        return ""
    return f" (subject '{as_text(raw.frame[columns.subject])[int(wrong.arg_true()[0])]}')"


def _rows(raw: RawTable, columns: Columns) -> tuple[list[pl.Series], list[str]]:
    """Whose (first), when and where: the columns of `rows` but for id and target; and notes."""
    import polars as pl

    made: list[pl.Series] = []
    if columns.subject:
        subject = as_text(raw.frame[columns.subject])
        if bool(subject.is_null().any()):
            raise DataError(
                f"a record without a subject in {values.rows_of(raw, subject.is_null())}",
                where=raw.at(columns.subject),
                do="Say whose record it is, or take the row out: folds by subject need to know",
            )
        made.append(subject.alias("subject"))
    elif columns.sequence and columns.target:
        raise UsageError(
            "nothing says whose sequences these are",
            where=str(raw.path),
            do=f'Name the column: subject = "patient". Where each sequence is somebody else: subject = "{columns.sequence}"',
        )
    else:
        made.append(_nothing("subject", raw.frame.height, pl.String()))
    for role, name in (("time", columns.time), ("time_zero", columns.time_zero), ("eligible", columns.eligible)):
        if name:
            made.append(values.moments(raw, raw.frame[name]).alias(role))
    for role, name in (("source", columns.source), ("site", columns.site), ("declared", columns.split)):
        if name:
            made.append(as_text(raw.frame[name]).alias(role))
    if columns.content:
        made.append(_content(raw, columns.content).alias("content"))
    for feature, name in columns.charted:
        made.append(values.moments(raw, raw.frame[name]).alias(f"charted:{feature}"))
    if columns.sequence:
        made += repeated.sequence_and_step(raw, columns)
    if columns.beside:
        made.append(values.numbers(raw, raw.frame[columns.beside]).alias("beside"))
    notes: list[str] = []
    for name in columns.groups:
        group, note = _group(raw, raw.frame[name])
        made.append(group.alias(f"group:{name}"))
        notes += [note] if note else []
    return made, notes


def _group(raw: RawTable, column: pl.Series) -> tuple[pl.Series, str]:
    """A subgroup: names as they are, many numbers in thirds."""
    import polars as pl

    names = values.categories(raw, column)
    count = names.drop_nulls().n_unique()
    if count <= 10:
        return names, ""
    parsed = values.as_numbers(column, decimal_comma=raw.decimal_comma)
    if bool(parsed.bad.any()):
        if count > MOST_GROUPS:
            raise DataError(
                f"{count:,} different subgroups", where=raw.at(column.name), do=f"Name at most {MOST_GROUPS} of them"
            )
        return names, ""
    numbers = parsed.values
    low, first, second, high = (float(numbers.quantile(q, "lower") or 0.0) for q in (0.0, 1 / 3, 2 / 3, 1.0))
    labels = [f"{low:g} to {first:g}", f"above {first:g} to {second:g}", f"above {second:g} to {high:g}"]
    cut = pl.when(numbers <= first).then(pl.lit(labels[0])).when(numbers <= second).then(pl.lit(labels[1]))
    cut = cut.when(numbers > second).then(pl.lit(labels[2]))
    return pl.select(cut).to_series(), f"the subgroup '{column.name}' is cut into thirds at {first:g} and {second:g}"


def _names_a_file(text: str) -> bool:
    """Whether a content looks like a path and no hash: a missing file must not pass for a hash of its own."""
    return "/" in text or "\\" in text or bool(re.search(r"\.[A-Za-z]\w{0,4}$", text))


def _content(raw: RawTable, name: str) -> pl.Series:
    """Hashes as they are; paths to the hash of the file's bytes."""
    import polars as pl

    texts = as_text(raw.frame[name])
    distinct = texts.drop_nulls().unique().sort().to_list()
    folder = raw.path.parent
    if not any(_names_a_file(text) or (folder / text).is_file() for text in distinct):
        return texts
    lost = next((text for text in distinct if not (folder / text).is_file()), None)
    if lost is not None:
        position = int((texts == lost).fill_null(False).arg_true()[0])
        raise DataError(f"the file '{lost}' is missing", where=raw.at(name, position), do=f"Put it into {folder}")
    hashes = [hashlib.sha256((folder / text).read_bytes()).hexdigest() for text in distinct]
    return texts.replace_strict(distinct, hashes, return_dtype=pl.String)


def _classes(raw: RawTable, columns: Columns) -> tuple[pl.Series, tuple[str, ...]]:
    """Class index of each record, Float64, and the names of the classes."""
    import polars as pl

    column = raw.frame[columns.target]
    labels = values.categories(raw, column)
    found = labels.drop_nulls().unique().sort().to_list()
    where = raw.at(columns.target)
    if len(found) == 1:
        raise DataError(
            f"every record has the outcome '{found[0]}'", where=where, do="Two classes are needed to learn from"
        )
    if len(found) > MOST_CLASSES:
        raise DataError(
            f"{len(found):,} different outcomes",
            where=where,
            do='Did you mean kind = "regress"? Or name another column',
        )
    classes = columns.classes or tuple(_sorted(found))
    for label in found:
        if label not in classes:
            row = raw.row(int((labels == label).arg_true()[0]))
            raise _elsewhere(unknown("class", label, classes), f"{where}, row {row}")
    empty = [name for name in classes if name not in found]
    if empty:
        raise DataError(f"no record has the outcome '{empty[0]}'", where=where, do=f"There is: {', '.join(found)}")
    if columns.positive:
        if len(classes) != 2:
            raise UsageError(f"a positive class is named for {len(classes)} classes", where=where, do="Leave it out")
        if columns.positive not in classes:
            raise unknown("class", columns.positive, classes, where=f"{where}, positive")
        classes = (*(name for name in classes if name != columns.positive), columns.positive)
    index = labels.replace_strict(list(classes), [float(i) for i in range(len(classes))], return_dtype=pl.Float64)
    return index, classes


def _elsewhere(error: HilumError, where: str) -> DataError:
    return DataError(error.what, where=where, do=error.do)


def _sorted(labels: Sequence[str]) -> list[str]:
    """Numbers in their order, else texts in theirs."""
    try:
        return sorted(labels, key=float)
    except ValueError:
        return sorted(labels)


def _measured(raw: RawTable, columns: Columns) -> pl.Series:
    """The measured outcome, Float64."""
    column = raw.frame[columns.target]
    target = values.numbers(raw, column)
    if target.drop_nulls().n_unique() == 1:
        raise DataError(
            f"every record has the outcome {target.drop_nulls()[0]:g}",
            where=raw.at(columns.target),
            do="There is nothing to learn",
        )
    return target


def _refuse_lonely_class(raw: RawTable, columns: Columns, rows: pl.DataFrame, classes: tuple[str, ...]) -> None:
    """A class with one subject cannot stand in train and in test."""
    import polars as pl

    if not classes or columns.purpose == "audit":
        return
    counted = rows.with_row_index("at").filter(pl.col("target").is_not_null())
    who = pl.col("subject") if columns.subject else pl.col("at")
    counts = counted.group_by("target").agg(who.n_unique().alias("n"), pl.col("at").first()).filter(pl.col("n") < 2)
    for index, _, position in counts.sort("target").iter_rows():
        whom = "subject" if columns.subject else "record"
        raise DataError(
            f"the class '{classes[int(index)]}' has one {whom} only",
            where=raw.at(columns.target, position),
            do="It cannot be learned from and tested on: merge it with another class, or take its rows out",
        )


def _features(raw: RawTable, names: Sequence[str], named: Sequence[str]) -> tuple[pl.DataFrame, list[str]]:
    """The features, and notes. Decimals written with a comma in one column and a point in another are refused."""
    import polars as pl

    made: list[pl.Series] = []
    notes: list[str] = []
    styles: dict[str, str] = {}
    for name in names:
        column = raw.frame[name]
        if name in named:
            made.append(values.categories(raw, column))
            continue
        series, style, note = values.feature(raw, column)
        made.append(series.alias(name))
        notes += [note] if note else []
        if style:
            styles.setdefault(style, name)
    if len(styles) > 1:
        raise DataError(
            f"'{styles[',']}' is written with decimal commas and '{styles['.']}' with decimal points",
            where=str(raw.path),
            do="Write numbers one way in all columns, without marks for thousands",
        )
    if "," in styles:
        notes.append("decimals are written with a comma")
    return pl.DataFrame(made) if made else pl.DataFrame(height=raw.frame.height), notes


def _named(raw: RawTable, columns: Columns, rows: pl.DataFrame, features: pl.DataFrame) -> pl.DataFrame:
    """The rows with their ids in front: a column's, or made from the content."""
    if not columns.id and columns.sequence:
        return rows.insert_column(0, repeated.names_of(rows["sequence"], rows["step"]))
    if not columns.id:
        return rows.insert_column(0, _content_ids(rows, features))
    item = as_text(raw.frame[columns.id]).alias("item")
    where = raw.at(columns.id)
    if bool(item.is_null().any()):
        raise DataError(
            f"a record without an id in {values.rows_of(raw, item.is_null())}", where=where, do="Give it one"
        )
    twins = item.is_duplicated()
    if bool(twins.any()):
        first = item.filter(twins)[0]
        count = int(item.filter(twins).n_unique())
        raise DataError(
            f"the id '{first}' stands in {values.rows_of(raw, item == first)}"
            + (f"; {count - 1:,} more ids are not unique" if count > 1 else ""),
            where=where,
            do="Ids are unique: name another column, or leave the id out (name it as subject if it says whose record it is)",
        )
    return rows.insert_column(0, item)


def _content_ids(rows: pl.DataFrame, features: pl.DataFrame) -> pl.Series:
    """One name a record from all that is kept of it; equal records get -2, -3, ... behind it."""
    import polars as pl

    total = np.zeros(rows.height, dtype=np.uint64)
    for frame, place in ((rows, "row"), (features, "feature")):
        for name in frame.columns:
            seed = np.uint64(int.from_bytes(hashlib.sha256(f"{place}:{name}".encode()).digest()[:8], "little"))
            total += _mix(_bits(frame[name]) ^ seed)
    total = _mix(total)
    text = total.astype(">u8").tobytes().hex().encode()
    frame = pl.DataFrame({"item": np.frombuffer(text, dtype="S16").astype("U16")})
    again = pl.int_range(1, pl.len() + 1).over("item")
    return frame.select(
        pl.when(again == 1).then(pl.col("item")).otherwise(pl.format("{}-{}", "item", again))
    ).to_series()


def _bits(column: pl.Series) -> NDArray[np.uint64]:
    """64 bits a value, equal for equal values on any machine."""
    import polars as pl

    if column.dtype == pl.Float64:
        numbers = column.to_numpy() + 0.0  # nulls come as NaN; -0.0 becomes 0.0
        numbers = np.where(np.isnan(numbers), np.nan, numbers)
        return np.ascontiguousarray(numbers, dtype=np.float64).view(np.uint64)
    texts = column.drop_nulls().unique().to_list()
    hashes = [int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") for text in texts]
    bits = column.replace_strict(texts, pl.Series(hashes, dtype=pl.UInt64), default=0, return_dtype=pl.UInt64)
    return bits.fill_null(0).to_numpy().astype(np.uint64)


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of splitmix64 (Steele, Lea and Flood, OOPSLA 2014): every input bit moves every output bit."""
    mixed = bits + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
