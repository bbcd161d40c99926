"""Recipes: declared steps, fitted on train, stored, causal."""

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
from hilum.modalities.table.prepare import Prepare, Prepared
from hilum.modalities.table.recipe import MOST_LEVELS, FittedRecipe, Recipe, read_prepared
from hilum.modalities.table.sample import Table
from hilum.modalities.table.steps.clip import Clip
from hilum.modalities.table.steps.fill import Fill
from hilum.modalities.table.steps.flag_missing import FlagMissing
from hilum.modalities.table.steps.forward_fill import ForwardFill
from hilum.modalities.table.steps.history import History
from hilum.modalities.table.steps.impute_chained import ImputeChained
from hilum.modalities.table.steps.impute_nearest import ImputeNearest
from hilum.modalities.table.steps.own_function import OwnFunction
from hilum.modalities.table.steps.resample import Resample
from hilum.modalities.table.steps.scale import Scale
from hilum.modalities.table.steps.sklearn_step import SklearnStep
from tests.modalities.table.steps.strategies import sequences

pytestmark = pytest.mark.filterwarnings("ignore:All-NaN slice")

STEPS = (
    FlagMissing(),
    FlagMissing(on=("static",)),
    ForwardFill(),
    ForwardFill(at_most=4.0),
    History(of=("min", "max", "mean", "count", "last")),
    History(of=("median", "variance"), keep="history"),
    Scale(),
    Scale(by="band", but=("age",), beyond=3.0),
    Fill(by="median", on=("measured",)),
    Clip(by="train"),
    Clip(ranges=(("age", 60.0, 70.0),)),
    Resample(3.0, by="last"),
    OwnFunction("tests.modalities.table.steps.own:squared"),
    SklearnStep("MaxAbsScaler"),
    ImputeNearest(2),
    ImputeChained(2),
)


@st.composite
def recipes(draw: Any) -> Recipe:
    """Up to four steps in any order, each at most once (a flag of one name is made once), and a Fill at the end."""
    steps = draw(st.lists(st.sampled_from(STEPS), max_size=4, unique_by=lambda step: (type(step), step.along)))
    return Recipe((*steps, Fill(by="mean")))


def matrix(recipe: Recipe, train: Inputs, inputs: Inputs) -> np.ndarray[Any, np.dtype[np.float64]]:
    return recipe.fit(recipe.start(train)).apply(recipe.start(inputs))


def changed(inputs: Inputs, rows: np.ndarray[Any, np.dtype[np.bool_]]) -> Inputs:
    """Other values in some rows, where a feature may change within a sequence."""
    mask = pl.Series(rows)
    frame = inputs.features.with_columns(
        pl.when(mask).then(pl.col("a").fill_null(0.0) + 1e5).otherwise(pl.col("a")).alias("a"),
        pl.when(mask).then(None).otherwise(pl.col("b")).alias("b"),
        pl.when(mask).then(pl.lit("other")).otherwise(pl.col("ward")).alias("ward"),
    )
    return Inputs(frame, inputs.order, inputs.roles)


@given(recipes(), sequences(), sequences(), st.floats(0.0, 50.0))
@settings(max_examples=40, deadline=None)
def test_later_records_change_nothing_earlier(recipe: Recipe, train: Inputs, inputs: Inputs, now: float) -> None:
    assert inputs.order is not None
    later = inputs.order.step > now
    before = matrix(recipe, train, inputs)
    after = matrix(recipe, train, changed(inputs, later))
    assert before[~later].tobytes() == after[~later].tobytes()


@given(recipes(), sequences())
@settings(max_examples=40, deadline=None)
def test_stored_and_read_back(recipe: Recipe, inputs: Inputs) -> None:
    assert build(describe(recipe)) == recipe
    started = recipe.start(inputs)
    fitted = recipe.fit(started)
    again = read_prepared(json.loads(json.dumps(fitted.to_json())))
    assert again.settings == recipe
    assert again.fingerprint == fitted.fingerprint
    made = fitted.apply(started)
    assert made.shape == (inputs.height, len(fitted.names))
    assert np.isfinite(made).all()
    assert again.apply(started).tobytes() == made.tobytes()
    turned = Inputs(started.features.select(reversed(started.features.columns)), started.order, {})
    assert again.apply(turned).tobytes() == made.tobytes()
    assert {one.name for one in fitted.features} | {name for name, _ in fitted.dropped} >= set(inputs.features.columns)
    assert {one.name for one in fitted.features} <= set(inputs.features.columns)


