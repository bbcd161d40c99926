"""study.toml: what a study of one's own says, read and checked before anything is computed.

    [data]     the table and what its columns are      (hilum.modalities.table.columns.Columns)
    [split]    how subjects are split                   (hilum.core.split.Rule)
    [prepare]  how features are made ready              (hilum.modalities.table.prepare.Prepare)
    [use]      what the model is meant for; goes into the report, and steers two checks
    [audit]    permutations, the widest interval that is accepted, waivers
    [[model]]  one block a model: its name, settings, and `tune` with candidates

A mistyped name is an error that gives the closest one that exists.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hilum.core.component import Spec as ComponentSpec
from hilum.core.component import build, change, default_of, describe, misfit
from hilum.core.errors import DataError, UsageError, unknown
from hilum.core.experiment import Search
from hilum.core.finder import get
from hilum.core.split import Rule
from hilum.engine.figures import metrics_of
from hilum.modalities.table.columns import Columns
from hilum.modalities.table.prepare import Prepare


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Waiver(_Strict):
    """A failed check that the author has an answer for: it shows in the report, and restores nothing."""

    code: str
    reason: str = Field(min_length=10)


class Audit(_Strict):
    """Settings of the audit.

    Attributes:
        permutations: Permuted-labels controls of each model; HIL016 needs 20.
        interval_limit: The widest interval over subjects that is accepted, as a share of the estimate (HIL010).
        waive: Waivers by code.
    """

    permutations: int = Field(20, ge=0, le=1000)
    interval_limit: float = Field(1.0, gt=0)
    waive: tuple[Waiver, ...] = ()


class UseText(_Strict):
    """What the model is meant for, in words and in two figures.

    Attributes:
        intended: Who will do what with a prediction.
        population: Eligibility: whose records these are, and who was left out.
        time_zero: When a prediction is made.
        horizon: Over which time the outcome is counted.
        outcome: How the outcome was defined and measured, and by whom.
        predictors: When and how the features were measured.
        dates: When the records are from.
        sites: Where they are from.
        excluded: Who was left out before the table was made: why, and how many records.
        future: Whether it is meant for later patients.
        prevalence: Share of positives where it will be used.
        limits: What a reader must know.
    """

    intended: str = ""
    population: str = ""
    time_zero: str = ""
    horizon: str = ""
    outcome: str = ""
    predictors: str = ""
    dates: str = ""
    sites: str = ""
    limits: str = ""
    excluded: tuple[tuple[str, int], ...] = ()
    future: bool | None = None
    prevalence: float | None = Field(None, gt=0, lt=1)


class Origin(_Strict):
    """Where the table comes from and what may be done with it; `access` decides what a report may show of a person."""

    source: str = ""
    licence: str = ""
    access: Literal["open", "registration", "credentialed", "private"] = "private"
    cite: tuple[str, ...] = ()
    synthetic: bool = False


@dataclass(frozen=True)
class AskedModel:
    """A model of the study.

    Attributes:
        model: Its settings.
        search: Settings to choose inside train, or None.
        title: For people.
    """

    model: Any
    search: Search | None
    title: str


@dataclass(frozen=True)
class StudyFile:
    """A study, read.

    Attributes:
        path: The file.
        name: What its run is called.
        title: For people.
        table: The table, relative to the study's folder.
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
    columns: Columns
    split: Rule
    prepare: Prepare
    models: tuple[AskedModel, ...]
    metric: str
    inner_folds: int
    use: UseText
    origin: Origin
    audit: Audit

    @property
    def folder(self) -> Path:
        """The folder in which the table is looked for."""
        return self.path.parent


KNOWN = ("name", "title", "kind", "data", "split", "prepare", "use", "origin", "audit", "model")
TRIVIAL = "constant_prediction"
DEFAULT_MODELS = {
    "classify": ("logistic_regression", "elastic_net", "random_forest", "gradient_boosting"),
    "regress": ("ridge_linear", "elastic_net", "random_forest", "gradient_boosting"),
}


