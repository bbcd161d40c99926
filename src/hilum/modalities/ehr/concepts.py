"""Concepts: which items of which database mean the same thing. A table that a clinician can read and change (`concepts.toml`).

A concept states its unit, the range that is plausible, how the values of an hour become one, and for each database the codes that
carry it. A code may state the unit that it is written in; the value is then converted first and judged afterwards:

    concept = (written + add) * times          from the table [convert] of the same file
    kept      if least <= concept <= most      both ends included
    else      counted by concept, code, unit and reason (see `measure.py`), never silently dropped

A unit is read whatever its case, spaces and full stops; the table [spelling] lists other ways to write one, `also` of a concept units that
mean the same for it (mmol/L of sodium). An event without a unit is in the unit that the code says.

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
WAYS = ("concept", "code", "add", "times", "when_unit", "least", "most", "units", "in", "static")
WRITTEN_AS = ("add", "times", "written", "note")
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
        also: Other units that mean the same for this variable.
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
    also: tuple[str, ...] = ()
    codes: Mapping[str, tuple[Code, ...]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Conversion:
    """From a unit to a concept's: (written + add) * times.

    Attributes:
        add: Added first.
        times: Multiplied by.
        written: The units that it is from; empty where any text may stand for it.
    """

    add: float = 0.0
    times: float = 1.0
    written: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dictionary:
    """All concepts and conversions of one file.

    Attributes:
        concepts: By id, in the order of the file.
        conversions: By name.
        where: The file, for errors.
        spellings: A unit to other ways to write it.
    """

    concepts: Mapping[str, Concept]
    conversions: Mapping[str, Conversion]
    where: str
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def ids(self, *uses: str) -> tuple[str, ...]:
        """Ids of the concepts of these uses, in the order of the file."""
        return tuple(id for id, concept in self.concepts.items() if concept.use in uses)

    def codes(self, database: str, ids: Iterable[str] | None = None, *, alarms: bool) -> pl.DataFrame:
        """One row a way in which a code of a database may be written.

        Args:
            database: As in `Records.database`.
            ids: Only these concepts; all without.
            alarms: Count alarm settings as measurements.

        Returns:
            concept, code, add, times, when_unit (in plain letters), least, most, units (what may stand as the unit where `when_unit` does
            not; empty = anything), in (the concept's unit, for people), static (needs no time).

        Raises:
            UsageError: a concept is not in the dictionary.
        """
        import polars as pl

        rows: list[tuple[Any, ...]] = []
        for id in self.concepts if ids is None else ids:
            if id not in self.concepts:
                raise unknown("concept", id, self.concepts, where=self.where)
            concept = self.concepts[id]
            own = self._spelled((concept.unit, *concept.also)) if concept.unit else []
            facts = (concept.unit, concept.use == "static")
            for code in self._own(concept) if database == OWN_TABLES else concept.codes.get(database, ()):
                if alarms or not code.alarm:
                    made = self.conversions.get(code.convert, Conversion())
                    units = self._spelled(made.written) if code.convert and not code.when_unit else own
                    change = (made.add, made.times, plain_unit(code.when_unit), concept.least, concept.most)
                    rows.append((id, code.code, *change, units, *facts))
        text, number = pl.String(), pl.Float64()
        kinds = (text, text, number, number, text, number, number, pl.List(pl.String()), text, pl.Boolean())
        return pl.DataFrame(rows, schema=dict(zip(WAYS, kinds, strict=True)), orient="row")

    def _own(self, concept: Concept) -> tuple[Code, ...]:
        """A table of one's own may use the dictionary's names as they are, in any unit that a database's codes are converted from."""
        used = {code.convert for codes in concept.codes.values() for code in codes}
        ways = [name for name in self.conversions if name in used and self.conversions[name].written]
        return (Code(concept.id), *(Code(concept.id, name) for name in ways), *concept.codes.get(OWN_TABLES, ()))

    def _spelled(self, units: Iterable[str]) -> list[str]:
        """Units and the other ways to write them, in plain letters."""
        return sorted({plain_unit(text) for unit in units for text in (unit, *self.spellings.get(unit, ()))})


def plain_unit(text: str) -> str:
    """A unit without case, spaces and full stops; every micro sign, and what a wrong encoding made of one, is u."""
    return re.sub(r"[\s.]", "", text.lower()).translate(_MICRO)


_MICRO = {ord(sign): "u" for sign in ("\u00b5", "\u03bc", "\ufffd")}


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
    spellings = {unit: tuple(listed) for unit, listed in data.pop("spelling", {}).items()}
    concepts = {
        id: _concept(id, entry, conversions, where=f"{path}, [{id}]") for id, entry in _table(data, str(path)).items()
    }
    return Dictionary(concepts, conversions, str(path), spellings)


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


def _conversion(name: str, entry: Mapping[str, Any], where: str) -> Conversion:
    strange = set(entry) - set(WRITTEN_AS)
    if strange:
        raise unknown("key", sorted(strange)[0], WRITTEN_AS, where=f"{where}, [convert.{name}]")
    return Conversion(float(entry.get("add", 0.0)), float(entry.get("times", 1.0)), tuple(entry.get("written", ())))


def _concept(id: str, entry: Mapping[str, Any], conversions: Mapping[str, Any], *, where: str) -> Concept:
    databases = {key: value for key, value in entry.items() if isinstance(value, list) and key != "also"}
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
        also=tuple(entry.get("also", ())),
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
