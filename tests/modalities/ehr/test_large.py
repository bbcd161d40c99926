"""A cohort built chunk by chunk is the cohort built at once: every stay, label, cell and count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import polars as pl
import pytest

from hilum.core.errors import DataError
from hilum.modalities.ehr.cohort import Cohort, build
from hilum.modalities.ehr.large import build_chunks, build_to
from hilum.modalities.ehr.meds import read_meds, spool, write_meds
from hilum.modalities.ehr.readers import mimic3
from hilum.modalities.ehr.stays import Records
from hilum.modalities.ehr.task_file import task_named
from hilum.modalities.ehr.yaib import read_triple
from tests.modalities.ehr.hand import events, stay

PARTS = ("hourly", "static", "outcome", "stays")


def records(people: int = 23) -> Records:
    """Two hospitals; every third patient's creatinine doubles in the first; patient 5 has no event at all."""
    stays, found = [], []
    for n in range(people):
        stays.append(stay(n + 1, n // 2, 60.0, hospital="first" if n % 2 else "second", died=n % 3 == 0))
        risen = 2.2 if n % 3 == 0 and n % 2 else 1.0
        series = {
            "hr": [(h + 0.5, 60.0 + n) for h in range(60)],
            "crea": [(1.5, 1.0), (30.5, risen)],
            "ph": [(2.0, 1.0)],
        }
        if n // 2 != 5:
            found.append(events(series, stay_id=n + 1, subject_id=n // 2))
    return Records("plain", pl.concat(stays), pl.concat(found).lazy(), where="hand")


def joined(chunks: list[Cohort]) -> dict[str, pl.DataFrame]:
    order = {"hourly": ["stay_id", "hour"], "outcome": ["stay_id", "hour"]}
    found = {}
    for part in PARTS:
        whole = pl.concat([getattr(chunk, part) for chunk in chunks])
        found[part] = whole.sort([name for name in order.get(part, ["stay_id"]) if name in whole.columns])
    return found


def same(first: Cohort, chunks: list[Cohort]) -> None:
    for part, whole in joined(chunks).items():
        assert whole.equals(getattr(first, part)), part
    for chunk in chunks:
        assert chunk.attrition.equals(first.attrition)
        assert chunk.rejected.equals(first.rejected)
    subjects = [set(chunk.stays["subject_id"].to_list()) for chunk in chunks]
    assert sum(map(len, subjects)) == len(set().union(*subjects))


@pytest.mark.parametrize("name", ["mortality24", "aki", "length_of_stay"])
def test_chunks_add_up(name: str, tmp_path: Path) -> None:
    task = task_named(name)
    first = build(records(), task)
    assert first.rejected.height == 1
    for size in (1, 4, 100):
        chunks = list(build_chunks(records(), task, subjects_a_chunk=size, work=tmp_path))
        same(first, chunks)
    assert not list(tmp_path.iterdir())
    spooled = spool(records(), tmp_path / "events", subjects_a_shard=3)
    same(first, list(build_chunks(spooled, task, subjects_a_chunk=3)))
    for part in PARTS:
        assert getattr(build(spooled, task, subjects_a_chunk=3), part).equals(getattr(first, part)), part


def test_a_hospital_is_judged_by_all_its_stays() -> None:
    """The second hospital never has the event: its stays go, in whatever chunk they are."""
    first = build(records(), task_named("aki"))
    assert set(first.stays["hospital"].to_list()) == {"first"}
    same(first, list(build_chunks(records(), task_named("aki"), subjects_a_chunk=1)))


@pytest.mark.parametrize("name", ["mortality24", "aki", "length_of_stay"])
def test_the_folder_holds_the_same_cohort(name: str, tmp_path: Path) -> None:
    task = task_named(name)
    first = build(records(), task)
    attrition = build_to(tmp_path / "made", records(), task, subjects_a_chunk=4)
    assert attrition.equals(first.attrition)
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == [
        *("attrition.csv", "dyn.parquet", "outc.parquet", "rejected.csv", "sta.parquet", "stays.parquet")
    ]
    back = read_triple(tmp_path / "made", name, database="plain", kind=task.kind, unit=task.unit)
    for part in PARTS:
        assert getattr(back, part).equals(getattr(first, part)), part
    rejected = pl.read_csv(tmp_path / "made" / "rejected.csv", schema=dict(first.rejected.schema))
    assert rejected.equals(first.rejected)
    with pytest.raises(DataError, match="exists"):
        build_to(tmp_path / "made", records(), task)


def test_a_folder_that_fails_does_not_appear(tmp_path: Path) -> None:
    nobody = replace(records(), stays=records().stays.with_columns(age=pl.lit(3.0)))
    with pytest.raises(DataError, match="no stay is left"):
        build_to(tmp_path / "made", nobody, task_named("mortality24"))
    assert not list(tmp_path.iterdir())


def test_meds_comes_a_file_at_a_time(tmp_path: Path) -> None:
    write_meds(records(), tmp_path / "meds", name="hand", subjects_a_shard=4)
    back = read_meds(tmp_path / "meds")
    assert len(back.shards) == 3
    first, second = build(records(), task_named("aki")), build(back, task_named("aki"), subjects_a_chunk=4)
    for each in fields(Cohort):
        if each.name in (*PARTS, "attrition") and each.name != "hourly":
            assert getattr(second, each.name).equals(getattr(first, each.name)), each.name
    twin = tmp_path / "meds" / "data" / "9.parquet"
    twin.write_bytes((tmp_path / "meds" / "data" / "0.parquet").read_bytes())
    with pytest.raises(DataError, match="stand in two files"):
        build(read_meds(tmp_path / "meds"), task_named("aki"), subjects_a_chunk=4)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["mortality24", "sepsis"])
def test_the_demo_in_chunks(name: str, real_data: Callable[[str], Path]) -> None:
    task = task_named(name)
    raw = mimic3.read(real_data("mimic3_demo"))
    same(build(raw, task, "yaib"), list(build_chunks(raw, task, "yaib", subjects_a_chunk=17)))
