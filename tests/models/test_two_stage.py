"""Two stages: against the two models fitted alone, a case by hand, and what each is handed of sequences."""

from __future__ import annotations

import dataclasses
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.core.component import build, change, default_of, describe, parts_of
from hilum.core.errors import DataError, HilumError, UsageError
from hilum.core.finder import get
from hilum.core.kinds.classify import Joint, Labelled
from hilum.core.kinds.regress import Measured
from hilum.core.model import Trainable
from hilum.core.sequence import Sequenced
from hilum.models.constant_prediction import ConstantPrediction
from hilum.models.decision_tree import DecisionTree
from hilum.models.gradient_boosting import GradientBoosting
from hilum.models.gru import GRU
from hilum.models.logistic_regression import LogisticRegression
from hilum.models.random_forest import RandomForest
from hilum.models.ridge_linear import RidgeLinear
from hilum.models.two_stage import TwoStage
from tests.models.test_tabular import inputs_of, labelled

Array = NDArray[np.float64]
DEEP = pytest.mark.skipif(find_spec("torch") is None, reason="the extra 'deep' is not installed")
SMALL = GRU(hidden=6, epochs=2)


def both(rows: int = 80, seed: int = 0) -> Labelled:
    part = labelled(inputs_of(rows, seed=seed))
    return dataclasses.replace(part, beside=10 + 3 * part.inputs[:, 0] - part.labels)


def number_of(part: Labelled) -> Measured:
    assert part.beside is not None
    return Measured(part.inputs, part.beside, "d", part.subjects, part.sequences)


