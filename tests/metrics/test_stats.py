"""Intervals and tests against scipy, plain loops and hand-worked examples."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hilum.core.metric import Columns, Metric, Score
from hilum.metrics import forecast, regress
from hilum.metrics.stats import (
    MEANING,
    Interval,
    Scale,
    benjamini_yekutieli,
    cluster_bootstrap,
    difference_interval,
    holm,
    jackknife_interval,
    paired_difference,
    pooled_interval,
    seed_interval,
    sign_flip,
    studentised_bootstrap,
    subject_interval,
    t_interval,
    wilcoxon_signed_rank,
)

Array = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)
P_VALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20)
REGRESS = {metric.name: metric for metric in regress.METRICS}
FORECAST = {metric.name: metric for metric in forecast.METRICS}


def errors(n: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).lognormal(0.0, 0.5, n)


def ends(interval: Interval) -> tuple[float, float]:
    return interval.low, interval.high


def regression_rows(subjects: int, seed: int = 0) -> tuple[dict[str, Array], Array]:
    """One to three rows a subject; subjects differ in bias."""
    random = np.random.default_rng(seed)
    rows, clusters = [], []
    for subject in range(subjects):
        bias = random.normal()
        for _ in range(random.integers(1, 4)):
            y = random.normal(10.0, 2.0, size=random.integers(2, 9))
            rows.append(regress.statistics(y, y + bias + random.normal(size=y.size)))
            clusters.append(f"s{subject:03d}")
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}, np.array(clusters)


# Intervals over units


def test_t_interval_as_scipy() -> None:
    x = errors(12)
    theirs = scipy.stats.ttest_1samp(x, 0.0).confidence_interval(0.9)
    assert ends(t_interval(x, level=0.9)) == pytest.approx((theirs.low, theirs.high))
    logs = scipy.stats.ttest_1samp(np.log(x), 0.0).confidence_interval(0.95)
    assert ends(t_interval(x, scale="geometric")) == pytest.approx((math.exp(logs.low), math.exp(logs.high)))


def test_t_interval_on_the_log_scale_by_hand() -> None:
    # Mean 2, s = 1, n = 3: se = 1/sqrt(3), on the log scale se / 2; t(0.975; 2) = 4.302653.
    factor = math.exp(4.302653 / math.sqrt(3) / 2)
    assert ends(t_interval([1.0, 2.0, 3.0], scale="log")) == pytest.approx((2 / factor, 2 * factor), rel=1e-6)


@pytest.mark.parametrize("scale", ["linear", "log", "geometric"])
def test_studentised_bootstrap_against_a_plain_loop(scale: Scale) -> None:
    x = np.sort(errors(40))
    random = np.random.default_rng(0)

    def centre(sample: Array) -> tuple[float, float]:
        if scale == "geometric":
            sample = np.log(sample)
        mean, error = float(np.mean(sample)), float(scipy.stats.sem(sample))
        return (math.log(mean), error / mean) if scale == "log" else (mean, error)

    g, se = centre(x)
    draws = random.integers(0, 40, size=(500, 40))
    pivots = [(centre(x[draw])[0] - g) / centre(x[draw])[1] for draw in draws]
    low, high = g - np.quantile(pivots, 0.975) * se, g - np.quantile(pivots, 0.025) * se
    wanted = (low, high) if scale == "linear" else (math.exp(low), math.exp(high))
    assert ends(studentised_bootstrap(x, scale=scale, resamples=500)) == pytest.approx(wanted)


def test_studentised_bootstrap_is_t_where_figures_are_normal() -> None:
    x = scipy.stats.norm.ppf((np.arange(200) + 0.5) / 200)
    boot, plain = studentised_bootstrap(x, resamples=20_000), t_interval(x)
    assert ends(boot) == pytest.approx(ends(plain), abs=0.03 * plain.width)


def test_the_choice_of_method() -> None:
    methods = {n: subject_interval(errors(n)) for n in (0, 1, 5, 6, 29, 30, 31)}
    for n in (0, 1, 5):
        assert not methods[n].defined
        assert methods[n].note.startswith(f"{n} units: below 6")
    for n in (6, 29):
        assert methods[n].method == "t, linear scale"
        assert ends(methods[n]) == ends(t_interval(errors(n)))
    for n in (30, 31):
        assert methods[n].method == "studentised bootstrap, linear scale"
    assert all(methods[n].note == MEANING and methods[n].n == n for n in (6, 29, 30, 31))


@pytest.mark.parametrize("n", [5, 12, 40])
@pytest.mark.parametrize("scale", ["linear", "log", "geometric"])
def test_order_of_units_does_not_matter(n: int, scale: Scale) -> None:
    x = errors(n)
    assert repr(subject_interval(x, scale)) == repr(subject_interval(x[::-1], scale))


@settings(deadline=None)
@given(SEEDS, st.sampled_from([8, 35]), st.floats(0.01, 100.0))
def test_scale_equivariance_and_positive_ends(seed: int, n: int, factor: float) -> None:
    x = errors(n, seed)
    scales: tuple[Scale, ...] = ("linear", "log", "geometric")
    for scale in scales:
        before, after = subject_interval(x, scale), subject_interval(factor * x, scale)
        assert ends(after) == pytest.approx((factor * before.low, factor * before.high), rel=1e-7)
        centre = float(scipy.stats.gmean(x) if scale == "geometric" else x.mean())
        assert before.low < centre < before.high
        assert scale == "linear" or before.low > 0


def test_undefined_intervals_say_why() -> None:
    assert "1 of 8 values are not finite" in subject_interval([*errors(7), math.nan]).note
    assert "positive" in subject_interval([*errors(7), 0.0], scale="log").note
    assert "positive" in studentised_bootstrap([*errors(40), -1.0], scale="geometric").note
    assert "at least 2" in t_interval([1.0]).note
    nothing = t_interval([])
    assert not nothing.covers(0.0)
    assert math.isnan(nothing.width)


def test_flat_units() -> None:
    assert ends(subject_interval(np.full(10, 0.5))) == (0.5, 0.5)
    assert ends(subject_interval(np.full(40, 0.5))) == (0.5, 0.5)
    lone = subject_interval([0.0] * 39 + [1.0])
    assert lone.method == "t, linear scale"
    assert lone.note.startswith("t: some resamples have no spread")


# Pooled figures


def plain_jackknife(columns: Columns, clusters: Array, metric: Metric) -> Array:
    ids = sorted(set(clusters.tolist()))
    return np.array([metric({k: v[clusters != one] for k, v in columns.items()}).value for one in ids])


@pytest.mark.parametrize("name", ["rmse", "pearson", "mae"])
def test_jackknife_against_a_plain_loop(name: str) -> None:
    columns, clusters = regression_rows(12)
    metric = REGRESS[name]
    without = plain_jackknife(columns, clusters, metric)
    se = math.sqrt(11 / 12 * float(((without - without.mean()) ** 2).sum()))
    half = float(scipy.stats.t.ppf(0.975, 11)) * se
    figure = metric(columns).value
    assert ends(jackknife_interval(columns, clusters, metric)) == pytest.approx((figure - half, figure + half))


def test_jackknife_of_a_mean_is_the_t_interval() -> None:
    x = errors(15)
    columns = {"n": np.ones(15), "sum_abs": x}
    assert ends(jackknife_interval(columns, np.arange(15), REGRESS["mae"])) == pytest.approx(ends(t_interval(x)))
    on_log = jackknife_interval(columns, np.arange(15), REGRESS["mae"], scale="log")
    assert ends(on_log) == pytest.approx(ends(t_interval(x, scale="log")), rel=0.02)


def test_cluster_bootstrap_as_scipy_bca() -> None:
    x = errors(60)
    ours = cluster_bootstrap({"n": np.ones(60), "sum_abs": x}, np.arange(60), REGRESS["mae"], resamples=20_000)
    theirs = scipy.stats.bootstrap((x,), np.mean, n_resamples=20_000, method="BCa", rng=1).confidence_interval
    assert ends(ours) == pytest.approx((theirs.low, theirs.high), abs=0.03 * ours.width)
    assert ours.method == "BCa cluster bootstrap"


@pytest.mark.parametrize("name", ["rmse", "r2"])
def test_cluster_bootstrap_as_scipy_over_clusters(name: str) -> None:
    # The same figure, written as a statistic of cluster indices; rmse goes by matrix product here, r2 by drawn rows.
    columns, clusters = regression_rows(40)
    ids = np.unique(clusters)

    def figure(drawn: Array) -> float:
        rows = np.concatenate([np.flatnonzero(clusters == ids[int(i)]) for i in drawn])
        return REGRESS[name]({key: column[rows] for key, column in columns.items()}).value

    ours = cluster_bootstrap(columns, clusters, REGRESS[name], resamples=4000)
    indices = (np.arange(40.0),)
    theirs = scipy.stats.bootstrap(indices, figure, n_resamples=4000, method="BCa", vectorized=False, rng=1)
    wanted = theirs.confidence_interval
    assert ends(ours) == pytest.approx((wanted.low, wanted.high), abs=0.08 * ours.width)


def test_matrix_product_equals_drawn_rows() -> None:
    columns, clusters = regression_rows(40)
    by_product = REGRESS["rmse"]
    by_rows = Metric(**{**by_product.__dict__, "pooling": "rows"})
    fast = cluster_bootstrap(columns, clusters, by_product, resamples=300)
    slow = cluster_bootstrap(columns, clusters, by_rows, resamples=300)
    assert ends(fast) == pytest.approx(ends(slow), rel=1e-9)


@pytest.mark.parametrize("subjects", [12, 35])
@pytest.mark.parametrize("name", ["rmse", "pearson"])
def test_order_of_rows_does_not_matter(subjects: int, name: str) -> None:
    columns, clusters = regression_rows(subjects)
    order = np.random.default_rng(3).permutation(len(clusters))
    shuffled = {key: column[order] for key, column in columns.items()}
    assert pooled_interval(columns, clusters, REGRESS[name]) == pooled_interval(
        shuffled, clusters[order], REGRESS[name]
    )


def test_the_choice_for_pooled_figures() -> None:
    chosen = {n: pooled_interval(*regression_rows(n), REGRESS["rmse"]) for n in (5, 6, 29, 30)}
    assert "below 6" in chosen[5].note
    assert chosen[6].method == chosen[29].method == "jackknife t, log scale"
    assert chosen[30].method == "BCa cluster bootstrap"
    assert chosen[29].note == chosen[30].note == MEANING
    assert "largest" in pooled_interval(*regression_rows(40), REGRESS["max-error"]).note


def test_a_share_stays_within_its_bounds() -> None:
    n = np.full(40, 20.0)
    within = np.full(40, 20.0)
    within[:3] = (3.0, 10.0, 18.0)
    interval = pooled_interval({"n": n, "within_2": within}, np.arange(40), FORECAST["within-2mm"])
    assert 0 <= interval.low < interval.high <= 1


def test_pooled_figures_undefined() -> None:
    columns, clusters = regression_rows(10)
    one = np.zeros(len(clusters))
    assert jackknife_interval(columns, one, REGRESS["rmse"]).note == "fewer than 2 clusters"
    assert cluster_bootstrap(columns, one, REGRESS["rmse"]).note == "fewer than 2 clusters"
    assert cluster_bootstrap({}, clusters, REGRESS["rmse"]).note == "column 'n' is missing"
    perfect = {"n": np.ones(10), "sum_abs": np.zeros(10)}
    assert "positive" in jackknife_interval(perfect, np.arange(10), REGRESS["mae"], scale="log").note
    flat = cluster_bootstrap(perfect, np.arange(10), REGRESS["mae"])
    assert ends(flat) == (0.0, 0.0)
    assert flat.method == "percentile cluster bootstrap"


def _one_unit_decides() -> Metric:
    """Defined only while the marked row is among those drawn."""

    def compute(columns: Columns) -> Score:
        marked = columns["marked"].sum()
        return Score(float(columns["x"].mean())) if marked > 0 else Score.undefined("no marked row")

    return Metric("m", "m", "1", "none", (-math.inf, math.inf), "-", "mean of rows", "-", ("x", "marked"), compute)


def test_undefined_resamples_are_counted() -> None:
    x, marked = errors(40), np.zeros(40)
    marked[0] = 1.0
    rare = {"x": x, "marked": marked}
    assert "without one of the clusters" in jackknife_interval(rare, np.arange(40), _one_unit_decides()).note
    assert "resamples" in cluster_bootstrap(rare, np.arange(40), _one_unit_decides()).note
    often = {"x": x, "marked": (np.arange(40) < 4).astype(float)}
    some = cluster_bootstrap(often, np.arange(40), _one_unit_decides())
    assert some.defined
    assert "left out" in some.note


# Intervals of ours - claimed


def test_seed_interval_by_hand() -> None:
    # 1, 2, 3: s = 1, S = 3, t(0.975; 2) = 4.302653.
    for m, factor in ((1, math.sqrt(1 / 3 + 1)), (300, math.sqrt(1 / 3 + 1 / 300)), (0, math.sqrt(1 / 3 + 1))):
        half = 4.302653 * factor
        assert ends(seed_interval([1.0, 2.0, 3.0], m)) == pytest.approx((2 - half, 2 + half), rel=1e-6)


def test_seed_interval_as_a_two_sample_t_test() -> None:
    # With a claimed sample of the same spread and S - 1 degrees of freedom it is the pooled t interval.
    x = errors(10)
    assert seed_interval(x, m=10**9).width == pytest.approx(t_interval(x).width)
    assert seed_interval(x, m=1).width > seed_interval(x, m=5).width > seed_interval(x, m=300).width
    assert ends(seed_interval([2.0, 2.0])) == (2.0, 2.0)


def test_seed_interval_undefined() -> None:
    assert seed_interval([1.0]).note == "one seed: the noise between runs is unknown"
    assert "not finite" in seed_interval([1.0, math.nan]).note
    assert not seed_interval([]).defined


def test_difference_interval() -> None:
    assert ends(difference_interval(3.0, 4.0, difference=1.0)) == pytest.approx((1 - 9.79982, 1 + 9.79982), rel=1e-6)
    assert difference_interval(3.0, 4.0).covers(0.0)
    assert difference_interval(1.0, math.nan).note == "no standard error of the claimed figure can be had"
    assert difference_interval(-1.0, 1.0).note == "no standard error of our figure can be had"
    assert difference_interval(1.0, 1.0, difference=math.nan).note == "the difference is undefined"


# Tests


@settings(deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=7))
def test_sign_flip_against_enumeration(values: list[float]) -> None:
    observed, scale = abs(sum(values)), 1e-12 * sum(map(abs, values))
    flips = [sum(s * v for s, v in zip(signs, values, strict=True)) for signs in product((1, -1), repeat=len(values))]
    assert sign_flip(values).p == np.mean([abs(flip) >= observed - scale for flip in flips])


def test_sign_flip_as_scipy() -> None:
    d = np.random.default_rng(0).normal(0.5, 1.0, 12)
    exact = scipy.stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=5000)  # 2^12 flips: all
    assert sign_flip(d).p == pytest.approx(exact.pvalue)
    assert sign_flip(d).method == "sign flips, all"
    many = np.random.default_rng(1).normal(0.3, 1.0, 40)
    drawn = scipy.stats.permutation_test((many,), np.sum, permutation_type="samples", n_resamples=20_000, rng=1)
    assert sign_flip(many).p == pytest.approx(drawn.pvalue, abs=0.01)


@settings(deadline=None)
@given(SEEDS, st.integers(1, 25))
def test_p_values_lie_above_0_and_up_to_1(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    d = random.normal(random.uniform(-3, 3), 1.0, n).round(int(random.integers(0, 4)))
    for test in (sign_flip(d, resamples=200), wilcoxon_signed_rank(d)):
        assert 0 < test.p <= 1
    mirrored = sign_flip(-d, resamples=200)
    assert mirrored.p == pytest.approx(sign_flip(d, resamples=200).p)
    assert wilcoxon_signed_rank(7.0 * d[::-1]).p == pytest.approx(wilcoxon_signed_rank(d).p)


def test_p_is_never_0() -> None:
    assert sign_flip(np.arange(1.0, 101.0), resamples=1000).p == 1 / 1001
    assert wilcoxon_signed_rank(np.arange(1.0, 20_001.0)).p > 0
    assert sign_flip(np.zeros(8)).p == sign_flip(np.zeros(20), resamples=50).p == 1.0
    assert wilcoxon_signed_rank(np.zeros(8)).p == 1.0


def test_wilcoxon_as_scipy() -> None:
    for n in (8, 16, 30, 80):
        d = np.random.default_rng(n).normal(0.3, 1.0, n)
        theirs = scipy.stats.wilcoxon(d)
        ours = wilcoxon_signed_rank(d)
        assert (ours.p, ours.statistic) == pytest.approx((theirs.pvalue, theirs.statistic))
    tied = np.array([1.0, 1.0, -1.0, 2.0, 2.0, 3.0, 0.0])
    exact = scipy.stats.wilcoxon(tied, method=scipy.stats.PermutationMethod(n_resamples=10_000))
    assert wilcoxon_signed_rank(tied).p == pytest.approx(exact.pvalue)
    assert wilcoxon_signed_rank(tied).note == "1 zero differences dropped"


@pytest.mark.parametrize("bad", [[], [1.0, math.nan]])
def test_tests_without_an_answer_say_why(bad: list[float]) -> None:
    for test in (sign_flip(bad), wilcoxon_signed_rank(bad)):
        assert math.isnan(test.p)
        assert test.note


def test_paired_difference_joins_on_ids() -> None:
    a = {f"u{i}": float(x) for i, x in enumerate(errors(10))}
    b = {f"u{i}": float(x) for i, x in enumerate(errors(10, seed=1))}
    d = np.array([a[unit] - b[unit] for unit in a])
    found = paired_difference(a, dict(reversed(list(b.items()))))
    theirs = scipy.stats.ttest_rel(list(a.values()), list(b.values())).confidence_interval()
    assert found.mean == pytest.approx(d.mean())
    assert ends(found.interval) == pytest.approx((theirs.low, theirs.high))
    assert found.p == sign_flip(d).p
    assert found.n == 10
    assert paired_difference(b, a).mean == pytest.approx(-found.mean)


def test_paired_difference_counts_units_left_out() -> None:
    a = dict.fromkeys("abcdefgh", 1.0)
    found = paired_difference(a, {**dict.fromkeys("abcdefg", 0.5), "z": 0.0})
    assert found.n == 7
    assert found.note.startswith("2 units")
    assert found.p == 2 / 2**7


def test_paired_difference_undefined() -> None:
    few = paired_difference({"a": 1.0, "b": 2.0}, {"a": 0.0, "b": 0.0})
    assert few.mean == 1.5
    assert math.isnan(few.p)
    assert "below 6" in few.note
    lost = paired_difference(dict.fromkeys("abcdefg", math.nan), dict.fromkeys("abcdefg", 0.0))
    assert math.isnan(lost.mean)
    assert "not finite" in lost.note
    assert paired_difference({"a": 1.0}, {"b": 1.0}).n == 0


def test_holm_by_hand() -> None:
    # Sorted .01 .02 .03 .04 times 4 3 2 1: .04 .06 .06 .04, made non-decreasing.
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_benjamini_yekutieli_by_hand() -> None:
    # c(3) = 11/6; .01 .02 .9 times 3 c / rank: .055 .055 1.65, at most 1.
    assert benjamini_yekutieli([0.9, 0.01, 0.02]) == pytest.approx([1.0, 0.055, 0.055])


@settings(deadline=None)
@given(P_VALUES)
def test_adjusted_p_values(p: list[float]) -> None:
    raw = np.array(p)
    m = len(raw)
    for adjusted in (holm(raw), benjamini_yekutieli(raw)):
        assert ((adjusted >= raw * (1 - 1e-12)) & (adjusted <= 1)).all()
        assert (np.diff(adjusted[np.argsort(raw)]) >= -1e-15).all()
    assert benjamini_yekutieli(raw) == pytest.approx(scipy.stats.false_discovery_control(raw, method="by"))
    # Holm, plainly: the largest of (count of p-values not below p_j) * p_j over p_j up to p_i.
    plain = [min(1.0, max(q * np.sum(raw >= q) for q in raw if q <= one)) for one in raw]
    assert holm(raw) == pytest.approx(plain)
    assert (holm(raw) <= np.minimum(1, m * raw) + 1e-15).all()


def test_untested_hypotheses_are_not_part_of_the_family() -> None:
    for adjust in (holm, benjamini_yekutieli):
        with_gap = adjust([0.01, math.nan, 0.04])
        assert math.isnan(with_gap[1])
        assert with_gap[[0, 2]] == pytest.approx(adjust([0.01, 0.04]))
        assert adjust([]).size == 0
