"""Components can be written down, read back and hashed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from hilum.core.component import Spec, build, canonical, change, describe, digest, parts_of
from hilum.core.errors import HilumError, UsageError
from hilum.models.least_mean_squares import LeastMeanSquares
from hilum.tasks.position_ahead import PositionAhead


@dataclass(frozen=True)
class Odd:
    thing: object = object()


def test_round_trip() -> None:
    task = PositionAhead(horizons_s=(0.5, 2.0))
    spec = Spec.from_json(describe(task).to_json())
    assert build(spec) == task
    assert spec.name == "position_ahead"


def test_equal_settings_have_equal_text() -> None:
    assert canonical({"b": 1, "a": (1, 2)}) == canonical({"a": [1, 2], "b": 1}) == '{"a":[1,2],"b":1}'
    assert digest(describe(PositionAhead()).to_json()) == digest(describe(PositionAhead()).to_json())
    assert digest({"a": 0.1}) != digest({"a": 0.1 + 1e-16 * 2})


def test_what_cannot_be_written_down_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be written down"):
        describe(Odd())
    with pytest.raises(UsageError, match="is not a component"):
        describe("text")


def test_a_mistyped_setting_names_the_closest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'train_s'"):
        change(PositionAhead(), trian_s=20.0)
    with pytest.raises(UsageError, match="train_s"):
        build(Spec("hilum.tasks.position_ahead", "PositionAhead", {"trian_s": 1.0}))


def test_only_dataclasses_are_built() -> None:
    with pytest.raises(UsageError, match="no component"):
        build(Spec("os", "system", {"command": "true"}))
    with pytest.raises(HilumError, match="cannot be imported"):
        build(Spec("hilum.models.never", "Never", {}))


def test_horizons_must_be_whole_samples() -> None:
    task = PositionAhead(horizons_s=(0.5, 1.0, 2.0))
    assert task.horizons(0.1) == (5, 10, 20)
    with pytest.raises(UsageError, match="no whole number of samples"):
        task.horizons(0.3)
    with pytest.raises(UsageError, match="ascending"):
        PositionAhead(horizons_s=(2.0, 1.0))
    with pytest.raises(UsageError, match="scoring begins"):
        PositionAhead(train_s=90.0)
    assert task.parts(1000, 0.1) == {"train": (0, 300), "choose": (300, 600), "score": (600, 1000)}


@dataclass(frozen=True)
class Several:
    """A component that holds others of any class."""

    inner: tuple[Any, ...] = ()
    names: tuple[str, ...] = ("a", "b")


def test_components_in_a_list_are_written_down_with_their_class_and_read_back() -> None:
    whole = Several(inner=(LeastMeanSquares(rate=1e-3), Several(inner=(PositionAhead(),)), 3))
    written = json.loads(canonical(describe(whole).to_json()))
    assert written["settings"]["inner"][0]["kind"] == "LeastMeanSquares"
    assert build(Spec.from_json(written)) == whole
    assert [type(part).__name__ for part in parts_of(whole)] == [
        "Several",
        "LeastMeanSquares",
        "Several",
        "PositionAhead",
    ]


def test_where_any_component_may_stand_it_says_which_it_is() -> None:
    from hilum.modalities.table.prepare import Prepare
    from hilum.tasks.predict_class import PredictClass

    task = PredictClass(prepare=Prepare(fill="mean"))
    written = describe(task)
    assert written.settings["prepare"]["kind"] == "Prepare"
    assert build(Spec.from_json(json.loads(json.dumps(written.to_json())))) == task
