"""The benchmark of planted defects: a very short run, that it can fail, and that its cells are those of a real run."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hilum.core.experiment import Arm, Cell
from hilum.core.finder import find
from hilum.core.run import CellFolder
from hilum.datasets.simulated_patients.dataset import SimulatedPatients
from hilum.engine.audit import audit
from hilum.engine.cells import Job, run_job
from hilum.engine.figures import read_scores
from hilum.models.constant_prediction import ConstantPrediction
from hilum.models.logistic_regression import LogisticRegression

FOLDER = Path(__file__).parents[2] / "benchmarks"
DEFECTS = 18  # the first so many plantings have a deterministic proof


@pytest.fixture(scope="module")
def planted() -> Any:
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module("planted_defects")
    sys.path.remove(str(FOLDER))


def test_every_check_has_a_planting(planted: ModuleType) -> None:
    codes = {str(found.facts["CODE"]): found.facts["KIND"] for found in find("checks").values()}
    assert {case.code: case.kind for case in planted.CASES} == codes
    assert [case.kind for case in planted.CASES].index("finding") == DEFECTS


@pytest.mark.parametrize("number", range(DEFECTS))
def test_a_defect_is_found_in_each_of_its_forms(planted: ModuleType, number: int) -> None:
    n = 50 if len(planted.CASES[number].sizes) > 1 else 1
    assert planted.plant(number, n, 4) == planted.Counts(4, 4, 0)


@pytest.mark.parametrize("number", range(DEFECTS, 30))
def test_a_finding_is_found_at_its_stated_effect(planted: ModuleType, number: int) -> None:
    assert len(planted.CASES) == 30
    assert planted.plant(number, 200, 1).found == 1


def test_clean_studies_do_not_alarm(planted: ModuleType) -> None:
    found = planted.audit_clean(200, 4)
    assert found.alarmed == 0
    assert not found.cannot_tell
    assert planted.audit_clean(1, 1, planted.findings.clean_forecasts).alarmed == 0


def test_what_is_held_in_memory_is_what_a_run_stores(planted: ModuleType, tmp_path: Path) -> None:
    from plantings.studies import FOLDS, Method, study  # type: ignore[import-not-found]

    dataset = SimulatedPatients()
    (item,) = dataset.items(tmp_path)
    models = (ConstantPrediction(), LogisticRegression())
    held = study(FOLDS, dataset.load(tmp_path, item), *(Method(model) for model in models)).scores
    stored = []
    for model in models:
        arm = Arm(dataset, FOLDS, model, "honest")
        cells = [Cell(arm, (item.id,), (0,), fold) for fold in (0, 1)]
        folders = [tmp_path / f"{arm.id}-{cell.fold}" for cell in cells]
        for cell, folder in zip(cells, folders, strict=True):
            run_job(Job(cell.spec(), str(folder), str(tmp_path), "key"))
        stored.append(read_scores(arm, list(zip(cells, map(CellFolder, folders), strict=True))))
    assert audit(held, synthetic=True) == audit(stored, synthetic=True)


def test_a_check_that_finds_nothing_is_caught(
    planted: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(planted, "answer", lambda made, code: "pass")
    monkeypatch.setattr(sys, "argv", ["planted_defects.py", "--quick", "--cases", "charted"])
    assert planted.main() == 1
    assert "Bar missed: HIL005, a feature charted" in capsys.readouterr().out


def test_a_check_that_always_alarms_is_caught(planted: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    from collections import Counter

    quiet = planted.Clean(100, 0, Counter(), Counter())
    noisy = planted.Clean(100, 100, Counter({"HIL004": 100}), Counter())
    loud = planted.Clean(100, 100, Counter({"HIL007": 100}), Counter())
    assert planted.print_clean({20: quiet, 200: quiet}, quiet) == []
    assert planted.print_clean({20: noisy, 200: quiet}, quiet) == ["100 false alarms of defects at 20"]
    assert planted.print_clean({20: loud, 200: loud}, quiet) == ["100 of 100 clean studies alarmed"]
    assert "HIL007 100" in capsys.readouterr().out


def test_a_bar_is_missed_only_beyond_monte_carlo_error(planted: ModuleType) -> None:
    defect, finding = planted.CASES[0], planted.CASES[-1]
    assert planted.judge(defect, {20: planted.Counts(50, 50, 0), 200: planted.Counts(50, 49, 0)})[1]
    assert not planted.judge(defect, {20: planted.Counts(50, 46, 4), 200: planted.Counts(50, 50, 0)})[1]
    assert planted.judge(finding, {20: planted.Counts(50, 0, 50), 200: planted.Counts(100, 92, 0)})[1]
    assert not planted.judge(finding, {20: planted.Counts(50, 50, 0), 200: planted.Counts(100, 90, 0)})[1]
