"""Figures: from the scores that cells stored to one number, by a stated estimand. Recomputed whenever asked, in seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.binding import Estimand
from hilum.core.experiment import Arm, Cell
from hilum.core.finder import find
from hilum.core.metric import Metric, Score
from hilum.core.row import Estimate, Range, UnitValue
from hilum.core.run import CellFolder
from hilum.metrics.stats import pooled_interval, subject_interval

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]


@dataclass(frozen=True)
class ArmScores:
    """What is stored of one arm.

    Attributes:
        arm: The arm.
        frame: Rows of scores.parquet of its finished cells.
        cells: Every cell of the arm in this run, with its folder.
        rows: By metric, (item, horizon, seed, value) of every row, made when first asked for: a paper asks for hundreds of figures of
            one metric.
    """

    arm: Arm
    frame: pl.DataFrame
    cells: tuple[tuple[Cell, CellFolder], ...]
    # Not handed on by `replace`: other rows have other values.
    rows: dict[str, list[tuple[Any, ...]]] = field(init=False, default_factory=dict, compare=False, repr=False)

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
        return tuple(sorted(self.frame["horizon"].unique().to_list())) if "horizon" in self.frame.columns else ()

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

    columns = columns_of(scores.frame, metric)
    values = [
        metric({need: column[i : i + 1] for need, column in columns.items()}).value for i in range(scores.frame.height)
    ]
    return scores.frame.select("item", "seed", "horizon", "horizon_s").with_columns(
        pl.Series("value", values, dtype=pl.Float64)
    )


def columns_of(frame: pl.DataFrame, metric: Metric) -> dict[str, Array]:
    """The columns that a metric reads: those it names, and class probabilities where there are any."""
    import polars as pl

    names = [name for name in frame.columns if name in metric.needs or name.startswith("p:")]
    return {name: frame[name].cast(pl.Float64).to_numpy() for name in names}


def estimate(scores: ArmScores, metric: Metric, estimand: Estimand, *, interval: bool = True) -> Estimate:
    """The figure that an estimand asks for.

    Of units, seeds, horizons and units are averaged in the stated order; seeds whose forecast is not finite are left out of a
    unit's mean, as the papers do, and HIL020 counts them. Of folds or of all rows, rows are pooled first.
    """
    if not scores.frame.height:
        return Estimate(None, None, reason="no cell of this arm is finished")
    if estimand.pool == "unit":
        return _of_units(scores, metric, estimand)
    return _of_pooled_rows(scores.frame, metric, estimand, interval)


def usual_estimand(scores: ArmScores, metric: Metric) -> Estimand:
    """What a figure is where no claim says otherwise: of recordings their mean, of tables all test rows pooled.

    A figure of ranks (AUROC) is made fold by fold and averaged, since scores of different folds' models are on different scales: pooled, a
    constant predictor would fall below one half. Where a fold lacks a class, it is pooled after all.
    """
    unit = scores.arm.task.unit
    if scores.horizons or not scores.frame.height:
        return Estimand(unit)
    columns = columns_of(scores.frame, metric)
    fold = scores.frame["fold"].to_numpy()
    by_fold = metric.pooling == "ranks" and all(score.defined for score in _figures(metric, columns, fold).values())
    return Estimand(unit, pool="fold" if by_fold else "all")


def _of_units(scores: ArmScores, metric: Metric, estimand: Estimand) -> Estimate:
    if metric.name not in scores.rows:
        scores.rows[metric.name] = row_values(scores, metric).select("item", "horizon", "seed", "value").rows()
    rows = [
        row
        for row in scores.rows[metric.name]
        if (not estimand.horizons or row[1] in estimand.horizons)
        and (not estimand.items or row[0] in estimand.items)
        and math.isfinite(row[3])
    ]
    if not rows:
        return Estimate(None, None, reason="undefined for every unit")
    per_unit = dict(_average(rows, 0))
    per_seed = [value for _, value in _average(rows, 2)]
    values = [per_unit[item] for item in sorted(per_unit)]
    interval, reason = _interval(values, metric)
    units = tuple(UnitValue(item, per_unit[item]) for item in sorted(per_unit))
    return Estimate(float(np.mean(values)), interval, reason, units, tuple(per_seed))


def _of_pooled_rows(frame: pl.DataFrame, metric: Metric, estimand: Estimand, interval: bool) -> Estimate:
    """One figure a fold and seed, or a seed, then the mean; the interval draws subjects again, the same in every group."""
    columns = columns_of(frame, metric)
    seeds, seed = np.unique(frame["seed"].to_numpy(), return_inverse=True)
    folds, fold = np.unique(frame["fold"].to_numpy(), return_inverse=True)
    cell = seed * len(folds) + fold
    by_cell = _figures(metric, columns, cell)
    groups = cell if estimand.pool == "fold" else seed
    figures = by_cell if estimand.pool == "fold" else _figures(metric, columns, seed)
    per_seed = [
        float(np.mean([figures[group].value for group in np.unique(groups[seed == one])])) for one in range(len(seeds))
    ]
    per_fold = tuple(
        UnitValue(str(name), _mean([by_cell[group] for group in np.unique(cell[fold == one])]))
        for one, name in enumerate(folds)
    )
    value = float(np.mean(per_seed))
    if not math.isfinite(value):
        reason = next((score.reason for score in figures.values() if not score.defined), "undefined")
        return Estimate(None, None, reason=reason, per_fold=per_fold)
    if not interval:
        return Estimate(value, None, "not asked for", (), tuple(per_seed), per_fold)
    made = pooled_interval(columns, frame["subject"].to_numpy(), metric, groups=groups)
    found = Range(made.low, made.high, made.method, made.n, made.note) if made.defined else None
    return Estimate(value, found, "" if found else made.note, (), tuple(per_seed), per_fold)


def _mean(scores: list[Score]) -> float | None:
    """The mean of a fold's figures over its seeds; None where one is undefined."""
    mean = float(np.mean([score.value for score in scores]))
    return mean if math.isfinite(mean) else None


def _figures(metric: Metric, columns: dict[str, Array], groups: Array) -> dict[int, Score]:
    """The metric of each group's rows."""
    return {
        int(group): metric({name: column[groups == group] for name, column in columns.items()})
        for group in np.unique(groups)
    }


def _average(rows: Iterable[tuple[Any, Any, Any, float]], keep: int) -> list[tuple[Any, float]]:
    """Means over all but one of (item, horizon, seed), by that one, ascending.

    Seeds are averaged first, then horizons, then items, so that a lost seed does not change a unit's weight.
    """
    found = {row[:3]: [row[3]] for row in rows}
    for place in (2, 1, 0):
        if place != keep:
            groups: dict[tuple[Any, ...], list[float]] = {}
            for key, values in found.items():
                groups.setdefault((*key[:place], None, *key[place + 1 :]), []).append(sum(values) / len(values))
            found = groups
    return sorted((key[keep], sum(values) / len(values)) for key, values in found.items())


def _interval(values: Iterable[float], metric: Metric) -> tuple[Range | None, str]:
    units = np.asarray(list(values), dtype=np.float64)
    # Errors are positive and skewed over people: their interval is made on the log scale.
    positive = metric.direction == "lower" and metric.bounds[0] >= 0 and math.isinf(metric.bounds[1])
    found = subject_interval(units, scale="log" if positive and bool((units > 0).all()) else "linear")
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return None, found.note
    return Range(found.low, found.high, found.method, found.n, found.note), ""
