"""Resampling, own functions and scikit-learn's transformers as steps."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.core.component import build, describe
from hilum.core.errors import DataError, HilumError, UsageError
from hilum.core.sequence import Order
from hilum.modalities.table.inputs import Inputs
from hilum.modalities.table.recipe import Recipe, read_prepared
from hilum.modalities.table.steps import own_function
from hilum.modalities.table.steps.fill import Fill
from hilum.modalities.table.steps.own_function import OwnFunction
from hilum.modalities.table.steps.resample import Resample
from hilum.modalities.table.steps.sklearn_step import TRANSFORMERS, SklearnStep
from tests.modalities.table.steps import loops
from tests.modalities.table.steps.strategies import matrix, sequences

OWN = "tests.modalities.table.steps.own"


@given(sequences(), st.floats(0.5, 12.0), st.sampled_from(["mean", "last", "sum", "max", "min"]))
@settings(deadline=None)
def test_resample_as_loops(inputs: Inputs, every: float, by: Any) -> None:
    assert inputs.order is not None
    found = matrix(Recipe((Resample(every, by=by),)).start(inputs), "a", "b")
    values, series, step = matrix(inputs, "a", "b"), inputs.order.series, inputs.order.step
    for row, column in np.ndindex(values.shape):
        first = step[series == series[row]].min()
        same = [
            other
            for other in np.argsort(step)
            if series[other] == series[row]
            and step[other] <= step[row]
            and (step[other] - first) // every == (step[row] - first) // every
            and not np.isnan(values[other, column])
        ]
        expected = loops.figure(by, [float(values[other, column]) for other in same])
        np.testing.assert_allclose(found[row, column], expected, rtol=1e-9, atol=1e-6)


def test_resample_by_hand() -> None:
    inputs = Inputs(
        pl.DataFrame({"x": [1.0, 3.0, None, 5.0, 7.0]}),
        Order(np.array([0, 0, 0, 0, 1]), np.array([10.0, 11.0, 12.0, 13.9, 0.0])),
    )
    assert Recipe((Resample(2.0),)).start(inputs).features["x"].to_list() == [1.0, 2.0, None, 5.0, 7.0]
    assert Recipe((Resample(4.0, by="sum"),)).start(inputs).features["x"].to_list() == [1.0, 4.0, 4.0, 9.0, 7.0]
    with pytest.raises(UsageError, match="every is 0"):
        Resample(0.0)


HOURS = Inputs(
    pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "age": [9.0, 9.0, 8.0, 8.0]}),
    Order(np.array([0, 0, 1, 1]), np.array([1.0, 0.0, 0.0, 1.0])),
    {"age": "static"},
)


def test_own_function() -> None:
    recipe = Recipe((OwnFunction(f"{OWN}:squared"), Fill()))
    assert recipe.rowwise
    assert recipe.start(HOURS) is HOURS  # never for train and test at once
    fitted = recipe.fit(HOURS)
    assert fitted.names == ("age", "x", "x squared")
    assert fitted.apply(HOURS)[:, 2].tolist() == [1.0, 4.0, 9.0, 16.0]
    counted = Recipe((OwnFunction(f"{OWN}:steps_so_far", reads="sequences"),))
    assert not counted.rowwise
    assert counted.fit(HOURS).apply(HOURS)[:, 1].tolist() == [2.0, 1.0, 1.0, 2.0]
    assert build(describe(recipe)) == recipe


def test_a_changed_function_is_another_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe((OwnFunction(f"{OWN}:squared"),))
    stored = json.loads(json.dumps(recipe.fit(HOURS).to_json()))
    monkeypatch.setattr(own_function, "_digest", lambda module: "changed")
    assert Recipe((OwnFunction(f"{OWN}:squared"),)) != recipe
    with pytest.raises(HilumError, match="its module has changed"):
        read_prepared(stored).apply(HOURS)


def test_own_functions_that_do_not_fit() -> None:
    for name, problem, reads in (
        ("shortened", r"answers \(3, 1\) to \(4, 1\)", "records"),
        ("bare", "does not answer with values and names", "records"),
        ("by_length", "one sequence other columns", "sequences"),
    ):
        inputs = Inputs(HOURS.features, Order(np.array([0, 0, 0, 1]), np.arange(4.0)), HOURS.roles)
        with pytest.raises(DataError, match=problem):
            Recipe((OwnFunction(f"{OWN}:{name}", reads=reads),)).fit(inputs)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no function 'cubed'"):
        Recipe((OwnFunction(f"{OWN}:cubed"),)).fit(HOURS)
    with pytest.raises(UsageError, match="no module 'nowhere'"):
        OwnFunction("nowhere:f")
    with pytest.raises(UsageError, match=r"package.module:name"):
        OwnFunction("squared")


SETTINGS: dict[str, tuple[tuple[str, Any], ...]] = {
    "QuantileTransformer": (("n_quantiles", 20), ("output_distribution", "normal")),
    "SplineTransformer": (("n_knots", 4),),
    "PCA": (("n_components", 2),),
    "RobustScaler": (("quantile_range", (10.0, 90.0)),),
}


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_as_scikit_learn_and_stored(name: str) -> None:
    import importlib

    random = np.random.default_rng(1)
    train, new = random.lognormal(size=(120, 3)), random.lognormal(size=(30, 3))
    given = SETTINGS.get(name, ())
    kind = getattr(importlib.import_module(TRANSFORMERS[name][0]), name)
    expected = kind(**dict(given)).fit(train).transform(new)
    step = SklearnStep(name, given)
    recipe = Recipe((step,))
    assert build(describe(recipe)) == recipe
    frames = [Inputs(pl.from_numpy(one, schema=["x", "y", "z"], orient="row")) for one in (train, new)]
    fitted = recipe.fit(frames[0])
    found = fitted.apply(frames[1])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    again = read_prepared(json.loads(json.dumps(fitted.to_json())))
    assert again.fingerprint == fitted.fingerprint
    assert again.apply(frames[1]).tobytes() == found.tobytes()
    if TRANSFORMERS[name][1]:
        assert fitted.names == ("x", "y", "z")


def test_scikit_learn_refuses() -> None:
    frame = Inputs(pl.DataFrame({"x": [1.0, None, 3.0], "ward": ["a", "b", "a"]}))
    with pytest.raises(UsageError, match=r"no transformer is called 'StandartScaler'.*Did you mean 'StandardScaler'"):
        SklearnStep("StandartScaler")
    with pytest.raises(UsageError, match="no setting of PCA is called 'n_component'"):
        Recipe((SklearnStep("PCA", (("n_component", 1),)),)).fit(frame)
    with pytest.raises(DataError, match=r"NaN.*Put a Fill before it"):
        Recipe((SklearnStep("PCA"),)).fit(frame)
    with pytest.raises(DataError, match="no column is selected"):
        Recipe((SklearnStep("PCA", on=("flag",)),)).fit(frame)
    filled = Recipe((Fill(), SklearnStep("PCA")))
    fitted = filled.fit(frame)
    assert fitted.names == ("ward=b", "pca0")
    stored = fitted.to_json()
    stored["steps"][1]["scikit-learn"] = "0.1"
    with pytest.raises(HilumError, match=r"fitted by scikit-learn 0.1.*Run the study again"):
        read_prepared(stored)
