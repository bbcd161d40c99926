"""Downloads are verified before they are stored, and a file that is right is not fetched again. Loopback only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from hilum.core import card as cards
from hilum.core.errors import DataError
from hilum.engine import download


class Quiet(SimpleHTTPRequestHandler):
    """Counts what it serves."""

    served: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.served.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    folder = tmp_path / "upstream"
    folder.mkdir()
    Quiet.served = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def planned(monkeypatch: pytest.MonkeyPatch, upstream: Path, **files: bytes) -> None:
    """Let the card list `files`; their bytes are what the card expects."""
    entries = []
    for name, data in files.items():
        (upstream / name).write_bytes(data)
        entries.append(
            cards.FileEntry(path=f"mat/{name}", bytes=len(data), sha256=cards.checksum(upstream / name), upstream=name)
        )
    card, _ = download.card_and_files("extmarkers")
    monkeypatch.setattr(download, "card_and_files", lambda _: (card, tuple(entries)))


def fetch(base: str, folder: Path) -> Path:
    return download.get("extmarkers", folder, timeout_s=5.0, address=lambda _, entry: base + entry.upstream)


def test_files_come_and_are_not_fetched_twice(
    upstream: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, base = upstream
    planned(monkeypatch, folder, one=b"1", two=b"22")
    assert fetch(base, tmp_path / "got") == tmp_path / "got"
    assert (tmp_path / "got" / "mat" / "two").read_bytes() == b"22"
    (tmp_path / "got" / "mat" / "one").write_bytes(b"x")
    fetch(base, tmp_path / "got")
    assert Quiet.served == ["/one", "/two", "/one"]
    assert download.verify_dataset("extmarkers", tmp_path / "got") == []


@pytest.mark.parametrize("tampered", [b"zz", b"2", b"222"])
def test_tampered_bytes_are_refused_and_nothing_is_left(
    upstream: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tampered: bytes
) -> None:
    folder, base = upstream
    planned(monkeypatch, folder, two=b"22")
    (folder / "two").write_bytes(tampered)
    with pytest.raises(DataError, match="not the file on the card"):
        fetch(base, tmp_path / "got")
    assert not (tmp_path / "got").exists() or not any((tmp_path / "got").rglob("*.*"))


def test_no_network_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="HILUM_DATA"):
        download.get("extmarkers", tmp_path, timeout_s=0.5, address=lambda *_: "http://127.0.0.1:9/none")


def test_a_path_cannot_leave_its_folder(
    upstream: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, base = upstream
    planned(monkeypatch, folder, one=b"1")
    card, (entry,) = download.card_and_files("extmarkers")
    monkeypatch.setattr(download, "card_and_files", lambda _: (card, (entry.model_copy(update={"path": "../../out"}),)))
    with pytest.raises(DataError, match="leaves the dataset"):
        fetch(base, tmp_path / "a" / "b" / "got")
    assert not (tmp_path / "a" / "out").exists()


def test_only_https_is_fetched_and_simulators_are_not(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="only https"):
        download.get("extmarkers", tmp_path, address=lambda *_: "file:///etc/passwd")
    with pytest.raises(DataError, match="simulated when asked"):
        download.get("simulated_breathing", tmp_path)
