"""Preprocessing of tables, and how far a new record lies from train."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hilum.core.component import build, describe
from hilum.core.errors import DataError, HilumError, UsageError
from hilum.modalities.table.distance import Distance
from hilum.modalities.table.prepare import Prepare, Prepared
from hilum.modalities.table.sample import Table

TRAIN = pl.DataFrame(
    {
        "age": [20.0, 40.0, None, 60.0, 80.0, 100.0],
        "sex": ["f", "m", "f", "m", "f", "m"],
        "ward": ["a", "a", "b", None, "c", "a"],
        "empty": pl.Series([None] * 6, dtype=pl.Float64),
        "same": [7.0] * 6,
        "blank": pl.Series([None] * 6, dtype=pl.String),
    }
)
SMALL = Prepare(rare_below=2)


def simulated(rows: int, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    numbers = random.lognormal(size=(rows, 3)) * [1.0, 1e3, 1e-4]
    numbers[random.random((rows, 3)) < 0.1] = np.nan
    ward = random.choice(["north", "south", "east", "tent"], size=rows, p=[0.5, 0.3, 0.19, 0.01])
    return pl.DataFrame({"x": numbers[:, 0], "y": numbers[:, 1], "z": numbers[:, 2], "ward": ward}).with_columns(
        pl.col("x", "y", "z").fill_nan(None)
    )


def test_by_hand() -> None:
    prepared = SMALL.fit(TRAIN)
    assert prepared.names == (
        "age", "age is missing", "sex=f", "sex=m", "ward=a", "ward=(rare)", "ward is missing"
    )  # fmt: skip
    assert prepared.dropped == (
        ("empty", "no value in train"),
        ("same", "one value in train"),
        ("blank", "no value in train"),
    )
    matrix = prepared.apply(TRAIN)
    filled = np.array([20, 40, 60, 60, 80, 100])  # the median of five is 60
    np.testing.assert_allclose(matrix[:, 0], (filled - 60) / np.sqrt(4000 / 6), rtol=1e-14)
    assert matrix[:, 1].tolist() == [0, 0, 1, 0, 0, 0]
    assert matrix[:, 2].tolist() == [1, 0, 1, 0, 1, 0]
    assert matrix[:, 3].tolist() == [0, 1, 0, 1, 0, 1]
    assert matrix[:, 4].tolist() == [1, 1, 0, 0, 0, 1]
    assert matrix[:, 5].tolist() == [0, 0, 1, 0, 1, 0]
    assert matrix[:, 6].tolist() == [0, 0, 0, 1, 0, 0]


@pytest.mark.parametrize("fill", ["median", "mean"])
def test_numbers_as_scikit_learn(fill: str) -> None:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, new = simulated(400), simulated(50, seed=1)
    names = ["x", "y", "z"]
    theirs = make_pipeline(SimpleImputer(strategy=fill), StandardScaler()).fit(train[names].fill_null(np.nan))
    ours = Prepare(fill=fill, missing="ignore").fit(train[names])  # type: ignore[arg-type]
    assert ours.names == tuple(names)
    for frame in (train, new):
        expected = theirs.transform(frame[names].fill_null(np.nan))
        np.testing.assert_allclose(ours.apply(frame[names]), expected, rtol=1e-12, atol=1e-12)


def test_categories_as_scikit_learn() -> None:
    from sklearn.preprocessing import OneHotEncoder

    train = simulated(300)[["ward"]]
    new = pl.DataFrame({"ward": ["south", "tent", "moon", "north"]})
    theirs = OneHotEncoder(min_frequency=20, handle_unknown="ignore", sparse_output=False).fit(train.to_numpy())
    ours = Prepare(rare_below=20).fit(train)
    assert ours.names == ("ward=east", "ward=north", "ward=south", "ward=(rare)")
    np.testing.assert_array_equal(ours.apply(train), theirs.transform(train.to_numpy()))
    np.testing.assert_array_equal(ours.apply(new), theirs.transform(new.to_numpy()))
    assert not ours.apply(new)[2].any()  # never seen: zero in all columns


def test_settings_change_what_they_say() -> None:
    zero = Prepare(fill="zero", missing="ignore", scale="none").fit(TRAIN[["age"]])
    assert zero.names == ("age",)
    assert zero.apply(TRAIN[["age"]])[:, 0].tolist() == [20, 40, 0, 60, 80, 100]
    clip = Prepare(scale="none", outside="clip").fit(TRAIN[["age"]])
    assert clip.apply(pl.DataFrame({"age": [-5.0, 50.0, 1e9, None]}))[:, 0].tolist() == [20, 50, 100, 60]
    few = Prepare(rare_below=1, most_levels=1).fit(TRAIN[["ward"]])
    assert few.names == ("ward=a", "ward=(rare)", "ward is missing")
    assert build(describe(SMALL)) == SMALL
    with pytest.raises(UsageError, match="Did you mean 'median'"):
        Prepare(fill="medan")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="1 or more"):
        Prepare(rare_below=0)


def test_identifiers_and_empty_features_are_dropped_by_name() -> None:
    frame = pl.DataFrame({"id": [f"p{n}" for n in range(30)], "one": ["a"] * 30})
    prepared = Prepare().fit(frame)
    assert prepared.names == ()
    assert dict(prepared.dropped) == {"id": "every level is rare in train", "one": "one value in train"}
    assert prepared.apply(frame).shape == (30, 0)
    assert prepared.warnings(frame).height == 0


def test_a_constant_that_is_sometimes_missing_keeps_its_flag() -> None:
    frame = pl.DataFrame({"drug": [1.0, None, 1.0, None]})
    prepared = Prepare().fit(frame)
    np.testing.assert_array_equal(prepared.apply(frame), [[0, 0], [0, 1], [0, 0], [0, 1]])


def test_columns_in_any_order_but_all_of_them() -> None:
    prepared = SMALL.fit(TRAIN)
    turned = TRAIN[["ward", "sex", "age"]]  # dropped features may be absent
    np.testing.assert_array_equal(prepared.apply(turned), prepared.apply(TRAIN))
    with pytest.raises(DataError, match="'sex' is missing"):
        prepared.apply(TRAIN.drop("sex"))
    with pytest.raises(DataError, match=r"'agee' was not there .*Did you mean 'age'"):
        prepared.apply(TRAIN.with_columns(agee=1.0))
    with pytest.raises(DataError, match="'age': it is a category, and was a number"):
        prepared.apply(TRAIN.with_columns(age=pl.lit("old")))
    with pytest.raises(DataError, match="'sex': it is a number, and was a category"):
        prepared.apply(TRAIN.with_columns(sex=pl.lit(1.0)))
    unknown = prepared.apply(TRAIN.with_columns(age=pl.lit(None, pl.String), sex=pl.lit(None)))
    assert unknown[:, 1].all()
    assert not unknown[:, 2:4].any()


def test_refusals() -> None:
    with pytest.raises(DataError, match="no train record"):
        Prepare().fit(TRAIN.head(0))
    with pytest.raises(DataError, match="'age': record 2 holds an infinite value"):
        Prepare().fit(pl.DataFrame({"age": [1.0, np.inf, 3.0]}))
    with pytest.raises(DataError, match="too large"):
        Prepare().fit(pl.DataFrame({"age": [1e308, -1e308, 1e308, 3.0]}))
    with pytest.raises(DataError, match="neither a number nor text"):
        Prepare().fit(pl.DataFrame({"smoker": [True, False]}))
    with pytest.raises(DataError, match=r"two columns .* 'sex=f'"):
        Prepare(rare_below=1).fit(pl.DataFrame({"sex=f": [1.0, 2.0], "sex": ["f", "m"]}))


@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(-1e12, 1e12), st.none() | st.sampled_from("abcdé\U0001f9ea"), st.floats(allow_infinity=False)
        ),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(["median", "mean", "zero"]),
    st.sampled_from(["flag", "ignore"]),
    st.sampled_from(["standard", "none"]),
)  # fmt: skip
def test_round_trip_and_finite(rows: list[tuple[object, ...]], fill: str, missing: str, scale: str) -> None:
    frame = pl.DataFrame(
        {"a": [r[0] for r in rows], "b": [r[1] for r in rows], "c": [r[2] for r in rows]},
        schema={"a": pl.Float64, "b": pl.String, "c": pl.Float64},
    )
    frame = frame.with_columns(pl.col("c").clip(-1e100, 1e100))
    settings = Prepare(fill=fill, missing=missing, scale=scale, rare_below=2)  # type: ignore[arg-type]
    prepared = settings.fit(frame)
    again = Prepared.from_json(json.loads(json.dumps(prepared.to_json())))
    assert again == prepared
    assert again.fingerprint == prepared.fingerprint
    matrix = prepared.apply(frame)
    assert np.isfinite(matrix).all()
    assert matrix.tobytes() == again.apply(frame).tobytes()
    assert matrix.shape == (len(rows), len(prepared.names))
    assert prepared.warnings(frame).height == 0  # train itself never leaves train


def test_damaged_json_is_refused() -> None:
    good = SMALL.fit(TRAIN).to_json()
    for bad in (
        {},
        {**good, "format": 2},
        {**good, "features": [{"type": "number", "name": "age"}]},
        {**good, "settings": {"fil": "median"}},
        {**good, "features": [{**good["features"][0], "scale": None}]},
        {**good, "features": [{**good["features"][0], "scale": 0.0}]},
    ):
        with pytest.raises(HilumError, match="Run the study again"):
            Prepared.from_json(bad)


def test_only_train_decides() -> None:
    frame = simulated(200)
    items = pl.DataFrame({"item": [f"r{n:03d}" for n in range(200)]})
    train = np.arange(200) < 150
    table = Table("t", items, frame)
    moved = Table(
        "t",
        items,
        frame.with_columns(
            pl.when(pl.Series(train)).then(pl.col("x", "y", "z")).otherwise(pl.col("x", "y", "z") * 1e6 + 9.0),
            pl.when(pl.Series(train)).then(pl.col("ward")).otherwise(pl.lit("moon")),
        ),
    )
    assert not moved.features.equals(table.features)
    before = Prepare().fit(table.take(train).features)
    assert Prepare().fit(moved.take(train).features).fingerprint == before.fingerprint
    assert Prepare().fit(table.features).fingerprint != before.fingerprint
    order = np.random.default_rng(1).permutation(200)
    shuffled = Table("t", items[order], frame[order])
    assert Prepare().fit(shuffled.features).fingerprint == Prepare().fit(table.features).fingerprint


def test_warnings_by_hand() -> None:
    prepared = SMALL.fit(TRAIN)
    new = pl.DataFrame(
        {
            "age": [10.0, 50.0, 101.5, None],
            "sex": ["f", None, "x", "m"],
            "ward": ["c", "a", "z", None],
            "same": [1.0, 2.0, 3.0, 4.0],
        }
    )
    assert prepared.warnings(new).rows() == [
        (0, "age", "below", "10.0", 20.0, 100.0),
        (1, "sex", "missing", None, None, None),
        (2, "age", "above", "101.5", 20.0, 100.0),
        (2, "sex", "unseen", "x", None, None),
        (2, "ward", "unseen", "z", None, None),
    ]
    assert prepared.warnings(TRAIN).height == 0


def cloud(rows: int, columns: int, seed: int) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(columns, columns))
    return random.normal(size=(rows, columns)) @ mixing + 3.0


def test_distance_is_mahalanobis() -> None:
    from scipy.spatial.distance import mahalanobis
    from sklearn.covariance import LedoitWolf

    train, new = cloud(60, 4, 0), cloud(7, 4, 1)
    fitted = Distance.fit(train)
    center, scale = train.mean(axis=0), train.std(axis=0)
    precision = LedoitWolf().fit((train - center) / scale).precision_
    expected = [mahalanobis(z, np.zeros(4), precision) for z in (new - center) / scale]
    ours = np.linalg.norm((new - fitted.center) / fitted.scale @ fitted.factor, axis=1)
    np.testing.assert_allclose(ours, expected, rtol=1e-6)
    share = [(fitted.reference < d).mean() for d in expected]
    np.testing.assert_allclose(fitted.share(new), share, atol=1e-12)


@pytest.mark.parametrize(("rows", "columns"), [(100, 50), (400, 5), (60, 100)])
def test_records_like_those_of_train_are_seldom_far(rows: int, columns: int) -> None:
    fitted = Distance.fit(cloud(rows, columns, 0))
    alike = cloud(4000, columns, 1)
    assert fitted.far(alike).mean() < 0.04
    assert 0.4 < fitted.share(alike).mean() < 0.6
    assert fitted.far(alike + 1000.0).all()


def test_distance_of_repeated_and_constant_columns() -> None:
    train = cloud(50, 2, 0)
    train = np.column_stack([train, train[:, 0], np.ones(50)])
    fitted = Distance.fit(train)
    assert np.isfinite(fitted.factor).all()
    odd = train[:1].copy()
    odd[0, 3] = 2.0  # a column that never moved in train
    assert fitted.far(odd).all()
    still = Distance.fit(np.ones((5, 2)))
    assert not still.far(np.ones((1, 2))).any()
    assert still.far(np.full((1, 2), 2.0)).all()


def test_distance_measures_a_subject_by_others() -> None:
    train = np.repeat(cloud(12, 3, 0), 10, axis=0)  # ten equal records a subject
    subjects = [f"s{n // 10}" for n in range(120)]
    alone = Distance.fit(train, subjects)
    mixed = Distance.fit(train)
    assert np.median(alone.reference) > np.median(mixed.reference)


def test_distance_of_many_records_keeps_quantiles() -> None:
    fitted = Distance.fit(cloud(60_000, 2, 0))
    assert len(fitted.reference) == 10_001
    assert abs(fitted.far(cloud(20_000, 2, 1)).mean() - 0.01) < 0.005


def test_distance_is_stored(tmp_path: Path) -> None:
    fitted, new = Distance.fit(cloud(30, 3, 0)), cloud(9, 3, 1)
    fitted.save(tmp_path / "distance.safetensors")
    again = Distance.load(tmp_path / "distance.safetensors")
    assert again.share(new).tobytes() == fitted.share(new).tobytes()
    (tmp_path / "torn").write_bytes((tmp_path / "distance.safetensors").read_bytes()[:40])
    with pytest.raises(HilumError, match="damaged"):
        Distance.load(tmp_path / "torn")
    with pytest.raises(HilumError, match="missing"):
        Distance.load(tmp_path / "none")
    from safetensors.numpy import save

    (tmp_path / "other").write_bytes(save({"weights": np.ones(3)}))
    with pytest.raises(HilumError, match="no distance"):
        Distance.load(tmp_path / "other")


def test_distance_refuses() -> None:
    with pytest.raises(DataError, match="1 records"):
        Distance.fit(np.ones((1, 3)))
    with pytest.raises(DataError, match="all finite"):
        Distance.fit(np.array([[1.0], [np.nan]]))
    with pytest.raises(DataError, match="2 columns"):
        Distance.fit(cloud(9, 3, 0)).share(np.ones((1, 2)))
