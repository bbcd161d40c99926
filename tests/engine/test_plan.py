"""The cache key: what changes it, and what does not."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from hilum.core.data import Field
from hilum.core.experiment import Arm, Cell, Experiment, Preset, cells
from hilum.core.run import RunFolder
from hilum.datasets.extmarkers.dataset import ExternalMarkers
from hilum.datasets.simulated_breathing.dataset import SimulatedBreathing
from hilum.engine import code_hash as hashing
from hilum.engine.plan import cell_key, count, make_plan
from hilum.models.hold_last import HoldLast
from hilum.models.least_mean_squares import LeastMeanSquares
from hilum.models.snap1 import SnAp1
from hilum.papers.online_rnn_markers.experiment import experiment
from hilum.tasks.position_ahead import PositionAhead

SIMULATED = SimulatedBreathing()
CELL = Cell(Arm(SIMULATED, PositionAhead(), HoldLast(), "causal"), (SIMULATED.ITEMS[0],))


def test_a_title_is_no_part_of_a_cell() -> None:
    other = replace(CELL, arm=replace(CELL.arm, title="Another name"))
    assert cell_key(other, Path()) == cell_key(CELL, Path())
    assert other.arm == CELL.arm


@pytest.mark.parametrize(
    "other",
    [
        replace(CELL, seeds=(1,)),
        replace(CELL, items=(SIMULATED.ITEMS[1],)),
        replace(CELL, fold=3),
        replace(CELL, arm=replace(CELL.arm, protocol="published")),
        replace(CELL, arm=replace(CELL.arm, task=PositionAhead(horizons_s=(0.5,)))),
        replace(CELL, arm=replace(CELL.arm, model=LeastMeanSquares())),
    ],
)
def test_every_setting_changes_the_key(other: Cell) -> None:
    assert cell_key(other, Path()) != cell_key(CELL, Path())


def test_full_keeps_what_quick_ran() -> None:
    quick, full = (set(experiment(Preset(size)).cells) for size in ("quick", "full"))
    assert quick <= full
    assert len(full) > len(quick)


def test_a_deterministic_model_has_one_seed() -> None:
    made = cells([CELL.arm, Arm(SIMULATED, PositionAhead(), SnAp1(), "causal")], items=("a",), seeds=range(7))
    assert [cell.seeds for cell in made] == [(0,), (0, 1, 2, 3, 4), (5, 6)]


def test_missing_data_are_planned_as_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HILUM_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    arm = replace(CELL.arm, dataset=ExternalMarkers())
    plan = make_plan(Experiment("e", (Cell(arm, ("recording-1",)),)), RunFolder(tmp_path / "run"))
    assert count(plan) == {"not run": 1}
    assert "hilum data get extmarkers" in plan[0].reason


def test_changed_bytes_change_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "mat"
    folder.mkdir()
    cell = Cell(replace(CELL.arm, dataset=ExternalMarkers()), ("recording-1",))
    keys = set()
    for text in (b"one", b"two!"):
        for n in range(1, 10):
            (folder / f"Ext_markers_seq_{n}.mat").write_bytes(text)
        keys.add(cell_key(cell, tmp_path))
    assert len(keys) == 2


def test_a_changed_line_changes_the_hash_of_what_imports_it_alone(tmp_path: Path) -> None:
    package = tmp_path / "bigpkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "shared.py").write_text("X = 1\n")
    (package / "user.py").write_text("from bigpkg.shared import X\n")
    (package / "relative.py").write_text("from .shared import X\nimport numpy\n")
    (package / "loner.py").write_text("Y = 1\n")
    code = textwrap.dedent(
        """
        import sys; sys.path.insert(0, sys.argv[1])
        from hilum.engine.code_hash import code_hash
        print(*(code_hash([f"bigpkg.{name}"]) for name in ("user", "relative", "loner")))
        """
    )

    def hashes() -> list[str]:
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True)
        return done.stdout.split()

    before = hashes()
    assert hashes() == before
    (package / "shared.py").write_text("X = 2\n")
    after = hashes()
    assert after[0] != before[0]
    assert after[1] != before[1]
    assert after[2] == before[2]


def test_a_model_does_not_depend_on_another(monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()
    original = hashing._source

    def spy(module: str) -> Path | None:
        read.add(module)
        return original(module)

    monkeypatch.setattr(hashing, "_source", spy)
    hashing.code_hash(["hilum.models.hold_last", "hilum.engine.runners.forecast", "hilum.engine.cells"])
    assert "hilum.models.snap1" not in read
    assert "hilum.engine.judge" not in read
    assert not any(name.startswith(("hilum.report", "hilum.checks", "hilum.papers")) for name in read)


def test_unknown_modules_and_versions() -> None:
    assert hashing.code_hash(["no.such.module"]) == hashing.code_hash([])
    assert hashing.versions(("no-such-package",))["no-such-package"] == "absent"


def test_a_unit_that_does_not_fit_is_planned_as_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimulatedBreathing, "provides", {"series": Field("markers", "series", "cm")})
    plan = make_plan(Experiment("e", (CELL,)), RunFolder(tmp_path / "run"))
    assert count(plan) == {"not run": 1}
    assert "is in cm (field 'markers') where the task needs mm" in plan[0].reason
