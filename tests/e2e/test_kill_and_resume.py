"""A run killed at any moment loses no finished cell and repeats none."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [
    sys.executable,
    "-m",
    "hilum",
    "run",
    "online-rnn-markers",
    "--preset",
    "smoke",
    "--synthetic",
    "--jobs",
    "2",
]


def start(out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def finished(out: Path) -> dict[str, int]:
    """Every finished cell and when it was stored; a folder that was killed before its last rename is none yet."""
    found = (done for done in (out / "cells").glob("*/DONE") if not done.parent.name.startswith("."))
    return {done.parent.name: done.stat().st_mtime_ns for done in found}


def test_sigkill_at_random_moments(tmp_path: Path) -> None:
    out = tmp_path / "run"
    moments = random.Random(7)
    seen: dict[str, int] = {}
    for _ in range(6):
        process = start(out)
        time.sleep(moments.uniform(1.0, 5.0))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        now = finished(out)
        for name, stored in seen.items():
            assert now[name] == stored, f"{name} was lost or computed again"
        seen = now
    subprocess.run([*COMMAND, "--out", str(out)], check=True, capture_output=True)
    now = finished(out)
    assert {name: now[name] for name in seen} == seen
    info = json.loads((out / "run.json").read_text())
    assert {cell["status"] for cell in info["cells"]} == {"done"}
    assert len(now) == len(info["cells"])
    assert not list((out / "cells").glob(".tmp-*"))


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    process = start(tmp_path / "run")
    time.sleep(4.0)
    os.kill(process.pid, signal.SIGKILL)  # the parent alone: the workers must notice
    process.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _group(process.pid):
        time.sleep(0.2)
    assert _group(process.pid) == []


def test_ctrl_c_is_clean(tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = subprocess.Popen(
        [*COMMAND, "--out", str(out), "--fresh"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not finished(out):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    if process.returncode == 0:
        pytest.skip("the run was over before Ctrl-C reached it")
    assert "Traceback" not in errors
    assert "kept" in errors
    assert not list((out / "cells").glob(".tmp-*"))


def _group(group: int) -> list[int]:
    alive = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            alive.append(int(entry.name))
    return alive
