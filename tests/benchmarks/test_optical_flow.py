"""The benchmark of optical flow: a short run on synthetic frames, and that a missed target is said."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

PATH = Path(__file__).parents[2] / "benchmarks" / "optical_flow.py"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_of_optical_flow", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_it_prints_every_method_and_says_synthetic(
    benchmark: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert benchmark.main(["--data", str(tmp_path), "--frames", "1", "--repeats", "1", "--size", "80"]) == 0
    printed = capsys.readouterr().out
    for wanted in (
        "synthetic 80 x 80",
        "ours",
        "published rules",
        "scikit-image",
        "forward warp",
        "target 150 ms",
        "met",
    ):
        assert wanted in printed


def test_a_missed_target_is_an_exit_code(
    benchmark: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark, "TARGET_MS", 1e-6)
    assert benchmark.main(["--data", str(tmp_path), "--frames", "1", "--repeats", "1", "--size", "60"]) == 1
    assert "missed" in capsys.readouterr().out


def test_the_true_field_of_the_phantom_registers_it(benchmark: ModuleType) -> None:
    material = benchmark.phantom(80, 1)
    assert material.truth is not None
    found = benchmark.measure("truth", lambda frame: material.truth[0], material, 1)
    assert found.field_px == 0.0
    assert found.registration < 0.1


def test_methods_of_scikit_image_point_the_same_way(benchmark: ModuleType) -> None:
    pytest.importorskip("skimage")
    material = benchmark.phantom(100, 1)
    for name, method in benchmark.methods(material).items():
        assert benchmark.measure(name, method, material, 1).registration < 0.9


def test_real_frames_come_after_what_the_defaults_were_looked_at_on(
    benchmark: ModuleType, real_data_root: Path
) -> None:
    found = list(benchmark.real(real_data_root, 2))
    assert [material.name.split()[0] for material in found] == [
        "eth_sl010_xcs125",
        "eth_sl014_xcs95",
        "ovgu_ks81",
        "ovgu_jy02",
    ]
    assert found[0].first.shape == (270, 270)
    assert found[0].published.rules == "published"