def read_study(path: Path) -> StudyFile:
    """Read and check a study file.

    Raises:
        DataError: the file is missing or is no TOML.
        UsageError: a name, column or setting does not exist or does not fit.
    """
    data = _toml(path)
    where = str(path)
    for key in data:
        if key not in KNOWN:
            raise unknown("section", key, KNOWN, where=where)
    asked = _section(data, "data", where)
    table = str(asked.pop("table", ""))
    if not table:
        raise UsageError("there is no table", where=f"{where}, [data]", do='Name it: table = "patients.csv"')
    kind = data.get("kind", "classify")
    if kind not in ("classify", "regress"):
        raise unknown("kind", str(kind), ("classify", "regress"), where=where)
    rule, column = _split(_section(data, "split", where), where)
    metric, inner_folds = rule.pop("tune_by", ""), rule.pop("inner_folds", 3)
    if not isinstance(inner_folds, int) or inner_folds < 2:
        raise UsageError(
            f"inner_folds is {inner_folds!r}", where=f"{where}, [split]", do="Give a whole number from 2 on"
        )
    if metric and metric not in metrics_of(kind):
        raise unknown(f"{kind} metric", str(metric), metrics_of(kind), where=f"{where}, [split], tune_by")
    if metric and metrics_of(kind)[metric].direction == "none":
        raise UsageError(
            f"of '{metric}' neither way is better", where=f"{where}, [split], tune_by", do="Choose by another metric"
        )
    name = str(data.get("name", path.parent.resolve().name))
    if not re.fullmatch(r"[\w][\w .-]*", name) or ".." in name:
        raise UsageError(f"the name '{name}' cannot be a folder's", where=where, do="Take letters, digits, - and _")
    columns = _plain(Columns, {**asked, "kind": kind, **({"split": column} if column else {})}, f"{where}, [data]")
    return StudyFile(
        path=path,
        name=name,
        title=str(data.get("title", data.get("name", path.stem))),
        table=table,
        columns=columns,
        split=_plain(Rule, rule, f"{where}, [split]"),
        prepare=_plain(Prepare, _section(data, "prepare", where), f"{where}, [prepare]"),
        models=_models(data.get("model", [{"name": name} for name in DEFAULT_MODELS[kind]]), kind, metric, where),
        metric=metric,
        inner_folds=inner_folds,
        use=_checked(UseText, _section(data, "use", where), f"{where}, [use]"),
        origin=_checked(Origin, _section(data, "origin", where), f"{where}, [origin]"),
        audit=_checked(Audit, _section(data, "audit", where), f"{where}, [audit]"),
    )


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError(
            "there is no such study", where=str(path), do="Make one with `hilum new study NAME --table FILE`"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"the file is not UTF-8 (byte {error.start})", where=str(path), do="Save it as UTF-8"
        ) from error
    except tomllib.TOMLDecodeError as error:
        mend = "Mend the line that it names; paths are written with /"
        raise DataError(f"the file is no TOML: {error}", where=str(path), do=mend) from error


def _section(data: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    found = data.get(name, {})
    if not isinstance(found, dict):
        raise UsageError(f"'{name}' is no section", where=where, do=f"Write [{name}] on a line of its own")
    return dict(found)


def _split(asked: dict[str, Any], where: str) -> tuple[dict[str, Any], str]:
    """Settings of the rule, and the column it reads."""
    column = str(asked.pop("column", ""))
    if "rule" in asked:
        asked["name"] = asked.pop("rule")
    elif column:
        asked["name"] = "column"
    if isinstance(
        asked.get("cut"), date
    ):  # a date of TOML, as dates of a table: s since 1970, UTC where no zone is said
        cut = asked["cut"]
        moment = cut if isinstance(cut, datetime) else datetime(cut.year, cut.month, cut.day, tzinfo=UTC)
        asked["cut"] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if asked.get("name") == "column" and not column:
        raise UsageError("a split by column needs one", where=f"{where}, [split]", do='Name it: column = "fold"')
    return asked, column


def _plain(kind: Any, asked: dict[str, Any], where: str) -> Any:
    """A frozen dataclass from plain settings; a name that it does not have is an error that gives the closest."""
    known = {field.name for field in fields(kind)}
    for name in asked:
        if name not in known:
            raise unknown("setting", name, known, where=where)
    wrong = "" if kind is Columns else misfit(kind, asked)  # columns bring numbers and lists into text themselves
    if wrong:
        raise UsageError(wrong, where=where, do="See docs/how-to/your-data.md")
    spec = ComponentSpec(kind.__module__, kind.__qualname__, {key: _listed(value) for key, value in asked.items()})
    try:
        return build(spec)
    except TypeError as error:
        raise UsageError(
            f"a setting is of the wrong type: {error}", where=where, do="See docs/how-to/your-data.md"
        ) from error


def _listed(value: Any) -> Any:
    """A TOML table (feature = "column") as pairs, for settings are hashed."""
    return [[key, item] for key, item in value.items()] if isinstance(value, dict) else value


def _checked(kind: Any, asked: dict[str, Any], where: str) -> Any:
    for name in asked:
        if name not in kind.model_fields:
            raise unknown("setting", name, kind.model_fields, where=where)
    try:
        return kind.model_validate(asked)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"{place}: {first['msg'].lower()}", where=where, do="Mend the setting") from error


