"""Errors that a busy person can act on: what was wrong, where, and what to do.

Everything hilum refuses raises `HilumError`; the command line prints its three parts and never a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class HilumError(Exception):
    """Something the user can mend.

    Args:
        what: What was wrong, as a sentence without a full stop.
        where: The dataset, subject, file, column or cell it was found in; empty where there is no such place.
        do: What to do about it; empty only where `what` already says so.
    """

    def __init__(self, what: str, *, where: str = "", do: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.do = do

    def __str__(self) -> str:
        """One line: `where: what. do`."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}. {self.do}" if self.do else head

    def __reduce__(self) -> tuple[object, ...]:
        """Cross a process border whole: a worker's error reaches the user with its three parts."""
        return _rebuild, (type(self), self.what, self.where, self.do)


class UsageError(HilumError):
    """A name, option or setting that does not exist or does not fit (exit code 2)."""


class DataError(HilumError):
    """Data that are missing, damaged or not what their card says."""


def _rebuild(kind: type[HilumError], what: str, where: str, do: str) -> HilumError:
    return kind(what, where=where, do=do)


def unknown(noun: str, name: str, names: Iterable[str], *, where: str = "") -> UsageError:
    """The error for a mistyped name, naming the closest one that exists."""
    known = sorted(names)
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    hint = f"Did you mean '{close[0]}'?" if close else (f"There is: {listed}" if known else f"There is no {noun} yet")
    return UsageError(f"no {noun} is called '{name}'", where=where, do=hint)
