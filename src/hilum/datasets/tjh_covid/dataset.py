"""Blood tests of 375 COVID-19 inpatients of early 2020: mortality from the first day with a blood test, or from every day of the stay.

    workbook (6120 rows, PATIENT_ID on a patient's first row only) --records--> one row a sample, times, labs --load--> Table

first-record    one record a patient
patient-days    one record a patient and calendar day on which anything was recorded, as the benchmark arXiv 2209.07805 makes them: the mean
                of each test on that day; beside the outcome the days left, from that date to the date of discharge or death. Rows
                without a time or without the end of the stay are left out: 361 patients (195 alive, 166 dead), 1,704 patient-days

The first record of a patient is the first calendar day with any laboratory value; of each laboratory test it holds the last value of
that day. A single sample will not do: tests come in batches of about twenty (median 24 of 73), the whole day in about sixty.

    time, time_zero   of the last sample of that day: then every value is known
    admitted          s since 1970, kept beside the roles for whoever wants the stay
    declared          of patient-days the part by day of admission that the benchmark has as its hold-out in time: the first 60 % of the
                      patients train, the next 20 % validation, the last 20 % test; ties by patient number
    target            died (1) or discharged alive (0); whether, not when
    left out          patients without a laboratory value; patients whose stay had ended before time zero (their outcome was known)

Source: Yan et al., An interpretable mortality prediction model for COVID-19 patients, Nat Mach Intell 2, 283-288 (2020). Benchmarks on
these data score every day of a stay: their figures answer another question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hilum.core.card import read_card, read_files, verify
from hilum.core.data import Field, Item
from hilum.core.errors import DataError
from hilum.modalities.table.read import read_frame
from hilum.modalities.table.sample import Table

if TYPE_CHECKING:
    import polars as pl

WORKBOOK = "time_series_375_prerpocess_en.xlsx"
TIMES = {"RE_DATE": "recorded", "Admission time": "admitted", "Discharge time": "discharged"}
NOT_LABS = ("patient", "age", "sex", "died", *TIMES.values())
CLASSES = ("discharged alive", "died")
CONSTANT = "2019-nCoV nucleic acid detection"  # -1 wherever it stands


@dataclass(frozen=True)
class TjhCovid:
    """Two tables: mortality from the first record of each patient, and from every day. No settings."""

    name: ClassVar[str] = "tjh_covid"
    ITEMS: ClassVar[tuple[str, ...]] = ("first-record", "patient-days")
    provides: ClassVar[Mapping[str, Field]] = {
        "input": Field("blood tests", "table"),
        "label": Field("outcome", "classes"),
    }

    def items(self, folder: Path) -> Sequence[Item]:
        """Two: the table of first records, and that of patient-days."""
        return [Item(name, None, (WORKBOOK,)) for name in self.ITEMS]

    def load(self, folder: Path, item: Item) -> Table:
        """One of the tables, verified against the card.

        75 features: age (years), sex, and 73 laboratory tests under the workbook's names.
        """
        here = Path(__file__).parent
        known = {entry.path: entry for entry in read_files(read_card(here / "card.toml"), here)}
        verify(known[WORKBOOK], folder)
        found = records(folder / WORKBOOK)
        return first_records(found) if item.id == "first-record" else patient_days(found)


def first_records(found: pl.DataFrame) -> Table:
    """One record a patient: the first day with a laboratory value."""
    import polars as pl

    first = first_day(found)
    before = first.filter(pl.col("discharged") > pl.col("recorded")).sort("patient")
    seconds = {name: pl.col(name).dt.epoch("us") / 1e6 for name in ("recorded", "admitted")}
    rows = before.select(
        _patient().alias("item"),
        _patient().alias("subject"),
        pl.col("died").cast(pl.Float64).alias("target"),
        seconds["recorded"].alias("time"),
        seconds["recorded"].alias("time_zero"),
        seconds["admitted"].alias("admitted"),
        *_groups(),
    )
    patients = found["patient"].n_unique()
    return Table(
        "first-record",
        rows,
        before.select("age", "sex", *laboratory_tests(found)),
        classes=CLASSES,
        target="outcome",
        attrition=(
            ("patients without any blood test", patients - first.height),
            (
                "patients whose stay had ended before the last blood test of the first day",
                first.height - before.height,
            ),
        ),
        notes=("The date of admission says when in the epidemic, not how ill: it is no feature.",),
    )


def patient_days(found: pl.DataFrame) -> Table:
    """One record a patient and day: `step` in days since the first of them, `beside` the days left, `male` 1 or 0."""
    import polars as pl

    labs = laboratory_tests(found)
    dated = found.filter(pl.col("recorded").is_not_null() & pl.col("discharged").is_not_null())
    day, end = pl.col("recorded").dt.date(), pl.col("discharged").dt.date()
    days = (
        dated.with_columns(day.alias("day"), (end - day).dt.total_days().clip(lower_bound=0).alias("left"))
        .group_by("patient", "day")
        .agg(
            pl.col("age", "died", "sex", "admitted", "left").first(),
            pl.col(labs).mean(),
            pl.col("recorded").max().alias("last"),
        )
        .sort("patient", "day")
        .with_columns((pl.col("day") - pl.col("day").min().over("patient")).dt.total_days().alias("step"))
    )
    first = pl.col("step") == 0
    rows = days.select(
        pl.format("{} day-{}", _patient(), pl.col("step").cast(pl.String).str.zfill(3)).alias("item"),
        _patient().alias("subject"),
        _patient().alias("sequence"),
        pl.col("step").cast(pl.Float64),
        pl.col("died").cast(pl.Float64).alias("target"),
        pl.col("left").cast(pl.Float64).alias("beside"),
        (pl.col("last").dt.epoch("us") / 1e6).alias("time"),
        (pl.col("admitted").dt.epoch("us") / 1e6).alias("admitted"),
        _part_by_admission(days),
        pl.when(first).then(pl.lit("first")).otherwise(pl.lit("later")).alias("group:day"),
        *_groups(),
    )
    # In the order of the benchmark: where splits of a tree are equally good, the order of the columns decides.
    features = days.select((pl.col("sex") == "male").cast(pl.Float64).alias("male"), "age", *labs)
    left_out = found["patient"].n_unique() - dated["patient"].n_unique()
    return Table(
        "patient-days",
        rows,
        features,
        classes=CLASSES,
        target="outcome",
        unit="days",
        attrition=(("patients without a time of record or without the end of the stay", left_out),),
        notes=("Every day of a patient has the patient's outcome: late days are easier than the first.",),
        static=("male", "age"),
    )


def _part_by_admission(days: pl.DataFrame) -> pl.Series:
    """train, validation or test of every record, by the day on which its patient was admitted."""
    import polars as pl

    patients = days.select("patient", pl.col("admitted").dt.date()).unique().sort("admitted", "patient")["patient"]
    ends = [int(share * len(patients)) for share in (0.6, 0.8)]
    parts = ["train"] * ends[0] + ["validation"] * (ends[1] - ends[0]) + ["test"] * (len(patients) - ends[1])
    return days["patient"].replace_strict(patients, parts, return_dtype=pl.String).alias("declared")


def _patient() -> pl.Expr:
    import polars as pl

    return pl.format("patient-{}", pl.col("patient").cast(pl.String).str.zfill(3))


def _groups() -> list[pl.Expr]:
    import polars as pl

    age = pl.col("age")
    band = (
        pl.when(age < 50).then(pl.lit("18 to 49")).when(age < 65).then(pl.lit("50 to 64")).otherwise(pl.lit("65 to 95"))
    )
    return [pl.col("sex").alias("group:sex"), band.alias("group:age band")]


USE = {
    "title": "Mortality of COVID-19 inpatients from their first day with a blood test",
    "intended": "A worked example; not for use on patients.",
    "population": "375 inpatients of Tongji Hospital, Wuhan, with COVID-19, whose stay had ended when the data were collected.",
    "time_zero": "The last blood sample of the first calendar day with a blood test.",
    "horizon": "The rest of the hospital stay.",
    "outcome": "Died in hospital (1), or discharged alive (0), as the workbook has it.",
    "predictors": "Age, sex, and of each of 73 laboratory tests the last value of that day.",
    "dates": "Admissions from 10 January to 18 February 2020.",
    "sites": "One hospital.",
    "limits": "Patients still in hospital are absent; when a patient was chosen is not recorded; the choice of tests is a judgement too.",
    "future": "true",
}


def records(path: Path) -> pl.DataFrame:
    """Every sample of every patient, in the workbook's order.

    Returns:
        patient (Int64), recorded, admitted, discharged (Datetime; recorded is null on 14 rows without any value), age (Float64, years),
        sex ("male" or "female"), died (Boolean), and one Float64 column a laboratory test, negative values null.

    Raises:
        DataError: the workbook is not the one that this was written for.
    """
    import polars as pl

    texts = read_frame(path)
    lacking = [
        name for name in ("PATIENT_ID", "age", "gender", "outcome", *TIMES, CONSTANT) if name not in texts.columns
    ]
    if lacking:
        raise DataError(
            f"the column '{lacking[0]}' is missing", where=str(path), do="Get it again with `hilum data get`"
        )
    labs = [name for name in texts.columns if name not in {"PATIENT_ID", "age", "gender", "outcome", *TIMES, CONSTANT}]
    values = pl.col(labs).cast(pl.Float64)
    return texts.select(
        pl.col("PATIENT_ID").forward_fill().cast(pl.Int64).alias("patient"),
        *(pl.col(name).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us").alias(new) for name, new in TIMES.items()),
        pl.col("age").cast(pl.Float64),
        pl.col("gender").replace_strict(["1", "2"], ["male", "female"], return_dtype=pl.String).alias("sex"),
        (pl.col("outcome") == "1").alias("died"),
        pl.when(values >= 0).then(values),
    )


def laboratory_tests(found: pl.DataFrame) -> list[str]:
    """The laboratory tests among the columns of `records`."""
    return [name for name in found.columns if name not in NOT_LABS]


def first_day(found: pl.DataFrame) -> pl.DataFrame:
    """One row a patient with any laboratory value: the last value of each test on the first day that has one.

    `recorded` is the time of that day's last sample.
    """
    import polars as pl

    labs = laboratory_tests(found)
    day = pl.col("recorded").dt.date()
    measured = found.filter(pl.any_horizontal(pl.col(labs).is_not_null()) & pl.col("recorded").is_not_null())
    measured = measured.filter(day == day.min().over("patient")).sort("patient", "recorded", maintain_order=True)
    return measured.group_by("patient", maintain_order=True).agg(
        pl.col("recorded").last(),
        pl.col("admitted", "discharged", "age", "sex", "died").first(),
        pl.col(labs).drop_nulls().last(),
    )
