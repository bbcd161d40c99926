"""Small tables for tests: synthetic, made from a stated rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hilum.modalities.table.sample import Table


def patients(
    subjects: int = 60, each: int = 2, effect: float = 2.0, seed: int = 0, kind: str = "classify", **rows: Any
) -> Table:
    """Two features, a category and noise; the outcome follows the first feature."""
    random = np.random.default_rng(seed)
    subject = np.repeat(np.arange(subjects), each)
    x = random.normal(size=subjects)[subject] + 0.5 * random.normal(size=subject.size)
    signal = effect * x + random.logistic(size=subjects)[subject]
    target = (signal > 0).astype(float) if kind == "classify" else signal
    features = pl.DataFrame(
        {
            "x": x,
            "noise": random.normal(size=subject.size),
            "ward": np.array(["east", "west", "north"])[random.integers(0, 3, subject.size)],
        }
    )
    frame = pl.DataFrame(
        {
            "item": [f"r{n:04d}" for n in range(subject.size)],
            "subject": [f"p{n:03d}" for n in subject],
            "target": target,
            **rows,
        }
    )
    classes = ("no", "yes") if kind == "classify" else ()
    return Table("patients", frame, features, classes, target="event", unit="" if classes else "days")


def write_csv(table: Table, path: Path) -> Path:
    """The table as a user would have it: outcome by name."""
    frame = table.rows.hstack(table.features)
    if table.classes:
        names = pl.Series([table.classes[int(value)] for value in frame["target"]])
        frame = frame.with_columns(names.alias("target"))
    frame.rename({"target": "event", "subject": "patient", "item": "record"}).write_csv(path)
    return path


STUDY = """
name = "ward"
kind = "{kind}"
[data]
table = "patients.csv"
target = "event"
{positive}
subject = "patient"
id = "record"
groups = ["ward"]
features = ["x", "noise", "ward"]
[split]
folds = 3
[origin]
synthetic = true
access = "{access}"
[audit]
permutations = {permutations}
[[model]]
name = "{model}"
{tune}
"""


def study(
    folder: Path,
    *,
    kind: str = "classify",
    permutations: int = 0,
    access: str = "open",
    model: str = "",
    tune: str = "",
    **made: Any,
) -> Path:
    """A study file with its table beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(patients(kind=kind, **made), folder / "patients.csv")
    path = folder / "study.toml"
    model = model or ("logistic_regression" if kind == "classify" else "ridge_linear")
    positive = 'positive = "yes"' if kind == "classify" else 'unit = "days"'
    path.write_text(
        STUDY.format(kind=kind, positive=positive, permutations=permutations, access=access, model=model, tune=tune)
    )
    return path
