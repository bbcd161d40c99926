"""Fails the build when core, metrics or checks is covered below its limit. Reads the data that pytest-cov left."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT = 95.0
ROOMS = ("core", "metrics", "checks")


def main() -> int:
    """Print the share of lines and branches covered in each room; 1 where one is below the limit."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverage.json"
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", str(path)], check=True)
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
    failed = False
    for room in ROOMS:
        share = covered(files, room)
        failed |= share < LIMIT
        print(f"{room:<10} {share:6.2f} % covered, limit {LIMIT:g} %{'  BELOW' if share < LIMIT else ''}")
    return int(failed)


def covered(files: dict[str, dict[str, dict[str, int]]], room: str) -> float:
    """Lines and branches run, per cent of those there are, over every file of a room."""
    sums = [entry["summary"] for name, entry in files.items() if f"hilum/{room}/" in name.replace("\\", "/")]
    there = sum(s["num_statements"] + s.get("num_branches", 0) for s in sums)
    run = sum(s["covered_lines"] + s.get("covered_branches", 0) for s in sums)
    return 100.0 * run / there if there else 0.0


if __name__ == "__main__":
    sys.exit(main())
