"""From a long table of events and a table of stays to records on a grid: one an hour or a day of each stay.

    stays.csv    -- as a table of single records: whose, outcome, static features, subgroups; then when it began and ended
    events.csv   -- hilum.modalities.ehr: events -> concepts in their unit and range -> clock of the stay -> grid

Record k holds what was measured from k to k + 1 steps after the stay began; a prediction is made at its end. What is not used is counted
and named in the notes: events of unknown stays, without a time, before the stay or beyond the window, codes that the dictionary does
not know, texts, units that are not the concept's and that nothing converts, values out of its plausible range.

Without a dictionary each code is a variable, by its own name; a code that is written in two units is then refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.core.errors import DataError, unknown
from hilum.modalities.ehr.concepts import OWN_TABLES, Concept, Dictionary, read_concepts
from hilum.modalities.ehr.events import as_events
from hilum.modalities.ehr.grid import hourly_cells, on_every_hour, on_stay_clock
from hilum.modalities.ehr.measure import measure
from hilum.modalities.ehr.stays import as_stays
from hilum.modalities.table import values
from hilum.modalities.table.columns import Columns
from hilum.modalities.table.frame import RawTable, as_text, read_raw
from hilum.modalities.table.match import same_unit
from hilum.modalities.table.read import read_table
from hilum.modalities.table.repeated import names_of
from hilum.modalities.table.sample import Table

if TYPE_CHECKING:
    import polars as pl

    from hilum.datasets.event_file.dataset import EventFile

MOST_NAMED = 8


@dataclass(frozen=True)
class _Stays:
    """Stays as a table of single records, and on the calendar: `frame` is stay_id (position in the table), start, end."""

    table: Table
    frame: pl.DataFrame


def table_of(asked: EventFile, folder: Path, *, name: str) -> Table:
    """The records of both files.

    Args:
        asked: The files, their columns, the grid and the window.
        folder: Where the files lie.
        name: What the table is called.

    Raises:
        DataError: a file cannot be read, a value does not fit, a code is written in two units, or nothing is left.
        UsageError: a column is named that is not there.
    """
    stays = _stays(asked, folder / asked.stays)
    told: list[str] = []
    events = _events(asked, folder / asked.events, stays, told)
    dictionary = (
        read_concepts(folder / asked.concepts)
        if asked.concepts
        else _own_dictionary(events, str(folder / asked.events))
    )
    placed = _placed(asked, _measured(events, dictionary, told), stays, told)
    ids = tuple(id for id in dictionary.ids("hourly") if id in set(placed["concept"].unique().to_list()))
    if not ids:
        raise DataError(
            "no event is left on the grid",
            where=str(folder / asked.events),
            do="; ".join(told) or "Look at the window, and at the codes of the dictionary",
        )
    windows, attrition = _windows(asked, placed, stays)
    grid = on_every_hour(hourly_cells(placed, dictionary, ids), windows)
    if not grid.height:
        raise DataError("no stay is left", where=str(folder / asked.stays), do="; ".join(why for why, _ in attrition))
    return _as_table(asked, stays, grid.rename({"hour": "step"}), ids, attrition, told, name)


def _stays(asked: EventFile, path: Path) -> _Stays:
    import polars as pl

    columns = Columns(
        target=asked.target,
        kind=asked.kind,
        positive=asked.positive,
        unit=asked.outcome_unit,
        subject=asked.subject,
        id=asked.stay,
        time=asked.start,
        features=asked.static or (asked.start,),
        groups=asked.groups,
        missing_target=asked.missing_target,
        missing=asked.missing,
    )
    raw = read_raw(path, missing=asked.missing)
    _refuse_twins(asked, raw)
    try:
        table = read_table(path, columns)
    except DataError as error:  # a study calls the setting after the outcome
        do = error.do.replace("missing_target", "missing_outcome")
        raise DataError(error.what, where=error.where, do=do) from error
    if not asked.subject:
        raise DataError(
            "nothing says whose stays these are",
            where=str(path),
            do=f'Name the column: subject = "patient". Where each stay is somebody else: subject = "{asked.stay}"',
        )
    dates = {"start": asked.start, **({"end": asked.end} if asked.end else {})}
    moments = {}
    for role, column in dates.items():
        if column not in raw.frame.columns:
            raise unknown("column", column, raw.frame.columns, where=str(path))
        moments[role] = values.moments(raw, raw.frame[column])
    lost = moments["start"].is_null()
    if bool(lost.any()):
        raise DataError(
            f"a stay without a start in {values.rows_of(raw, lost)}", where=raw.at(asked.start), do="Say when it began"
        )
    written = pl.DataFrame({"item": as_text(raw.frame[asked.stay]), **moments})
    frame = table.rows.select("item", "subject").with_row_index("stay_id").join(written, on="item", how="left")
    frame = frame.with_columns(
        pl.col("subject").rank("dense").alias("subject_id"),
        *(
            (pl.col(role) * 1e6).cast(pl.Int64).cast(pl.Datetime("us")).alias(role)
            if role in frame.columns
            else pl.lit(None, dtype=pl.Datetime("us")).alias(role)
            for role in ("start", "end")
        ),
    )
    wrong = frame.filter(pl.col("end") < pl.col("start"))
    if wrong.height:
        raise DataError(f"the stay '{wrong['item'][0]}' ends before it begins", where=raw.at(asked.end), do="Mend it")
    return _Stays(table, as_stays(frame, where=str(path)))


def _refuse_twins(asked: EventFile, raw: RawTable) -> None:
    if asked.stay not in raw.frame.columns:
        return
    names = as_text(raw.frame[asked.stay])
    twins = names.is_duplicated() & names.is_not_null()
    if bool(twins.any()):
        first = names.filter(twins)[0]
        raise DataError(
            f"the stay '{first}' stands in {values.rows_of(raw, (names == first).fill_null(value=False))}",
            where=raw.at(asked.stay),
            do="Write one row a stay",
        )


def _events(asked: EventFile, path: Path, stays: _Stays, told: list[str]) -> pl.DataFrame:
    """Events of the stays, as hilum.modalities.ehr.events has them."""
    import polars as pl

    raw = read_raw(path, missing=asked.missing)
    for column in (asked.stay, asked.hour or asked.time, asked.code, asked.value, asked.unit, asked.text):
        if column and column not in raw.frame.columns:
            raise unknown("column", column, raw.frame.columns, where=str(path))
    code = values.categories(raw, raw.frame[asked.code])
    if bool(code.is_null().any()):
        raise DataError(
            f"an event without a code in {values.rows_of(raw, code.is_null())}",
            where=raw.at(asked.code),
            do="Say what was measured",
        )
    number = values.as_numbers(raw.frame[asked.value], decimal_comma=raw.decimal_comma)
    values.refuse_mixed_styles(raw, raw.frame[asked.value], number)
    values.refuse_infinite(raw, number.values)
    when = values.numbers(raw, raw.frame[asked.hour]) if asked.hour else values.moments(raw, raw.frame[asked.time])
    numbered = (
        stays.table.rows.select("item")
        .with_row_index("stay_id")
        .join(stays.frame.select("stay_id", "subject_id", "start"), on="stay_id")
    )
    frame = pl.DataFrame(
        {
            "item": as_text(raw.frame[asked.stay]),
            "when": when,
            "code": code,
            "numeric_value": number.values,
            "text_value": as_text(raw.frame[asked.text]) if asked.text else as_text(raw.frame[asked.value]),
            "unit": as_text(raw.frame[asked.unit]) if asked.unit else pl.Series([None] * len(code), dtype=pl.String),
        }
    ).join(numbered.with_columns(pl.col("stay_id").cast(pl.Int64)), on="item", how="left")
    moment = (pl.col("when") * 1e6).round().cast(pl.Int64)
    after = pl.col("start") + pl.duration(microseconds=(pl.col("when") * 3.6e9).round().cast(pl.Int64))
    frame = frame.with_columns((after if asked.hour else moment.cast(pl.Datetime("us"))).alias("time"))
    told += _counted(
        frame.filter(pl.col("stay_id").is_null()), "of stays that are not in the table of stays", by="item"
    )
    frame = frame.filter(pl.col("stay_id").is_not_null())
    told += _counted(frame.filter(pl.col("time").is_null()), "without a time")
    told += _counted(
        frame.filter(pl.col("time").is_not_null() & pl.col("numeric_value").is_null()),
        "that are no number",
        example=True,
    )
    kept = frame.filter(pl.col("time").is_not_null() & pl.col("numeric_value").is_not_null())
    if not kept.height:
        raise DataError("no event is a number of a known stay", where=str(path), do="; ".join(told) or "Add events")
    return as_events(kept.lazy(), where=str(path)).collect()


def _own_dictionary(events: pl.DataFrame, where: str) -> Dictionary:
    """Each code as a concept.

    Raises:
        DataError: a code is written in two units.
    """
    import polars as pl

    pairs = (
        events.group_by("code", "unit").len("events").sort("code", "events", "unit", descending=[False, True, False])
    )
    concepts: dict[str, Concept] = {}
    for code, units in pairs.drop_nulls("unit").group_by("code", maintain_order=True):
        first, *others = units["unit"].to_list()
        strange = [unit for unit in others if not same_unit(unit, first)]
        if strange:
            count = int(units.filter(pl.col("unit").is_in(strange))["events"].sum())
            raise DataError(
                f"'{code[0]}' is written in {first} ({units['events'][0]:,} events) and in {', '.join(strange)} ({count:,})",
                where=where,
                do='Convert them, or name a dictionary that does: concepts = "concepts.toml"',
            )
        concepts[str(code[0])] = Concept(str(code[0]), str(code[0]), unit=first, also=tuple(others))
    for code in pairs["code"].unique().sort().to_list():
        concepts.setdefault(code, Concept(code, code))
    return Dictionary(dict(sorted(concepts.items())), {}, where)


def _measured(events: pl.DataFrame, dictionary: Dictionary, told: list[str]) -> pl.DataFrame:
    """Measurements in the concepts' units; what is not used is told."""
    import polars as pl

    codes = dictionary.codes(OWN_TABLES, alarms=False)
    known = events.join(codes.select("code").unique(), on="code", how="semi")
    told += _counted(
        events.join(codes.select("code").unique(), on="code", how="anti"), "that the dictionary does not know"
    )
    unsaid = known.filter(pl.col("unit").is_null()).height
    if unsaid and any(concept.unit for concept in dictionary.concepts.values()):
        told.append(f"{unsaid:,} events state no unit: they are taken to be in the dictionary's")
    kept, rejected = measure(known, codes)
    for row in rejected.iter_rows(named=True):
        wanted = dictionary.concepts[row["concept"]].unit
        why = f"the unit is {row['unit']}, not {wanted}" if row["reason"] == "unknown unit" else row["reason"]
        told.append(f"{row['values']:,} events of '{row['concept']}' are not used: {why}")
    return kept


