"""Simulated stays: an hourly table as a user would bring it, or the same as a long table of events, with a known truth. Synthetic.

    z_it = z_i + d_i t / 24            severity of stay i at hour t; z_i, d_i normal, standard deviation 1 and 0.6
    heart rate = 85 + 12 z + noise     systolic pressure = 120 - 12 z + noise     every hour
    lactate = exp(0.3 + 0.4 z + noise)                                            about every sixth hour, sooner where z is high
    creatinine = exp(0.1 + 0.3 z + noise)                                         about once a day
    died ~ Bernoulli(1 / (1 + exp(1 - 2.5 (z_i + d_i))))     length = exp(3.4 - 0.25 z_i + noise) hours, 8 to 48

Patients have one or two stays; a second one begins with the severity that the first began with. Temperature says nothing of the outcome.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hilum.core.store import write_text

if TYPE_CHECKING:
    import polars as pl

UNITS = {
    "heart rate": "/min",
    "systolic pressure": "mmHg",
    "temperature": "C",
    "lactate": "mmol/L",
    "creatinine": "mg/dL",
}
DIGITS = {"heart rate": 0, "systolic pressure": 0, "temperature": 1, "lactate": 1, "creatinine": 2}


def simulate_stays(patients: int = 120, seed: int = 0, *, longest: int = 48) -> pl.DataFrame:
    """One row an hour; the same arguments give the same bits.

    Args:
        patients: How many.
        seed: Of everything.
        longest: Hours after which a stay is cut.

    Returns:
        patient, stay, hour, age, sex, the five measurements (null where not measured), died (0 or 1, the same in every hour of the
        stay), days_left (from that hour to the end of the stay).
    """
    import polars as pl

    random = np.random.default_rng(seed)
    parts = []
    for patient in range(patients):
        severity = random.normal()
        age, sex = int(random.integers(20, 90)), str(random.choice(["female", "male"]))
        for stay in range(1 + int(random.random() < 0.25)):
            drift = 0.6 * random.normal()
            died = int(random.random() < 1 / (1 + np.exp(1 - 2.5 * (severity + drift))))
            length = float(np.clip(np.exp(3.4 - 0.25 * severity + 0.15 * random.normal()), 8, longest))
            hours = np.arange(int(length))
            z = severity + drift * hours / 24
            noise = random.normal(size=(5, hours.size))
            values = {
                "heart rate": 85 + 12 * z + 6 * noise[0],
                "systolic pressure": 120 - 12 * z + 8 * noise[1],
                "temperature": 37 + 0.5 * noise[2],
                "lactate": np.exp(0.3 + 0.4 * z + 0.2 * noise[3]),
                "creatinine": np.exp(0.1 + 0.3 * z + 0.15 * noise[4]),
            }
            lactate = random.random(hours.size) < np.clip(0.17 + 0.05 * z, 0.05, 0.5)
            seen = {"lactate": lactate, "creatinine": (hours + int(random.integers(0, 24))) % 24 == 0}
            parts.append(
                pl.DataFrame(
                    {
                        "patient": f"P{patient:03d}",
                        "stay": f"P{patient:03d}{'AB'[stay]}",
                        "hour": hours,
                        "age": age,
                        "sex": sex,
                        **{
                            name: pl.Series(
                                np.where(seen.get(name, True), np.round(value, DIGITS[name]), np.nan)
                            ).fill_nan(None)
                            for name, value in values.items()
                        },
                        "died": died,
                        "days_left": np.round((length - hours) / 24, 3),
                    }
                )
            )
    return pl.concat(parts)


def write_hours(path: Path, patients: int = 120, seed: int = 0) -> Path:
    """`simulate_stays` as a CSV file; its folder must be there."""
    write_text(path, simulate_stays(patients, seed).write_csv())
    return path


def write_events(folder: Path, patients: int = 120, seed: int = 0) -> tuple[Path, Path]:
    """The same stays as `events.csv` (patient, stay, time, code, value, unit) and `stays.csv` (stay, patient, start, end, age, ...)."""
    import polars as pl

    table = simulate_stays(patients, seed)
    begin = pl.datetime(2024, 1, 1) + pl.duration(hours=pl.col("stay").rank("dense") * 7)
    table = table.with_columns(begin.alias("start"))
    stays = table.group_by("stay", maintain_order=True).agg(
        pl.col("patient", "start", "age", "sex", "died").first(),
        (pl.col("start").first() + pl.duration(minutes=(pl.col("days_left").first() * 1440).round())).alias("end"),
    )
    events = (
        table.with_columns((pl.col("start") + pl.duration(hours=pl.col("hour"), minutes=20)).alias("time"))
        .unpivot(list(UNITS), index=["patient", "stay", "time"], variable_name="code", value_name="value")
        .drop_nulls("value")
        .with_columns(pl.col("code").replace_strict(UNITS).alias("unit"))
    )
    shown = "%Y-%m-%d %H:%M"
    written = (
        (events, "events.csv"),
        (stays.select("stay", "patient", "start", "end", "age", "sex", "died"), "stays.csv"),
    )
    for frame, name in written:
        write_text(folder / name, frame.write_csv(datetime_format=shown))
    return folder / "events.csv", folder / "stays.csv"
