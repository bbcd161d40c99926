"""The same seed gives the same bits inline and in processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl


def run(out: Path, *words: str) -> None:
    command = [sys.executable, "-m", "hilum", "run", "online-rnn-markers", "--preset", "smoke", "--synthetic"]
    subprocess.run([*command, "--out", str(out), *words], check=True, capture_output=True)


def test_inline_and_processes_agree_bit_for_bit(tmp_path: Path) -> None:
    run(tmp_path / "inline", "--executor", "inline")
    run(tmp_path / "pool", "--executor", "processes", "--jobs", "2")
    inline = sorted(path.name for path in (tmp_path / "inline" / "cells").iterdir())
    assert inline == sorted(path.name for path in (tmp_path / "pool" / "cells").iterdir())
    assert len(inline) > 10
    for name in inline:
        one, other = (tmp_path / place / "cells" / name for place in ("inline", "pool"))
        frames = [pl.read_parquet(folder / "predictions.parquet") for folder in (one, other)]
        assert frames[0].equals(frames[1], null_equal=True), name
        for exact in ("scores.parquet", "split.parquet", "evidence.json", "weights/state.safetensors"):
            if (one / exact).exists():
                assert (one / exact).read_bytes() == (other / exact).read_bytes(), (name, exact)
