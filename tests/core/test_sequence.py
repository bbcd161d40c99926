"""Rows of sequences: padded and back, and refused out of order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.core.errors import DataError
from hilum.core.sequence import Sequenced


def sequenced(lengths: list[int]) -> Sequenced:
    series = np.repeat(np.arange(len(lengths)), lengths)
    step = np.concatenate([np.arange(n) * 1.5 for n in lengths]) if lengths else np.zeros(0)
    values = np.random.default_rng(0).standard_normal((len(series), 3))
    return Sequenced(values, series, step, np.ones(len(series), dtype=bool))


@given(st.lists(st.integers(1, 6), min_size=0, max_size=8))
def test_padded_and_flat_are_inverse(lengths: list[int]) -> None:
    rows = sequenced(lengths)
    values, steps, there = rows.padded()
    assert values.shape == (len(lengths), max(lengths, default=0), 3)
    assert there.sum(axis=1).tolist() == lengths
    assert np.array_equal(rows.flat(values), rows.values)
    assert np.array_equal(rows.flat(steps), rows.step)
    assert (values[~there] == 0).all()
    assert rows.starts.tolist() == [0, *np.cumsum(lengths).tolist()]


def test_rows_out_of_order_are_refused() -> None:
    ok = sequenced([2, 2])
    for series, step in (([0, 1, 0, 1], ok.step), (ok.series, [1.0, 0.0, 0.0, 1.0]), ([1, 1, 2, 2], ok.step)):
        with pytest.raises(DataError, match="ascending order of time"):
            Sequenced(ok.values, np.array(series), np.array(step), ok.asked)
    with pytest.raises(DataError, match="4 rows with 3 series"):
        Sequenced(ok.values, ok.series[:3], ok.step, ok.asked)
