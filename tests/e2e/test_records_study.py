"""Records in time through the second door: an hourly table and events become a run and predictions; every fault gets an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

import hilum
from hilum.cli import app
from hilum.core.comparison import Prediction
from hilum.core.errors import HilumError
from hilum.core.experiment import Preset
from hilum.modalities.table.simulate_stays import simulate_stays, write_events, write_hours
from hilum.study.load import load_study
from hilum.tasks.predict_course import PredictCourse
from tests.modalities.table.workbook import write_workbook

STUDY = """
name = "ward"
[data]
table = "hours.csv"
target = "died"
positive = "1"
subject = "patient"
sequence = "stay"
step = "hour"
beside = "days_left"
static = ["age", "sex"]
units = {{ lactate = "mmol/L" }}
[prepare]
{prepare}
[split]
folds = 3
[origin]
synthetic = true
access = "open"
[audit]
permutations = 0
{models}
"""
MODELS = '[[model]]\nname = "two_stage"\n[[model]]\nname = "logistic_regression"\n'
EVENTS = """
name = "events"
[events]
file = "events.csv"
unit = "unit"
[stays]
file = "stays.csv"
subject = "patient"
end = "end"
outcome = "died"
positive = "1"
static = ["age", "sex"]
[grid]
hours = 8
[split]
folds = 3
[origin]
synthetic = true
access = "open"
[audit]
permutations = 0
[[model]]
name = "logistic_regression"
"""


def write_study(folder: Path, *, models: str = MODELS, prepare: str = "", more: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_hours(folder / "hours.csv", patients=60)
    path = folder / "study.toml"
    path.write_text(STUDY.format(models=models, prepare=prepare) + more)
    return path


def plan(path: Path) -> Any:
    return load_study(path, Preset("quick"))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a stored run of an hourly table."""
    folder = tmp_path_factory.mktemp("ward")
    hilum.run(str(write_study(folder / "study")), preset="quick", jobs=1, out=folder / "run")
    return folder / "run"


def new_hours(path: Path, **renamed: str) -> Path:
    """Eight hours of three new stays in another order, without their outcome."""
    frame = simulate_stays(4, seed=9).filter(pl.col("hour") < 8).drop("died", "days_left")
    frame = frame.rename(renamed).sample(fraction=1, shuffle=True, seed=1)
    if path.suffix == ".xlsx":
        return write_workbook(path, {"hours": [tuple(frame.columns), *frame.iter_rows()]})
    frame.write_csv(path)
    return path


def twice(frame: pl.DataFrame) -> pl.DataFrame:
    """One variable under two names, neither of them the very one."""
    doubled = frame.with_columns(pl.col("temperature").alias("TEMPERATURE"))
    return doubled.rename({"temperature": "Temperature (C)"})


def refused(path: Path) -> str:
    with pytest.raises(HilumError) as found:
        plan(path)
    return str(found.value)


def predicted(run: Path, file: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["predict", str(run), str(file), *options])


def test_an_hourly_table_becomes_cells_of_outcome_and_time_left(tmp_path: Path) -> None:
    study = plan(write_study(tmp_path, models=MODELS + '[[model]]\nname = "gru"\n'))
    task = study.experiment.arms[0].task
    assert isinstance(task, PredictCourse)
    assert task.split.validation == 0.15  # a model of sequences must know when to stop
    assert [type(step).__name__ for step in task.prepare.steps] == ["FlagMissing", "ForwardFill", "Scale", "Fill"]
    assert "15 % of each fold's train subjects" in study.told["statement"]["split"]
    assert "sequences in time" in study.told["statement"]["unit of analysis"]
    alone = plan(write_study(tmp_path / "alone"))
    assert alone.experiment.arms[0].task.split.validation == 0


def test_the_run_beats_the_constant_and_looks_at_no_future(ran: Path) -> None:
    lines = json.loads((ran / "results.json").read_text())
    found = {(line["arm"], line["metric"]): line["estimate"]["value"] for line in lines}
    assert found["two stage", "auroc"] > 0.65
    assert found["two stage", "number-mae"] < found["constant prediction", "number-mae"]
    checks = json.loads((ran / "checks.json").read_text())
    said = {(one["code"], one["arm"]): one["status"] for one in checks}
    assert said["HIL005", "two stage"] == said["HIL006", "two stage"] == said["HIL017", "two stage"] == "pass"


