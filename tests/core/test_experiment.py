"""Arms, cells, presets, and the folders they are stored in."""

from __future__ import annotations

from pathlib import Path

import pytest

from hilum.core.errors import HilumError, UsageError
from hilum.core.experiment import Arm, Cell, Experiment, Preset, Search
from hilum.core.metric import Metric, Score
from hilum.core.row import CheckRow, Estimate, Range, Row, UnitValue
from hilum.core.run import CellFolder, RunFolder, open_run
from hilum.core.store import write_json
from hilum.tasks.position_ahead import PositionAhead

TASK = PositionAhead()
ARM = Arm(TASK, TASK, TASK, "causal")


def test_presets_choose() -> None:
    assert Preset("quick").choose(smoke=1, quick=2, full=3) == 2
    assert Preset("full").seed_range(smoke=1, quick=5, full=7) == tuple(range(7))
    assert Preset("full", seeds=2).seed_range(smoke=1, quick=5, full=7) == (0, 1)
    with pytest.raises(UsageError, match="0 seeds"):
        Preset("quick", seeds=0).seed_range(smoke=1, quick=1, full=1)


def test_names_are_readable_and_ids_are_settings() -> None:
    titled = Arm(TASK, TASK, TASK, "causal", title="A title")
    assert titled == ARM
    assert titled.id == ARM.id
    assert (ARM.name, titled.name) == ("position_ahead (causal)", "A title")
    searched = Arm(TASK, TASK, TASK, "causal", Search((("a", (1, 2)),), "rmse"))
    assert searched.id != ARM.id
    assert Cell(searched, ("r 1",), (5, 6)).readable == "position-ahead-searched-causal-r-1-seeds5to6"
    assert Cell(ARM, ("a", "b"), fold=2).readable == "position-ahead-causal-2-items-fold2"
    assert Experiment("e", (Cell(ARM, ("a",)), Cell(titled, ("b",)))).arms == (ARM,)


def test_an_old_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    write_json(tmp_path / "spec.json", {"version": 0})
    with pytest.raises(HilumError, match="format 0"):
        CellFolder(tmp_path).spec()
    write_json(tmp_path / "spec.json", Cell(ARM, ("a",)).spec())
    assert CellFolder(tmp_path).spec()["items"] == ["a"]
    write_json(tmp_path / "evidence.json", {"a": {}})
    assert CellFolder(tmp_path).evidence() == {"a": {}}
    assert not CellFolder(tmp_path).done
    assert CellFolder(Path("x/name-of-cell-0123")).key == "0123"
    assert CellFolder(tmp_path).predictions.name == "predictions.parquet"


def test_runs_are_opened_by_path_or_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HilumError, match="hilum runs list"):
        open_run(Path("mine"))
    write_json(tmp_path / "runs" / "mine" / "run.json", {"experiment": "mine"})
    assert open_run(Path("mine")).info() == {"experiment": "mine"}
    assert open_run(tmp_path / "runs" / "mine").cell("a", "k").path.name == "a-k"
    assert RunFolder(tmp_path).cells == tmp_path / "cells"


def test_rows_round_trip() -> None:
    estimate = Estimate(1.0, Range(0.5, 1.5, "t", 9), per_unit=(UnitValue("a", 1.0),), per_seed=(1.0, 2.0))
    row = Row(
        "i",
        "value",
        "s",
        "rmse",
        "RMSE",
        "mm",
        "lower",
        "eq",
        "1.0",
        1.0,
        "read",
        "w",
        True,
        "reproduced",
        "r",
        ours=estimate,
        codes=("HIL005",),
    )
    assert Row.from_json(row.to_json()) == row
    check = CheckRow("HIL005", "t", "critical", "defect", "arm", "a", "1", "fail", "m", {"x": 1})
    assert CheckRow.from_json(check.to_json()) == check


def test_metrics_refuse_what_they_cannot_score() -> None:
    import numpy as np

    metric = Metric("m", "M", "1", "lower", (0, 1), "d", "sums", "s", ("a",), lambda c: Score(float(c["a"].sum())))
    assert metric({"a": np.array([1.0, 2.0])}).value == 3.0
    assert metric({}).reason == "column 'a' is missing"
    assert metric({"a": np.array([])}).reason == "no rows"
    assert "not finite" in metric({"a": np.array([np.nan])}).reason
    assert not Score.undefined("why").defined
