"""Imputers against loops, scikit-learn and a network written in numpy; which of them look ahead."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.core.component import build, describe
from hilum.core.errors import HilumError, UsageError
from hilum.core.sequence import Order
from hilum.core.split import Rule
from hilum.modalities.table.inputs import Inputs
from hilum.modalities.table.recipe import Recipe, read_prepared
from hilum.modalities.table.sample import Table
from hilum.modalities.table.steps.fill import Fill
from hilum.modalities.table.steps.impute_brits import ImputeBrits
from hilum.modalities.table.steps.impute_chained import ImputeChained
from hilum.modalities.table.steps.impute_nearest import ImputeNearest, fill_nearest
from hilum.modalities.table.steps.own_function import OwnFunction
from hilum.models.logistic_regression import LogisticRegression
from hilum.tasks.predict_class import PredictClass

NAMES = ["x", "y", "z", "w"]
LEVELS = [0.0, 10.0, -5.0, 70.0]
SMALL = ImputeBrits(hidden=8, epochs=3)


def stays(count: int, hours: int, seed: int, missing: float = 0.3) -> Inputs:
    """Four columns that follow one slow course; some cells are not observed."""
    random = np.random.default_rng(seed)
    course = np.cumsum(random.normal(size=(count, hours)), axis=1) * 0.5
    values = course[..., None] * [1.0, -2.0, 0.5, 3.0] + 0.1 * random.normal(size=(count, hours, 4))
    values = np.where(random.random(values.shape) < missing, np.nan, values + np.array(LEVELS)).reshape(-1, 4)
    order = Order(np.repeat(np.arange(count), hours), np.tile(np.arange(hours, dtype=np.float64), count))
    return Inputs(pl.from_numpy(values, schema=NAMES, orient="row").fill_nan(None), order)


def numbers(inputs: Inputs) -> Any:
    return inputs.features.fill_null(float("nan")).to_numpy()


@pytest.mark.parametrize("step", [ImputeNearest(3), ImputeChained(3), SMALL, replace(SMALL, direction="both")])
def test_what_was_observed_stays_and_all_is_stored(step: Any) -> None:
    if isinstance(step, ImputeBrits):
        pytest.importorskip("torch")
    train, new = stays(12, 5, 0), stays(4, 7, 1)
    recipe = Recipe((step,))
    assert build(describe(recipe)) == recipe
    fitted = recipe.fit(train)
    assert recipe.fit(train).fingerprint == fitted.fingerprint
    filled, given = fitted.apply(new), numbers(new)
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled[~np.isnan(given)], given[~np.isnan(given)])
    again = read_prepared(json.loads(json.dumps(fitted.to_json())))
    assert again.fingerprint == fitted.fingerprint
    assert again.apply(new).tobytes() == filled.tobytes()
    # A correlated course is filled better than by the mean.
    truth = numbers(stays(4, 7, 1, missing=0.0))
    holes = np.isnan(given)
    means = np.nanmean(numbers(train), axis=0)
    error = np.abs((filled - truth)[holes]).mean()
    limit = np.abs((means - truth)[holes]).mean()
    assert error < limit


def test_columns_that_are_never_observed() -> None:
    frame = pl.DataFrame(
        {"x": [1.0, None, 3.0], "empty": [None, None, None]}, schema=dict.fromkeys(("x", "empty"), pl.Float64)
    )
    for step in (ImputeNearest(1), ImputeChained()):
        filled = Recipe((step,)).fit(Inputs(frame)).apply(frame)
        assert filled[:, 1].tolist() == [0.0, 0.0, 0.0]
    one = pl.DataFrame({"x": [1.0, None, 3.0]})
    assert Recipe((ImputeChained(),)).fit(Inputs(one)).apply(one).ravel().tolist() == [1.0, 2.0, 3.0]
    nothing = Inputs(frame.select("empty"))
    assert Recipe((ImputeNearest(1),)).fit(nothing).apply(nothing).tolist() == [[0.0]] * 3


def nearest(values: Any, donors: Any, neighbours: int) -> Any:
    """Slow loops, from the definition."""
    filled = values.copy()
    for row, column in zip(*np.nonzero(np.isnan(values)), strict=True):
        found = []
        for donor in donors:
            both = ~np.isnan(donor) & ~np.isnan(values[row])
            if not np.isnan(donor[column]) and both.any():
                distance = ((donor - values[row])[both] ** 2).sum() * len(donor) / both.sum()
                found.append((distance, donor[column]))
        near = sorted(found, key=lambda pair: pair[0])[:neighbours]
        filled[row, column] = np.mean([value for _, value in near]) if near else np.nanmean(donors[:, column])
    return filled


@given(st.integers(0, 1000), st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_nearest_as_loops(seed: int, neighbours: int) -> None:
    train, new = stays(6, 4, seed, 0.4), stays(3, 4, seed + 1, 0.6)
    filled = Recipe((ImputeNearest(neighbours),)).fit(train).apply(new)
    donors = numbers(train)
    donors = donors[~np.isnan(donors).all(axis=1)]
    np.testing.assert_allclose(filled, nearest(numbers(new), donors, neighbours), rtol=1e-7)


def test_nearest_as_scikit_learn() -> None:
    from sklearn.impute import KNNImputer

    train, new = stays(30, 6, 0), stays(5, 6, 1)
    theirs = KNNImputer(n_neighbors=4).fit(numbers(train)).transform(numbers(new))
    np.testing.assert_allclose(Recipe((ImputeNearest(4),)).fit(train).apply(new), theirs, rtol=1e-9)


def test_nearest_compiled_as_plain() -> None:
    values, donors = numbers(stays(3, 4, 1, 0.5)), numbers(stays(6, 4, 0, 0.5))
    found, plain = values.copy(), values.copy()
    fill_nearest(values, donors, np.arange(4.0), 3, found)
    fill_nearest.plain(values, donors, np.arange(4.0), 3, plain)
    np.testing.assert_allclose(found, plain, rtol=1e-12)


def test_donors_are_taken_evenly() -> None:
    train = Inputs(pl.DataFrame({"x": np.arange(101.0)}))
    step = Recipe((ImputeNearest(1, donors=5),)).fit(train).steps[0]
    assert step.donors.ravel().tolist() == [0.0, 25.0, 50.0, 75.0, 100.0]


@pytest.mark.filterwarnings("ignore:.*Early stopping criterion not reached")
@pytest.mark.parametrize("rounds", [1, 4])
def test_chained_as_scikit_learn(rounds: int) -> None:
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    train, new = stays(10, 6, 0), stays(5, 6, 1)
    values = numbers(train)
    theirs = IterativeImputer(
        max_iter=rounds, min_value=np.nanmin(values, axis=0), max_value=np.nanmax(values, axis=0), random_state=0
    ).fit(values)
    fitted = Recipe((ImputeChained(rounds),)).fit(train)
    assert len(fitted.steps[0].target) == rounds * 4
    np.testing.assert_allclose(fitted.apply(new), theirs.transform(numbers(new)), rtol=1e-9)
    np.testing.assert_allclose(fitted.apply(train), theirs.transform(values), rtol=1e-9)


def brits(weights: dict[str, Any], values: Any, step: Any) -> Any:
    """One direction over one sequence, in numpy, from the equations."""

    def sigmoid(a: Any) -> Any:
        return 1 / (1 + np.exp(-a))

    w = {name.removeprefix("ahead."): array for name, array in weights.items()}
    hidden = w["history.weight"].shape[1]
    h, s = np.zeros(hidden), np.zeros(hidden)
    since = np.zeros(values.shape[1])
    out = []
    for t, x in enumerate(values):
        if t:
            gap = step[t] - step[t - 1]
            since = np.where(np.isnan(values[t - 1]), since + gap, gap)
        m = ~np.isnan(x)
        h = h * np.exp(-np.maximum(0, w["state_decay.weight"] @ since + w["state_decay.bias"]))
        past = w["history.weight"] @ h + w["history.bias"]
        u = np.where(m, x, past)
        off = w["others.weight"] - np.diag(np.diag(w["others.weight"]))
        z = off @ u + w["others.bias"]
        faded = np.exp(-np.maximum(0, w["column_decay"] * since + w["column_decay_offset"]))
        weight = sigmoid(w["weight.weight"] @ np.concatenate([faded, m]) + w["weight.bias"])
        c = np.where(m, x, weight * z + (1 - weight) * past)
        gates = (
            w["cell.weight_ih"] @ np.concatenate([c, m])
            + w["cell.bias_ih"]
            + w["cell.weight_hh"] @ h
            + w["cell.bias_hh"]
        )
        i, f, g, o = np.split(gates, 4)
        s = sigmoid(f) * s + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(s)
        out.append(c)
    return np.array(out)


@pytest.mark.parametrize("direction", ["forward", "both"])
def test_brits_as_numpy(direction: Any) -> None:
    pytest.importorskip("torch")
    new = Inputs(stays(1, 9, 3, 0.5).features, Order(np.zeros(9, np.int64), np.cumsum(np.arange(1.0, 10.0))))
    fitted = Recipe((replace(SMALL, direction=direction),)).fit(stays(12, 5, 0))
    step = fitted.steps[0]
    assert new.order is not None
    assert step.unit == 1.0
    values = (numbers(new) - step.center) / step.scale
    expected = brits({n: a for n, a in step.weights.items() if n.startswith("ahead.")}, values, new.order.step)
    if direction == "both":
        back = {n.replace("back.", "ahead."): a for n, a in step.weights.items() if n.startswith("back.")}
        expected = (expected + brits(back, values[::-1], -new.order.step[::-1])[::-1]) / 2
    np.testing.assert_allclose(fitted.apply(new), expected * step.scale + step.center, rtol=1e-9)


def test_brits_in_any_company() -> None:
    pytest.importorskip("torch")
    fitted = Recipe((replace(SMALL, direction="both"),)).fit(stays(12, 5, 0))
    short, long = stays(1, 3, 4), stays(1, 30, 5)
    together = Inputs(
        pl.concat([short.features, long.features]),
        Order(np.repeat([0, 1], [3, 30]), np.concatenate([np.arange(3.0), np.arange(30.0)])),
    )
    np.testing.assert_allclose(fitted.apply(together)[:3], fitted.apply(short), rtol=1e-12)
    alone = Inputs(short.features, Order(np.arange(3), np.zeros(3)))  # sequences of one
    assert np.isfinite(fitted.apply(alone)).all()


@pytest.mark.parametrize(
    ("step", "ahead"),
    [
        (ImputeNearest(2), False),
        (ImputeChained(2), False),
        (SMALL, False),
        (replace(SMALL, direction="both"), True),
        (OwnFunction("tests.modalities.table.steps.own:largest_of_all", reads="sequences"), True),
    ],
)
def test_the_poisoned_future_finds_what_looks_ahead(step: Any, ahead: bool) -> None:
    from hilum.checks.hil005_information_later_than_the_clock import check
    from hilum.engine.tables.runner import run
    from tests.checks.planted import study, table_arm

    if isinstance(step, ImputeBrits):
        pytest.importorskip("torch")
    inputs = stays(24, 5, 0)
    assert inputs.order is not None
    series, hour = inputs.order.series, inputs.order.step
    rows = pl.DataFrame(
        {
            "item": [f"{s:02d}-{h:.0f}" for s, h in zip(series, hour, strict=True)],
            "subject": [f"p{s:02d}" for s in series],
            "sequence": [f"s{s:02d}" for s in series],
            "step": hour,
            "target": (series % 2).astype(np.float64),
        }
    )
    table = Table("stays", rows, inputs.features, ("no", "yes"), "event")
    task = PredictClass(split=Rule(folds=3), prepare=Recipe((step, Fill())))
    (outcome,) = run(
        task=task,
        model=LogisticRegression(),
        protocol="honest",
        search=None,
        seeds=(0,),
        samples=[table],
        fold=0,
    )
    future = outcome.evidence["future"]
    assert (max(future["moved"], future["emptied"]) > 0) == ahead
    before, after = outcome.evidence["preprocessing"]["test inputs moved"].values()
    assert before == after
    stored = json.loads(json.dumps(outcome.preprocess["prepare"]))
    assert read_prepared(stored).fingerprint == outcome.evidence["preprocessing"]["fingerprint"]
    finding = check(study(table_arm(evidence={"fold 0": {"future": future}})))
    assert (finding.status == "fail") == ahead


def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="neighbours 9 of 5 donors"):
        ImputeNearest(9, donors=5)
    with pytest.raises(UsageError, match="rounds is 0"):
        ImputeChained(0)
    with pytest.raises(UsageError, match="no value of direction is called 'back'"):
        ImputeBrits(direction="back")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="are positive"):
        ImputeBrits(epochs=0)
    monkeypatch.setattr("hilum.modalities.table.steps.impute_brits.find_spec", lambda name: None)
    with pytest.raises(HilumError, match=r"needs the extra 'deep'.*pip install 'hilum\[deep\]'"):
        Recipe((ImputeBrits(),)).fit(stays(2, 3, 0))
