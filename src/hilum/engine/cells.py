"""Run one cell and store it: the function that every executor calls, here or in another process.

A job is plain data, so it crosses a process border and could cross a network. The folder appears whole or not at all.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hilum.core.component import Spec, build
from hilum.core.data import Dataset, Item
from hilum.core.errors import HilumError, unknown
from hilum.core.experiment import Search
from hilum.core.outcome import Outcome
from hilum.core.store import new_folder
from hilum.engine.code_hash import versions

Runner = Callable[..., Iterator[Outcome]]


@dataclass(frozen=True)
class Job:
    """A cell to run.

    Attributes:
        spec: The cell's specification.
        folder: Where it is to be stored.
        data: Where the dataset's files lie.
        key: The cell's key.
    """

    spec: dict[str, Any]
    folder: str
    data: str
    key: str


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
    outcomes = list(
        runner_for(task.kind)(
            task=task,
            model=model,
            protocol=job.spec["protocol"],
            search=None if search is None else _search(search),
            seeds=tuple(job.spec["seeds"]),
            samples=samples,
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


def _load(dataset: Dataset, folder: Path, ids: Sequence[str]) -> list[Any]:
    return [dataset.load(folder, item) for item in find_items(dataset, folder, ids)]


def _search(data: Mapping[str, Any]) -> Search:
    return Search(tuple((name, tuple(values)) for name, values in data["over"]), data["metric"])


def _store(folder: Path, job: Job, outcomes: list[Outcome], seconds: float) -> None:
    import polars as pl

    _json(folder / "spec.json", job.spec)
    _json(folder / "env.json", environment())
    pl.DataFrame([row for o in outcomes for row in o.split], infer_schema_length=None).write_parquet(
        folder / "split.parquet"
    )
    _predictions(outcomes).write_parquet(folder / "predictions.parquet", compression="zstd", compression_level=3)
    pl.DataFrame([row for o in outcomes for row in o.scores], infer_schema_length=None).write_parquet(
        folder / "scores.parquet"
    )
    _json(folder / "evidence.json", {o.item: o.evidence for o in outcomes})
    _json(folder / "preprocess.json", {o.item: o.preprocess for o in outcomes})
    events = [{"item": o.item, **event} for o in outcomes for event in o.log]
    events.append({"event": "cell", "seconds": seconds, "process": os.getpid()})
    (folder / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    _weights(folder / "weights", outcomes)
    (folder / "DONE").write_text(job.key + "\n", encoding="utf-8")


def _predictions(outcomes: list[Outcome]) -> Any:
    import numpy as np
    import polars as pl

    frames = []
    for outcome in outcomes:
        for block in outcome.predictions:
            columns: dict[str, Any] = {
                "item": [outcome.item] * len(block.time),
                "subject": [outcome.subject] * len(block.time),
                "seed": np.full(len(block.time), block.seed, dtype=np.int32),
                "horizon": block.horizon.astype(np.int32),
                "time": block.time.astype(np.int32),
            }
            for index, channel in enumerate(outcome.channels):
                columns[f"target:{channel}"] = np.ascontiguousarray(block.target[:, index])
                columns[f"prediction:{channel}"] = np.ascontiguousarray(block.prediction[:, index])
            schema = {"subject": pl.String}
            frames.append(pl.DataFrame(columns, schema_overrides=schema))
    return pl.concat(frames) if frames else pl.DataFrame()


def _weights(folder: Path, outcomes: list[Outcome]) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    arrays = {f"{o.item}/{name}": np.ascontiguousarray(array) for o in outcomes for name, array in o.weights.items()}
    folder.mkdir()
    if arrays:
        save_file(arrays, folder / "state.safetensors")


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
