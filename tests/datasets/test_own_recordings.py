"""Traces and films of one's own as datasets: which files, whose, called what, and settings that survive JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hilum.core.component import Spec, build, describe
from hilum.core.data import bind
from hilum.core.errors import DataError, HilumError, UsageError
from hilum.datasets.film_file.dataset import FilmFile
from hilum.datasets.trace_file.dataset import TraceFile
from hilum.modalities.recordings import find_recordings
from hilum.modalities.series.read_table import TraceColumns
from hilum.modalities.video.read_strip import write_strip
from hilum.modalities.video.sample import Video
from hilum.tasks.position_ahead import PositionAhead

TEXT = "t,x,y,z\n0,1,2,3\n0.1,2,3,4\n0.2,2,3,5\n"
XYZ = TraceColumns(("x", "y", "z"), "t")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("breath.csv", "day 1/anna_a.csv", "day 1/anna_b.csv", "day 2/ben_a.csv", "day 2/.hidden_a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(TEXT)
    return tmp_path


def found(folder: Path, *patterns: str) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(item.id, item.subject, item.files) for item in find_recordings(folder, patterns, noun="trace")]


def test_names_and_patterns(folder: Path) -> None:
    assert found(folder, "breath.csv") == [("breath", None, ("breath.csv",))]
    assert found(folder, str(folder / "breath.csv"))[0][0] == "breath"
    assert [name for name, _, _ in found(folder, "day 1/*.csv", "breath.csv")] == ["breath", "anna_a", "anna_b"]
    assert found(folder, "day */{subject}_*.csv") == [
        ("anna_a", "anna", ("day 1/anna_a.csv",)),
        ("anna_b", "anna", ("day 1/anna_b.csv",)),
        ("ben_a", "ben", ("day 2/ben_a.csv",)),
    ]
    assert len(found(folder, "breath.csv", "*.csv")) == 1  # named twice, there once


def test_ids_tell_recordings_apart(folder: Path) -> None:
    (folder / "day 2" / "anna_a.csv").write_text(TEXT)
    names = [name for name, _, _ in found(folder, "day */anna_a.csv")]
    assert names == ["day-1-anna_a", "day-2-anna_a"]
    (folder / "breath.txt").write_text(TEXT)
    with pytest.raises(UsageError, match=r"'breath\.csv' and 'breath\.txt' would both be called 'breath'"):
        found(folder, "breath.*")


def test_what_is_not_there_is_said(folder: Path) -> None:
    with pytest.raises(DataError, match=r"Did you mean 'breath\.csv'"):
        found(folder, "braeth.csv")
    with pytest.raises(DataError, match="no trace fits"):
        found(folder, "*.parquet")
    with pytest.raises(UsageError, match="no trace is named"):
        found(folder)
    (folder / "day 1" / "_c.csv").write_text(TEXT)
    with pytest.raises(DataError, match="does not say whose it is"):
        found(folder, "day 1/{subject}_*.csv")


@pytest.mark.parametrize("pattern", ["empty", "em*"])
def test_an_empty_folder_is_no_recording(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".DS_Store").write_bytes(b"")
    with pytest.raises(DataError, match="the folder holds no file"):
        FilmFile((pattern,)).items(tmp_path)


def test_a_folder_is_one_film_of_all_its_files(tmp_path: Path) -> None:
    for name in ("s/1.dcm", "s/2.dcm", "s/.DS_Store"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (item,) = FilmFile(("s",)).items(tmp_path)
    assert (item.id, item.files) == ("s", ("s/1.dcm", "s/2.dcm"))


def test_settings_survive_json_and_bind() -> None:
    trace = TraceFile(("a.csv",), XYZ, "mm", 1, 10.0, 0.3)
    film = FilmFile(("a.png",), frame_height=8, rate_hz=4.0, pixel_mm=1.0, region=(0, 4, 0, 4))
    for dataset in (trace, film):
        again = build(Spec.from_json(json.loads(json.dumps(describe(dataset).to_json()))))
        assert (again, hash(again)) == (dataset, hash(dataset))
    assert bind(trace.provides, PositionAhead().needs, dataset="d", task="t")["series"].name == "x, y, z"


def test_a_trace_is_loaded_as_it_was_described(folder: Path) -> None:
    dataset = TraceFile(("day 1/{subject}_*.csv",), XYZ, "mm", points=1)
    item = dataset.items(folder)[0]
    series = dataset.load(folder, item)
    assert (series.item, series.subject, series.unit, series.points) == ("anna_a", "anna", "mm", 1)
    assert series.channels == ("x", "y", "z")
    np.testing.assert_array_equal(series.values, [[1, 2, 3], [2, 3, 4], [2, 3, 5]])
    assert dataset.names_subjects


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(UsageError, match="2 points in space need 6 channels, and 3 are named"):
        TraceFile(("a.csv",), XYZ, "mm", points=2)
    with pytest.raises(UsageError, match="rate_hz is 0"):
        TraceFile(("a.csv",), XYZ, "mm", rate_hz=0.0)
    with pytest.raises(UsageError, match="the region is"):
        FilmFile(("a.png",), region=(0, 4))


def strip(path: Path, frames: int = 6) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (frames, 8, 10)).astype(float)
    write_strip(Video("v", None, pixels, 0.25, 1.0, 255), path)
    return path


def test_a_strip_needs_what_it_does_not_say(tmp_path: Path) -> None:
    strip(tmp_path / "anna_1.png")
    dataset = FilmFile(("{subject}_*.png",), frames=6, rate_hz=4.0, pixel_mm=1.5)
    (item,) = dataset.items(tmp_path)
    video = dataset.load(tmp_path, item)
    assert (video.subject, video.count, video.seconds_per_frame, video.pixel_mm) == ("anna", 6, 0.25, 1.5)
    for lacking, settings in (("rate_hz", {"pixel_mm": 1.0}), ("pixel_mm", {"rate_hz": 4.0})):
        with pytest.raises(UsageError, match=lacking):
            FilmFile(("anna_1.png",), frames=6, **settings).load(tmp_path, item)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="5 frames do not divide"):
        FilmFile(("anna_1.png",), frames=5, rate_hz=4.0, pixel_mm=1.0).load(tmp_path, item)


@pytest.mark.parametrize("name", ["a.gif", "a.dcm", "a.nii.gz"])
def test_what_is_no_film_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nothing of the kind")
    dataset = FilmFile((name,), rate_hz=4.0, pixel_mm=1.0)
    with pytest.raises(HilumError, match="a"):
        dataset.load(tmp_path, dataset.items(tmp_path)[0])
