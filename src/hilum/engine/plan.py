"""The plan, printed before anything runs: cells to run, cells kept, cells that cannot run and why.

A cell's key is a hash of its specification, of its data's checksums, and of the code and libraries that compute it. The
preset is not in it, so `full` keeps what `quick` has run; a changed line in a model redoes that model's cells and no others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from hilum.core.card import checksum
from hilum.core.component import describe, digest, parts_of
from hilum.core.data import bind
from hilum.core.errors import DataError, HilumError
from hilum.core.experiment import Arm, Cell, Experiment
from hilum.core.finder import find
from hilum.core.locate import locate
from hilum.core.run import CellFolder, RunFolder
from hilum.engine.cells import Job, find_items, runner_for
from hilum.engine.code_hash import code_hash, versions

Status = Literal["run", "keep", "not run"]
EXTRA_MODULES = {
    "deep": "torch",
    "boost": "lightgbm",
    "catboost": "catboost",
    "audio": "soundfile",
    "imaging": "nibabel",
}


@dataclass(frozen=True)
class Planned:
    """A cell and what will happen to it."""

    cell: Cell
    status: Status
    folder: CellFolder
    reason: str = ""
    job: Job | None = None


def make_plan(
    experiment: Experiment, run: RunFolder, *, data: Path | None = None, fresh: bool = False
) -> list[Planned]:
    """Decide for each cell whether it runs, is kept, or cannot run."""
    return [_plan(cell, run, experiment, data, fresh) for cell in experiment.cells]


def count(plan: list[Planned]) -> Counter[str]:
    """How many cells of each status."""
    return Counter(planned.status for planned in plan)


def _plan(cell: Cell, run: RunFolder, experiment: Experiment, data: Path | None, fresh: bool) -> Planned:
    try:
        dataset, task = cell.arm.dataset, cell.arm.task
        bind(dataset.provides, task.needs, dataset=dataset.name, task=describe(task).name)
        folder = experiment.folders.get(dataset.name) or data_folder(dataset, data)
        for part in (task, cell.arm.model):
            _need_extra(part)
        pretraining = cell.arm.pretraining
        others = None if pretraining is None else data_folder(pretraining, data)
        key = cell_key(cell, folder, others)
    except HilumError as error:
        return Planned(cell, "not run", CellFolder(run.cells / cell.readable), reason=str(error))
    stored = run.cell(cell.readable, key)
    job = Job(cell.spec(), str(stored.path), str(folder), key, "" if others is None else str(others))
    status: Status = "keep" if stored.done and not fresh else "run"
    return Planned(cell, status, stored, job=job)


def data_folder(dataset: Any, data: Path | None) -> Path:
    """Where a dataset's files lie; a simulator needs none."""
    if getattr(dataset, "synthetic", False):
        return Path()
    return locate(dataset.name, data)


def cell_key(cell: Cell, folder: Path, others: Path | None = None) -> str:
    """Sixteen hexadecimal digits: specification, data, code, libraries."""
    files = _checksums(cell.arm.dataset, folder, cell.items)
    if others is not None:
        files |= {
            f"others/{name}": found for name, found in _checksums(cell.arm.pretraining, others, cell.others).items()
        }
    return digest(
        {"spec": cell.spec(), "data": files, "code": _code(cell.arm), "versions": versions(_extra_packages(cell.arm))}
    )[:16]


def _checksums(dataset: Any, folder: Path, ids: Sequence[str]) -> dict[str, str]:
    return {name: _checksum(folder / name) for item in find_items(dataset, folder, ids) for name in item.files}


@lru_cache(maxsize=1024)
def _code(arm: Arm) -> str:
    used = (part for part in (arm.dataset, arm.task, arm.model, arm.pretraining) if part is not None)
    parts = [type(each).__module__ for part in used for each in parts_of(part)]
    if arm.search is not None:  # settings are chosen by a metric, which is found and not imported
        parts += [family.module for family in find("metrics").values() if family.facts.get("KIND") == arm.task.kind]
    return code_hash([*parts, runner_for(arm.task.kind).__module__, "hilum.engine.cells"])


def _checksum(path: Path) -> str:
    try:
        stamp = path.stat()
    except FileNotFoundError as error:
        raise DataError("the file is missing", where=str(path), do="Get it with `hilum data get`") from error
    return _checksum_of(path, stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=65536)
def _checksum_of(path: Path, _changed: int, _size: int) -> str:
    return checksum(path)


def _extra_packages(arm: Arm) -> tuple[str, ...]:
    found = {_module_of(part) for whole in (arm.task, arm.model) for part in parts_of(whole)}
    return tuple(sorted(found - {""}))


def _need_extra(component: Any) -> None:
    for part in parts_of(component):
        module = _module_of(part)
        if module and find_spec(module) is None:
            raise HilumError(
                f"{type(part).__name__} needs the extra '{part.extra}'",
                do=f"pip install 'hilum[{part.extra}]' and run again",
            )


def _module_of(part: Any) -> str:
    """The library of a part's extra: the one it names, where an extra has several."""
    return str(getattr(part, "library", "") or EXTRA_MODULES.get(getattr(part, "extra", ""), ""))
