"""Conformal sets: by hand, against their definition, and how often they hold the truth of new subjects."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError
from hilum.metrics.stats.conformal import (
    Conformal,
    Cut,
    class_sets,
    coverage,
    cut_classes,
    cut_numbers,
    from_predictions,
    intervals,
)
from tests.metrics.test_classify import SEEDS

Array = NDArray[np.float64]


def by_definition(score: Array, subjects: NDArray[np.intp], alpha: Fraction) -> float:
    """The smallest score whose share is enough, in exact fractions, one score at a time."""
    k = len(np.unique(subjects))
    for s in sorted(score):
        share = sum(
            Fraction(int((score[subjects == one] <= s).sum()), int((subjects == one).sum()))
            for one in np.unique(subjects)
        ) / (k + 1)
        if share >= 1 - alpha:
            return float(s)
    return math.inf


def test_one_record_each_is_split_conformal_prediction_by_hand() -> None:
    residuals = np.array([3.0, -1.0, 2.0, 5.0, -4.0, 6.0, 7.0, -8.0, 9.0])
    for alpha, rank in ((0.1, 9), (0.2, 8), (0.5, 5), (0.05, None)):
        q = math.inf if rank is None else np.sort(np.abs(residuals))[rank - 1]
        assert cut_numbers(residuals, np.arange(9), alpha) == Cut((q,), (9,))
    low, high = intervals(residuals, np.arange(9), 0.5, np.array([10.0, 0.0, np.nan]))
    np.testing.assert_array_equal(low, [5.0, -5.0, -np.inf])
    np.testing.assert_array_equal(high, [15.0, 5.0, np.inf])


def test_sets_of_classes_by_hand() -> None:
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    # 1 - p of the truth: 0.1, 0.2, 0.3, 0.6; of four subjects half is the third of five
    new = np.array([[0.95, 0.05], [0.65, 0.35], [0.3, 0.7], [np.nan, np.nan]])
    sets = class_sets(p, [0, 0, 1, 1], ["a", "b", "c", "d"], 0.5, new)
    np.testing.assert_array_equal(sets, [[True, False], [False, False], [False, True], [True, True]])
    own = cut_classes(p, [0, 0, 1, 1], ["a", "b", "c", "d"], 0.4, by_class=True)
    assert own.quantiles == pytest.approx((0.2, 0.6))
    assert own.subjects == (2, 2)
    everything = class_sets(p, [0, 0, 1, 1], ["a", "b", "c", "d"], 0.05, new)
    assert everything.all()  # four subjects promise no more than 4 / 5
    assert cut_classes(p, [0, 0, 0, 0], ["a", "b", "c", "d"], 0.4, by_class=True).quantiles[1] == math.inf


def test_a_subject_weighs_one_however_many_records_it_has() -> None:
    residuals = np.array([1.0, 2.0, 3.0, *np.full(97, 0.1)])
    subjects = np.array(["a", "b", "c", *["d"] * 97])
    assert cut_numbers(residuals, subjects, 0.3).quantiles == (3.0,)
    assert cut_numbers(np.array([1.0, 9.0, 2.0, 3.0]), ["a", "a", "b", "c"], 0.5).quantiles == (3.0,)
    assert cut_numbers(np.array([1.0, 9.0, 2.0, 3.0]), ["a", "a", "b", "c"], 0.25, held="all records").quantiles == (
        9.0,
    )


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.integers(1, 60), st.integers(1, 12), st.sampled_from([1, 5, 10, 20, 33, 50]))
def test_as_defined_whatever_the_order(seed: int, rows: int, people: int, percent: int) -> None:
    random = np.random.default_rng(seed)
    residuals = np.round(random.normal(size=rows), 1)
    subjects = random.integers(0, people, rows)
    cut = cut_numbers(residuals, subjects, percent / 100)
    assert cut.quantiles[0] == by_definition(np.abs(residuals), subjects, Fraction(percent, 100))
    turned = random.permutation(rows)
    assert cut_numbers(residuals[turned], subjects[turned], percent / 100) == cut


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.sampled_from(["a record", "all records"]), st.booleans())
def test_a_smaller_alpha_never_gives_a_smaller_set(seed: int, held: Any, by_class: bool) -> None:
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.ones(3), 120)
    labels, subjects = random.integers(0, 3, 120), random.integers(0, 40, 120)
    before = np.zeros((120, 3), dtype=bool)
    width = 0.0
    for alpha in (0.6, 0.3, 0.1, 0.03, 0.001):
        sets = class_sets(p, labels, subjects, alpha, p, by_class=by_class, held=held)
        assert (sets >= before).all()
        before = sets
        (q,) = cut_numbers(p[:, 0] - 0.5, subjects, alpha, held=held).quantiles
        assert q >= width
        width = q
    assert before.all()
    assert width == math.inf


def subjects_with_records(random: np.random.Generator, people: int) -> tuple[NDArray[np.intp], Array, Array]:
    """Who, what was measured and a spread; whoever has many records is easy to predict, as long stays are uneventful."""
    records = random.integers(1, 12, people)
    who = np.repeat(np.arange(people), records)
    wide = np.where(records > 6, 0.5, 3.0)[who] * random.uniform(0.5, 2.0, len(who))
    own = random.normal(size=people)[who]
    return who, wide * (0.6 * own + 0.8 * random.normal(size=len(who))), wide


@pytest.mark.parametrize("way", ["a record", "all records", "spread", "classes", "by class"])
def test_new_subjects_are_held_as_often_as_promised(way: str) -> None:
    alpha, people, trials = 0.2, 39, 1500
    random = np.random.default_rng(7)
    hits, hits_of_rare, rare = 0, 0, 0
    for _ in range(trials):
        who, residual, wide = subjects_with_records(random, people + 1)
        new = np.flatnonzero(who == people)
        one = new[random.integers(len(new))]
        learnt = who < people
        if way in ("classes", "by class"):
            label = (residual > 1.5).astype(int)
            p = 1 / (1 + np.exp(-(residual - 1 + random.normal(size=len(who)))))
            p = np.stack([1 - p, p], axis=1)
            sets = class_sets(p[learnt], label[learnt], who[learnt], alpha, p[[one]], by_class=way == "by class")
            hit = bool(sets[0, label[one]])
            rare += label[one]
            hits_of_rare += hit and label[one]
        elif way == "spread":
            low, high = intervals(
                residual[learnt], who[learnt], alpha, [0.0], spread=wide[learnt], test_spread=wide[[one]]
            )
            hit = bool(low[0] <= residual[one] <= high[0])
        else:
            held: Any = way
            low, high = intervals(residual[learnt], who[learnt], alpha, np.zeros(len(new)), held=held)
            inside = (low <= residual[new]) & (residual[new] <= high)
            hit = bool(inside.all() if way == "all records" else inside[new == one][0])
        hits += hit
    noise = 4 * math.sqrt(alpha * (1 - alpha) / trials)
    assert 1 - alpha - noise <= hits / trials
    if way != "by class":  # a rare class rests on few subjects, and its q is cautious
        assert hits / trials <= 1 - alpha + 1 / (people + 1) + noise
    else:
        assert hits_of_rare / rare >= 1 - alpha - 4 * math.sqrt(alpha * (1 - alpha) / rare)


def test_pooling_records_would_promise_too_much() -> None:
    """Why subjects weigh alike: the same data, each record its own subject, hold a new subject's record too seldom."""
    random, hits, trials = np.random.default_rng(3), 0, 1000
    for _ in range(trials):
        who, residual, _ = subjects_with_records(random, 40)
        new = np.flatnonzero(who == 39)
        one = new[random.integers(len(new))]
        low, high = intervals(residual[who < 39], np.arange((who < 39).sum()), 0.2, [0.0])
        hits += bool(low[0] <= residual[one] <= high[0])
    assert hits / trials < 0.8 - 4 * math.sqrt(0.16 / trials)


