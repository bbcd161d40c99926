"""HIL004: an identifier or a clock stands among the features.

Why it matters   An identifier lets a model remember people; a clock lets it learn when labels were common instead of why.
Proof printed    Each such feature and how it is known; beside them features that are unique in each record and may be looked at.
Severity         critical; scope: data; kind: defect.
Rule             identifier: repeats the record's or subject's id; text that is one to one with records or subjects; whole numbers
                 that run without gaps, one a record; whole numbers that rank as the ids do; whole numbers one to one with
                 subjects that return, where a measured quantity of that range would have coincided at least five times, or
                 spans 20,000 or more.
                 clock: ranks as the time does (|Spearman| 0.999 or more), or holds dates or epochs.
                 A laboratory value that is unique in each record is no identifier.
Cannot tell      features were not profiled, or none has 20 values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hilum.checks._records import known_of_data, listed, many
from hilum.core.check import Finding, Study

CODE = "HIL004"
TITLE = "An identifier or a clock among the features"
SEVERITY = "critical"
KIND = "defect"
SCOPE = "data"
KINDS = ("classify", "regress")
FEWEST = 20
SAME_RANK = 0.999
COINCIDENCES = 5
WIDE_RANGE = 20_000


def check(study: Study) -> Finding:
    """Read what is known of each feature."""
    features = known_of_data(study, "features")
    if not features:
        return Finding.cannot_tell("the features were not profiled")
    looked_at = [feature for feature in features if feature.get("n", 0) >= FEWEST]
    found = {feature["name"]: why for feature in looked_at if (why := _why(feature))}
    unsure = [f["name"] for f in looked_at if f["name"] not in found and f.get("integer") and f.get("one_to_one_item")]
    proof = {"features": len(features), "found": found, "whole and unique in each record": unsure}
    if found:
        told = listed([f"'{name}' ({why})" for name, why in found.items()])
        return Finding.failed(
            f"an identifier or a clock: {len(found)} of {many(len(features), 'feature')}: {told}", **proof
        )
    if not looked_at:
        return Finding.cannot_tell(f"no feature has {FEWEST} values: a pattern would be coincidence", **proof)
    beside = f"; look at {listed(unsure)}: whole numbers, no two alike" if unsure else ""
    return Finding.passed(f"{many(len(looked_at), 'feature')}, none an identifier or a clock{beside}", **proof)


def _why(feature: Mapping[str, Any]) -> str:
    """How a feature is known to be an identifier or a clock; empty where it is neither."""
    return _identifier(feature) or _clock(feature)


def _identifier(feature: Mapping[str, Any]) -> str:
    one_record, one_subject = feature.get("one_to_one_item"), feature.get("one_to_one_subject")
    if feature.get("equals"):
        return f"repeats the {'record' if feature['equals'] == 'item' else feature['equals']}'s id"
    if feature.get("type") == "category":
        unique = (one_record or one_subject) and feature.get("distinct", 0) >= FEWEST
        return f"text, one to one with {'records' if one_record else 'subjects'}" if unique else ""
    if not feature.get("integer"):
        return ""
    if one_record and feature.get("running_number"):
        return "a running number, one a record"
    if (one_record or one_subject) and (feature.get("rank_with_id") or 0) >= SAME_RANK:
        return "whole numbers that rank as the ids do"
    return _of_returning_subjects(feature) if one_subject else ""


def _of_returning_subjects(feature: Mapping[str, Any]) -> str:
    """Whole numbers that stay with a subject and are never shared: too many to be a measured quantity without coincidence?"""
    subjects, again = int(feature.get("distinct", 0)), int(feature.get("subjects_repeat", 0))
    low, high = feature.get("low"), feature.get("high")
    if subjects < FEWEST or again < 5 or low is None or high is None:
        return ""
    span = float(high) - float(low) + 1
    coincidences = subjects * (subjects - 1) / 2 / span
    if span < WIDE_RANGE and coincidences < COINCIDENCES:
        return ""
    return f"a whole number for each of {subjects} subjects, the same in all records of the {again} who return, and never shared"


def _clock(feature: Mapping[str, Any]) -> str:
    if feature.get("epoch_like"):
        return str(feature["epoch_like"]) if isinstance(feature["epoch_like"], str) else "dates or epochs"
    rank = feature.get("rank_with_time")
    return f"ranks as the time of record does, |Spearman| {rank:.4f}" if rank is not None and rank >= SAME_RANK else ""
