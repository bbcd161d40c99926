"""The second door for forecasts: a trace of one's own becomes an honest evaluation, and every fault gets an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import hilum
from hilum.cli import app
from hilum.core.comparison import Ahead
from hilum.core.errors import HilumError
from hilum.core.experiment import Preset
from hilum.core.run import RunFolder
from hilum.datasets.extmarkers.dataset import CHANNELS, ExternalMarkers
from hilum.engine.runners.forecast import run as run_forecasts
from hilum.modalities.series.simulate import simulate_breathing
from hilum.modalities.video.read_strip import write_strip
from hilum.modalities.video.simulate import simulate_video
from hilum.models.hold_last import HoldLast
from hilum.models.recursive_least_squares import RecursiveLeastSquares
from hilum.targets import load_target
from hilum.tasks.position_ahead import PositionAhead

STUDY = """
name = "{name}"
[data]
trace = "{trace}"
time = "t"
channels = {channels}
unit = "{unit}"
points = {points}
{more}
[forecast]
horizons_s = [0.5, 1.0]
train_s = 20
score_from_s = 40
[origin]
synthetic = {synthetic}
access = "open"
[[model]]
name = "recursive_least_squares"
{tune}
"""


def study(folder: Path, **changes: Any) -> Path:
    usual = {
        "name": folder.name, "trace": "breath.csv", "channels": ["x", "y", "z"], "unit": "mm", "points": 1, "more": "",
        "synthetic": "true", "tune": "",
    }  # fmt: skip
    asked = {**usual, **changes}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.toml"
    path.write_text(STUDY.format(**{**asked, "channels": json.dumps(asked["channels"])}))
    return path


def breath(path: Path, *, seconds: float = 60.0, seed: int = 0, jitter: float = 0.0, gap: slice | None = None) -> Path:
    """Simulated breathing of one marker at 10 Hz: synthetic."""
    values = simulate_breathing(seconds=seconds, rate_hz=10.0, seed=seed).values[:, [0, 3, 6]]
    times = np.round(np.arange(len(values)) / 10 + np.random.default_rng(seed).uniform(-jitter, jitter, len(values)), 4)
    frame = pl.DataFrame({"t": times, "x": values[:, 0], "y": values[:, 1], "z": values[:, 2]})
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = frame if gap is None else pl.concat([frame[: gap.start], frame[gap.stop :]])
    kept.write_csv(path)
    return path


def told(run: RunFolder, name: str) -> Any:
    return json.loads((run.path / f"{name}.json").read_text())


def figures(run: RunFolder) -> dict[tuple[str, str, float | None], dict[str, Any]]:
    return {(line["arm"], line["metric"], line["horizon_s"]): line for line in told(run, "results")}


def checks(run: RunFolder) -> dict[tuple[str, str], str]:
    return {(row["code"], row["arm"]): row["status"] for row in told(run, "checks")}


def test_a_real_trace_scores_as_its_dataset_does(tmp_path: Path, real_data_root: Path) -> None:
    """Marker recording 2 written as a table: the same figures, to the last bit, as from the dataset itself."""
    dataset = ExternalMarkers()
    series = dataset.load(real_data_root / "extmarkers", dataset.items(real_data_root / "extmarkers")[1])
    columns = {name: series.values[:, index] for index, name in enumerate(CHANNELS)}
    (tmp_path / "mine").mkdir()
    frame = pl.DataFrame({"t": np.arange(series.samples) / 10.0, **columns})
    frame.write_csv(tmp_path / "mine" / "breath.csv")
    path = study(tmp_path / "mine", channels=list(CHANNELS), points=3, synthetic="false")
    done = hilum.run(str(path), executor="inline", out=tmp_path / "run")
    assert done.exit_code == 0
    found = figures(done.folder)
    task = PositionAhead(horizons_s=(0.5, 1.0), train_s=20.0, score_from_s=40.0)
    for title, model in (("recursive least squares", RecursiveLeastSquares()), ("hold last", HoldLast())):
        (outcome,) = run_forecasts(task=task, model=model, protocol="causal", search=None, seeds=(0,), samples=[series])
        (scores,) = outcome.scores
        for index, horizon in enumerate((0.5, 1.0)):
            expected = np.sqrt(np.asarray(scores["sum_sq"])[index] / np.asarray(scores["n"])[index])
            assert found[title, "rmse", horizon]["estimate"]["value"] == expected
    assert told(done.folder, "claims") == []
    said = checks(done.folder)
    assert said["HIL005", "recursive least squares"] == said["HIL005", "hold last"] == "pass"
    page = (done.folder.path / "report.html").read_text()
    assert "SYNTHETIC" not in page
    assert "not stated by the author of the study" in page


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings in volts with jitter and a gap, tuned; the second person's device ran late."""
    folder = tmp_path_factory.mktemp("forecast") / "belt"
    breath(folder / "anna_1.csv", jitter=0.02, gap=slice(300, 320))
    breath(folder / "ben_1.csv", seed=1, jitter=0.02)
    study(
        folder,
        trace="{subject}_*.csv",
        unit="V",
        points=0,
        more="rate_hz = 10",
        tune="tune = { history = [8, 16] }",
    )
    done = hilum.run(str(folder), executor="inline", out=folder / "run")
    assert done.exit_code == 0
    return folder


