"""A grid shows what a ticking clock would have read, and nothing later."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError
from hilum.modalities.series.resample import ON_TIME, resample, usual_interval

Array = NDArray[np.float64]


def irregular(seed: int, samples: int = 40) -> tuple[Array, Array]:
    """Jittered times with gaps and a rate that halves; a few values missing."""
    draw = np.random.default_rng(seed)
    steps = draw.uniform(0.05, 0.15, samples)
    steps[samples // 2 :] *= 2
    steps[draw.random(samples) < 0.1] += draw.uniform(0.3, 3.0)
    values = draw.normal(size=(samples, 3))
    values[draw.random(values.shape) < 0.1] = np.nan
    return draw.uniform(-5, 5) + np.cumsum(steps), values


def one_by_one(times: Array, values: Array, interval: float, hold: float) -> Array:
    """Walk the grid, and at each point look back through the samples."""
    rows = []
    tick = 0
    while times[0] + tick * interval <= times[-1] + ON_TIME * interval:
        now = times[0] + tick * interval
        newest = [i for i, time in enumerate(times) if time <= now + ON_TIME * interval][-1]
        rows.append(values[newest] if now - times[newest] <= hold else np.full(values.shape[1], np.nan))
        tick += 1
    return np.array(rows)


@given(st.integers(0, 10_000), st.sampled_from([0.07, 0.1, 0.33, 1.0]), st.sampled_from([0.11, 0.26, 5.0]))
def test_it_is_the_newest_sample_at_each_tick(seed: int, interval: float, hold: float) -> None:
    times, values = irregular(seed)
    found = resample(times, values, interval, longest_hold_s=hold)
    assert np.array_equal(found.values, one_by_one(times, values, interval, hold), equal_nan=True)
    assert found.start_s == times[0]
    told = found.sampling
    assert told.points == len(found.values) == told.fresh + told.held + told.missing
    assert told.samples == len(times)
    assert told.gaps == np.count_nonzero(np.diff(times) > hold)


@given(st.integers(0, 10_000), st.integers(1, 39))
def test_nothing_later_than_a_tick_moves_it(seed: int, cut: int) -> None:
    times, values = irregular(seed)
    whole = resample(times, values, 0.1).values
    before = resample(times[:cut], values[:cut], 0.1).values
    assert np.array_equal(whole[: len(before)], before, equal_nan=True)
    poisoned = values.copy()
    poisoned[cut:] = 1e6
    late = times.copy()
    late[cut:] += 1e3
    for other in (resample(times, poisoned, 0.1), resample(late, poisoned, 0.1)):
        assert np.array_equal(other.values[: len(before)], before, equal_nan=True)


@given(st.integers(1, 400), st.sampled_from([0.1, 1 / 3, 1 / 30, 0.04]), st.sampled_from([0.0, 12.3, 1.7e9]))
def test_a_uniform_series_comes_back_as_it_is(samples: int, interval: float, start: float) -> None:
    values = np.random.default_rng(samples).normal(size=(samples, 2))
    values[::7] = np.nan
    for times in (start + interval * np.arange(samples), np.round(start + interval * np.arange(samples), 9)):
        found = resample(times, values, interval)
        assert np.array_equal(found.values, values, equal_nan=True)
        assert (found.sampling.fresh, found.sampling.held, found.sampling.skipped) == (samples, 0, 0)


def test_a_rate_that_halves_is_held_and_a_gap_is_missing() -> None:
    times = np.array([0.0, 0.1, 0.2, 0.4, 0.6, 1.6])
    found = resample(times, np.arange(6.0)[:, None], 0.1)
    nan = np.nan  # 0.2 s old is held, by default 0.25 s at most
    assert np.array_equal(
        found.values[:, 0], [0, 1, 2, 2, 3, 3, 4, 4, 4, nan, nan, nan, nan, nan, nan, nan, 5], equal_nan=True
    )
    told = found.sampling
    assert (told.fresh, told.held, told.missing, told.skipped, told.gaps) == (6, 4, 7, 0, 1)
    assert told.interval_s == pytest.approx(0.2)
    assert (told.shortest_s, told.longest_s) == (pytest.approx(0.1), pytest.approx(1.0))
    assert "7 missing" in told.in_words()
    assert "longest hold: 1" in told.in_words()


def test_faster_sampling_is_thinned() -> None:
    found = resample(np.arange(10) * 0.05, np.arange(10.0)[:, None], 0.1)
    assert found.values[:, 0].tolist() == [0, 2, 4, 6, 8]
    assert found.sampling.skipped == 5


def test_repeated_and_unordered_rows() -> None:
    times, values = [0.0, 0.1, 0.1, 0.3, 0.2], [[1.0, np.nan], [2, 2], [2, 2], [4, 4], [3, 3]]
    with pytest.raises(DataError, match=r"trace\.csv, row 6: the time 0\.2 s comes after 0\.3 s"):
        resample(times, values, 0.1, where="trace.csv", first_row=2)
    found = resample(times, values, 0.1, disorder="sort")
    assert found.values[:, 1].tolist()[1:] == [2, 3, 4]
    assert (found.sampling.repeated, found.sampling.moved) == (1, 1)
    assert "1 repeated" in found.sampling.in_words()
    values[2] = [2, 5]
    with pytest.raises(DataError, match=r"trace\.csv, row 4: rows 3 and 4 have the same time, 0\.1 s"):
        resample(times, values, 0.1, disorder="sort", where="trace.csv", first_row=2)


@pytest.mark.parametrize(
    ("times", "values", "match"),
    [
        ([0.0, np.nan, 0.2, np.inf], [[1.0]] * 4, "row 2: the time is nan, and 1 more"),
        ([0.0, 0.1], [[1.0], [np.inf]], "row 2: channel 1 is infinite"),
        ([0.0, 0.1], [[1.0]], "shape"),
        ([], np.zeros((0, 1)), "shape"),
        ([0.0, 0.1], [1.0, 2.0], "shape"),
        (np.arange(5) * 100.0, [[1.0]] * 5, "Are the times in seconds"),
        ([0.0, 0.1, 1e9], [[1.0]] * 3, "Are the times in seconds"),
    ],
)
def test_what_cannot_be_used_is_refused_by_row(times: Any, values: Any, match: str) -> None:
    with pytest.raises(DataError, match=match):
        resample(times, values, 0.1)


@pytest.mark.parametrize(
    "settings",
    [{"seconds_per_sample": 0.0}, {"longest_hold_s": 0.0}, {"seconds_per_sample": np.nan}, {"disorder": "shuffle"}],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        resample([0.0, 0.1], [[1.0], [2.0]], **{"seconds_per_sample": 0.1, **settings})


def test_one_sample_is_a_series() -> None:
    found = resample([3.0], [[1.0]], 0.1)
    assert found.values.tolist() == [[1.0]]
    assert np.isnan(found.sampling.interval_s)


def test_the_usual_interval_is_that_of_the_beginning() -> None:
    times = np.concatenate([np.arange(0, 40, 0.1), np.arange(40, 400, 0.5)])
    assert usual_interval(times) == pytest.approx(0.1)
    assert usual_interval(times, within_s=np.inf) == pytest.approx(0.5)
    assert np.isnan(usual_interval([1.0]))
    assert np.isnan(usual_interval([]))
