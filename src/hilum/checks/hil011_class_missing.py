"""HIL011: a class is missing in a part of a fold.

Why it matters   What a fold has not seen it cannot learn, and a score of a fold without positives is undefined or flattering.
Proof printed    Fold, part and missing class; the fewest subjects of any class in any test part.
Severity         major; scope: data; kind: defect.
Cannot tell      there is no split.
Not applicable   the target is a number.
"""

from __future__ import annotations

from hilum.checks._records import folds, listed, many, named, subject_of
from hilum.core.check import Finding, Study

CODE = "HIL011"
TITLE = "A class missing in a fold"
SEVERITY = "major"
KIND = "defect"
SCOPE = "data"


def check(study: Study) -> Finding:
    """Count the classes of every part of every fold."""
    import polars as pl

    arm = study.arm
    if arm.kind != "classify":
        return Finding.not_applicable("the target is not a class")
    by_fold = list(folds(arm.records))
    if not by_fold:
        return Finding.cannot_tell("no split is stored")
    present = {int(label) for _, frame in by_fold for label in frame["target"].drop_nulls().unique().to_list()}
    classes = sorted(present | set(range(len(arm.classes))))
    missing, fewest = [], None
    for fold, frame in by_fold:
        for part in sorted(frame["part"].unique().to_list()):
            own = frame.filter(pl.col("part") == part)
            for label in classes:
                mine = own.filter(pl.col("target") == label)
                if not mine.height:
                    missing.append({"fold": fold, "part": part, "class": named(label, arm.classes)})
                if part == "test":
                    people = len(set(subject_of(mine)))
                    fewest = people if fewest is None else min(fewest, people)
    proof = {
        "folds": len(by_fold),
        "classes": len(classes),
        "missing": missing[:50],
        "fewest subjects of a class in test": fewest,
    }
    if missing:
        told = listed([f"'{one['class']}' in {one['part']} of fold {one['fold']}" for one in missing])
        return Finding.failed(f"a class is missing in {many(len(missing), 'part')}: {told}", **proof)
    return Finding.passed(
        f"all {len(classes)} classes stand in every part of {many(len(by_fold), 'fold')}; "
        f"at least {many(fewest or 0, 'subject')} of each tested",
        **proof,
    )
