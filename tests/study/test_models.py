"""The [[model]] blocks: models inside others do their own part, and what does not fit is refused before anything is fitted."""

from __future__ import annotations

from typing import Any

import pytest

from hilum.core.errors import UsageError
from hilum.models.light_gbm.settings import LightGBM
from hilum.models.random_forest import RandomForest
from hilum.models.ridge_linear import RidgeLinear
from hilum.study.models import asked_models


def model(block: dict[str, Any], *, beside: bool = True) -> Any:
    return asked_models({"model": [block]}, "classify", "auroc", "study.toml", in_time=True, beside=beside)[0].model


def test_the_number_of_two_stages_is_a_regressor_by_name_or_with_settings() -> None:
    asked = {"name": "two_stage", "outcome": {"name": "light_gbm", "rounds": 50}, "number": "ridge_linear"}
    assert model(asked).outcome == LightGBM(rounds=50)
    assert model(asked).number == RidgeLinear()
    asked = {"name": "two_stage", "number": {"name": "random_forest", "trees": 7}}
    assert model(asked).number == RandomForest(trees=7)
    tuned = asked_models(
        {"model": [{"name": "two_stage", "number": "random_forest", "tune": {"number": ["ridge_linear"]}}]},
        "classify",
        "auroc",
        "study.toml",
    )
    assert tuned[0].search is not None
    assert tuned[0].search.over == (("number", (RidgeLinear(),)),)


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (
            {"name": "two_stage", "number": "logistic_regression"},
            "[[model]] 1, number: 'logistic_regression' does not regress",
        ),
        ({"name": "two_stage", "outcome": "ridge_linear"}, "[[model]] 1, outcome: 'ridge_linear' does not classify"),
        ({"name": "light_gbm", "round": 50}, "study.toml, [[model]] 1: LightGBM: no setting is called 'round'"),
        (
            {"name": "two_stage", "outcome": {"name": "light_gbm", "round": 5}},
            "[[model]] 1, outcome: LightGBM: no setting",
        ),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(block: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as found:
        model(block)
    assert told in str(found.value)


def test_models_of_an_outcome_and_a_number_need_the_number() -> None:
    with pytest.raises(UsageError, match="no number stands there") as found:
        model({"name": "two_stage"}, beside=False)
    assert "take the model out" in str(found.value)
    with pytest.raises(UsageError, match='answers = "outcome"'):
        model({"name": "gru", "answers": "joint"}, beside=False)
    assert model({"name": "gru"}, beside=False).answers == "outcome"
