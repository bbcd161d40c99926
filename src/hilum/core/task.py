"""Task: what is asked? Needs (roles with type and unit), target, unit of analysis, split rule, metrics.

A task never names a column. Its settings are in seconds and millimetres, so that it means the same for every dataset.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from hilum.core.data import Need


@runtime_checkable
class Task(Protocol):
    """Settings of a task.

    Attributes:
        kind: A task kind: a file in `hilum.core.kinds`.
        unit: What one score belongs to (a recording, a patient, a stay).
        leading_metric: The metric that choices and comparisons with the trivial predictor use.
        trivial: The model that any other must beat, by its name in the room `models`.
    """

    @property
    def kind(self) -> str:
        """A task kind."""
        ...

    @property
    def needs(self) -> Mapping[str, Need]:
        """Role to what is asked of it."""
        ...

    @property
    def unit(self) -> str:
        """What one score belongs to."""
        ...

    @property
    def leading_metric(self) -> str:
        """The metric used for choices."""
        ...

    @property
    def trivial(self) -> str:
        """The model that any other must beat."""
        ...
