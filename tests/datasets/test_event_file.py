"""Events and stays of one's own: the grid by hand, and everything that is not used counted by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.core.errors import DataError, HilumError, UsageError
from hilum.datasets.event_file.dataset import EventFile
from hilum.modalities.table.sample import Table
from hilum.modalities.table.simulate_stays import simulate_stays, write_events

ASKED = EventFile(
    events="events.csv",
    stays="stays.csv",
    unit="unit",
    subject="patient",
    end="end",
    target="died",
    positive="1",
    static=("age",),
    hours=2,
)
STAYS = """stay,patient,start,end,age,died
s1,p1,2024-01-01 08:00,2024-01-02 08:00,70,1
s2,p2,2024-01-05 00:30,2024-01-06 00:00,50,0
s3,p3,2024-01-05 00:30,2024-01-05 01:00,44,0
s4,p4,2024-01-05 00:30,2024-01-09 01:00,61,1
s5,p5,2024-01-05 00:30,2024-01-09 01:00,62,0
"""
EVENTS = """stay,time,code,value,unit
s1,2024-01-01 08:10,lactate,2.0,mmol/L
s1,2024-01-01 08:50,lactate,4.0,mmol / l
s1,2024-01-01 09:00,heart rate,90,
s1,2024-01-01 07:59,lactate,9,mmol/L
s1,2024-01-01 10:00,lactate,9,mmol/L
s2,2024-01-05 02:29,heart rate,70,
s4,2024-01-05 00:30,lactate,high,mmol/L
s4,2024-01-05 00:31,lactate,1.5,mmol/L
s5,2024-01-05 00:31,lactate,1.0,mmol/L
s5,,lactate,1.0,mmol/L
s9,2024-01-05 00:31,lactate,1.0,mmol/L
"""
CONCEPTS = """
[convert.mg]
times = 0.1
[lac]
name = "lactate"
unit = "mmol/L"
least = 0.1
most = 20
plain = ["lactate", { code = "lactate", convert = "mg", when_unit = "mg/dl" }]
[hr]
name = "heart rate"
unit = "/min"
least = 20
most = 250
plain = ["heart rate"]
"""


def loaded(folder: Path, asked: EventFile = ASKED, events: str = EVENTS, stays: str = STAYS) -> Table:
    (folder / "events.csv").write_text(events)
    (folder / "stays.csv").write_text(stays)
    (folder / "concepts.toml").write_text(CONCEPTS)
    return asked.load(folder, asked.items(folder)[0])


def test_the_grid_by_hand(tmp_path: Path) -> None:
    table = loaded(tmp_path)
    assert table.rows["item"].to_list() == [f"{stay}-00{hour}" for stay in ("s1", "s2", "s4", "s5") for hour in (0, 1)]
    assert table.features.columns == ["age", "heart rate", "lactate"]
    assert table.static == ("age",)
    # The median of 2 and 4 in the first hour; what was charted at 09:00 belongs to the second; 10:00 lies beyond.
    assert table.features["lactate"].to_list() == [3.0, None, None, None, 1.5, None, 1.0, None]
    assert table.features["heart rate"].to_list() == [None, 90.0, None, 70.0, None, None, None, None]
    assert table.asked.tolist() == [False, True] * 4
    assert table.rows["target"].drop_nulls().to_list() == [1.0, 0.0, 1.0, 0.0]
    assert table.rows["subject"].to_list() == ["p1", "p1", "p2", "p2", "p4", "p4", "p5", "p5"]


def test_all_that_is_not_used_is_counted_and_named(tmp_path: Path) -> None:
    table = loaded(tmp_path)
    told = " ".join(table.notes)
    assert "1 events of stays that are not in the table of stays are not used ('s9' 1)" in told
    assert "1 events without a time are not used ('lactate' 1)" in told
    assert "1 events that are no number are not used ('lactate' 1); written as 'high'" in told
    assert "1 events before the stay began are not used ('lactate' 1)" in told
    assert "1 events after the window of 2 h are not used ('lactate' 1)" in told
    assert table.attrition == (("stays: stays that end before the window of 2 h does", 1),)


def test_a_dictionary_converts_refuses_units_and_judges_ranges(tmp_path: Path) -> None:
    events = EVENTS.replace("lactate,1.5,mmol/L", "lactate,15,mg/dL").replace(
        "s5,2024-01-05 00:31,lactate,1.0,mmol/L", "s5,2024-01-05 00:31,lactate,500,mmol/L"
    )
    events += "s2,2024-01-05 00:40,lactate,12,g/L\ns2,2024-01-05 00:40,ph,7.4,\n"
    table = loaded(tmp_path, replace(ASKED, concepts="concepts.toml"), events)
    assert table.features.columns == ["age", "lac", "hr"]
    assert table.features["lac"].drop_nulls().to_list() == [3.0, 1.5]
    told = " ".join(table.notes)
    assert "1 events of 'lac' are not used: above 20" in told
    assert "1 events of 'lac' are not used: the unit is g/L, not mmol/L" in told
    assert "1 events that the dictionary does not know are not used ('ph' 1)" in told
    assert "2 events state no unit" in told


def test_a_code_in_two_units_is_refused_without_a_dictionary(tmp_path: Path) -> None:
    events = EVENTS.replace("lactate,1.5,mmol/L", "lactate,15,mg/dL")
    with pytest.raises(DataError, match=r"'lactate' is written in mmol/L \(.* events\) and in mg/dL \(1\)"):
        loaded(tmp_path, events=events)


def test_days_every_record_and_the_days_left(tmp_path: Path) -> None:
    asked = replace(ASKED, every="day", hours=0, asked="every", left=True)
    table = loaded(tmp_path, asked)
    stay = table.rows["sequence"].to_list()
    assert [stay.count(name) for name in ("s1", "s2", "s3", "s4", "s5")] == [1, 0, 0, 4, 4]
    left = [4 + 0.5 / 24 - day for day in (1, 2, 3, 4)]
    assert table.rows["beside"].to_list() == pytest.approx([0.0, *left, *left])
    assert table.asked.all()
    assert table.features["lactate"].to_list()[0] == 4.0  # the median of 2, 4 and 9


def test_hours_since_the_start_are_the_same_as_moments(tmp_path: Path) -> None:
    events = "stay,hour,code,value,unit\n" + "".join(
        f"{stay},{hour},lactate,{value},mmol/L\n"
        for stay, hour, value in (("s1", 0.1667, 2), ("s1", 0.8333, 4), ("s2", 0.01, 1), ("s4", 0, 1.5), ("s5", 0, 1))
    )
    table = loaded(tmp_path, replace(ASKED, time="", hour="hour"), events)
    assert table.features["lactate"].to_list() == [3.0, None, 1.0, None, 1.5, None, 1.0, None]


@pytest.mark.parametrize(
    ("asked", "change", "told"),
    [
        ({"value": "valu"}, ("", ""), "no column is called 'valu'"),
        ({"start": "begin"}, ("", ""), "begin"),
        ({"subject": ""}, ("", ""), "nothing says whose stays"),
        ({}, ("s1,p1", "s2,p1"), "the stay 's2' stands in rows 2, 3. Write one row a stay"),
        ({}, ("2024-01-02 08:00,70", "2023-01-02 08:00,70"), "the stay 's1' ends before it begins"),
        ({}, ("p1,2024-01-01 08:00", "p1,"), "a stay without a start in row 2"),
        ({}, (",70,1", ",70,"), "without an outcome in row 2 (subject 'p1'). Fill it in, or state missing_outcome ="),
        ({"target": "age", "static": ()}, ("", ""), "named for 5 classes"),
    ],
)
def test_faults_are_named(tmp_path: Path, asked: dict[str, str], change: tuple[str, str], told: str) -> None:
    with pytest.raises(HilumError) as found:
        loaded(tmp_path, replace(ASKED, **asked), stays=STAYS.replace(*change) if change[0] else STAYS)  # type: ignore[arg-type]
    assert told.lower() in str(found.value).lower()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"hours": 0}, "asked at the end of the stay"),
        ({"hours": 36, "every": "day"}, "multiple of 24"),
        ({"every": "minute"}, "minute"),
        ({"left": True, "end": ""}, "the end of each stay"),
    ],
)
def test_windows_that_do_not_fit(settings: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError) as found:
        replace(ASKED, **settings)  # type: ignore[arg-type]
    assert told in str(found.value)


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(11)))
def test_the_order_of_events_leaves_no_trace(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    folder = tmp_path_factory.mktemp("order")
    lines = EVENTS.splitlines()
    shuffled = "\n".join([lines[0], *(lines[1 + place] for place in order)])
    a, b = loaded(folder), loaded(folder, events=shuffled)
    assert a.rows.equals(b.rows, null_equal=True)
    assert a.features.equals(b.features, null_equal=True)
    assert a.notes == b.notes


def test_events_hold_the_hours_they_were_made_from(tmp_path: Path) -> None:
    write_events(tmp_path, patients=20, seed=3)
    asked = replace(ASKED, static=("age", "sex"), hours=0, asked="every")
    table = asked.load(tmp_path, asked.items(tmp_path)[0])
    hours = simulate_stays(20, seed=3).sort("stay", "hour")
    both = table.rows.hstack(table.features).sort("sequence", "step")
    whole = hours.join(both.select("sequence").unique(), left_on="stay", right_on="sequence", how="semi")
    assert both.height == whole.height
    for name in ("heart rate", "lactate", "creatinine"):
        assert both[name].to_list() == whole[name].to_list()
