"""HIL001: the same subject stands in more than one part of the split, or in the data of a pretrained part.

Why it matters   A model can recognise a person instead of a disease; scores rise without any clinical meaning.
Proof printed    Subjects in each part of the worst fold, the number shared by each pair of parts, and up to ten of them; test subjects
                 that a pretrained part has seen.
Severity         critical; scope: arm; kind: defect.
Cannot tell      who is who is not known for every record, there is no split, or a pretrained part does not say whom it has seen.
Not applicable   every item is predicted from its own past only, so that no part crosses items.
Seen in the wild OPERA task 10: 49 of the 52 subjects outside train are also in train. ICBHI 2017, official split: patients 156 and 218
                 stand on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from hilum.checks._records import folds, many
from hilum.core.check import ArmStudy, Finding, Study

CODE = "HIL001"
TITLE = "A subject in two parts of the split"
SEVERITY = "critical"
KIND = "defect"
SCOPE = "arm"

Parts = Mapping[str, set[str]]


def check(study: Study) -> Finding:
    """Compare the subjects of every pair of parts of every fold, and those of the test part with a pretrained part's."""
    arm = study.arm
    if arm.personal and arm.evidence:
        return Finding.not_applicable("every item is forecast from its own past only; no part crosses items")
    by_fold = _parts(arm)
    unknown = _unknown(arm)
    if not any(subjects for parts in by_fold.values() for subjects in parts.values()):
        if arm.records is not None and not by_fold:
            return Finding.cannot_tell("no split is stored: no record is said to stand in train or test")
        return Finding.cannot_tell("who is who is not known in this dataset")
    if not study.subjects_known and arm.records is None:
        return Finding.cannot_tell("who is who is not known in this dataset")
    seen = arm.found("pretraining") or {}
    if arm.kind == "forecast" and seen:
        return _pretrained(by_fold, seen)
    tested = set().union(*(parts.get("test", set()) for parts in by_fold.values()))
    pretrained = tested & {str(subject) for subject in seen.get("subjects", ())}
    fold = max(by_fold, key=lambda k: _most(by_fold[k])[1])
    pair, count = _most(by_fold[fold])
    proof = {"fold": fold, "folds": len(by_fold), "subjects": {part: len(s) for part, s in by_fold[fold].items()}}
    if count or pretrained:
        return _failed(by_fold[fold], pair, pretrained, proof)
    if seen.get("unknown"):
        return Finding.cannot_tell("none shared between parts; whom the pretrained part has seen is not known", **proof)
    if unknown:
        return Finding.cannot_tell(f"none shared, but {unknown} records do not say whose they are", **proof)
    whose = sum(len(subjects) for subjects in by_fold[fold].values())
    where = f" of {len(by_fold)} folds" if len(by_fold) > 1 else ""
    return Finding.passed(f"{whose} subjects in {len(by_fold[fold])} parts{where}, none shared", **proof)


def _pretrained(by_fold: Mapping[int, Parts], seen: Mapping[str, Any]) -> Finding:
    """A forecaster that learnt from other recordings: the parts of its own are one person's by intent, so only those others count."""
    own = {subject for parts in by_fold.values() for subjects in parts.values() for subject in subjects}
    others = {str(subject) for subject in seen.get("subjects", ())}
    proof = {"forecast": len(own), "learnt from": len(others), "examples": sorted(own & others)[:10]}
    if own & others:
        return Finding.failed(f"{many(len(own & others), 'subject')} in the data of the pretrained part", **proof)
    if seen.get("unknown"):
        return Finding.cannot_tell("whom the pretrained part has seen is not known", **proof)
    return Finding.passed(f"{many(len(own), 'subject')} forecast, none among the {len(others)} learnt from", **proof)


def _failed(parts: Parts, pair: str, pretrained: set[str], proof: Mapping[str, object]) -> Finding:
    shared = {f"{a} and {b}": parts[a] & parts[b] for a, b in combinations(sorted(parts), 2)}
    told = []
    if shared.get(pair):
        told.append(f"{many(len(shared[pair]), 'subject')} in both {pair}")
    if "train" in parts and len(parts) > 1:
        outside = set().union(*(subjects for part, subjects in parts.items() if part != "train"))
        both = outside & parts["train"]
        proof = {**proof, "outside train": len(outside), "outside train and in train": len(both)}
        if both:
            told.append(f"{len(both)} of the {len(outside)} subjects outside train are also in train")
    if pretrained:
        told.append(f"{many(len(pretrained), 'test subject')} in the data of the pretrained part")
        proof = {**proof, "in pretraining": len(pretrained)}
    examples = sorted(shared.get(pair) or pretrained)[:10]
    counts = {between: len(subjects) for between, subjects in shared.items()}
    return Finding.failed("; ".join(told), **proof, shared=counts, examples=examples)


def _parts(arm: ArmStudy) -> dict[int, dict[str, set[str]]]:
    """Fold to part to its subjects; a kind without records has one fold."""
    import polars as pl

    if arm.records is None:
        return {0: {part: set(subjects) for part, subjects in arm.split.items()}} if arm.split else {}
    found = {}
    for fold, frame in folds(arm.records):
        grouped = frame.drop_nulls("subject").group_by("part").agg(pl.col("subject").unique())
        found[fold] = {part: set(map(str, subjects)) for part, subjects in grouped.iter_rows()}
    return found


def _unknown(arm: ArmStudy) -> int:
    """Records that stand in a part and do not say whose they are."""
    return max((frame["subject"].null_count() for _, frame in folds(arm.records)), default=0)


def _most(parts: Parts) -> tuple[str, int]:
    """The pair of parts that shares the most subjects, and how many."""
    shared = {f"{a} and {b}": len(parts[a] & parts[b]) for a, b in combinations(sorted(parts), 2)}
    pair = max(shared, key=lambda key: shared[key], default="")
    return pair, shared.get(pair, 0)
