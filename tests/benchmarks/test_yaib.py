"""The benchmark of the nested run: the figure is reached, in memory that is told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "yaib.py"


@pytest.mark.real_data
def test_logistic_regression_as_where_pandas_is_not_installed(real_data: Callable[[str], Path]) -> None:
    root = real_data("yaib_demo").parent
    real_data("eicu_demo")
    command = [sys.executable, str(BENCHMARK), "--child", "lr", "--without-pandas", "--data", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wall, cpu, peak, auroc, records = map(float, done.stdout.strip().split(";"))
    assert min(wall, cpu) > 0
    assert peak < 450  # 400 on one polars thread; each further one keeps a little
    assert auroc >= 0.74
    assert records == 5 * 1367  # every stay is tested once for each of five validation parts
