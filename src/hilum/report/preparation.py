"""Preparation: how features were made ready, in words, from the settings that cells stored. Report rooms never import a step.

prepare.settings = {"module": ..., "kind": "Prepare" | "Recipe", "settings": {...}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TITLES = {
    "fill": "a missing number becomes",
    "missing": "a missing value",
    "scale": "numbers are scaled",
    "outside": "numbers beyond the range of train",
    "rare_below": "levels of a category are pooled",
    "most_levels": "levels of a category with a column",
}
_WORDS = {
    ("missing", "flag"): "gets a column beside it that says so",
    ("missing", "ignore"): "gets no column of its own",
    ("scale", "standard"): "to mean 0 and standard deviation 1 of train",
    ("scale", "none"): "not at all",
    ("outside", "keep"): "are kept",
    ("outside", "clip"): "are clipped to it",
    ("fill", "zero"): "zero",
}
_FORMS = {
    "fill": "the {} of train",
    "rare_below": "below {} train records",
    "most_levels": "at most {}",
}
_IMPUTERS = {
    "ImputeNearest": "the mean of the nearest train records",
    "ImputeChained": "chained equations fitted on train",
    "ImputeBrits": "a recurrent network fitted on train",
}


def rows(prepare: Mapping[str, Any]) -> list[tuple[str, str]]:
    """One row a setting; of a recipe, one a step in its order."""
    settings = _settings(prepare)
    if "steps" in settings:
        return [
            (f"step {place}", f"{_named(step['kind'])}{_told(step['settings'])}")
            for place, step in enumerate(settings["steps"], start=1)
        ]
    return [
        (
            _TITLES.get(name, name.replace("_", " ")),
            _WORDS.get((name, str(value))) or _FORMS.get(name, "{}").format(value),
        )
        for name, value in settings.items()
    ]


def fill(prepare: Mapping[str, Any]) -> str:
    """What stands for a missing number, as in "filled by ..."; empty where nothing says so."""
    settings = _settings(prepare)
    if "steps" not in settings:
        by = str(settings.get("fill", ""))
        return "zero" if by == "zero" else f"the {by} of train" if by else ""
    found = []
    for step in settings["steps"]:
        kind, given = step["kind"], step["settings"]
        if kind == "ForwardFill":
            found.append("the last value of the sequence")
        elif kind in _IMPUTERS:
            found.append(_IMPUTERS[kind])
        elif kind == "Fill":
            by = str(given["by"])
            fixed = {"zero": "zero", "constant": f"{given['value']:g}"}
            found.append(fixed.get(by, f"the {by.replace('_', ' ')} of train"))
    return ", then by ".join(found)


def flagged(prepare: Mapping[str, Any]) -> bool:
    """Whether a column beside a feature says that it was missing."""
    settings = _settings(prepare)
    if "steps" in settings:
        return any(step["kind"] == "FlagMissing" for step in settings["steps"])
    return settings.get("missing") == "flag"


def _settings(prepare: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = prepare.get("settings", prepare)
    return found


def _named(kind: str) -> str:
    """`FlagMissing` as "flag missing"."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind).strip()


def _told(settings: Mapping[str, Any]) -> str:
    said = [
        f"{name.replace('_', ' ')} {', '.join(map(str, value)) if isinstance(value, list | tuple) else value}"
        for name, value in settings.items()
        if value not in (None, [], (), "")
    ]
    return f": {'; '.join(said)}" if said else ""
