"""Every snippet of README and docs is run: Python blocks as they stand, `$ hilum` lines by the command line."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", re.M | re.S)


def snippets() -> list[tuple[str, str, str]]:
    found = []
    for page in PAGES:
        for number, match in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8")), start=1):
            found.append((f"{page.relative_to(ROOT)}#{number}", match.group(1), match.group(2)))
    return found


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory, real_data_root: Path) -> Path:
    """A folder with a stored smoke run, as a reader has who followed the tutorial."""
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "hilum", "run", "online-rnn-markers", "--preset", "smoke", "--jobs", "1"]
    subprocess.run(command, cwd=folder, env={**os.environ, "HILUM_DATA": str(real_data_root)}, check=True)
    return folder


@pytest.mark.parametrize(("where", "language", "text"), snippets(), ids=lambda value: str(value).split("\n")[0][:60])
def test_snippet(where: str, language: str, text: str, workplace: Path, real_data_root: Path) -> None:
    environment = {**os.environ, "HILUM_DATA": str(real_data_root), "COLUMNS": "100"}
    if language == "python":
        commands = [[sys.executable, "-c", text]]
    else:
        lines = [line[2:] for line in text.splitlines() if line.startswith("$ hilum ")]
        assert lines, f"{where}: a console block needs lines that begin with '$ hilum '"
        commands = [[sys.executable, "-m", *shlex.split(line)] for line in lines]
    for command in commands:
        done = subprocess.run(command, cwd=workplace, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{where}: {command}\n{done.stdout}\n{done.stderr}"


def test_there_are_snippets() -> None:
    assert len(snippets()) >= 5


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
