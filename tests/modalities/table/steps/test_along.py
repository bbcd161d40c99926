"""Steps that look along a sequence, against slow loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.core.errors import DataError, UsageError
from hilum.core.sequence import Order
from hilum.modalities.table.inputs import Inputs
from hilum.modalities.table.recipe import Recipe
from hilum.modalities.table.steps import history as module
from hilum.modalities.table.steps.flag_missing import FlagMissing
from hilum.modalities.table.steps.forward_fill import ForwardFill
from hilum.modalities.table.steps.history import Figure, History
from tests.modalities.table.steps import loops
from tests.modalities.table.steps.strategies import matrix, sequences

FIGURES: tuple[Figure, ...] = ("min", "max", "mean", "count", "last", "median", "variance")

HOURS = Inputs(
    pl.DataFrame({"hr": [None, 80.0, None, 90.0, 60.0, None], "ward": [None, "a", None, "b", None, "a"]}),
    Order(np.array([0, 0, 0, 0, 1, 1]), np.array([0.0, 1.0, 2.0, 5.0, 0.0, 9.0])),
)


@given(sequences(), st.sampled_from(FIGURES))
def test_history_as_loops(inputs: Inputs, figure: Figure) -> None:
    assert inputs.order is not None
    found = Recipe((History(of=(figure,)),)).start(inputs)
    assert found.features.columns == ["age", "a", "b", "ward", f"a {figure}", f"b {figure}"]
    assert found.role(f"a {figure}") == "derived"
    expected = loops.history(figure, matrix(inputs, "a", "b"), inputs.order.series, inputs.order.step)
    np.testing.assert_allclose(matrix(found, f"a {figure}", f"b {figure}"), expected, rtol=1e-9, atol=1e-3)
    assert found.features.select(inputs.features.columns).equals(inputs.features)


@pytest.mark.parametrize("figure", FIGURES)
def test_compiled_as_plain(figure: Figure) -> None:
    random = np.random.default_rng(0)
    values = np.where(random.random((40, 3)) < 0.4, np.nan, random.normal(size=(40, 3)))
    starts = np.array([0, 1, 17, 40])
    kernels: dict[str, Any] = {
        "min": module._extreme,
        "max": module._extreme,
        "count": module._count,
        "last": module._last,
        "median": module._median,
    }
    plain = np.full_like(values, np.nan)
    kernels.get(figure, module._moments).plain(values, starts, plain, figure in ("max", "variance"))
    np.testing.assert_allclose(module.running(figure, values, starts), plain, rtol=1e-12)


def test_history_by_hand() -> None:
    found = Recipe((History(of=("count", "mean", "variance")),)).start(HOURS).features
    assert found["hr count"].to_list() == [0.0, 1.0, 1.0, 2.0, 1.0, 1.0]
    assert found["hr mean"].to_list() == [None, 80.0, 80.0, 85.0, 60.0, 60.0]
    assert found["hr variance"].to_list() == [None, None, None, 50.0, None, None]
    counted = Recipe((ForwardFill(), History(of=("count",)))).start(HOURS).features
    assert counted["hr count"].to_list() == [0.0, 1.0, 2.0, 3.0, 1.0, 2.0]  # after a fill, records are counted


def test_history_alone() -> None:
    recipe = Recipe((History(of=("last",), keep="history"),))
    assert not recipe.rowwise  # columns go away, so it runs within fit
    assert recipe.start(HOURS) is HOURS
    with pytest.raises(DataError, match="column 'hr last': 1 values are still missing"):
        recipe.fit(HOURS)
    whole = Inputs(pl.DataFrame({"x": [1.0, 2.0]}), Order(np.array([0, 0]), np.array([0.0, 1.0])))
    fitted = recipe.fit(whole)
    assert fitted.names == ("x last",)
    assert [one.name for one in fitted.features] == ["x"]


@given(sequences(), st.none() | st.floats(0.25, 20.0))
def test_forward_fill_as_loops(inputs: Inputs, at_most: float | None) -> None:
    assert inputs.order is not None
    found = Recipe((ForwardFill(at_most=at_most),)).start(inputs)
    expected = loops.forward_fill(matrix(inputs, "a", "b"), inputs.order.series, inputs.order.step, at_most)
    np.testing.assert_array_equal(matrix(found, "a", "b"), expected)


def test_forward_fill_by_hand() -> None:
    found = Recipe((ForwardFill(),)).start(HOURS).features
    assert found["hr"].to_list() == [None, 80.0, 80.0, 90.0, 60.0, 60.0]
    assert found["ward"].to_list() == [None, "a", "a", "b", None, "a"]
    short = Recipe((ForwardFill(at_most=1.0),)).start(HOURS).features
    assert short["hr"].to_list() == [None, 80.0, 80.0, 90.0, 60.0, None]


def test_single_records_have_no_past() -> None:
    alone = Inputs(HOURS.features)
    found = Recipe((ForwardFill(), History(of=("last", "count")))).start(alone).features
    assert found["hr"].to_list() == alone.features["hr"].to_list() == found["hr last"].to_list()
    assert found["hr count"].to_list() == [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]


def test_flags_are_always_there() -> None:
    found = Recipe((FlagMissing(),)).start(HOURS)
    assert found.features["hr is missing"].to_list() == [1.0, 0.0, 1.0, 0.0, 0.0, 1.0]
    assert found.features["ward is missing"].to_list() == [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]
    assert found.role("hr is missing") == "flag"
    whole = Inputs(pl.DataFrame({"x": [1.0, 2.0]}))
    assert Recipe((FlagMissing(),)).start(whole).features["x is missing"].to_list() == [0.0, 0.0]
    with pytest.raises(DataError, match="two columns of the recipe would be called 'x is missing'"):
        Recipe((FlagMissing(),)).start(Inputs(whole.features.with_columns(pl.lit(1.0).alias("x is missing"))))


def test_refusals() -> None:
    with pytest.raises(UsageError, match=r"no figure is called 'maxi'.*Did you mean 'max'"):
        History(of=("maxi",))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="each figure once"):
        History(of=("max", "max"))
    with pytest.raises(UsageError, match="at_most is -1"):
        ForwardFill(at_most=-1.0)
    with pytest.raises(UsageError, match="no role is called 'measure'"):
        FlagMissing(on=("measure",))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="Write roles as a tuple"):
        FlagMissing(on="measured")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"no column is called 'h'.*Did you mean 'hr'"):
        Recipe((FlagMissing(but=("h",)),)).start(HOURS)
