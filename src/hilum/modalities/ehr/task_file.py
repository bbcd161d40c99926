"""Task files: a cohort in TOML that a clinician can read, change and sign.

title = "Death in intensive care"         label = "icu_death"        a file of `labels/`
kind = "classify"                          one of classify, regress
label_is = "one a stay"                    or "hourly"
window = { from = 0, until = 24 }          hours that a model sees; until = 168 at most, or the end of the stay
stop_at = "death"                          or "onset" (with stop_after hours), or left out
onset = { before = 6, after = 6 }          hourly labels of an event: true from `before` hours ahead of its onset to `after` behind
classes = ["left alive", "died"]           of a classification: without the event, with it
made_from = ["crea", "urine"]              variables that the label is made from and that a model sees too
horizon = "..."  gap = "..."               in words, for reports

[[criterion]]                              in this order; each prints a line of the attrition table
say = "younger than 18 years"
exclude = "age"
below = 18

[rules.yaib] and [rules.clean]             see `rules.py`
"""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hilum.core.errors import DataError, UsageError, unknown
from hilum.modalities.ehr.clock import LONGEST_HOURS
from hilum.modalities.ehr.criteria import Criterion, criterion_from
from hilum.modalities.ehr.rules import PRESETS, Rules, rules_from

OUR_COHORTS = Path(__file__).parent / "cohorts"
KINDS = ("classify", "regress")
SHAPES = ("one a stay", "hourly")
STOPS = ("", "death", "onset")
_KEYS = (
    *("title", "label", "kind", "label_is", "unit", "window", "stop_at", "stop_after", "onset", "horizon", "gap"),
    *("classes", "made_from", "criterion", "rules", "note", "cite"),
)


@dataclass(frozen=True)
class CohortTask:
    """What a task file says.

    Attributes:
        name: The file's name without its ending.
        title: In words.
        label: File of `labels/` that makes the label.
        kind: "classify" or "regress".
        label_is: "one a stay" or "hourly".
        unit: Of a number.
        first: First hour that a model sees.
        last: Last hour that a model sees.
        stop_at: "death", "onset" or "": what ends the window early.
        stop_after: Hours behind the onset that are still kept.
        before: Hours ahead of an onset from which an hourly label is true.
        after: Hours behind an onset until which it is true.
        horizon: What is predicted how far ahead, in words.
        gap: What lies between the window and the outcome, in words.
        classes: Names of the classes, the event last; empty where a number is asked, or where they have no names.
        made_from: Variables that the label is made from and that a model sees too.
        criteria: In order.
        rules: Preset to rules.
        note: What a reader should know.
        cite: Sources.
    """

    name: str
    title: str
    label: str
    kind: str
    label_is: str
    criteria: tuple[Criterion, ...]
    rules: Mapping[str, Rules]
    unit: str = ""
    first: int = 0
    last: int = LONGEST_HOURS
    stop_at: str = ""
    stop_after: int = 0
    before: int = 0
    after: int = 0
    horizon: str = ""
    gap: str = ""
    classes: tuple[str, ...] = ()
    made_from: tuple[str, ...] = ()
    note: str = ""
    cite: tuple[str, ...] = ()

    def rules_of(self, preset: str, **settings: str) -> Rules:
        """The rules of a preset, with single settings replaced.

        Raises:
            UsageError: the preset, a setting or its choice does not exist.
        """
        if preset not in self.rules:
            raise unknown("preset of rules", preset, self.rules, where=f"task '{self.name}'")
        for name in settings:
            if not hasattr(Rules, name):
                raise unknown("rule", name, Rules.__dataclass_fields__, where=f"task '{self.name}'")
        return replace(self.rules[preset], **settings)


def task_named(name: str) -> CohortTask:
    """One of our cohorts: mortality24, aki, sepsis, kidney_function, length_of_stay.

    Raises:
        UsageError: there is none of that name.
    """
    path = OUR_COHORTS / f"{name}.toml"
    if not path.is_file():
        raise unknown("cohort", name, (found.stem for found in OUR_COHORTS.glob("*.toml")))
    return read_task(path)


def read_task(path: Path) -> CohortTask:
    """Read a task file.

    Raises:
        DataError: the file is no TOML.
        UsageError: a key, label, criterion or rule does not exist or contradicts another.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"the task file cannot be read: {error}", where=str(path), do="Mend the file") from error
    where = str(path)
    for key in data:
        if key not in _KEYS:
            raise unknown("key", key, _KEYS, where=where)
    for key in ("title", "label", "kind", "label_is"):
        if not isinstance(data.get(key), str):
            raise UsageError(f"'{key}' is missing", where=where, do="See hilum.modalities.ehr.task_file")
    for key, allowed in (("kind", KINDS), ("label_is", SHAPES), ("stop_at", STOPS)):
        if data.get(key, "") not in allowed:
            raise unknown(key, str(data.get(key)), allowed, where=where)
    if importlib.util.find_spec(f"hilum.modalities.ehr.labels.{data['label']}") is None:
        raise unknown("label", data["label"], _label_names(), where=where)
    window, onset = data.get("window", {}), data.get("onset", {})
    first, last = _hour(window, "from", 0, where), _hour(window, "until", LONGEST_HOURS, where)
    if not 0 <= first <= last <= LONGEST_HOURS:
        raise UsageError(
            f"the window is {first} to {last} h", where=where, do=f"Choose hours from 0 to {LONGEST_HOURS}"
        )
    presets = data.get("rules", {})
    for preset in presets:
        if preset not in PRESETS:
            raise unknown("preset of rules", preset, PRESETS, where=where)
    return CohortTask(
        path.stem,
        data["title"],
        data["label"],
        data["kind"],
        data["label_is"],
        tuple(
            criterion_from(entry, where=f"{where}, criterion {n}")
            for n, entry in enumerate(data.get("criterion", ()), 1)
        ),
        {preset: rules_from(presets.get(preset, {}), where=f"{where}, [rules.{preset}]") for preset in PRESETS},
        unit=str(data.get("unit", "")),
        first=first,
        last=last,
        stop_at=data.get("stop_at", ""),
        stop_after=_hour(data, "stop_after", 0, where),
        before=_hour(onset, "before", 0, where),
        after=_hour(onset, "after", 0, where),
        horizon=str(data.get("horizon", "")),
        gap=str(data.get("gap", "")),
        classes=_classes(data, where),
        made_from=_names(data, "made_from", where),
        note=str(data.get("note", "")),
        cite=tuple(data.get("cite", ())),
    )


def _names(data: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    listed = data.get(key, [])
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise UsageError(f"'{key}' is {listed!r}", where=where, do='List names: ["crea", "urine"]')
    return tuple(listed)


def _classes(data: Mapping[str, Any], where: str) -> tuple[str, ...]:
    names = _names(data, "classes", where)
    if names and (len(set(names)) != 2 or len(names) != 2 or data["kind"] != "classify"):
        raise UsageError(
            f"the classes are {list(names)}", where=where, do="Name two, the event last, where a class is asked"
        )
    return names


def _label_names() -> list[str]:
    folder = Path(__file__).parent / "labels"
    return [path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")]


def _hour(table: Any, key: str, default: int, where: str) -> int:
    value = table.get(key, default) if isinstance(table, Mapping) else None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UsageError(f"'{key}' is {value!r}", where=where, do="Give whole hours, e.g. { from = 0, until = 24 }")
    return value