def test_across_folds_the_final_model_keeps_the_promise_where_it_errs_as_the_folds_do() -> None:
    """Least squares of 5 columns on 80 people: q from out-of-fold residuals, the model from everybody, people from the same source."""
    random, shares = np.random.default_rng(11), []
    for _ in range(60):
        who = np.repeat(np.arange(480), 3)
        x = random.normal(size=(len(who), 5))
        y = x.sum(axis=1) + random.normal(size=480)[who] + 0.5 * random.normal(size=len(who))
        train, fold = who < 80, who % 5
        fits = [np.linalg.lstsq(x[train & (fold != k)], y[train & (fold != k)], rcond=None)[0] for k in range(5)]
        out_of_fold = np.array([row @ fits[k] for row, k in zip(x[train], fold[train], strict=True)])
        final = np.linalg.lstsq(x[train], y[train], rcond=None)[0]
        low, high = intervals(y[train] - out_of_fold, who[train], 0.1, x[~train] @ final)
        shares.append(coverage((low <= y[~train]) & (y[~train] <= high), who[~train])[0])
    error = np.std(shares) / math.sqrt(len(shares))
    assert np.mean(shares) == pytest.approx(0.9, abs=0.012 + 4 * error)


def test_coverage_is_over_subjects() -> None:
    held = np.array([True, True, False, False, True])
    value, made = coverage(held, ["a", "a", "a", "a", "b"])
    assert value == pytest.approx((0.5 + 1.0) / 2)
    assert not made.defined  # two subjects say nothing of others
    value, made = coverage(np.arange(80) % 5 > 0, np.arange(80) // 2)
    assert made.low < value < made.high
    with pytest.raises(DataError, match="no record"):
        coverage([], [])


def frame(seed: int = 0, people: int = 60, folds: int = 5) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), random.integers(1, 5, people))
    left = random.exponential(6.0, len(who))
    p = random.beta(2, 2, len(who))
    return pl.DataFrame(
        {
            "item": [f"record {i}" for i in range(len(who))],
            "subject": [f"s{i}" for i in who],
            "fold": who % folds,
            "seed": np.zeros(len(who), dtype=np.int32),
            "target": (random.random(len(who)) < p).astype(np.int64),
            "p:0": 1 - p,
            "p:1": p,
            "beside": left,
            "number": left + random.normal(size=len(who)),
        }
    )


