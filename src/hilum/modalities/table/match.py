"""Match: the columns of a later file found by the names that the table of train had, and never by guessing.

    the same name
    else the same but for case, spaces, _, - and a unit in brackets:   "Hemoglobin [g/L]"  is  "hemoglobin"
    of wanted names that differ by their unit alone, the same but for case, spaces, _ and -:   "CREA_(mg/dL)"  is  "crea (mg/dL)"

Two columns that fit one name are refused; where one is the very name it is read, and the other is said. A unit in the file's header
that is not the one stated for train (in brackets behind its name, or in the study) is refused: nothing is converted. A unit that nothing
can be compared with is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from hilum.core.errors import DataError

_BRACKET = re.compile(r"^(?P<name>.*\S)\s*[(\[](?P<unit>[^()\[\]]*)[)\]]\s*$")


@dataclass(frozen=True)
class Matched:
    """Which column of a file stands for which wanted name.

    Attributes:
        columns: Wanted name to the file's column.
        lacking: Wanted names that no column fits.
        remarks: What a reader should know: units that nothing could be compared with, columns that are not read for another of their name.
    """

    columns: Mapping[str, str]
    lacking: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def renamed(self) -> dict[str, str]:
        """Wanted name to the file's column, of those that are written otherwise."""
        return {wanted: found for wanted, found in self.columns.items() if wanted != found}


def match(header: Sequence[str], wanted: Sequence[str], units: Mapping[str, str], *, where: str) -> Matched:
    """Find the wanted columns.

    Args:
        header: The file's columns.
        wanted: Names of train.
        units: Wanted name to its unit, where it is known beside what stands in brackets behind the name.
        where: The file, for errors.

    Raises:
        DataError: two columns fit one name, or a unit is another than train's.
    """
    found = {name: name for name in wanted if name in set(header)}
    free = [name for name in header if name not in found]
    stems = [_stem(name) for name in wanted]
    for name in wanted:
        if name in found:
            continue
        # Names that differ by their unit alone are told apart by it.
        key = _stem if stems.count(_stem(name)) == 1 else _key
        fits = [column for column in free if key(column) == key(name)]
        if len(fits) > 1:
            raise DataError(
                f"{' and '.join(repr(column) for column in fits)} both read like '{name}'",
                where=where,
                do=f"Call the one that is meant '{name}', or take the other out",
            )
        if fits:
            found[name] = fits[0]
            free.remove(fits[0])
    beside = [
        f"'{column}' is not read: '{name}' is in the file, too"
        for name in wanted
        if found.get(name) == name and stems.count(_stem(name)) == 1
        for column in free
        if column not in found.values() and _stem(column) == _stem(name)
    ]
    remarks = tuple(told for name in wanted if name in found and (told := _of_unit(name, found[name], units, where)))
    ordered = {name: found[name] for name in wanted if name in found}
    return Matched(ordered, tuple(name for name in wanted if name not in found), (*remarks, *beside))


def closest(lacking: Sequence[str], header: Sequence[str]) -> dict[str, str]:
    """Each lacking name that reads much like a column of the file, and that column."""
    by_key = {_stem(column): column for column in header}
    found = {}
    for name in lacking:
        close = get_close_matches(_stem(name), by_key, n=1, cutoff=0.8)
        if close:
            found[name] = by_key[close[0]]
    return found


def split_unit(name: str) -> tuple[str, str]:
    """A name without the unit in brackets behind it, and the unit; "" where there is none."""
    bracket = _BRACKET.match(name)
    return (bracket["name"], bracket["unit"].strip()) if bracket else (name, "")


def same_unit(a: str, b: str) -> bool:
    """Whether two units are the same text but for case, spaces and the two letters that stand for micro."""
    return _unit(a) == _unit(b)


def _unit(text: str) -> str:
    return re.sub(r"[\s*·^]", "", text.casefold()).replace("\u00b5", "u").replace("\u03bc", "u")


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name.casefold())


def _stem(name: str) -> str:
    return _key(split_unit(name)[0])


def _of_unit(name: str, column: str, units: Mapping[str, str], where: str) -> str:
    """What to say of a column's unit; "" where nothing is to be said.

    Raises:
        DataError: it is another than train's.
    """
    theirs = split_unit(column)[1]
    ours = units.get(name, "") or split_unit(name)[1]
    if not theirs or name == column:
        return ""
    if not ours:
        return f"'{column}' states the unit {theirs}; what the model learned from states none"
    if not same_unit(ours, theirs):
        raise DataError(
            f"'{column}' is in {theirs}, and the model learned from '{name}' in {ours}",
            where=where,
            do=f"Convert the values to {ours}, and name the column '{name}'",
        )
    return ""
