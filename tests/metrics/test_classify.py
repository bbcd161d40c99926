"""Classification metrics against scikit-learn, hand-worked cases and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as oracle  # type: ignore[import-untyped]

from hilum.core.metric import Metric
from hilum.metrics import calibration, classify
from hilum.metrics.classify import sensitivity_at

Array = NDArray[np.float64]
BY_NAME: dict[str, Metric] = {metric.name: metric for metric in (*classify.METRICS, *calibration.METRICS)}
SEEDS = st.integers(0, 2**32 - 1)
RANKED = ("auroc", "auroc-macro", "auprc", "sensitivity-at-95-specificity", "sensitivity-at-90-specificity")


def binary(seed: int, n: int = 60, digits: int = 2) -> dict[str, Array]:
    """Two classes, scores with ties; both classes are there."""
    random = np.random.default_rng(seed)
    x = random.normal(size=n)
    target = (random.random(n) < 1 / (1 + np.exp(-x))).astype(np.float64)
    target[:2] = (0.0, 1.0)
    p = np.round(1 / (1 + np.exp(-1.3 * x)), digits)
    return {"target": target, "p:0": 1 - p, "p:1": p}


def several(seed: int, n: int = 80, k: int = 4) -> dict[str, Array]:
    """k classes, each with rows."""
    random = np.random.default_rng(seed)
    target = random.integers(0, k, n).astype(np.float64)
    target[:k] = np.arange(k)
    score = random.normal(size=(n, k)) + 1.5 * (target[:, np.newaxis] == np.arange(k))
    p = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    return {"target": target, **{f"p:{j}": p[:, j] for j in range(k)}}


def matrix(columns: dict[str, Array]) -> Array:
    return np.stack([columns[f"p:{k}"] for k in range(len(columns) - 1)], axis=1)


@settings(deadline=None, max_examples=50)
@given(SEEDS, st.integers(2, 120), st.integers(1, 6))
def test_two_classes_as_scikit_learn(seed: int, n: int, digits: int) -> None:
    c = binary(seed, n, digits)
    y, p = c["target"], c["p:1"]
    call = (p >= 0.5).astype(int)
    expected = {
        "auroc": oracle.roc_auc_score(y, p),
        "auprc": oracle.average_precision_score(y, p),
        "accuracy": oracle.accuracy_score(y, call),
        "balanced-accuracy": oracle.balanced_accuracy_score(y, call),
        "f1": oracle.f1_score(y, call),
        "sensitivity": oracle.recall_score(y, call),
        "specificity": oracle.recall_score(y, call, pos_label=0),
        "brier": oracle.brier_score_loss(y, p),
        "log-loss": oracle.log_loss(y, np.stack([1 - p, p], axis=1), labels=[0, 1]),
        "observed-expected": y.sum() / p.sum() if p.sum() else math.nan,
    }
    for name, value in expected.items():
        assert BY_NAME[name](c).value == pytest.approx(value, rel=1e-12, nan_ok=True), name
    assert BY_NAME["auroc-macro"](c).value == BY_NAME["auroc"](c).value
    # p:0 adds nothing.
    alone = {name: column for name, column in c.items() if name != "p:0"}
    for name, metric in BY_NAME.items():
        assert metric(alone).value == pytest.approx(metric(c).value, rel=1e-12, nan_ok=True), name


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(6, 120), st.integers(3, 6))
def test_several_classes_as_scikit_learn(seed: int, n: int, k: int) -> None:
    c = several(seed, n, k)
    y, p = c["target"].astype(int), matrix(c)
    call = p.argmax(axis=1)
    labels = list(range(k))
    expected = {
        "auroc-macro": oracle.roc_auc_score(y, p, multi_class="ovr", labels=labels),
        "accuracy": oracle.accuracy_score(y, call),
        "balanced-accuracy": oracle.balanced_accuracy_score(y, call),
        "f1-macro": oracle.f1_score(y, call, average="macro", labels=labels),
        "kappa": oracle.cohen_kappa_score(y, call, labels=labels),
        "kappa-quadratic": oracle.cohen_kappa_score(y, call, labels=labels, weights="quadratic"),
        "brier": np.mean(((p - np.eye(k)[y]) ** 2).sum(axis=1)),
        "log-loss": oracle.log_loss(y, p, labels=labels),
    }
    for name, value in expected.items():
        assert BY_NAME[name](c).value == pytest.approx(value, rel=1e-12), name
    for name in ("auroc", "auprc", "f1", "sensitivity", "calibration-slope", "observed-expected"):
        score = BY_NAME[name](c)
        assert not score.defined
        assert "not one of the class indices 0 to 1" in score.reason


def test_auroc_against_all_pairs() -> None:
    c = binary(3, 50, 1)
    pairs = [
        1.0 if a > b else 0.5 if a == b else 0.0 for a in c["p:1"][c["target"] == 1] for b in c["p:1"][c["target"] == 0]
    ]
    assert BY_NAME["auroc"](c).value == pytest.approx(np.mean(pairs), abs=1e-15)


def test_average_precision_by_hand() -> None:
    # Scores .9 (1), .8 (0), .8 (1), .1 (0): precision 1 at recall 1/2, 2/3 at recall 1: 1/2 + 1/3.
    c = {"target": np.array([1.0, 0.0, 1.0, 0.0]), "p:1": np.array([0.9, 0.8, 0.8, 0.1])}
    assert BY_NAME["auprc"](c).value == pytest.approx(5 / 6)
    flat = {"target": np.array([1.0, 0.0, 0.0, 0.0]), "p:1": np.full(4, 0.3)}
    assert BY_NAME["auprc"](flat).value == 0.25  # the prevalence


def test_sensitivity_at_specificity_by_hand() -> None:
    # Ten negatives 0.0 ... 0.9; at 90 % one may be called: positives at 0.9 (tied with it) and 0.85 are found, 0.5 is not.
    y = np.array([0.0] * 10 + [1.0] * 3)
    p = np.array([*np.arange(10) / 10, 0.9, 0.85, 0.5])
    c = {"target": y, "p:1": p}
    assert BY_NAME["sensitivity-at-90-specificity"](c).value == pytest.approx(2 / 3)
    # At 95 % no negative may be called, and 0.9 cannot be told from the highest negative: nobody is called.
    assert BY_NAME["sensitivity-at-95-specificity"](c).value == 0.0
    assert sensitivity_at(0.5)(c).value == 1.0
    assert sensitivity_at(0.975).name == "sensitivity-at-97.5-specificity"


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(2, 60), st.sampled_from([0.5, 0.9, 0.95, 1.0]))
def test_sensitivity_at_specificity_by_brute_force(seed: int, n: int, specificity: float) -> None:
    c = binary(seed, n, 1)
    y, p = c["target"] == 1, c["p:1"]
    best = 0.0
    for threshold in np.unique(p):
        call = p >= threshold
        if (~call[~y]).mean() >= specificity - 1e-9:
            best = max(best, float(call[y].mean()))
    assert sensitivity_at(specificity)(c).value == pytest.approx(best)


def test_kappa_by_hand() -> None:
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: observed .7, by chance .5, kappa .4.
    c = {
        "target": np.repeat([1.0, 1.0, 0.0, 0.0], [20, 5, 10, 15]),
        "p:1": np.repeat([1.0, 0.0, 1.0, 0.0], [20, 5, 10, 15]),
    }
    assert BY_NAME["kappa"](c).value == pytest.approx(0.4)
    assert BY_NAME["kappa-quadratic"](c).value == pytest.approx(0.4)


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_ranked_metrics_do_not_see_monotone_transforms(seed: int) -> None:
    two, more = binary(seed), several(seed)
    for name in RANKED:
        before = two if name != "auroc-macro" else more
        after = {k: v if k == "target" else np.exp(3 * v) - 7 for k, v in before.items()}
        assert BY_NAME[name](after).value == BY_NAME[name](before).value


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_mirrored_classes(seed: int) -> None:
    c = binary(seed)
    mirrored = {"target": 1 - c["target"], "p:1": c["p:0"], "p:0": c["p:1"]}
    assert BY_NAME["auroc"](mirrored).value == pytest.approx(BY_NAME["auroc"](c).value, abs=1e-12)
    turned = {**c, "p:1": -c["p:1"]}
    assert BY_NAME["auroc"](turned).value == pytest.approx(1 - BY_NAME["auroc"](c).value, abs=1e-12)
    for name in ("brier", "log-loss"):
        assert BY_NAME[name](mirrored).value == pytest.approx(BY_NAME[name](c).value, rel=1e-12)


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.sampled_from([2, 4]))
def test_order_of_rows_does_not_matter_and_bounds_hold(seed: int, k: int) -> None:
    c = binary(seed) if k == 2 else several(seed)
    order = np.random.default_rng(seed).permutation(len(c["target"]))
    shuffled = {name: column[order] for name, column in c.items()}
    for name, metric in BY_NAME.items():
        value = metric(c).value
        assert metric(shuffled).value == pytest.approx(value, rel=1e-9, nan_ok=True), name
        assert math.isnan(value) or metric.bounds[0] - 1e-12 <= value <= metric.bounds[1] + 1e-12, name


def test_perfect_and_constant() -> None:
    y = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    perfect = {"target": y, "p:1": y}
    for name in (*RANKED, "accuracy", "balanced-accuracy", "f1", "f1-macro", "kappa", "sensitivity", "specificity"):
        assert BY_NAME[name](perfect).value == 1.0
    assert BY_NAME["brier"](perfect).value == BY_NAME["ece"](perfect).value == 0.0
    constant = {"target": y, "p:1": np.full(5, 0.6)}
    assert BY_NAME["auroc"](constant).value == 0.5
    assert BY_NAME["auprc"](constant).value == 0.6
    assert BY_NAME["kappa"](constant).value == 0.0
    assert BY_NAME["ece"](constant).value == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("name", BY_NAME)
def test_what_cannot_be_scored_says_why(name: str) -> None:
    metric = BY_NAME[name]
    nothing = {"target": np.empty(0), "p:0": np.empty(0), "p:1": np.empty(0)}
    assert metric(nothing).reason == "no rows"
    assert not metric({"target": np.array([0.0, 1.0])}).defined
    for target in (0.5, -1.0, 7.0):
        wrong = {"target": np.array([target, 1.0]), "p:1": np.array([0.2, 0.8])}
        assert "not one of the class indices" in metric(wrong).reason
    lost = {"target": np.array([0.0, 1.0]), "p:1": np.array([0.2, math.nan])}
    assert "not finite" in metric(lost).reason
    gap = {"target": np.array([0.0, 1.0]), "p:0": np.array([0.5, 0.5]), "p:2": np.array([0.5, 0.5])}
    assert not metric(gap).defined


@pytest.mark.parametrize(
    "name", ["auroc", "auroc-macro", "balanced-accuracy", "sensitivity-at-95-specificity", "calibration-slope", "kappa"]
)
@pytest.mark.parametrize("only", [0.0, 1.0])
def test_one_class_is_undefined(name: str, only: float) -> None:
    p = np.full(6, 0.9 if only else 0.1)
    score = BY_NAME[name]({"target": np.full(6, only), "p:1": p})
    assert not score.defined
    assert score.reason


def test_one_class_by_its_own_metric() -> None:
    none = {"target": np.zeros(4), "p:1": np.array([0.1, 0.6, 0.2, 0.7])}
    assert BY_NAME["auprc"](none).reason == "no positive row"
    assert BY_NAME["sensitivity"](none).reason == "no positive row"
    assert BY_NAME["specificity"](none).value == 0.5
    assert BY_NAME["f1"](none).value == 0.0
    assert BY_NAME["f1"]({"target": np.zeros(2), "p:1": np.zeros(2)}).reason == "no row is positive or called so"
    lacking = several(0, 40, 3)
    lacking["target"][lacking["target"] == 2] = 1.0
    assert BY_NAME["auroc-macro"](lacking).reason == "class 2 has no rows, or all of them"


def test_probabilities_are_asked_for_where_they_matter() -> None:
    scores = {"target": np.array([0.0, 1.0, 1.0]), "p:1": np.array([-2.0, 3.0, 1.0])}
    assert BY_NAME["auroc"](scores).value == 1.0
    for name in ("brier", "log-loss", "calibration-slope", "calibration-intercept", "observed-expected", "ece"):
        assert "not a probability" in BY_NAME[name](scores).reason
    assert "not a probability" in BY_NAME["net-benefit-at-20"](scores).reason
