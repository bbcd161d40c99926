"""HIL015: train and test overlap in time, and the study claims use on later patients.

Why it matters   Practice, devices and populations drift. A model for tomorrow's patients is tested on patients later than those it
                 learned from; a random split hides the drift.
Proof printed    For the worst fold: the last record learned from, the first one tested, and how many of the former are later.
Severity         major; scope: data; kind: defect.
Cannot tell      there is no split, or no time of record.
Not applicable   the study makes no claim of use on later patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hilum.checks._records import folds, has
from hilum.core.check import Finding, Study

if TYPE_CHECKING:
    import polars as pl

CODE = "HIL015"
TITLE = "Train and test overlap in time"
SEVERITY = "major"
KIND = "defect"
SCOPE = "data"


def check(study: Study) -> Finding:
    """Compare the latest record of train and validation with the earliest of test, in every fold."""
    if not study.future_use:
        return Finding.not_applicable("the study makes no claim of use on later patients")
    records = study.arm.records
    if records is None or not has(records, "time"):
        return Finding.cannot_tell("no record says when it was made")
    worst: _Overlap | None = None
    for fold, frame in folds(records):
        found = _overlap(fold, frame)
        if found is not None and (worst is None or found.late / found.learned > worst.late / worst.learned):
            worst = found
    if worst is None:
        return Finding.cannot_tell("no split with times on both sides is stored")
    proof = {
        "fold": worst.fold,
        "records learned from": worst.learned,
        "later than the first tested": worst.late,
        "last learned from": worst.last,
        "first tested": worst.first,
    }
    if worst.late:
        told = f"{worst.late} of {worst.learned} records learned from (fold {worst.fold}) are later than the first one tested"
        return Finding.failed(told, **proof)
    return Finding.passed(f"all {worst.learned} records learned from are no later than the first one tested", **proof)


@dataclass(frozen=True)
class _Overlap:
    """Of one fold: records learned from, how many of them are later than the first tested, and the times of both."""

    fold: int
    learned: int
    late: int
    last: float
    first: float


def _overlap(fold: int, frame: pl.DataFrame) -> _Overlap | None:
    time = frame["time"].to_numpy().astype(np.float64)
    tested = (frame["part"] == "test").to_numpy()
    known = np.isfinite(time)
    learned = time[known & ~tested]
    if not learned.size or not (known & tested).any():
        return None
    first = float(time[known & tested].min())
    return _Overlap(fold, learned.size, int((learned > first).sum()), float(learned.max()), first)
