"""Outcome: what a runner hands back for one item, before it is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PredictionBlock:
    """Predictions of one seed, one row each.

    Attributes:
        seed: The seed.
        horizon: (rows,) samples ahead; 0 where the kind has no horizon.
        time: (rows,) index of the target within the item.
        target: (rows, channels).
        prediction: (rows, channels).
    """

    seed: int
    horizon: NDArray[np.int64]
    time: NDArray[np.int64]
    target: NDArray[np.float64]
    prediction: NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """Everything a cell stores of one item.

    Attributes:
        item: Item id.
        subject: Whose item it is, or None.
        split: Rows of split.parquet.
        predictions: Blocks of predictions.parquet, one a seed.
        channels: Names of the target's channels.
        scores: Rows of scores.parquet: the additive statistics of each unit, horizon and seed.
        evidence: What the checks read: the same bits on any machine and executor.
        log: What may differ between runs: times.
        weights: The first seed's arrays, by name.
        preprocess: What was fitted, on what.
    """

    item: str
    subject: str | None
    split: list[dict[str, Any]]
    predictions: list[PredictionBlock]
    channels: tuple[str, ...]
    scores: list[dict[str, Any]]
    evidence: dict[str, Any]
    log: list[dict[str, Any]] = field(default_factory=list)
    weights: dict[str, NDArray[Any]] = field(default_factory=dict)
    preprocess: dict[str, Any] = field(default_factory=dict)
