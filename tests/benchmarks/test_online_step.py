"""The benchmark of online steps: a short run, its counts by hand, and that what it times is what it says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hilum.core.kinds.forecast import ForecastSetting
from hilum.models.snap1 import SnAp1

PATH = Path(__file__).parents[2] / "benchmarks" / "online_step.py"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_of_online_steps", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_it_prints_every_rule(benchmark: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark.main(["--repeats", "1", "--initialisations", "2"])
    printed = capsys.readouterr().out
    for name, _, _ in benchmark.RULES:
        assert f"\n{name} " in printed
    assert "2 at once" in printed
    assert "nan" not in printed


def test_counts_by_hand(benchmark: ModuleType) -> None:
    # 2 units, 1 channel, a history of 3: 6 inputs, 12 inner weights. Each forward pass 24 + 2 tanh; each readout 4; credit 4, update 4.
    shared = 2 * 26 + 2 * 4 + 8
    assert benchmark.counts("fixed hidden weights", 2, 1, 3) == (shared, 8 * 24)
    assert benchmark.counts("SnAp-1", 2, 1, 3) == (shared + 84, 8 * (24 + 60))


def test_what_is_timed_is_the_forecasters_own_step(benchmark: ModuleType) -> None:
    model = SnAp1(units=7, history=5)
    stream = benchmark.synthetic(60)
    together, stacked = benchmark.stacked_step(model, stream, 3)
    for i in range(20):
        together(i)
    for seed in range(3):
        alone, network = benchmark.compiled_step(model, stream, seed)
        for i in range(20):
            alone(i)
        for array, part in zip((network.inner, network.output, network.memory["influence"]), stacked, strict=False):
            np.testing.assert_array_equal(array, part[seed])
    scaled = (stream - stream.mean(0)) / stream.std(0)
    forecaster = model.start(ForecastSetting(9, (benchmark.HORIZON,), 0.1, "mm"), scaled, 2)
    for t in range(20 + model.history - 1 + benchmark.HORIZON):
        forecaster.observe(scaled[t])
        if t >= benchmark.HORIZON:
            forecaster.learn(t - benchmark.HORIZON, benchmark.HORIZON, scaled[t])
        forecaster.predict()
    alone, network = benchmark.compiled_step(model, scaled, 2)
    for i in range(20):
        alone(i)
    np.testing.assert_allclose(forecaster.state()["5/inner"], network.inner, atol=1e-12)
