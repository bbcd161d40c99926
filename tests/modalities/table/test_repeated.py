"""Repeated records: sequences, steps, outcomes once or every time, what is static; and every fault by row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.core.errors import DataError, HilumError, UsageError
from hilum.modalities.table.columns import Columns
from hilum.modalities.table.read import read_for_prediction, read_table

COLUMNS = Columns(target="died", subject="patient", sequence="stay", step="hour", static=("age",), positive="1")
ROWS = """patient,stay,hour,lactate,age,died
p1,a,0,1.5,70,
p1,a,1,2.5,,1
p2,b,0,1.0,50,
p2,b,2,1.1,50,0
p3,c,1,,61,1
p4,d,4,0.9,33,0
"""


def written(folder: Path, text: str = ROWS, name: str = "hours.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_records_without_an_outcome_are_context(tmp_path: Path) -> None:
    table = read_table(written(tmp_path), COLUMNS)
    assert table.rows["item"].to_list() == ["a-000", "a-001", "b-000", "b-002", "c-001", "d-004"]
    assert table.asked.tolist() == [False, True, False, True, True, True]
    assert table.static == ("age",)
    assert table.features.columns == ["age", "lactate"]
    # Static: written once, true of the whole stay.
    assert table.features["age"].to_list() == [70.0, 70.0, 50.0, 50.0, 61.0, 33.0]
    assert table.order is not None
    assert table.order.step.tolist() == [0, 1, 0, 2, 1, 4]
    assert any("2 of 6 records are context" in note for note in table.notes)


def test_an_outcome_once_a_stay_is_asked_at_its_last_record(tmp_path: Path) -> None:
    text = ROWS.replace("p1,a,0,1.5,70,", "p1,a,0,1.5,70,1").replace("p1,a,1,2.5,,1", "p1,a,1,2.5,,")
    every = read_table(written(tmp_path, text), COLUMNS)
    assert every.asked.tolist() == [True, False, False, True, True, True]
    last = read_table(written(tmp_path, text), replace(COLUMNS, asked="last"))
    assert last.asked.tolist() == [False, True, False, True, True, True]
    assert last.rows["target"].to_list()[1] == 1.0
    changed = text.replace("p1,a,1,2.5,,", "p1,a,1,2.5,,0")
    with pytest.raises(DataError, match="outcome of 'a' changes: '1' in row 2, '0' in row 3"):
        read_table(written(tmp_path, changed), replace(COLUMNS, asked="last"))


def test_a_stay_without_any_outcome_is_refused_or_left_out_and_counted(tmp_path: Path) -> None:
    text = ROWS + "p5,e,0,1,40,\np5,e,1,1,40,\n"
    with pytest.raises(DataError, match="without an outcome, nor in any other of their sequence in rows 8, 9"):
        read_table(written(tmp_path, text), COLUMNS)
    table = read_table(written(tmp_path, text), replace(COLUMNS, missing_target="exclude"))
    assert "e" not in table.rows["sequence"].to_list()
    assert table.attrition == (("records without a value in 'died', nor in any other of their sequence", 2),)


def test_dates_become_steps_from_the_first_record_or_a_start(tmp_path: Path) -> None:
    text = ROWS.replace("hour", "when,begin")
    moments = ["2020-01-01 06:00", "2020-01-01 18:00", "2020-02-01 00:00", "2020-02-02 12:00"] * 2
    body = text.splitlines()
    lines = [body[0]]
    for line, moment in zip(body[1:], moments, strict=False):
        who, stay, _, *rest = line.split(",")
        lines.append(",".join([who, stay, moment, moment[:10], *rest]))
    path = written(tmp_path, "\n".join(lines))
    columns = replace(COLUMNS, step="when", exclude=("begin",))
    with pytest.raises(UsageError, match="nothing says what they are counted in"):
        read_table(path, columns)
    steps = read_table(path, replace(columns, step_unit="h")).rows["step"].to_list()
    assert steps == [0.0, 12.0, 0.0, 36.0, 0.0, 0.0]
    one_start = text_with_starts(path, tmp_path)
    days = read_table(one_start, replace(columns, exclude=(), step_unit="day", step_start="begin")).rows["step"]
    assert days.to_list() == [0.25, 0.75, 0.0, 1.5, 0.25, 0.75]


def text_with_starts(path: Path, folder: Path) -> Path:
    """The same file with the start of stay b on the day of its first record only."""
    frame = pl.read_csv(path, infer_schema=False)
    first = pl.when(pl.col("stay") == "b").then(pl.lit("2020-02-01")).otherwise(pl.col("begin"))
    frame.with_columns(first.alias("begin")).write_csv(folder / "starts.csv")
    return folder / "starts.csv"


def test_days_left_stand_beside_every_outcome(tmp_path: Path) -> None:
    lines = ROWS.splitlines()
    text = "\n".join([lines[0] + ",left", *(line + f",{n}" for n, line in enumerate(lines[1:]))])
    columns = replace(COLUMNS, beside="left")
    assert read_table(written(tmp_path, text), columns).rows["beside"].to_list() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    with pytest.raises(DataError, match="an outcome without a number in 'left' in row 3"):
        read_table(written(tmp_path, text.replace(",1,1", ",1,")), columns)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("p1,a,1", "p1,a,0"), "2 records of 'a' stand at hour 0, in rows 2, 3"),
        (("p1,a,1", "p1,a,"), "a record without a step in row 3"),
        (("p4,d,4", "p4,,4"), "a record without a sequence in row 7"),
        (
            ("2,1.1,50", "2,1.1,51"),
            "the static feature 'age' of 'b' changes: '50' in row 4, '51' in row 5. Write one value",
        ),
        (("p1,a,1", "p1,a,noon"), "'noon' in row 3 is neither date nor number"),
    ],
)
def test_faults_are_named_by_sequence_and_row(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_table(written(tmp_path, ROWS.replace(*change)), COLUMNS)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"step": ""}, "named as sequence alone"),
        ({"sequence": "", "step": ""}, "'static' is about sequences"),
        ({"subject": ""}, "nothing says whose sequences these are"),
        ({"kind": "regress", "positive": "", "beside": "lactate"}, "a number beside a number"),
        ({"asked": "lst"}, "did you mean 'last'"),
        ({"step_unit": "hours"}, "no step_unit is called 'hours'"),
        ({"static": ("height",)}, "height"),
    ],
)
def test_columns_that_do_not_fit(tmp_path: Path, settings: dict[str, str], told: str) -> None:
    with pytest.raises(HilumError) as found:
        read_table(written(tmp_path), replace(COLUMNS, **settings))  # type: ignore[arg-type]
    assert told.lower() in str(found.value).lower()


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(6)))
def test_the_order_of_rows_leaves_no_trace(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    folder = tmp_path_factory.mktemp("order")
    lines = ROWS.splitlines()
    shuffled = "\n".join([lines[0], *(lines[1 + place] for place in order)])
    a, b = read_table(written(folder), COLUMNS), read_table(written(folder, shuffled, "hours2.csv"), COLUMNS)
    assert a.rows.equals(b.rows, null_equal=True)
    assert a.features.equals(b.features, null_equal=True)


def test_a_file_to_predict_asks_of_every_record(tmp_path: Path) -> None:
    path = written(tmp_path, "Stay,HOUR,lactate (mmol/L)\na,1,2\na,0,1.5\n")
    features = {"age": "Float64", "lactate": "Float64"}
    table, found = read_for_prediction(path, COLUMNS, features=features)
    assert table.asked.all()
    assert table.rows["step"].to_list() == [0.0, 1.0]
    assert table.features["lactate"].to_list() == [1.5, 2.0]
    assert found.lacking == ("age",)
    assert table.features["age"].to_list() == [None, None]
    assert found.renamed == {"lactate": "lactate (mmol/L)", "stay": "Stay", "hour": "HOUR"}
    with pytest.raises(DataError, match="lacks 'stay', the sequence"):
        read_for_prediction(written(tmp_path, "hour,lactate,age\n1,2,3\n"), COLUMNS, features=features)
    with pytest.raises(DataError, match="Did you mean 'lactat'"):
        read_for_prediction(written(tmp_path, "stay,hour,lactat,age\na,1,2,3\n"), COLUMNS, features=features)