@given(recipes(), sequences(), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_only_train_decides(recipe: Recipe, inputs: Inputs, seed: int) -> None:
    assert inputs.order is not None
    train = inputs.order.series <= inputs.order.series.max() // 2
    before = recipe.fit(recipe.start(inputs).take(train))
    after = recipe.fit(recipe.start(changed(inputs, ~train)).take(train))
    assert before.fingerprint == after.fingerprint


@given(recipes(), sequences(), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_the_order_of_a_file_leaves_no_trace(recipe: Recipe, inputs: Inputs, seed: int) -> None:
    assert inputs.order is not None
    order = np.random.default_rng(seed).permutation(inputs.height)
    rows = pl.DataFrame(
        {
            "item": [f"r{n:02d}" for n in range(inputs.height)],
            "sequence": [f"s{n}" for n in inputs.order.series],
            "step": inputs.order.step,
        }
    )
    one = Table("t", rows, inputs.features, static=("age",)).inputs
    other = Table("t", rows[order], inputs.features[order], static=("age",)).inputs
    assert recipe.fit(recipe.start(one)).fingerprint == recipe.fit(recipe.start(other)).fingerprint
    assert matrix(recipe, one, one).tobytes() == matrix(recipe, other, other).tobytes()


WARDS = Inputs(
    pl.DataFrame(
        {
            "hr": [80.0, None, 100.0, 90.0],
            "sex": ["f", "m", None, "f"],
            "ward": ["a", "b", "c", None],
            "one": ["x", None, "x", "x"],
            "none": pl.Series([None] * 4, dtype=pl.String),
            "age": [50.0, 50.0, 60.0, 60.0],
        }
    ),
    Order(np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 0.0, 1.0])),
    {"age": "static", "sex": "static"},
)


def test_by_hand() -> None:
    recipe = Recipe((FlagMissing(), ForwardFill(), Fill(by="zero")))
    assert recipe.rowwise
    started = recipe.start(WARDS)
    assert started.features.columns[6:] == ["hr is missing", "ward is missing", "one is missing", "none is missing"]
    fitted = recipe.fit(started)
    assert fitted.names == (
        "sex=m", "age", "hr", "ward=a", "ward=b", "ward=c", "one=x",
        "hr is missing", "ward is missing", "one is missing", "none is missing",
    )  # fmt: skip
    assert fitted.dropped == (("none", "no value in train"),)
    assert [one.name for one in fitted.features] == ["hr", "sex", "ward", "one", "age"]
    assert fitted.apply(started).tolist() == [
        [0, 50, 80, 1, 0, 0, 1, 0, 0, 0, 1],
        [1, 50, 80, 0, 1, 0, 1, 1, 0, 1, 1],
        [0, 60, 100, 0, 0, 1, 1, 0, 0, 0, 1],
        [0, 60, 90, 0, 0, 1, 1, 0, 1, 0, 1],
    ]
    unseen = Inputs(started.features.with_columns(ward=pl.lit("z"), sex=pl.lit("x")), started.order, started.roles)
    assert not fitted.apply(unseen)[:, [0, 3, 4, 5]].any()


def test_what_still_is_missing_is_refused() -> None:
    with pytest.raises(DataError, match=r"column 'hr': 1 values are still missing .*End with Fill"):
        Recipe((FlagMissing(),)).fit(Inputs(WARDS.features.select("hr")))
    fitted = Recipe(()).fit(Inputs(pl.DataFrame({"x": [1.0]})))
    with pytest.raises(DataError, match="End with Fill"):
        fitted.apply(pl.DataFrame({"x": [None]}, schema={"x": pl.Float64}))


def test_many_levels() -> None:
    levels = [f"l{n:03d}" for n in range(MOST_LEVELS + 10)]
    frame = pl.DataFrame({"code": [*levels, *levels[20:]]})
    fitted = Recipe((Fill(),)).fit(Inputs(frame))
    assert len(fitted.names) == MOST_LEVELS
    assert "code=l000" in fitted.names  # of equally rare ones the first
    assert "code=l019" not in fitted.names
    assert fitted.apply(frame)[19].sum() == 0
    assert fitted.warnings(frame).height == 0  # they were seen, all the same


