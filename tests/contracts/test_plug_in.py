"""Adding is one place: a package from outside brings one of each noun, and nothing in the repository changes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts.throw_away import plant

SOURCE = Path(__file__).parents[2] / "src"


def hilum(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-m", "hilum", *words],
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
        check=False,
    )


def fingerprint() -> str:
    parts = [path for path in sorted(SOURCE.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    return hashlib.sha256(b"".join(path.read_bytes() for path in parts)).hexdigest()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return plant(tmp_path)


def test_all_six_nouns_are_found(package: Path) -> None:
    for name in ("two_sines", "soon", "straight_on", "misses", "HIL901", "sines"):
        shown = hilum(package, "show", name, "--json")
        assert shown.returncode == 0, shown.stderr
        assert str(package) in json.loads(shown.stdout)["path"]


def test_its_paper_runs_and_nothing_here_changes(package: Path) -> None:
    before = fingerprint()
    ran = hilum(package, "run", "sines", "--jobs", "1")
    assert ran.returncode == 0, ran.stderr + ran.stdout
    run = package / "runs" / "sines"
    (row,) = json.loads((run / "claims.json").read_text())
    assert row["metric_title"] == "RMSE again"
    assert row["ours"]["value"] > 0
    assert any(check["code"] == "HIL901" for check in json.loads((run / "checks.json").read_text()))
    assert (run / "report.html").is_file()
    assert fingerprint() == before


def test_a_clash_of_names_gives_both_paths(package: Path) -> None:
    twin = package / "throwaway" / "models" / "hold_last.py"
    twin.write_text('"""A second one."""\n', encoding="utf-8")
    shown = hilum(package, "show", "hold_last")
    assert shown.returncode == 2
    assert str(twin) in shown.stderr
    assert str(SOURCE / "hilum" / "models" / "hold_last.py") in shown.stderr


def test_a_broken_file_is_named(package: Path) -> None:
    broken = package / "throwaway" / "models" / "broken.py"
    broken.write_text("def (", encoding="utf-8")
    shown = hilum(package, "show", "straight_on")
    assert shown.returncode == 3
    assert str(broken) in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_changed_line_in_a_model_redoes_its_cells_and_only_those(package: Path) -> None:
    assert hilum(package, "run", "sines", "--jobs", "1").returncode == 0
    kept = hilum(package, "run", "sines", "--dry-run", "--json")
    assert {cell["status"] for cell in json.loads(kept.stdout)} == {"keep"}
    model = package / "throwaway" / "models" / "straight_on.py"
    model.write_text(model.read_text(encoding="utf-8").replace("* self.step", "* 1.0 * self.step"), encoding="utf-8")
    planned = json.loads(hilum(package, "run", "sines", "--dry-run", "--json").stdout)
    by_arm = {(cell["arm"], cell["status"]) for cell in planned}
    assert by_arm == {("Straight on", "run"), ("Hold last", "keep")}


def test_a_claim_without_an_answer_is_refused(package: Path) -> None:
    claims = package / "throwaway" / "papers" / "sines" / "claims.csv"
    text = claims.read_text(encoding="utf-8")
    claims.write_text(text + text.splitlines()[1].replace("one,", "two,", 1) + "\n", encoding="utf-8")
    refused = hilum(package, "run", "sines", "--jobs", "1")
    assert refused.returncode == 2
    assert "'two' is neither bound nor listed with a reason" in refused.stderr
