"""A study of a million rows (synthetic), from the file to the report: seconds and peak memory of each step.

Ten features, 200,000 subjects, hold-out by subject, logistic regression beside the constant. One process.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from hilum import api
from hilum.engine.tables.predict import predict

ROWS, SUBJECTS, FEATURES = 1_000_000, 200_000, 10
STUDY = """
name = "million"
[data]
table = "table.csv"
subject = "patient"
target = "died"
[split]
rule = "hold-out"
[origin]
synthetic = true
[audit]
permutations = 0
[[model]]
name = "logistic_regression"
"""


def write(folder: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, FEATURES)).round(4)
    frame = pl.DataFrame({f"x{n}": x[:, n] for n in range(FEATURES)}).with_columns(
        patient=pl.format("p{}", pl.Series(random.integers(0, SUBJECTS, ROWS))),
        died=pl.Series((x[:, 0] + random.logistic(size=ROWS) > 1).astype(int)),
    )
    frame.write_csv(folder / "table.csv")
    (folder / "study.toml").write_text(STUDY)


def told(what: str, began: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{what:<34} {time.perf_counter() - began:7.1f} s   peak {peak:.2f} GB")


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(folder)
        print(f"SYNTHETIC: {ROWS:,} rows, {SUBJECTS:,} subjects, {FEATURES} features")
        began = time.perf_counter()
        result = api.run(str(folder), jobs=1, executor="inline", out=folder / "run")
        told("run, judge, audit, report", began)
        began = time.perf_counter()
        predict(result.folder, folder / "table.csv")
        told("predict the file again", began)
        began = time.perf_counter()
        api.audit(folder / "table.csv", subject="patient", target="died")
        told("hilum audit of the table alone", began)


if __name__ == "__main__":
    main()