def test_warnings_by_hand() -> None:
    recipe = Recipe((FlagMissing(), ForwardFill(), Scale(), Fill()))
    fitted = recipe.fit(recipe.start(WARDS))
    new = Inputs(
        pl.DataFrame(
            {
                "hr": [79.0, None, 101.5],
                "sex": ["f", None, "x"],
                "ward": ["a", "z", None],
                "one": ["x"] * 3,
                "none": pl.Series([None] * 3, dtype=pl.String),
                "age": [50.0, None, 60.0],
            }
        ),
        Order(np.array([0, 1, 2]), np.zeros(3)),
        WARDS.roles,
    )
    expected = [
        (0, "hr", "below", "79.0", 80.0, 100.0),
        (1, "ward", "unseen", "z", None, None),
        (1, "age", "missing", None, 50.0, 60.0),
        (2, "hr", "above", "101.5", 80.0, 100.0),
        (2, "sex", "unseen", "x", None, None),
    ]
    assert [row for row in fitted.warnings(new.features).rows() if row[2] != "missing" or row[1] == "age"] == expected
    started = recipe.start(new)
    assert fitted.warnings(started).filter(pl.col("problem") != "missing").rows() == [
        row for row in expected if row[2] != "missing"
    ]
    assert fitted.warnings(recipe.start(WARDS)).height == 0
    assert fitted.warnings(new).schema == Prepare().fit(WARDS.features).warnings(new.features).schema


def test_features_must_be_the_same() -> None:
    recipe = Recipe((FlagMissing(), Fill()))
    started = recipe.start(WARDS)
    fitted = recipe.fit(started)
    with pytest.raises(DataError, match=r"'hr' is missing.*leave its cells empty"):
        fitted.apply(started.features.drop("hr"))
    with pytest.raises(DataError, match=r"'hr is missing' is missing.*`start`"):
        fitted.apply(WARDS)
    with pytest.raises(DataError, match=r"'hrr' was not there .*Did you mean 'hr'"):
        fitted.apply(started.features.with_columns(hrr=1.0))
    with pytest.raises(DataError, match="it is a category, and was a number"):
        fitted.apply(started.features.with_columns(hr=pl.lit("fast")))
    with pytest.raises(DataError, match="it is a number, and was a category"):
        fitted.apply(started.features.with_columns(sex=pl.lit(1.0)))
    fitted.apply(started.features.drop("none"))  # what was dropped may be absent
    unknown = fitted.apply(started.features.with_columns(sex=pl.lit(None, pl.Float64), hr=pl.lit(None, pl.String)))
    assert not unknown[:, :1].any()
    along = Recipe((Scale(), ForwardFill(), Fill())).fit(WARDS)
    with pytest.raises(DataError, match="nothing says which records belong together"):
        along.apply(WARDS.features)


def test_refusals() -> None:
    with pytest.raises(UsageError, match="is not a step"):
        Recipe((Prepare(),))
    with pytest.raises(DataError, match="no train record"):
        Recipe(()).fit(Inputs(WARDS.features.head(0)))
    with pytest.raises(DataError, match="infinite value"):
        Recipe((FlagMissing(),)).start(Inputs(pl.DataFrame({"x": [1.0, np.inf]})))
    with pytest.raises(DataError, match="neither a number nor text"):
        Recipe(()).fit(Inputs(pl.DataFrame({"x": [True]})))
    with pytest.raises(DataError, match="two columns of the recipe would be called 'sex=m'"):
        Recipe(()).fit(Inputs(pl.DataFrame({"sex=m": [1.0, 2.0], "sex": ["f", "m"]})))


def test_damaged_json_is_refused() -> None:
    good = Recipe((Scale(), Fill())).fit(Inputs(pl.DataFrame({"x": [1.0, 2.0]}))).to_json()
    assert isinstance(read_prepared(good), FittedRecipe)
    scaled, filled = good["steps"]
    for bad in (
        {**good, "format": 9},
        {**good, "steps": good["steps"][:1]},
        {**good, "steps": [{**scaled, "scale": [0.0]}, filled]},
        {**good, "steps": [scaled, {"columns": ["x"]}]},
        {**good, "features": [{"name": "x"}]},
        {**good, "settings": None},
    ):
        with pytest.raises(HilumError, match="Run the study again"):
            read_prepared(bad)
    assert isinstance(read_prepared(Prepare().fit(pl.DataFrame({"x": [1.0, 2.0]})).to_json()), Prepared)
