"""90 % prediction sets of the best model: how much they leave open, and how often they hold the truth.

Each record's set is cut with out-of-fold predictions of other folds, of subjects other than those of its fold: nobody calibrates his own
set. Seeds and validation parts are judged apart and pooled. Sets are those of hilum.metrics.stats.conformal: "a record".

classes     share of sets with one class, with several, with none; with two classes several is "both"
numbers     median width of the range around the predicted number, ended at 0 where no number can lie below
coverage    mean over subjects of the share of their records that are held, with its 95 % interval over subjects
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.row import Estimate, Range
from hilum.report.numbers import figure, percent
from hilum.report.tables import Tables

if TYPE_CHECKING:
    import polars as pl

    from hilum.metrics.stats.conformal import Conformal

Array = NDArray[np.float64]
ALPHA = 0.1


@dataclass(frozen=True)
class Sets:
    """Of classes or of a number.

    Attributes:
        what: Classes, or the number.
        shape: How much the sets leave open, as name and text.
        coverage: How often they hold the truth; without a figure, why.
        records: How many sets.
    """

    what: str
    shape: tuple[tuple[str, str], ...]
    coverage: Estimate
    records: int

    @property
    def covered(self) -> str:
        """The coverage in per cent, with its interval."""
        if self.coverage.value is None:
            return self.coverage.reason
        span = self.coverage.interval
        told = f"{percent(self.coverage.value)} %"
        return told if span is None else f"{told} ({percent(max(0.0, span.low))} to {percent(min(1.0, span.high))})"


def sets_of(tables: Tables) -> tuple[Sets, ...]:
    """Those of the best model; nothing where no predictions are stored, or where there is one fold and nothing else to cut with."""
    frame = None if tables.best is None else tables.best.rows
    if frame is None or "fold" not in frame.columns or frame["fold"].n_unique() < 2:
        return ()
    frame = _known(frame)
    found = []
    if any(name.startswith("p:") for name in frame.columns):
        found.append(_classes(tables, frame.drop("beside", "number", "prediction", strict=False)))
    pair = ("beside", "number") if {"beside", "number"} <= set(frame.columns) else ("target", "prediction")
    if set(pair) <= set(frame.columns):
        names = [name for name in frame.columns if not name.startswith("p:")]
        found.append(_numbers(tables, frame.select(names).drop_nulls(pair), pair))
    return tuple(one for one in found if one is not None)


def _known(frame: pl.DataFrame) -> pl.DataFrame:
    """With a column of whose each record is: a subject, or the record itself."""
    import polars as pl

    record = "record " + pl.col("item").cast(pl.String)
    whose = (
        pl.coalesce("subject " + pl.col("subject").cast(pl.String), record) if "subject" in frame.columns else record
    )
    return frame.with_columns(whose.alias("whose"))


def _cuts(frame: pl.DataFrame) -> list[tuple[pl.DataFrame, Conformal]]:
    """Every fold of every seed, and what the other folds and other subjects of that seed cut its sets with."""
    from hilum.metrics.stats.conformal import from_predictions

    found = []
    for _, own in frame.group_by("seed", maintain_order=True):
        for (fold,), tested in own.group_by("fold", maintain_order=True):
            others = own.filter(own["fold"] != fold).join(tested.select("whose"), on="whose", how="anti")
            if others.height:
                found.append((tested, from_predictions(others, ALPHA)))
    return found


def _classes(tables: Tables, frame: pl.DataFrame) -> Sets | None:
    cuts = _cuts(frame)
    if not cuts:
        return None
    names = [f"p:{k}" for k in range(len(tables.classes))]
    inside = np.concatenate([cut.sets(tested.select(names).to_numpy()) for tested, cut in cuts])
    true = np.concatenate([tested["target"].to_numpy() for tested, _ in cuts]).astype(np.intp)
    counted = inside.sum(axis=1)
    shares = (
        ("one class", counted == 1),
        ("both classes" if len(names) == 2 else "several classes", counted > 1),
        ("no class", counted == 0),
    )
    shape = tuple((name, f"{percent(float(each.mean()))} %") for name, each in shares)
    return Sets("classes", shape, _covered(inside[np.arange(len(true)), true], cuts), len(true))


def _numbers(tables: Tables, frame: pl.DataFrame, pair: tuple[str, str]) -> Sets | None:
    cuts = _cuts(frame) if frame.height else []
    if not cuts:
        return None
    ends = [cut.intervals(tested[pair[1]].to_numpy()) for tested, cut in cuts]
    low, high = (np.concatenate([each[side] for each in ends]) for side in (0, 1))
    true = np.concatenate([tested[pair[0]].to_numpy() for tested, _ in cuts])
    width = float(np.median(high - low))
    unit = " days" if pair[0] == "beside" else f" {tables.unit}" if tables.unit else ""
    told = f"{figure(width, 3)}{unit}" if math.isfinite(width) else "everything: too few subjects"
    what = "remaining days" if pair[0] == "beside" else "the outcome"
    return Sets(what, (("median width", told),), _covered((low <= true) & (true <= high), cuts), len(true))


def _covered(held: NDArray[np.bool_], cuts: list[tuple[pl.DataFrame, Any]]) -> Estimate:
    from hilum.metrics.stats.conformal import coverage

    whose = np.concatenate([tested["whose"].to_numpy().astype(str) for tested, _ in cuts])
    value, made = coverage(held, whose)
    interval = Range(made.low, made.high, made.method, made.n, made.note) if made.defined else None
    return Estimate(value, interval, "" if interval else made.note)
