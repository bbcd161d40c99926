"""Concepts: which items of which database mean the same thing. A table that a clinician can read and change (`concepts.toml`).

A concept states its unit, the range that is plausible, how the values of an hour become one, and for each database the codes that
carry it. A code may state the unit that it is written in; the value is then converted first and judged afterwards:

    concept = (written + add) * times          from the table [convert] of the same file
    kept      if least <= concept <= most      both ends included
    else      counted under its reason, never silently dropped

The codes and ranges are facts about the databases (see the research note that lists them); this dictionary is our own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.core.errors import DataError, unknown

if TYPE_CHECKING:
    import polars as pl

OUR_DICTIONARY = Path(__file__).parent / "concepts.toml"
AGGREGATIONS = ("median", "sum", "max", "min", "any")
USES = ("hourly", "static", "label")
OWN_TABLES = "plain"
_KEYS = {"name", "unit", "least", "most", "aggregate", "use", "also", "note"}


@dataclass(frozen=True)
class Code:
    """One code of one database.

    Attributes:
        code: As in the event table ("chart//220045"); a trailing * stands for any rest.
        convert: Name of a conversion; "" where the value is in the concept's unit already.
        when_unit: The conversion holds only for events whose unit starts with this text; "" = for all.
        alarm: An alarm setting of the monitor, not a measurement: only `rules = "yaib"` counts it.
    """

    code: str
    convert: str = ""
    when_unit: str = ""
    alarm: bool = False


@dataclass(frozen=True)
class Concept:
    """One clinical variable.

    Attributes:
        id: Short name, the column of the grid ("crea").
        name: In words.
        unit: Of its values on the grid; "" where it has none.
        least: Least plausible value.
        most: Greatest plausible value.
        aggregate: How the values of one hour become one.
        use: "hourly" (a column of the grid), "static" (one value a stay) or "label" (labels need it, models never see it).
        codes: Database to codes.
        note: What a reader should know.
    """

    id: str
    name: str
    unit: str = ""
    least: float = -float("inf")
    most: float = float("inf")
    aggregate: str = "median"
    use: str = "hourly"
    codes: Mapping[str, tuple[Code, ...]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Dictionary:
    """All concepts and conversions of one file.

    Attributes:
        concepts: By id, in the order of the file.
        conversions: Name to (add, times).
        where: The file, for errors.
    """

    concepts: Mapping[str, Concept]
    conversions: Mapping[str, tuple[float, float]]
    where: str

    def ids(self, *uses: str) -> tuple[str, ...]:
        """Ids of the concepts of these uses, in the order of the file."""
        return tuple(id for id, concept in self.concepts.items() if concept.use in uses)

    def codes(self, database: str, ids: Iterable[str] | None = None, *, alarms: bool) -> pl.DataFrame:
        """One row a code of a database: concept, code, add, times, when_unit, least, most.

        Args:
            database: As in `Records.database`.
            ids: Only these concepts; all without.
            alarms: Count alarm settings as measurements.

        Raises:
            UsageError: a concept is not in the dictionary.
        """
        import polars as pl

        rows = []
        for id in self.concepts if ids is None else ids:
            if id not in self.concepts:
                raise unknown("concept", id, self.concepts, where=self.where)
            concept = self.concepts[id]
            # A table of one's own may use the dictionary's names as they are.
            own = (Code(id),) if database == OWN_TABLES else ()
            for code in own + tuple(concept.codes.get(database, ())):
                if alarms or not code.alarm:
                    add, times = self.conversions.get(code.convert, (0.0, 1.0))
                    rows.append((id, code.code, add, times, code.when_unit.lower(), concept.least, concept.most))
        schema = {"concept": pl.String, "code": pl.String, "add": pl.Float64, "times": pl.Float64}
        return pl.DataFrame(
            rows, schema={**schema, "when_unit": pl.String, "least": pl.Float64, "most": pl.Float64}, orient="row"
        )


def read_concepts(path: Path = OUR_DICTIONARY) -> Dictionary:
    """Read a dictionary of concepts.

    Raises:
        DataError: the file is no TOML, or an entry has an unknown key, unit conversion, aggregation or use.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"the dictionary cannot be read: {error}", where=str(path), do="Mend the file") from error
    conversions = {
        name: _conversion(name, entry, str(path)) for name, entry in _table(data.pop("convert", {}), str(path)).items()
    }
    concepts = {
        id: _concept(id, entry, conversions, where=f"{path}, [{id}]") for id, entry in _table(data, str(path)).items()
    }
    return Dictionary(concepts, conversions, str(path))


