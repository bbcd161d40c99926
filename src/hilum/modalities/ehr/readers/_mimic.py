"""What the readers of MIMIC-III and MIMIC-IV share: the event tables, whose columns differ in name only.

Chart, output, infusion and procedure events name their stay. Laboratory, drug and culture events name the admission at most and are
placed by time (`stays.place_in_admissions`). A drug with dates only counts at noon of each of its days. A culture without a time
counts at noon of its day; its number is 1 where an organism grew, else 0. An infusion is its rate at its start and 0 at its end, or
a rate whenever charted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.modalities.ehr.concepts import Dictionary
from hilum.modalities.ehr.events import as_events
from hilum.modalities.ehr.readers import _tables
from hilum.modalities.ehr.readers._tables import Kind, Source
from hilum.modalities.ehr.stays import Records, place_in_admissions

if TYPE_CHECKING:
    import polars as pl

_LONGEST_COURSE_DAYS = 60


@dataclass(frozen=True)
class Layout:
    """What differs between the releases.

    Attributes:
        database: As the dictionary names it.
        stay: Column of the stay.
        drug_days: First and last day (or moment) of a prescription.
        rates: Table and column of infusion rates charted at a moment; "" where there is none.
        infusions: Table of infusions with start and end.
        procedures: Table of procedures with start and end.
    """

    database: str
    stay: str
    drug_days: tuple[str, str]
    rates: str
    infusions: str
    procedures: str


@dataclass(frozen=True)
class Ask:
    """What one read asks of every table: where, which codes, which stays are known."""

    folder: Path
    layout: Layout
    wanted: Sequence[str]
    known: pl.DataFrame

    @property
    def ids(self) -> dict[str, Kind]:
        """The columns that every event table with a stay has."""
        return {"subject_id": "integer", self.layout.stay: "integer", "itemid": "integer"}

    def items(self, source: Source | None, prefix: str) -> pl.LazyFrame | None:
        """Rows of the wanted items of a table, with their code; None where there is no table or nothing is wanted."""
        import polars as pl

        rest = [code.partition("//")[2] for code in self.wanted if code.startswith(f"{prefix}//")]
        items = [int(item) for item in rest if item.isdigit()]
        if source is None or not items:
            return None
        code = pl.format(f"{prefix}//{{}}", pl.col("itemid")).alias("code")
        return source.scan().filter(pl.col("itemid").is_in(items)).with_columns(code)

    def stay(self) -> pl.Expr:
        """The column of the stay under our name."""
        import polars as pl

        return pl.col(self.layout.stay).alias("stay_id")


def read(folder: Path, dictionary: Dictionary, layout: Layout, known: pl.DataFrame, tables: Sequence[str]) -> Records:
    """Records of known stays with the wanted events of the asked tables."""
    import polars as pl

    ask = Ask(folder, layout, dictionary.codes(layout.database, alarms=True)["code"].to_list(), known)
    frames = [frame for name, make in _PARTS.items() if not tables or name in tables for frame in make(ask)]
    events = pl.concat([as_events(frame, where=str(folder)) for frame in frames], parallel=False)
    return Records(layout.database, known, events, where=str(folder))


def _charted(ask: Ask) -> list[pl.LazyFrame]:

    kinds: dict[str, Kind] = {"charttime": "moment", "value": "text", "valuenum": "number", "valueuom": "text"}
    frame = ask.items(_tables.table(ask.folder, "CHARTEVENTS", {**ask.ids, **kinds}), "chart")
    # The text can say more than the number: "1.0 ET/Trach" is a verbal score that could not be taken.
    return [] if frame is None else [frame.select("subject_id", "code", *_value("charttime"), ask.stay())]


def _laboratory(ask: Ask) -> list[pl.LazyFrame]:
    import polars as pl

    kinds: dict[str, Kind] = {
        "subject_id": "integer",
        "hadm_id": "integer",
        "itemid": "integer",
        "charttime": "moment",
        "value": "text",
        "valuenum": "number",
        "valueuom": "text",
    }
    frame = ask.items(_tables.table(ask.folder, "LABEVENTS", kinds), "lab")
    if frame is None:
        return []
    named = frame.select("subject_id", "code", *_value("charttime"), pl.col("hadm_id").alias("admission_id"))
    return [place_in_admissions(named, ask.known)]


def _outputs(ask: Ask) -> list[pl.LazyFrame]:
    import polars as pl

    kinds: dict[str, Kind] = {**ask.ids, "charttime": "moment", "value": "number", "valueuom": "text"}
    frame = ask.items(_tables.table(ask.folder, "OUTPUTEVENTS", kinds), "output")
    if frame is None:
        return []
    number = (pl.col("charttime").alias("time"), pl.col("value").alias("numeric_value"))
    return [frame.select("subject_id", "code", *number, pl.col("valueuom").alias("unit"), ask.stay())]


def _value(time: str) -> tuple[pl.Expr, ...]:
    import polars as pl

    return (
        pl.col(time).alias("time"),
        pl.col("valuenum").alias("numeric_value"),
        # Text that is the number once more is not kept.
        pl.when(pl.col("value").cast(pl.Float64, strict=False).is_null()).then("value").alias("text_value"),
        pl.col("valueuom").alias("unit"),
    )


def _infusions(ask: Ask) -> list[pl.LazyFrame]:
    import polars as pl

    rate: dict[str, Kind] = {"rate": "number", "rateuom": "text"}
    points = None
    if ask.layout.rates:
        points = _tables.optional_table(ask.folder, ask.layout.rates, {**ask.ids, "charttime": "moment", **rate})
    ends: dict[str, Kind] = {"starttime": "moment", "endtime": "moment"}
    spans = _tables.optional_table(ask.folder, ask.layout.infusions, {**ask.ids, **ends, **rate})
    stay, number = ask.stay(), pl.col("rate").alias("numeric_value")
    unit = pl.col("rateuom").alias("unit")
    found = []
    if (frame := ask.items(points, "input")) is not None:
        found.append(frame.select("subject_id", "code", pl.col("charttime").alias("time"), number, unit, stay))
    if (frame := ask.items(spans, "input")) is not None:
        found.append(frame.select("subject_id", "code", pl.col("starttime").alias("time"), number, unit, stay))
        stop = (pl.col("endtime").alias("time"), pl.lit(0.0).alias("numeric_value"))
        found.append(frame.filter(pl.col("rate").is_not_null()).select("subject_id", "code", *stop, unit, stay))
    return found


def _drugs(ask: Ask) -> list[pl.LazyFrame]:
    import polars as pl

    patterns = [code.partition("//(?i)")[2] for code in ask.wanted if code.startswith("drug//(?i)")]
    first, last = ask.layout.drug_days
    kinds: dict[str, Kind] = {"subject_id": "integer", "hadm_id": "integer", "drug": "text"}
    source = _tables.optional_table(ask.folder, "PRESCRIPTIONS", {**kinds, first: "moment", last: "moment"})
    if source is None or not patterns:
        return []
    named = pl.col("drug").str.contains(f"(?i){'|'.join(patterns)}") & pl.col(first).is_not_null()
    days = (pl.col(last) - pl.col(first)).dt.total_days().fill_null(0).clip(0, _LONGEST_COURSE_DAYS)
    each = source.scan().filter(named).with_columns(pl.int_ranges(0, days + 1).alias("day")).explode("day")
    # A moment at midnight is a day without a time.
    dated = pl.col(first) == pl.col(first).dt.truncate("1d")
    time = pl.col(first) + pl.duration(days=pl.col("day"), hours=pl.when(dated).then(12).otherwise(0))
    code = pl.format("drug//{}", pl.col("drug")).alias("code")
    moment = time.cast(pl.Datetime("us")).alias("time")
    return [
        place_in_admissions(each.select("subject_id", code, moment, pl.col("hadm_id").alias("admission_id")), ask.known)
    ]


def _cultures(ask: Ask) -> list[pl.LazyFrame]:
    import polars as pl

    kinds: dict[str, Kind] = {
        "subject_id": "integer",
        "hadm_id": "integer",
        "chartdate": "moment",
        "charttime": "moment",
        "spec_type_desc": "text",
        "org_itemid": "integer",
    }
    source = _tables.optional_table(ask.folder, "MICROBIOLOGYEVENTS", kinds)
    if source is None or not any(code.startswith("culture//") for code in ask.wanted):
        return []
    noon = pl.col("chartdate").dt.truncate("1d") + pl.duration(hours=12)
    named = source.scan().select(
        "subject_id",
        pl.format("culture//{}", pl.col("spec_type_desc").fill_null("")).alias("code"),
        pl.coalesce("charttime", noon).alias("time"),
        pl.col("org_itemid").is_not_null().cast(pl.Float64).alias("numeric_value"),
        pl.col("hadm_id").alias("admission_id"),
    )
    return [place_in_admissions(named, ask.known)]


def _procedures(ask: Ask) -> list[pl.LazyFrame]:
    import polars as pl

    source = _tables.optional_table(
        ask.folder, ask.layout.procedures, {**ask.ids, "starttime": "moment", "endtime": "moment"}
    )
    frame = ask.items(source, "procedure")
    if frame is None:
        return []
    stay = ask.stay()

    def at(time: str, number: float) -> pl.LazyFrame:
        moment = pl.col(time).alias("time")
        return frame.select("subject_id", "code", moment, pl.lit(number).alias("numeric_value"), stay)

    return [at("starttime", 1.0), at("endtime", 0.0)]


_PARTS = {
    "chart": _charted,
    "lab": _laboratory,
    "output": _outputs,
    "input": _infusions,
    "drug": _drugs,
    "culture": _cultures,
    "procedure": _procedures,
}
