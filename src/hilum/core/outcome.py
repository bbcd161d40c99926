"""Outcome: what a runner hands back for one item (or one fold), before it is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Column name to one entry a row; a scalar stands for every row of the block.
Block = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """Everything a cell stores of one item, or of one fold of a table.

    Attributes:
        item: Item id; "fold 0", ... where the cell is a fold.
        split: Blocks of split.parquet.
        predictions: Blocks of predictions.parquet.
        scores: Blocks of scores.parquet: what metrics read, additive statistics of a unit or single predictions.
        evidence: What the checks read: the same bits on any machine and executor.
        log: What may differ between runs: times.
        weights: The first seed's arrays, by name.
        save: Writes a fitted model into an empty folder inside `weights/`, where it is more than arrays.
        preprocess: What was fitted, on what.
        refused: Why nothing of it can be judged, as a sentence; then it holds counts as evidence and nothing else. A reason, no failure.
    """

    item: str
    split: list[Block]
    predictions: list[Block]
    scores: list[Block]
    evidence: dict[str, Any]
    log: list[dict[str, Any]] = field(default_factory=list)
    weights: dict[str, NDArray[Any]] = field(default_factory=dict)
    save: Callable[[Path], None] | None = None
    preprocess: dict[str, Any] = field(default_factory=dict)
    refused: str = ""


def columns(rows: list[dict[str, Any]]) -> Block:
    """Rows of one shape as a block of columns."""
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def channel_columns(target: NDArray[np.float64], prediction: NDArray[np.float64], channels: tuple[str, ...]) -> Block:
    """Columns `target:NAME` and `prediction:NAME` of arrays of shape (rows, channels)."""
    found: dict[str, Any] = {}
    for index, channel in enumerate(channels):
        found[f"target:{channel}"] = np.ascontiguousarray(target[:, index])
        found[f"prediction:{channel}"] = np.ascontiguousarray(prediction[:, index])
    return found
