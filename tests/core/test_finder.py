"""The finder, in process: other packages, clashes, cards, and files that cannot be read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hilum.core import finder
from hilum.core.errors import HilumError, UsageError
from tests.contracts.throw_away import plant


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(plant(tmp_path)))
    points = [EntryPoint("throwaway", "throwaway", "hilum")]
    monkeypatch.setattr(finder, "entry_points", lambda group: points)
    finder.forget()
    yield tmp_path / "throwaway"
    finder.forget()
    for name in [name for name in sys.modules if name.startswith("throwaway")]:
        del sys.modules[name]


def test_other_packages_stand_beside_ours(package: Path) -> None:
    assert {"hold_last", "straight_on"} <= set(finder.find("models"))
    found = finder.get("papers", "sines")
    assert (found.title, found.path) == ("Sines ahead", package / "papers" / "sines")
    assert found.has("experiment")
    assert not found.has("never")
    assert found.load("experiment").experiment(None).name == "sines"
    assert finder.get("datasets", "two-sines").facts["licence"] == "CC0-1.0"


def test_private_names_are_not_listed(package: Path) -> None:
    (package / "models" / "_hidden.py").write_text('"""Hidden."""\n')
    (package / "models" / "folder").mkdir()
    assert not {"_hidden", "_fitted_once", "folder", "__init__"} & set(finder.find("models"))


def test_a_folder_with_settings_is_one_model(package: Path) -> None:
    folder = package / "models" / "deep_one"
    folder.mkdir()
    (folder / "settings.py").write_text('"""A deep one."""\n\nEXTRA = "deep"\nN = len("x")\n')
    found = finder.get("models", "deep_one")
    assert (found.title, found.facts) == ("A deep one.", {"EXTRA": "deep"})


def test_twins_give_both_paths(package: Path) -> None:
    (package / "models" / "hold_last.py").write_text('"""Twin."""\n')
    with pytest.raises(UsageError, match=r"two models are called 'hold_last'") as caught:
        finder.find("models")
    assert str(package / "models" / "hold_last.py") in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(package: Path) -> None:
    (package / "tasks" / "broken.py").write_text("def (")
    with pytest.raises(HilumError, match=r"broken\.py"):
        finder.find("tasks")


def test_a_package_that_is_gone_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "entry_points", lambda group: [EntryPoint("gone", "no_such_package", "hilum")])
    finder.forget()
    with pytest.raises(HilumError, match="no_such_package"):
        finder.find("models")
    finder.forget()