def measure(events: pl.DataFrame, codes: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events in the concepts' units, and what was rejected.

    Args:
        events: See `events.py`.
        codes: `Dictionary.codes`.

    Returns:
        Measurements: subject_id, stay_id, time, concept, value (Float64), text (String), code, unit; and the rejected values: concept,
        code, reason ("no number", "below LEAST", "above MOST"), values (how many).
    """
    import polars as pl

    exact = _with_patterns(events, codes)
    joined = events.join(exact, on="code", how="inner")
    unit = pl.col("unit").str.to_lowercase().fill_null("")
    applies = (pl.col("when_unit") == "") | unit.str.starts_with(pl.col("when_unit"))
    written = pl.col("numeric_value")
    value = pl.when(applies).then((written + pl.col("add")) * pl.col("times")).otherwise(written)
    judged = joined.with_columns(value.alias("value")).with_columns(_reason().alias("reason"))
    kept = judged.filter(pl.col("reason").is_null()).select(
        "subject_id", "stay_id", "time", "concept", "value", pl.col("text_value").alias("text"), "code", "unit"
    )
    rejected = (
        judged.filter(pl.col("reason").is_not_null())
        .group_by("concept", "code", "reason")
        .agg(pl.len().cast(pl.Int64).alias("values"))
    )
    return kept, rejected.sort("concept", "code", "reason")


def _reason() -> pl.Expr:
    """Why a value is not counted; null where it is. A concept without a range (a drug, a culture) needs no number."""
    import polars as pl

    value = pl.col("value")
    ranged = pl.col("least").is_finite() | pl.col("most").is_finite()
    return (
        pl.when((value.is_null() | value.is_nan()) & ranged)
        .then(pl.lit("no number"))
        .when(value < pl.col("least"))
        .then(pl.format("below {}", pl.col("least")))
        .when(value > pl.col("most"))
        .then(pl.format("above {}", pl.col("most")))
    )


def _with_patterns(events: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    """Codes that end in * or hold /.../ replaced by those of the events that they stand for."""
    import polars as pl

    plain = codes.filter(~pl.col("code").str.contains(r"[*]$|//\(\?i\)"))
    patterns = codes.filter(pl.col("code").str.contains(r"[*]$|//\(\?i\)"))
    if not patterns.height:
        return plain
    there = events["code"].unique().to_list()
    found = []
    for row in patterns.iter_rows(named=True):
        pattern = code_pattern(row["code"])
        found += [{**row, "code": code} for code in there if pattern.fullmatch(code)]
    return pl.concat([plain, pl.DataFrame(found, schema=codes.schema)]).unique(["concept", "code"])


def code_pattern(code: str) -> re.Pattern[str]:
    """A code with a trailing *, or TABLE//(?i)REGULAR EXPRESSION, as a pattern for whole codes."""
    head, _, rest = code.partition("//(?i)")
    if rest:
        return re.compile(re.escape(head) + f"//.*(?:{rest}).*", re.IGNORECASE | re.DOTALL)
    return re.compile(re.escape(code.removesuffix("*")) + ".*", re.DOTALL)


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(part, Mapping) for part in value.values()):
        raise DataError("an entry is no table", where=where, do="Write [hr] and under it name, unit, ...")
    return value


def _conversion(name: str, entry: Mapping[str, Any], where: str) -> tuple[float, float]:
    strange = set(entry) - {"add", "times", "note"}
    if strange:
        raise unknown("key", sorted(strange)[0], ("add", "times", "note"), where=f"{where}, [convert.{name}]")
    return float(entry.get("add", 0.0)), float(entry.get("times", 1.0))


def _concept(id: str, entry: Mapping[str, Any], conversions: Mapping[str, Any], *, where: str) -> Concept:
    databases = {key: value for key, value in entry.items() if isinstance(value, list)}
    strange = [key for key in entry if key not in _KEYS and key not in databases]
    if strange:
        raise unknown("key", strange[0], _KEYS, where=where)
    for key, allowed in (("aggregate", AGGREGATIONS), ("use", USES)):
        if entry.get(key, allowed[0]) not in allowed:
            raise unknown(key, str(entry[key]), allowed, where=where)
    least, most = float(entry.get("least", -float("inf"))), float(entry.get("most", float("inf")))
    if least > most:
        raise DataError(f"the least value {least:g} lies above the greatest {most:g}", where=where, do="Swap them")
    return Concept(
        id,
        str(entry.get("name", id)),
        unit=str(entry.get("unit", "")),
        least=least,
        most=most,
        aggregate=entry.get("aggregate", "median"),
        use=entry.get("use", "hourly"),
        codes={name: _codes(listed, conversions, f"{where}, {name}") for name, listed in databases.items()},
        note=str(entry.get("note", "")),
    )


def _codes(listed: Sequence[Any], conversions: Mapping[str, Any], where: str) -> tuple[Code, ...]:
    found = []
    for part in listed:
        settings = {"code": part} if isinstance(part, str) else part
        strange = (
            ["the entry"]
            if not isinstance(settings, Mapping)
            else set(settings) - {"code", "convert", "when_unit", "alarm"}
        )
        if strange or "code" not in settings:
            raise DataError(
                f"{part!r} is no code", where=where, do='Write "lab//50912", or { code = ..., convert = ... }'
            )
        code = Code(**settings)
        if code.convert and code.convert not in conversions:
            raise unknown("conversion", code.convert, conversions, where=where)
        try:
            code_pattern(code.code)
        except re.error as error:
            raise DataError(f"'{code.code}' is no pattern: {error}", where=where, do="Mend it") from error
        found.append(code)
    return tuple(found)
