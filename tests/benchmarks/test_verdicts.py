"""The benchmark of verdicts: a short run, and that it can fail."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from hilum.core.verdict import Verdict
from hilum.engine.judge import Judgement

PATH = Path(__file__).parents[2] / "benchmarks" / "verdicts.py"


@pytest.fixture(scope="module")
def verdicts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_of_verdicts", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("number", range(23))
def test_every_case_gives_verdicts(verdicts: ModuleType, number: int) -> None:
    assert len(verdicts.CASES) == 23
    found = verdicts.run(verdicts.CASES[number], number, 12)
    assert found.holds
    assert found.unjudged < 0.5


def test_points_are_never_wrong(verdicts: ModuleType) -> None:
    for number in (0, 1):
        found = verdicts.run(verdicts.CASES[number], number, 100)
        assert (found.true_called_off, found.false_called_same, max(found.inconclusive)) == (0.0, 0.0, 0.0)


def test_the_same_figures_every_time(verdicts: ModuleType) -> None:
    assert verdicts.run(verdicts.CASES[5], 5, 40) == verdicts.run(verdicts.CASES[5], 5, 40)


def test_pairs_without_a_difference_have_no_direction(verdicts: ModuleType) -> None:
    wrong, inconclusive = verdicts.direction(verdicts.DIRECTIONS[0][1], 0, 40)
    assert wrong + inconclusive == 1.0
    assert verdicts.within(wrong, 40)


@pytest.mark.parametrize("answer", ["reproduced", "worse"])
def test_a_wrong_rule_is_caught(
    verdicts: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    monkeypatch.setattr(verdicts, "judge_figure", lambda *_, **__: Judgement(Verdict(answer, "")))  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "argv", ["verdicts.py", "--trials", "0.01", "--cases", "deterministic code"])
    assert verdicts.main() == 1
    assert "Bound passed: deterministic code" in capsys.readouterr().out


def test_a_bound_is_passed_only_beyond_monte_carlo_error(verdicts: ModuleType) -> None:
    assert verdicts.within(0.05, 10**9)
    assert not verdicts.within(0.0501, 10**9)
    assert verdicts.within(0.07, 400)
    assert not verdicts.within(0.08, 400)
