"""Run one cell and store it: the function that every executor calls, here or in another process.

A job is plain data, so it crosses a process border and could cross a network. The folder appears whole or not at all.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.core.component import Spec, build
from hilum.core.data import Dataset, Item
from hilum.core.errors import HilumError, unknown
from hilum.core.experiment import Search
from hilum.core.outcome import Block, Outcome
from hilum.core.store import new_folder
from hilum.engine.code_hash import versions

if TYPE_CHECKING:
    import polars as pl

Runner = Callable[..., Iterator[Outcome]]


@dataclass(frozen=True)
class Job:
    """A cell to run.

    Attributes:
        spec: The cell's specification.
        folder: Where it is to be stored.
        data: Where the dataset's files lie.
        key: The cell's key.
        others: Where the files of the pretraining dataset lie, if there is one.
    """

    spec: dict[str, Any]
    folder: str
    data: str
    key: str
    others: str = ""


@dataclass(frozen=True)
class Done:
    """A finished job."""

    folder: str
    seconds: float


def run_job(job: Job) -> Done:
    """Run a cell and store it.

    Raises:
        HilumError: the data, a setting or the disk; nothing is stored.
    """
    began = time.perf_counter()
    dataset, task, model = (build(Spec.from_json(job.spec[part])) for part in ("dataset", "task", "model"))
    samples = _load(dataset, Path(job.data), job.spec["items"])
    search = job.spec["search"]
    # Only a pretrained model is handed other items, so runners of kinds without any need not know of them.
    extra = {"others": _others(job)} if job.spec["others"] else {}
    outcomes = list(
        runner_for(task.kind)(
            task=task,
            model=model,
            protocol=job.spec["protocol"],
            search=None if search is None else Search.from_json(search),
            seeds=tuple(job.spec["seeds"]),
            samples=samples,
            fold=job.spec["fold"],
            control=job.spec["control"],
            **extra,
        )
    )
    seconds = time.perf_counter() - began
    with new_folder(Path(job.folder)) as folder:
        _store(folder, job, outcomes, seconds)
    return Done(job.folder, seconds)


def runner_for(kind: str) -> Runner:
    """The runner of a task kind.

    Raises:
        HilumError: the kind has none yet.
    """
    try:
        module = importlib.import_module(f"hilum.engine.runners.{kind}")
    except ModuleNotFoundError as error:
        raise HilumError(f"no runner for tasks of the kind '{kind}' is built yet", do="See `hilum papers`") from error
    runner: Runner = module.run
    return runner


def find_items(dataset: Dataset, folder: Path, ids: Sequence[str]) -> list[Item]:
    """The items by id, in the order asked for.

    Raises:
        UsageError: an id is not there; the closest is named.
    """
    there = {item.id: item for item in dataset.items(folder)}
    for name in ids:
        if name not in there:
            raise unknown("item", name, there, where=f"dataset '{getattr(dataset, 'name', folder.name)}'")
    return [there[name] for name in ids]


def _load(dataset: Any, folder: Path, ids: Sequence[str]) -> list[Any]:
    items = find_items(dataset, folder, ids)
    return [_sample(dataset, folder, item.id, _stamps(folder, item)) for item in items]


def _others(job: Job) -> list[Any]:
    dataset = build(Spec.from_json(job.spec["pretraining"]))
    return _load(dataset, Path(job.others), job.spec["others"])


@lru_cache(maxsize=4)
def _sample(dataset: Any, folder: Path, name: str, _stamps: tuple[tuple[int, int], ...]) -> Any:
    # The folds of one table are cells of their own: the last few samples are kept, as long as their files do not change.
    return dataset.load(folder, next(item for item in dataset.items(folder) if item.id == name))


def _stamps(folder: Path, item: Item) -> tuple[tuple[int, int], ...]:
    found = [path.stat() for path in (folder / name for name in item.files) if path.is_file()]
    return tuple((stat.st_mtime_ns, stat.st_size) for stat in found)


def _store(folder: Path, job: Job, outcomes: list[Outcome], seconds: float) -> None:
    _json(folder / "spec.json", job.spec)
    _json(folder / "env.json", environment())
    frame_of(block for o in outcomes for block in o.split).write_parquet(folder / "split.parquet")
    predictions = frame_of(block for o in outcomes for block in o.predictions)
    predictions.write_parquet(folder / "predictions.parquet", compression="zstd", compression_level=3)
    frame_of(block for o in outcomes for block in o.scores).write_parquet(folder / "scores.parquet")
    _json(folder / "evidence.json", {o.item: o.evidence for o in outcomes})
    _json(folder / "preprocess.json", {o.item: o.preprocess for o in outcomes})
    events = [{"item": o.item, **event} for o in outcomes for event in o.log]
    events.append({"event": "cell", "seconds": seconds, "process": os.getpid()})
    (folder / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    _weights(folder / "weights", outcomes)
    refused = "; ".join(dict.fromkeys(o.refused for o in outcomes if o.refused))
    if refused:
        (folder / "REFUSED").write_text(refused + "\n", encoding="utf-8")
    (folder / "DONE").write_text(job.key + "\n", encoding="utf-8")


def frame_of(blocks: Iterable[Block]) -> pl.DataFrame:
    """The rows of all blocks as one frame, as they are stored; empty blocks add none."""
    import polars as pl

    text = {"subject": pl.String, "item": pl.String}
    frames = [_filled(block, text) for block in blocks if block]
    return pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()


def _filled(block: Block, kinds: dict[str, Any]) -> pl.DataFrame:
    """A frame of a block; what stands once in it stands in every row."""
    import numpy as np
    import polars as pl

    rows = next(len(value) for value in block.values() if not isinstance(value, str) and np.ndim(value) == 1)
    # An array of one value keeps its type; a list of one text and no array of text, which numpy would pad.
    full = {
        name: value
        if not isinstance(value, str) and np.ndim(value) == 1
        else [value] * rows
        if value is None or isinstance(value, str)
        else np.full(rows, value)
        for name, value in block.items()
    }
    return pl.DataFrame(full, schema_overrides={name: kind for name, kind in kinds.items() if name in full})


def _weights(folder: Path, outcomes: list[Outcome]) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    arrays = {f"{o.item}/{name}": np.ascontiguousarray(array) for o in outcomes for name, array in o.weights.items()}
    folder.mkdir()
    if arrays:
        save_file(arrays, folder / "state.safetensors")
    for outcome in outcomes:
        if outcome.save is not None:
            inner = folder / outcome.item.replace(" ", "-")
            inner.mkdir()
            outcome.save(inner)


def _json(path: Path, data: Any) -> None:
    # Inside a folder that is itself written atomically, so a plain write will do.
    path.write_text(json.dumps(data, indent=1, allow_nan=True) + "\n", encoding="utf-8")


def environment() -> dict[str, Any]:
    """The machine and the versions that numbers depend on."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "packages": versions(("polars", "pyarrow")),
    }
