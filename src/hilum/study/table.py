"""A study of a table: what its file says, read and checked before anything is computed.

    [data]     the table and what its columns are      (hilum.modalities.table.columns.Columns)
    [split]    how subjects are split                   (hilum.core.split.Rule)
    [prepare]  how features are made ready              (hilum.study.preparation)
    [use]      what the model is meant for; goes into the report, and steers two checks
    [audit]    permutations, the widest interval that is accepted, waivers
    [[model]]  one block a model: its name, settings, and `tune` with candidates

Records of one stay or one patient belong together in time where [data] names `sequence` and `step`. Models of sequences can then be
asked for; where one is, a share of each fold's train subjects is held out to say when its training stops, for all models alike.

A mistyped name is an error that gives the closest one that exists.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from hilum.core.errors import UsageError, unknown
from hilum.core.split import Rule
from hilum.datasets.table_file.dataset import TableFile
from hilum.modalities.table.columns import Columns
from hilum.study.models import AskedModel, asked_models, reads_sequences
from hilum.study.preparation import preparation
from hilum.study.sections import (
    Origin,
    Strict,
    UseText,
    Waiver,
    checked,
    name_of,
    plain,
    refuse_metric,
    refuse_unknown,
    section,
    title_of,
)

KNOWN = ("name", "title", "kind", "data", "split", "prepare", "use", "origin", "audit", "model")
PAGE = "your-data"
VALIDATION = 0.15  # share of train subjects that says when a model of sequences stops


class Audit(Strict):
    """Settings of the audit.

    Attributes:
        permutations: Permuted-labels controls of each model; HIL016 needs 20.
        interval_limit: The widest interval over subjects that is accepted, as a share of the estimate (HIL010).
        waive: Waivers by code.
    """

    permutations: int = Field(20, ge=0, le=1000)
    interval_limit: float = Field(1.0, gt=0)
    waive: tuple[Waiver, ...] = ()


class TableUse(UseText):
    """What the model is meant for, in words and in a figure.

    Attributes:
        prevalence: Share of positives where it will be used.
    """

    prevalence: float | None = Field(None, gt=0, lt=1)


@dataclass(frozen=True)
class TableStudy:
    """A study of a table, read.

    Attributes:
        path: The file.
        name: What its run is called.
        title: For people.
        table: The file, relative to the study's folder.
        dataset: The dataset that reads it.
        columns: What its columns are.
        split: How subjects are split.
        prepare: How features are made ready.
        models: What is compared, in order; the trivial predictor is added.
        metric: What settings are chosen by; empty for the task's leading metric.
        inner_folds: Folds of train over which they are chosen.
        use: What it is meant for.
        origin: Where the table comes from.
        audit: Settings of the audit.
    """

    path: Path
    name: str
    title: str
    table: str
    dataset: Any
    columns: Columns
    split: Rule
    prepare: Any
    models: tuple[AskedModel, ...]
    metric: str
    inner_folds: int
    use: TableUse
    origin: Origin
    audit: Audit

    @property
    def folder(self) -> Path:
        """The folder in which the table is looked for."""
        return self.path.parent


def read_table_study(path: Path, data: dict[str, Any]) -> TableStudy:
    """Check what a study file says of its table.

    Args:
        path: The file.
        data: What it holds.

    Raises:
        UsageError: a name, column or setting does not exist or does not fit.
    """
    where = str(path)
    refuse_unknown(data, KNOWN, where)
    asked = section(data, "data", where)
    table = str(asked.pop("table", ""))
    if not table:
        raise UsageError("there is no table", where=f"{where}, [data]", do='Name it: table = "patients.csv"')
    kind = kind_of(data, where)
    split, column = split_of(section(data, "split", where), where)
    columns = {**asked, "kind": kind, **({"split": column} if column else {})}
    # Columns bring numbers and lists into text themselves.
    roles = plain(Columns, columns, f"{where}, [data]", page=PAGE, by_itself=tuple(columns))
    return study_of(path, data, TableFile(path=table, columns=roles), roles, table, split)


def kind_of(data: dict[str, Any], where: str) -> str:
    """What the outcome is.

    Raises:
        UsageError: it is neither a class nor a number.
    """
    kind = data.get("kind", "classify")
    if kind not in ("classify", "regress"):
        raise unknown("kind", str(kind), ("classify", "regress"), where=where)
    return str(kind)


def study_of(
    path: Path, data: dict[str, Any], dataset: Any, columns: Columns, table: str, split: dict[str, Any]
) -> TableStudy:
    """What a study says beside its data.

    Args:
        path: The study's file.
        data: What it holds.
        dataset: Reads the table.
        columns: What its columns are.
        table: The file that it is called by.
        split: Settings of the split.

    Raises:
        UsageError: a name or setting that does not exist or does not fit.
    """
    where, in_time = str(path), bool(columns.sequence)
    metric, inner_folds = split.pop("tune_by", ""), split.pop("inner_folds", 3)
    if not isinstance(inner_folds, int) or inner_folds < 2:
        raise UsageError(
            f"inner_folds is {inner_folds!r}", where=f"{where}, [split]", do="Give a whole number from 2 on"
        )
    refuse_metric(metric, columns.kind, f"{where}, [split], tune_by")
    models = asked_models(data, columns.kind, metric, where, in_time=in_time, beside=bool(columns.beside))
    rule = plain(Rule, split, f"{where}, [split]", page=PAGE)
    held_out = rule.validation or rule.inner or "validation" in split or rule.name == "column"
    if not held_out and any(reads_sequences(one.model) for one in models):
        rule = replace(rule, validation=VALIDATION)
    return TableStudy(
        path=path,
        name=name_of(data, path),
        title=title_of(data, path),
        table=table,
        dataset=dataset,
        columns=columns,
        split=rule,
        prepare=preparation(section(data, "prepare", where), where, repeated=in_time, page=PAGE),
        models=models,
        metric=metric,
        inner_folds=inner_folds,
        use=checked(TableUse, section(data, "use", where), f"{where}, [use]"),
        origin=checked(Origin, section(data, "origin", where), f"{where}, [origin]"),
        audit=checked(Audit, section(data, "audit", where), f"{where}, [audit]"),
    )


def split_of(asked: dict[str, Any], where: str) -> tuple[dict[str, Any], str]:
    """Settings of the rule, and the column it reads.

    Raises:
        UsageError: a split by column without one.
    """
    column = str(asked.pop("column", ""))
    if "rule" in asked:
        asked["name"] = asked.pop("rule")
    elif column:
        asked["name"] = "column"
    if isinstance(asked.get("cut"), str):
        asked["cut"] = _date(asked["cut"], f"{where}, [split]")
    if isinstance(
        asked.get("cut"), date
    ):  # a date of TOML, as dates of a table: s since 1970, UTC where no zone is said
        cut = asked["cut"]
        moment = cut if isinstance(cut, datetime) else datetime(cut.year, cut.month, cut.day, tzinfo=UTC)
        asked["cut"] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if asked.get("name") == "column" and not column:
        raise UsageError("a split by column needs one", where=f"{where}, [split]", do='Name it: column = "fold"')
    return asked, column


def _date(text: str, where: str) -> date:
    """A date in quotation marks, as one without."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"cut is '{text}', and no date", where=where, do="Write: cut = 2024-01-31") from error
