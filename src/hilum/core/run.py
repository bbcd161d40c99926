"""Run: what happened? A folder; it holds one Cell folder per cell, and what was computed from them.

    runs/<experiment>/
        run.json       what was asked, when, the plan, and which cells belong to it
        claims.json    one row a claim: claimed, ours, verdict            (rows of `hilum.core.row.Row`)
        checks.json    one row a check and arm                            (rows of `hilum.core.row.CheckRow`)
        report.html    one file, no external request
        figures/
        cells/<readable>-<key>/
            spec.json  env.json  split.parquet  predictions.parquet  scores.parquet  evidence.json  log.jsonl
            weights/  preprocess.json  [REFUSED]  DONE

`DONE` is written last, and the folder appears in one step, so a cell is there whole or not at all. Claims, checks and
reports are made again from the cells in seconds. `REFUSED` says why nothing of a cell can be judged: it holds counts alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.core.errors import HilumError
from hilum.core.experiment import SPEC_VERSION
from hilum.core.store import read_json

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class CellFolder:
    """A stored cell."""

    path: Path

    @property
    def done(self) -> bool:
        """Whether it is finished."""
        return (self.path / "DONE").is_file()

    @property
    def refused(self) -> str:
        """Why nothing of it can be judged, as a sentence; empty where something can."""
        path = self.path / "REFUSED"
        return path.read_text(encoding="utf-8").strip() if path.is_file() else ""

    @property
    def key(self) -> str:
        """The key it was stored under."""
        return self.path.name.rpartition("-")[2]

    def spec(self) -> dict[str, Any]:
        """Its specification.

        Raises:
            HilumError: it was written by a version that this one cannot read.
        """
        spec: dict[str, Any] = read_json(self.path / "spec.json")
        version = spec.get("version")
        if version != SPEC_VERSION:
            raise HilumError(
                f"the cell was written in format {version}, and this hilum reads format {SPEC_VERSION}",
                where=str(self.path),
                do="Run it again; the old folder can be deleted with `hilum runs rm`",
            )
        return spec

    def evidence(self) -> dict[str, Any]:
        """What the checks read."""
        evidence: dict[str, Any] = read_json(self.path / "evidence.json")
        return evidence

    def table(self, name: str) -> pl.DataFrame:
        """One of its tables: "split", "predictions" or "scores"."""
        import polars as pl

        return pl.read_parquet(self.path / f"{name}.parquet")

    @property
    def scores(self) -> Path:
        """The additive statistics, one row a unit, horizon and seed."""
        return self.path / "scores.parquet"

    @property
    def predictions(self) -> Path:
        """The predictions."""
        return self.path / "predictions.parquet"


@dataclass(frozen=True)
class RunFolder:
    """A stored run."""

    path: Path

    @property
    def cells(self) -> Path:
        """Where its cells lie."""
        return self.path / "cells"

    def cell(self, readable: str, key: str) -> CellFolder:
        """The folder of one cell, there or not."""
        return CellFolder(self.cells / f"{readable}-{key}")

    def info(self) -> dict[str, Any]:
        """run.json."""
        info: dict[str, Any] = read_json(self.path / "run.json")
        return info


def open_run(path: Path) -> RunFolder:
    """A run folder that must exist; `path` may be the folder or its name under ./runs."""
    for candidate in (path, Path("runs") / path):
        if (candidate / "run.json").is_file():
            return RunFolder(candidate)
    raise HilumError("there is no run here", where=str(path), do="List the runs with `hilum runs list`")
