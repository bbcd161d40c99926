"""Match: a clinician's header against the names of train."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.core.errors import DataError
from hilum.modalities.table.match import closest, match, same_unit, split_unit


def matched(header: list[str], wanted: list[str], **units: str) -> dict[str, str]:
    return dict(match(header, wanted, units, where="file.csv").columns)


def test_case_spaces_and_units_in_brackets() -> None:
    header = ["Patient ID", "HEMOGLOBIN (g/L)", "Platelet count", "neutrophils(%)", "neutrophils (10^9/L)"]
    wanted = ["patient_id", "hemoglobin", "platelet_count", "neutrophils(%)", "Neutrophils (10^9/L)"]
    assert matched(header, wanted) == dict(zip(wanted, header, strict=True))


def test_the_very_name_wins_over_what_reads_like_it() -> None:
    found = match(["Age (years)", "age", "weight"], ["age"], {}, where="file.csv")
    assert found.columns == {"age": "age"}
    assert found.remarks == ("'Age (years)' is not read: 'age' is in the file, too",)


def test_two_that_read_alike_are_refused() -> None:
    with pytest.raises(DataError, match="'Age' and 'AGE' both read like 'age'"):
        matched(["Age", "AGE"], ["age"])


def test_names_that_differ_by_their_unit_alone_are_not_mixed_up() -> None:
    found = match(["crea"], ["crea (mg/dL)", "crea (umol/L)"], {}, where="file.csv")
    assert found.lacking == ("crea (mg/dL)", "crea (umol/L)")


def test_another_unit_is_refused_and_an_unknown_one_said() -> None:
    with pytest.raises(DataError, match="is in g/dL, and the model learned from 'hemoglobin' in g/L"):
        matched(["hemoglobin (g/dL)"], ["hemoglobin"], hemoglobin="g/L")
    with pytest.raises(DataError, match="in g/L"):
        matched(["hemoglobin (g/dL)"], ["Hemoglobin [g/L]"])
    found = match(["Lactate (mmol/L)"], ["lactate"], {}, where="file.csv")
    assert found.remarks == ("'Lactate (mmol/L)' states the unit mmol/L; what the model learned from states none",)
    assert match(["Lactate (mmol / l)"], ["lactate"], {"lactate": "mmol/L"}, where="file.csv").remarks == ()


def test_units_and_names() -> None:
    assert split_unit("(%)lymphocyte") == ("(%)lymphocyte", "")
    assert split_unit("count (10^9/L)") == ("count", "10^9/L")
    assert same_unit("µmol/L", "umol/l")
    assert same_unit("10^9/L", "10 9/L")
    assert not same_unit("mg/dL", "mg/L")


def test_the_closest_names_are_found() -> None:
    assert closest(["haemoglobin"], ["hemoglobin (g/L)", "age"]) == {"haemoglobin": "hemoglobin (g/L)"}


@given(st.lists(st.text(alphabet="abC _(%)", min_size=1, max_size=8), unique=True, max_size=6))
def test_every_column_stands_for_itself(header: list[str]) -> None:
    found = match(header, header, {}, where="file.csv")
    assert dict(found.columns) == {name: name for name in header}
    assert found.lacking == ()
