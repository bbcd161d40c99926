"""Figures: from the scores that cells stored to one number, by a stated estimand. Recomputed whenever asked, in seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from hilum.core.binding import Estimand
from hilum.core.experiment import Arm, Cell
from hilum.core.finder import find
from hilum.core.metric import Metric
from hilum.core.row import Estimate, Range, UnitValue
from hilum.core.run import CellFolder
from hilum.metrics.stats import subject_interval

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class ArmScores:
    """What is stored of one arm.

    Attributes:
        arm: The arm.
        frame: Rows of scores.parquet of its finished cells.
        cells: Every cell of the arm in this run, with its folder.
    """

    arm: Arm
    frame: pl.DataFrame
    cells: tuple[tuple[Cell, CellFolder], ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Items whose cell is not finished."""
        return tuple(item for cell, folder in self.cells if not folder.done for item in cell.items)

    @property
    def items(self) -> tuple[str, ...]:
        """Items that were scored."""
        return tuple(sorted(self.frame["item"].unique().to_list())) if self.frame.height else ()

    @property
    def horizons(self) -> tuple[int, ...]:
        """Horizons that were scored, in samples."""
        return tuple(sorted(self.frame["horizon"].unique().to_list())) if self.frame.height else ()

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds that were scored."""
        return tuple(sorted(self.frame["seed"].unique().to_list())) if self.frame.height else ()


def read_scores(arm: Arm, cells: Sequence[tuple[Cell, CellFolder]]) -> ArmScores:
    """Gather the scores of an arm's finished cells."""
    import polars as pl

    frames = [pl.read_parquet(folder.scores) for _, folder in cells if folder.done]
    frame = pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()
    return ArmScores(arm, frame, tuple(cells))


@lru_cache(maxsize=64)
def metrics_of(kind: str) -> Mapping[str, Metric]:
    """Every metric of a task kind, by name, from whichever package it comes."""
    found: dict[str, Metric] = {}
    for family in find("metrics").values():
        if family.facts.get("KIND") == kind:
            found.update({metric.name: metric for metric in family.load().METRICS})
    return found


def row_values(scores: ArmScores, metric: Metric) -> pl.DataFrame:
    """item, seed, horizon, horizon_s, value: the metric of every stored row on its own."""
    import polars as pl

    columns = {need: scores.frame[need].cast(pl.Float64).to_numpy() for need in metric.needs}
    values = [
        metric({need: column[i : i + 1] for need, column in columns.items()}).value for i in range(scores.frame.height)
    ]
    return scores.frame.select("item", "seed", "horizon", "horizon_s").with_columns(
        pl.Series("value", values, dtype=pl.Float64)
    )


def estimate(scores: ArmScores, metric: Metric, estimand: Estimand) -> Estimate:
    """The figure that an estimand asks for: seeds, horizons and units averaged in the stated order.

    Seeds whose forecast is not finite are left out of a unit's mean, as the papers do; HIL020 counts them.
    """
    import polars as pl

    if not scores.frame.height:
        return Estimate(None, None, reason="no cell of this arm is finished")
    rows = row_values(scores, metric)
    if estimand.horizons:
        rows = rows.filter(pl.col("horizon").is_in(estimand.horizons))
    if estimand.items:
        rows = rows.filter(pl.col("item").is_in(estimand.items))
    rows = rows.filter(pl.col("value").is_finite())
    if not rows.height:
        return Estimate(None, None, reason="undefined for every unit")
    per_unit = dict(_average(rows, "item"))
    per_seed = [value for _, value in _average(rows, "seed")]
    values = [per_unit[item] for item in sorted(per_unit)]
    interval, reason = _interval(values, metric)
    units = tuple(UnitValue(item, per_unit[item]) for item in sorted(per_unit))
    return Estimate(float(np.mean(values)), interval, reason, units, tuple(per_seed))


def _average(rows: pl.DataFrame, keep: str) -> list[tuple[str, float]]:
    import polars as pl

    dimensions = [name for name in ("item", "horizon", "seed") if name != keep]
    frame = rows
    # Seeds are averaged first, then horizons, then items, so that a lost seed does not change a unit's weight.
    for name in [d for d in ("seed", "horizon", "item") if d in dimensions]:
        dimensions.remove(name)
        frame = frame.group_by([keep, *dimensions], maintain_order=True).agg(pl.col("value").mean())
    frame = frame.sort(keep)
    return list(zip(frame[keep].to_list(), frame["value"].to_list(), strict=True))


def _interval(values: Iterable[float], metric: Metric) -> tuple[Range | None, str]:
    units = np.asarray(list(values), dtype=np.float64)
    # Errors are positive and skewed over people: their interval is made on the log scale.
    positive = metric.direction == "lower" and metric.bounds[0] >= 0 and math.isinf(metric.bounds[1])
    found = subject_interval(units, scale="log" if positive and bool((units > 0).all()) else "linear")
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return None, found.note
    return Range(found.low, found.high, found.method, found.n, found.note), ""
