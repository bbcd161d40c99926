"""Early scores and the remaining days: hand-worked records, a plain loop as oracle, and what holds of every course."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from sklearn import metrics as oracle  # type: ignore[import-untyped]

from hilum.core.metric import Metric
from hilum.metrics.course import METRICS
from hilum.metrics.stats import pooled_interval
from hilum.metrics.stats.bootstrap import Clustered
from tests.metrics.test_classify import SEEDS

Array = NDArray[np.float64]
BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}


def records(rows: list[tuple[float, float, float, float]], who: list[int] | None = None) -> dict[str, Array]:
    """From (target, p, L, L^), T = 4 and M = 20."""
    target, p, left, said = np.array(rows, dtype=np.float64).T
    n = len(target)
    return {
        "target": target,
        "p:0": 1 - p,
        "p:1": p,
        "beside": left,
        "number": said,
        "threshold": np.full(n, 4.0),
        "longest": np.full(n, 20.0),
        "who": np.array(who if who is not None else range(n), dtype=np.float64),
    }


def stays(seed: int, patients: int = 25) -> tuple[dict[str, Array], NDArray[np.intp]]:
    """Stays of one to nine days, a third of them with the event, two of them in two folds with other T and M; and whose each record is."""
    random = np.random.default_rng(seed)
    days = random.integers(1, 10, patients)
    who = np.repeat(np.arange(patients), days)
    dead = (np.arange(patients) % 3 == 0)[who]
    left = np.concatenate([np.arange(n)[::-1] for n in days]) + random.integers(0, 8, patients)[who] * random.random()
    p = np.round(np.clip(0.5 + 0.3 * (dead - 0.5) + 0.3 * random.normal(size=len(who)), 0, 1), 2)
    fold = who % 2
    columns = {
        "target": dead.astype(np.float64),
        "p:1": p,
        "beside": left,
        "number": left + 3 * random.normal(size=len(who)),
        "threshold": np.where(fold == 0, 3.5, 4.25),
        "longest": np.where(fold == 0, 12.0, 14.5),
        "who": who * 0.1,
    }
    return columns, who


def taken(columns: dict[str, Array], rows: Any) -> dict[str, Array]:
    return {name: column[rows] for name, column in columns.items()}


def plain_early(target: float, p: float, left: float, threshold: float, alarm: float) -> float:
    """The score of one record, case by case."""
    if target == 1 and p > 0.5:
        return 1.0 if left >= threshold else left / threshold
    if target == 1:
        return 0.0 if left >= threshold else left / threshold - 1
    return alarm if p > 0.5 else 0.0


def plain_es(c: dict[str, Array], alarm: float = -0.1) -> float:
    got = best = 0.0
    for y, p, left, t in zip(c["target"], c["p:1"], c["beside"], c["threshold"], strict=True):
        got += plain_early(y, p, left, t, alarm)
        best += plain_early(y, y, left, t, alarm)
    return max(got / best, -1.0) if best > 0 else math.nan


def plain_es_patient(c: dict[str, Array]) -> float:
    found = []
    for one in np.unique(c["who"]):
        own = taken(c, c["who"] == one)
        if own["target"].any() and own["beside"].any():
            found.append(min(1.0, plain_es(own, alarm=0.0)))
    return float(np.mean(found)) if found else math.nan


def plain_osmae(c: dict[str, Array]) -> float:
    total = 0.0
    for i in range(len(c["target"])):
        left, said, t, m = (c[name][i] for name in ("beside", "number", "threshold", "longest"))
        weight = 1.0 if left <= t else max(0.0, (left - m) / (t - m))
        right = (c["p:1"][i] > 0.5) == (c["target"][i] == 1)
        total += weight * (abs(said - left) if right else max(0.0, m - said) + max(0.0, m - left))
    return total / len(c["target"])


@pytest.mark.parametrize(
    ("row", "score", "best"),
    [
        ((1, 0.9, 6, 0), 1.0, 1.0),  # found early
        ((1, 0.9, 4, 0), 1.0, 1.0),  # at the threshold it is early
        ((1, 0.9, 1, 0), 0.25, 0.25),  # found late
        ((1, 0.2, 6, 0), 0.0, 1.0),  # missed early
        ((1, 0.2, 1, 0), -0.75, 0.25),  # missed late
        ((1, 0.5, 1, 0), -0.75, 0.25),  # one half is no call
        ((0, 0.2, 6, 0), 0.0, 0.0),  # true negative
        ((0, 0.9, 6, 0), -0.1, 0.0),  # false alarm
    ],
)
def test_each_case_of_the_early_score(row: tuple[float, float, float, float], score: float, best: float) -> None:
    beside = (1.0, 0.9, 8.0, 0.0)  # one more that is found early: gain 1 of 1
    assert BY_NAME["es"](records([beside, row])).value == pytest.approx((1 + score) / (1 + best))


def test_hand_worked_early_scores() -> None:
    rows = [
        (1.0, 0.9, 3.0, 0.0),
        (1.0, 0.1, 2.0, 0.0),
        (1.0, 0.1, 1.0, 0.0),
        (0.0, 0.8, 5.0, 0.0),
        (1.0, 0.7, 8.0, 0.0),
    ]
    c = records(rows, who=[0, 0, 0, 1, 2])
    # got 0.75 - 0.5 - 0.75 - 0.1 + 1 = 0.4 of 0.75 + 0.5 + 0.25 + 1 = 2.5
    assert BY_NAME["es"](c).value == pytest.approx(0.16)
    # patient 0: (0.75 - 0.5 - 0.75) / 1.5 = -1/3; patient 2: 1; patient 1 has no event
    assert BY_NAME["es-patient"](c).value == pytest.approx(1 / 3)
    worst = records([(1.0, 0.1, 1.0, 0.0), (1.0, 0.1, 0.5, 0.0), (0.0, 0.9, 9.0, 0.0)], who=[0, 0, 1])
    assert BY_NAME["es"](worst).value == -1.0  # (-0.75 - 0.875 - 0.1) / 0.375, held
    assert BY_NAME["es-patient"](worst).value == -1.0


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ((1, 0.9, 3, 5), 2.0),  # right outcome, short stay
        ((0, 0.1, 3, 1), 2.0),
        ((1, 0.9, 4, 5), 1.0),  # at the threshold all of it counts
        ((1, 0.9, 12, 8), 2.0),  # half way from T to M: half
        ((1, 0.9, 20, 0), 0.0),  # at M and beyond nothing counts
        ((1, 0.1, 25, 0), 0.0),
        ((1, 0.1, 3, 5), 15.0 + 17.0),  # wrong outcome: both distances from M
        ((0, 0.9, 12, 30), 0.5 * (0.0 + 8.0)),
        ((0, 0.5, 3, 4), 1.0),  # one half is no call, so this is right
    ],
)
def test_each_case_of_the_outcome_specific_error(row: tuple[float, float, float, float], error: float) -> None:
    assert BY_NAME["osmae"](records([row])).value == pytest.approx(error)


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_as_a_plain_loop_and_scikit_learn(seed: int) -> None:
    c, _ = stays(seed)
    y, f = c["beside"], c["number"]
    expected = {
        "es": plain_es(c),
        "es-patient": plain_es_patient(c),
        "osmae": plain_osmae(c),
        "accuracy-above-half": oracle.accuracy_score(c["target"], c["p:1"] > 0.5),
        "number-mae": oracle.mean_absolute_error(y, f),
        "number-mse": oracle.mean_squared_error(y, f),
        "number-rmse": oracle.root_mean_squared_error(y, f),
        "number-r2": oracle.r2_score(y, f),
    }
    assert set(expected) == set(BY_NAME)
    for name, value in expected.items():
        assert BY_NAME[name](c).value == pytest.approx(value, rel=1e-12), name


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_bounds_perfection_and_order(seed: int) -> None:
    c, _ = stays(seed)
    perfect = {**c, "p:1": c["target"], "number": c["beside"]}
    shuffled = np.random.default_rng(seed).permutation(len(c["target"]))
    for name, metric in BY_NAME.items():
        low, high = metric.bounds
        assert low <= metric(c).value <= high, name
        assert metric(perfect).value == (high if metric.direction == "higher" else 0.0), name
        assert metric(taken(c, shuffled)).value == pytest.approx(metric(c).value, rel=1e-12), name


@settings(deadline=None, max_examples=15)
@given(SEEDS)
def test_accuracy_calls_what_is_above_one_half(seed: int) -> None:
    c, _ = stays(seed)
    c["p:1"][:3] = 0.5
    metric = BY_NAME["accuracy-above-half"]
    assert metric(c).value == pytest.approx(oracle.accuracy_score(c["target"], c["p:1"] > 0.5))
    assert metric({**c, "p:1": np.full(len(c["p:1"]), 0.5)}).value == pytest.approx(1 - c["target"].mean())


@given(SEEDS)
def test_resamples_equal_drawn_patients(seed: int) -> None:
    c, who = stays(seed)
    counts = np.random.default_rng(seed).integers(0, 3, size=(12, 25))
    for name, metric in BY_NAME.items():
        fast = Clustered.of(c, who, metric).figures(counts)
        for figure, count in zip(fast, counts, strict=True):
            drawn = [(one, time) for one in range(25) for time in range(count[one])]
            rows = np.concatenate([np.flatnonzero(who == one) for one, _ in drawn])
            named = np.concatenate([np.full((who == one).sum(), 100 * one + time) for one, time in drawn])
            # A patient drawn twice is two patients.
            slow = metric({**taken(c, rows), "who": named.astype(np.float64)}).value
            assert figure == pytest.approx(slow, rel=1e-9, abs=1e-12), name


def test_intervals_draw_patients_within_folds() -> None:
    c, who = stays(3, patients=60)
    for name, metric in BY_NAME.items():
        whole = Clustered.of(c, who, metric, who % 2).whole().value
        each = [metric(taken(c, who % 2 == fold)).value for fold in (0, 1)]
        assert whole == pytest.approx(np.mean(each)), name
        made = pooled_interval(c, who, metric, groups=who % 2)
        assert made.low < whole < made.high, name
        assert made.n == 60


def test_undefined_with_the_reason() -> None:
    c, _ = stays(0)
    nobody = {**c, "target": np.zeros(len(c["target"]))}
    gone = {**c, "beside": np.zeros(len(c["target"]))}
    for case, names, why in (
        (nobody, ("es", "es-patient"), "nothing can be gained|no patient"),
        (gone, ("es", "es-patient"), "nothing can be gained|no patient"),
        (gone, ("number-r2",), "do not vary"),
        (
            {**c, "beside": c["beside"] - 50},
            tuple(name for name in BY_NAME if name != "accuracy-above-half"),
            "below 0",
        ),
        ({**c, "threshold": np.zeros(len(c["target"]))}, ("es", "es-patient", "osmae"), "not above 0"),
        ({**c, "longest": c["threshold"]}, ("osmae",), "not beyond"),
        ({**c, "target": c["target"] * 2}, ("es", "es-patient", "osmae", "accuracy-above-half"), "class indices"),
        ({**c, "p:1": c["p:1"] * 3}, ("es", "es-patient", "osmae", "accuracy-above-half"), "not a probability"),
    ):
        for name in names:
            score = BY_NAME[name](case)
            assert math.isnan(score.value), name
            assert any(part in score.reason for part in why.split("|")), (name, score.reason)
    outcome_alone = {name: column for name, column in c.items() if name != "number"}
    for metric in METRICS:
        if "number" in metric.needs:
            assert metric(outcome_alone).reason == "column 'number' is missing"
        else:
            assert metric(outcome_alone).defined
    resampled = Clustered.of(c, np.repeat([0, 1], [5, len(c["target"]) - 5]), BY_NAME["es"]).figures(
        np.zeros((2, 2), int)
    )
    assert np.isnan(resampled).all()
    constant = {**c, "beside": np.full(len(c["target"]), 0.3)}
    assert np.isnan(
        Clustered.of(constant, np.arange(len(c["target"])), BY_NAME["number-r2"]).figures(
            np.ones((1, len(c["target"])), int)
        )
    ).all()
