"""Executors: a cell that fails fails alone, and the reason reaches the user."""

from __future__ import annotations

from pathlib import Path

import pytest

from hilum.core.errors import HilumError
from hilum.core.experiment import Arm, Cell
from hilum.datasets.simulated_breathing.dataset import SimulatedBreathing
from hilum.engine.cells import Job, find_items, runner_for
from hilum.engine.executors import Inline, Processes, executor_for
from hilum.engine.progress import Console, Silent
from hilum.models.hold_last import HoldLast
from hilum.tasks.position_ahead import PositionAhead

DATA = SimulatedBreathing(recordings=2, seconds=70.0)
TASK = PositionAhead(horizons_s=(0.5,))


def jobs(folder: Path) -> list[Job]:
    spec = Cell(Arm(DATA, TASK, HoldLast(), "causal"), (DATA.items(folder)[0].id,)).spec()
    return [Job(spec, str(folder / "good"), "", "k1"), Job({**spec, "items": ["never"]}, str(folder / "bad"), "", "k2")]


@pytest.mark.parametrize("name", ["inline", "processes"])
def test_one_failure_leaves_the_others_alone(tmp_path: Path, name: str) -> None:
    executor = executor_for(name, 2)
    assert isinstance(executor, Inline if name == "inline" else Processes)
    try:
        results = {Path(result.job.folder).name: result for result in executor.results(jobs(tmp_path))}
    finally:
        executor.close()
    assert not results["good"].failed
    assert (tmp_path / "good" / "DONE").read_text() == "k1\n"
    assert "no item is called 'never'" in results["bad"].error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good"]


def test_one_job_runs_inline() -> None:
    assert isinstance(executor_for("processes", 1), Inline)


def test_a_kind_without_a_runner_is_said() -> None:
    with pytest.raises(HilumError, match="'retrieve' is built yet"):
        runner_for("retrieve")


def test_items_are_found_by_id_in_the_order_asked_for(tmp_path: Path) -> None:
    names = [item.id for item in DATA.items(tmp_path)]
    assert [item.id for item in find_items(DATA, tmp_path, names[::-1])] == names[::-1]


def test_reporters_pass_everything_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Console()
    assert list(quick.track(range(20), 20, "quick")) == list(range(20))
    assert "quick" not in capsys.readouterr().err
    monkeypatch.setattr("hilum.engine.progress.QUIET_S", 0.0)
    assert list(Silent().track(range(3), 3, "things")) == [0, 1, 2]
    console = Console()
    assert list(console.track(range(20), 20, "things")) == list(range(20))
    console.say("hello")
    told = capsys.readouterr().err
    assert "things: 20 of 20" in told
    assert "left" in told
    assert "hello" in told
