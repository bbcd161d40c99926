"""The dictionary: 52 variables, conversions before ranges, nothing dropped without being counted."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from hilum.core.errors import DataError, HilumError, UsageError
from hilum.modalities.ehr.concepts import measure, read_concepts
from hilum.modalities.ehr.events import as_events, event_schema
from tests.modalities.ehr.hand import START


def event(code: str, value: float | None, unit: str | None = None) -> pl.DataFrame:
    return pl.DataFrame([(1, START, code, value, None, 1, unit)], schema=dict(event_schema()), orient="row")


def test_fifty_two_variables() -> None:
    ours = read_concepts()
    assert len(ours.ids("hourly")) == 48
    assert (*ours.ids("static"), "age", "sex") == ("height", "weight", "age", "sex")
    for id in ours.ids("hourly", "static"):
        assert {"mimic3", "mimic4", "eicu"} <= set(ours.concepts[id].codes), id
    codes = ours.codes("mimic3", alarms=True)
    assert codes.select("concept", "code").is_unique().all()
    assert len(codes) == len(ours.codes("mimic3", alarms=False)) + 1


@pytest.mark.parametrize(
    ("code", "value", "unit", "expected"),
    [
        ("chart//678", 98.6, None, 37.0),  # Fahrenheit, converted first and judged after
        ("chart//223762", 37.5, None, 37.5),
        ("chart//920", 70.0, "Inches", 177.8),
        ("chart//920", 178.0, "cm", 178.0),
        ("lab//50889", 1.5, "mg/dL", 15.0),
        ("lab//50889", 15.0, "mg/L", 15.0),
        ("lab//50912", 15.0, None, 15.0),  # the end of the range is in it
    ],
)
def test_conversions(code: str, value: float, unit: str | None, expected: float) -> None:
    kept, rejected = measure(event(code, value, unit), read_concepts().codes("mimic3", alarms=False))
    assert kept["value"].to_list() == pytest.approx([expected])
    assert rejected.is_empty()


@pytest.mark.parametrize(
    ("code", "value", "reason"),
    [
        ("lab//50912", 15.1, "above 15.0"),
        ("lab//50912", -0.1, "below 0.0"),
        ("lab//50912", None, "no number"),
        ("chart//678", 37.0, "below 32.0"),
    ],
)
def test_what_is_rejected_is_counted(code: str, value: float | None, reason: str) -> None:
    kept, rejected = measure(event(code, value), read_concepts().codes("mimic3", alarms=False))
    assert kept.is_empty()
    assert rejected.select("code", "reason", "values").rows() == [(code, reason, 1)]


def test_the_alarm_limit_is_a_measurement_only_when_asked() -> None:
    ours = read_concepts()
    for alarms, count in ((True, 1), (False, 0)):
        assert measure(event("chart//226253", 88.0), ours.codes("mimic3", alarms=alarms))[0].height == count


def test_patterns_find_names() -> None:
    codes = read_concepts().codes("mimic3", alarms=False)
    for name, found in (
        ("drug//Vancomycin HCl", 1),
        ("drug//Aspirin", 0),
        ("culture//BLOOD CULTURE", 1),
        ("drug//piperacillin-TAZOBACTAM", 1),
    ):
        assert measure(event(name, 1.0), codes)[0].height == found, name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[hr", "cannot be read"),
        ("hr = 3", "no table"),
        ('[hr]\nname = "x"\ncolour = "red"', "colour"),
        ('[hr]\naggregate = "mode"', "mode"),
        ('[hr]\nuse = "daily"', "daily"),
        ("[hr]\nleast = 5\nmost = 1", "least value"),
        ('[hr]\nmimic3 = [{ code = "a//1", convert = "kelvin" }]', "kelvin"),
        ("[hr]\nmimic3 = [7]", "no code"),
        ('[hr]\nmimic3 = ["drug//(?i)(("]', "pattern"),
    ],
)
def test_a_damaged_dictionary_says_where(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(HilumError, match=message.replace("(", r"\(")) as caught:
        read_concepts(tmp_path / "mine.toml")
    assert "mine.toml" in caught.value.where


def test_events_refuse_what_they_are_not() -> None:
    good = event("a", 1.0)
    assert as_events(good.lazy(), where="here").collect().equals(good)
    with pytest.raises(DataError, match="'code' is missing"):
        as_events(good.drop("code").lazy(), where="here")
    with pytest.raises(DataError, match="'numeric_value' is String"):
        as_events(good.with_columns(pl.col("numeric_value").cast(pl.String)).lazy(), where="here")


def test_unknown_concept_gives_the_closest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'crea'"):
        read_concepts().codes("mimic3", ["creaa"], alarms=False)
