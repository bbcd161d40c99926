"""The dictionary: 52 variables, conversions before ranges, nothing dropped without being counted."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from hilum.core.errors import DataError, HilumError, UsageError
from hilum.modalities.ehr.concepts import plain_unit, read_concepts
from hilum.modalities.ehr.events import as_events, event_schema
from hilum.modalities.ehr.measure import measure, ways_of
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
    ("code", "value", "unit", "reason"),
    [
        ("lab//50912", 15.1, "mg/dL", "above 15 mg/dL"),
        ("lab//50912", -0.1, None, "below 0 mg/dL"),
        ("lab//50912", None, "mg/dL", "no number"),
        ("lab//50912", float("nan"), None, "no number"),
        ("lab//50912", float("inf"), None, "above 15 mg/dL"),
        ("lab//50912", 1.1, "umol/L", "unknown unit"),
        ("lab//50912", 99.0, "umol/L", "unknown unit"),  # not "above": what it would be is not known
        ("lab//50912", None, "umol/L", "no number"),
        ("chart//678", 37.0, "Deg. F", "below 32 C"),
        ("chart//678", 37.0, "Deg. C", "unknown unit"),  # the item is Fahrenheit's: the unit contradicts it
        ("chart//920", 70.0, "stone", "unknown unit"),
        ("lab//50820", 6.0, "units", "below 6.8"),
    ],
)
def test_what_is_rejected_is_counted(code: str, value: float | None, unit: str | None, reason: str) -> None:
    kept, rejected = measure(event(code, value, unit), read_concepts().codes("mimic3", alarms=False))
    assert kept.is_empty()
    assert rejected.select("code", "unit", "reason", "values").rows() == [(code, unit, reason, 1)]


def test_a_value_without_a_time_is_counted_where_it_needs_one() -> None:
    codes = read_concepts().codes("mimic3", alarms=False)
    timeless = pl.concat([event("lab//50912", 1.0), event("chart//762", 70.0)]).with_columns(
        time=pl.lit(None, pl.Datetime("us"))
    )
    kept, rejected = measure(timeless, codes)
    assert kept["concept"].to_list() == ["weight"]  # one value a stay
    assert rejected.rows() == [("crea", "lab//50912", None, "no time", 1)]


def test_every_event_is_kept_or_counted() -> None:
    """Whatever comes: what is kept and what is counted add up."""
    values = [None, float("nan"), -1e9, -1.0, 0.0, 1.0, 15.0, 37.0, 98.6, 1e9]
    units = [None, "", "mg/dL", "MG / DL", "K/uL", "furlong", "Deg. F"]
    codes = read_concepts().codes("mimic3", alarms=False)
    for code in ("lab//50912", "chart//678", "chart//920", "lab//50889", "drug//Vancomycin", "culture//BLOOD"):
        events = pl.concat([event(code, value, unit) for value in values for unit in units])
        for rule in ("left out", "read as if known"):
            kept, rejected = measure(events, codes, unknown_units=rule)
            assert kept.height + rejected["values"].sum() == events.height, (code, rule)
            assert rule == "left out" or "unknown unit" not in rejected["reason"].to_list()


def test_the_published_rule_reads_unknown_units_as_if_known() -> None:
    ours = read_concepts()
    kept, _ = measure(
        event("lab//ionized calcium", 1.2, "mg/dL"), ours.codes("eicu", alarms=True), unknown_units="read as if known"
    )
    assert kept["value"].to_list() == [1.2]
    kept, _ = measure(
        event("chart//678", 98.6, "C"), ours.codes("mimic3", alarms=True), unknown_units="read as if known"
    )
    assert kept["value"].to_list() == pytest.approx([37.0])  # the item's conversion, not the unit's


def test_units_are_read_however_they_are_spelled() -> None:
    codes = read_concepts().codes("eicu", alarms=False)
    for unit in ("K/uL", "k/\u00b5L", "10*9/l", "TH/ cumm", "THOU/UL", "x10 3/uL"):
        assert measure(event("lab//WBC x 1000", 9.0, unit), codes)[0]["value"].to_list() == [9.0], unit
    for unit in ("mmol/L", "MMOL/L", "meq/l"):
        assert measure(event("lab//sodium", 140.0, unit), codes)[0].height == 1, unit
    assert plain_unit("\ufffdmol / L") == plain_unit("\u00b5mol/l") == plain_unit("\u03bcmol/L.") == "umol/l"


@pytest.mark.parametrize(
    ("concept", "value", "unit", "expected"),
    [
        ("crea", 88.4, "\u00b5mol/L", 1.0),
        ("crea", 1.0, "mg/dL", 1.0),
        ("crea", 1.0, None, 1.0),
        ("temp", 98.6, "\u00b0F", 37.0),
        ("glu", 5.0, "mmol/L", 90.08),
        ("height", 70.0, "in", 177.8),
        ("weight", 70.0, "kg", 70.0),
    ],
)
def test_a_table_of_ones_own_is_converted_by_its_units(
    concept: str, value: float, unit: str | None, expected: float
) -> None:
    kept, rejected = measure(event(concept, value, unit), read_concepts().codes("plain", alarms=False))
    assert kept["value"].to_list() == pytest.approx([expected], rel=1e-3)
    assert rejected.is_empty()


def test_exact_codes_come_before_patterns() -> None:
    ways = ways_of(event("drug//Vancomycin", 1.0), read_concepts().codes("mimic3", alarms=False))
    assert ways.height == ways["concept"].n_unique()


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


def test_the_page_names_every_variable_that_a_database_has_no_code_for() -> None:
    page = (Path(__file__).parents[3] / "docs" / "concepts" / "cohorts.md").read_text(encoding="utf-8")
    known = read_concepts()
    assert len(known.ids("hourly", "static")) == 50

    def lacking(database: str, *uses: str) -> str:
        return ", ".join(id for id in known.ids(*uses) if database not in known.concepts[id].codes) or "none"

    titles = {
        "mimic3": "MIMIC-III",
        "mimic4": "MIMIC-IV",
        "eicu": "eICU",
        "hirid": "HiRID",
        "aumc": "AmsterdamUMCdb",
        "omop": "OMOP",
    }
    for database, title in titles.items():
        assert f"| {title} | {lacking(database, 'hourly', 'static')} | {lacking(database, 'label')} |" in page, database
