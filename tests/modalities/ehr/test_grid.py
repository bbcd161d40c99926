"""Hours and cells, against a plain loop."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from statistics import median

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.core.errors import UsageError
from hilum.modalities.ehr.concepts import read_concepts
from hilum.modalities.ehr.criteria import longest_gap
from hilum.modalities.ehr.grid import hourly_cells, on_every_hour, on_stay_clock
from tests.modalities.ehr.hand import START, clock, stay

MEASURED = {
    "stay_id": pl.Int64,
    "time": pl.Datetime("us"),
    "concept": pl.String,
    "value": pl.Float64,
    "code": pl.String,
}
seconds = st.integers(-10 * 3600, 60 * 3600)


def rows(values: list[tuple[int, float]], concept: str, table: str, start: datetime = START) -> pl.DataFrame:
    made = [(1, start + timedelta(seconds=second), concept, value, f"{table}//1") for second, value in values]
    return pl.DataFrame(made, schema=MEASURED, orient="row")


@given(
    st.lists(st.tuples(seconds, st.floats(0, 200)), min_size=1, max_size=40),
    st.sampled_from(["floor", "trunc"]),
    st.sampled_from(["hr", "urine"]),
)
def test_cells_equal_a_plain_loop(values: list[tuple[int, float]], rule: str, concept: str) -> None:
    found = hourly_cells(
        on_stay_clock(rows(values, concept, "chart"), stay(), hour_rule=rule), read_concepts(), [concept]
    )
    expected: dict[int, list[float]] = {}
    for second, value in values:
        hour = math.floor(second / 3600) if rule == "floor" else int(second / 3600)
        expected.setdefault(hour, []).append(value)
    cells = {hour: (sum(sorted(found)) if concept == "urine" else median(found)) for hour, found in expected.items()}
    assert dict(found.select("hour", concept).rows()) == pytest.approx(cells)


@pytest.mark.parametrize(
    ("second", "floor", "trunc"), [(-1, -1, 0), (0, 0, 0), (-3600, -1, -1), (-3601, -2, -1), (3599, 0, 0), (3600, 1, 1)]
)
def test_truncation_folds_the_hour_before_admission_into_hour_0(second: int, floor: int, trunc: int) -> None:
    for rule, hour in (("floor", floor), ("trunc", trunc)):
        assert on_stay_clock(rows([(second, 1.0)], "hr", "chart"), stay(), hour_rule=rule)["hour"].to_list() == [hour]


def test_the_published_clock_of_laboratory_values_starts_at_the_whole_minute() -> None:
    start = datetime.fromisoformat("2150-01-01T10:00:29")
    late = stay(start=start)
    at = {
        table: rows([(3600 - 15, 1.0)], "crea", table, start) for table in ("lab", "chart")
    }  # 10:59:44 + 30 s = 11:00:14
    assert on_stay_clock(at["chart"], late, hour_rule="trunc")["hour"].to_list() == [0]
    assert on_stay_clock(at["lab"], late, hour_rule="trunc")["hour"].to_list() == [1]
    assert on_stay_clock(at["lab"], late, hour_rule="floor")["hour"].to_list() == [0]


def test_every_hour_of_the_window_has_a_row() -> None:
    cells = hourly_cells(on_stay_clock(rows([(0, 1.0), (7200, 3.0)], "hr", "chart"), stay()), read_concepts(), ["hr"])
    full = on_every_hour(cells, pl.DataFrame({"stay_id": [1, 2], "last": [3, -1]}))
    assert full.rows() == [(1, 0, 1.0), (1, 1, None), (1, 2, 3.0), (1, 3, None)]


def test_unknown_hour_rule() -> None:
    with pytest.raises(UsageError, match="hour rule"):
        on_stay_clock(rows([(0, 1.0)], "hr", "chart"), stay(), hour_rule="ceiling")


@given(st.sets(st.integers(-3, 30), max_size=20))
def test_the_longest_gap_equals_a_plain_loop(hours: set[int]) -> None:
    made = clock({"hr": [(hour + 0.5, 80.0) for hour in hours] or [(100.0, 80.0)]}, stays=stay(hours=24.5))
    longest = run = 0
    for hour in range(25):
        run = 0 if hour in hours else run + 1
        longest = max(longest, run)
    assert longest_gap(made)["longest_gap_hours"].to_list() == [longest]
