"""What a step of a recipe offers, and what it shares with the other steps."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, ClassVar, Protocol, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import HilumError, UsageError, unknown
from hilum.modalities.table.steps._carrier import ROLES, Carrier

S = TypeVar("S", bound="Stateless")


class FittedStep(Protocol):
    """A step that has learned what it needs."""

    def apply(self, carrier: Carrier) -> Carrier:
        """The columns after the step; what is handed in stays as it is."""
        ...

    def to_json(self) -> dict[str, Any]:
        """What was learned, as plain data."""
        ...


class Step(Protocol):
    """Settings of a step."""

    @property
    def learns(self) -> bool:
        """Whether it must be fitted on train."""
        ...

    @property
    def along(self) -> bool:
        """Whether a record's columns depend on other records of its sequence."""
        ...

    @property
    def leads(self) -> bool:
        """Whether it can be done once for all records: it learns nothing and takes no column away."""
        ...

    def fit(self, carrier: Carrier) -> FittedStep:
        """Learn from train records."""
        ...

    def read(self, data: Mapping[str, Any]) -> FittedStep:
        """Read what the fitted step's `to_json` gave."""
        ...

    def makes(self, name: str) -> tuple[str, ...]:
        """Names of the columns that it would add for a column."""
        ...


class Settled:
    """What most steps say of themselves; a step that differs says so."""

    learns: ClassVar[bool] = False
    along: ClassVar[bool] = False

    @property
    def leads(self) -> bool:
        """Whether it can be done once for all records."""
        return not self.learns

    def makes(self, name: str) -> tuple[str, ...]:
        """Names of the columns that it would add for a column: none."""
        return ()


class Stateless(Settled):
    """A step that learns nothing is its own fitted step."""

    def fit(self: S, carrier: Carrier) -> S:
        """Nothing is learned."""
        return self

    def to_json(self) -> dict[str, Any]:
        """Nothing was learned."""
        return {}

    def read(self: S, data: Mapping[str, Any]) -> S:
        """Nothing was learned."""
        return self


def plain(fitted: Any) -> dict[str, Any]:
    """A fitted step whose fields are numbers, text and tuples of them, as plain data."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(fitted).items()}


def made(kind: Any, data: Mapping[str, Any]) -> Any:
    """Read what `plain` gave.

    Raises:
        KeyError: a field is missing.
    """
    given = {field.name: data[field.name] for field in fields(kind)}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})


def packed(array: NDArray[Any]) -> dict[str, Any]:
    """An array as plain data, equal to the last bit: its type, its shape and its bytes in base 64."""
    whole = np.asarray(array, order="C")
    return {"type": whole.dtype.str, "shape": list(whole.shape), "bytes": base64.b64encode(whole.tobytes()).decode()}


def unpacked(data: Mapping[str, Any]) -> NDArray[Any]:
    """Read what `packed` gave.

    Raises:
        HilumError: the bytes do not make the array.
    """
    try:
        kind = np.dtype(data["type"])
        if kind.kind not in "fiub":
            raise ValueError(f"an array of {kind}")
        return np.frombuffer(base64.b64decode(data["bytes"]), kind).reshape(data["shape"]).copy()
    except (KeyError, TypeError, ValueError) as error:
        raise HilumError(f"an array is damaged: {error}", where="preprocess.json", do="Run the study again") from error


def check_choice(step: Any, setting: str, choices: Any) -> None:
    """Refuse a setting that is none of the choices (a Literal)."""
    value = getattr(step, setting)
    if value not in get_args(choices):
        raise unknown(f"value of {setting}", str(value), get_args(choices), where=type(step).__name__)


def check_roles(step: Any) -> None:
    """Refuse a role in `on` that does not exist."""
    if isinstance(step.on, str) or not step.on:
        raise UsageError(f"on is {step.on!r}", where=type(step).__name__, do='Write roles as a tuple: on=("measured",)')
    for role in step.on:
        if role not in ROLES:
            raise unknown("role", role, ROLES, where=type(step).__name__)
