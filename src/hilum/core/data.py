"""Dataset: what is there, and may I use it? A table of items that loads typed samples, and a card.

    provides (dataset: role -> field)   --bind-->   needs (task: role -> type and unit)

Items join on ids, never on position. A dataset is a frozen dataclass of settings (a sampling rate, a release); where its
files lie is not a setting: the engine finds the folder (see `hilum.core.locate`) and hands it to `items` and `load`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from hilum.core.errors import UsageError, unknown


@dataclass(frozen=True)
class Field:
    """What a dataset offers under a role: the field's own name, its type and its unit."""

    name: str
    type: str
    unit: str = ""


@dataclass(frozen=True)
class Need:
    """What a task asks of a role; an empty unit accepts any."""

    type: str
    unit: str = ""


@dataclass(frozen=True)
class Item:
    """One row of a dataset.

    Attributes:
        id: Unique within the dataset, for its settings.
        subject: Whose item it is; None where who is who is not known.
        files: The files it is made of, relative to the dataset's folder.
        attributes: What else is known of it (site, device, group), as text.
    """

    id: str
    subject: str | None
    files: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Dataset(Protocol):
    """Settings of a dataset; `name` is its folder in the room `datasets` and in the data directory."""

    @property
    def provides(self) -> Mapping[str, Field]:
        """Role to field."""
        ...

    def items(self, folder: Path) -> Sequence[Item]:
        """Every item found in `folder`."""
        ...

    def load(self, folder: Path, item: Item) -> Any:
        """The typed sample of one item (e.g. `hilum.modalities.series.sample.Series`)."""
        ...


def bind(provides: Mapping[str, Field], needs: Mapping[str, Need], *, dataset: str, task: str) -> dict[str, Field]:
    """Join what a dataset provides to what a task needs; the only place where the two meet.

    Raises:
        UsageError: a role is not provided, or has another type or unit; the closest field is named.
    """
    bound: dict[str, Field] = {}
    for role, need in needs.items():
        where = f"dataset '{dataset}', task '{task}'"
        if role not in provides:
            raise unknown("role", role, provides, where=where)
        offered = provides[role]
        if offered.type != need.type:
            raise UsageError(
                f"the role '{role}' is a {offered.type} (field '{offered.name}') where the task needs a {need.type}",
                where=where,
                do=f"Provide a field of type {need.type} under the role '{role}'",
            )
        if need.unit and offered.unit != need.unit:
            raise UsageError(
                f"the role '{role}' is in {offered.unit or 'no unit'} (field '{offered.name}') "
                f"where the task needs {need.unit}",
                where=where,
                do=f"Convert the field to {need.unit}, or state its true unit in what the dataset provides",
            )
        bound[role] = offered
    return bound