def in_time(sequences: int = 12, seed: int = 0) -> Labelled:
    """Sequences of 4 records, of which the first is context."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((4 * sequences, 3))
    asked = np.arange(4 * sequences) % 4 > 0
    rows = Sequenced(values, np.repeat(np.arange(sequences), 4), np.tile(np.arange(4.0), sequences), asked)
    labels = (values[:, 0] > 0).astype(np.int64)[asked]
    labels[:2] = 0, 1
    beside = (5 + values[:, 1])[asked]
    who = tuple(str(n) for n in rows.series[asked])
    return Labelled(values[asked], labels, ("alive", "dead"), who, rows, beside)


def test_a_case_by_hand() -> None:
    """One column splits the records: below 0.5 one of two died, above all; 4 and 6 days stand below, 1 and 3 above."""
    part = Labelled(
        np.array([[0.0], [0.0], [1.0], [1.0]]),
        np.array([0, 1, 1, 1]),
        ("alive", "dead"),
        ("a", "b", "c", "d"),
        beside=np.array([4.0, 6.0, 1.0, 3.0]),
    )
    tree = DecisionTree(rows_per_leaf=1)
    said = TwoStage(tree, tree).fit(part, None, 0).predict(np.array([[0.2], [0.9]]))
    assert isinstance(said, Joint)
    np.testing.assert_array_equal(said.probabilities, [[0.5, 0.5], [0.0, 1.0]])
    np.testing.assert_array_equal(said.numbers, [5.0, 2.0])


@pytest.mark.parametrize(
    ("outcome", "number"),
    [(LogisticRegression(), RidgeLinear()), (RandomForest(trees=5), GradientBoosting(rounds=5)),
     (GradientBoosting(rounds=5), ConstantPrediction(band=(0.05, 0.95)))],
)  # fmt: skip
def test_each_answers_as_alone(outcome: Any, number: Any, tmp_path: Path) -> None:
    part, held, new = both(), both(20, seed=3), inputs_of(30, seed=9)
    model = TwoStage(outcome, number)
    assert isinstance(model, Trainable)
    assert model.reads == "records"
    assert model.stochastic is (outcome.stochastic or number.stochastic)
    fitted = model.fit(part, held, seed=4)
    said = fitted.predict(new)
    assert said.probabilities.tobytes() == outcome.fit(part, held, 4).predict(new).tobytes()
    assert said.numbers.tobytes() == number.fit(number_of(part), number_of(held), 4).predict(new).tobytes()
    fitted.save(tmp_path)
    again = model.load(tmp_path).predict(new)
    assert again.probabilities.tobytes() == said.probabilities.tobytes()
    assert again.numbers.tobytes() == said.numbers.tobytes()
    assert {path.name for path in tmp_path.iterdir()} == {"outcome", "number", "model.json"}
    assert fitted.predict(new[:0]).numbers.shape == (0,)


def test_it_is_written_down_with_the_classes_of_its_models() -> None:
    model = TwoStage(RandomForest(trees=7, state=42), GradientBoosting(rounds=3))
    assert build(describe(model)) == model
    assert hash(build(describe(model))) == hash(model)
    assert describe(TwoStage(number=DecisionTree())) != describe(TwoStage(number=RidgeLinear()))
    assert [type(part).__name__ for part in parts_of(model)] == ["TwoStage", "RandomForest", "GradientBoosting"]
    assert change(model, number=RidgeLinear()) == TwoStage(model.outcome, RidgeLinear())
    assert default_of(get("models", "two_stage").load()) == TwoStage(LogisticRegression(), RidgeLinear())
    assert model.answers == "joint"


def test_records_are_handed_the_asked_rows_of_sequences() -> None:
    part = in_time()
    rows = part.sequences
    assert rows is not None
    assert part.beside is not None
    model = TwoStage()
    fitted = model.fit(part, None, 0)
    said = fitted.predict(rows)
    assert len(said.numbers) == len(said.probabilities) == int(rows.asked.sum())
    alone = RidgeLinear().fit(number_of(part), None, 0).predict(part.inputs)
    assert said.numbers.tobytes() == alone.tobytes()
    # Outcomes of all records, context included, teach the same: what stands at context counts for nothing.
    labels, beside = np.zeros(len(rows.asked), np.int64), np.full(len(rows.asked), np.nan)
    labels[rows.asked], beside[rows.asked] = part.labels, part.beside
    who = tuple(str(n) for n in rows.series)
    spread = Labelled(rows.values, labels, part.classes, who, rows, beside)
    other = model.fit(spread, None, 0).predict(rows)
    assert other.numbers.tobytes() == said.numbers.tobytes()
    assert other.probabilities.tobytes() == said.probabilities.tobytes()


@DEEP
@pytest.mark.parametrize("first", ["sequences", "records"])
def test_a_model_of_sequences_beside_one_of_records(first: str, tmp_path: Path) -> None:
    part, held = in_time(), in_time(seed=5)
    rows = held.sequences
    assert rows is not None
    model = TwoStage(SMALL, RidgeLinear()) if first == "sequences" else TwoStage(LogisticRegression(), SMALL)
    assert model.reads == "sequences"
    assert model.stochastic
    fitted = model.fit(part, held, 1)
    said = fitted.predict(rows)
    assert len(said.numbers) == len(said.probabilities) == len(rows.values)  # context too
    if first == "sequences":
        probabilities = SMALL.fit(part, held, 1).predict(rows)
        numbers = RidgeLinear().fit(number_of(part), None, 1).predict(rows.values)
    else:
        probabilities = LogisticRegression().fit(part, None, 1).predict(rows.values)
        numbers = SMALL.fit(number_of(part), number_of(held), 1).predict(rows)
    assert said.probabilities.tobytes() == np.asarray(probabilities).tobytes()
    assert said.numbers.tobytes() == np.asarray(numbers).tobytes()
    fitted.save(tmp_path)
    assert model.load(tmp_path).predict(rows).numbers.tobytes() == said.numbers.tobytes()
    with pytest.raises(DataError, match="reads sequences, and was handed single records"):
        fitted.predict(rows.values)
    with pytest.raises(DataError, match="reads sequences"):
        model.fit(both(), None, 0)


@DEEP
def test_the_future_changes_nothing() -> None:
    part = in_time()
    rows = part.sequences
    assert rows is not None
    fitted = TwoStage(SMALL, RidgeLinear()).fit(part, None, 0)
    place = np.arange(len(rows.values)) % 4
    before = fitted.predict(rows)
    for step in (1, 2, 3):
        later = place >= step
        values = rows.values + 100.0 * later[:, np.newaxis]
        after = fitted.predict(dataclasses.replace(rows, values=values))
        assert after.numbers[~later].tobytes() == before.numbers[~later].tobytes()
        assert after.probabilities[~later].tobytes() == before.probabilities[~later].tobytes()
        assert not np.array_equal(after.probabilities[later], before.probabilities[later])


def test_what_cannot_be_learnt_from_is_refused(tmp_path: Path) -> None:
    part = both()
    alone = dataclasses.replace(part, beside=None)
    assert part.beside is not None
    for train, held, words in (
        (alone, None, "need classes and a number beside them"),
        (part, alone, "need classes and a number beside them"),
        (number_of(part), None, "need classes and a number beside them"),
        (dataclasses.replace(part, beside=part.beside[:7]), None, "80 rows of inputs and 7 outcomes"),
        (dataclasses.replace(part, beside=np.full(80, np.nan)), None, "outcome of row 1 is not finite"),
        (dataclasses.replace(part, labels=np.zeros(80, np.int64)), None, "one class alone"),
    ):
        with pytest.raises(DataError, match=words):
            TwoStage().fit(train, held, 0)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="7 columns of inputs"):
        TwoStage().fit(part, None, 0).predict(inputs_of(3, 7))
    with pytest.raises(HilumError, match="the file is missing"):
        TwoStage().load(tmp_path)
    TwoStage().fit(part, None, 0).save(tmp_path)
    with pytest.raises(HilumError, match="holds a fitted ridge_linear, not a decision_tree"):
        TwoStage(number=DecisionTree()).load(tmp_path)
    with pytest.raises(HilumError, match="holds a fitted two_stage, not a ridge_linear"):
        RidgeLinear().load(tmp_path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TwoStage(RidgeLinear()), "outcome is not one model that can classify"),
        (lambda: TwoStage(number=LogisticRegression()), "number is not one model that can regress"),
        (lambda: TwoStage("random_forest"), "outcome is not one model"),
        (lambda: TwoStage((RandomForest(), RandomForest())), "outcome is not one model"),
        (lambda: TwoStage(ConstantPrediction("joint")), "answers both by itself"),
        (lambda: TwoStage(TwoStage()), "answers both by itself"),
    ],
)
def test_settings_that_make_no_sense(make: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make()
