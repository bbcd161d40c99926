"""HIL015: train and test overlap in time, and the study claims use on later patients.

Why it matters   Practice, devices and populations drift. A model for tomorrow's patients is tested on patients later than those it
                 learned from; a random split hides the drift.
Proof printed    For the worst fold: the last record learned from, the first one tested, and how many of the former are later.
Severity         major; scope: data; kind: defect.
Cannot tell      there is no split, or no time of record.
Not applicable   the study makes no claim of use on later patients.
"""

from __future__ import annotations

from hilum.checks._records import folds, has
from hilum.core.check import Finding, Study

CODE = "HIL015"
TITLE = "Train and test overlap in time"
SEVERITY = "major"
KIND = "defect"
SCOPE = "data"


def check(study: Study) -> Finding:
    """Compare the latest record of train and validation with the earliest of test, in every fold."""
    import polars as pl

    if not study.future_use:
        return Finding.not_applicable("the study makes no claim of use on later patients")
    records = study.arm.records
    if records is None or not has(records, "time"):
        return Finding.cannot_tell("no record says when it was made")
    worst = None
    for fold, frame in folds(records):
        timed = frame.filter(pl.col("time").is_not_null() & pl.col("time").is_not_nan())
        first = timed.filter(pl.col("part") == "test")["time"].min()
        learned = timed.filter(pl.col("part") != "test")
        if first is None or not learned.height:
            continue
        late = int((learned["time"] > first).sum())
        found = {
            "fold": fold,
            "records learned from": learned.height,
            "later than the first tested": late,
            "last learned from": learned["time"].max(),
            "first tested": first,
        }
        if (
            worst is None
            or late / learned.height > worst["later than the first tested"] / worst["records learned from"]
        ):
            worst = found
    if worst is None:
        return Finding.cannot_tell("no split with times on both sides is stored")
    late, of = worst["later than the first tested"], worst["records learned from"]
    if late:
        return Finding.failed(
            f"{late} of {of} records learned from (fold {worst['fold']}) are later than the first one tested", **worst
        )
    return Finding.passed(f"all {of} records learned from are no later than the first one tested", **worst)