def test_a_signal_is_scored_in_its_own_unit(ran: Path) -> None:
    found = figures(RunFolder(ran / "run"))
    arm = "recursive least squares"
    assert {line["unit"] for (_, metric, _), line in found.items() if metric == "rmse"} == {"V"}
    assert found[arm, "jitter-per-second", None]["unit"] == "V/s"
    assert not any(metric.startswith("within") for _, metric, _ in found)
    assert told(RunFolder(ran / "run"), "results")[0]["metric"] == "nrmse"
    info = RunFolder(ran / "run").info()
    assert info["synthetic"]
    assert "SYNTHETIC" in (ran / "run" / "report.html").read_text()


def test_what_became_of_every_row_is_told(ran: Path) -> None:
    info = RunFolder(ran / "run").info()
    anna, ben = info["study"]["recordings"]
    assert (anna["subject"], anna["rows"], ben["rows"]) == ("anna", 580, 600)
    assert anna["missing"] > ben["missing"]
    for one in (anna, ben):
        assert one["samples"] == one["rows"] - one["skipped"] + one["held"] + one["missing"]
    assert "lack a value" in info["statement"]["missing values"]
    assert any("rows read as" in note for note in info["datasets"][0]["notes"])
    assert not any("anna" in str(note) for note in info["datasets"])
    assert {line["why"] for line in info["study"]["attrition"]} >= {
        "rows between two samples, newer ones having come before the sample was due"
    }


def test_who_is_who_is_known_where_each_recording_is_of_another_person(ran: Path) -> None:
    (proof,) = {row["message"] for row in told(RunFolder(ran / "run"), "checks") if row["code"] == "HIL010"}
    assert "too few subjects" in proof  # two people: known, and no interval
    assert RunFolder(ran / "run").info()["datasets"][0]["subjects"] == "known"


def test_settings_are_chosen_before_scoring_begins(ran: Path) -> None:
    chosen = [
        evidence["chosen"]
        for cell in (ran / "run" / "cells").glob("*searched*")
        for evidence in json.loads((cell / "evidence.json").read_text()).values()
    ]
    assert len(chosen) == 2
    assert {settings["history"] for each in chosen for settings in each.values()} <= {8, 16}
    assert checks(RunFolder(ran / "run"))["HIL005", "recursive least squares"] == "pass"


def test_smoke_runs_the_first_recording_alone(ran: Path) -> None:
    target = load_target(str(ran), Preset("smoke"))
    assert {cell.items for cell in target.experiment.cells} == {("anna_1",)}


