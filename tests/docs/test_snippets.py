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


def snippets(page: Path) -> list[tuple[str, str]]:
    return [(match.group(1), match.group(2)) for match in BLOCK.finditer(page.read_text(encoding="utf-8"))]


WITH_SNIPPETS = [page for page in PAGES if snippets(page)]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory, real_data_root: Path) -> Path:
    """A folder with a stored smoke run, as a reader has who followed the tutorial."""
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "hilum", "run", "online-rnn-markers", "--preset", "smoke", "--jobs", "1"]
    subprocess.run(command, cwd=folder, env={**os.environ, "HILUM_DATA": str(real_data_root)}, check=True)
    return folder


@pytest.mark.parametrize("page", WITH_SNIPPETS, ids=lambda page: str(page.relative_to(ROOT)))
def test_snippets_of_a_page(page: Path, workplace: Path, real_data_root: Path) -> None:
    """In the order in which they stand, in one folder: a later one may need what an earlier one made."""
    environment = {**os.environ, "HILUM_DATA": str(real_data_root), "COLUMNS": "100"}
    for language, text in snippets(page):
        for command, code in commands(language, text, str(page)):
            done = subprocess.run(command, cwd=workplace, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == code, f"{page.name}: {command}\n{done.stdout}\n{done.stderr}"


def commands(language: str, text: str, where: str) -> list[tuple[list[str], int]]:
    """What a block runs, and the exit code that each command is to end with ("# exit code 4" behind it, else 0)."""
    if language == "python":
        return [([sys.executable, "-c", text], 0)]
    lines = [line[2:] for line in text.splitlines() if line.startswith("$ hilum ")]
    assert lines, f"{where}: a console block needs lines that begin with '$ hilum '"
    codes = [int(found.group(1)) if (found := re.search(r"# exit code (\d)", line)) else 0 for line in lines]
    words = [[sys.executable, "-m", *shlex.split(line, comments=True)] for line in lines]
    return list(zip(words, codes, strict=True))


def test_there_are_snippets() -> None:
    assert len(WITH_SNIPPETS) >= 5


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
