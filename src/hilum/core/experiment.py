"""Experiment: which cells, in which order? A grid of cells in three sizes: smoke, quick, full.

    Arm   = dataset, task, model, protocol, search       what one row of a table is about
    Cell  = arm, items, fold, seeds                      the smallest piece that is run, stored and reused

Two arms with equal settings are the same arm; a title is for people and is no part of its identity. The preset is not in
a cell's specification either, so `full` reuses what `quick` has run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

from hilum.core.component import describe, digest
from hilum.core.errors import UsageError

SPEC_VERSION = 3
SEEDS_PER_CELL = 5
# Settings of a task of tables that change what is learned, not which records are scored.
_HOW_IT_LEARNS = frozenset({"prepare", "inner_folds", "fitted_on", "chosen_on"})
Size = Literal["smoke", "quick", "full"]
T = TypeVar("T")


@dataclass(frozen=True)
class Preset:
    """How large a run is, and on what.

    Attributes:
        size: `smoke` shows that everything works, `quick` gives verdicts in minutes, `full` is the paper's own size.
        synthetic: Run on simulated data; no claim is judged.
        seeds: How many seeds, where the user said so.
    """

    size: Size = "quick"
    synthetic: bool = False
    seeds: int | None = None

    def choose(self, *, smoke: T, quick: T, full: T) -> T:
        """The value for this size."""
        return {"smoke": smoke, "quick": quick, "full": full}[self.size]

    def seed_range(self, *, smoke: int, quick: int, full: int) -> tuple[int, ...]:
        """Seeds 0, 1, ...: as many as the size says, or as the user asked for."""
        count = self.seeds if self.seeds is not None else self.choose(smoke=smoke, quick=quick, full=full)
        if count < 1:
            raise UsageError(f"{count} seeds cannot be run", do="Ask for one or more with --seeds")
        return tuple(range(count))


@dataclass(frozen=True)
class Search:
    """A grid of settings, one of which is chosen per item (and per horizon) on the part that the task sets aside for it.

    Attributes:
        over: Setting name and its candidates, in order; ties go to the first.
        metric: What the choice minimises or maximises.
        seeds: Runs of each stochastic candidate; their mean is compared, after candidates with more failed runs are set aside.
        protocol: The protocol under which candidates are compared; empty for the arm's own.
    """

    over: tuple[tuple[str, tuple[Any, ...]], ...]
    metric: str
    seeds: int = 1
    protocol: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"over": self.over, "metric": self.metric, "seeds": self.seeds, "protocol": self.protocol}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Search:
        """Read what `to_json` wrote."""
        over = tuple((name, tuple(values)) for name, values in data["over"])
        return cls(over, data["metric"], data["seeds"], data["protocol"])


@dataclass(frozen=True)
class Arm:
    """One method on one dataset under one protocol: what a row of a table is about.

    Attributes:
        dataset: A dataset's settings.
        task: A task's settings.
        model: A model's settings.
        protocol: Which protocol of the task's kind.
        search: Settings to choose, and from what.
        control: Empty, or what makes this arm a control of the same arm without it: "permuted labels", "random encoder".
        pretraining: The dataset whose other items the model is pretrained on, or None.
        pretraining_items: Which of its items; empty for all.
        title: For people; no part of the arm's identity.
        group: What a report calls the arms that may be compared with this one; no part of its identity either.
    """

    dataset: Any
    task: Any
    model: Any
    protocol: str
    search: Search | None = None
    control: str = ""
    pretraining: Any = None
    pretraining_items: tuple[str, ...] = ()
    title: str = field(default="", compare=False)
    group: str = field(default="", compare=False)

    def spec(self) -> dict[str, Any]:
        """The arm written down, without its title."""
        return {
            "dataset": describe(self.dataset).to_json(),
            "task": describe(self.task).to_json(),
            "model": describe(self.model).to_json(),
            "protocol": self.protocol,
            "control": self.control,
            "search": None if self.search is None else self.search.to_json(),
            "pretraining": None if self.pretraining is None else describe(self.pretraining).to_json(),
            **({"pretraining items": list(self.pretraining_items)} if self.pretraining_items else {}),
        }

    @cached_property  # judging hundreds of claims asks for it a hundred thousand times
    def id(self) -> str:
        """Ten hexadecimal digits that stand for the settings."""
        return digest(self.spec())[:10]

    @property
    def name(self) -> str:
        """The title, or model and protocol."""
        named = self.title or f"{describe(self.model).name} ({self.protocol})"
        return f"{named}, {self.control}" if self.control else named

    @cached_property
    def data(self) -> str:
        """A digest that arms share which may be compared: those that are scored on the same records.

        Of forecasts that is the dataset: tasks that ask for fewer horizons are compared on those. Of tables it is the dataset, and the
        task without its preprocessing, and without the share of train that a point of a learning curve keeps.
        """
        if self.task.kind == "forecast":
            return digest([describe(self.dataset).to_json()])
        asked = describe(self.task)
        settings = {name: value for name, value in asked.settings.items() if name not in _HOW_IT_LEARNS}
        split = settings.get("split")
        if isinstance(split, dict):
            settings["split"] = {name: value for name, value in split.items() if name != "train_share"}
        return digest([describe(self.dataset).to_json(), asked.module, asked.kind, settings])

    @property
    def controlled(self) -> Arm:
        """The arm that this one is a control of; itself where it is none."""
        return replace(self, control="")


@dataclass(frozen=True)
class Cell:
    """The smallest piece that is run, stored and reused."""

    arm: Arm
    items: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)
    fold: int | None = None

    @property
    def others(self) -> tuple[str, ...]:
        """Items that the model is pretrained on: those that are named, or all of that dataset, but never an item of this cell."""
        if self.arm.pretraining is None:
            return ()
        same = self.arm.pretraining.name == self.arm.dataset.name
        named = self.arm.pretraining_items or self.arm.pretraining.ITEMS
        return tuple(item for item in named if not (same and item in self.items))

    def spec(self) -> dict[str, Any]:
        """The cell written down: typed and versioned."""
        return {
            "version": SPEC_VERSION,
            **self.arm.spec(),
            "items": list(self.items),
            "others": list(self.others),
            "seeds": list(self.seeds),
            "fold": self.fold,
        }

    @property
    def readable(self) -> str:
        """A short name for its folder: model, protocol, items."""
        model = describe(self.arm.model).name
        searched = "-searched" if self.arm.search else ""
        items = self.items[0] if len(self.items) == 1 else f"{len(self.items)}-items"
        fold = "" if self.fold is None else f"-fold{self.fold}"
        control = f"-{self.arm.control}" if self.arm.control else ""
        block = f"-seeds{self.seeds[0]}to{self.seeds[-1]}" if self.seeds != (0,) else ""
        return (
            f"{model}{searched}{control}-{self.arm.protocol}-{items}{fold}{block}".replace("_", "-")
            .replace(" ", "-")
            .lower()
        )


@dataclass(frozen=True)
class Experiment:
    """The cells to run, each once.

    Attributes:
        name: The paper's slug, or the study's name.
        cells: In order.
        folders: Where the files of a dataset lie that is not looked for in the usual places (a user's own table).
    """

    name: str
    cells: tuple[Cell, ...]
    folders: Mapping[str, Path] = field(default_factory=dict)

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms in the order in which they first appear."""
        return tuple(dict.fromkeys(cell.arm for cell in self.cells))


def cells(arms: Iterable[Arm], *, items: Sequence[str], seeds: Sequence[int] = (0,)) -> tuple[Cell, ...]:
    """One cell an arm, item and block of five seeds; a deterministic model gets the first seed only.

    Blocks, so that a run with more seeds keeps what one with fewer has computed. An arm with a search has one cell an item: its settings
    are chosen once, and then run with every seed.
    """
    blocks = [tuple(seeds[i : i + SEEDS_PER_CELL]) for i in range(0, len(seeds), SEEDS_PER_CELL)]
    return tuple(Cell(arm, (item,), block) for arm in arms for item in items for block in _blocks_of(arm, blocks))


def _blocks_of(arm: Arm, blocks: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    if not getattr(arm.model, "stochastic", False):
        return [blocks[0][:1]]
    return blocks if arm.search is None else [tuple(seed for block in blocks for seed in block)]
