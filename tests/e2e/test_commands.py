"""The commands, as a person types them: what they print, how they refuse, and their exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def hilum(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hilum", *words],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "COLUMNS": "100", **environment},
        check=False,
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a synthetic smoke run has been made."""
    folder = tmp_path_factory.mktemp("commands")
    done = hilum("run", "online-rnn-markers", "--preset", "smoke", "--synthetic", "--jobs", "1", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "ynthetic" in done.stdout
    return folder


RUN = "online-rnn-markers-synthetic"


def test_papers(stored: Path) -> None:
    told = hilum("papers", folder=stored)
    assert told.returncode == 0
    assert "28 papers, 7,572 published figures" in told.stdout
    assert "not built yet" in told.stdout
    assert len(json.loads(hilum("papers", "--json", folder=stored).stdout)) == 28


@pytest.mark.parametrize("width", ["80", "120"])
def test_tables_fit(stored: Path, width: str) -> None:
    for words in (["papers"], ["report", RUN], ["data", "list"], ["runs", "list"], ["why", RUN, "mean.10hz.lms.rmse"]):
        told = hilum(*words, folder=stored, COLUMNS=width)
        assert told.returncode == 0, told.stderr
        assert max(map(len, told.stdout.splitlines())) <= int(width), words


def test_synthetic_runs_judge_nothing_and_say_so(stored: Path) -> None:
    run = stored / "runs" / RUN
    rows = json.loads((run / "claims.json").read_text())
    measured = [row for row in rows if row["arm"]]
    assert measured
    assert {row["verdict"] for row in measured} == {"not comparable"}
    assert "ynthetic" in (run / "report.html").read_text()
    assert "ynthetic" in hilum("report", RUN, "--md", "r.md", folder=stored).stdout + (stored / "r.md").read_text()


def test_forecasts_are_not_asked_about_tables(stored: Path) -> None:
    said = {row["code"]: row for row in json.loads((stored / "runs" / RUN / "checks.json").read_text())}
    assert len(said) == 22
    for code in ("HIL002", "HIL004", "HIL016", "HIL019"):
        assert said[code]["status"] == "not applicable"
        assert "this one is to forecast" in said[code]["message"]


def test_arms_of_forecasts_are_compared_recording_by_recording(stored: Path) -> None:
    told = hilum("compare", RUN, "--arm", "LMS (causal)", "--against", "hold last", "--json", folder=stored)
    assert told.returncode == 0, told.stderr
    (line,) = json.loads(told.stdout)
    assert line["a"] == "LMS (causal)"
    assert line["records"] >= 2
    assert hilum("predict", RUN, "x.csv", folder=stored).returncode == 2


def test_a_second_run_keeps_every_cell(stored: Path) -> None:
    again = hilum("run", "online-rnn-markers", "--preset", "smoke", "--synthetic", folder=stored)
    assert again.returncode == 0
    assert "Plan: 0 cells to run" in again.stderr


def test_report_and_runs(stored: Path) -> None:
    assert hilum("report", RUN, "--html", "other.html", folder=stored).returncode == 0
    assert (stored / "other.html").stat().st_size > 10_000
    assert RUN in hilum("runs", "list", folder=stored).stdout
    assert "arXiv" in hilum("cite", RUN, folder=stored).stdout
    shutil.copytree(stored / "runs" / RUN, stored / "runs" / "copy")
    assert hilum("runs", "rm", "copy", "--yes", folder=stored).returncode == 0
    assert not (stored / "runs" / "copy").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "online-rnn-makers"], 2, "Did you mean 'online-rnn-markers'"),
        (["run", "opera"], 2, "not built yet"),
        (["run", "online-rnn-markers", "--models", "snap2"], 2, "Did you mean 'snap1'"),
        (["run", "online-rnn-markers", "--preset", "huge"], 2, "huge"),
        (["run", "online-rnn-markers", "--seeds", "0", "--synthetic"], 2, "seeds"),
        (["run", "online-rnn-markers", "--speed", "9"], 2, "--speed"),
        (["show", "hold_lst"], 2, "Did you mean 'hold_last'"),
        (["why", RUN, "mean.10hz.lms.rsme"], 2, "Did you mean 'mean.10hz.lms.rmse'"),
        (["report", "never-run"], 3, "hilum runs list"),
        (["data", "get", "extmarker"], 2, "Did you mean 'extmarkers'"),
    ],
)
def test_refusals(stored: Path, words: list[str], code: int, said: str) -> None:
    refused = hilum(*words, folder=stored)
    assert said in refused.stderr + refused.stdout
    assert refused.returncode == code
    assert "Traceback" not in refused.stderr