def _models(blocks: Any, kind: str, metric: str, where: str) -> tuple[AskedModel, ...]:
    if not isinstance(blocks, list) or not blocks:
        raise UsageError(
            "there is no model", where=where, do='Write a block: [[model]] and name = "logistic_regression"'
        )
    found = tuple(_model(block, kind, metric, f"{where}, [[model]] {number}") for number, block in enumerate(blocks, 1))
    titles = [asked.title for asked in found]
    twin = next((title for title in titles if titles.count(title) > 1), None)
    if twin:
        raise UsageError(f"two models are called '{twin}'", where=where, do="Give one of them a title of its own")
    for number, asked in enumerate(found):
        alike = next(
            (one.title for one in found[:number] if (one.model, one.search) == (asked.model, asked.search)), None
        )
        if alike:
            raise UsageError(
                f"'{alike}' and '{asked.title}' are the same model", where=where, do="Leave one of them out"
            )
        if describe(asked.model).name == TRIVIAL:
            raise UsageError(f"'{asked.title}' is the constant, which is always added", where=where, do="Leave it out")
    return found


def _model(block: dict[str, Any], kind: str, metric: str, where: str) -> AskedModel:
    if not isinstance(block, dict):
        raise UsageError(
            f"{block!r} is no block", where=where, do='Write [[model]] on a line, and below it name = "..."'
        )
    block = dict(block)
    name = str(block.pop("name", ""))
    title = str(block.pop("title", name.replace("_", " ")))
    tune = block.pop("tune", {})
    model = _settings_of(name, where)
    if kind not in getattr(model, "kinds", ()):
        raise UsageError(f"'{name}' does not {kind}", where=where, do=f"Choose one of {', '.join(model_names(kind))}")
    _need_types(model, block, where)
    model = change(model, **{key: tuple(v) if isinstance(v, list) else v for key, v in block.items()})
    if not tune:
        return AskedModel(model, None, title)
    if not isinstance(tune, dict) or not all(isinstance(values, list) and values for values in tune.values()):
        raise UsageError(
            "`tune` gives no candidates", where=where, do="Write: tune = { inverse_penalty = [0.01, 1.0] }"
        )
    for setting, values in tune.items():
        for value in values:
            _need_types(model, {setting: value}, f"{where}, tune")
            change(model, **{setting: value})
    over = tuple((setting, tuple(values)) for setting, values in tune.items())
    return AskedModel(model, Search(over, metric), title)


def _need_types(model: Any, settings: dict[str, Any], where: str) -> None:
    wrong = misfit(type(model), settings)
    if wrong:
        raise UsageError(wrong, where=where, do=f"See `hilum show model:{describe(model).name}`")


def _settings_of(name: str, where: str) -> Any:
    if not name:
        raise UsageError("a model has no name", where=where, do='Write: name = "logistic_regression"')
    try:
        found = get("models", name)
    except UsageError as error:
        raise UsageError(error.what, where=where, do=error.do) from error
    return default_of(found.load("settings" if found.has("settings") else ""))


def model_names(kind: str) -> list[str]:
    """Names of the models that can do a kind."""
    from hilum.core.finder import find

    return [name for name in find("models") if kind in getattr(_settings_of(name, ""), "kinds", ())]
