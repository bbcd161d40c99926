"""A fitted model's folder: `model.json` with plain facts, and beside it files whose SHA-256 it lists. Nothing is unpickled.

A file that is missing or differs from its checksum is refused before anything reads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.component import digest
from hilum.core.errors import HilumError
from hilum.core.store import read_json, write_bytes, write_json

FORMAT = 1
FACTS = "model.json"
ARRAYS = "arrays.safetensors"


def write(folder: Path, model: str, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write facts (plain JSON) and arrays of the model called `model`."""
    from safetensors.numpy import save

    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_files(folder, model, facts, {ARRAYS: save(whole)})


def read(folder: Path, model: str, names: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read what `write` wrote: facts and arrays, those of `names` among them.

    Raises:
        HilumError: the folder is not this model's, of another version, or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    facts, files = read_files(folder, model, (ARRAYS,))
    try:
        arrays = load(files[ARRAYS])
    except SafetensorError as error:
        raise _damaged(folder / ARRAYS, str(error)) from error
    for name in names:
        if name not in arrays:
            raise _damaged(folder / ARRAYS, f"the array '{name}' is missing")
    return facts, arrays


def write_files(folder: Path, model: str, facts: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Write facts, and files of a model's own format."""
    for name, data in files.items():
        write_bytes(folder / name, data)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    sums["facts"] = digest(dict(facts))
    write_json(folder / FACTS, {"model": model, "format": FORMAT, "facts": dict(facts), "sha256": sums})


def read_files(folder: Path, model: str, names: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read what `write_files` wrote.

    Raises:
        HilumError: the folder is not this model's, of another version, or damaged.
    """
    head = read_json(folder / FACTS)
    if (
        not isinstance(head, dict)
        or not isinstance(head.get("facts"), dict)
        or not isinstance(head.get("sha256"), dict)
    ):
        raise _damaged(folder / FACTS, "it holds no facts of a fitted model")
    if head.get("model") != model:
        raise HilumError(f"the folder holds a fitted {head.get('model')}, not a {model}", where=str(folder))
    if head.get("format") != FORMAT:
        raise HilumError(
            f"the model was saved in format {head.get('format')}, and this version of hilum reads {FORMAT}",
            where=str(folder),
            do="Run the study again",
        )
    if digest(head["facts"]) != head["sha256"].get("facts"):
        raise _damaged(folder / FACTS, "its facts differ from their checksum")
    files = {}
    for name in names:
        path = folder / name
        if not path.is_file():
            raise HilumError("the file is missing", where=str(path), do="Run the study again")
        files[name] = path.read_bytes()
        if hashlib.sha256(files[name]).hexdigest() != head["sha256"].get(name):
            raise _damaged(path, "it differs from its checksum")
    return head["facts"], files


def _damaged(path: Path, why: str) -> HilumError:
    return HilumError(f"the file is damaged: {why}", where=str(path), do="Run the study again")
