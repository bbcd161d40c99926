"""Values of a wide table beside the dictionary's ranges: counted by hand, on both ends, by name alone and in the declared unit."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.modalities.ehr.plausible import range_notes


def test_values_outside_are_counted_and_both_ends_are_inside() -> None:
    features = pl.DataFrame({"hr": [0.0, 300.0, 301.0, -1.0, None, 80.0], "resp": [12.0] * 6})
    assert range_notes(features, {}) == ("'hr' (heart rate): 2 of 5 values outside 0 to 300 bpm; they are kept.",)
    assert features["hr"].to_list() == [0.0, 300.0, 301.0, -1.0, None, 80.0]


@pytest.mark.parametrize("name", ["hr", "HR", "heart_rate", "Heart Rate", "heart rate (bpm)"])
def test_a_name_is_the_id_or_the_name_of_a_concept_whatever_its_case(name: str) -> None:
    (note,) = range_notes(pl.DataFrame({name: [999.0]}), {})
    assert note.startswith(f"'{name}' (heart rate): 1 of 1 values")


@pytest.mark.parametrize("name", ["hr_max", "thr", "heart", "rate", "my heart rate", "age"])
def test_no_other_likeness_counts(name: str) -> None:
    assert range_notes(pl.DataFrame({name: [-999.0]}), {}) == ()


def test_text_is_passed_over() -> None:
    assert range_notes(pl.DataFrame({"hr": ["fast", "slow"]}), {}) == ()


def test_an_open_range_has_one_end() -> None:
    assert range_notes(pl.DataFrame({"crp": [-1.0, 1e9]}), {}) == (
        "'crp' (C-reactive protein): 1 of 2 values below 0 mg/L; they are kept.",
    )


def test_a_declared_unit_that_converts_is_compared_after_conversion() -> None:
    """120 umol/L of creatinine are 1.36 mg/dL; 2,000 are 22.6, and the range ends at 15."""
    features = pl.DataFrame({"crea": [120.0, 2000.0]})
    assert range_notes(features, {"crea": "µmol/L"}) == (
        "'crea' (creatinine): 1 of 2 values outside 0 to 15 mg/dL (declared in µmol/L, which the dictionary has in mg/dL); they are kept.",
    )
    assert range_notes(features[:1], {"crea": "umol/L"}) == (
        "'crea' (creatinine) is declared in umol/L, which the dictionary has in mg/dL.",
    )
    assert range_notes(features[:1], {}) == (
        "'crea' (creatinine): 1 of 1 values outside 0 to 15 mg/dL; they are kept.",
    )


def test_a_unit_behind_the_name_counts_and_a_declared_one_goes_before_it() -> None:
    features = pl.DataFrame({"temp (F)": [98.6]})
    assert range_notes(features, {}) == (
        "'temp (F)' (body temperature) is declared in F, which the dictionary has in C.",
    )
    assert range_notes(features, {"temp (F)": "C"}) == (
        "'temp (F)' (body temperature): 1 of 1 values outside 32 to 42 C; they are kept.",
    )


def test_another_spelling_of_the_unit_is_the_unit() -> None:
    assert range_notes(pl.DataFrame({"na": [140.0], "hr": [80.0]}), {"na": "mmol/L", "hr": "beats/min"}) == ()


def test_a_unit_that_the_dictionary_does_not_know_is_named_and_nothing_is_counted() -> None:
    assert range_notes(pl.DataFrame({"lact": [999.0]}), {"lact": "stone"}) == (
        "'lact' (lactate): the declared unit stone is none of the dictionary's (mmol/L), its range is not looked at.",
    )


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=30))
def test_the_count_is_that_of_python(numbers: list[float]) -> None:
    outside = sum(not 32 <= number <= 42 for number in numbers)
    notes = range_notes(pl.DataFrame({"temp": numbers}), {})
    assert notes == (
        (f"'temp' (body temperature): {outside} of {len(numbers)} values outside 32 to 42 C; they are kept.",)
        if outside
        else ()
    )
