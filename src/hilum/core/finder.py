"""The finder: lists what stands in the rooms, without importing any of it.

A room is a folder of the package. What stands in it is found by name: a file `least_mean_squares.py`, a folder with a card
(`datasets/extmarkers/card.toml`, `papers/online_rnn_markers/paper.toml`), a folder with `settings.py`. Of each it reads the
file name, the module docstring, top-level literals and the TOML card. Names that begin with an underscore are private. Other
packages join by declaring the entry-point group `hilum`, whose value names the package that holds rooms of the same names.
"""

from __future__ import annotations

import ast
import importlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from hilum.core.errors import HilumError, UsageError, unknown

ROOMS = ("datasets", "tasks", "models", "metrics", "checks", "explain", "papers")
GROUP = "hilum"
_CARDS = ("card.toml", "paper.toml")


@dataclass(frozen=True)
class Found:
    """One thing in a room.

    Attributes:
        room: The room it stands in.
        name: Its name there, unique within the room; for a check its code in lower case and its title.
        path: Its file, or its folder.
        module: The module (or package) to import for it.
        title: The first line of its docstring, or its card's title.
        text: Its whole docstring.
        facts: Its top-level literals and its card.
    """

    room: str
    name: str
    path: Path
    module: str
    title: str
    text: str
    facts: dict[str, Any]

    def load(self, part: str = "") -> ModuleType:
        """Import it, or one module of its folder (`experiment`, `bindings`, `dataset`)."""
        return importlib.import_module(f"{self.module}.{part}" if part else self.module)

    def has(self, part: str) -> bool:
        """Whether its folder holds the module `part`."""
        return (self.path / f"{part}.py").is_file()


def find(room: str) -> dict[str, Found]:
    """Everything in a room, by name.

    Raises:
        UsageError: two things have one name; both paths are given.
    """
    if room not in ROOMS:
        raise unknown("room", room, ROOMS)
    found: dict[str, Found] = {}
    for package, base in _packages():
        for thing in _look(room, package, base):
            if thing.name in found:
                raise UsageError(
                    f"two {room} are called '{thing.name}'",
                    where=f"{found[thing.name].path} and {thing.path}",
                    do="Rename one of them",
                )
            found[thing.name] = thing
    return dict(sorted(found.items()))


def get(room: str, name: str) -> Found:
    """One thing by name; underscores and hyphens are the same."""
    things = find(room)
    for spelling in (name, name.replace("-", "_"), name.replace("_", "-")):
        if spelling in things:
            return things[spelling]
    raise unknown(room.rstrip("s"), name, things)


def forget() -> None:
    """Look again at the next call: for tests and for sessions in which a file was added."""
    _packages.cache_clear()


@cache
def _packages() -> tuple[tuple[str, Path], ...]:
    places = [("hilum", Path(__file__).parents[1])]
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.value):
        spec = find_spec(point.value.partition(".")[0])
        if spec is None or not spec.submodule_search_locations:
            raise HilumError(
                f"the package '{point.value}' of the entry point '{point.name}' is not there", do="Reinstall it"
            )
        inner = Path(*point.value.split(".")[1:])
        places.append((point.value, Path(next(iter(spec.submodule_search_locations))) / inner))
    return tuple(places)


def _look(room: str, package: str, base: Path) -> Iterator[Found]:
    folder = base / room
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(("_", ".")):
            continue
        if path.is_dir():
            card = next((path / name for name in _CARDS if (path / name).is_file()), None)
            if card is not None or (path / "settings.py").is_file():
                yield _read(room, f"{package}.{room}", path, card)
        elif path.suffix == ".py":
            yield _read(room, f"{package}.{room}", path, None)


def _read(room: str, package: str, path: Path, card: Path | None) -> Found:
    source = (
        path if path.is_file() else next((p for p in (path / "settings.py", path / "dataset.py") if p.is_file()), None)
    )
    text, facts = _literals(source) if source else ("", {})
    if card is not None:
        facts = {**facts, **tomllib.loads(card.read_text(encoding="utf-8"))}
    name = str(facts.get("name", path.stem))
    title = str(facts.get("title") or text.strip().partition("\n")[0])
    return Found(room, name, path, f"{package}.{path.stem}", title, text, facts)


def _literals(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise HilumError(f"the file cannot be read as Python: {error}", where=str(path), do="Mend the file") from error
    facts: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            try:
                facts[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return ast.get_docstring(tree) or "", facts
