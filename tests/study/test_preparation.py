"""The [prepare] section: steps by their files' names, every one of them."""

from __future__ import annotations

from typing import Any

import pytest

from hilum.core.errors import UsageError
from hilum.modalities.table.prepare import Prepare
from hilum.modalities.table.recipe import Recipe
from hilum.modalities.table.steps.fill import Fill
from hilum.modalities.table.steps.scale import Scale
from hilum.study import preparation as module
from hilum.study.preparation import preparation, step_names


def prepared(asked: dict[str, Any], *, repeated: bool = True) -> Any:
    return preparation(asked, "study.toml", repeated=repeated, page="your-data")


@pytest.mark.parametrize("name", step_names())
def test_every_step_file_has_a_class_of_its_name(name: str) -> None:
    kind = module.step_kind(name)
    assert all(hasattr(kind, each) for each in ("learns", "fit"))


def test_the_usual_steps_stand_where_nothing_is_said() -> None:
    assert [type(step).__name__ for step in prepared({}).steps] == ["FlagMissing", "ForwardFill", "Scale", "Fill"]
    assert prepared({}, repeated=False) == Prepare()


def test_settings_go_to_the_step() -> None:
    made = prepared({"steps": [{"step": "scale", "by": "band", "band": [0.1, 0.9]}, {"step": "fill", "by": "mean"}]})
    assert made == Recipe((Scale(by="band", band=(0.1, 0.9)), Fill(by="mean")))
    assert prepared({"steps": ["scale", "fill"]}, repeated=False) == Recipe((Scale(), Fill()))


def test_a_table_of_settings_goes_to_scikit_learn() -> None:
    made = prepared({"steps": ["fill", {"step": "sklearn_step", "name": "PCA", "settings": {"n_components": 3}}]})
    assert made.steps[1].settings == (("n_components", 3),)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"steps": [{"step": "fil"}]}, "'fill'"),
        ({"steps": [{"step": "fill", "bye": "mean"}]}, "'by'"),
        ({"steps": [{"step": "fill", "by": "midle"}]}, "midle"),
        ({"steps": [{"by": "mean"}]}, "is no step"),
        ({"steps": "fill"}, "steps is 'fill'"),
        ({"steps": [], "fill": "mean"}, "'fill' stands beside a list of steps"),
        ({"fill": "mean"}, "'fill' is a setting of single records"),
    ],
)
def test_what_does_not_fit_is_said_with_the_closest_name(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as found:
        prepared(asked)
    assert told in str(found.value)
