"""Card: origin, licence, checksums and how to get a dataset. One TOML file and one table of files.

`card.toml` names the dataset and its licence; `files.tsv` beside it lists every file with its size, SHA-256 and where it
comes from. The bytes themselves are never committed.
"""

from __future__ import annotations

import csv
import hashlib
import tomllib
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hilum.core.errors import DataError

Subjects = Literal["known", "unknown"]
Access = Literal["open", "registration", "credentialed", "private"]


class Note(BaseModel):
    """Something a user of the data must know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    text: str


class Get(BaseModel):
    """Where the files come from.

    `how` is `download` (upstream bytes), `convert` (our converter makes them) or `by hand` (the text says how).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    how: Literal["download", "convert", "by hand"] = "download"
    repository: str = ""
    commit: str = ""
    files: str = "files.tsv"
    text: str = ""


class Card(BaseModel):
    """What is there, and may I use it?"""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    title: str
    modality: str
    unit: str = ""
    items: int = Field(ge=0)
    subjects: Subjects
    synthetic: bool
    licence: str
    access: Access = "open"
    cite: tuple[str, ...] = ()
    get: Get = Get()
    note: tuple[Note, ...] = ()


class FileEntry(BaseModel):
    """One file of a dataset: where it lies in the dataset's folder, and how to know that it is the right one."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    path: str
    bytes: int
    sha256: str
    upstream: str = ""


def read_card(path: Path) -> Card:
    """Read `card.toml`; a wrong key or value is an error that names it."""
    try:
        return Card.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise DataError(f"the card cannot be read: {error}", where=str(path), do="Mend the file") from error


def read_files(card: Card, folder: Path) -> tuple[FileEntry, ...]:
    """The table of files beside the card in `folder`; empty where the data set has none (a simulator)."""
    path = folder / card.get.files
    if not path.exists():
        return ()
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    return tuple(FileEntry.model_validate(row) for row in rows)


def address(card: Card, entry: FileEntry) -> str:
    """Where one file can be downloaded: the repository's bytes at the card's commit."""
    return f"https://raw.githubusercontent.com/{card.get.repository}/{card.get.commit}/{quote(entry.upstream)}"


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def verify(entry: FileEntry, folder: Path) -> None:
    """Check one file of a dataset against its card.

    Raises:
        DataError: the file is missing, or its bytes are not the card's.
    """
    path = folder / entry.path
    if not path.is_file():
        raise DataError("the file is missing", where=str(path), do="Get it with `hilum data get`")
    size = path.stat().st_size
    if size != entry.bytes or checksum(path) != entry.sha256:
        raise DataError(
            f"the file is not the one on the card ({size} bytes where the card has {entry.bytes})",
            where=str(path),
            do="It is truncated, changed or of another version: delete it and get it again with `hilum data get`",
        )
