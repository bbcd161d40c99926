"""Steps that learn: scale, fill, clip, against scikit-learn, numpy and hand-worked cases."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.core.errors import DataError, UsageError
from hilum.modalities.table.inputs import Inputs
from hilum.modalities.table.recipe import Recipe
from hilum.modalities.table.steps.clip import Clip
from hilum.modalities.table.steps.fill import Fill
from hilum.modalities.table.steps.scale import Scale

RANDOM = np.random.default_rng(3)
NUMBERS = np.where(RANDOM.random((200, 3)) < 0.3, np.nan, RANDOM.lognormal(size=(200, 3)))
TRAIN = Inputs(pl.from_numpy(NUMBERS, schema=["x", "y", "z"]).fill_nan(None))


def column(*values: float | None) -> Inputs:
    return Inputs(pl.DataFrame({"x": values}, schema={"x": pl.Float64}))


def test_standard_as_scikit_learn() -> None:
    from sklearn.preprocessing import StandardScaler

    ours = Recipe((Scale(), Fill())).fit(TRAIN).apply(TRAIN)
    theirs = np.nan_to_num(StandardScaler().fit_transform(NUMBERS))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("by", ["mean", "median", "most_frequent", "constant"])
def test_fill_as_scikit_learn(by: str) -> None:
    from sklearn.impute import SimpleImputer

    rounded = np.round(NUMBERS, 0)
    inputs = Inputs(pl.from_numpy(rounded, schema=["x", "y", "z"]).fill_nan(None))
    theirs = SimpleImputer(strategy=by, fill_value=7.0 if by == "constant" else None).fit_transform(rounded)
    ours = Recipe((Fill(by=by, value=7.0),)).fit(inputs).apply(inputs)  # type: ignore[arg-type]
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def test_band_by_hand() -> None:
    # Of 0..20 and 1000 the linear quantiles at 0.05 and 0.95 are 1.05 and 19.95: 2..19 lie strictly between.
    values = [*map(float, range(21)), 1000.0]
    assert np.quantile(values, [0.05, 0.95]) == pytest.approx([1.05, 19.95])
    inside = np.arange(2.0, 20.0)
    fitted = Recipe((Scale(by="band"), Fill())).fit(column(*values, None))
    step = fitted.steps[0]
    assert step.center == pytest.approx((inside.mean(),))
    assert step.scale == pytest.approx((math.sqrt(((inside - inside.mean()) ** 2).sum() / 17),))
    # Limits are strict: of 0, 1, 1, 1, 2 with the band 0.25-0.75 both quantiles are 1, and nothing lies between.
    step = Recipe((Scale(by="band", band=(0.25, 0.75)),)).fit(column(0.0, 1.0, 1.0, 1.0, 5.0)).steps[0]
    assert (step.center, step.scale) == ((1.6,), (1.0,))
    # A limit itself is outside: of 0..4 with 0.25-0.75 only 2 lies between 1 and 3, and one value has no deviation.
    step = Recipe((Scale(by="band", band=(0.25, 0.75)),)).fit(column(0.0, 1.0, 2.0, 3.0, 4.0)).steps[0]
    assert (step.center, step.scale) == ((2.0,), (1.0,))


@given(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=40), st.sampled_from([(0.05, 0.95), (0.2, 0.7)]))
def test_band_as_definition(values: list[float | None], band: tuple[float, float]) -> None:
    step = Recipe((Scale(by="band", band=band), Fill())).fit(column(*values)).steps[0]
    seen = sorted(value for value in values if value is not None)
    if not seen:
        assert (step.center, step.scale) == ((0.0,), (1.0,))
        return

    def quantile(q: float) -> float:
        at = q * (len(seen) - 1)
        low = math.floor(at)
        return seen[low] + (at - low) * (seen[min(low + 1, len(seen) - 1)] - seen[low])

    low, high = (np.quantile(seen, q) for q in band)
    assert [low, high] == pytest.approx([quantile(q) for q in band], rel=1e-9, abs=1e-6)
    inside = [value for value in seen if low < value < high]
    mean = sum(inside or seen) / len(inside or seen)
    spread = math.sqrt(sum((v - mean) ** 2 for v in inside) / (len(inside) - 1)) if len(inside) > 1 else 0.0
    assert step.center == pytest.approx((mean,), rel=1e-6, abs=1e-6)
    if spread == 0 or spread > 1e-6 * abs(mean):
        assert step.scale == pytest.approx((spread or 1.0,), rel=1e-5)


def test_beyond_becomes_missing() -> None:
    inputs = column(0.0, 2.0, 0.0, 2.0, None)
    fitted = Recipe((Scale(beyond=1e4), Fill(by="constant", value=-9.0))).fit(inputs)
    assert fitted.apply(column(1e4 + 1, 1e4 + 2, -1e4)).ravel().tolist() == [1e4, -9.0, -9.0]


def test_some_columns_stay_as_they_are() -> None:
    frame = pl.DataFrame({"male": [0.0, 1.0, 1.0], "age": [20.0, 40.0, 60.0], "ward": ["a", "b", "a"]})
    fitted = Recipe((Scale(but=("male",)), Fill())).fit(Inputs(frame))
    assert fitted.names == ("male", "age", "ward=b")
    found = fitted.apply(frame)
    assert found[:, 0].tolist() == [0.0, 1.0, 1.0]
    assert found[:, 2].tolist() == [0.0, 1.0, 0.0]
    assert abs(found[:, 1].mean()) < 1e-12
    none = Recipe((Scale(by="none"), Fill())).fit(Inputs(frame)).apply(frame)
    assert none[:, 1].tolist() == [20.0, 40.0, 60.0]


def test_fill_of_nothing_is_zero() -> None:
    inputs = column(None, None)
    for by in ("zero", "mean", "median", "most_frequent"):
        assert Recipe((Fill(by=by),)).fit(inputs).apply(inputs).tolist() == [[0.0], [0.0]]
    frequent = Recipe((Fill(by="most_frequent"),)).fit(column(5.0, 3.0, 5.0, 3.0, 9.0))
    assert frequent.apply(column(None)).tolist() == [[3.0]]  # the smallest of equally frequent ones


def test_fill_after_scale_is_the_scaled_median() -> None:
    inputs = column(1.0, 2.0, 9.0, None)
    scaled = Recipe((Scale(), Fill(by="median"))).fit(inputs).apply(inputs).ravel()
    assert scaled[3] == scaled[1]


def test_clip() -> None:
    plausible = Recipe((Clip(ranges=(("x", 0.0, 10.0),)),))
    assert plausible.start(column(-1.0, 0.0, 10.0, 11.0, None)).features["x"].to_list() == [0.0, 0.0, 10.0, 10.0, None]
    gone = Recipe((Clip(ranges=(("x", 0.0, 10.0),), outside="missing"),))
    assert gone.start(column(-1.0, 0.0, 10.0, 11.0, None)).features["x"].to_list() == [None, 0.0, 10.0, None, None]
    recipe = Recipe((Clip(by="train"), Fill()))
    assert recipe.start(column(1.0)).features["x"].to_list() == [1.0]  # nothing is done before the fit
    fitted = recipe.fit(column(1.0, 4.0, None))
    assert fitted.apply(column(0.0, 2.0, 9.0, None)).ravel().tolist() == [1.0, 2.0, 4.0, 0.0]
    late = Recipe((Scale(by="none"), Clip(ranges=(("x", 0.0, 1.0),)))).fit(column(5.0))
    assert late.apply(column(5.0)).tolist() == [[1.0]]


def test_refusals() -> None:
    with pytest.raises(UsageError, match=r"band is \(0.9, 0.1\)"):
        Scale(band=(0.9, 0.1))
    with pytest.raises(UsageError, match=r"no value of by is called 'bands'.*Did you mean 'band'"):
        Scale(by="bands")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="value is nan"):
        Fill(by="constant", value=math.nan)
    with pytest.raises(UsageError, match="Give ranges by feature"):
        Clip()
    with pytest.raises(UsageError, match="the range of 'x' is 2 to 1"):
        Clip(ranges=(("x", 2, 1),))
    with pytest.raises(UsageError, match="no number is called 'y'"):
        Recipe((Clip(ranges=(("y", 1.0, 2.0),)),)).start(column(1.0))
    with pytest.raises(DataError, match="too large to be averaged"):
        Recipe((Scale(),)).fit(column(1e308, 1e308, -1e308))
    with pytest.raises(DataError, match="too large to be averaged"):
        Recipe((Fill(by="mean"),)).fit(column(1e308, 1e308, None))
