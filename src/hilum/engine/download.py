"""Get a dataset: download each file on its card, verify it, and keep it in the cache. Nothing is unpacked or run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from hilum.core.card import Card, FileEntry, address, read_card, read_files, verify
from hilum.core.errors import DataError, HilumError
from hilum.core.finder import get as find_one
from hilum.core.locate import cache_folder
from hilum.core.store import write_bytes

Address = Callable[[Card, FileEntry], str]


def get(
    name: str,
    destination: Path | None = None,
    *,
    timeout_s: float = 30.0,
    address: Address = address,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Download a dataset into `destination` (the cache by default); files that are right already are kept.

    Raises:
        DataError: it cannot be downloaded, the network does not answer in time, or a file is not the one on the card.
    """
    card, entries = card_and_files(name)
    if card.synthetic or card.get.how != "download" or not entries:
        how = card.get.text or ("it is simulated when asked" if card.synthetic else "see its card")
        raise DataError("this dataset is not downloaded", where=f"dataset '{name}'", do=how)
    folder = destination or cache_folder() / name
    for number, entry in enumerate(entries, start=1):
        if _right(entry, folder):
            continue
        say(f"{number} of {len(entries)}: {entry.path}")
        data = _fetch(address(card, entry), entry, timeout_s, name)
        write_bytes(_inside(folder, entry), data)
    return folder


def verify_dataset(name: str, folder: Path) -> list[HilumError]:
    """What is wrong with a dataset's files; empty where every one is the one on the card."""
    problems: list[HilumError] = []
    for entry in card_and_files(name)[1]:
        try:
            verify(entry, folder)
        except HilumError as error:
            problems.append(error)
    return problems


def card_and_files(name: str) -> tuple[Card, tuple[FileEntry, ...]]:
    """A dataset's card and its table of files."""
    found = find_one("datasets", name)
    card = read_card(found.path / "card.toml")
    return card, read_files(card, found.path)


def _right(entry: FileEntry, folder: Path) -> bool:
    try:
        verify(entry, folder)
    except HilumError:
        return False
    return True


def _inside(folder: Path, entry: FileEntry) -> Path:
    path = (folder / entry.path).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise DataError("the path leaves the dataset's folder", where=entry.path, do="Mend the table of files")
    return path


def _fetch(url: str, entry: FileEntry, timeout_s: float, name: str) -> bytes:
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise DataError("only https addresses are fetched", where=url, do="Mend the card")
    try:
        with urlopen(url, timeout=timeout_s) as answer:  # noqa: S310 - the scheme was checked above
            data: bytes = answer.read(entry.bytes + 1)
    except (URLError, OSError) as error:
        raise DataError(
            f"the download did not succeed ({error})",
            where=url,
            do=f"Try again, or fetch the files on the card by hand and point HILUM_DATA to a directory that holds '{name}/'",
        ) from error
    if len(data) != entry.bytes or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise DataError(
            f"what came is not the file on the card ({len(data)} bytes where the card has {entry.bytes})",
            where=url,
            do="It was changed upstream or on the way: nothing was stored",
        )
    return data
