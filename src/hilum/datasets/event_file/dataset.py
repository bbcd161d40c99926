"""Events of one's own: a long table, one row a value, and a table of stays with their outcome. Its one item is their grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hilum.core.data import Field, Item
from hilum.core.errors import UsageError, unknown
from hilum.datasets.event_file.grid import table_of
from hilum.modalities.table.columns import ASKED, KINDS, MISSING, POLICIES, Columns
from hilum.modalities.table.sample import Table

EVERY = {"hour": 3600.0, "day": 86_400.0}


@dataclass(frozen=True)
class EventFile:
    """A user's events and stays.

    Attributes:
        events: The long table, relative to the study's folder.
        stays: The table of stays.
        stay: Column of the stay, in both tables.
        time: Column of the events: when, a date; "" if `hour` is given.
        hour: Column of the events: when, in hours since the stay began.
        code: Column of the events: what was measured.
        value: Column of the events: the number.
        unit: Column of the events: its unit; "" where there is none.
        text: Column of the events: a text in the number's place; "" where there is none. It is counted, the grid holds numbers.
        concepts: A dictionary of concepts (TOML); "" where each code is a variable of its own.
        subject: Column of the stays: whose.
        start: Column of the stays: when it began, a date.
        end: Column of the stays: when it ended; "" where that is not known.
        target: Column of the stays: the outcome.
        kind: "classify" or "regress".
        positive: The positive class of two.
        outcome_unit: Unit of a measured outcome.
        missing_target: "refuse" a stay without an outcome, or "exclude" it and count it.
        static: Columns of the stays that a model may see.
        groups: Columns of the stays: subgroups to look at.
        missing: The texts that mean missing, in both tables.
        every: A record is an "hour" or a "day".
        hours: Length of the window, from the start of the stay; 0 = to its end.
        asked: The outcome is asked at the "last" record of the window, or at "every" one.
        left: Whether the days left to the end of the stay stand beside the outcome.
    """

    events: str = ""
    stays: str = ""
    stay: str = "stay"
    time: str = "time"
    hour: str = ""
    code: str = "code"
    value: str = "value"
    unit: str = ""
    text: str = ""
    concepts: str = ""
    subject: str = ""
    start: str = "start"
    end: str = ""
    target: str = ""
    kind: str = "classify"
    positive: str = ""
    outcome_unit: str = ""
    missing_target: str = "refuse"
    static: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    missing: tuple[str, ...] = MISSING
    every: str = "hour"
    hours: int = 24
    asked: str = "last"
    left: bool = False

    name: ClassVar[str] = "event_file"
    ITEMS: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        for setting, allowed in (
            ("every", tuple(EVERY)),
            ("asked", ASKED),
            ("kind", KINDS),
            ("missing_target", POLICIES),
        ):
            if getattr(self, setting) not in allowed:
                raise unknown(setting, str(getattr(self, setting)), allowed, where="events")
        if self.hours < 0 or (self.every == "day" and self.hours % 24):
            raise UsageError(
                f"the window is {self.hours} hours",
                where="grid, hours",
                do="Give whole hours; of days a multiple of 24",
            )
        if self.hours == 0 and self.asked == "last" and self.target:
            raise UsageError(
                "the outcome is asked at the end of the stay",
                where="grid",
                do='Give the window\'s length, e.g. hours = 24, or ask at every record: asked = "every"',
            )
        if self.left and (not self.end or self.kind != "classify"):
            raise UsageError(
                "the days left need a class as outcome, and the end of each stay",
                where="grid, left",
                do="Name the column of the stays: end",
            )

    @property
    def step_seconds(self) -> float:
        """Length of a record, s."""
        return EVERY[self.every]

    @property
    def columns(self) -> Columns:
        """What a wide table of the same records would have in which column: a file to predict is such a table."""
        return Columns(
            target=self.target,
            kind=self.kind,
            positive=self.positive,
            unit=self.outcome_unit,
            subject=self.subject,
            sequence=self.stay,
            step=self.every,
            step_unit="h" if self.every == "hour" else "day",
            beside="days_left" if self.left else "",
            static=self.static,
            groups=tuple(name for name in self.groups if name not in self.static),
            asked=self.asked,
            missing=self.missing,
        )

    @property
    def provides(self) -> Mapping[str, Field]:
        """The grid, and its outcome."""
        outcome = (
            {"label": Field(self.target, "classes")}
            if self.kind == "classify"
            else {"target": Field(self.target, "number", self.outcome_unit)}
        )
        return {"input": Field(self.events, "table"), **outcome}

    def items(self, folder: Path) -> Sequence[Item]:
        """One: the grid.

        Raises:
            UsageError: a file is not named.
        """
        for name in ("events", "stays"):
            if not getattr(self, name):
                raise UsageError(
                    f"no file of {name} is named",
                    where="dataset 'event_file'",
                    do=f'Name it: [{name}] file = "{name}.csv"',
                )
        files = (self.events, self.stays, *([self.concepts] if self.concepts else []))
        return [Item(Path(self.events).stem, None, files)]

    def load(self, folder: Path, item: Item) -> Table:
        """Read both files and lay the events on the grid; errors as in `hilum.datasets.event_file.grid.table_of`."""
        return table_of(self, folder, name=item.id)
