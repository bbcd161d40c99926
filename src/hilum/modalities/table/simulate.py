"""Simulated patients: a table with a known truth. Synthetic, and labelled so.

    x_ij = sqrt(alike) u_i + sqrt(1 - alike) e_ij        numbers: record j of subject i, standard normal, then in units of their own
    eta_ij = effect (x_ij w + v[c_ij]) + spread b_i      w over the first half of the numbers, v over the levels of the first category
    classify   y_ij = 1 with probability 1 / (1 + exp(-(a + eta_ij))); a is found so that the mean probability is the prevalence
    regress    y_ij = eta_ij + e, e standard normal

    u_i, e_ij, b_i   standard normal            alike    share of a number's variance that a subject's records have in common
    w                falls as 1, 1/2, 1/3, ...; w and v are scaled so that x w has variance 0.8 and v[c] variance 0.2
    effect           standard deviation of what the features say, on the logit scale (classify) or in units of the noise (regress)
    spread           standard deviation of what no feature says about a subject

The second half of the numbers and every category but the first say nothing of the outcome. Source, site, time, age and sex say nothing
of it, nor do missing values: they fall at random. So a table is clean of every defect that an audit looks for, and
a benchmark plants one by replacing columns: `dataclasses.replace(table, features=table.features.with_columns(...))`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.modalities.table.sample import Table

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
LEVELS = ("none", "mild", "moderate", "severe")
FIRST_DAY = 1_672_531_200.0  # 2023-01-01, s since 1970
DAYS = 730


@dataclass(frozen=True)
class SimulatedTable:
    """What was simulated, and the truth behind it. Synthetic.

    Attributes:
        table: The table.
        signal: (records,) a + eta: the logit of the true risk, or the true mean; in the order of the table's records.
        weights: (numbers,) effect * w: of each number in standard units.
        intercept: a; 0 where a number is asked.
    """

    table: Table
    signal: Array
    weights: Array
    intercept: float


def simulate_patients(
    n_subjects: int = 200,
    records_per_subject: int = 2,
    n_features: int = 8,
    prevalence: float = 0.3,
    effect: float = 1.5,
    seed: int | tuple[int, ...] = 0,
    *,
    n_categories: int = 2,
    kind: Literal["classify", "regress"] = "classify",
    spread: float = 0.5,
    alike: float = 0.5,
    missing: float = 0.05,
    n_sources: int = 3,
    n_sites: int = 2,
) -> Table:
    """A synthetic table of patients; the same arguments give the same bits. See `simulate_with_truth`."""
    return simulate_with_truth(
        n_subjects,
        records_per_subject,
        n_features,
        prevalence,
        effect,
        seed,
        n_categories=n_categories,
        kind=kind,
        spread=spread,
        alike=alike,
        missing=missing,
        n_sources=n_sources,
        n_sites=n_sites,
    ).table


def simulate_with_truth(
    n_subjects: int = 200,
    records_per_subject: int = 2,
    n_features: int = 8,
    prevalence: float = 0.3,
    effect: float = 1.5,
    seed: int | tuple[int, ...] = 0,
    *,
    n_categories: int = 2,
    kind: Literal["classify", "regress"] = "classify",
    spread: float = 0.5,
    alike: float = 0.5,
    missing: float = 0.05,
    n_sources: int = 3,
    n_sites: int = 2,
) -> SimulatedTable:
    """Simulate a table and keep the truth.

    Args:
        n_subjects: How many patients.
        records_per_subject: How many records of each.
        n_features: How many numbers, called x01, x02, ...
        prevalence: Mean true risk of the class "event" (classify).
        effect: Standard deviation of what the features say; 0 for features that say nothing.
        seed: Of everything.
        n_categories: How many categories of four levels, called c01, c02, ...
        kind: "classify" or "regress".
        spread: Standard deviation of what no feature says about a subject.
        alike: Share of a number's variance that a subject's records have in common.
        missing: Share of values that are missing, at random.
        n_sources: How many devices, a record's own.
        n_sites: How many sites, a subject's own.

    Raises:
        UsageError: an argument out of range.
    """
    _refuse(n_subjects, records_per_subject, n_features, prevalence, alike, missing, min(n_sources, n_sites))
    draw = np.random.default_rng(seed)
    records = n_subjects * records_per_subject
    who = np.repeat(np.arange(n_subjects), records_per_subject)
    numbers = np.sqrt(alike) * draw.standard_normal((n_subjects, n_features))[who]
    numbers += np.sqrt(1 - alike) * draw.standard_normal((records, n_features))
    levels = draw.integers(0, len(LEVELS), (records, n_categories))
    weights = effect * _weights(n_features, np.sqrt(0.8 if n_categories else 1.0))
    signal = numbers @ weights + spread * draw.standard_normal(n_subjects)[who]
    if n_categories:
        signal += effect * _level_effects()[levels[:, 0]]
    intercept = _intercept(signal, prevalence) if kind == "classify" else 0.0
    signal = signal + intercept
    noise = draw.random(records) if kind == "classify" else draw.standard_normal(records)
    target = (noise < 1 / (1 + np.exp(-signal))).astype(np.float64) if kind == "classify" else signal + noise
    table = Table(
        "simulated patients (synthetic)",
        _rows(draw, who, records_per_subject, target, n_sources, n_sites),
        _features(draw, numbers, levels, missing),
        classes=("no event", "event") if kind == "classify" else (),
        target="event" if kind == "classify" else "score",
        unit="" if kind == "classify" else "points",
    )
    return SimulatedTable(table, signal, weights, intercept)


def _refuse(
    subjects: int, records: int, features: int, prevalence: float, alike: float, missing: float, places: int
) -> None:
    wrong = [
        said
        for fine, said in (
            (subjects >= 2, f"{subjects} subjects"),
            (records >= 1, f"{records} records a subject"),
            (features >= 1, f"{features} features"),
            (0 < prevalence < 1, f"a prevalence of {prevalence:g}"),
            (0 <= alike <= 1, f"a share of {alike:g} in common"),
            (0 <= missing < 1, f"a share of {missing:g} missing"),
            (places >= 1, f"{places} sources or sites"),
        )
        if not fine
    ]
    if wrong:
        raise UsageError(
            f"{wrong[0]} cannot be simulated",
            where="simulated patients",
            do="At least two subjects, one record, one feature, one source and one site; shares between 0 and 1",
        )


def _weights(features: int, scale: float) -> Array:
    telling = -(-features // 2)
    weights = np.zeros(features)
    weights[:telling] = 1 / np.arange(1, telling + 1)
    return np.asarray(scale * weights / np.linalg.norm(weights))


def _level_effects() -> Array:
    steps = np.arange(len(LEVELS)) - (len(LEVELS) - 1) / 2
    return np.asarray(np.sqrt(0.2) * steps / steps.std())


def _intercept(signal: Array, prevalence: float) -> float:
    """The intercept at which the mean risk is the prevalence, by bisection."""
    low, high = -50.0, 50.0
    for _ in range(80):
        middle = (low + high) / 2
        mean = float(np.mean(1 / (1 + np.exp(-np.clip(signal + middle, -500, 500)))))
        low, high = (middle, high) if mean < prevalence else (low, middle)
    return (low + high) / 2


def _rows(
    draw: np.random.Generator, who: NDArray[np.intp], each: int, target: Array, sources: int, sites: int
) -> pl.DataFrame:
    import polars as pl

    subjects, records = int(who[-1]) + 1, len(who)
    ages = np.clip(draw.normal(60, 15, subjects), 18, 95).astype(np.intp)[who]
    sexes = draw.integers(0, 2, subjects)[who]
    place = draw.integers(0, sites, subjects)[who]
    start = draw.uniform(0, DAYS, subjects)[who]
    days = start + 30 * (np.arange(records) % each) + draw.uniform(0, 20, records)
    digits, deep = len(str(subjects)), len(str(each))
    frame = pl.DataFrame(
        {
            "who": who + 1,
            "number": np.arange(records) % each + 1,
            "target": target,
            "time": FIRST_DAY + np.round(86_400 * days),
            "source": draw.integers(0, sources, records) + 1,
            "site": place + 1,
            "sex": sexes,
            "age": ages,
        }
    )
    subject = pl.format("patient-{}", pl.col("who").cast(pl.String).str.zfill(digits))
    age = pl.col("age")
    band = (
        pl.when(age < 50).then(pl.lit("18 to 49")).when(age < 70).then(pl.lit("50 to 69")).otherwise(pl.lit("70 to 95"))
    )
    return frame.select(
        pl.format("{}-record-{}", subject, pl.col("number").cast(pl.String).str.zfill(deep)).alias("item"),
        subject.alias("subject"),
        "target",
        "time",
        pl.format("device-{}", "source").alias("source"),
        pl.format("site-{}", "site").alias("site"),
        pl.when(pl.col("sex") == 0).then(pl.lit("female")).otherwise(pl.lit("male")).alias("group:sex"),
        band.alias("group:age band"),
    )


def _features(draw: np.random.Generator, numbers: Array, levels: NDArray[np.int64], missing: float) -> pl.DataFrame:
    """Numbers in units of their own (centre 10 to 200, spread a tenth to a fifth of it), rounded; categories by name."""
    import polars as pl

    records, count = numbers.shape
    centre = draw.uniform(10, 200, count)
    values = np.round(centre + numbers * centre * draw.uniform(0.1, 0.2, count), 3)
    values[draw.random(values.shape) < missing] = np.nan
    gone = draw.random(levels.shape) < missing
    made = [pl.Series(f"x{j + 1:02d}", values[:, j], nan_to_null=True) for j in range(count)]
    names = np.array(LEVELS)
    for j in range(levels.shape[1]):
        texts = pl.Series(f"c{j + 1:02d}", names[levels[:, j]])
        made.append(texts.set(pl.Series(gone[:, j]), None))
    return pl.DataFrame(made, schema=None) if records else pl.DataFrame()
