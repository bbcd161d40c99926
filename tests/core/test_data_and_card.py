"""Binding joins roles in one place; cards say what may be used; files are verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from hilum.core.card import Card, FileEntry, address, checksum, read_card, read_files, verify
from hilum.core.data import Field, Need, bind
from hilum.core.errors import DataError, HilumError, UsageError, unknown
from hilum.core.locate import cache_folder, locate, search_path

CARD = """
name = "mine"
title = "Mine"
modality = "series"
unit = "mm"
items = 2
subjects = "unknown"
synthetic = false
licence = "CC-BY-4.0"

[get]
repository = "someone/something"
commit = "abc"

[[note]]
text = "Careful."
"""


def joined(provides: dict[str, Field], needs: dict[str, Need]) -> dict[str, Field]:
    return bind(provides, needs, dataset="d", task="t")


def test_bind() -> None:
    wave = Field("wave", "series", "mm")
    assert joined({"series": wave, "other": wave}, {"series": Need("series", "mm")}) == {"series": wave}
    assert joined({"series": wave}, {"series": Need("series")}) == {"series": wave}


@pytest.mark.parametrize(
    ("offered", "words"),
    [
        ({"seires": Field("wave", "series", "mm")}, "Did you mean 'seires'"),
        ({}, "no role yet"),
        ({"series": Field("wave", "table", "mm")}, "is a table"),
        ({"series": Field("wave", "series", "cm")}, "is in cm"),
        ({"series": Field("wave", "series")}, "is in no unit"),
    ],
)
def test_bind_says_what_does_not_fit(offered: dict[str, Field], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        joined(offered, {"series": Need("series", "mm")})
    assert "dataset 'd', task 't'" in str(caught.value)


def test_card(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_text(CARD)
    card = read_card(path)
    assert (card.name, card.note[0].text) == ("mine", "Careful.")
    assert read_files(card, tmp_path) == ()
    entry = FileEntry(path="a.txt", bytes=3, sha256="0" * 64, upstream="folder/a b.txt")
    assert address(card, entry) == "https://raw.githubusercontent.com/someone/something/abc/folder/a%20b.txt"
    path.write_text(CARD + 'colour = "red"\n')
    with pytest.raises(DataError, match="colour"):
        read_card(path)
    path.write_text("name = ")
    with pytest.raises(DataError, match=r"card\.toml"):
        read_card(path)


def test_files_are_verified(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abc")
    digest = checksum(tmp_path / "a.txt")
    assert digest.startswith("ba7816bf")
    (tmp_path / "files.tsv").write_text(f"path\tbytes\tsha256\tupstream\na.txt\t3\t{digest}\tup/a.txt\n")
    (entry,) = read_files(Card.model_validate_strings({**_fields(), "items": "1"}), tmp_path)
    verify(entry, tmp_path)
    (tmp_path / "a.txt").write_text("abd")
    with pytest.raises(DataError, match="not the one on the card"):
        verify(entry, tmp_path)
    (tmp_path / "a.txt").unlink()
    with pytest.raises(DataError, match="missing"):
        verify(entry, tmp_path)


def _fields() -> dict[str, str]:
    return {
        "name": "mine",
        "title": "Mine",
        "modality": "series",
        "subjects": "known",
        "synthetic": "false",
        "licence": "CC0",
    }


def test_where_data_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, stated, cached = (tmp_path / name for name in ("given", "stated", "cached"))
    monkeypatch.setenv("HILUM_DATA", str(stated))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cached))
    assert search_path(given) == (given, stated, cache_folder())
    with pytest.raises(DataError, match="hilum data get mine"):
        locate("mine", given)
    for place in (cache_folder(), stated, given):
        (place / "mine").mkdir(parents=True)
        assert locate("mine", given) == (place / "mine").resolve()


def test_errors_have_three_parts_and_cross_a_process_border() -> None:
    import pickle

    error = UsageError("it is wrong", where="there", do="Do this")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "there: it is wrong. Do this"
    assert type(copy) is UsageError
    assert str(HilumError("wrong")) == "wrong"
    assert "There is: b, c" in str(unknown("thing", "zzz", ["c", "b"]))
    assert "There is no thing yet" in str(unknown("thing", "zzz", []))
