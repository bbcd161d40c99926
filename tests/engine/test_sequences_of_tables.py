"""Tables whose records belong together in time: what models are handed, what is asked, and that nothing of the future is read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from hilum.core.errors import DataError, UsageError
from hilum.core.kinds.classify import Joint, Labelled
from hilum.core.sequence import Sequenced
from hilum.core.split import Rule
from hilum.engine.tables.pipeline import examples, learn, score_block
from hilum.engine.tables.ready import parts, ready
from hilum.engine.tables.runner import PERMUTED, permute, run
from hilum.modalities.table.inputs import Inputs
from hilum.modalities.table.prepare import Prepare
from hilum.modalities.table.sample import Table
from hilum.models.constant_prediction import ConstantPrediction
from hilum.models.logistic_regression import LogisticRegression
from hilum.tasks.predict_class import PredictClass
from hilum.tasks.predict_course import PredictCourse
from hilum.tasks.predict_value import PredictValue
from tests.checks.planted import ask, study, table_arm

TASK = PredictClass(split=Rule(folds=3, validation=0.2))


def stays(count: int = 40, *, asked: str = "last", number: bool = False) -> Table:
    """Stays of one to six hours of 20 or so subjects; ids that do not stand in order of time. Synthetic."""
    random = np.random.default_rng(5)
    rows: dict[str, list[Any]] = {name: [] for name in ("item", "subject", "sequence", "step", "target", "beside")}
    x = []
    for stay in range(count):
        hours = int(random.integers(1, 7))
        level = random.normal()
        for hour in range(hours):
            x.append(level + 0.3 * hour + 0.1 * random.normal())
            last = hour == hours - 1
            rows["item"].append(f"{(stay * 7 + hour * 13) % 997:03d}-{stay}-{hour}")
            rows["subject"].append(f"p{stay // 2:02d}")
            rows["sequence"].append(f"s{stay:02d}")
            rows["step"].append(float(hour))
            outcome = level + 0.2 * random.normal()
            rows["target"].append(None if asked == "last" and not last else outcome if number else float(outcome > 0))
            rows["beside"].append(float(hours - hour))
    features = pl.DataFrame({"age": np.arange(len(x)) * 0 + 50.0, "x": x, "noise": random.normal(size=len(x))})
    classes = () if number else ("no", "yes")
    frame = pl.DataFrame(rows, schema_overrides={"target": pl.Float64})
    return Table("stays", frame, features, classes, "event", "h", static=("age",))


@dataclass(frozen=True)
class _Recorder:
    """Remembers what it was handed; answers for every row its step, and where told so the largest step of its sequence."""

    looks_ahead: bool = False
    joint: bool = False
    reads: ClassVar[str] = "sequences"
    kinds: ClassVar[tuple[str, ...]] = ("classify",)

    def fit(self, train: Labelled, validation: Labelled | None, seed: int) -> _Recorder:
        handed.append((train, validation))
        return self

    def predict(self, inputs: Sequenced) -> Any:
        handed.append(inputs)
        x = inputs.values[:, 0]
        if self.looks_ahead:
            x = np.maximum.reduceat(x, inputs.starts[:-1])[inputs.series]
        positive = 1 / (1 + np.exp(-x))
        shares = np.column_stack([1 - positive, positive])
        return Joint(shares, inputs.step) if self.joint else shares

    def save(self, folder: Path) -> None:
        """Nothing to keep."""

    def load(self, folder: Path) -> _Recorder:
        """Nothing was kept."""
        return self


handed: list[Any] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    handed.clear()


def test_a_model_of_sequences_is_handed_context_in_order_of_time() -> None:
    table = stays()
    made = examples(TASK.prepare.fit(table.inputs), table, "sequences")
    sequences = made.sequences
    assert sequences is not None
    assert len(sequences.values) == table.height
    assert int(sequences.asked.sum()) == made.inputs.shape[0] == 40
    by_hand = table.rows.sort("sequence", "step")
    np.testing.assert_array_equal(sequences.step, by_hand["step"])
    wanted = by_hand.filter(pl.col("target").is_not_null())
    np.testing.assert_array_equal(made.labels, wanted["target"])  # type: ignore[union-attr]
    assert list(made.subjects) == wanted["subject"].to_list()
    np.testing.assert_array_equal(made.beside, wanted["beside"])  # type: ignore[union-attr]


def test_predictions_come_back_to_the_records_that_were_asked_for() -> None:
    table = stays(asked="every")
    ready_table = ready(TASK, _Recorder(), table)
    part = parts(TASK, table)[0]
    pipeline = learn(TASK, _Recorder(joint=True), None, ready_table, part, 0)
    answer = pipeline.predict(table)
    assert isinstance(answer, Joint)
    np.testing.assert_array_equal(answer.numbers, table.rows["step"])  # each record got its own answer back
    some = stays(asked="last")
    answer = pipeline.predict(some)
    assert isinstance(answer, Joint)
    np.testing.assert_array_equal(answer.numbers, some.rows.filter(pl.col("target").is_not_null())["step"])


def test_a_model_of_single_records_is_handed_those_that_are_asked_for() -> None:
    table = stays()
    assert ready(TASK, LogisticRegression(), table).height == 40
    assert ready(TASK, _Recorder(), table).height == table.height
    (outcome,) = run(
        task=TASK, model=LogisticRegression(), protocol="honest", search=None, seeds=(0,), samples=[table], fold=0
    )
    part = parts(TASK, table)[0]
    tested = table.rows.filter(pl.Series(part == "test") & pl.col("target").is_not_null())
    assert list(outcome.predictions[0]["item"]) == tested["item"].to_list()
    assert outcome.evidence["preprocessing"]["records"] == int(((part == "train") & table.asked).sum())


def test_the_folds_of_one_table_are_dealt_once() -> None:
    table = stays()
    assert parts(TASK, table) is parts(TASK, table)
    assert ready(TASK, LogisticRegression(), table) is ready(TASK, LogisticRegression(), table)


@pytest.mark.parametrize("ahead", [False, True])
def test_a_model_that_looks_ahead_is_found(ahead: bool) -> None:
    table = stays(asked="every")
    (outcome,) = run(
        task=TASK,
        model=_Recorder(looks_ahead=ahead),
        protocol="honest",
        search=None,
        seeds=(0,),
        samples=[table],
        fold=0,
    )
    probe = outcome.evidence["future"]
    assert probe["predictions"] > 0
    assert (probe["moved"] > 0) is ahead

    status, message = ask("HIL005", study(table_arm(evidence={"fold 0": outcome.evidence})))
    assert status == ("fail" if ahead else "pass")
    assert "later records of the same sequence" in message or "every one equal" in message


def test_the_last_fit_sets_a_validation_part_aside_where_the_split_does() -> None:
    run_once = {"protocol": "honest", "search": None, "seeds": (0,), "samples": [stays()], "fold": None}
    list(run(task=TASK, model=_Recorder(), **run_once))  # type: ignore[arg-type]
    train, validation = handed[0]
    assert len(set(validation.subjects)) == 4
    assert not set(train.subjects) & set(validation.subjects)
    assert len(set(train.subjects) | set(validation.subjects)) == 20


def test_the_last_record_of_a_sequence_has_no_future() -> None:
    (outcome,) = run(
        task=TASK, model=_Recorder(True), protocol="honest", search=None, seeds=(0,), samples=[stays()], fold=0
    )
    assert outcome.evidence["future"]["later records"] == 0
    assert ask("HIL005", study(table_arm(evidence={"fold 0": outcome.evidence})))[0] == "pass"


def test_context_after_the_asked_record_is_the_future_too() -> None:
    table = stays(asked="every")
    first = table.rows["step"] == 0
    rows = table.rows.with_columns(pl.when(first).then(pl.col("target")).alias("target"))
    (outcome,) = run(
        task=TASK,
        model=_Recorder(True),
        protocol="honest",
        search=None,
        seeds=(0,),
        samples=[replace(table, rows=rows)],
        fold=0,
    )
    assert outcome.evidence["future"]["moved"] > 0


def test_scores_of_a_course_hold_what_its_metrics_read() -> None:
    table = stays(asked="every")
    task = PredictCourse(split=Rule(folds=3))
    (outcome,) = run(
        task=task,
        model=ConstantPrediction(),
        protocol="honest",
        search=None,
        seeds=(0,),
        samples=[table],
        fold=0,
    )
    (block,) = outcome.scores
    train = table.take(parts(task, table)[0] == "train")
    longest = train.rows.group_by("sequence").agg(pl.col("beside").max())["beside"].to_numpy()
    low, high = np.quantile(longest, [0.05, 0.95])
    assert block["threshold"] == pytest.approx(longest[(longest >= low) & (longest <= high)].mean() / 2)
    assert block["longest"] == pytest.approx(np.quantile(longest, 0.95))
    same = dict(zip(block["subject"], block["who"], strict=True))
    assert len(set(same.values())) == len(same)


def test_permuted_labels_take_their_time_left_along() -> None:
    table = stays(asked="every")
    moved = permute(table, 3)
    pairs = set(map(tuple, table.rows.select("target", "beside").rows()))
    assert set(map(tuple, moved.rows.select("target", "beside").rows())) <= pairs
    assert not moved.rows["target"].equals(table.rows["target"])
    context = permute(stays(), 3)
    np.testing.assert_array_equal(context.asked, stays().asked)


def test_context_moves_no_stratum_of_a_number() -> None:
    whole, last = stays(asked="every", number=True), stays(number=True)
    task = PredictValue(split=Rule(folds=4))
    assert len(parts(task, last)) == 4
    same = last.take(last.asked)
    of_asked = [part[last.asked].tolist() for part in parts(task, last)]
    assert of_asked == [part.tolist() for part in parts(task, same)]
    assert whole.height > same.height


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"step": 1.0}, "two records of 's"),
        ({"step": None}, "has no sequence or no step"),
        ({"sequence": None}, "has no sequence or no step"),
    ],
)
def test_records_without_a_place_in_time_are_refused(change: dict[str, Any], says: str) -> None:
    table = stays()
    kinds = {"step": pl.Float64, "sequence": pl.String}
    columns = [pl.lit(value, dtype=kinds[name]).alias(name) for name, value in change.items()]
    with pytest.raises(DataError, match=says):
        _ = replace(table, rows=table.rows.with_columns(columns)).order


def test_single_records_are_no_sequences() -> None:
    table = stays()
    single = replace(table, rows=table.rows.drop("sequence", "step"), static=()).take(table.asked)
    with pytest.raises(UsageError, match="reads sequences"):
        learn(TASK, _Recorder(), None, single, np.full(single.height, "train"), 0)


def test_a_table_that_cannot_be_judged_is_refused_with_its_sentence() -> None:
    table = replace(stays(), unjudgeable="one stay has the outcome")
    (told,) = run(task=TASK, model=_Recorder(), protocol="honest", search=None, seeds=(0,), samples=[table], fold=0)
    assert "one stay has the outcome" in told.refused
    assert told.split == told.predictions == told.scores == []
    assert told.evidence["cohort"]["records"] == int(table.asked.sum())


def test_static_features_stand_first() -> None:
    with pytest.raises(DataError, match="do not stand first"):
        replace(stays(), static=("x",))


def test_inputs_are_taken_with_their_order() -> None:
    table = stays()
    some = table.inputs.take(table.rows["sequence"].is_in(["s03", "s05"]).to_numpy())
    assert isinstance(some, Inputs)
    assert some.order is not None
    assert set(some.order.series) == {0, 1}
    assert some.role("age") == "static"
    assert some.role("x") == "measured"


def test_controls_run_on_sequences() -> None:
    (outcome,) = run(
        task=replace(TASK, prepare=Prepare()),
        model=_Recorder(),
        protocol="honest",
        search=None,
        seeds=(0, 1),
        samples=[stays()],
        fold=0,
        control=PERMUTED,
    )
    assert len(outcome.scores) == 2
    block = score_block(stays(), np.full((40, 2), 0.5), 0, 0)
    assert len(block["item"]) == 40
