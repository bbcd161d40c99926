"""Writing so that nothing is ever half-written: a file or folder is there whole, or not at all.

Everything is first written under a temporary name in the same directory, flushed to the disk, then renamed in one step.
What a killed process leaves behind starts with a dot and is swept at the next run.
"""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hilum.core.errors import HilumError

_TEMPORARY = ".tmp-"


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically."""
    _make(path.parent)
    temporary = path.parent / f"{_TEMPORARY}{os.getpid()}-{path.name}"
    try:
        with _friendly(path), temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, data: Any) -> None:
    """Write JSON atomically; a figure that is not finite becomes null, never a bare NaN."""
    write_text(path, json.dumps(_finite(data), indent=1, sort_keys=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON; a damaged file is an error that names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise HilumError("the file is missing", where=str(path), do="Run it again") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise HilumError(
            f"the file is damaged: {error}", where=str(path), do="Delete it, or run again with --fresh"
        ) from error


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder under a temporary name; it appears as `path` when the block ends well, and not at all otherwise."""
    _make(path.parent)
    temporary = path.parent / f"{_TEMPORARY}{os.getpid()}-{path.name}"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with _friendly(path):
            temporary.mkdir()
            yield temporary
            _sync(temporary)
            if path.exists():  # another process was faster: equal by construction, so keep its folder
                return
            temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sweep(directory: Path) -> int:
    """Delete what killed processes left behind in `directory`; returns how many."""
    swept = 0
    for path in directory.glob(f"{_TEMPORARY}*") if directory.is_dir() else ():
        owner = path.name.removeprefix(_TEMPORARY).partition("-")[0]
        if owner.isdigit() and _alive(int(owner)):
            continue
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        swept += 1
    return swept


def _alive(process: int) -> bool:
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _make(folder: Path) -> None:
    with _friendly(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise HilumError(
                "a file stands where a folder is needed", where=str(folder), do="Choose another"
            ) from error


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def _friendly(path: Path) -> Iterator[None]:
    try:
        yield
    except HilumError:
        raise
    except Exception as error:
        number = error.errno if isinstance(error, OSError) else None
        # Writers of other formats wrap the system's error in their own: only its words are left.
        if number in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in str(error):
            raise HilumError(
                "the disk is full; nothing was left half-written, and finished cells are kept",
                where=str(path),
                do="Free some space, or choose another place with --out, and run the same command again",
            ) from error
        if number in (errno.EACCES, errno.EROFS):
            raise HilumError(
                "this place cannot be written to", where=str(path), do="Choose another with --out"
            ) from error
        raise


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
