"""The [[model]] blocks of a study: a name, settings of that model, a title, and `tune` with candidates to choose from."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from hilum.core.component import change, default_of, describe, misfit, parts_of
from hilum.core.errors import UsageError, unknown
from hilum.core.experiment import Search
from hilum.core.finder import find, get
from hilum.core.kinds.forecast import ForecastModel

TRIVIAL = {"classify": "constant_prediction", "regress": "constant_prediction", "forecast": "hold_last"}
USUAL = {
    "classify": ("logistic_regression", "elastic_net", "random_forest", "gradient_boosting"),
    "regress": ("ridge_linear", "elastic_net", "random_forest", "gradient_boosting"),
    "forecast": ("least_mean_squares", "recursive_least_squares", "mixture"),
}
USUAL_IN_TIME = {
    "classify": ("logistic_regression", "gradient_boosting", "gru"),
    "regress": ("ridge_linear", "gradient_boosting", "gru"),
}


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


def asked_models(
    data: dict[str, Any], kind: str, metric: str, where: str, *, in_time: bool = False, beside: bool = True
) -> tuple[AskedModel, ...]:
    """The models of a study, in order; the usual ones where it lists none.

    Args:
        data: The study file.
        kind: "classify", "regress" or "forecast".
        metric: What settings are chosen by.
        where: The file, for errors.
        in_time: Of a table: whether its records belong together in time, so that models of sequences can read them.
        beside: Whether a number stands beside the outcome, so that models can answer both.

    Raises:
        UsageError: a model or setting that does not exist or does not fit, or the same model twice.
    """
    usual = USUAL_IN_TIME[kind] if in_time else USUAL[kind]
    blocks = data.get("model", [{"name": name} for name in usual])
    if not isinstance(blocks, list) or not blocks:
        raise UsageError("there is no model", where=where, do=f'Write a block: [[model]] and name = "{usual[0]}"')
    found = tuple(_model(block, kind, metric, f"{where}, [[model]] {number}") for number, block in enumerate(blocks, 1))
    if kind != "forecast" and not in_time:
        _refuse_sequences(found, kind, where)
    if not beside:
        _refuse_joint(found, where)
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
        if describe(asked.model).name == TRIVIAL[kind]:
            told = "holds the last value, which" if kind == "forecast" else "is the constant, which"
            raise UsageError(f"'{asked.title}' {told} is always added", where=where, do="Leave it out")
    return found


def _refuse_sequences(models: tuple[AskedModel, ...], kind: str, where: str) -> None:
    """Models of sequences need a table whose records belong together in time, and those inside others do, too."""
    for number, asked in enumerate(models, 1):
        if any(reads_sequences(part) for part in parts_of(asked.model)):
            names = ", ".join(name for name in model_names(kind) if not reads_sequences(_settings_of(name, where)))
            raise UsageError(
                f"'{describe(asked.model).name}' reads records in time, and this is a table of single records",
                where=f"{where}, [[model]] {number}",
                do=f"Name the columns `sequence` and `step` in [data], or choose one of {names}",
            )


def _refuse_joint(models: tuple[AskedModel, ...], where: str) -> None:
    """Models that answer an outcome and a number need both in the table."""
    for number, asked in enumerate(models, 1):
        if getattr(asked.model, "answers", "outcome") == "joint":
            settable = any(setting.name == "answers" for setting in fields(asked.model))
            raise UsageError(
                f"'{asked.title}' answers the outcome and a number beside it, and no number stands there",
                where=f"{where}, [[model]] {number}",
                do='Name its column in [data], e.g. beside = "days_left" (of events: left = true), or '
                + ('set answers = "outcome"' if settable else "take the model out"),
            )


def reads_sequences(model: Any) -> bool:
    """Whether a model is handed sequences, not single records."""
    return getattr(model, "reads", "records") == "sequences"


def only(models: tuple[AskedModel, ...], names: tuple[str, ...], *, where: str) -> tuple[AskedModel, ...]:
    """Those of these names, by title or by the model's own; all where none is named.

    Raises:
        UsageError: the study has no such model.
    """
    if not names:
        return models
    by_name = {one.title: one for one in models}
    by_module = {describe(one.model).name: one for one in models}
    chosen = []
    for name in names:
        found = by_name.get(name) or by_module.get(name.replace("-", "_")) or by_name.get(name.replace("_", " "))
        if found is None:
            raise unknown("model", name, by_name, where=where)
        chosen.append(found)
    return tuple(chosen)


def model_names(kind: str) -> list[str]:
    """Names of the models that can do a kind."""
    return [name for name in find("models") if _can(_settings_of(name, ""), kind)]


def _can(model: Any, kind: str) -> bool:
    return isinstance(model, ForecastModel) if kind == "forecast" else kind in getattr(model, "kinds", ())


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
    if not _can(model, kind):
        raise UsageError(f"'{name}' does not {kind}", where=where, do=f"Choose one of {', '.join(model_names(kind))}")
    model = _with(model, block, kind, where)
    if not tune:
        return AskedModel(model, None, title)
    if not isinstance(tune, dict) or not all(isinstance(values, list) and values for values in tune.values()):
        raise UsageError(
            "`tune` gives no candidates", where=where, do="Write: tune = { inverse_penalty = [0.01, 1.0] }"
        )
    over = []
    for setting, values in tune.items():
        candidates = [_with(model, {setting: value}, kind, f"{where}, tune") for value in values]
        over.append((setting, tuple(getattr(candidate, setting) for candidate in candidates)))
    return AskedModel(model, Search(tuple(over), metric), title)


def _with(model: Any, settings: dict[str, Any], kind: str, where: str) -> Any:
    """The model with these settings, each of the type that it declares; a list of models may be a list of names."""
    wrong = misfit(type(model), settings)
    if wrong:
        raise UsageError(wrong, where=where, do=f"See `hilum show model:{describe(model).name}`")
    plain = {}
    for name, value in settings.items():
        usual = getattr(type(model)(), name, None)
        if is_dataclass(usual):
            # A part does what its usual model does: the regressor of two stages does not classify.
            its = kind if _can(usual, kind) else str(getattr(usual, "kinds", (kind,))[0])
            plain[name] = _inner(value, its, f"{where}, {name}")
            continue
        of_models = any(is_dataclass(part) for part in _several(getattr(model, name, ())))
        made = [_inner(part, kind, f"{where}, {name}") for part in _several(value)] if of_models else value
        plain[name] = tuple(made) if isinstance(made, list) else made
    try:
        return change(model, **plain)
    except UsageError as error:
        raise UsageError(
            f"{error.where}: {error.what}" if error.where else error.what, where=where, do=error.do
        ) from error


def _several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else ()


def _inner(part: Any, kind: str, where: str) -> Any:
    """A model inside another: its name, or its name with settings."""
    settings = {"name": part} if isinstance(part, str) else part
    return _model(settings, kind, "", where).model


def _settings_of(name: str, where: str) -> Any:
    if not name:
        raise UsageError("a model has no name", where=where, do='Write: name = "logistic_regression"')
    try:
        found = get("models", name)
    except UsageError as error:
        raise UsageError(error.what, where=where, do=error.do) from error
    return default_of(found.load("settings" if found.has("settings") else ""))
