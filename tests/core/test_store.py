"""Nothing is ever half-written."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from hilum.core import store
from hilum.core.errors import HilumError


def test_json_keeps_nan_out(tmp_path: Path) -> None:
    store.write_json(tmp_path / "a.json", {"x": float("nan"), "y": [1.0, float("inf")], "z": (2,)})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": None, "y": [1.0, None], "z": [2]}


def test_damaged_json_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("{")
    with pytest.raises(HilumError, match=r"a\.json.*damaged"):
        store.read_json(path)
    with pytest.raises(HilumError, match="missing"):
        store.read_json(tmp_path / "b.json")


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "cells" / "one"

    def fail() -> None:
        with store.new_folder(target) as folder:
            (folder / "half").write_text("half")
            assert not target.exists()
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        fail()
    assert list(target.parent.iterdir()) == []
    with store.new_folder(target) as folder:
        (folder / "whole").write_text("whole")
    assert (target / "whole").read_text() == "whole"


def test_the_first_of_two_writers_wins(tmp_path: Path) -> None:
    target = tmp_path / "one"
    with store.new_folder(target) as folder:
        (folder / "a").write_text("second")
        target.mkdir()
        (target / "a").write_text("first")
    assert (target / "a").read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["one"]


@pytest.mark.parametrize(("code", "words"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "cannot be written")])
def test_a_full_disk_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(HilumError, match=words):
        store.write_text(tmp_path / "a.txt", "text")
    assert list(tmp_path.iterdir()) == []


def test_sweep_deletes_what_the_dead_left(tmp_path: Path) -> None:
    dead = tmp_path / ".tmp-999999999-cell"
    dead.mkdir()
    (dead / "half").write_text("half")
    alive = tmp_path / f".tmp-{os.getppid()}-cell"
    alive.mkdir()
    assert store.sweep(tmp_path) == 1
    assert not dead.exists()
    assert alive.exists()
    assert store.sweep(tmp_path / "never") == 0


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"[Nn]ame too long"):
        store.write_text(tmp_path / ("x" * 300) / "below", "x")


def test_a_process_of_another_user_counts_as_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_process: int, _signal: int) -> None:
        raise PermissionError

    mine = tmp_path / f".tmp-{os.getpid()}-cell"
    theirs = tmp_path / ".tmp-1-cell"
    for path in (mine, theirs):
        path.write_text("half")
    monkeypatch.setattr(store.os, "kill", forbidden)
    assert store.sweep(tmp_path) == 1
    assert theirs.exists()


@pytest.mark.parametrize("name", ["taken", "taken/run"])
def test_a_file_in_the_way_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(HilumError, match="a file stands where a folder is needed"):
        store.write_text(tmp_path / name / "a.json", "")
    with (
        pytest.raises(HilumError, match="a file stands where a folder is needed"),
        store.new_folder(tmp_path / name / "b"),
    ):
        pass


def test_a_place_that_cannot_hold_a_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(HilumError, match="cannot be written to"):
        store.write_text(tmp_path / "ro" / "a.json", "")
