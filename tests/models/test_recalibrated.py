"""Recalibration: maps against scikit-learn and SciPy, what they keep, and who is learnt from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from sklearn.isotonic import IsotonicRegression  # type: ignore[import-untyped]

from hilum.core.component import build, describe
from hilum.core.errors import DataError, HilumError, UsageError
from hilum.core.kinds.classify import Joint, Labelled
from hilum.core.model import Trainable
from hilum.core.sequence import Sequenced
from hilum.metrics.classify import auroc_of
from hilum.models import _folder
from hilum.models._recalibration import HIGHEST_POWER, LOWEST_POWER, WAYS, Map, isotonic
from hilum.models.logistic_regression import LogisticRegression
from hilum.models.random_forest import RandomForest
from hilum.models.recalibrated import Recalibrated

Array = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)
EACH = pytest.mark.parametrize("by", WAYS)


def softmax(score: Array) -> Array:
    raised = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def said(seed: int, rows: int = 300, classes: int = 2, sharper: float = 2.0) -> tuple[Array, NDArray[np.int64]]:
    """Probabilities that are too sharp, and classes drawn from the right ones."""
    random = np.random.default_rng(seed)
    score = random.normal(size=(rows, classes))
    labels = (score + random.gumbel(size=score.shape)).argmax(axis=1)
    labels[:classes] = np.arange(classes)
    return softmax(sharper * score), labels


def people(rows: int = 240, each: int = 4, seed: int = 0, classes: int = 2) -> Labelled:
    """Records of rows / each people."""
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(rows, 4))
    labels = (inputs[:, :classes] + random.gumbel(size=(rows, classes))).argmax(axis=1)
    labels[:classes] = np.arange(classes)
    whose = tuple(f"person {row // each}" for row in range(rows))
    return Labelled(inputs, labels.astype(np.int64), tuple("abcde"[:classes]), whose)


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(1, 3), st.integers(2, 200))
def test_isotonic_as_scikit_learn(seed: int, digits: int, rows: int) -> None:
    p, labels = said(seed, rows)
    p = np.round(p[:, 1], digits)
    knots = isotonic(p, labels.astype(np.float64))
    asked = np.concatenate([p, np.linspace(-0.1, 1.1, 50)])
    theirs = IsotonicRegression(out_of_bounds="clip").fit(p, labels).predict(asked)
    np.testing.assert_allclose(np.interp(asked, *knots), theirs, atol=1e-6)  # it rounds to single precision
    assert (np.diff(knots[1]) >= 0).all()


def test_isotonic_by_hand() -> None:
    knots = isotonic(np.array([0.1, 0.3, 0.3, 0.5, 0.9]), np.array([0.0, 1.0, 0.0, 0.0, 1.0]))
    # 0.3 has one of two, 0.5 has none: one pool of 1/3
    np.testing.assert_allclose(knots, [[0.1, 0.3, 0.5, 0.9], [0.0, 1 / 3, 1 / 3, 1.0]])


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(2, 4), st.sampled_from([0.4, 1.0, 2.5]))
def test_temperature_is_the_maximum_of_the_likelihood(seed: int, classes: int, sharper: float) -> None:
    p, labels = said(seed, classes=classes, sharper=sharper)

    def loss(log_power: float) -> float:
        q = softmax(np.exp(log_power) * np.log(p))
        return float(-np.log(q[np.arange(len(labels)), labels]).mean())

    theirs = np.exp(minimize_scalar(loss, bounds=np.log([LOWEST_POWER, HIGHEST_POWER]), method="bounded").x)
    assert Map.fit("temperature", p, labels).power == pytest.approx(theirs, rel=1e-3)


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_logistic_is_the_maximum_of_platts_likelihood(seed: int) -> None:
    p, labels = said(seed, rows=80)
    events = labels.sum()
    aim = np.where(labels == 1, (events + 1) / (events + 2), 1 / (len(labels) - events + 2))
    x = np.log(p[:, 1] / p[:, 0])

    def loss(ab: Array) -> float:
        z = ab[0] + ab[1] * x
        return float((np.logaddexp(0, z) - aim * z).sum())

    (knots,) = Map.fit("logistic", p, labels).knots
    assert knots is not None
    np.testing.assert_allclose(knots, minimize(loss, np.array([0.0, 1.0]), tol=1e-10).x, atol=1e-4)


@settings(deadline=None, max_examples=25)
@given(SEEDS, st.sampled_from(WAYS), st.integers(2, 4), st.sampled_from([0.5, 1.0, 4.0]))
def test_what_every_map_keeps(seed: int, by: Any, classes: int, sharper: float) -> None:
    p, labels = said(seed, classes=classes, sharper=sharper)
    q = Map.fit(by, p, labels).apply(said(seed + 1, classes=classes, sharper=sharper)[0])
    assert (q >= 0).all()
    np.testing.assert_allclose(q.sum(axis=1), 1.0, atol=1e-12)
    if by == "temperature":
        after = Map.fit(by, p, labels).apply(p)
        np.testing.assert_array_equal(after.argmax(axis=1), p.argmax(axis=1))
        if classes == 2:
            assert auroc_of(after[:, 1], labels == 1) == auroc_of(p[:, 1], labels == 1)


def test_a_temperature_of_one_changes_nothing() -> None:
    p, _ = said(3, classes=3)
    p[:5] = (0.0, 0.25, 0.75)
    np.testing.assert_allclose(Map("temperature").apply(p), p, rtol=1e-15, atol=1e-12)  # 0 counts as 1e-12
    np.testing.assert_allclose(Map("temperature", absent=(0,)).apply(p[:5]), p[:5], rtol=1e-15, atol=0)


def test_the_temperature_that_was_put_in_comes_out() -> None:
    p, labels = said(0, rows=20_000, classes=3, sharper=2.5)
    assert 1 / Map.fit("temperature", p, labels).power == pytest.approx(2.5, rel=0.05)
    right = np.eye(2)[np.arange(40) % 2] * 0.8 + 0.1
    assert Map.fit("temperature", right, np.arange(40) % 2).power == HIGHEST_POWER
    assert Map.fit("temperature", right, (np.arange(40) + 1) % 2).power == LOWEST_POWER


@EACH
def test_zero_stays_zero_and_a_class_alone_keeps_its_own(by: Any) -> None:
    p, labels = said(1, classes=3)
    p = np.concatenate([p, np.zeros((len(p), 1))], axis=1)
    q = Map.fit(by, p, labels).apply(p)
    assert not q[:, 3].any()
    np.testing.assert_allclose(q.sum(axis=1), 1.0, atol=1e-12)
    if by != "temperature":
        assert Map.fit(by, p, labels).knots[3] is None
    if by == "isotonic":  # nothing is left of a row that no class wants: it keeps its own
        knots = (np.array([[0.5, 0.6], [0.0, 1.0]]),) * 3
        np.testing.assert_array_equal(Map(by, knots).apply(np.full((1, 3), 1 / 3)), np.full((1, 3), 1 / 3))


@EACH
@pytest.mark.parametrize("classes", [2, 3])
def test_a_validation_part_is_what_it_is_fitted_on(by: Any, classes: int, tmp_path: Path) -> None:
    train, held, new = (people(seed=seed, classes=classes) for seed in (0, 1, 2))
    inner = LogisticRegression(inverse_penalty=100.0)
    fitted = Recalibrated(inner, by=by).fit(train, held, seed=0)
    plain = inner.fit(train, held, seed=0)
    expected = Map.fit(by, plain.predict(held.inputs), held.labels).apply(plain.predict(new.inputs))
    np.testing.assert_array_equal(fitted.predict(new.inputs), expected)
    fitted.save(tmp_path)
    assert Recalibrated(inner, by=by).load(tmp_path).predict(new.inputs).tobytes() == expected.tobytes()


@EACH
def test_a_sharp_model_comes_nearer_to_the_truth(by: Any) -> None:
    """A forest of whole trees on noise: its own log loss is far worse."""
    train, new = people(400), people(2000, seed=7)
    forest = RandomForest(trees=20, rows_per_leaf=1)

    def loss(model: Any) -> float:
        p = np.clip(model.fit(train, None, 0).predict(new.inputs), 1e-6, 1)
        return float(-np.log(p[np.arange(len(p)), new.labels]).mean())

    assert loss(Recalibrated(forest, by=by)) < loss(forest) - 0.02


SEEN: list[tuple[set[Any], Any]] = []


@dataclass(frozen=True)
class Watched:
    """A model that remembers what it was handed, and answers p(b) = 1 / (1 + exp(-first column)), with a number beside it."""

    reads: ClassVar[str] = "sequences"
    stochastic: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("classify",)

    def fit(self, train: Labelled, validation: Labelled | None, seed: int) -> Any:
        SEEN.append((set(train.subjects), train))
        return self

    def predict(self, inputs: Sequenced) -> Joint:
        SEEN.append((set(inputs.values[:, 1].tolist()), inputs))
        p = 1 / (1 + np.exp(-inputs.values[:, 0]))
        return Joint(np.stack([1 - p, p], axis=1), inputs.values[:, 1])

    def save(self, folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "model.json").write_text("{}")

    def load(self, folder: Path) -> Any:
        assert (folder / "deep" / "model.json").read_text() == "{}"
        return self


def sequences(people: int = 12, seed: int = 0) -> Labelled:
    """Two sequences a person of five records, two of which are context; the second column says whose a record is."""
    random = np.random.default_rng(seed)
    rows = people * 10
    values = random.normal(size=(rows, 2))
    values[:, 1] = np.arange(rows) // 10
    asked = np.arange(rows) % 5 >= 2
    series = np.arange(rows) // 5
    labels = (random.random(rows) < 1 / (1 + np.exp(-values[:, 0] / 2))).astype(np.int64)[asked]
    records = Sequenced(values, series, np.arange(rows, dtype=np.float64), asked)
    whose = tuple(f"{int(one)}" for one in values[asked, 1])
    return Labelled(values[asked], labels, ("a", "b"), whose, records, np.arange(asked.sum(), dtype=np.float64))


def test_inner_folds_keep_people_and_their_sequences_apart() -> None:
    train = sequences()
    model = Recalibrated(Watched(), folds=4)
    assert getattr(model, "reads") == "sequences"  # noqa: B009 - of the instance alone
    SEEN.clear()
    fitted = model.fit(train, None, seed=1)
    (everybody, _), *folds = SEEN
    assert everybody == set(train.subjects)
    assert len(folds) == 8
    held_out = []
    for (learnt, part), (held, inputs) in zip(folds[::2], folds[1::2], strict=True):
        assert {float(one) for one in learnt} | held == set(map(float, everybody))
        assert not {float(one) for one in learnt} & held
        assert len(part.sequences.values) == 10 * len(learnt)  # context and all
        assert len(inputs.values) == 10 * len(held)
        assert part.beside is not None
        np.testing.assert_array_equal(part.beside % 6 < 6, True)
        np.testing.assert_array_equal(part.sequences.values[part.sequences.asked], part.inputs)
        assert len(part.labels) == len(part.subjects) == len(part.beside) == 6 * len(learnt)
        held_out += sorted(held)
    assert sorted(held_out) == sorted(map(float, everybody))
    assert train.sequences is not None
    answer = fitted.predict(train.sequences)
    assert isinstance(answer, Joint)
    np.testing.assert_array_equal(answer.numbers, train.sequences.values[:, 1])
    own = Watched().predict(train.sequences).probabilities[train.sequences.asked]
    assert fitted.map.power == pytest.approx(Map.fit("temperature", own, train.labels).power)
    with pytest.raises(DataError, match="one class alone"):
        model.fit(replace(train, subjects=("x",) * len(train.labels)), None, 0)


def test_files_of_the_inner_model_stay_inside(tmp_path: Path) -> None:
    train = sequences()
    assert train.sequences is not None
    fitted = Recalibrated(Watched(), folds=2).fit(train, None, 0)
    fitted.save(tmp_path)
    after = Recalibrated(Watched(), folds=2).load(tmp_path).predict(train.sequences)
    before = fitted.predict(train.sequences)
    assert isinstance(after, Joint)
    assert isinstance(before, Joint)
    assert after.probabilities.tobytes() == before.probabilities.tobytes()
    facts, arrays = _folder.read(tmp_path, "recalibrated", ())
    for name in ("inner.../elsewhere", "inner./tmp/elsewhere", "model.json"):
        _folder.write(tmp_path, "recalibrated", {**facts, "files": [name]}, arrays)
        with pytest.raises(HilumError, match="no file of the inner model"):
            Recalibrated(Watched()).load(tmp_path)


def test_a_model_of_single_records_does_not_mind_sequences() -> None:
    train = sequences(people=30)
    assert train.sequences is not None
    alone = replace(train, sequences=None)
    fits = [Recalibrated().fit(part, None, 0).predict(train.inputs) for part in (train, alone)]
    np.testing.assert_array_equal(*fits)


def test_classes_that_train_lacks_say_nothing_of_the_map() -> None:
    train, held = people(classes=2), people(seed=1, classes=2)
    train = replace(train, classes=("a", "b", "c"))
    held = replace(held, classes=("a", "b", "c"))
    other = replace(held, labels=np.where(np.arange(240) % 7 == 0, 2, held.labels))
    without = np.flatnonzero(np.arange(240) % 7 != 0)
    some = replace(held, inputs=held.inputs[without], labels=held.labels[without])
    fits = [Recalibrated().fit(train, part, 0).map.power for part in (other, some)]
    assert fits[0] == fits[1]


def test_settings_and_parts_that_make_no_sense() -> None:
    assert build(describe(Recalibrated(RandomForest(trees=3), by="isotonic"))) == Recalibrated(
        RandomForest(trees=3), "isotonic"
    )
    assert isinstance(Recalibrated(), Trainable)
    for wrong in (
        {"model": ()},
        {"model": (LogisticRegression(),) * 2},
        {"by": "magic"},
        {"folds": 1},
        {"model": object()},
    ):
        with pytest.raises(UsageError):
            Recalibrated(**wrong)
    train = people()
    held = replace(train, labels=np.zeros(240, np.int64))
    with pytest.raises(DataError, match="one class alone"):
        Recalibrated().fit(train, held, 0)
    lone = replace(train, labels=np.eye(1, 240, dtype=np.int64)[0])
    with pytest.raises(DataError, match="one class alone"):
        Recalibrated().fit(lone, None, 0)


def test_a_network_of_sequences_inside(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from hilum.models.gru import GRU

    train = sequences(people=10)
    model = Recalibrated(GRU(hidden=4, epochs=2, answers="joint"), folds=2)
    fitted = model.fit(train, None, seed=0)
    assert train.sequences is not None
    before = fitted.predict(train.sequences)
    assert isinstance(before, Joint)
    np.testing.assert_allclose(before.probabilities.sum(axis=1), 1.0, atol=1e-12)
    fitted.save(tmp_path)
    after = model.load(tmp_path).predict(train.sequences)
    assert isinstance(after, Joint)
    assert after.probabilities.tobytes() == before.probabilities.tobytes()
    assert after.numbers.tobytes() == before.numbers.tobytes()
