"""What a plan of forecast cells would cost, from a slice of each arm: measured on this machine, then extrapolated.

Slice       a dozen candidates of the arm's search, evenly spaced, or its one setting; each streams past the first samples of the first
            recording, two horizons at most, until its history is full (until it is fitted, where it is fitted once)
Symbols     c      seconds a sample and horizon, the median of the last samples of the slice, averaged over candidates
            f      seconds of the one fit a horizon, averaged over candidates; 0 for most models
            H, L   horizons, samples of the recording;   L_c  samples up to the end of the choosing part
            N, S_c candidates and runs of each;          S    seeds of the cell;     p    seconds of pretraining
Cell        N S_c H (c L_c + f)  +  S H (c L + f)  +  two probes of about H (c L_c + f)  +  p (N S_c + S)
Deviations  Horizons are taken to cost the same, candidates to be chosen evenly; scoring and writing are left out (a second a cell).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np

from hilum.core.component import change
from hilum.core.experiment import Arm, Cell
from hilum.core.kinds.forecast import ForecastSetting, Pretrainable, Recording
from hilum.engine.cells import find_items
from hilum.engine.forecasts.stream import stream_record
from hilum.engine.forecasts.views import views_of

CANDIDATES = 12
LAST = 20  # samples that the time of one is taken from


@dataclass(frozen=True)
class Slice:
    """What was measured of an arm.

    Attributes:
        candidates: How many settings its search holds; 1 without one.
        views: In how many ways a sample becomes a series; each is tried.
        per_sample: Seconds a sample and horizon.
        per_fit: Seconds of the one fit, a horizon.
        pretraining: Seconds of one pretraining.
        horizons: How many are asked for.
        choosing: Samples up to the end of the choosing part.
    """

    candidates: int
    views: int
    per_sample: float
    per_fit: float
    pretraining: float
    horizons: int
    choosing: int

    def seconds(self, arm: Arm, samples: int, seeds: int) -> float:
        """Of a cell on a recording of that many samples."""
        once = self.horizons * (self.per_sample * self.choosing + self.per_fit)
        whole = self.horizons * (self.per_sample * samples + self.per_fit)
        runs = 0
        if arm.search is not None:
            runs = self.candidates * (arm.search.seeds if getattr(arm.model, "stochastic", False) else 1) * self.views
        twice = 2 if self.per_fit and arm.protocol == "published" else 1  # a fitted map is compared on a second pass
        return runs * twice * once + seeds * whole + 2 * once + self.pretraining * (runs + seeds)


def measure(cell: Cell, folder: Path, others: Path | None = None) -> Slice:
    """Time a slice of a cell's arm on its first recording."""
    arm = cell.arm
    views = views_of(arm.task, _load(arm.dataset, folder, cell.items[0]))
    series = views[0].series
    horizons = arm.task.horizons(series.seconds_per_sample)
    parts = arm.task.parts(len(series.values), series.seconds_per_sample)
    setting = ForecastSetting(
        series.values.shape[1], horizons[:: max(1, len(horizons) - 1)][:2], series.seconds_per_sample, series.unit
    )
    known: tuple[Recording, ...] = ()
    if others is not None:
        known = tuple(views_of(arm.task, _load(arm.pretraining, others, item))[0].series for item in cell.others)
    every = _candidates(arm)
    picked = [every[i] for i in np.unique(np.linspace(0, len(every) - 1, CANDIDATES).astype(int))]
    costs = [_time(candidate, setting, series, parts, arm.protocol, known) for candidate in picked]
    per_sample, per_fit, pretraining = np.mean(costs, axis=0)
    return Slice(
        len(every), len(views), float(per_sample), float(per_fit), float(pretraining), len(horizons), parts["choose"][1]
    )


def samples_of(cell: Cell, folder: Path) -> int:
    """How many samples a cell's recordings have in all."""
    found = (_load(cell.arm.dataset, folder, item) for item in cell.items)
    return sum(len(getattr(sample, "values", getattr(sample, "frames", ()))) for sample in found)


def _load(dataset: Any, folder: Path, item: str) -> Any:
    return dataset.load(folder, find_items(dataset, folder, [item])[0])


def _candidates(arm: Arm) -> list[Any]:
    if arm.search is None:
        return [arm.model]
    names = [name for name, _ in arm.search.over]
    grid = product(*(candidates for _, candidates in arm.search.over))
    return [change(arm.model, **dict(zip(names, values, strict=True))) for values in islice(grid, 1_000_000)]


def _time(
    candidate: Any,
    setting: ForecastSetting,
    series: Recording,
    parts: dict[str, tuple[int, int]],
    protocol: str,
    known: tuple[Recording, ...],
) -> tuple[float, float, float]:
    """Seconds a sample and horizon, of the one fit a horizon, and of pretraining."""
    began = time.perf_counter()
    if known and isinstance(candidate, Pretrainable):
        candidate = candidate.pretrain(known, setting, 0)
    pretraining = time.perf_counter() - began if known else 0.0
    fitted = getattr(candidate, "fit_seconds", 0.0)
    needed = math.ceil(fitted / setting.seconds_per_sample) + getattr(candidate, "history", 0) + max(setting.horizons)
    stop = min(needed + 2 * LAST, len(series.values))
    values = np.ascontiguousarray(series.values)
    # The first pass compiles; what it took is no cost of the method.
    stream_record(candidate, setting, values, parts["train"][1], protocol, 0, stop=min(stop, needed + 2))
    seconds = stream_record(candidate, setting, values, parts["train"][1], protocol, 0, stop=stop).seconds
    per_sample = float(np.median(seconds[-LAST:]))
    per_fit = max(0.0, float(seconds.max()) - per_sample) if fitted else 0.0  # the fit is by far the longest sample
    count = len(setting.horizons)
    return per_sample / count, per_fit / count, pretraining
