"""Where the files of a dataset lie: `--data DIR`, then `HILUM_DATA`, then the cache, else an error that says what to do."""

from __future__ import annotations

import os
from pathlib import Path

from hilum.core.errors import DataError


def cache_folder() -> Path:
    """Where downloads go: `$XDG_CACHE_HOME/hilum/data`, by default `~/.cache/hilum/data`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "hilum" / "data"


def search_path(data: Path | None = None) -> tuple[Path, ...]:
    """The directories that may hold `<dataset name>/` folders, in order."""
    given = [data] if data is not None else []
    stated = [Path(entry) for entry in os.environ.get("HILUM_DATA", "").split(os.pathsep) if entry]
    return (*given, *stated, cache_folder())


def locate(name: str, data: Path | None = None) -> Path:
    """The folder of the dataset `name`.

    Raises:
        DataError: it is in none of the places, with the places and the ways to get it.
    """
    looked = search_path(data)
    for directory in looked:
        if (directory / name).is_dir():
            return (directory / name).resolve()
    raise DataError(
        f"the data of '{name}' are not here (looked in {', '.join(str(place) for place in looked)})",
        where=f"dataset '{name}'",
        do=f"Get them with `hilum data get {name}`, or point --data or HILUM_DATA to a directory that holds '{name}/'",
    )