def test_what_lies_beyond_the_end_is_what_the_run_forecast(tmp_path: Path) -> None:
    """A trace that is cut off after sample n is forecast as the run forecast samples n + h, to the last bit."""
    whole = breath(tmp_path / "a" / "breath.csv")
    path = study(tmp_path / "a")
    done = hilum.run(str(path), executor="inline", out=tmp_path / "run")
    cut = tmp_path / "cut.csv"
    pl.read_csv(whole)[:500].write_csv(cut)
    found = hilum.predict(tmp_path / "run", cut, model="recursive")
    assert isinstance(found, Ahead)
    (stored,) = (pl.read_parquet(cell / "predictions.parquet") for cell in done.folder.cells.glob("recursive*"))
    for horizon in (5, 10):
        there = stored.filter((pl.col("horizon") == horizon) & (pl.col("time") == 499 + horizon))
        row = found.frame.filter((pl.col("horizon_s") - horizon / 10).abs() < 1e-9)
        predicted = [name for name in there.columns if "prediction" in name]
        assert len(predicted) == 3
        assert [there[name][0] for name in predicted] == [row[name][0] for name in ("x", "y", "z")]
        assert row["time_s"][0] == pytest.approx(49.9 + horizon / 10)
    assert found.synthetic
    out = CliRunner().invoke(app, ["predict", str(tmp_path / "run"), str(cut), "--out", str(tmp_path / "o.csv")])
    assert out.exit_code == 0, out.output
    assert "SYNTHETIC" in out.output
    assert pl.read_csv(tmp_path / "o.csv").height == 2
    lines = CliRunner().invoke(app, ["predict", str(tmp_path / "run"), str(cut), "--json"])
    assert len(json.loads(lines.stdout)["forecasts"]) == 2
    pl.read_csv(whole)[:150].write_csv(cut)
    with pytest.raises(HilumError, match="20 s are needed"):
        hilum.predict(tmp_path / "run", cut)


def test_new_study_writes_a_file_that_runs(tmp_path: Path) -> None:
    breath(tmp_path / "breath.csv", seconds=100.0, jitter=0.01)
    begin = ["new", "study", str(tmp_path / "first"), "--trace", str(tmp_path / "breath.csv")]
    done = CliRunner().invoke(app, begin)
    assert done.exit_code == 0, done.output
    assert "state it before you run" in done.output.replace("\n", " ")
    with pytest.raises(HilumError, match="unit"):
        load_target(str(tmp_path / "first"), Preset("smoke"))
    again = CliRunner().invoke(app, [*begin, "--unit", "mm"])
    assert isinstance(again.exception, HilumError) or again.exit_code == 2
    (tmp_path / "first" / "study.toml").unlink()
    assert CliRunner().invoke(app, [*begin, "--unit", "mm"]).exit_code == 0
    target = load_target(str(tmp_path / "first"), Preset("smoke"))
    assert [arm.name for arm in target.experiment.arms] == [
        "hold last", "least mean squares", "recursive least squares", "mixture"
    ]  # fmt: skip
    assert target.experiment.arms[0].task == PositionAhead()


