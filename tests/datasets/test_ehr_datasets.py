"""The open demos: cards, cohorts, and what the raw eICU tables at hand allow."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hilum.core.errors import DataError, UsageError
from hilum.datasets.eicu_demo.dataset import EicuDemo
from hilum.datasets.mimic3_demo.dataset import Mimic3Demo
from hilum.datasets.yaib_demo.dataset import POOLED, YaibDemo
from hilum.engine.download import verify_dataset
from hilum.modalities.ehr.cohort import unjudgeable


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["mimic3_demo", "eicu_demo", "yaib_demo"])
def test_files_are_those_of_the_card(name: str, real_data: Callable[[str], Path]) -> None:
    verify_dataset(name, real_data(name))


@pytest.mark.real_data
def test_five_cohorts_of_the_demo(real_data: Callable[[str], Path]) -> None:
    folder, demo = real_data("mimic3_demo"), Mimic3Demo()
    found = {item.id: demo.cohort(folder, item) for item in demo.items(folder)}
    assert {name: (cohort.stays.height, cohort.stays["subject_id"].n_unique()) for name, cohort in found.items()} == {
        "mortality24": (99, 70),
        "aki": (113, 86),
        "sepsis": (72, 60),
        "kidney_function": (69, 54),
        "length_of_stay": (132, 96),
    }
    assert all(len(cohort.variables) == 48 for cohort in found.values())
    assert found["mortality24"].rules is not None
    assert found["mortality24"].rules.hour_rule == "floor"
    assert found["aki"].rejected.height > 10


@pytest.mark.real_data
def test_published_cohorts(real_data: Callable[[str], Path]) -> None:
    folder, demo = real_data("yaib_demo"), YaibDemo()
    counts = {}
    for item in demo.items(folder):
        if item.id in POOLED:
            continue
        cohort = demo.cohort(folder, item)
        who = cohort.stays["subject_id"]
        counts[item.id] = (cohort.stays.height, who.n_unique() if not who.null_count() else 0)
    stays = {
        "mortality24-mimic3": 99,
        "mortality24-eicu": 1367,
        "aki-mimic3": 113,
        "aki-eicu": 1988,
        "sepsis-mimic3": 115,
    }
    stays |= {"kidney_function-mimic3": 69, "kidney_function-eicu": 801, "length_of_stay-mimic3": 132}
    assert {name: count[0] for name, count in counts.items()} == stays
    assert (counts["mortality24-mimic3"][1], counts["mortality24-eicu"][1]) == (70, 1146)


@pytest.mark.real_data
def test_a_cohort_loads_as_a_table_of_hours(real_data: Callable[[str], Path]) -> None:
    folder, demo = real_data("yaib_demo"), YaibDemo()
    tables = {item.id: demo.load(folder, item) for item in demo.items(folder) if item.id.endswith("mimic3")}
    assert {name: (table.height, int(table.asked.sum())) for name, table in tables.items()} == {
        "mortality24-mimic3": (2475, 99),
        "aki-mimic3": (4968, 4968),
        "sepsis-mimic3": (7707, 7707),
        "kidney_function-mimic3": (1725, 69),
        "length_of_stay-mimic3": (9656, 9656),
    }
    assert {table.features.width for table in tables.values()} == {52}
    assert all(table.features.columns[:4] == ["age", "male", "height", "weight"] for table in tables.values())
    assert tables["mortality24-mimic3"].classes == ("left intensive care alive", "died")
    assert tables["mortality24-mimic3"].rows["subject"].n_unique() == 70
    assert tables["aki-mimic3"].made_from == ("crea", "urine")
    assert (tables["length_of_stay-mimic3"].classes, tables["length_of_stay-mimic3"].unit) == ((), "h")
    told = {name: table.unjudgeable for name, table in tables.items() if table.unjudgeable}
    assert list(told) == ["sepsis-mimic3"]
    assert told["sepsis-mimic3"].startswith("the task cannot be judged: 1 patient with the event")


@pytest.mark.real_data
def test_pooled_cohorts_keep_databases_apart(real_data: Callable[[str], Path]) -> None:
    folder = real_data("yaib_demo")
    items = {item.id: item for item in YaibDemo().items(folder)}
    table = YaibDemo().load(folder, items["mortality24-pooled"])
    single = {name: YaibDemo().load(folder, items[f"mortality24-{name}"]) for name in ("mimic3", "eicu")}
    for database, own in single.items():
        mine = (table.rows["source"] == database).to_numpy()
        one = table.take(mine)
        assert one.features.equals(own.features)
        assert one.rows["item"].str.strip_prefix(f"{database}-").equals(own.rows["item"])
        assert one.rows["target"].equals(own.rows["target"])
        assert one.rows["group:database"].unique().to_list() == [database]
    assert table.rows["subject"].n_unique() == 70 + 1146
    by_hospital = YaibDemo(source="hospital").load(folder, items["mortality24-eicu"])
    assert by_hospital.rows["source"].n_unique() == 185
    with pytest.raises(DataError, match="which hospital"):
        YaibDemo(source="hospital").load(folder, items["mortality24-mimic3"])
    with pytest.raises(UsageError, match="several cohorts"):
        YaibDemo().cohort(folder, items["aki-pooled"])
    with pytest.raises(UsageError, match="source"):
        YaibDemo(source="ward")


@pytest.mark.real_data
def test_our_cohorts_load_as_tables_too(real_data: Callable[[str], Path]) -> None:
    mimic, eicu = Mimic3Demo(), EicuDemo()
    folder = real_data("mimic3_demo")
    table = mimic.load(folder, mimic.items(folder)[0])
    assert (table.height, int(table.asked.sum()), table.unjudgeable) == (2475, 99, "")
    assert table.attrition == (
        ("stays: stay shorter than 6 hours", 3),
        ("stays: younger than 18 years", 1),
        ("stays: died before hour 30", 7),
        ("stays: stay shorter than 30 hours", 26),
    )
    folder = real_data("eicu_demo")
    found = eicu.load(folder, eicu.items(folder)[0])
    assert found.rows["site"].null_count() == 0
    assert found.features["hr"].count() == 0  # no periodic vital signs are at hand
    assert {*mimic.provides} == {*eicu.provides} == {"input", "label", "target", "cohort"}


@pytest.mark.real_data
def test_published_cohorts_alone_do_not_say_who_is_who(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    alone, demo = tmp_path / "yaib_demo", YaibDemo()
    shutil.copytree(real_data("yaib_demo") / "sepsis", alone / "sepsis")
    item = next(item for item in demo.items(alone) if item.id == "sepsis-mimic3")
    cohort = demo.cohort(alone, item)
    assert cohort.stays["subject_id"].null_count() == 115
    assert "one patient" in cohort.notes[0]
    assert unjudgeable(cohort).startswith("the task cannot be judged: 1 patient with the event")
    (alone / "sepsis" / "mimic_demo" / "outc.parquet").write_bytes(b"cut off")
    with pytest.raises(DataError, match="not the one on the card"):
        demo.cohort(alone, item)


@pytest.mark.real_data
def test_the_eicu_tables_at_hand_agree_where_they_are_complete(real_data: Callable[[str], Path]) -> None:
    """Urine and the laboratory of 178 stays are complete; blood pressure lacks the periodic half."""
    demo, published = EicuDemo(rules="yaib"), YaibDemo()
    folder = real_data("eicu_demo")
    ours = demo.cohort(folder, demo.items(folder)[0])
    there = real_data("yaib_demo")
    theirs = published.cohort(there, next(item for item in published.items(there) if item.id == "mortality24-eicu"))
    both = theirs.outcome.join(ours.outcome, on="stay_id", suffix="_ours")
    assert both.height == 1285
    assert (both["label"] == both["label_ours"]).all()
    joined = theirs.hourly.join(ours.hourly, on=["stay_id", "hour"], suffix="_ours")
    for variable, cells in (("urine", 6983), ("crea", 152), ("hgb", 158), ("glu", 431)):
        pair = joined.filter(pl.col(f"{variable}_ours").is_not_null())
        assert pair.height == cells
        assert ((pair[variable] - pair[f"{variable}_ours"]).abs() <= 1e-4 * pair[variable].abs()).sum() == cells
    assert (
        ours.stays.join(theirs.stays, on="stay_id")
        .select((pl.col("subject_id") == pl.col("subject_id_right")).all())
        .item()
    )
    assert "vitalperiodic" in ours.notes[0]


def test_unknown_rules_give_the_closest() -> None:
    for kind in (Mimic3Demo, EicuDemo):
        with pytest.raises(UsageError, match="Did you mean 'clean'"):
            kind(rules="cleen")
