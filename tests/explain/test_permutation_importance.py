"""Permutation importance against scikit-learn's, and against what must hold for any model; data are *synthetic*."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError
from hilum.core.kinds.regress import Measured
from hilum.core.sequence import Sequenced
from hilum.explain._answer import Question
from hilum.explain.permutation_importance import AMONG, _permuted, explain, permutation_importance
from hilum.models.ridge_linear import RidgeLinear

Array = NDArray[np.float64]


def linear(rows: int = 80, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 4))
    return x, x @ np.array([2.0, -1.0, 0.5, 0.0]) + 0.3 * rng.standard_normal(rows)


def groups(columns: int) -> dict[str, tuple[int, ...]]:
    return {f"x{column}": (column,) for column in range(columns)}


def test_scikit_learn_finds_the_same_on_a_forest() -> None:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance as oracle

    x, y = linear()
    forest = RandomForestRegressor(10, random_state=0).fit(x, y)
    theirs = oracle(forest, x, y, scoring="neg_mean_squared_error", n_repeats=60, random_state=0)["importances"]
    ours = permutation_importance(
        forest.predict, x, groups(4), lambda said: float(np.mean((said - y) ** 2)), higher_is_better=False, repeats=60
    )
    error = np.sqrt((theirs.var(axis=1, ddof=1) + ours.spread**2) / 60)
    assert (np.abs(ours.importance - theirs.mean(axis=1)) <= 4 * error).all()
    assert ours.importance.argsort().tolist() == theirs.mean(axis=1).argsort().tolist()
    np.testing.assert_allclose(ours.spread, theirs.std(axis=1, ddof=1), rtol=0.5)


def test_a_squared_error_has_the_expectation_of_the_algebra() -> None:
    # y^ = x w, permuted x_j: E[(r + w_j (x_j - x_p))^2 - r^2] = 2 w_j^2 var(x_j) + 2 w_j cov(r, x_j), the mean over all permutations.
    x, y = linear(30)
    w = np.array([1.5, -1.0, 0.2, 0.0])
    residual = y - x @ w
    expected = 2 * w**2 * x.var(axis=0) + 2 * w * (residual[:, None] * (x - x.mean(axis=0))).mean(axis=0)
    found = permutation_importance(
        lambda rows: rows @ w,
        x,
        groups(4),
        lambda said: float(np.mean((y - said) ** 2)),
        higher_is_better=False,
        repeats=800,
    )
    error = found.spread / np.sqrt(800)
    assert (np.abs(found.importance - expected) <= 4 * error + 1e-12).all()
    assert all(one.covers(mean) for one, mean in zip(found.intervals, found.importance, strict=True))


@given(st.integers(0, 50), st.sampled_from(AMONG))
@settings(max_examples=30, deadline=None)
def test_a_column_that_the_model_ignores_has_exactly_nothing(seed: int, among: Any) -> None:
    x, y = linear(25, seed)
    fitted = RidgeLinear().fit(Measured(x[:, :2], y, "d", ("",) * 25), None, 0)
    found = permutation_importance(
        lambda rows: fitted.predict(rows[:, :2]),
        x,
        {**groups(4), "dropped": ()},
        lambda said: float(np.abs(said - y).mean()),
        higher_is_better=False,
        subjects=[str(row // 3) for row in range(25)],
        among=among,
        repeats=3,
    )
    assert (found.values[2:] == 0).all()
    assert found.values[0].any()


def test_columns_of_a_feature_move_together() -> None:
    x = np.column_stack([np.arange(20.0), np.arange(20.0) * 10])
    seen = []

    def predict(rows: Array) -> Array:
        seen.append(rows)
        return rows[:, 0]

    permutation_importance(predict, x, {"both": (0, 1)}, lambda said: float(said[0]), repeats=5)
    assert all((rows[:, 1] == 10 * rows[:, 0]).all() for rows in seen)
    assert any((rows != x).any() for rows in seen)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_subjects_take_whole_series_records_and_orders_stay_what_they_are(lengths: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    member = random.permutation(np.repeat(np.arange(len(lengths)), lengths)).astype(np.intp)
    rows = _permuted(member, "subjects", np.random.default_rng(seed))
    given_by = []
    for subject in range(len(lengths)):
        own = np.flatnonzero(member == subject)
        (giver,) = set(member[rows[own]].tolist())
        given_by.append(giver)
        series = np.flatnonzero(member == giver)
        assert rows[own].tolist() == np.resize(series, len(own)).tolist()
    assert sorted(given_by) == list(range(len(lengths)))
    assert sorted(_permuted(member, "records", random).tolist()) == list(range(len(member)))
    within = _permuted(member, "within", random)
    assert sorted(within.tolist()) == list(range(len(member)))
    assert (member[within] == member).all()


def test_among_says_what_of_a_sequence_matters() -> None:
    rng = np.random.default_rng(3)
    lengths = rng.integers(3, 7, 40)
    series = np.repeat(np.arange(40), lengths)
    level = rng.standard_normal(40)[series]
    values = np.column_stack([level, rng.standard_normal(len(series))])
    step = np.concatenate([np.arange(n, dtype=float) for n in lengths])
    rows = Sequenced(values, series, step, np.ones(len(series), bool))
    target = values.sum(axis=1)

    def found(among: Any) -> list[float]:
        answer = permutation_importance(
            lambda inputs: inputs.values.sum(axis=1),
            rows,
            {"level": (0,), "moment": (1,)},
            lambda said: float(np.abs(said - target).mean()),
            higher_is_better=False,
            among=among,
            repeats=5,
        )
        return answer.importance.tolist()

    by_subject, within = found("subjects"), found("within")
    assert min(by_subject) > 0.5
    assert within[0] == 0  # a level that does not change has no order
    assert within[1] > 0.5


def test_the_same_seed_gives_the_same_bits_and_a_feature_does_not_depend_on_the_others() -> None:
    x, y = linear()
    ask = {"score": lambda said: float(np.abs(said - y).mean()), "higher_is_better": False, "repeats": 4}
    one = permutation_importance(lambda rows: rows.sum(axis=1), x, groups(4), **ask)
    two = permutation_importance(lambda rows: rows.sum(axis=1), x, {"x2": (2,)}, **ask)
    other = permutation_importance(lambda rows: rows.sum(axis=1), x, {"x2": (2,)}, seed=1, **ask)
    assert (one.values[2] == two.values[0]).all()
    assert (other.values != two.values).any()


def test_what_cannot_be_asked_is_refused() -> None:
    x, _ = linear(10)
    ask = (lambda rows: rows[:, 0], x, groups(4), lambda said: float(said.mean()))
    with pytest.raises(UsageError, match="0 repeats"):
        permutation_importance(*ask, repeats=0)
    with pytest.raises(UsageError, match="Did you mean 'subjects'"):
        permutation_importance(*ask, among="subject")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="10 records and 2 subjects"):
        permutation_importance(*ask, subjects=("a", "b"))
    with pytest.raises(DataError, match="auroc is undefined"):
        permutation_importance(*ask[:3], lambda said: float("nan"), metric="auroc")
    with pytest.raises(DataError, match="no record"):
        permutation_importance(ask[0], x[:0], *ask[2:])
    with pytest.raises(UsageError, match="with an outcome"):
        explain(Question(None, x, tuple("abcd"), groups(4)))
