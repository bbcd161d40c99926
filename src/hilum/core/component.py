"""Components: frozen settings that can be written down, read back and hashed.

A dataset, task or model in a cell is a frozen dataclass. Its specification is its module, its class and its settings as
plain JSON; the same specification always gives the same text and so the same hash, on any machine.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import typing
from types import ModuleType, UnionType
from typing import Any, ClassVar, Protocol

from hilum.core.errors import HilumError, UsageError, unknown


class Component(Protocol):
    """Any frozen dataclass of plain settings."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Spec:
    """A component written down.

    Attributes:
        module: Where its class lives, e.g. `hilum.models.least_mean_squares`.
        kind: The class name.
        settings: Field name to value, as JSON would hold it.
    """

    module: str
    kind: str
    settings: dict[str, Any]

    @property
    def name(self) -> str:
        """The name it goes by in its room: the last part of its module, without a private tail."""
        parts = self.module.split(".")
        return parts[-2] if parts[-1] in {"dataset", "settings"} else parts[-1]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"module": self.module, "kind": self.kind, "settings": self.settings}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Spec:
        """Read what `to_json` wrote."""
        return cls(data["module"], data["kind"], data["settings"])


def describe(component: Any) -> Spec:
    """Write a component down."""
    if not _is_component(component):
        raise UsageError(
            f"{component!r} is not a component",
            do="Datasets, tasks and models are instances of frozen dataclasses, e.g. LeastMeanSquares(rate=1e-4)",
        )
    return Spec(type(component).__module__, type(component).__qualname__, _plain(component))


def build(spec: Spec) -> Any:
    """Make the component that `spec` describes; its module must be importable, and the class a dataclass in it."""
    try:
        module = importlib.import_module(spec.module)
    except ModuleNotFoundError as error:
        raise HilumError(
            f"the module '{spec.module}' cannot be imported ({error})",
            do="Install the package that it belongs to, or the extra that it needs",
        ) from error
    kind = getattr(module, spec.kind, None)
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise unknown("component", spec.kind, [n for n in vars(module) if n[:1].isupper()], where=spec.module)
    fields = {field.name for field in dataclasses.fields(kind)}
    for name in spec.settings:
        if name not in fields:
            raise unknown("setting", name, fields, where=f"{spec.module}.{spec.kind}")
    return _made(kind, spec.settings)


def default_of(module: ModuleType) -> Any:
    """The one public dataclass that a module of a room defines, with its default settings.

    Raises:
        HilumError: it defines none, or several.
    """
    kinds = [
        thing
        for name, thing in vars(module).items()
        if isinstance(thing, type)
        and dataclasses.is_dataclass(thing)
        and not name.startswith("_")
        and thing.__module__ == module.__name__
    ]
    if len(kinds) != 1:
        raise HilumError(f"the module defines {len(kinds)} public dataclasses", where=module.__name__, do="Define one")
    return kinds[0]()


def change(component: Any, **settings: Any) -> Any:
    """The same component with other settings; a mistyped name is an error that gives the closest one."""
    fields = {field.name for field in dataclasses.fields(component)}
    for name in settings:
        if name not in fields:
            raise unknown("setting", name, fields, where=type(component).__name__)
    return dataclasses.replace(component, **settings)


def misfit(kind: Any, settings: dict[str, Any]) -> str:
    """Which setting is of another type than the dataclass `kind` declares, in words; empty where all fit.

    Numbers, text, truth values, choices, tuples and what may be None are looked at; other types are left to the class itself.
    """
    hints = typing.get_type_hints(kind)
    for name, value in settings.items():
        if name in hints and not _fits(hints[name], value):
            return f"{name} is {value!r}, and should be {_in_words(hints[name])}"
    return ""


def _fits(hint: Any, value: Any) -> bool:
    origin, choices = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return value in choices
    if origin in (typing.Union, UnionType):
        return any(_fits(choice, value) for choice in choices)
    if hint is type(None):
        return value is None
    if hint is bool:
        return isinstance(value, bool)
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool)
    if hint is str:
        return isinstance(value, str)
    return not (hint is tuple or origin is tuple) or isinstance(value, list | tuple)


def _in_words(hint: Any) -> str:
    origin, choices = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " or ".join(repr(choice) for choice in choices)
    if origin in (typing.Union, UnionType):
        return " or ".join(_in_words(choice) for choice in choices)
    if hint is tuple or origin is tuple:
        return "a list"
    words = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): "left out"}
    return words.get(hint, str(hint))


def canonical(data: Any) -> str:
    """One text for equal data: sorted keys, no spaces, floats at full precision."""
    return json.dumps(_plain(data), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(data: Any) -> str:
    """SHA-256 of the canonical text, hexadecimal."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def parts_of(component: Any) -> tuple[Any, ...]:
    """A component and every component inside it, outermost first."""
    found = [component]
    for field in dataclasses.fields(component):
        value = getattr(component, field.name)
        for inner in value if isinstance(value, list | tuple) else (value,):
            if _is_component(inner):
                found += parts_of(inner)
    return tuple(found)


def _is_component(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _plain(value: Any) -> Any:
    if _is_component(value):
        return {field.name: _setting(field, getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        # A list may hold components of any class (the experts of a mixture), so each says which it is.
        return [describe(item).to_json() if _is_component(item) else _plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise UsageError(
        f"a setting of type {type(value).__name__} cannot be written down",
        where=repr(value)[:80],
        do="Settings are numbers, text, booleans, tuples and nested dataclasses",
    )


def _setting(field: dataclasses.Field[Any], value: Any) -> Any:
    # Where any component may stand (the preprocessing of a task, the parts of a two-stage model), it says which it is.
    open_to_all = field.type in ("Any", Any)
    return describe(value).to_json() if open_to_all and _is_component(value) else _plain(value)


def _made(kind: Any, settings: dict[str, Any]) -> Any:
    """A dataclass from plain settings; a setting that is a dataclass itself is made from its own."""
    hints = typing.get_type_hints(kind) if any(isinstance(value, dict) for value in settings.values()) else {}
    return kind(
        **{
            name: _made(hints[name], value)
            if isinstance(value, dict) and dataclasses.is_dataclass(hints.get(name))
            else _frozen(value)
            for name, value in settings.items()
        }
    )


def _frozen(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"module", "kind", "settings"}:
        return build(Spec.from_json(value))
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value