def test_from_the_predictions_of_a_run() -> None:
    rows = frame()
    made = from_predictions(rows, 0.1)
    subjects = rows["subject"].to_numpy()
    assert made.classes == cut_classes(rows["p:0", "p:1"].to_numpy(), rows["target"].to_numpy(), subjects, 0.1)
    assert made.number == cut_numbers((rows["beside"] - rows["number"]).to_numpy(), subjects, 0.1)
    assert made.number is not None
    assert made.number.subjects == (60,)
    low, high = made.intervals([0.5, 20.0])
    assert low[0] == 0.0  # no days are left below none
    assert 0 < low[1] < 20 < high[1]
    number = rows.select("item", "subject", target="beside", prediction="number")
    of_number = from_predictions(number, 0.1)
    assert of_number == Conformal(0.1, number=made.number)
    assert (of_number.intervals([0.5])[0] < 0).all()
    for one in (made, of_number, from_predictions(rows, 0.001, by_class=True, held="all records")):
        assert Conformal.from_json(json.loads(json.dumps(one.to_json(), allow_nan=False))) == one
    # Repeats of a record are more records of its subject: each still weighs as one.
    assert from_predictions(pl.concat([rows, rows.with_columns(seed=pl.lit(1, pl.Int32))]), 0.1) == made
    assert from_predictions(rows.sample(fraction=1.0, shuffle=True, seed=1), 0.1) == made


def test_records_whose_subject_is_not_known_stand_for_themselves() -> None:
    rows = frame()
    alone = rows.with_columns(subject=pl.lit(None, pl.String))
    by_item = cut_numbers((rows["beside"] - rows["number"]).to_numpy(), rows["item"].to_numpy(), 0.1)
    assert from_predictions(alone, 0.1).number == by_item
    assert from_predictions(rows.drop("subject"), 0.1).number == by_item
    mixed = rows.with_columns(subject=pl.when(pl.col("fold") == 0).then(None).otherwise("item"))
    found = from_predictions(mixed, 0.1).number
    assert found is not None
    assert found.subjects == (rows.height,)


def test_predictions_that_are_not_finite_hold_nothing() -> None:
    rows = frame()
    lost = rows.with_columns(number=pl.when(pl.col("fold") == 0).then(float("nan")).otherwise("number"))
    assert from_predictions(lost, 0.1).number == Cut((math.inf,), (60,))


def test_what_cannot_be_calibrated_is_refused() -> None:
    rows = frame()
    for wrong, words in (
        (lambda: from_predictions(rows.head(0), 0.1), "no prediction"),
        (lambda: from_predictions(rows.select("item", "subject", "target"), 0.1), "neither probabilities nor numbers"),
        (lambda: class_sets(np.ones(3), [0, 0, 0], [1, 2, 3], 0.1, np.ones((1, 2))), "shape"),
        (lambda: class_sets(np.ones((2, 2)), [0, 2], [1, 2], 0.1, np.ones((1, 2))), "label 2 is not one"),
        (lambda: class_sets(np.ones((2, 2)), [0, np.nan], [1, 2], 0.1, np.ones((1, 2))), "label nan is not one"),
        (lambda: class_sets(np.ones((2, 2)), [0, 1], [1, 2, 3], 0.1, np.ones((1, 2))), "3 subjects, 2 records"),
        (lambda: class_sets(np.ones((2, 2)), [0, 1], [1, 2], 0.1, np.ones((1, 3)), by_class=True), "2 classes were"),
        (lambda: intervals(np.ones((2, 2)), [1, 2], 0.1, [0.0]), "shape"),
        (lambda: intervals([1.0, 2.0], [1, 2], 0.1, [0.0], spread=[1.0, 0.0]), "not above 0"),
        (lambda: Conformal(0.1).sets(np.ones((1, 2))), "no probabilities"),
        (lambda: Conformal(0.1).intervals([1.0]), "no numbers"),
    ):
        with pytest.raises(DataError, match=words):
            wrong()
    for alpha in (0.0, 1.0, float("nan"), 5):
        with pytest.raises(UsageError, match="alpha"):
            intervals([1.0, 2.0], [1, 2], alpha, [0.0])
    promise: Any = "everything"
    with pytest.raises(UsageError, match="promise"):
        intervals([1.0, 2.0], [1, 2], 0.1, [0.0], held=promise)
