"""What a report may show of a person: salted ids, and nothing about one person where the data are not open.

    id --salt of the run--> eight hexadecimal digits: the same within a run, another in every other run

Whoever holds the run folder can look an id up; who holds the page alone cannot. Of data with the access "credentialed" or "private" a page
has no rows of single subjects, and no group of fewer than ten. `identified` shows ids and rows, and the page says so.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hilum.core.run import CellFolder, RunFolder

SALT = "salt"
RESTRICTED = {"credentialed", "private"}
FEWEST_SHOWN = 10
_OURS = {
    "train",
    "test",
    "validation",
    "record",
    "records",
    "subject",
    "subjects",
    "fold",
    "folds",
    "data",
    "none",
    "with",
}
_AFTER = re.compile(r"\b(record|subject|patient|item|recording|stay)s?(\s+'?)([\w.\-/]+)")
_PLAIN = re.compile(r"^[\W\d_]*$|^.{0,3}$")  # what could be a number or a word of a sentence
_WORD = re.compile(r"[\w.\-/]+")
_BETWEEN = re.compile(r"([,:;()'\"]\s*|\s+and\s+|\.\s|\.$)")


@dataclass(frozen=True)
class Privacy:
    """How ids are written.

    Attributes:
        salt: The run's salt, as hexadecimal digits.
        ids: Every id that the run's cells know.
        restricted: Whether the data's access forbids rows of single subjects.
        identified: Whether the reader asked for ids and rows.
    """

    salt: str
    ids: frozenset[str]
    restricted: bool
    identified: bool

    @property
    def rows_shown(self) -> bool:
        """Whether rows of single subjects may be shown."""
        return self.identified or not self.restricted

    def shows(self, subjects: int) -> bool:
        """Whether a group of so many subjects may be shown."""
        return self.identified or not self.restricted or subjects >= FEWEST_SHOWN

    def name(self, identity: str) -> str:
        """An id as it may be printed."""
        if self.identified:
            return identity
        return hmac.new(bytes.fromhex(self.salt), identity.encode(), hashlib.sha256).hexdigest()[:8]

    def text(self, sentence: str) -> str:
        """A sentence with the ids in it salted.

        An id that could be a number or a short word is only taken for one where it stands alone between commas or quotes, or behind
        "record", "subject" and the like: a count stays.
        """
        if self.identified or not self.ids:
            return sentence
        named = _AFTER.sub(self._named, sentence)
        parts = _BETWEEN.split(named)
        return "".join(self.name(part) if part in self.ids - _OURS else _WORD.sub(self._word, part) for part in parts)

    def proof(self, found: Any) -> Any:
        """Figures of a proof with the ids in them salted; of restricted data, lists and rows of subjects give their number only."""
        if self.identified or not self.ids:
            return found
        if isinstance(found, str):
            return self.name(found) if found in self.ids else self.text(found)
        if isinstance(found, Mapping):
            if self.restricted and self._of_subjects([*found, *found.values()]):
                return f"{len(found)} entries about single subjects withheld"
            return {self.name(key) if key in self.ids else key: self.proof(value) for key, value in found.items()}
        if isinstance(found, list | tuple):
            if self.restricted and self._of_subjects(found):
                return f"{len(found)} ids withheld"
            return [self.proof(each) for each in found]
        return found

    def _of_subjects(self, entries: Any) -> bool:
        return any(isinstance(entry, str) and entry in self.ids for entry in entries)

    def _word(self, match: re.Match[str]) -> str:
        word = match.group()
        return self.name(word) if word in self.ids and word not in _OURS and not _PLAIN.match(word) else word

    def _named(self, match: re.Match[str]) -> str:
        word = match.group(3)
        return (
            match.group()[: -len(word)] + self.name(word) if word in self.ids and word not in _OURS else match.group()
        )


def privacy_of(run: RunFolder, info: Mapping[str, Any], *, identified: bool = False) -> Privacy:
    """The rules of one run; its salt is made at the first report and kept in the run folder, readable by its owner only."""
    access = {str(data.get("access", "open")) for data in info.get("datasets", ())}
    access |= {str((info.get("study") or {}).get("access", "open"))}
    return Privacy(_salt(run.path / SALT), _ids(run, info), bool(access & RESTRICTED), identified)


def _salt(path: Path) -> str:
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16), encoding="ascii")
    return path.read_text(encoding="ascii").strip()


def _ids(run: RunFolder, info: Mapping[str, Any]) -> frozenset[str]:
    """Items and subjects of the run: of every arm's first finished cell that has a split."""
    import polars as pl

    found: set[str] = set()
    for cells in _cells_by_data(run, info):
        for folder in cells:
            path = folder.path / "split.parquet"
            if not folder.done or not path.is_file():
                continue
            frame = pl.read_parquet(path)
            names = [name for name in ("item", "subject") if name in frame.columns]
            for name in names:
                found.update(frame[name].drop_nulls().cast(pl.String).unique().to_list())
            if frame.height and "fold" in names + frame.columns:
                break  # every cell of a table lists all of its records
    return frozenset(found)


def _cells_by_data(run: RunFolder, info: Mapping[str, Any]) -> list[list[CellFolder]]:
    groups: dict[tuple[str, str], list[CellFolder]] = {}
    arms = {arm["id"]: arm for arm in info.get("arms", ())}
    for cell in info.get("cells", ()):
        arm = arms.get(cell["arm_id"], {})
        if not arm.get("control"):
            key = (str(arm.get("dataset")), str(arm.get("task")))
            groups.setdefault(key, []).append(CellFolder(run.cells / cell["folder"]))
    return list(groups.values())
