"""HIL002: identical content stands in two parts of the split.

Why it matters   A record that was also trained on is remembered, not predicted.
Proof printed    Groups of identical records that stand in two parts of one fold, how many test records that is, and up to ten of them.
Severity         critical; scope: data; kind: defect.
Cannot tell      there is no split; no content was hashed; or rows of features are equal where coincidence could make them so
                 (`chance` of 0.01 equal pairs or more; hilum.modalities.table.equal_rows).
Seen in the wild covid19-cough: 115 groups of byte-identical recordings among 1,324 files, so that any split by file has both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hilum.checks._records import folds, has, known_of_data, many, once
from hilum.core.check import Finding, Study

if TYPE_CHECKING:
    import polars as pl

CODE = "HIL002"
TITLE = "Identical content in two parts of the split"
SEVERITY = "critical"
KIND = "defect"
SCOPE = "data"
KINDS = ("classify", "regress")
MOST_CHANCE = 0.01
GROUPS = ("group of identical records", "groups of identical records")


def check(study: Study) -> Finding:
    """Group records by their content's hash, and look for groups that stand in two parts."""
    records = study.arm.records
    rows = known_of_data(study, "rows") or {}
    if records is None or not has(records, "content"):
        return Finding.cannot_tell("no content of the records was hashed")
    groups, repeated = _repeated(once(records))
    proof = {
        "content": rows.get("content"),
        "groups of identical records": groups,
        "records in them": repeated,
    }
    worst = max(
        ((fold, _crossing(frame)) for fold, frame in folds(records)), key=lambda pair: pair[1].height, default=None
    )
    if worst is None:
        return Finding.cannot_tell(f"no split is stored; {many(groups, *GROUPS)} ({repeated} records)", **proof)
    fold, crossing = worst
    if not crossing.height:
        return Finding.passed(
            f"{records['item'].n_unique()} records, {many(groups, *GROUPS)}, none in two parts of the split", **proof
        )
    tested = int(crossing["tested"].sum())
    items = [str(item) for item in crossing["example"].head(10).to_list()]
    proof |= {"fold": fold, "groups in two parts": crossing.height, "test records": tested, "examples": items}
    told = f"{many(crossing.height, *GROUPS)} in two parts of the split ({many(tested, 'test record')})"
    doubt = coincidence(rows)
    return Finding.cannot_tell(f"{told}; {doubt}", **proof) if doubt else Finding.failed(told, **proof)


def coincidence(rows: Mapping[str, Any]) -> str:
    """Why equal hashes do not prove one record twice; empty where they do: hashes of files, or rows too rich to coincide."""
    chance = rows.get("chance")
    if rows.get("content") == "declared":
        return ""
    if rows.get("content") != "row" or chance is None:
        return "nothing says what was hashed"
    return "" if chance < MOST_CHANCE else f"coincidence could explain {chance:.2g} equal pairs of rows"


def _repeated(frame: pl.DataFrame) -> tuple[int, int]:
    counts = frame.drop_nulls("content").group_by("content").len().filter(_more_than_one())
    return counts.height, int(counts["len"].sum())


def _more_than_one() -> pl.Expr:
    import polars as pl

    return pl.col("len") > 1


def _crossing(frame: pl.DataFrame) -> pl.DataFrame:
    """Contents that stand in two parts of one fold: how many of its records are tested, and one of them."""
    import polars as pl

    parts = (
        frame.drop_nulls("content")
        .group_by("content")
        .agg(
            pl.col("part").n_unique().alias("parts"),
            (pl.col("part") == "test").sum().alias("tested"),
            pl.col("item").min().alias("example"),
        )
    )
    return parts.filter(pl.col("parts") > 1).sort("example")
