"""The [prepare] section of a study: settings of `Prepare`, or a list of steps, which are a recipe.

    [prepare]
    fill = "mean"                                                                     Prepare: single records
    steps = [{ step = "flag_missing" }, { step = "forward_fill" }, { step = "scale" }, { step = "fill", by = "median" }]

A step is called as its file in `hilum.modalities.table.steps`, and has the settings of its class. Tables whose records belong together in
time are prepared by the recipe above where a study says nothing.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from hilum.core.errors import UsageError, unknown
from hilum.modalities.table.prepare import Prepare
from hilum.study.sections import plain

STEPS = "hilum.modalities.table.steps"
USUAL_STEPS: tuple[dict[str, Any], ...] = (
    {"step": "flag_missing"},
    {"step": "forward_fill"},
    {"step": "scale"},
    {"step": "fill", "by": "median"},
)


def preparation(asked: dict[str, Any], where: str, *, repeated: bool, page: str) -> Any:
    """`Prepare`, or a recipe.

    Args:
        asked: The section.
        where: The file, for errors.
        repeated: Whether records belong together in time.
        page: The page of docs/how-to that explains it.

    Raises:
        UsageError: a step or setting that does not exist (the closest is named), or that does not fit.
    """
    where = f"{where}, [prepare]"
    if "steps" not in asked and not (repeated and not asked):
        if repeated:
            raise UsageError(
                f"'{next(iter(asked))}' is a setting of single records",
                where=where,
                do='List steps: steps = [{ step = "flag_missing" }, { step = "forward_fill" }, { step = "scale" }, { step = "fill" }]',
            )
        return plain(Prepare, asked, where, page=page)
    from hilum.modalities.table.recipe import Recipe

    for name in asked:
        if name != "steps":
            raise UsageError(
                f"'{name}' stands beside a list of steps", where=where, do="Make it a step, or leave the list out"
            )
    listed = asked.get("steps", list(USUAL_STEPS))
    if not isinstance(listed, list) or not listed:
        raise UsageError(
            f"steps is {listed!r}", where=where, do='Write: steps = [{ step = "scale" }, { step = "fill" }]'
        )
    made = [_step(one, f"{where}, step {number}", page) for number, one in enumerate(listed, 1)]
    return Recipe(tuple(made))


def step_names() -> list[str]:
    """Names of all steps."""
    package = importlib.import_module(STEPS)
    return sorted(found.name for found in pkgutil.iter_modules(package.__path__) if not found.name.startswith("_"))


def step_kind(name: str) -> Any:
    """The class of a step: called as its file."""
    return getattr(importlib.import_module(f"{STEPS}.{name}"), "".join(part.title() for part in name.split("_")))


def _step(asked: Any, where: str, page: str) -> Any:
    asked = {"step": asked} if isinstance(asked, str) else asked
    if not isinstance(asked, dict) or not isinstance(asked.get("step"), str):
        raise UsageError(f"{asked!r} is no step", where=where, do='Write: { step = "fill", by = "median" }')
    settings = dict(asked)
    name = settings.pop("step")
    if name not in step_names():
        raise unknown("step", name, step_names(), where=where)
    return plain(step_kind(name), settings, where, page=page)
