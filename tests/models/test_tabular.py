"""Models of tables: against scikit-learn and LightGBM themselves, hand-worked cases, and what holds for all of them."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.core.component import build, change, describe
from hilum.core.errors import DataError, HilumError, UsageError
from hilum.core.finder import find
from hilum.core.kinds.classify import Joint, Labelled
from hilum.core.kinds.regress import Measured
from hilum.core.model import Trainable
from hilum.models import _folder
from hilum.models.constant_prediction import ConstantPrediction
from hilum.models.elastic_net import ElasticNet
from hilum.models.logistic_regression import LogisticRegression
from hilum.models.multilayer_perceptron import MultilayerPerceptron
from hilum.models.ridge_linear import RidgeLinear

Array = NDArray[np.float64]
QUICK = {
    "decision_tree": {"rows_per_leaf": 1}, "random_forest": {"trees": 12}, "multilayer_perceptron": {"epochs": 8},
    "gradient_boosting": {"rounds": 15}, "light_gbm": {"rounds": 15}, "xgboost_trees": {"rounds": 15},
    "cat_boost": {"rounds": 15, "depth": 4},
}  # fmt: skip
LIBRARIES = {"light_gbm": "lightgbm", "xgboost_trees": "xgboost", "cat_boost": "catboost"}
OWN_FILES = (".json", ".safetensors", ".txt", ".cbm")


def tabular() -> dict[str, Any]:
    """Every model that the finder finds and that says it classifies or regresses, made quick."""
    models = {}
    for name, found in find("models").items():
        module = found.load("settings" if found.has("settings") else "")
        for thing in vars(module).values():
            if (
                isinstance(thing, type)
                and thing.__module__ == module.__name__
                and hasattr(thing, "kinds")
                and not hasattr(thing, "reads")
            ):
                models[name] = change(thing(), **QUICK.get(name, {}))
    return models


MODELS = tabular()
PAIRS = [(name, kind) for name, model in MODELS.items() for kind in model.kinds if kind in ("classify", "regress")]
INSTALLED = [pair for pair in PAIRS if pair[0] not in LIBRARIES or find_spec(LIBRARIES[pair[0]])]
KINDS = pytest.mark.parametrize(("name", "kind"), PAIRS)
CLASSIFIERS = pytest.mark.parametrize("name", [name for name, kind in PAIRS if kind == "classify"])


def ready(name: str) -> Any:
    if name in LIBRARIES:
        extra = getattr(MODELS[name], "extra", "")
        pytest.importorskip(LIBRARIES[name], reason=f"the extra '{extra}' is not installed: {LIBRARIES[name]}")
    return MODELS[name]


def inputs_of(rows: int, columns: int = 4, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(rows, columns))


def labelled(inputs: Array, classes: int = 2, seed: int = 1) -> Labelled:
    noise = np.random.default_rng(seed).gumbel(size=(len(inputs), classes))
    weights = np.random.default_rng(5).normal(size=(inputs.shape[1], classes))
    labels = (inputs @ weights + noise).argmax(axis=1)
    labels[:classes] = np.arange(classes)
    return Labelled(inputs, labels.astype(np.int64), tuple("abcde"[:classes]), tuple(map(str, range(len(inputs)))))


def measured(inputs: Array, seed: int = 1) -> Measured:
    noise = np.random.default_rng(seed).normal(size=len(inputs))
    return Measured(inputs, 50 + 8 * inputs[:, 0] ** 2 + 3 * noise, "mm", tuple(map(str, range(len(inputs)))))


def part_of(kind: str, inputs: Array, classes: int = 2) -> Labelled | Measured:
    return labelled(inputs, classes) if kind == "classify" else measured(inputs)


def take(part: Any, order: Any) -> Any:
    outcome = "labels" if isinstance(part, Labelled) else "targets"
    return dataclasses.replace(part, inputs=part.inputs[order], **{outcome: getattr(part, outcome)[order]})


def test_all_are_found() -> None:
    expected = {"cat_boost", "constant_prediction", "decision_tree", "elastic_net", "gradient_boosting", "light_gbm",
                "logistic_regression", "multilayer_perceptron", "random_forest", "ridge_linear", "xgboost_trees"}  # fmt: skip
    assert expected <= set(MODELS)


# ---------------------------------------------------------------------------------------------------- what holds for all


@KINDS
@pytest.mark.parametrize("classes", [2, 3])
def test_stored_models_give_the_same_bits(name: str, kind: str, classes: int, tmp_path: Path) -> None:
    model = ready(name)
    assert isinstance(model, Trainable)
    assert build(describe(model)) == model
    fitted = model.fit(part_of(kind, inputs_of(120), classes), None, seed=3)
    new = inputs_of(33, seed=9)
    before = fitted.predict(new)
    assert before.dtype == np.float64
    assert before.shape == ((33, classes) if kind == "classify" else (33,))
    assert np.isfinite(before).all()
    if kind == "classify":
        assert (before >= 0).all()
        np.testing.assert_allclose(before.sum(axis=1), 1.0, atol=1e-12)
    fitted.save(tmp_path)
    assert model.load(tmp_path).predict(new).tobytes() == before.tobytes()
    assert not [path.name for path in tmp_path.iterdir() if path.suffix not in OWN_FILES]
    importance = getattr(model.load(tmp_path), "importance", None)
    if importance is not None:
        np.testing.assert_array_equal(importance, fitted.importance)
        assert importance.shape == (4,)
        assert (importance >= 0).all()


@KINDS
def test_the_seed_alone_decides(name: str, kind: str) -> None:
    model, part, new = ready(name), part_of(kind, inputs_of(150)), inputs_of(20, seed=9)
    first = model.fit(part, None, seed=1).predict(new)
    assert model.fit(part, None, seed=1).predict(new).tobytes() == first.tobytes()
    assert (model.fit(part, None, seed=2).predict(new).tobytes() == first.tobytes()) is not model.stochastic


# Stochastic models draw positions: for them the table keeps its records in the order of their ids.
@pytest.mark.parametrize(("name", "kind"), [pair for pair in PAIRS if not MODELS[pair[0]].stochastic])
def test_the_order_of_the_records_leaves_no_trace(name: str, kind: str) -> None:
    model, part, new = ready(name), part_of(kind, inputs_of(150)), inputs_of(20, seed=9)
    turned = take(part, np.random.default_rng(2).permutation(150))
    tolerance = {"constant_prediction": 0.0, "xgboost_trees": 1e-5}.get(
        name, 1e-8
    )  # XGBoost answers in single precision
    before, after = model.fit(part, None, seed=0).predict(new), model.fit(turned, None, seed=0).predict(new)
    np.testing.assert_allclose(after, before, rtol=tolerance, atol=0)


@KINDS
@pytest.mark.parametrize(
    "inputs",
    [
        inputs_of(40, 1),
        np.ones((30, 3)),
        np.column_stack([inputs_of(30, 1), np.zeros(30)]),
        inputs_of(12, 40),
        inputs_of(4, 2),
        np.repeat(inputs_of(30, 1), 3, axis=1),
    ],
    ids=["one column", "constant columns", "a constant column", "more columns than rows", "two rows a class", "twins"],
)
def test_edges(name: str, kind: str, inputs: Array, tmp_path: Path) -> None:
    part = part_of(kind, inputs)
    if isinstance(part, Labelled) and len(inputs) == 4:
        part = dataclasses.replace(part, labels=np.array([0, 1, 0, 1]))
    fitted = ready(name).fit(part, None, seed=0)
    before = fitted.predict(inputs)
    assert np.isfinite(before).all()
    assert fitted.predict(inputs[:0]).shape == before[:0].shape
    fitted.save(tmp_path)
    assert ready(name).load(tmp_path).predict(inputs).tobytes() == before.tobytes()


@CLASSIFIERS
def test_a_class_that_train_lacks_has_probability_zero(name: str, tmp_path: Path) -> None:
    part = labelled(inputs_of(90), classes=2)
    for present in ((0, 2), (1, 3, 4)):
        labels = np.array(present)[np.arange(90) % len(present)]
        fitted = ready(name).fit(dataclasses.replace(part, labels=labels, classes=tuple("abcde")), None, seed=0)
        shares = fitted.predict(part.inputs)
        assert shares.shape == (90, 5)
        assert not shares[:, [c for c in range(5) if c not in present]].any()
        assert (shares[:, list(present)] > 0).any(axis=0).all()
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-12)
        (tmp_path / str(len(present))).mkdir()
        fitted.save(tmp_path / str(len(present)))
        assert ready(name).load(tmp_path / str(len(present))).predict(part.inputs).tobytes() == shares.tobytes()


@KINDS
def test_a_foreign_or_damaged_folder_is_refused(name: str, kind: str, tmp_path: Path) -> None:
    model = ready(name)
    with pytest.raises(HilumError, match=r"model\.json: the file is missing"):
        model.load(tmp_path)
    model.fit(part_of(kind, inputs_of(60)), None, seed=0).save(tmp_path)
    other = ConstantPrediction() if name != "constant_prediction" else RidgeLinear()
    with pytest.raises(HilumError, match=f"holds a fitted {name}, not a {describe(other).name}"):
        other.load(tmp_path)
    payload = next(path for path in tmp_path.iterdir() if path.name != "model.json")
    whole = payload.read_bytes()
    for torn in (whole[: len(whole) // 2], whole[:-1] + bytes([whole[-1] ^ 1]), b"", b"\x80\x04cos\nsystem\n"):
        payload.write_bytes(torn)
        with pytest.raises(HilumError, match="differs from its checksum"):
            model.load(tmp_path)
    payload.unlink()
    with pytest.raises(HilumError, match="the file is missing"):
        model.load(tmp_path)
    facts = tmp_path / "model.json"
    whole_facts = facts.read_text()
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "format": 99}))
    with pytest.raises(HilumError, match="format 99"):
        model.load(tmp_path)
    stored = json.loads(whole_facts)
    facts.write_text(json.dumps({**stored, "facts": {**stored["facts"], "columns": 5, "kind": "regres"}}))
    with pytest.raises(HilumError, match="facts differ from their checksum"):
        model.load(tmp_path)
    facts.write_text("[]")
    with pytest.raises(HilumError, match="no facts"):
        model.load(tmp_path)


@pytest.mark.parametrize("name", [name for name in MODELS if name not in LIBRARIES])
def test_arrays_of_something_else_are_refused(name: str, tmp_path: Path) -> None:
    _folder.write(tmp_path, name, {"columns": 4}, {"other": np.ones(3)})
    with pytest.raises(HilumError, match=r"the array '.*' is missing"):
        MODELS[name].load(tmp_path)
    _folder.write_files(tmp_path, name, {"columns": 4}, {_folder.ARRAYS: b"not arrays at all"})
    with pytest.raises(HilumError, match=r"arrays\.safetensors: the file is damaged"):
        MODELS[name].load(tmp_path)


@pytest.mark.parametrize(("name", "kind"), [pair for pair in PAIRS if pair[0] != "constant_prediction"])
def test_what_nothing_can_be_learnt_from_is_refused(name: str, kind: str) -> None:
    model, part = ready(name), part_of(kind, inputs_of(30))
    for broken, words in (
        (take(part, slice(0, 0)), "no row"),
        (dataclasses.replace(part, inputs=np.empty((30, 0))), "no column"),
        (dataclasses.replace(part, inputs=part.inputs[:9]), "9 rows of inputs and 30 outcomes"),
        (dataclasses.replace(part, inputs=np.where(part.inputs > 2, np.nan, part.inputs)), "is not finite"),
        (dataclasses.replace(part, inputs=part.inputs[:, 0]), "rows and columns"),
    ):
        with pytest.raises(DataError, match=words):
            model.fit(broken, None, 0)
    outcome: list[tuple[Any, str]] = []
    if isinstance(part, Labelled):
        outcome.append((dataclasses.replace(part, labels=np.zeros(30, np.int64)), "one class alone: 'a'"))
        outcome.append((dataclasses.replace(part, labels=part.labels + 1), "labels go from 1 to 2, for 2 classes"))
    else:
        outcome.append((dataclasses.replace(part, targets=np.full(30, np.inf)), "outcome of row 1 is not finite"))
    for broken, words in outcome:
        with pytest.raises(DataError, match=words):
            model.fit(broken, None, 0)
    fitted = model.fit(part, None, 0)
    with pytest.raises(DataError, match="7 columns of inputs, and the model was fitted on 4"):
        fitted.predict(inputs_of(3, 7))
    with pytest.raises(DataError, match="row 1, column 1 is not finite"):
        fitted.predict(np.full((2, 4), np.nan))


@pytest.mark.parametrize(
    "make",
    [
        lambda: LogisticRegression(inverse_penalty=0),
        lambda: RidgeLinear(penalty=0),
        lambda: ElasticNet(l1_share=0),
        lambda: MultilayerPerceptron(hidden_units=()),
    ],
)
def test_settings_that_make_no_sense(make: Any) -> None:
    with pytest.raises(UsageError):
        make()


def test_a_process_gives_the_same_bits() -> None:
    code = (
        "import hashlib\nfrom tests.models.test_tabular import INSTALLED, part_of, inputs_of, ready\n"
        "for name, kind in INSTALLED:\n"
        "    fitted = ready(name).fit(part_of(kind, inputs_of(200)), None, seed=3)\n"
        "    print(name, kind, hashlib.sha256(fitted.predict(inputs_of(50, seed=9)).tobytes()).hexdigest())\n"
    )
    outputs = []
    for threads in ("1", "2"):  # a model keeps to one thread, whatever the environment says
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env={**os.environ, **dict.fromkeys(names, threads)},
            cwd=Path(__file__).parents[2],
        )
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert len(outputs[0].splitlines()) == len(INSTALLED)


def test_settings_load_nothing_heavy() -> None:
    modules = [describe(model).module for model in MODELS.values()]
    code = (
        f"import sys, importlib\nfor name in {modules}:\n    importlib.import_module(name)\n"
        "bad = {'sklearn', 'lightgbm', 'xgboost', 'catboost', 'scipy', 'numba', 'polars', 'safetensors'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------------------------------------------- each by its oracle


def test_constant_is_class_shares_and_mean() -> None:
    part = Labelled(np.empty((5, 0)), np.array([2, 0, 0, 2, 2]), ("a", "b", "c"), ("s",) * 5)
    np.testing.assert_array_equal(
        ConstantPrediction().fit(part, None, 0).predict(np.empty((2, 0))), [[0.4, 0, 0.6]] * 2
    )
    numbers = Measured(np.empty((3, 0)), np.array([1e17, 1.0, -1e17]), "mm", ("s",) * 3)
    assert ConstantPrediction().fit(numbers, None, 0).predict(np.empty((2, 7))).tolist() == [1 / 3, 1 / 3]
    with pytest.raises(DataError, match="no row"):
        ConstantPrediction().fit(take(part, slice(0, 0)), None, 0)


def test_constant_inside_a_band_and_of_both() -> None:
    days = np.array([9.0, 0.0, 1.0, 2.0, 100.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])  # 5 and 95 %: 0.5 and 54.5
    numbers = Measured(np.empty((11, 0)), days, "d", ("s",) * 11)
    banded = ConstantPrediction(band=(0.05, 0.95))
    assert banded.fit(numbers, None, 0).predict(np.empty((1, 0))).tolist() == [5.0]
    assert ConstantPrediction().fit(numbers, None, 0).predict(np.empty((1, 0))).tolist() == [145 / 11]
    # A number on a limit is outside: of 0 to 10, the limits of 10 and 90 % are 1 and 9.
    whole = dataclasses.replace(numbers, targets=np.arange(11.0) ** 2)
    assert (
        ConstantPrediction(band=(0.1, 0.9)).fit(whole, None, 0).predict(np.empty((1, 0)))[0]
        == sum(n * n for n in range(2, 9)) / 7
    )
    part = Labelled(np.empty((11, 0)), np.arange(11) % 3, ("a", "b", "c", "d"), ("s",) * 11, beside=days)
    both = ConstantPrediction("joint", (0.05, 0.95)).fit(part, None, 0).predict(np.empty((2, 0)))
    assert isinstance(both, Joint)
    np.testing.assert_array_equal(both.probabilities, [[4 / 11, 4 / 11, 3 / 11, 0]] * 2)
    np.testing.assert_array_equal(both.numbers, [5.0, 5.0])


def test_constant_of_both_is_stored(tmp_path: Path) -> None:
    part = dataclasses.replace(labelled(inputs_of(30)), beside=np.arange(30.0) / 7)
    model = ConstantPrediction("joint")
    assert build(describe(model)) == model
    assert build(describe(ConstantPrediction(band=(0.1, 0.9)))) == ConstantPrediction(band=(0.1, 0.9))
    before = model.fit(part, None, 0)
    before.save(tmp_path)
    one, other = before.predict(inputs_of(4)), model.load(tmp_path).predict(inputs_of(4))
    assert isinstance(one, Joint)
    assert isinstance(other, Joint)
    assert one.probabilities.tobytes() == other.probabilities.tobytes()
    assert one.numbers.tobytes() == other.numbers.tobytes()


def test_constant_refuses_what_makes_no_sense() -> None:
    for band in ((0.9, 0.1), (0.5, 0.5), (-0.1, 0.5), (0.5, 1.1), (0.5,)):
        with pytest.raises(UsageError, match="no band of quantiles"):
            ConstantPrediction(band=band)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="answers"):
        ConstantPrediction(answers="both")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="needs classes"):
        ConstantPrediction("joint").fit(measured(inputs_of(9)), None, 0)
    with pytest.raises(DataError, match="needs a number beside the outcome"):
        ConstantPrediction("joint").fit(labelled(inputs_of(9)), None, 0)
    still = dataclasses.replace(measured(inputs_of(9)), targets=np.ones(9))
    with pytest.raises(DataError, match=r"no number of train lies inside its band \(0.05, 0.95\)"):
        ConstantPrediction(band=(0.05, 0.95)).fit(still, None, 0)


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_regression(classes: int) -> None:
    from sklearn.linear_model import LogisticRegression as Theirs

    part, new = labelled(inputs_of(200), classes), inputs_of(40, seed=9)
    ours = LogisticRegression(inverse_penalty=0.3).fit(part, None, 0)
    assert ours.converged
    theirs = Theirs(C=0.3, tol=1e-8, max_iter=1000).fit(part.inputs, part.labels)
    np.testing.assert_allclose(ours.predict(new), theirs.predict_proba(new), atol=1e-12)
    # At the minimum the gradient of the penalised likelihood, written out here, is zero.
    shares = ours.predict(part.inputs)
    wrong = shares - np.eye(classes)[part.labels]
    wrong = wrong[:, 1:] if classes == 2 else wrong
    np.testing.assert_allclose(0.3 * part.inputs.T @ wrong + ours.weights, 0, atol=1e-4)
    np.testing.assert_allclose(wrong.sum(axis=0), 0, atol=1e-4)
    assert not LogisticRegression(iterations=1).fit(part, None, 0).converged


@pytest.mark.parametrize(("rows", "columns"), [(60, 4), (10, 30)])
def test_ridge_is_the_normal_equations(rows: int, columns: int) -> None:
    part, new = measured(inputs_of(rows, columns) + 2.0), inputs_of(9, columns, seed=9)
    ours = RidgeLinear(penalty=2.5).fit(part, None, 0)
    bordered = np.column_stack([np.ones(rows), part.inputs])
    penalty = 2.5 * np.diag([0.0] + [1.0] * columns)
    expected = np.linalg.solve(bordered.T @ bordered + penalty, bordered.T @ part.targets)
    np.testing.assert_allclose(ours.predict(new), expected[0] + new @ expected[1:], rtol=1e-9)


def test_elastic_net_of_numbers() -> None:
    from sklearn.linear_model import ElasticNet as Theirs

    part, new = measured(inputs_of(100, 6)), inputs_of(9, 6, seed=9)
    ours = ElasticNet(penalty=0.1, l1_share=0.7).fit(part, None, 0)
    middle, spread = part.targets.mean(), part.targets.std()
    theirs = Theirs(alpha=0.1, l1_ratio=0.7, tol=1e-10, max_iter=10**5).fit(
        part.inputs, (part.targets - middle) / spread
    )
    np.testing.assert_allclose(ours.predict(new), theirs.predict(new) * spread + middle, rtol=1e-7)
    assert ours.converged
    # The conditions of the minimum, written out: |slope| = penalty where a weight is not zero, and not above it elsewhere.
    error = (part.targets - ours.predict(part.inputs)) / spread
    slope = part.inputs.T @ error / 100 - 0.1 * 0.3 * ours.weights[:, 0] / spread
    moves = ours.weights[:, 0] != 0
    assert 0 < moves.sum() < 6
    np.testing.assert_allclose(slope[moves], 0.07 * np.sign(ours.weights[moves, 0]), atol=1e-6)
    assert (np.abs(slope[~moves]) <= 0.07 + 1e-6).all()
    # Without a unit: the same in metres.
    metres = dataclasses.replace(part, targets=part.targets / 1000, unit="m")
    in_metres = ElasticNet(penalty=0.1, l1_share=0.7).fit(metres, None, 0).predict(new)
    np.testing.assert_allclose(in_metres * 1000, ours.predict(new), rtol=1e-9)


@pytest.mark.parametrize("classes", [2, 3])
def test_elastic_net_of_classes(classes: int) -> None:
    part = labelled(inputs_of(150, 6), classes)
    ours = ElasticNet(penalty=0.05, l1_share=0.6).fit(part, None, 0)
    assert ours.converged
    wrong = ours.predict(part.inputs) - np.eye(classes)[part.labels]
    wrong = wrong[:, 1:] if classes == 2 else wrong
    slope = -(part.inputs.T @ wrong) / 150 - 0.05 * 0.4 * ours.weights
    moves = ours.weights != 0
    assert 0 < moves.sum() < moves.size
    np.testing.assert_allclose(slope[moves], 0.03 * np.sign(ours.weights[moves]), atol=1e-6)
    assert (np.abs(slope[~moves]) <= 0.03 + 1e-6).all()
    np.testing.assert_allclose(wrong.mean(axis=0), 0, atol=1e-6)
    assert not ElasticNet(sweeps=2).fit(part, None, 0).converged


@pytest.mark.parametrize("classes", [2, 3])
def test_elastic_net_of_classes_is_scikit_learns(classes: int) -> None:
    from sklearn.linear_model import LogisticRegression as Theirs

    part, new = labelled(inputs_of(150, 6) * [1, 3, 0.3, 1, 1, 1] + 2.0, classes), inputs_of(20, 6, seed=9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # from scikit-learn 1.8 the penalty needs no name
        theirs = Theirs(
            penalty="elasticnet",
            solver="saga",
            C=1 / (0.05 * 150),
            l1_ratio=0.6,
            tol=1e-10,
            max_iter=10**5,
            random_state=0,
        ).fit(part.inputs, part.labels)
    ours = ElasticNet(penalty=0.05, l1_share=0.6).fit(part, None, 0)
    np.testing.assert_allclose(ours.predict(new), theirs.predict_proba(new), atol=1e-5)


def test_elastic_net_settles_where_columns_repeat_each_other() -> None:
    inputs = inputs_of(80, 3)
    part = labelled(np.column_stack([inputs] * 20), 2)
    ours = ElasticNet().fit(part, None, 0)
    assert ours.converged
    np.testing.assert_allclose(
        ours.weights[:3], ours.weights[-3:], atol=1e-6
    )  # the L2 part shares a weight among twins


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_perceptron_is_scikit_learns(classes: int) -> None:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    inputs, new = inputs_of(200), inputs_of(40, seed=9)
    settings: dict[str, Any] = {
        "hidden_layer_sizes": (8, 5), "alpha": 1e-3, "max_iter": 30, "batch_size": 50, "random_state": 4
    }  # fmt: skip
    model = MultilayerPerceptron(hidden_units=(8, 5), epochs=30, rows_per_step=50)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if classes:
            part: Any = labelled(inputs, classes)
            expected = MLPClassifier(**settings).fit(inputs, part.labels).predict_proba(new)
        else:
            part = measured(inputs)
            middle, spread = part.targets.mean(), part.targets.std()
            theirs = MLPRegressor(**settings).fit(inputs, (part.targets - middle) / spread)
            expected = theirs.predict(new) * spread + middle
    np.testing.assert_allclose(model.fit(part, None, seed=4).predict(new), expected, rtol=1e-12)
