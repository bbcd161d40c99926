"""HIL003: identical content carries conflicting labels.

Why it matters   One of the labels is wrong, so scores have a ceiling that nobody knows, and the label's origin is in doubt.
Proof printed    Groups of identical records, how many of them carry more than one label, their records, and up to ten examples.
Severity         major; scope: data; kind: defect.
Cannot tell      no content was hashed; rows of features are equal where coincidence could make them so; or they are equal only within
                 a subject, whose label may have changed while its features have not.
Seen in the wild covid19-cough: 112 of 115 groups of byte-identical recordings (232 files) are labelled both positive and negative.
"""

from __future__ import annotations

from hilum.checks._records import has, known_of_data, many, once
from hilum.checks.hil002_identical_content import GROUPS, coincidence
from hilum.core.check import Finding, Study

CODE = "HIL003"
TITLE = "Identical content, conflicting labels"
SEVERITY = "major"
KIND = "defect"
SCOPE = "data"
KINDS = ("classify", "regress")


def check(study: Study) -> Finding:
    """Group records by their content's hash, and look for groups with more than one label."""
    import polars as pl

    rows = known_of_data(study, "rows") or {}
    if study.arm.records is None or not has(study.arm.records, "content"):
        return Finding.cannot_tell("no content of the records was hashed")
    hashed = once(study.arm.records).drop_nulls(["content", "target"])
    groups = hashed.group_by("content").agg(
        pl.len().alias("records"),
        pl.col("target").n_unique().alias("labels"),
        pl.col("subject").n_unique().alias("subjects"),
        pl.col("item").min().alias("example"),
    )
    same = groups.filter(pl.col("records") > 1)
    conflict = same.filter(pl.col("labels") > 1).sort("example")
    proof = {"content": rows.get("content"), "groups of identical records": same.height}
    if not conflict.height:
        return Finding.passed(f"{many(same.height, *GROUPS)}, none with conflicting labels", **proof)
    examples = [str(item) for item in conflict["example"].head(10).to_list()]
    counted = int(conflict["records"].sum())
    proof |= {"groups with conflicting labels": conflict.height, "records in them": counted, "examples": examples}
    told = f"conflicting labels in {conflict.height} of {many(same.height, *GROUPS)} ({counted} records)"
    doubt = coincidence(rows)
    if doubt:
        return Finding.cannot_tell(f"{told}; {doubt}", **proof)
    if rows["content"] == "row" and not conflict.filter(pl.col("subjects") > 1).height:
        return Finding.cannot_tell(f"{told}; each within one subject, whose label may have changed", **proof)
    return Finding.failed(told, **proof)
