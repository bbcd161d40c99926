"""Small tables of sequences, and the inputs made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st

from hilum.core.sequence import Order
from hilum.modalities.table.inputs import Inputs

NUMBER = st.none() | st.floats(-1e6, 1e6, width=32)
ROW = st.tuples(NUMBER, NUMBER, st.none() | st.sampled_from(("low", "mid", "high")), st.sampled_from((50.0, 80.0)))


@st.composite
def sequences(draw: Any) -> Inputs:
    """Records of up to four sequences in any order: numbers `a` and `b`, a category `ward`, a static `age`."""
    lengths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    series = np.repeat(np.arange(len(lengths)), lengths)
    gaps = draw(st.lists(st.floats(0.25, 9.0, width=16), min_size=len(series), max_size=len(series)))
    rows = draw(st.lists(ROW, min_size=len(series), max_size=len(series)))
    order = np.random.default_rng(draw(st.integers(0, 99))).permutation(len(series))
    frame = pl.DataFrame(
        {name: [row[at] for row in rows] for at, name in enumerate(("a", "b", "ward", "age"))},
        schema={"a": pl.Float64, "b": pl.Float64, "ward": pl.String, "age": pl.Float64},
    )
    age = pl.Series([rows[int(np.flatnonzero(series == one)[0])][3] for one in series])
    frame = frame.with_columns(age=age).select("age", "a", "b", "ward")
    return Inputs(frame[order], Order(series[order], np.cumsum(gaps)[order]), {"age": "static"})


def matrix(inputs: Inputs, *names: str) -> Any:
    """Numbers of the features (records, names), NaN where missing."""
    return inputs.features.select(pl.col(names).fill_null(float("nan"))).to_numpy()
