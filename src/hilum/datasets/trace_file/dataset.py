"""Traces of one's own: one file a recording, a column of times and one a coordinate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from hilum.core.data import Field, Item
from hilum.core.errors import UsageError
from hilum.modalities.recordings import find_recordings
from hilum.modalities.series.read_table import TraceColumns, read_trace
from hilum.modalities.series.regular import Account, regular
from hilum.modalities.series.sample import Series


@dataclass(frozen=True)
class TraceFile:
    """A user's traces.

    Attributes:
        files: Files relative to the study's folder, or patterns: `traces/*.csv`, `traces/{subject}_*.csv` where names say whose
            recording it is; `file.xlsx#Sheet` for a sheet that is not the first.
        columns: Which column is what.
        unit: Unit of every channel.
        points: Points in space, where channels are x of all points, then y, then z; 0 where each channel stands alone.
        rate_hz: The rate of the series; by default that of the file's own times.
        longest_hold_s: How old a value may be before it is missing, s; by default two and a half sampling intervals.
    """

    files: tuple[str, ...] = ()
    columns: TraceColumns = field(default_factory=TraceColumns)
    unit: str = ""
    points: int = 0
    rate_hz: float | None = None
    longest_hold_s: float | None = None

    name: ClassVar[str] = "trace_file"
    ITEMS: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        for name in ("rate_hz", "longest_hold_s"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} is {value:g}", where="a trace", do="Give a number above 0, or leave it out")
        channels = len(self.columns.channels)
        if self.points < 0 or (self.points and channels != 3 * self.points):
            raise UsageError(
                f"{self.points} points in space need {3 * max(self.points, 1)} channels, and {channels} are named",
                where="a trace",
                do="Name x of every point, then y, then z; or say points = 0, each channel on its own",
            )

    @property
    def provides(self) -> Mapping[str, Field]:
        """One series, in its unit."""
        return {"series": Field(", ".join(self.columns.channels), "series", self.unit)}

    @property
    def names_subjects(self) -> bool:
        """Whether anything says whose a recording is."""
        return bool(self.columns.subject) or any("{subject}" in pattern for pattern in self.files)

    def items(self, folder: Path) -> Sequence[Item]:
        """One a file, in the order of their names.

        Raises:
            UsageError: no file is named, or two would be called the same.
            DataError: a file is missing, or a pattern finds none.
        """
        return find_recordings(folder, self.files, noun="trace")

    def load(self, folder: Path, item: Item) -> Series:
        """One recording, (samples, channels); errors as in `read_trace` and `regular`."""
        return self.read(folder, item)[0]

    def read(self, folder: Path, item: Item) -> tuple[Series, Account]:
        """One recording, and what became of the rows of its file."""
        name = item.attributes.get("name", item.files[0])
        return regular(
            read_trace(folder / name, self.columns),
            item=item.id,
            subject=item.subject,
            unit=self.unit,
            points=self.points,
            rate_hz=self.rate_hz,
            longest_hold_s=self.longest_hold_s,
        )