def _placed(asked: EventFile, measured: pl.DataFrame, stays: _Stays, told: list[str]) -> pl.DataFrame:
    """Measurements with the step of their stay, inside the window."""
    import polars as pl

    timed = on_stay_clock(measured, stays.frame)
    if asked.every == "day":
        timed = timed.with_columns(pl.col("hour").floordiv(24))
    steps = asked.hours // (24 if asked.every == "day" else 1)
    told += _counted(timed.filter(pl.col("hour") < 0), "before the stay began")
    if steps:
        told += _counted(timed.filter(pl.col("hour") >= steps), f"after the window of {asked.hours} h")
    within = pl.col("hour") >= 0
    return timed.filter(within & (pl.col("hour") < steps) if steps else within)


def _windows(asked: EventFile, placed: pl.DataFrame, stays: _Stays) -> tuple[pl.DataFrame, list[tuple[str, int]]]:
    """stay_id and the last step of each stay that has any; and the stays that have none: why, how many."""
    import polars as pl

    seconds = asked.step_seconds
    steps = int(asked.hours * 3600 // seconds)
    length = (pl.col("end") - pl.col("start")).dt.total_microseconds() / 1e6 / seconds
    seen = placed.group_by("stay_id").agg(pl.col("hour").max().alias("seen"))
    frame = stays.frame.select("stay_id", length.floor().cast(pl.Int64).alias("whole")).join(
        seen, on="stay_id", how="left"
    )
    attrition = []
    if asked.asked == "last":
        # Who leaves before the window ends has an outcome by then: a prediction at its end would look back.
        early = frame["whole"] < steps
        if asked.end and int(early.sum()):
            attrition.append((f"stays that end before the window of {asked.hours} h does", int(early.sum())))
        frame = frame.filter(~early.fill_null(False)).with_columns(pl.lit(steps - 1, dtype=pl.Int64).alias("last"))
    else:
        until = pl.coalesce(pl.col("whole") - 1, pl.col("seen"))
        frame = frame.with_columns(pl.min_horizontal(until, pl.lit(steps - 1)) if steps else until).rename(
            {"whole": "last"}
        )
        short = int((frame["last"].fill_null(-1) < 0).sum())
        if short:
            attrition.append((f"stays of less than a whole {asked.every}, or without any event", short))
        frame = frame.filter(pl.col("last") >= 0)
    empty = int(frame["seen"].is_null().sum())
    if empty:
        attrition.append(("stays without any event in the window", empty))
    return frame.filter(pl.col("seen").is_not_null()).select("stay_id", "last"), attrition


def _as_table(
    asked: EventFile,
    stays: _Stays,
    grid: pl.DataFrame,
    ids: Sequence[str],
    attrition: Sequence[tuple[str, int]],
    told: Sequence[str],
    name: str,
) -> Table:
    import polars as pl

    table = stays.table
    whose = table.rows.rename({"item": "sequence"}).hstack(table.features.select(asked.static))
    whose = whose.with_row_index("stay_id").with_columns(pl.col("stay_id").cast(pl.Int64))
    clock = stays.frame.select("stay_id", "start", "end")
    frame = grid.join(whose, on="stay_id").join(clock, on="stay_id").with_columns(pl.col("step").cast(pl.Float64))
    ends = (pl.col("step") + 1) * asked.step_seconds
    left = ((pl.col("end") - pl.col("start")).dt.total_microseconds() / 1e6 - ends) / 86_400
    if asked.left:
        frame = frame.with_columns(left.alias("beside"))
    if asked.asked == "last":
        last = pl.col("step") == pl.col("step").max().over("sequence")
        frame = frame.with_columns(pl.when(last).then("target").alias("target"))
    if asked.left:
        frame = frame.with_columns(pl.when(pl.col("beside").is_not_null()).then("target").alias("target"))
    groups = [column for column in frame.columns if column.startswith("group:")]
    rows = frame.select(
        names_of(frame["sequence"], frame["step"]),
        *("subject", "target", "time", "sequence", "step"),
        *(["beside"] if asked.left else []),
        *groups,
    )
    variables = [pl.col(id).alias(f"{id} (event)" if id in asked.static else id) for id in ids]
    return replace(
        table,
        name=name,
        rows=rows,
        features=frame.select(*asked.static, *variables),
        attrition=(*((f"stays: {why}", count) for why, count in (*table.attrition, *attrition)),),
        notes=(*table.notes, *(f"{note[0].upper()}{note[1:]}." for note in told)),
        dated=tuple(feature for feature in table.dated if feature in asked.static),
        static=asked.static,
    )


def _counted(events: pl.DataFrame, why: str, *, by: str = "", example: bool = False) -> list[str]:
    """What is not used, in words; nothing where there is nothing."""
    if not events.height:
        return []
    name = by or ("concept" if "concept" in events.columns else "code")
    counts = events.group_by(name).len("events").sort("events", name, descending=[True, False])
    shown = [f"'{row[0]}' {row[1]:,}" for row in counts.head(MOST_NAMED).iter_rows()]
    more = f" and {counts.height - MOST_NAMED:,} more" if counts.height > MOST_NAMED else ""
    texts = events["text_value"].drop_nulls().unique().sort().head(3).to_list() if example else []
    written = f"; written as {', '.join(repr(text) for text in texts)}" if texts else ""
    return [f"{events.height:,} events {why} are not used ({', '.join(shown)}{more}){written}"]
