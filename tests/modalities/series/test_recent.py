"""A window is the newest samples, whatever the store does underneath."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hilum.modalities.series.recent import RecentSamples


@given(st.integers(1, 6), st.integers(1, 60), st.integers(1, 3))
def test_windows(length: int, samples: int, channels: int) -> None:
    values = np.random.default_rng(samples).normal(size=(samples, channels))
    recent = RecentSamples(channels, length)
    for sample in values:
        recent.append(sample)
    assert recent.count == samples
    assert np.array_equal(recent.newest, values[-1])
    for back in range(min(length, samples)):
        origin = samples - 1 - back
        for history in range(1, min(length, samples) - back + 1):
            assert recent.has_window(origin, history)
            wanted = values[origin - history + 1 : origin + 1].ravel()
            assert np.array_equal(recent.window(origin, history), wanted)
    assert not recent.has_window(samples, 1)
    assert not recent.has_window(samples - 1, samples + 1)


def test_missing_channels_keep_their_last_value() -> None:
    recent = RecentSamples(2, 3)
    for sample in ([np.nan, 1.0], [2.0, np.nan], [np.nan, np.nan]):
        recent.append(np.array(sample))
    assert recent.window(2, 3).tolist() == [0.0, 1.0, 2.0, 1.0, 2.0, 1.0]


def test_state_round_trip() -> None:
    one, other = RecentSamples(1, 2), RecentSamples(1, 1)
    for value in range(20):
        one.append(np.array([float(value)]))
    other.restore(one.state())
    assert other.count == 20
    assert other.window(19, 2).tolist() == [18.0, 19.0]
