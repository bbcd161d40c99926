"""What holds for every task kind."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import hilum.core.kinds
from hilum.core.kinds.forecast import ForecastModel
from hilum.core.model import Trainable
from hilum.core.task import Task
from hilum.models.hold_last import HoldLast
from hilum.tasks.position_ahead import PositionAhead

KINDS = sorted(path.stem for path in Path(hilum.core.kinds.__path__[0]).glob("[a-z]*.py"))


def test_there_are_eight() -> None:
    assert KINDS == ["act", "classify", "detect", "forecast", "generate", "regress", "retrieve", "segment"]


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_says_what_one_record_is(name: str) -> None:
    kind = importlib.import_module(f"hilum.core.kinds.{name}")
    assert kind.__doc__
    assert kind.__doc__.startswith(f"{name}: ")
    assert "Record" in kind.__doc__
    assert kind.TITLE
    assert kind.ROLES
    assert {"item", "target", "prediction"} <= set(kind.RECORD)
    assert "published" in kind.PROTOCOLS


def test_contracts_tell_what_keeps_them() -> None:
    assert isinstance(HoldLast(), ForecastModel)
    assert isinstance(PositionAhead(), Task)
    assert not isinstance(HoldLast(), Trainable)
