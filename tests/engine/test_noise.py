"""Noise by basis, against hand-worked cases and other implementations of the same intervals."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from hilum.core.binding import Binding, Estimand, Sample
from hilum.core.claim import Claim
from hilum.core.experiment import Arm
from hilum.core.metric import Metric, Score
from hilum.core.row import Estimate, Range, UnitValue
from hilum.engine.noise import Noise, claimed_interval, noise, of_direction, over_folds, over_seeds


class Stub:
    def __init__(self, stochastic: bool) -> None:
        self.stochastic = stochastic


def claim(printed: str = "1.00", **changes: str) -> Claim:
    fields = dict.fromkeys(
        (
            "dataset",
            "task",
            "model",
            "protocol",
            "statement",
            "n",
            "of",
            "spread",
            "spread_kind",
            "where",
            "data_access",
            "note",
        ),
        "",
    )
    return Claim(
        id="c",
        kind="value",
        metric="mae",
        printed=printed,
        unit="1",
        relation="eq",
        evidence="read",
        **{**fields, **changes},
    )  # type: ignore[arg-type]


def metric(name: str) -> Metric:
    return Metric(name, name, "1", "higher", (0, 1), "", "sums", "", ("n",), lambda _: Score(0.0))


def binding(basis: str, *, stochastic: bool = True, **changes: object) -> Binding:
    arm = Arm("d", "t", Stub(stochastic), "p")
    return replace(Binding(("*",), arm, arm, Estimand("subject"), basis), **changes)  # type: ignore[arg-type]


def folds(*values: float | None) -> tuple[UnitValue, ...]:
    return tuple(UnitValue(str(k), value) for k, value in enumerate(values))


def test_identical_and_deterministic_are_points() -> None:
    ours = Estimate(1.0, None)
    assert noise(claim(), ours, binding("identical"), metric("mae")).is_point
    assert noise(claim(), ours, binding("same-data", stochastic=False), metric("mae")).is_point


def test_seeds_are_a_t_interval_against_m_runs() -> None:
    values = (0.8, 0.9, 1.0, 1.1)
    found = over_seeds(values, 3)
    assert found.below == pytest.approx(stats.t.ppf(0.975, 3) * np.std(values, ddof=1) * math.sqrt(1 / 4 + 1 / 3))
    assert (found.above, found.degrees, found.what, found.count, found.runs) == (found.below, 3, "seeds", 4, 3)
    assert not over_seeds((1.0,), 1).defined
    assert "one seed" in over_seeds((1.0,), 1).reason


def test_folds_are_matched_by_number_with_the_correction_for_one_run() -> None:
    printed = {"fold 2": 0.8, "fold 0": 1.2, "fold 1": 1.0}
    found = over_folds({"0": 1.3, "1": 1.0, "2": 1.0}, printed, claim("1.00"))
    differences = [0.1, 0.0, 0.2]
    assert found.below == pytest.approx(stats.t.ppf(0.975, 2) * np.std(differences, ddof=1) * math.sqrt(1 / 3 + 1 / 4))
    assert (found.what, found.count, found.degrees) == ("folds", 3, 2)


@pytest.mark.parametrize(
    ("ours", "printed", "said"),
    [
        ({"0": 1.0}, {}, "no fold values"),
        ({"0": 1.0}, {"0": 1.0, "1": 1.0}, "do not match"),
        ({"0": 1.0, "1": None}, {"0": 1.0, "1": 1.0}, "do not match"),
        ({"0": 1.0, "1": 1.0}, {"0": 1.5, "1": 1.5}, "average 1.5, not the printed 1.00"),
        ({"0": 1.0}, {"0": 1.0}, "at least 2"),
    ],
)
def test_folds_that_say_nothing(ours: dict[str, float | None], printed: dict[str, float], said: str) -> None:
    found = over_folds(ours, printed, claim("1.00"))
    assert not found.defined
    assert said in found.reason


def test_a_binding_gives_the_folds_of_its_claim() -> None:
    ours = Estimate(1.0, None, per_fold=folds(1.1, 0.9, 1.0))
    found = noise(claim(), ours, binding("same-data", folds=lambda _: {"0": 1.0, "1": 1.0, "2": 1.0}), metric("mae"))
    assert found.what == "folds"
    assert found.defined


def test_two_samples_add_their_squares() -> None:
    ours = Estimate(1.0, Range(0.7, 1.3, "t", 9))
    found = noise(claim("1.00", spread="0.40", spread_kind="ci95-half"), ours, binding("new-data"), metric("mae"))
    assert found.below == pytest.approx(math.hypot(0.3, 0.405))  # the printed half-width at the upper end of its digit
    assert found.above == pytest.approx(found.below)
    lopsided = Estimate(1.0, Range(0.9, 2.0, "t", 9))
    found = noise(claim("1.00", spread="0.40", spread_kind="ci95-half"), lopsided, binding("new-data"), metric("mae"))
    assert (found.below, found.above) == (pytest.approx(math.hypot(0.1, 0.405)), pytest.approx(math.hypot(1.0, 0.405)))


@pytest.mark.parametrize(
    ("ours", "changes", "name", "said"),
    [
        (Estimate(1.0, None, reason="5 units"), {}, "mae", "no interval of our figure can be had: 5 units"),
        (Estimate(1.0, Range(1.0, 1.0, "BCa", 30)), {"spread": "0.1", "spread_kind": "ci95-half"}, "auroc", "no width"),
        (Estimate(1.0, Range(0.9, 1.1, "t", 9)), {}, "mae", "no interval, spread or number of units"),
        (Estimate(1.0, Range(0.9, 1.1, "t", 9)), {}, "accuracy", "a share of is not known"),
        (Estimate(1.0, Range(0.9, 1.1, "t", 9)), {"n": "12"}, "auroc", "with and without the outcome"),
        (
            Estimate(1.0, Range(0.9, 1.1, "t", 9)),
            {"spread": "0.1", "spread_kind": "seed-sd", "n": "5"},
            "auroc",
            "(seed-sd)",
        ),
        (
            Estimate(1.0, Range(0.9, 1.1, "t", 9)),
            {"spread": "0.1", "spread_kind": "case-sd", "n": "4"},
            "mae",
            "over 4 units",
        ),
        (
            Estimate(1.0, Range(0.9, 1.1, "t", 9)),
            {"spread": "0.1", "spread_kind": "case-sd"},
            "mae",
            "an unknown number",
        ),
        (Estimate(1.0, Range(0.9, 1.1, "t", 9)), {"spread": "0.1", "spread_kind": "fold-sd"}, "mae", "how many folds"),
        (Estimate(1.0, Range(0.9, 1.1, "t", 9)), {"spread": "0.0", "spread_kind": "ci95-half"}, "mae", "spread is 0.0"),
        (Estimate(1.0, Range(0.9, 1.1, "t", 9)), {"n": "5", "of": "9"}, "auroc", "an AUROC of 1"),
    ],
)
def test_new_data_without_a_standard_error(ours: Estimate, changes: dict[str, str], name: str, said: str) -> None:
    found = noise(claim("1.00", **changes), ours, binding("new-data"), metric(name))
    assert not found.defined
    assert said in found.reason


def test_printed_spreads() -> None:
    low, high, why = claimed_interval(
        claim("1.00", spread="0.30", spread_kind="subject-sd", n="16"), Sample(), metric("mae")
    )
    assert not why
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, 15) * 0.305 / 4)
    by_binding = claimed_interval(
        claim("1.00", spread="0.30", spread_kind="subject-sd"), Sample(units=16), metric("mae")
    )
    assert by_binding[:2] == pytest.approx((low, high))
    low, high, _ = claimed_interval(
        claim("1.00", spread="0.30", spread_kind="fold-sd", n="10"), Sample(), metric("mae")
    )
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, 9) * 0.305 * math.sqrt(1 / 10 + 1 / 9))


@given(right=st.integers(0, 60), n=st.integers(1, 60))
def test_shares_are_wilsons_interval(right: int, n: int) -> None:
    right = min(right, n)
    low, high, why = claimed_interval(claim(repr(right / n), n=str(n)), Sample(), metric("accuracy"))
    assert not why
    assert (low, high) == pytest.approx(proportion_confint(right, n, method="wilson"), abs=1e-9)


def test_a_percentage_is_no_share() -> None:
    assert "no share" in claimed_interval(claim("93", n="30"), Sample(), metric("accuracy"))[2]


def test_our_share_is_never_narrower_than_wilsons() -> None:
    ours = Estimate(1.0, Range(1.0, 1.0, "BCa", 30))
    found = noise(claim("1.00", n="30"), ours, binding("new-data"), metric("accuracy"))
    low, high = proportion_confint(30, 30, method="wilson")
    assert found.below == pytest.approx(math.hypot(1 - low, high - 1), abs=1e-9)


def test_hanley_and_mcneil_by_simulation() -> None:
    # Their Q_1 and Q_2 are exact for exponential scores: AUROC 0.8 where positives have four times the mean.
    random = np.random.default_rng(0)
    positives, others = random.exponential(4.0, (4000, 20)), random.exponential(1.0, (4000, 30))
    areas = (positives[:, :, np.newaxis] > others[:, np.newaxis, :]).mean(axis=(1, 2))
    low, high, why = claimed_interval(claim("0.8", n="20", of="50"), Sample(), metric("auroc"))
    assert not why
    assert (high - low) / 2 / 1.959964 == pytest.approx(areas.std(), rel=0.04)
    assert claimed_interval(claim("0.8"), Sample(50, 20), metric("auroc"))[:2] == pytest.approx((low, high))


def test_a_direction_holds_subjects_and_seeds() -> None:
    ours = Estimate(0.5, Range(0.4, 0.6, "t", 50), per_seed=(0.45, 0.5, 0.55))
    other = Arm("d", "t", Stub(False), "q")
    fixed = binding("same-data", stochastic=False, against=other)
    assert of_direction(ours, fixed) == (0.4, 0.6, "")
    low, high, why = of_direction(ours, binding("same-data", against=other))
    half = stats.t.ppf(0.975, 2) * 0.05 / math.sqrt(3)
    assert (low, high, why) == (
        pytest.approx(0.5 - math.hypot(0.1, half)),
        pytest.approx(0.5 + math.hypot(0.1, half)),
        "",
    )
    assert "noise between seeds" in of_direction(replace(ours, per_seed=(0.5,)), binding("same-data", against=other))[2]
    assert of_direction(Estimate(None, None, reason="why"), fixed)[2] == "why"


def test_p_is_2_5_percent_where_the_interval_touches_the_margin() -> None:
    for degrees in (2, 9, math.inf):
        around = Noise(0.3, 0.3, degrees, "seeds", 3)
        assert around.p_beyond(0.4, 0.1) == pytest.approx(0.025)
        assert around.p_beyond(-0.4, 0.1) == pytest.approx(0.025)
    few, many = Noise(0.3, 0.3, 1, "seeds", 2), Noise(0.3, 0.3, math.inf)
    assert few.p_beyond(1.0, 0.1) > many.p_beyond(1.0, 0.1)  # far out, two seeds say less than many
    assert few.p_beyond(0.7, 0.1) == pytest.approx(stats.t.sf(2 * stats.t.ppf(0.975, 1), 1))
    point = Noise(0.0, 0.0)
    assert (point.p_beyond(1.0, 0.5), point.p_beyond(0.2, 0.5)) == (0.0, 1.0)


def test_what_would_settle_it() -> None:
    # 4 seeds against 1 run: half-width 0.5, room 0.4, so the variance may be 0.8: 1/S + 1 = 0.8 cannot be.
    assert "no number of our seeds" in Noise(0.5, 0.5, 3, "seeds", 4, 1).settled_by(0.0, 0.4)
    # Against 100 runs: 1/S = (0.4/0.5)^2 (1/4 + 1/100) - 1/100.
    assert "about 7 seeds" in Noise(0.5, 0.5, 3, "seeds", 4, 100).settled_by(0.0, 0.4)
    assert "about 40 subjects" in Noise(0.2, 0.2, what="subjects", count=10).settled_by(0.0, 0.1)
    assert "margin itself" in Noise(0.2, 0.2, what="subjects", count=10).settled_by(0.1, 0.1)
    assert Noise(0.0, 0.0, what="folds", count=3).settled_by(0.1, 0.1) == "there is no noise"


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=12), st.floats(-3, 3))
def test_folds_do_not_care_for_a_shift_or_for_order(values: list[float], shift: float) -> None:
    ours = {str(k): value for k, value in enumerate(values)}
    printed = {str(k): 0.0 for k in range(len(values))}
    one = over_folds(ours, printed, claim("0.0"))
    moved = over_folds({k: v + shift for k, v in reversed(ours.items())}, printed, claim("0.0"))
    assert moved.below == pytest.approx(one.below, abs=1e-9)