def test_a_clinicians_file_gets_risk_and_days_left_with_ranges(ran: Path, tmp_path: Path) -> None:
    file = new_hours(tmp_path / "new.csv", lactate="Lactate (mmol / l)", patient="Patient", stay="STAY")
    found = hilum.predict(ran, file, model="two stage")
    assert isinstance(found, Prediction)
    frame = found.frame
    assert frame["sequence"].is_sorted()
    assert (
        frame.group_by("sequence", maintain_order=True).agg(pl.col("step").is_sorted())["step"].to_list()
        == [True] * frame["sequence"].n_unique()
    )
    assert {"p 0", "p 1", "observed", "low", "high", "days_left", "days_left low", "days_left high"} <= set(
        frame.columns
    )
    inside = frame.drop_nulls("observed")
    assert inside.height
    assert (inside["low"] <= inside["observed"]).all()
    assert (inside["observed"] <= inside["high"]).all()
    assert (frame["days_left low"] >= 0).all()
    assert found.columns["lactate"] == "Lactate (mmol / l)"
    assert any("share with 'died = 1'" in note for note in found.notes)
    assert any("90 % of new subjects" in note for note in found.notes)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["records"][0]["item"]


def test_what_is_predicted_does_not_depend_on_what_comes_later_or_stands_beside(ran: Path, tmp_path: Path) -> None:
    whole = hilum.predict(ran, new_hours(tmp_path / "new.csv"), model="two stage")
    assert isinstance(whole, Prediction)
    frame = pl.read_csv(tmp_path / "new.csv").filter((pl.col("hour") < 4) & (pl.col("stay") == "P001A"))
    frame.write_csv(tmp_path / "part.csv")
    part = hilum.predict(ran, tmp_path / "part.csv", model="two stage")
    assert isinstance(part, Prediction)
    both = part.frame.join(whole.frame, on="item", suffix=" of all")
    assert both.height == 4
    for name in ("p 1", "days_left", "observed", "unmeasured"):
        assert both[name].to_list() == both[f"{name} of all"].to_list()


def test_values_unlike_train_and_columns_that_lack_are_said(ran: Path, tmp_path: Path) -> None:
    frame = pl.read_csv(new_hours(tmp_path / "new.csv")).drop("creatinine")
    wild = (pl.col("hour") == 2) & (pl.col("stay") == "P000A")
    frame.with_columns(pl.when(wild).then(999).otherwise("heart rate").alias("heart rate")).write_csv(
        tmp_path / "wild.csv"
    )
    found = hilum.predict(ran, tmp_path / "wild.csv", model="two stage")
    assert isinstance(found, Prediction)
    (warning,) = found.warnings.filter(pl.col("feature") == "heart rate").to_dicts()
    assert warning["item"] == "P000A-002"
    assert warning["problem"] == "above"
    assert bool(found.frame.filter(pl.col("item") == "P000A-002")["far"][0])
    assert any(
        note.startswith("4 of 4 subjects are called like ones that the model was fitted on") for note in found.notes
    )
    strangers = frame.with_columns(pl.format("new {}", "patient").alias("patient"))
    strangers.write_csv(tmp_path / "strangers.csv")
    new = hilum.predict(ran, tmp_path / "strangers.csv", model="two stage")
    assert isinstance(new, Prediction)
    assert not any("fitted on" in note for note in new.notes)
    assert "Not in the file, and treated as never measured: 'creatinine'." in found.notes
    first = found.frame.filter(pl.col("item") == "P000A-000")
    assert int(first["unmeasured"][0]) >= 1