def edit(old: str, new: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / "study.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


def cut(rows: int) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / "breath.csv"
        pl.read_csv(path)[:rows].write_csv(path)

    return change


def swap(folder: Path) -> None:
    lines = (folder / "breath.csv").read_text().splitlines()
    lines[5], lines[6] = lines[6], lines[5]
    (folder / "breath.csv").write_text("\n".join(lines) + "\n")


def empty(folder: Path) -> None:
    path = folder / "breath.csv"
    pl.read_csv(path).with_columns(y=pl.lit(None)).write_csv(path)


FAULTS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "a missing file": (lambda f: (f / "breath.csv").rename(f / "braeth.csv"), ("breath.csv", "braeth.csv")),
    "a wrong column": (edit('time = "t"', 'time = "T"'), ("'T'", "breath.csv")),
    "a wrong setting": (edit("points = 1", "point = 1"), ("'point'", "'points'", "[data]")),
    "a setting of the task": (edit("train_s = 20", "trains_s = 20"), ("'trains_s'", "'train_s'", "[forecast]")),
    "a section of tables": (edit("[forecast]", "[split]"), ("'split'",)),
    "a table too": (edit('time = "t"', 'table = "t.csv"'), ("a table and a trace",)),
    "no unit": (edit('unit = "mm"', 'unit = ""'), ("unit", 'unit = "mm"', "[data]")),
    "text for a rate": (edit("points = 1", 'points = 1\nrate_hz = "ten"'), ("rate_hz is 'ten'",)),
    "two points of three channels": (edit("points = 1", "points = 2"), ("2 points", "6 channels")),
    "an odd horizon": (edit("[0.5, 1.0]", "[0.55, 1.0]"), ("0.55 s", "Ask for", "rate_hz", "breath.csv")),
    "horizons that fall": (edit("[0.5, 1.0]", "[1.0, 0.5]"), ("ascending",)),
    "horizons in words": (edit("[0.5, 1.0]", '["soon"]'), ("[forecast]", "wrong type")),
    "too short to score": (cut(405), ("breath.csv", "40.5 s", "41 s")),
    "one sample": (cut(1), ("breath.csv", "one sample")),
    "times that fall": (swap, ("breath.csv", "column 't'", "row 6", "row 7")),
    "an empty channel": (empty, ("breath.csv", "column 'y'", "nothing was measured")),
    "a model of tables": (edit("recursive_least_squares", "random_forest"), ("does not forecast", "snap1")),
    "a wrong model": (edit("recursive_least_squares", "recursive_least_square"), ("recursive_least_squares",)),
    "the trivial forecaster": (edit("recursive_least_squares", "hold_last"), ("always added",)),
    "a wrong candidate": (
        edit('name = "recursive_least_squares"', 'name = "recursive_least_squares"\ntune = { history = ["long"] }'),
        ("history is 'long'", "tune"),
    ),
    "a metric that is none": (edit("train_s = 20", 'train_s = 20\ntune_by = "rmsd"'), ("rmsd", "rmse", "tune_by")),
    "permutations": (edit("[origin]", "[audit]\npermutations = 3\n[origin]"), ("permutations", "[audit]")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_gets_an_answer(fault: str, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    breath(folder / "breath.csv")
    study(folder)
    spoil, words = FAULTS[fault]
    spoil(folder)
    with pytest.raises(HilumError) as raised:
        load_target(str(folder), Preset("smoke"))
    assert raised.value.do
    for word in words:
        assert word in str(raised.value), str(raised.value)


def test_experts_of_a_mixture_are_named(tmp_path: Path) -> None:
    breath(tmp_path / "mine" / "breath.csv")
    path = study(tmp_path / "mine")
    experts = '["hold_last", { name = "least_mean_squares", history = 8 }]'
    edit('name = "recursive_least_squares"', f'name = "mixture"\nexperts = {experts}')(path.parent)
    _, mixture = load_target(str(path), Preset("smoke")).experiment.arms
    assert [type(expert).__name__ for expert in mixture.model.experts] == ["HoldLast", "LeastMeanSquares"]
    assert mixture.model.experts[1].history == 8
    edit("hold_last", "hold_lst")(path.parent)
    with pytest.raises(HilumError, match="Did you mean 'hold_last'"):
        load_target(str(path), Preset("smoke"))


FILM = """
name = "cine"
[data]
film = "{film}"
{data}
[forecast]
horizons_s = [0.5, 1.0]
train_s = 10
score_from_s = 20
components = [1, 2]
flow = {{ layers = 2 }}
[origin]
synthetic = true
[[model]]
name = "recursive_least_squares"
history = 6
"""
STATED = "frames = 120\nrate_hz = 4\npixel_mm = 2.0"


def film(folder: Path, film: str = "cine.png", data: str = STATED) -> Path:
    """Half a minute of a moving phantom at 4 frames a second: synthetic."""
    made = simulate_video(frames=120, height=40, width=32, seconds_per_frame=0.25, seed=0, item="a", subject=None)
    folder.mkdir(parents=True, exist_ok=True)
    write_strip(made.video, folder / "cine.png")
    path = folder / "study.toml"
    path.write_text(FILM.format(film=film, data=data))
    return path


def test_a_film_is_forecast_beside_the_image_of_before(tmp_path: Path) -> None:
    path = film(tmp_path / "cine")
    done = hilum.run(str(path), executor="inline", out=tmp_path / "run", preset="smoke")
    assert done.exit_code == 0
    found = figures(done.folder)
    arms = {arm for arm, _, _ in found}
    assert arms == {"hold last", "previous image", "recursive least squares"}
    assert told(done.folder, "results")[0]["metric"] == "image-nrmse"
    assert all(found[arm, "image-nrmse", 0.5]["estimate"]["value"] > 0 for arm in arms)
    assert checks(done.folder)["HIL005", "recursive least squares"] == "pass"
    info = done.folder.info()
    assert (info["study"]["recordings"][0]["frames"], info["study"]["about"]) == (120, "film")
    assert "frames of 40 x 32 pixels" in info["datasets"][0]["notes"][0]
    with pytest.raises(HilumError, match="runs of traces"):
        hilum.predict(tmp_path / "run", tmp_path / "cine" / "cine.png")


def test_the_same_film_as_nifti_says_its_own_rate(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    made = simulate_video(frames=120, height=40, width=32, seconds_per_frame=0.25, seed=0, item="a", subject=None)
    pixels = np.rint(made.video.frames).astype(np.uint8).transpose(2, 1, 0)[:, :, None, :]
    image = nibabel.Nifti1Image(pixels, np.eye(4))
    image.header.set_zooms((2.0, 2.0, 5.0, 0.25))
    image.header.set_xyzt_units("mm", "sec")
    nibabel.save(image, tmp_path / "cine.nii.gz")
    begun = CliRunner().invoke(app, ["new", "study", str(tmp_path / "n"), "--film", str(tmp_path / "cine.nii.gz")])
    assert begun.exit_code == 0, begun.output
    assert "120 frames of 40 x 32 pixels of 2 mm, 4 a second" in " ".join(begun.output.split())
    (of_strip,) = _samples(film(tmp_path / "cine"))
    (of_nifti,) = _samples(tmp_path / "n" / "study.toml")
    np.testing.assert_array_equal(of_nifti.frames, of_strip.frames)
    assert of_nifti.seconds_per_frame == of_strip.seconds_per_frame == 0.25


def _samples(path: Path) -> list[Any]:
    arm = load_target(str(path), Preset("smoke")).experiment.arms[0]
    return [arm.dataset.load(path.parent, item) for item in arm.dataset.items(path.parent)]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("frames = 120", "frames = 0", ("[data]", "frames is 0")),
        ("frames = 120", "frames = 7", ("cine.png", "7 frames do not divide")),
        ("rate_hz = 4", "", ("cine.png", "rate_hz")),
        ("rate_hz = 4", "rate_hz = 3", ("0.5 s", "no whole number", "cine.png")),
        ("pixel_mm = 2.0", "unit = 'mm'", ("'unit'",)),
        ("layers = 2", "levels = 2", ("'levels'", "flow")),
        ("components = [1, 2]", "shown = 'true field'", ("'shown'", "[forecast]")),
        ("components = [1, 2]", "components = [0]", ("components",)),
        ("train_s = 10", "train_s = 20", ("between train_s and score_from_s",)),
        ("score_from_s = 20", "score_from_s = 29.5", ("nothing to score", "cine.png")),
        ("train_s = 10", "train_s = 10\ntune_by = 'image-nrmse'", ("image-nrmse", "tune_by")),
    ],
)
def test_every_fault_of_a_film_gets_an_answer(tmp_path: Path, old: str, new: str, words: tuple[str, ...]) -> None:
    path = film(tmp_path / "cine")
    edit(old, new)(path.parent)
    with pytest.raises(HilumError) as raised:
        load_target(str(path), Preset("smoke"))
    for word in words:
        assert word in str(raised.value), str(raised.value)
