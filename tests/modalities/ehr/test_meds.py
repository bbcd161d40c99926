"""MEDS both ways: metadata, splits and labels; held to the schemas of the package `meds` where it is installed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from hilum.core.errors import DataError
from hilum.modalities.ehr.cohort import build
from hilum.modalities.ehr.meds import read_meds, read_splits, write_meds
from hilum.modalities.ehr.meds_labels import labels_of, on_stays, read_labels, write_labels
from hilum.modalities.ehr.readers import mimic3
from hilum.modalities.ehr.stays import Records
from hilum.modalities.ehr.task_file import task_named
from tests.modalities.ehr.hand import START, events, stay


def records() -> Records:
    """Six patients of one stay of 60 h; the first has a second one, ten days on."""
    later = START + timedelta(days=10)
    stays = [stay(n, n, 60.0, died=n % 2 == 0) for n in range(1, 7)]
    stays.append(stay(7, 1, start=later, end=later + timedelta(hours=60)))
    found = [events({"hr": [(h + 0.5, 60.0 + n) for h in range(60)]}, stay_id=n, subject_id=n) for n in range(1, 7)]
    found.append(found[0].with_columns(stay_id=pl.lit(7, pl.Int64), time=pl.col("time") + timedelta(days=10)))
    return Records("plain", pl.concat(stays), pl.concat(found).lazy(), where="hand")


SPLITS = pl.DataFrame({"subject_id": [2, 1, 3], "split": ["tuning", "train", "held_out"]})


def test_metadata_and_splits(tmp_path: Path) -> None:
    write_meds(records(), tmp_path / "meds", name="hand", splits=SPLITS)
    about = json.loads((tmp_path / "meds" / "metadata" / "dataset.json").read_text())
    assert about["dataset_name"] == "hand"
    assert (about["raw_source_id_columns"], about["code_modifier_columns"]) == (["stay_id"], ["unit"])
    codes = pl.read_parquet(tmp_path / "meds" / "metadata" / "codes.parquet")
    assert codes.rows() == [("hr", "heart rate (bpm)", None)]
    found = read_splits(tmp_path / "meds")
    assert found is not None
    assert found.equals(SPLITS.sort("subject_id"))
    assert read_meds(tmp_path / "meds").database == "plain"
    write_meds(records(), tmp_path / "without", name="hand")
    assert read_splits(tmp_path / "without") is None
    with pytest.raises(DataError, match="subject 2 has two splits"):
        write_meds(
            records(), tmp_path / "x", name="x", splits=pl.concat([SPLITS, SPLITS.with_columns(split=pl.lit("a"))])[:4]
        )
    with pytest.raises(DataError, match="'split' is missing"):
        write_meds(records(), tmp_path / "x", name="x", splits=SPLITS.drop("split"))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["mortality24", "aki", "length_of_stay"])
def test_labels_out_and_in(name: str, tmp_path: Path) -> None:
    some = records()
    cohort = build(some, task_named(name))
    assert {1, 7} <= set(cohort.stays["stay_id"].to_list())  # two stays of one patient
    write_labels(cohort, some.stays, tmp_path / "labels" / "0.parquet")
    back = on_stays(read_labels(tmp_path / "labels"), some.stays)
    asked = cohort.outcome
    if "hour" not in asked.columns:
        asked = asked.with_columns(hour=pl.lit(24, pl.Int64))
    assert back.equals(asked.select("stay_id", "hour", "label").sort("stay_id", "hour"))


def test_a_label_comes_when_its_hour_has_passed() -> None:
    some = records()
    told = labels_of(build(some, task_named("mortality24")), some.stays)
    assert told.columns == ["subject_id", "prediction_time", "boolean_value"]
    first = told.row(0)
    assert first == (1, START + timedelta(hours=25) - timedelta(microseconds=1), False)
    assert told["subject_id"].is_sorted()
    hours = labels_of(build(some, task_named("length_of_stay")), some.stays)
    assert hours.schema["float_value"] == pl.Float32
    lacking = build(some, task_named("mortality24"))
    with pytest.raises(DataError, match="7 stays have no subject or start"):
        labels_of(lacking, some.stays.clear())


def test_unknown_outcomes_are_left_out() -> None:
    some = records()
    cohort = build(some, task_named("length_of_stay"))
    odd = replace(cohort, outcome=cohort.outcome.with_columns(label=pl.when(pl.col("hour") % 2 == 0).then("label")))
    told = labels_of(odd, some.stays)
    assert 0 < told.height < cohort.outcome.height
    assert sum(told.null_count().row(0)) == 0


LABELS = pl.DataFrame({"subject_id": [1], "prediction_time": [START], "boolean_value": [True]})


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (LABELS.drop("boolean_value"), "0 columns of values"),
        (LABELS.with_columns(float_value=pl.lit(1.0)), "2 columns of values"),
        (LABELS.drop("subject_id"), "'subject_id' is missing"),
        (LABELS.with_columns(prediction_time=pl.lit("today")), "'prediction_time' is String"),
        (LABELS.with_columns(boolean_value=pl.lit("yes")), "'boolean_value' is String"),
        (pl.concat([LABELS, LABELS.with_columns(subject_id=pl.lit(None, pl.Int64))]), "'subject_id' is empty in 1"),
    ],
)
def test_damaged_labels_say_what(frame: pl.DataFrame, message: str, tmp_path: Path) -> None:
    frame.write_parquet(tmp_path / "0.parquet")
    with pytest.raises(DataError, match=message):
        read_labels(tmp_path / "0.parquet")


def test_labels_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no labels"):
        read_labels(tmp_path)
    (tmp_path / "0.parquet").write_bytes(b"no")
    with pytest.raises(DataError, match="cannot be read"):
        read_labels(tmp_path)


def test_another_integer_label_is_read(tmp_path: Path) -> None:
    frame = LABELS.select("subject_id", "prediction_time", integer_value=pl.lit(3)).with_columns(
        float_value=pl.lit(None, pl.Float32)
    )
    frame.write_parquet(tmp_path / "0.parquet")
    assert read_labels(tmp_path)["label"].to_list() == [3.0]


def test_the_package_of_the_standard_accepts_it(tmp_path: Path) -> None:
    schemas = pytest.importorskip("meds")
    some = records()
    write_meds(some, tmp_path / "meds", name="hand", splits=SPLITS)
    for name in ("mortality24", "length_of_stay"):
        write_labels(build(some, task_named(name)), some.stays, tmp_path / "labels" / f"{name}.parquet")
    meta = tmp_path / "meds" / "metadata"
    held = {
        schemas.DataSchema: [*(tmp_path / "meds" / "data").glob("*.parquet")],
        schemas.LabelSchema: [*(tmp_path / "labels").glob("*.parquet")],
        schemas.CodeMetadataSchema: [meta / "codes.parquet"],
        schemas.SubjectSplitSchema: [meta / "subject_splits.parquet"],
    }
    for schema, paths in held.items():
        assert paths
        for path in paths:
            schema.align(pq.read_table(path))
    schemas.DatasetMetadataSchema.validate(json.loads((meta / "dataset.json").read_text()))


@pytest.mark.real_data
def test_the_demo_through_meds_is_the_same_cohort(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    raw = mimic3.read(real_data("mimic3_demo"), tables=("chart", "lab", "output"))
    write_meds(raw, tmp_path / "meds", name="mimic3_demo", subjects_a_shard=40)
    task = task_named("mortality24")
    first, second = build(raw, task), build(read_meds(tmp_path / "meds"), task, subjects_a_chunk=40)
    for part in ("stays", "outcome", "attrition"):
        assert getattr(second, part).equals(getattr(first, part)), part
    cells = (pl.col(name).is_null() for name in first.variables)
    assert second.hourly.select(cells).equals(first.hourly.select(pl.col(name).is_null() for name in first.variables))
    for name in first.variables:
        gap = (second.hourly[name] - first.hourly[name]).abs() - 1e-6 * first.hourly[name].abs()
        assert gap.max() is None or float(gap.max()) <= 0, name  # type: ignore[arg-type]
