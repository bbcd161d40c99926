"""Own function: a step that the reader writes: `function(values, names) -> (values, names)`.

    values   (rows, columns) float64, NaN where missing, of the selected columns; the answer has the same rows
    names    (columns,) what they are called

It is imported when it is used, learns nothing, and is called for train and for new records apart. With reads = "sequences" it is called
for one sequence at a time, its rows in ascending order of time; with "records" for all rows at once, and must then answer for each row
from that row alone: the poisoned-future probe (HIL005) sees where it does not. A column that it hands back under a name that it was
given keeps its role; others are "derived".

The digest of the module's text is a setting, so a changed function is another recipe and redoes the cells. What that module imports is
not in the digest.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hilum.core.errors import DataError, HilumError, UsageError
from hilum.modalities.table.inputs import Role
from hilum.modalities.table.steps._carrier import Array, Carrier
from hilum.modalities.table.steps._step import Stateless, check_choice, check_roles

Reads = Literal["records", "sequences"]


@dataclass(frozen=True)
class OwnFunction(Stateless):
    """Settings.

    Attributes:
        function: "package.module:name".
        reads: What it is handed at once: all "records", or one of the "sequences".
        on: Roles of the columns that it is given, and that its answer replaces.
        but: Columns that it is not given.
        digest: SHA-256 of its module's text; filled in where it is not given.
    """

    function: str
    reads: Reads = "records"
    on: tuple[Role, ...] = ("measured",)
    but: tuple[str, ...] = ()
    digest: str = ""

    def __post_init__(self) -> None:
        """Refuse settings that make no sense, and note what the function's module says."""
        check_choice(self, "reads", Reads)
        check_roles(self)
        module, _, name = self.function.partition(":")
        if not module or not name.isidentifier():
            raise UsageError(f"function is '{self.function}'", where="OwnFunction", do='Write "package.module:name"')
        if not self.digest:
            object.__setattr__(self, "digest", _digest(module))

    @property
    def along(self) -> bool:  # type: ignore[override] # by its settings
        """Whether it is handed sequences."""
        return self.reads == "sequences"

    @property
    def leads(self) -> bool:
        """Never done for all records at once: nobody knows what it looks at."""
        return False

    def apply(self, carrier: Carrier) -> Carrier:
        """With the selected columns replaced by the function's, after the others.

        Raises:
            HilumError: the function cannot be imported, or its module has changed since.
            DataError: its answer has other rows, no names, or other columns for another sequence.
        """
        function = self._imported()
        places = carrier.chosen(self.on, self.but, where="OwnFunction")
        names, values = carrier.called(places), carrier.values[:, places]
        bounds = carrier.starts if self.along else np.array([0, carrier.rows])
        answers = [self._answer(function, values[start:end].copy(), names) for start, end in pairwise(bounds.tolist())]
        called = {answer[1] for answer in answers}
        if len(called) != 1:
            raise self._odd("it gives one sequence other columns than another")
        roles = dict(zip(carrier.names, carrier.roles, strict=True))
        new = answers[0][1]
        given = [roles[name] if name in names else "derived" for name in new]
        return carrier.without(places).joined(np.concatenate([answer[0] for answer in answers]), new, given)

    def _imported(self) -> Callable[[Array, tuple[str, ...]], Any]:
        module, _, name = self.function.partition(":")
        if _digest(module) != self.digest:
            raise HilumError(
                "its module has changed since the run", where=f"function '{self.function}'", do="Run the study again"
            )
        function = getattr(importlib.import_module(module), name, None)
        if not callable(function):
            raise UsageError(f"the module '{module}' has no function '{name}'", where="OwnFunction")
        found: Callable[[Array, tuple[str, ...]], Any] = function
        return found

    def _answer(
        self, function: Callable[..., Any], values: Array, names: tuple[str, ...]
    ) -> tuple[Array, tuple[str, ...]]:
        answer = function(values, names)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise self._odd("it does not answer with values and names")
        new, called = np.asarray(answer[0], dtype=np.float64), tuple(map(str, answer[1]))
        if new.shape != (len(values), len(called)):
            raise self._odd(f"it answers {new.shape} to {values.shape} with {len(called)} names")
        return new, called

    def _odd(self, what: str) -> DataError:
        return DataError(what, where=f"function '{self.function}'", do="Return (rows, columns) values and their names")


def _digest(module: str) -> str:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise UsageError(
            f"there is no module '{module}'", where="OwnFunction", do="Install it, or run where it can be imported"
        )
    return hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()