def test_missing_data_are_said_and_nothing_runs(tmp_path: Path) -> None:
    told = hilum(
        "run", "online-rnn-markers", "--preset", "smoke", folder=tmp_path, HILUM_DATA="", XDG_CACHE_HOME=str(tmp_path)
    )
    assert told.returncode == 3
    assert "hilum data get extmarkers" in told.stderr
    assert not list((tmp_path / "runs").rglob("DONE"))


def test_a_damaged_recording_fails_its_cells_and_no_other(tmp_path: Path, real_data_root: Path) -> None:
    data = tmp_path / "data" / "extmarkers"
    shutil.copytree(real_data_root / "extmarkers", data)
    broken = data / "mat" / "Ext_markers_seq_2.mat"
    broken.write_bytes(broken.read_bytes()[:1000])
    words = ["run", "online-rnn-markers", "--preset", "smoke", "--models", "hold_last", "--data", str(data.parent)]
    told = hilum(*words, "--jobs", "1", folder=tmp_path)
    assert told.returncode == 1
    assert "Ext_markers_seq_2.mat" in told.stderr
    cells = json.loads((tmp_path / "runs" / "online-rnn-markers" / "run.json").read_text())["cells"]
    assert sorted(cell["status"] for cell in cells) == ["done", "failed"]


def test_a_plan_runs_nothing(tmp_path: Path) -> None:
    told = hilum("run", "online-rnn-markers", "--preset", "smoke", "--synthetic", "--dry-run", folder=tmp_path)
    assert told.returncode == 0
    assert "cells" in told.stdout
    assert not (tmp_path / "runs").exists()


def test_a_full_disk_is_said_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a small disk can be mounted by root alone")
    try:
        words = [
            "run",
            "online-rnn-markers",
            "--preset",
            "smoke",
            "--synthetic",
            "--jobs",
            "1",
            "--out",
            str(disk / "run"),
        ]
        told = hilum(*words, folder=tmp_path)
        cells = disk / "run" / "cells"
        whole = [path for path in cells.iterdir() if (path / "DONE").is_file()]
        assert told.returncode in {1, 3}
        assert "the disk is full" in told.stderr
        assert "Traceback" not in told.stderr
        assert whole
        assert sorted(whole) == sorted(cells.iterdir())
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_clock_moves_one_sample(tmp_path: Path) -> None:
    asked = (
        "clock",
        "--dataset",
        "simulated_breathing",
        "--models",
        "least_mean_squares,hold-last",
        "--horizons",
        "1,5",
    )
    told = json.loads(hilum(*asked, "--json", folder=tmp_path).stdout)
    early = {(line["model"], line["protocol"]): list(line["early"].values()) for line in told}
    assert early[("least_mean_squares", "published")] == [0, 4]
    assert early[("least_mean_squares", "causal")] == early[("hold-last", "published")] == [0, 0]
    assert "published" in hilum(*asked, folder=tmp_path).stdout
    refused = hilum("clock", "--models", "ridge_linear", "--dataset", "simulated_breathing", folder=tmp_path)
    assert refused.returncode == 2
    assert "does not forecast" in refused.stderr
    for wrong, words in (
        (("--horizons", "1,a"), "holds no whole numbers"),
        (("--models", ","), "no model is named"),
        (("--dataset", "cine_mri_frames"), "holds no series"),
    ):
        refused = hilum("clock", "--dataset", "simulated_breathing", *wrong, folder=tmp_path)
        assert refused.returncode == 2
        assert words in refused.stderr
        assert "Traceback" not in refused.stderr


def test_an_estimate_prints_the_core_time(tmp_path: Path) -> None:
    asked = ("run", "online-rnn-markers", "--preset", "smoke", "--synthetic", "--models", "hold_last", "--estimate")
    told = hilum(*asked, folder=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "of one core, extrapolated from a slice" in told.stdout.replace("\n", " ")
    assert not (tmp_path / "runs").exists()
