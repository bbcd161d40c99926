"""Recordings of one's own: the files or folders that a study names or describes by a pattern, each one recording with an id.

"traces/*.csv"             every file that fits, in the order of names
"traces/{subject}_*.csv"   the same, and what stands at {subject} says whose it is
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import translate
from pathlib import Path

from hilum.core.data import Item
from hilum.core.errors import DataError, UsageError

SUBJECT = "{subject}"


def find_recordings(folder: Path, patterns: Sequence[str], *, noun: str) -> list[Item]:
    """Every recording, with its subject where its name says one.

    Args:
        folder: Where relative names begin.
        patterns: Names or patterns; a folder stands for all files in it (a DICOM series).
        noun: What a recording is called in errors and in study files: "trace", "film".

    Returns:
        Items whose `files` are relative to `folder` (absolute where they lie elsewhere); the attribute "name" is the file or folder
        itself, with its sheet.

    Raises:
        UsageError: nothing is named, or two recordings would be called the same.
        DataError: a file is missing, a folder is empty, or a pattern finds none.
    """
    if not patterns:
        raise UsageError(f"no {noun} is named", where="[data]", do=f'Name it: {noun} = "FILE"')
    found: dict[str, str | None] = {}
    for pattern in patterns:
        for name, subject in _matches(folder, pattern, noun):
            found.setdefault(name, subject)
    ids = _ids(list(found), noun)
    files = {name: tuple(_files(folder, name)) for name in found}
    empty = next((name for name in found if not files[name]), None)
    if empty is not None:
        raise DataError("the folder holds no file", where=str(folder / empty), do=f"Name one that holds a {noun}")
    return [Item(ids[name], subject, files[name], {"name": name}) for name, subject in sorted(found.items())]


def _matches(folder: Path, pattern: str, noun: str) -> list[tuple[str, str | None]]:
    if (folder / pattern).exists() or not any(mark in pattern for mark in ("*", "?", "[", SUBJECT)):
        _refuse_missing(folder, pattern, noun)
        return [(pattern, None)]
    wide = pattern.replace(SUBJECT, "*")
    root = Path(wide).anchor
    paths = Path(root).glob(wide[len(root) :]) if root else folder.glob(wide)
    shown = [path for path in paths if not path.name.startswith(".")]
    named = sorted((path.as_posix() if root else path.relative_to(folder).as_posix()) for path in shown)
    if not named:
        raise DataError(
            f"no {noun} fits '{pattern}'", where=str(folder), do="Mend the pattern: * stands for any part of a name"
        )
    if SUBJECT not in pattern:
        return [(name, None) for name in named]
    expression = _expression(pattern)
    whose = {name: expression.fullmatch(name) for name in named}
    nameless = next((name for name, match in whose.items() if match is None), None)
    if nameless is not None:
        raise DataError(
            f"the name '{nameless}' does not say whose it is, as '{pattern}' asks",
            where=str(folder),
            do="Rename it, or mend the pattern",
        )
    return [(name, match.group("subject")) for name, match in whose.items() if match is not None]


def _expression(pattern: str) -> re.Pattern[str]:
    """The pattern with {subject} as a group: the shortest text that fits, without a folder's border."""
    parts = [re.sub(r"\\z$|\\Z$", "", translate(part)) for part in pattern.split(SUBJECT)]
    return re.compile("(?P<subject>[^/]+?)".join(parts[:2]) + "".join("(?P=subject)" + part for part in parts[2:]))


def _refuse_missing(folder: Path, name: str, noun: str) -> None:
    path = folder / name
    if path.exists() or ("#" in path.name and path.with_name(path.name.partition("#")[0]).is_file()):
        return
    there = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    close = get_close_matches(path.name, there, n=1, cutoff=0.5)
    hint = f"Did you mean '{close[0]}'?" if close else f"The folder '{path.parent}' has nothing of this name"
    raise DataError(f"the {noun} is missing", where=str(path), do=hint)


def _files(folder: Path, name: str) -> Iterable[str]:
    """The file itself without its sheet; of a folder every file in it."""
    path = folder / name
    if path.is_dir():
        return sorted(
            (Path(name) / entry.relative_to(path)).as_posix()
            for entry in path.rglob("*")
            if entry.is_file() and not entry.name.startswith(".")
        )
    if not path.is_file() and "#" in path.name:
        return [Path(name).with_name(path.name.partition("#")[0]).as_posix()]
    return [name]


def _ids(names: Sequence[str], noun: str) -> dict[str, str]:
    """Ids that can stand in names of folders: the file's own, with its folders where that is not enough."""
    for whole in (False, True):
        ids = {name: _id(name, whole=whole) for name in names}
        if len(set(ids.values())) == len(ids):
            return ids
    twin = next(one for one in ids.values() if list(ids.values()).count(one) > 1)
    same = [name for name, one in ids.items() if one == twin]
    raise UsageError(
        f"'{same[0]}' and '{same[1]}' would both be called '{twin}'", where="[data]", do=f"Rename one {noun}"
    )


def _id(name: str, *, whole: bool) -> str:
    path = Path(name)
    sheet = path.name.partition("#")[2]
    stem = re.sub(r"\.nii$", "", Path(path.name.partition("#")[0]).stem)
    parts = [*(path.parent.parts if whole else ()), stem, *([sheet] if sheet else [])]
    return re.sub(r"[^\w.-]+", "-", "-".join(parts)).strip("-.") or "recording"
