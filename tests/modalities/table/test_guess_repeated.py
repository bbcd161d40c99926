"""Guesses of what belongs together in time, and of the columns of events and stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from hilum.modalities.table.guess import guess_columns
from hilum.modalities.table.guess_repeated import guess_roles
from hilum.modalities.table.simulate_stays import simulate_stays, write_events, write_hours


def test_an_hourly_table_is_seen_as_one(tmp_path: Path) -> None:
    columns, remarks = guess_columns(write_hours(tmp_path / "hours.csv", patients=30))
    assert (columns.subject, columns.sequence, columns.step, columns.step_unit) == ("patient", "stay", "hour", "")
    assert (columns.target, columns.positive, columns.beside, columns.static) == (
        "died",
        "1",
        "days_left",
        ("age", "sex"),
    )
    assert any("Records belong together in time" in remark for remark in remarks)


def test_steps_that_are_dates_get_a_unit_and_a_patient_may_be_the_sequence(tmp_path: Path) -> None:
    lines = ["patient,charttime,lactate,died"]
    lines += [f"p{who},2024-01-0{day} 07:00,1.{day},{who % 2}" for who in range(4) for day in range(1, 6)]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    columns, _ = guess_columns(tmp_path / "a.csv")
    assert (columns.subject, columns.sequence, columns.step, columns.step_unit) == (
        "patient",
        "patient",
        "charttime",
        "h",
    )


def test_a_number_that_tells_of_the_end_is_no_feature_of_another_outcome(tmp_path: Path) -> None:
    path = write_hours(tmp_path / "hours.csv", patients=30)
    columns, remarks = guess_columns(path, target="lactate")
    assert columns.beside == ""
    assert "days_left" in columns.exclude
    assert any("tells of the end" in remark for remark in remarks)


@pytest.mark.parametrize("each", [1, 2])
def test_few_records_a_patient_are_single_records(tmp_path: Path, each: int) -> None:
    frame = simulate_stays(40).group_by("stay", maintain_order=True).head(each)
    frame.drop("stay").write_csv(tmp_path / "a.csv")
    assert guess_columns(tmp_path / "a.csv")[0].sequence == ""


def test_columns_of_events_and_stays_by_name(tmp_path: Path) -> None:
    events, stays = write_events(tmp_path, patients=5)
    roles, rest = guess_roles(events, stays=False)
    assert roles == {"stay": "stay", "time": "time", "code": "code", "value": "value", "unit": "unit"}
    assert rest == ("patient",)
    roles, rest = guess_roles(stays, stays=True)
    assert roles == {"stay": "stay", "subject": "patient", "start": "start", "end": "end", "outcome": "died"}
    assert rest == ("age", "sex")
