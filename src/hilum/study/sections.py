"""Sections of a study file: read as TOML, each into its own frozen dataclass or model, mistyped names refused with the closest one.

What a study says whatever it is about stands here too: [use], [origin], waivers of [audit].
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hilum.core.component import Spec as ComponentSpec
from hilum.core.component import build, misfit
from hilum.core.errors import DataError, UsageError, unknown
from hilum.engine.figures import metrics_of


class Strict(BaseModel):
    """Settings that are frozen, and know no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Waiver(Strict):
    """A failed check that the author has an answer for: it shows in the report, and restores nothing."""

    code: str
    reason: str = Field(min_length=10)


class UseText(Strict):
    """What the model is meant for, in words.

    Attributes:
        intended: Who will do what with a prediction.
        population: Eligibility: whose records these are, and who was left out.
        time_zero: When a prediction is made.
        horizon: Over which time the outcome is counted.
        outcome: How the outcome was defined and measured, and by whom.
        predictors: When and how the features were measured.
        dates: When the records are from.
        sites: Where they are from.
        excluded: Who was left out before the data were gathered: why, and how many records.
        future: Whether it is meant for later patients.
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


class Origin(Strict):
    """Where the table comes from and what may be done with it; `access` decides what a report may show of a person."""

    source: str = ""
    licence: str = ""
    access: Literal["open", "registration", "credentialed", "private"] = "private"
    cite: tuple[str, ...] = ()
    synthetic: bool = False


def read_toml(path: Path) -> dict[str, Any]:
    """The whole file.

    Raises:
        DataError: it is missing, is not UTF-8, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError(
            "there is no such study",
            where=str(path),
            do="Make one with `hilum new study NAME --table FILE` (or --trace, --film)",
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"the file is not UTF-8 (byte {error.start})", where=str(path), do="Save it as UTF-8"
        ) from error
    except tomllib.TOMLDecodeError as error:
        mend = "Mend the line that it names; paths are written with /"
        raise DataError(f"the file is no TOML: {error}", where=str(path), do=mend) from error


def section(data: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    """A section as a dictionary of its own; empty where it is not there.

    Raises:
        UsageError: the name stands for something else.
    """
    found = data.get(name, {})
    if not isinstance(found, dict):
        raise UsageError(f"'{name}' is no section", where=where, do=f"Write [{name}] on a line of its own")
    return dict(found)


def refuse_unknown(data: dict[str, Any], known: Collection[str], where: str) -> None:
    """Refuse a section that a study of this sort does not have."""
    for key in data:
        if key not in known:
            raise unknown("section", key, known, where=where)


def name_of(data: dict[str, Any], path: Path) -> str:
    """What the run is called: as stated, or like the study's folder.

    Raises:
        UsageError: it cannot be a folder's name.
    """
    name = str(data.get("name", path.parent.resolve().name))
    if not re.fullmatch(r"[\w][\w .-]*", name) or ".." in name:
        raise UsageError(f"the name '{name}' cannot be a folder's", where=str(path), do="Take letters, digits, - and _")
    return name


def title_of(data: dict[str, Any], path: Path) -> str:
    """For people: the title, the name, or the file's."""
    return str(data.get("title", data.get("name", path.stem)))


def plain(kind: Any, asked: dict[str, Any], where: str, *, page: str, by_itself: Collection[str] = ()) -> Any:
    """A frozen dataclass from plain settings.

    Args:
        kind: The dataclass.
        asked: Its settings.
        where: The section, for errors.
        page: The page of docs/how-to that explains it.
        by_itself: Settings whose types the dataclass brings into order itself.

    Raises:
        UsageError: a name that it does not have (the closest is given), or a value of the wrong type.
    """
    known = {field.name for field in fields(kind)}
    for name in asked:
        if name not in known:
            raise unknown("setting", name, known, where=where)
    see = f"See docs/how-to/{page}.md"
    given = {name: value if name in by_itself else _listed(value) for name, value in asked.items()}
    wrong = misfit(kind, {name: value for name, value in given.items() if name not in by_itself})
    if wrong:
        raise UsageError(wrong, where=where, do=see)
    spec = ComponentSpec(kind.__module__, kind.__qualname__, {key: _listed(value) for key, value in asked.items()})
    try:
        return build(spec)
    except UsageError as error:
        raise UsageError(error.what, where=f"{where}, {error.where}" if error.where else where, do=error.do) from error
    except TypeError as error:
        raise UsageError(f"a setting is of the wrong type: {error}", where=where, do=see) from error


def _listed(value: Any) -> Any:
    """A TOML table (feature = "column") as pairs, for settings are hashed."""
    return [[key, item] for key, item in value.items()] if isinstance(value, dict) else value


def checked(kind: Any, asked: dict[str, Any], where: str) -> Any:
    """A model of pydantic from plain settings; errors as in `plain`."""
    for name in asked:
        if name not in kind.model_fields:
            raise unknown("setting", name, kind.model_fields, where=where)
    try:
        return kind.model_validate(asked)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"{place}: {first['msg'].lower()}", where=where, do="Mend the setting") from error


def refuse_metric(metric: str, kind: str, where: str) -> None:
    """Refuse a metric to choose settings by that the kind does not have, or of which neither way is better."""
    if metric and metric not in metrics_of(kind):
        raise unknown(f"{kind} metric", str(metric), metrics_of(kind), where=where)
    if metric and metrics_of(kind)[metric].direction == "none":
        raise UsageError(f"of '{metric}' neither way is better", where=where, do="Choose by another metric")
