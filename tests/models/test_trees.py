"""Models of trees: against the libraries that grow them, trees by hand, and what the extras say when they are absent."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.core.component import change
from hilum.core.errors import DataError, HilumError, UsageError
from hilum.models import _folder
from hilum.models._trees import Trees, find_leaves
from hilum.models.cat_boost.settings import CatBoost
from hilum.models.decision_tree import DecisionTree
from hilum.models.gradient_boosting import GradientBoosting
from hilum.models.light_gbm.settings import LightGBM
from hilum.models.random_forest import RandomForest
from hilum.models.xgboost_trees.settings import XGBoostTrees
from tests.models.test_tabular import LIBRARIES, MODELS, inputs_of, labelled, measured, ready

Array = NDArray[np.float64]
CLASSES = pytest.mark.parametrize("classes", [0, 2, 3])  # 0: a number
BOOSTERS = pytest.mark.parametrize("name", LIBRARIES)
BY_NAME = {"light_gbm": "LightGBM", "xgboost_trees": "XGBoost", "cat_boost": "CatBoost"}


def some(classes: int, inputs: Array, seed: int = 1) -> Any:
    return labelled(inputs, classes, seed) if classes else measured(inputs, seed)


# ------------------------------------------------------------------------------------------------------- by their oracles


@CLASSES
@pytest.mark.parametrize(("depth", "per_split"), [(None, 2), (3, 2), (None, 30)])
def test_decision_tree_is_scikit_learns(classes: int, depth: int | None, per_split: int) -> None:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    inputs, new = inputs_of(200), inputs_of(300, seed=9)
    settings: dict[str, Any] = {
        "max_depth": depth, "min_samples_leaf": 2, "min_samples_split": per_split, "random_state": 42
    }  # fmt: skip
    part = some(classes, inputs)
    if classes:
        grown = DecisionTreeClassifier(**settings).fit(inputs, part.labels)
        expected = grown.predict_proba(new)
    else:
        grown = DecisionTreeRegressor(**settings).fit(inputs, part.targets)
        expected = grown.predict(new)
    model = DecisionTree(depth=depth, rows_per_leaf=2, rows_per_split=per_split)
    for ours in (model.fit(part, None, seed=42), change(model, state=42).fit(part, None, seed=7)):
        np.testing.assert_array_equal(ours.predict(new), expected)
        np.testing.assert_array_equal(ours.importance, grown.feature_importances_)
    with pytest.raises(DataError, match="beyond single precision"):
        ours.predict(new * 1e300)


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("depth", [None, 3])
def test_random_forest_is_scikit_learns(classes: int, depth: int | None) -> None:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    inputs, new = inputs_of(200), inputs_of(300, seed=9)
    settings: dict[str, Any] = {"n_estimators": 10, "min_samples_leaf": 2, "max_depth": depth, "random_state": 4}
    model = RandomForest(trees=10, rows_per_leaf=2, depth=depth, columns_per_split="all")
    if classes:
        part: Any = labelled(inputs, classes)
        grown = RandomForestClassifier(max_features=None, **settings).fit(inputs, part.labels)
        expected = grown.predict_proba(new)
    else:
        part = measured(inputs)
        grown = RandomForestRegressor(max_features=None, **settings).fit(inputs, part.targets)
        expected = grown.predict(new)
    ours = model.fit(part, None, seed=4)
    np.testing.assert_allclose(ours.predict(new), expected, rtol=1e-14)
    np.testing.assert_array_equal(ours.importance, grown.feature_importances_)
    # On a threshold itself, and in single precision beside it.
    asked = ours._trees.threshold[ours._trees.feature == 0]
    edge = np.tile(new[:1], (len(asked), 1))
    edge[:, 0] = asked
    theirs = grown.predict_proba(edge) if classes else grown.predict(edge)
    np.testing.assert_allclose(ours.predict(edge), theirs, rtol=1e-14)
    with pytest.raises(DataError, match="beyond single precision"):
        ours.predict(new * 1e300)


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_gradient_boosting_is_scikit_learns(classes: int) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    inputs, new = inputs_of(300), inputs_of(400, seed=9)
    settings: dict[str, Any] = {"max_iter": 20, "max_leaf_nodes": 7, "l2_regularization": 0.5, "early_stopping": False}
    model = GradientBoosting(rounds=20, leaves=7, penalty=0.5)
    if classes:
        part: Any = labelled(inputs, classes)
        expected = HistGradientBoostingClassifier(**settings).fit(inputs, part.labels).predict_proba(new)
    else:
        part = measured(inputs)
        expected = HistGradientBoostingRegressor(**settings).fit(inputs, part.targets).predict(new)
    np.testing.assert_allclose(model.fit(part, None, seed=4).predict(new), expected, rtol=1e-12)


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_light_gbm_is_lightgbms(classes: int) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    inputs, new = inputs_of(300), inputs_of(400, seed=9)
    settings: dict[str, Any] = {
        "n_estimators": 20, "num_leaves": 7, "reg_lambda": 0.5, "n_jobs": 1, "verbosity": -1, "deterministic": True,
        "force_row_wise": True,
    }  # fmt: skip
    model = LightGBM(rounds=20, leaves=7, penalty=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if classes:
            part: Any = labelled(inputs, classes)
            expected = lightgbm.LGBMClassifier(**settings).fit(inputs, part.labels).predict_proba(new)
        else:
            part = measured(inputs)
            expected = lightgbm.LGBMRegressor(**settings).fit(inputs, part.targets).predict(new)
    ours = model.fit(part, None, seed=4)
    np.testing.assert_allclose(ours.predict(new), expected, rtol=1e-12)
    assert ours.importance.sum() == pytest.approx(1.0)
    if not classes:
        assert ours.importance.argmax() == 0


@CLASSES
@pytest.mark.parametrize("leaves", [None, 7])
def test_xgboost_is_xgboosts(classes: int, leaves: int | None) -> None:
    xgboost = pytest.importorskip("xgboost")
    inputs, new = inputs_of(300), inputs_of(400, seed=9)
    settings: dict[str, Any] = {
        "n_estimators": 20, "learning_rate": 0.2, "max_depth": 4, "reg_lambda": 0.5, "min_child_weight": 2, "n_jobs": 1,
        "subsample": 0.7, "colsample_bytree": 0.5, "random_state": 42,
    }  # fmt: skip
    settings |= {"max_leaves": leaves, "grow_policy": "lossguide"} if leaves else {}
    part = some(classes, inputs)
    if classes:
        expected = xgboost.XGBClassifier(**settings).fit(inputs, part.labels).predict_proba(new)
    else:
        expected = xgboost.XGBRegressor(**settings).fit(inputs, part.targets).predict(new)
    model = XGBoostTrees(20, 0.2, 4, leaves, curvature_per_leaf=2, penalty=0.5, row_share=0.7, column_share=0.5)
    assert model.stochastic
    assert not change(model, state=42).stochastic
    assert not XGBoostTrees().stochastic
    for ours in (model.fit(part, None, seed=42), change(model, state=42).fit(part, None, seed=7)):
        np.testing.assert_allclose(ours.predict(new), expected, rtol=1e-5, atol=1e-6)
        assert ours.importance.sum() == pytest.approx(1.0)
        assert ours.rounds == 20


@CLASSES
def test_cat_boost_is_catboosts(classes: int) -> None:
    catboost = pytest.importorskip("catboost", reason="the extra 'catboost' (97 MB) is not installed")
    inputs, new = inputs_of(300), inputs_of(400, seed=9)
    settings: dict[str, Any] = {
        "iterations": 20, "learning_rate": 0.2, "depth": 4, "l2_leaf_reg": 2.0, "random_seed": 42, "verbose": False,
        "thread_count": 1, "allow_writing_files": False,
    }  # fmt: skip
    part = some(classes, inputs)
    if classes:
        expected = catboost.CatBoostClassifier(**settings).fit(inputs, part.labels).predict_proba(new)
    else:
        expected = catboost.CatBoostRegressor(**settings).fit(inputs, part.targets).predict(new)
    model = CatBoost(20, 0.2, 4, 2.0)
    for ours in (model.fit(part, None, seed=42), change(model, state=42).fit(part, None, seed=7)):
        np.testing.assert_allclose(ours.predict(new), expected, rtol=1e-12)
        assert ours.importance.sum() == pytest.approx(1.0)
        assert ours.rounds == 20


@CLASSES
def test_cat_boost_answers_a_constant_where_nothing_varies(classes: int, tmp_path: Path) -> None:
    pytest.importorskip("catboost", reason="the extra 'catboost' (97 MB) is not installed")
    part = some(classes, inputs_of(40))
    still = dataclasses.replace(part, inputs=np.ones((40, 4)))
    fitted = CatBoost().fit(still, None, 0)
    shares = np.bincount(part.labels) / 40 if classes else np.array([part.targets.mean()])
    said = fitted.predict(inputs_of(3))
    np.testing.assert_allclose(said, np.tile(shares, (3, 1)) if classes else np.tile(shares, 3), rtol=1e-12)
    fitted.save(tmp_path)
    assert CatBoost().load(tmp_path).predict(inputs_of(3)).tobytes() == said.tobytes()
    assert not fitted.importance.any()
    assert fitted.contributions(inputs_of(3)).sum() == pytest.approx(3 * np.sum(fitted._constant))


@CLASSES
def test_patience_keeps_the_best_round_of_xgboost(classes: int) -> None:
    pytest.importorskip("xgboost")
    part, held = some(classes, inputs_of(80)), some(classes, inputs_of(60, seed=3), seed=4)
    model = XGBoostTrees(rounds=200, learning_rate=0.5, patience=5)
    fitted = model.fit(part, held, seed=0)

    def loss(rounds: int) -> float:
        said = change(model, rounds=rounds, patience=None).fit(part, held, seed=0).predict(held.inputs)
        return float(
            -np.log(said[np.arange(60), held.labels]).mean() if classes else np.mean((said - held.targets) ** 2)
        )

    kept = fitted.rounds
    assert 1 <= kept < 195
    assert kept == 1 + int(np.argmin([loss(rounds) for rounds in range(1, kept + 6)]))
    whole = change(model, rounds=kept, patience=None).fit(part, None, seed=0)
    assert fitted.predict(part.inputs).tobytes() == whole.predict(part.inputs).tobytes()
    assert change(model, rounds=12).fit(part, None, seed=0).rounds == 12  # nothing to steer by


@CLASSES
def test_patience_keeps_the_best_round_of_cat_boost(classes: int) -> None:
    catboost = pytest.importorskip("catboost", reason="the extra 'catboost' (97 MB) is not installed")
    part, held = some(classes, inputs_of(80)), some(classes, inputs_of(60, seed=3), seed=4)
    model = CatBoost(rounds=200, learning_rate=0.5, patience=5)
    fitted = model.fit(part, held, seed=7)
    settings: dict[str, Any] = {
        "iterations": 200, "learning_rate": 0.5, "random_seed": 7, "verbose": False, "allow_writing_files": False
    }  # fmt: skip
    kind = catboost.CatBoostClassifier if classes else catboost.CatBoostRegressor
    target, held_target = (part.labels, held.labels) if classes else (part.targets, held.targets)
    theirs = kind(**settings).fit(
        part.inputs, target, eval_set=(held.inputs, held_target), early_stopping_rounds=5, use_best_model=True
    )
    (losses,) = theirs.get_evals_result()["validation"].values()
    assert fitted.rounds == 1 + int(np.argmin(losses)) < len(losses) < 200
    expected = theirs.predict_proba(held.inputs) if classes else theirs.predict(held.inputs)
    np.testing.assert_allclose(fitted.predict(held.inputs), expected, rtol=1e-12)
    assert change(model, rounds=12).fit(part, None, seed=0).rounds == 12  # nothing to steer by


@pytest.mark.parametrize("name", [name for name in LIBRARIES if name != "light_gbm"])
def test_a_validation_part_that_cannot_steer_is_refused(name: str) -> None:
    model = change(ready(name), patience=5)
    part = labelled(inputs_of(60))
    third = labelled(inputs_of(20), classes=3)
    for held, words in (
        (third, "a class that train lacks"),
        (measured(inputs_of(20)), "train asks for classes"),
        (dataclasses.replace(third, labels=third.labels[:4]), "rows without an outcome"),
        (labelled(inputs_of(20, 7)), "7 columns of inputs"),
    ):
        with pytest.raises(DataError, match=words):
            model.fit(part, held, 0)


@CLASSES
@BOOSTERS
def test_contributions_add_up_to_the_score(name: str, classes: int) -> None:
    part, new = some(classes, inputs_of(200)), inputs_of(30, seed=9)
    fitted = ready(name).fit(part, None, seed=0)
    if not hasattr(fitted, "contributions"):
        pytest.skip(f"{name} has no contributions")
    found = fitted.contributions(new)
    assert found.shape == ((30, 3, 5) if classes == 3 else (30, 5))
    scores = found.sum(axis=-1).reshape(30, -1)
    np.testing.assert_allclose(fitted._outcome.answer(scores), fitted.predict(new), rtol=1e-4, atol=1e-6)
    assert fitted.contributions(new[:0]).shape == found[:0].shape


# ------------------------------------------------------------------------------------------- settings, files, extras


@pytest.mark.parametrize("name", ["decision_tree", "random_forest", "cat_boost"])
def test_a_fixed_state_makes_the_seed_nothing(name: str) -> None:
    part, new = labelled(inputs_of(150)), inputs_of(40, seed=9)
    model = change(ready(name), state=42)
    assert not model.stochastic
    assert ready(name).stochastic
    first = model.fit(part, None, seed=1).predict(new)
    assert model.fit(part, None, seed=2).predict(new).tobytes() == first.tobytes()
    assert ready(name).fit(part, None, seed=42).predict(new).tobytes() == first.tobytes()


@pytest.mark.parametrize("name", ["gradient_boosting", "light_gbm"])
def test_a_state_is_handed_on_where_nothing_is_drawn(name: str) -> None:
    part, new = labelled(inputs_of(150)), inputs_of(40, seed=9)
    plain = ready(name).fit(part, None, seed=1).predict(new)
    assert change(ready(name), state=42).fit(part, None, seed=2).predict(new).tobytes() == plain.tobytes()


@pytest.mark.parametrize(
    "make",
    [
        lambda: RandomForest(trees=0),
        lambda: RandomForest(columns_per_split="half"),  # type: ignore[arg-type]
        lambda: DecisionTree(rows_per_split=1),
        lambda: DecisionTree(depth=0),
        lambda: GradientBoosting(leaves=1),
        lambda: GradientBoosting(rows_per_leaf=0),
        lambda: LightGBM(depth=0),
        lambda: XGBoostTrees(leaves=1),
        lambda: XGBoostTrees(row_share=0),
        lambda: XGBoostTrees(column_share=1.1),
        lambda: XGBoostTrees(patience=0),
        lambda: CatBoost(depth=17),
        lambda: CatBoost(rounds=0),
        *(lambda name=name: change(MODELS[name], state=-1) for name in (
            "decision_tree", "random_forest", "gradient_boosting", "light_gbm", "xgboost_trees", "cat_boost"
        )),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense(make: Any) -> None:
    with pytest.raises(UsageError):
        make()


@BOOSTERS
def test_a_file_that_is_no_booster_is_refused(name: str, tmp_path: Path) -> None:
    facts = {"columns": 4, "classes": 0, "present": []}
    file = {"light_gbm": "model.txt", "xgboost_trees": "booster.json", "cat_boost": "model.cbm"}[name]
    for data in (b"not a booster", b"", b"\x80\x04cos\nsystem\n"):
        _folder.write_files(tmp_path, name, facts, {file: data})
        with pytest.raises(HilumError, match=f"{BY_NAME[name]} cannot read the model"):
            ready(name).load(tmp_path)


@BOOSTERS
@pytest.mark.parametrize("kind", ["classify", "regress"])
def test_without_the_extra_the_rest_goes_on(name: str, kind: str) -> None:
    model = type(MODELS[name])
    code = (
        f"import sys\nsys.modules['{LIBRARIES[name]}'] = None\n"
        "from tests.models.test_tabular import part_of, inputs_of\n"
        f"from {model.__module__} import {model.__name__} as Model\n"
        "from hilum.core.errors import HilumError\n"
        f"try:\n    Model().fit(part_of('{kind}', inputs_of(20)), None, 0)\n"
        "except HilumError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    extra = MODELS[name].extra
    assert done.stdout.strip() == (
        f"{BY_NAME[name]} needs the extra '{extra}'. pip install 'hilum[{extra}]' and run again"
    ), done.stderr


@BOOSTERS
def test_a_cell_says_which_extra_it_needs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from hilum.engine import plan
    from hilum.models.two_stage import TwoStage

    monkeypatch.setattr(plan, "find_spec", lambda module: None)
    extra = MODELS[name].extra
    for model in (MODELS[name], TwoStage(number=MODELS[name])):
        with pytest.raises(HilumError, match=rf"pip install 'hilum\[{extra}\]' and run again"):
            plan._need_extra(model)


def test_the_version_of_the_library_belongs_to_a_cells_key() -> None:
    from hilum.engine.code_hash import versions
    from hilum.engine.plan import _module_of
    from hilum.models.xgboost_trees.settings import XGBoostTrees

    assert _module_of(XGBoostTrees()) == "xgboost"
    pytest.importorskip("xgboost")
    assert versions(("xgboost",))["xgboost"] != "absent"


# ---------------------------------------------------------------------------------------------------------------- trees


def stump() -> dict[str, NDArray[Any]]:
    return {
        "feature": np.array([1, -1, -1]),
        "threshold": np.array([0.5, 0.0, 0.0]),
        "left": np.array([1, -1, -1]),
        "right": np.array([2, -1, -1]),
        "value": np.array([[0.0], [10.0], [20.0]]),
    }


def test_trees_by_hand() -> None:
    leaf = {"feature": np.array([-1]), "threshold": np.zeros(1), "left": np.array([-1]), "right": np.array([-1]),
            "value": np.array([[7.0]])}  # fmt: skip
    trees = Trees.join([stump(), leaf, stump()])
    leaves = trees.leaves(np.array([[9.0, 0.5], [0.0, 0.6]]))
    assert leaves.tolist() == [[1, 2], [3, 3], [5, 6]]
    assert trees.value[leaves][:, :, 0].tolist() == [[10, 20], [7, 7], [10, 20]]
    again = Trees.read(trees.arrays(), columns=2)
    np.testing.assert_array_equal(again.leaves(np.zeros((1, 2))), trees.leaves(np.zeros((1, 2))))
    plain = np.empty((3, 2), np.int64)
    inputs = np.array([[9.0, 0.5], [0.0, 0.6]])
    find_leaves.plain(inputs, trees.root, trees.feature, trees.threshold, trees.left, trees.right, plain)
    np.testing.assert_array_equal(plain, leaves)


@pytest.mark.parametrize(
    "broken",
    [
        {"left": np.array([0, -1, -1], np.int32)},  # a circle
        {"right": np.array([3, -1, -1], np.int32)},  # beyond the end
        {"feature": np.array([2, -1, -1], np.int32)},  # no such column
        {"threshold": np.array([0.5])},
        {"root": np.array([0, 0], np.int64)},
        {"root": np.array([1], np.int64)},
        {"root": np.array([], np.int64)},
    ],
)
def test_arrays_that_make_no_trees_are_refused(broken: dict[str, NDArray[Any]]) -> None:
    arrays = Trees.join([stump()]).arrays()
    with pytest.raises(HilumError, match="do not make trees"):
        Trees.read({**arrays, **broken}, columns=2)