def test_the_command_shows_patients_apart_and_writes_csv_and_json(ran: Path, tmp_path: Path) -> None:
    file = new_hours(tmp_path / "new.xlsx")
    shown = predicted(ran, file, "--model", "two stage", "--out", str(tmp_path / "out.csv"))
    assert shown.exit_code == 0, shown.output
    assert "LEARNED FROM SYNTHETIC DATA" in shown.output
    written = pl.read_csv(tmp_path / "out.csv")
    assert {"sequence", "step", "p 1", "days_left high", "learned_from"} <= set(written.columns)
    assert written["learned_from"].str.starts_with("SYNTHETIC DATA; ").all()
    plain = json.loads(predicted(ran, file, "--model", "two stage", "--json").output)
    assert len(plain["records"]) == written.height


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda frame: frame.drop("stay"), "the file lacks 'stay', the sequence of its records"),
        (lambda frame: frame.rename({"lactate": "lactate (mg/dL)"}), "is in mg/dL, and the model learned from 'lactate' in mmol/L"),
        (lambda frame: frame.rename({"creatinine": "creatinin"}), "Did you mean 'creatinin'"),
        (lambda frame: pl.concat([frame, frame.head(1)]), "2 records of 'P000A' stand at hour"),
        (lambda frame: frame.select("patient", "stay", "hour", "age"), "the file lacks 6 of 7 features"),
        (lambda frame: frame.head(0), "a header and no value below it"),
        (twice, "both read like 'temperature'"),
        (lambda frame: frame.with_columns(pl.lit("warm").alias("temperature")), "column 'temperature': 'warm' in row 2"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_predicted_are_refused_by_name(ran: Path, tmp_path: Path, change: Any, told: str) -> None:
    frame = simulate_stays(4, seed=9).filter(pl.col("hour") < 8).drop("died", "days_left")
    change(frame).write_csv(tmp_path / "new.csv")
    done = predicted(ran, tmp_path / "new.csv")
    assert done.exit_code != 0
    assert told in str(done.exception)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ('step = "hour"|step = "hours"', "hour"),
        ('name = "two_stage"|name = "two_stages"', "two_stage"),
        ("[prepare]|[prepare]\nfill = 'mean'", "'fill' is a setting of single records"),
        ('[prepare]|[prepare]\nsteps = [{ step = "forwardfill" }]', "forward_fill"),
        ('[prepare]|[prepare]\nsteps = [{ step = "fill", by = "middle" }]', "by"),
        ('[prepare]|[prepare]\nsteps = [{ step = "fill", way = "mean" }]', "way"),
        ("[prepare]|[prepare]\nsteps = []", "steps is []"),
        ('beside = "days_left"|beside = "days_lft"', "days_left"),
    ],
)
def test_study_files_that_do_not_fit(tmp_path: Path, change: str, told: str) -> None:
    path = write_study(tmp_path)
    old, new = change.split("|")
    path.write_text(path.read_text().replace(old, new))
    assert told in refused(path)


def test_a_model_of_sequences_needs_records_in_time(tmp_path: Path) -> None:
    path = write_study(tmp_path, models='[[model]]\nname = "gru"\n')
    alone = path.read_text()
    for line in ('sequence = "stay"\n', 'step = "hour"\n', 'beside = "days_left"\n', 'static = ["age", "sex"]\n'):
        alone = alone.replace(line, "")
    path.write_text(alone)
    told = refused(path)
    assert "'gru' reads records in time, and this is a table of single records" in told
    assert "logistic_regression" in told
    assert "transformer" not in told


def test_one_patient_is_no_study(tmp_path: Path) -> None:
    path = write_study(tmp_path)
    frame = pl.read_csv(tmp_path / "hours.csv").filter(pl.col("patient") == "P001")
    frame.write_csv(tmp_path / "hours.csv")
    assert "every record has the outcome" in refused(path)


def test_events_become_a_run_whose_file_to_predict_is_a_wide_table(tmp_path: Path) -> None:
    write_events(tmp_path, patients=60)
    (tmp_path / "study.toml").write_text(EVENTS)
    hilum.run(str(tmp_path / "study.toml"), preset="smoke", jobs=1, out=tmp_path / "run")
    found = hilum.predict(tmp_path / "run", new_hours(tmp_path / "new.csv"), model="logistic")
    assert isinstance(found, Prediction)
    assert found.frame.height == 8 * found.frame["sequence"].n_unique()
    assert any("learned from the last record of each sequence" in note for note in found.notes)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ('unit = "unit"|units = "unit"', "unit"),
        ("hours = 8|hours = 0", "asked at the end of the stay"),
        ('outcome = "died"|', "'outcome' is not stated"),
        ('end = "end"|end = "ende"', "end"),
        ('[split]|[split]\ncolumn = "fold"', "events have no column of folds"),
        ('file = "events.csv"|file = "evnts.csv"', "events.csv"),
    ],
)
def test_studies_of_events_that_do_not_fit(tmp_path: Path, change: str, told: str) -> None:
    write_events(tmp_path, patients=12)
    old, new = change.split("|")
    (tmp_path / "study.toml").write_text(EVENTS.replace(old, new))
    assert told in refused(tmp_path / "study.toml")


def test_new_study_begins_both_sorts(tmp_path: Path) -> None:
    write_hours(tmp_path / "hours.csv", patients=30)
    write_events(tmp_path, patients=30)
    runner = CliRunner()
    for name, options in (
        ("a", ["--table", str(tmp_path / "hours.csv")]),
        ("b", ["--events", str(tmp_path / "events.csv"), "--stays", str(tmp_path / "stays.csv")]),
    ):
        done = runner.invoke(app, ["new", "study", str(tmp_path / name), *options])
        assert done.exit_code == 0, done.output
        study = plan(tmp_path / name / "study.toml")
        assert {arm.name for arm in study.experiment.arms if not arm.control} == {
            "constant prediction",
            "logistic regression",
            "gradient boosting",
            "gru",
        }
    done = runner.invoke(app, ["new", "study", str(tmp_path / "c"), "--events", str(tmp_path / "events.csv")])
    assert "events need stays" in str(done.exception)
