"""Contributions of a booster against Shapley's own formula, summed over every subset of columns; data are *synthetic*."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

lightgbm = pytest.importorskip("lightgbm", reason="pip install 'hilum[boost]'")

from hilum.core.component import change, default_of
from hilum.core.errors import DataError, HilumError, UsageError
from hilum.core.finder import get
from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.explain._answer import Question
from hilum.explain.tree_shap import NO_BOOSTER, explain, obstacle, tree_shap
from hilum.metrics.stats.intervals import subject_interval
from hilum.models.light_gbm.settings import LightGBM
from hilum.models.random_forest import RandomForest

Array = NDArray[np.float64]
NAMES = ("a", "b", "c")
SMALL = LightGBM(rounds=6, leaves=4, rows_per_leaf=5)


def data(classes: int = 2, rows: int = 150) -> tuple[Array, Any]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 3))
    y = x[:, 0] + x[:, 0] * x[:, 1] + 0.2 * rng.standard_normal(rows)
    who = tuple(str(row // 2) for row in range(rows))
    if not classes:
        return x, Measured(x, y, "d", who)
    labels = np.digitize(y, np.quantile(y, np.arange(1, classes) / classes)).astype(np.int64)
    return x, Labelled(x, labels, tuple("pqrs"[:classes]), who)


def expected(node: dict[str, Any], x: Array, known: tuple[int, ...]) -> float:
    """What a tree answers when only some columns are known: both sides of a split on another count, by their share of train."""
    if "leaf_value" in node:
        return float(node["leaf_value"])
    left, right = node["left_child"], node["right_child"]
    column = node["split_feature"]
    if column in known:
        return expected(left if x[column] <= node["threshold"] else right, x, known)
    counts = [child.get("internal_count", child.get("leaf_count")) for child in (left, right)]
    parts = [expected(child, x, known) for child in (left, right)]
    return float(np.dot(counts, parts) / sum(counts))


def shapley(trees: list[dict[str, Any]], x: Array) -> Array:
    columns = range(len(x))
    found = np.zeros(len(x) + 1)

    def value(known: tuple[int, ...]) -> float:
        return sum(expected(tree["tree_structure"], x, known) for tree in trees)

    for column in columns:
        others = [other for other in columns if other != column]
        for size in range(len(others) + 1):
            weight = factorial(size) * factorial(len(others) - size) / factorial(len(x))
            for known in combinations(others, size):
                found[column] += weight * (value((*known, column)) - value(known))
    found[-1] = value(())
    return found


@pytest.mark.parametrize("classes", [0, 2])
def test_contributions_are_shapley_values_of_the_trees(classes: int) -> None:
    x, train = data(classes)
    fitted = SMALL.fit(train, None, 0)
    found = tree_shap(fitted, x[:5], NAMES)
    trees = fitted._booster.dump_model()["tree_info"]
    for row in range(5):
        slow = shapley(trees, x[row])
        np.testing.assert_allclose(found.values[row], slow[:-1], atol=1e-10)
        assert found.base[row] == pytest.approx(slow[-1], abs=1e-10)
    assert found.gap < 1e-9


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_they_add_up_to_what_the_model_answers_before_and_after_saving(classes: int, tmp_path: Path) -> None:
    x, train = data(classes)
    fitted = SMALL.fit(train, None, 0)
    found = tree_shap(fitted, x, NAMES, of_class=1 if classes > 2 else None)
    total = found.base + found.values.sum(axis=1)
    said = fitted.predict(x)
    if not classes:
        np.testing.assert_allclose(total, said, atol=1e-9)
    elif classes == 2:
        np.testing.assert_allclose(1 / (1 + np.exp(-total)), said[:, 1], atol=1e-9)
    else:
        every = [tree_shap(fitted, x, NAMES, of_class=one) for one in range(3)]
        scores = np.column_stack([one.base + one.values.sum(axis=1) for one in every])
        np.testing.assert_allclose(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), said, atol=1e-9)
        assert (every[1].values == found.values).all()
    folder = tmp_path / "model"
    folder.mkdir()
    fitted.save(folder)
    again = tree_shap(SMALL.load(folder), x, NAMES, of_class=1 if classes > 2 else None)
    assert (again.values == found.values).all()
    with pytest.raises(DataError, match="no record to explain"):
        tree_shap(fitted, x[:0], NAMES)


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("name", ["xgboost_trees", "cat_boost"])
def test_other_boosters_add_up_too(name: str, classes: int) -> None:
    pytest.importorskip({"xgboost_trees": "xgboost", "cat_boost": "catboost"}[name])
    model = change(default_of(get("models", name).load("settings")), rounds=8)
    x, train = data(classes)
    if isinstance(train, Measured):  # far from 0: single precision adds up to so many digits
        train = Measured(x, 1e5 + train.targets, "d", train.subjects)
    fitted = model.fit(train, None, 0)
    found = [tree_shap(fitted, x, NAMES, of_class=one) for one in range(max(1, classes if classes > 2 else 1))]
    scores = np.column_stack([one.base + one.values.sum(axis=1) for one in found])
    said = fitted.predict(x)
    if not classes:
        np.testing.assert_allclose(scores[:, 0], said, rtol=1e-6)
    elif classes == 2:
        np.testing.assert_allclose(1 / (1 + np.exp(-scores[:, 0])), said[:, 1], atol=1e-5)
    else:
        np.testing.assert_allclose(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), said, atol=1e-5)
    assert np.abs(found[0].values).mean(axis=0).argmax() == 0  # the column that the outcome follows


def test_a_class_that_train_lacked_moves_no_column_and_cannot_be_asked() -> None:
    x, train = data(3)
    lacking = Labelled(x, train.labels + (train.labels > 0), ("p", "q", "r", "s"), train.subjects)  # no record of q
    fitted = SMALL.fit(lacking, None, 0)
    whole = SMALL.fit(train, None, 0)
    assert (tree_shap(fitted, x, NAMES, of_class=3).values == tree_shap(whole, x, NAMES, of_class=2).values).all()
    with pytest.raises(UsageError, match="no record of class 1"):
        tree_shap(fitted, x, NAMES, of_class=1)


def test_by_feature_and_over_subjects() -> None:
    x, train = data()
    fitted = SMALL.fit(train, None, 0)
    groups = {"ab": (0, 1), "c": (2,), "dropped": ()}
    found = explain(Question(fitted, x, NAMES, groups, subjects=train.subjects))
    plain = tree_shap(fitted, x, NAMES)
    both = np.abs(plain.values[:, 0] + plain.values[:, 1])
    each = both.reshape(-1, 2).mean(axis=1)
    assert found.names == ("ab", "c", "dropped")
    assert found.importance[0] == pytest.approx(each.mean())
    assert found.importance[2] == 0
    interval = subject_interval(each)
    assert (found.intervals[0].low, found.intervals[0].high) == pytest.approx((interval.low, interval.high))
    one = explain(Question(fitted, x, NAMES, groups, record=7))
    assert one.values.shape == (1, 3)
    assert one.values[0, 0] == pytest.approx(plain.values[7, 0] + plain.values[7, 1])
    assert one.gap == pytest.approx(0, abs=1e-12)


def test_a_forest_is_told_what_it_can_use() -> None:
    x, train = data()
    fitted = RandomForest(trees=2).fit(train, None, 0)
    assert obstacle(fitted) == NO_BOOSTER
    with pytest.raises(UsageError, match="permutation_importance"):
        tree_shap(fitted, x, NAMES)


def test_contributions_that_do_not_add_up_are_refused() -> None:
    class Wrong:
        def predict(self, inputs: Array) -> Array:
            return inputs[:, 0]

        def contributions(self, inputs: Array) -> Array:
            return np.ones((len(inputs), 4))

    with pytest.raises(HilumError, match="miss what the model predicts"):
        tree_shap(Wrong(), data()[0], NAMES)
