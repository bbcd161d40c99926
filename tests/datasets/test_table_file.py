"""A table of one's own as a dataset: settings that survive JSON, one item, the roles that tasks ask for."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from hilum.core.component import Spec, build, describe, digest
from hilum.core.data import bind
from hilum.core.errors import UsageError
from hilum.datasets.table_file.dataset import TableFile
from hilum.modalities.table.columns import Columns
from hilum.tasks.predict_class import PredictClass
from hilum.tasks.predict_value import PredictValue

COLUMNS = Columns(
    target="y",
    subject="who",
    features=("x", "z"),
    categories=("z",),
    charted=(("x", "drawn"), ("z", "drawn")),
    classes=("0", "1"),
    missing=("", "?"),
)


def test_settings_survive_json() -> None:
    dataset = TableFile("a.csv", COLUMNS, "mine")
    text = json.dumps(describe(dataset).to_json())
    again = build(Spec.from_json(json.loads(text)))
    assert again == dataset
    assert hash(again) == hash(dataset)
    assert digest(describe(again).to_json()) == digest(describe(dataset).to_json())


def test_one_item_that_loads(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("y,who,x,z,drawn\n0,a,1,2,5\n1,b,?,1,6\n0,c,3,1,7\n1,d,4,2,8\n")
    dataset = TableFile("a.csv", COLUMNS)
    (item,) = dataset.items(tmp_path)
    assert (item.id, item.subject, item.files) == ("a", None, ("a.csv",))
    table = dataset.load(tmp_path, item)
    assert table.name == "a"
    assert table.features["x"].null_count() == 1
    assert table.rows["charted:z"].to_list() == table.rows["charted:x"].to_list()
    assert TableFile("deep/b.xlsx#Two", COLUMNS).items(tmp_path)[0].id == "b"
    assert TableFile("a.csv", COLUMNS, "mine").items(tmp_path)[0].id == "mine"
    with pytest.raises(UsageError, match="no file is named"):
        TableFile().items(tmp_path)


def test_files_of_a_content_column_are_files_of_the_table(tmp_path: Path) -> None:
    """So that a changed recording, or a changed sheet, is another cell and not a stale result."""
    (tmp_path / "deep").mkdir()
    for name in ("one.wav", "two.wav"):
        (tmp_path / "deep" / name).write_bytes(name.encode())
    rows = ["y,who,x,z,drawn,file"] + [f"{n % 2},p{n},{n},{n % 3},5,{('one', 'two')[n % 2]}.wav" for n in range(6)]
    (tmp_path / "deep" / "a.csv").write_text("\n".join(rows))
    dataset = TableFile("deep/a.csv", dataclasses.replace(COLUMNS, content="file"))
    (item,) = dataset.items(tmp_path)
    assert item.files == ("deep/a.csv", "deep/one.wav", "deep/two.wav")
    assert dataset.load(tmp_path, item).rows["content"].n_unique() == 2
    assert TableFile("deep/b.xlsx#Two", COLUMNS).items(tmp_path)[0].files == ("deep/b.xlsx",)


def test_a_hash_mark_in_a_path_is_no_sheet(tmp_path: Path) -> None:
    (tmp_path / "C#").mkdir()
    for name in ("C#/a.csv", "a#b.csv"):
        (tmp_path / name).write_text("y,who,x,z,drawn\n0,a,1,2,5\n1,b,?,1,6\n0,c,3,1,7\n1,d,4,2,8\n")
        (item,) = TableFile(name, COLUMNS).items(tmp_path)
        assert item.files == (name,)
        assert TableFile(name, COLUMNS).load(tmp_path, item).height == 4


def test_roles_bind_to_the_tasks() -> None:
    classes, number = TableFile("a.csv", COLUMNS), TableFile("a.csv", Columns(target="y", kind="regress", unit="L"))
    bound = bind(classes.provides, PredictClass().needs, dataset="table_file", task="predict_class")
    assert bound["label"].name == "y"
    assert bind(number.provides, PredictValue().needs, dataset="table_file", task="predict_value")["target"].unit == "L"
    with pytest.raises(UsageError, match="no role is called 'target'"):
        bind(classes.provides, PredictValue().needs, dataset="table_file", task="predict_value")


def test_records_over_time_are_held_to_the_plausible_ranges_and_kept(tmp_path: Path) -> None:
    rows = [
        f"s{n},{hour},{n % 2},{400 if n == 1 else 80},{37 + 60 * (hour == 1)}" for n in range(4) for hour in range(2)
    ]
    (tmp_path / "hours.csv").write_text("\n".join(["stay,hour,died,hr,temp", *rows]))
    columns = Columns(target="died", subject="stay", sequence="stay", step="hour", units={"temp": "C"})  # type: ignore[arg-type]
    dataset = TableFile("hours.csv", columns)
    table = dataset.load(tmp_path, dataset.items(tmp_path)[0])
    assert "'hr' (heart rate): 2 of 8 values outside 0 to 300 bpm; they are kept." in table.notes
    assert "'temp' (body temperature): 4 of 8 values outside 32 to 42 C; they are kept." in table.notes
    assert table.features["hr"].max() == 400
    single = TableFile("hours.csv", Columns(target="died", subject="stay", exclude=("hour",)))
    assert single.load(tmp_path, single.items(tmp_path)[0]).notes == ()
