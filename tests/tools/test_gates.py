"""Every gate is shown to fail on a planted violation, and to pass on a clean house."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).parents[2] / "tools"


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CLEAN = '"""A clean file."""\n\n\ndef half(x: float) -> float:\n    """Half of it."""\n    return x / 2\n'
BLOCK = "".join(f"    x = x * {n} + {n * n}\n" for n in range(10))
VIOLATIONS = {
    "a long file": CLEAN + "# more\n" * 600,
    "a long function": CLEAN
    + '\n\ndef long(x: int) -> int:\n    """Long."""\n'
    + "    x += 1\n" * 120
    + "    return x\n",
    "a print": CLEAN + '\n\ndef say() -> None:\n    """Say."""\n    print("hello")\n',
    "no module docstring": CLEAN.partition("\n")[2],
    "no docstring": CLEAN + "\n\ndef bare(x: int) -> int:\n    return x\n",
    "no types": CLEAN + '\n\ndef untyped(x):\n    """Untyped."""\n    return x\n',
    "a class without docstring": CLEAN + "\n\nclass Bare:\n    pass\n",
    "twice the same": CLEAN
    + "".join(f'\n\ndef f{n}(x: int) -> int:\n    """Twice."""\n{BLOCK}    return x\n' for n in "ab"),
}


def test_a_clean_house_passes(tmp_path: Path) -> None:
    (tmp_path / "clean.py").write_text(CLEAN)
    (tmp_path / "cli.py").write_text(VIOLATIONS["a print"])
    assert tool("house_limits").main(tmp_path) == 0


@pytest.mark.parametrize("name", VIOLATIONS)
def test_each_limit_fails_the_build(tmp_path: Path, name: str) -> None:
    (tmp_path / "bad.py").write_text(VIOLATIONS[name])
    assert tool("house_limits").main(tmp_path) == 1


def test_many_long_functions_fail_though_none_is_over_the_limit(tmp_path: Path) -> None:
    body = "".join(f"    x += {n}\n" for n in range(50))
    (tmp_path / "bad.py").write_text(f'"""A."""\n\n\ndef f(x: int) -> int:\n    """F."""\n{body}    return x\n')
    assert tool("house_limits").main(tmp_path) == 1


def test_coverage_is_counted_by_room() -> None:
    gate = tool("coverage_gate")
    summary = {"num_statements": 90, "covered_lines": 80, "num_branches": 10, "covered_branches": 10}
    files = {
        "src/hilum/core/a.py": {"summary": summary},
        "src/hilum/engine/b.py": {"summary": {**summary, "covered_lines": 0}},
    }
    assert gate.covered(files, "core") == pytest.approx(90.0)
    assert gate.covered(files, "checks") == 0.0


def test_heavy_imports_and_slow_ones_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    timing = tool("import_time")
    monkeypatch.setattr(timing, "cpu_seconds", lambda code: 0.0)
    monkeypatch.setattr(timing, "run", lambda code: "numba\n")
    assert timing.main() == 1
    monkeypatch.setattr(timing, "run", lambda code: "\n")
    assert timing.main() == 0
    monkeypatch.setattr(timing, "cpu_seconds", lambda code: 0.9 if "help" in code else 0.0)
    assert timing.main() == 1
