"""Progress on long work: a bar with rate and time left on a terminal, one line in ten elsewhere, nothing when asked."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")
QUIET_S = 2.0  # what is done sooner needs no line in a log


class Reporter(Protocol):
    """Where messages and progress go."""

    def say(self, text: str) -> None:
        """One line."""
        ...

    def track(self, things: Iterable[T], total: int, what: str) -> Iterator[T]:
        """Pass `things` on, showing how far it is."""
        ...


class Silent:
    """Says nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def track(self, things: Iterable[T], total: int, what: str) -> Iterator[T]:
        """Pass `things` on."""
        yield from things


class Console:
    """Says it on the terminal (standard error, so that `--json` output stays clean)."""

    def __init__(self) -> None:
        from rich.console import Console as RichConsole

        self._console = RichConsole(stderr=True, highlight=False)

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(text, markup=False, soft_wrap=True)

    def track(self, things: Iterable[T], total: int, what: str) -> Iterator[T]:
        """A bar with rate and time left, or sparse lines where there is no terminal."""
        if not self._console.is_terminal:
            yield from self._lines(things, total, what)
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
        )
        began = time.monotonic()
        with Progress(*columns, console=self._console, transient=True) as progress:
            bar = progress.add_task(what, total=total, rate="", left="")
            for done, thing in enumerate(things, start=1):
                rate, left = _pace(done, total, time.monotonic() - began)
                progress.update(bar, completed=done, rate=rate, left=left)
                yield thing

    def _lines(self, things: Iterable[T], total: int, what: str) -> Iterator[T]:
        began = time.monotonic()
        step = max(1, total // 10)
        for done, thing in enumerate(things, start=1):
            took = time.monotonic() - began
            if (done % step == 0 or done == total) and took >= QUIET_S:
                rate, left = _pace(done, total, took)
                self.say(f"{what}: {done} of {total}, {rate}, {left}")
            yield thing


def _pace(done: int, total: int, seconds: float) -> tuple[str, str]:
    rate = done / seconds if seconds > 0 else 0.0
    left = (total - done) / rate if rate else 0.0
    spoken = f"{rate:.1f}/s" if rate >= 1 else f"{60 * rate:.1f}/min"
    return spoken, f"{left:.0f} s left" if left < 120 else f"{left / 60:.1f} min left"
