"""The stand-alone audit: every check that a table and its split can answer, without any model.

    table -> records (one row a record and fold) + profile (evidence of the data) -> every check of scope data, and HIL001 and
    HIL010 -> rows, critical ones first

What needs a model (calibration, comparators, permuted labels) is not asked: `hilum run study.toml` asks it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.check import ArmStudy, Study
from hilum.core.finder import Found, find
from hilum.core.row import CheckRow
from hilum.core.split import MOST_FOLDS, PARTS
from hilum.engine.audit import ask
from hilum.modalities.table.equal_rows import equal_rows
from hilum.modalities.table.profile import profile
from hilum.modalities.table.sample import Table

if TYPE_CHECKING:
    import polars as pl

_ORDER = {"critical": 0, "major": 1, "note": 2}
_CARRIED = ("time", "source", "site")
_NEED_PREDICTIONS = ("HIL008", "HIL009", "HIL012", "HIL013", "HIL014", "HIL016", "HIL017", "HIL020", "HIL021", "HIL006")


def audit_table(
    table: Table,
    *,
    future_use: bool | None = None,
    prevalence: float | None = None,
) -> list[CheckRow]:
    """Run every check that can be asked of a table and its split.

    Args:
        table: The records, their split in the column `declared` (train, validation, test; or one value a fold); works without.
        future_use: Whether the study claims use on later patients; None where it does not say.
        prevalence: The share of positives where a model is meant to be used.

    Returns:
        One row a check, critical ones first. A check that needs predictions is left out; one that lacks evidence says so.
    """
    arm = _study(table)
    study = Study(
        arm=arm,
        arms=(arm,),
        subjects_known=table.rows["subject"].null_count() == 0,
        synthetic=False,
        future_use=future_use,
        prevalence=prevalence,
    )
    asked = [found for found in find("checks").values() if _is_asked(found)]
    rows = [ask(found, study) for found in asked]
    return sorted(rows, key=lambda row: (_ORDER.get(row.severity, 3), row.code))


def audit_failed(rows: Sequence[CheckRow]) -> bool:
    """Whether a critical or major check failed: the command then ends with exit code 4."""
    return any(row.status == "fail" and row.severity in {"critical", "major"} for row in rows)


def audit_file(
    path: Path | str,
    *,
    subject: str,
    target: str,
    record: str = "",
    split: str = "",
    time: str = "",
    time_zero: str = "",
    eligible: str = "",
    source: str = "",
    content: str = "",
    site: str = "",
    features: Sequence[str] = (),
    exclude: Sequence[str] = (),
    kind: str = "classify",
    made_from: Sequence[str] = (),
    charted: Mapping[str, str] | None = None,
    future_use: bool | None = None,
    prevalence: float | None = None,
) -> list[CheckRow]:
    """Read a table and audit it: the command `hilum audit`.

    Args:
        path: CSV, Parquet or xlsx.
        subject: Column that says whose record it is; "" where that is not known.
        target: The outcome's column.
        record: Column of the record's id; without one, ids are made from the records' content.
        split: Column that gives each record its part or fold.
        time: Column of the time of record.
        time_zero: Column of the time of prediction.
        eligible: Column of the time at which it was decided that the record belongs to the study.
        source: Column of what acquired it.
        content: Column with a hash of the record's content, or the path of its file relative to the table.
        site: Column of the place.
        features: What a model may see; empty stands for every column without a role.
        exclude: Columns that are left aside.
        kind: "classify" or "regress".
        made_from: Columns that the outcome is made from.
        charted: Feature to the column that says when it was charted.
        future_use: Whether the study claims use on later patients.
        prevalence: The share of positives where a model is meant to be used.

    Raises:
        DataError, UsageError: the table cannot be read as asked; says which file, column or row.
    """
    from hilum.modalities.table.columns import Columns
    from hilum.modalities.table.read import read_table

    columns = Columns(
        target=target,
        kind=kind,
        subject=subject,
        id=record,
        time=time,
        time_zero=time_zero,
        eligible=eligible,
        charted=tuple((charted or {}).items()),
        source=source,
        site=site,
        content=content,
        split=split,
        features=tuple(features),
        exclude=tuple(exclude),
        made_from=tuple(made_from),
        missing_target="exclude",
        purpose="audit",
    )
    return audit_table(read_table(path, columns), future_use=future_use, prevalence=prevalence)


def _is_asked(found: Found) -> bool:
    return found.facts["SCOPE"] != "experiment" and found.facts["CODE"] not in _NEED_PREDICTIONS


def _study(table: Table) -> ArmStudy:
    parts = declared_parts(table)
    evidence: dict[str, Any] = profile(table, parts[0] if parts else None)
    return ArmStudy(
        id="",
        name="the data",
        protocol="published",
        stochastic=False,
        trivial=False,
        seeds=(),
        split={},
        personal=False,
        leading=("", "none"),
        values={},
        scored={},
        exploded={},
        evidence={"table": evidence},
        kind="classify" if table.classes else "regress",
        records=records_of_table(table, parts),
        classes=table.classes,
        data="table",
    )


def declared_parts(table: Table) -> list[NDArray[np.str_]]:
    """The part of every record, shape (records,), in each fold that the table's own column declares; "" where in none.

    A column of train, validation and test is one fold; else each of its values (at most 50) is in turn the test part.
    """
    if "declared" not in table.rows.columns:
        return []
    texts = np.array([str(value or "").strip() for value in table.rows["declared"].to_list()])
    low = np.char.lower(texts)
    values = sorted(set(texts) - {""})
    if {value.lower() for value in values} <= set(PARTS):
        part = np.array([PARTS.get(value, "") for value in low])
        return [part] if len(set(part) - {""}) > 1 else []
    if not 2 <= len(values) <= MOST_FOLDS:
        return []
    return [np.where(texts == "", "", np.where(texts == value, "test", "train")) for value in values]


def records_of_table(table: Table, parts: Sequence[NDArray[np.str_]]) -> pl.DataFrame:
    """The columns of `core.check.RECORD_COLUMNS`: one row a record and fold; of a table without split one row a record."""
    import polars as pl

    _, content = equal_rows(table)
    carried = [name for name in table.rows.columns if name in _CARRIED or name.startswith("group:")]
    one = table.rows.select("item", "subject", "target", *carried).with_columns(
        pl.Series("content", content, dtype=pl.String)
    )
    if not parts:
        return one.with_columns(pl.lit(0, dtype=pl.Int32).alias("fold"), pl.lit(None, dtype=pl.String).alias("part"))
    return pl.concat(
        one.with_columns(pl.lit(fold, dtype=pl.Int32).alias("fold"), pl.Series("part", part.astype(str).tolist()))
        for fold, part in enumerate(parts)
    )
