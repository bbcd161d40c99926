"""The runner of tables: what a fold stores, and that nothing of its test part steers what is learned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression as Oracle

from hilum.core.errors import DataError, UsageError
from hilum.core.experiment import Search
from hilum.core.split import Rule, deal
from hilum.engine.tables.pipeline import learn, records_of
from hilum.engine.tables.runner import PERMUTED, parts_of, permute, run
from hilum.modalities.table.sample import Table
from hilum.models.constant_prediction import ConstantPrediction
from hilum.models.logistic_regression import LogisticRegression
from hilum.models.random_forest import RandomForest
from hilum.models.ridge_linear import RidgeLinear
from hilum.tasks.predict_class import PredictClass
from hilum.tasks.predict_value import PredictValue
from tests.engine.tables import patients

TASK = PredictClass(split=Rule(folds=3))


LOGISTIC = LogisticRegression()


def one(table: Table, model: Any = LOGISTIC, task: Any = TASK, **settings: Any) -> Any:
    asked = {"protocol": "honest", "search": None, "seeds": (0,), "fold": 0, **settings}
    (outcome,) = run(task=task, model=model, samples=[table], **asked)
    return outcome


def test_a_fold_by_an_independent_road() -> None:
    """Folds, scaling and fit done by hand with scikit-learn give the same probabilities."""
    table = patients()
    outcome = one(table)
    part = deal(TASK.split, records_of(table, "classify"))[0]
    numbers = table.features.select("x", "noise").to_numpy()
    wards = table.features["ward"].to_numpy()
    dummies = np.array([[ward == name for name in ("east", "north", "west")] for ward in wards], dtype=float)
    train, test = part == "train", part == "test"
    mean, scale = numbers[train].mean(axis=0), numbers[train].std(axis=0)
    inputs = np.hstack([(numbers - mean) / scale, dummies])
    label = table.rows["target"].to_numpy()
    oracle = Oracle(C=LogisticRegression().inverse_penalty, max_iter=5000, tol=1e-10).fit(inputs[train], label[train])
    (block,) = outcome.predictions
    assert block["item"].to_list() == [item for item, t in zip(table.rows["item"], test, strict=True) if t]
    np.testing.assert_allclose(block["p:1"], oracle.predict_proba(inputs[test])[:, 1], atol=1e-4)


def test_what_a_fold_stores() -> None:
    table = patients()
    outcome = one(table)
    (split,) = outcome.split
    assert set(split["part"]) == {"train", "test"}
    assert split["fold"] == 0
    assert {"item", "subject", "target", "content"} <= set(split)
    (scores,) = outcome.scores
    np.testing.assert_allclose(scores["p:0"] + scores["p:1"], 1.0)
    assert outcome.item == "fold 0"
    assert outcome.evidence["classes"] == ["no", "yes"]


def test_every_record_is_tested_once_over_the_folds() -> None:
    table = patients()
    tested = [item for fold in range(3) for item in one(table, fold=fold).predictions[0]["item"]]
    assert sorted(tested) == table.rows["item"].to_list()


def test_the_last_fit_sees_all_and_tests_nothing() -> None:
    outcome = one(patients(), fold=None)
    assert outcome.predictions == []
    assert outcome.scores == []
    assert set(outcome.split[0]["part"]) == {"train"}


def test_the_order_of_the_rows_changes_nothing() -> None:
    table = patients()
    order = np.random.default_rng(1).permutation(table.height)
    moved = replace(table, rows=table.rows[order], features=table.features[order])
    a, b = one(table), one(moved)
    assert (a.predictions[0]["p:1"] == b.predictions[0]["p:1"]).all()


@pytest.mark.parametrize("model", [LogisticRegression(), RandomForest(trees=5)])
def test_the_probes_of_an_honest_pipeline_find_nothing(model: Any) -> None:
    evidence = one(patients(), model).evidence
    for name, probe in (("preprocessing", "test inputs moved"), ("choices", "test labels permuted")):
        assert evidence[name][probe]["before"] == evidence[name][probe]["after"]


def test_preprocessing_fitted_on_all_is_proved() -> None:
    evidence = one(patients(), task=replace(TASK, fitted_on="all")).evidence
    probe = evidence["preprocessing"]["test inputs moved"]
    assert probe["before"] != probe["after"]


def test_a_choice_made_on_test_is_proved() -> None:
    search = Search((("inverse_penalty", (0.001, 1.0)),), "auroc")
    honest = one(patients(), search=search).evidence["choices"]
    assert honest["test labels permuted"]["before"] == honest["test labels permuted"]["after"]
    assert len(honest["tried"]) == 2
    probe = one(patients(), search=search, task=replace(TASK, chosen_on="test")).evidence["choices"][
        "test labels permuted"
    ]
    assert probe["before"] != probe["after"]


def test_choosing_takes_the_best_mean_over_inner_folds() -> None:
    table = patients(kind="regress", subjects=90)
    task = PredictValue(split=Rule(folds=3))
    search = Search((("penalty", (1e4, 1.0)),), "mae")
    pipeline = learn(task, RidgeLinear(), search, table, parts_of(task, table, 0), 0)
    scores = {settings["penalty"]: score for settings, score in pipeline.tried}
    assert pipeline.model.penalty == min(scores, key=scores.__getitem__) == 1.0


def test_regress_stores_statistics_by_subject() -> None:
    table = patients(kind="regress")
    outcome = one(table, RidgeLinear(), PredictValue(split=Rule(folds=3)))
    (scores,), (block,) = outcome.scores, outcome.predictions
    error = np.abs(block["prediction"] - block["target"].to_numpy())
    assert np.isclose(np.sum(scores["sum_abs"]), error.sum())
    assert len(scores["subject"]) == len(set(block["subject"]))


def test_permuted_labels_deal_whole_subjects() -> None:
    """Each subject's series of labels is another's: as a set they are the same series, and no label is lost."""
    table = patients(subjects=40, each=3)

    def series(one: Table) -> list[tuple[float, ...]]:
        grouped = one.rows.group_by("subject", maintain_order=True).agg("target")["target"]
        return [tuple(labels) for labels in grouped.to_list()]

    moved = permute(table, 1)
    assert sorted(series(moved)) == sorted(series(table))
    assert series(moved) != series(table)
    assert series(permute(table, 1)) == series(moved)
    assert series(permute(table, 2)) != series(moved)


def test_a_control_runs_a_permutation_a_seed() -> None:
    outcome = one(patients(), control=PERMUTED, seeds=(0, 1, 2))
    assert len(outcome.predictions) == 3
    assert outcome.split == []
    assert outcome.save is None


def test_a_permutation_that_leaves_one_class_in_train_is_left_out_and_said() -> None:
    """Two subjects of one class, split by time: most permutations put both into test."""
    table = patients(subjects=12, each=1)
    rows = table.rows.with_columns(
        pl.Series("target", [1.0, 1.0] + [0.0] * 10), pl.Series("time", [float(n) for n in range(12)])
    )
    by_time = replace(TASK, split=Rule("time", share=0.6))
    outcome = one(replace(table, rows=rows), task=by_time, control=PERMUTED, seeds=tuple(range(20)))
    left_out = [event for event in outcome.log if event["event"] == "permutation left out"]
    assert left_out
    assert len(outcome.predictions) == 20 - len(left_out) > 0
    assert "class" in left_out[0]["reason"]


def test_the_constant_arm_holds_what_is_known_of_the_data() -> None:
    evidence = one(patients(), ConstantPrediction()).evidence
    assert {found["name"] for found in evidence["features"]} == {"x", "noise", "ward"}
    assert "features" not in one(patients()).evidence


def test_what_cannot_be_run_is_refused() -> None:
    with pytest.raises(UsageError, match="no fold 7"):
        one(patients(), fold=7)
    with pytest.raises(UsageError, match="no control"):
        one(patients(), control="magic")
    bad = patients()
    unlabelled = replace(bad, rows=bad.rows.with_columns(pl.lit(None, dtype=pl.Float64).alias("target")))
    with pytest.raises(DataError, match="no outcome"):
        one(unlabelled)
    with pytest.raises(UsageError, match="no classify metric"):
        one(patients(), search=Search((("inverse_penalty", (1.0,)),), "smell"))


def test_a_probe_that_can_move_nothing_is_not_stored() -> None:
    """Test labels that are all alike cannot be dealt anew: no evidence, so no pass."""
    table = patients()
    target = table.rows["target"].to_numpy()
    declared = pl.Series("declared", ["test" if t == 1 and n % 2 else "train" for n, t in enumerate(target)])
    by_column = replace(TASK, split=Rule("column"))
    evidence = one(replace(table, rows=table.rows.with_columns(declared)), task=by_column).evidence
    assert "test labels permuted" not in evidence["choices"]


def test_tuning_that_is_undefined_everywhere_is_refused() -> None:
    table = patients(subjects=40, each=1)
    few = table.rows.with_columns(pl.Series("target", [1.0, 1.0] + [0.0] * 38))
    search = Search((("inverse_penalty", (0.1, 1.0)),), "auroc")
    task = replace(TASK, split=Rule(folds=2))
    with pytest.raises(DataError, match=r"no candidate could be scored|one class"):
        one(replace(table, rows=few), task=task, search=search)
