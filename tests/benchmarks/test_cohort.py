"""The cohort benchmark runs, tiny: the demo twice, and says how the peak grows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "cohort.py"


@pytest.mark.real_data
def test_two_copies(real_data: Callable[[str], Path]) -> None:
    root = real_data("mimic3_demo").parent
    command = [sys.executable, str(BENCHMARK), "--copies", "2", "--chunk", "60", "--data", str(root)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "POLARS_MAX_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert "99 stays kept" in done.stdout
    assert "198 stays kept" in done.stdout  # copies are more of the same
    assert "kB a patient" in done.stdout
