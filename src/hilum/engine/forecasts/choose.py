"""Choose a forecaster's settings on the part that the task sets aside, horizon by horizon.

Candidates are compared by the search's metric on the choosing part, each run with as many seeds as the search asks for; those with more
failed runs (forecasts that are not finite) than the fewest are set aside first, as arXiv 2403.01607 does. The first of equals wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hilum.core.component import change
from hilum.core.errors import UsageError
from hilum.core.experiment import Search
from hilum.core.kinds.forecast import ForecastModel, ForecastSetting
from hilum.core.metric import Metric
from hilum.engine.forecasts.stream import stream_record
from hilum.metrics.forecast import METRICS, statistics

Array = NDArray[np.float64]
Parts = dict[str, tuple[int, int]]
# From a candidate and a seed, the model that is started: itself, or itself pretrained on other recordings.
Ready = Callable[[ForecastModel, int], ForecastModel]


def choose(
    model: ForecastModel,
    search: Search | None,
    setting: ForecastSetting,
    values: Array,
    parts: Parts,
    protocol: str,
    seed: int,
    points: int,
    ready: Ready = lambda candidate, _: candidate,
) -> list[ForecastModel]:
    """For each horizon the candidate with the best `search.metric` before scoring begins; the first wins a tie.

    Only samples before the scored part are passed on, so no choice can see a figure it will be judged by.

    Args:
        model: The settings that candidates are made from.
        search: What to choose from; None keeps the model.
        setting: Channels, horizons, sampling.
        values: (samples, channels), the whole record.
        parts: First sample and end of "train", "choose" and "score".
        protocol: When labels are handed out, where the search does not say.
        seed: The first seed that stochastic candidates are run with.
        points: Points in space (see hilum.metrics.forecast).
        ready: Makes a candidate ready to start.
    """
    if search is None:
        return [model] * len(setting.horizons)
    metric = next((m for m in METRICS if m.name == search.metric), None)
    if metric is None:
        raise UsageError(
            f"there is no forecast metric '{search.metric}'", where="Search", do="See `hilum show forecast`"
        )
    names = [name for name, _ in search.over]
    seeds = range(seed, seed + (search.seeds if getattr(model, "stochastic", False) else 1))
    best = [(len(seeds) + 1, np.inf)] * len(setting.horizons)
    chosen: list[ForecastModel] = [model] * len(setting.horizons)
    for combination in product(*(candidates for _, candidates in search.over)):
        candidate: ForecastModel = change(model, **dict(zip(names, combination, strict=True)))
        losses = [
            _losses(ready(candidate, one), metric, setting, values, parts, search.protocol or protocol, one, points)
            for one in seeds
        ]
        for index, found in enumerate(np.array(losses).T):
            finite = found[np.isfinite(found)]
            rank = (len(found) - len(finite), float(finite.mean()) if len(finite) else np.inf)
            if rank < best[index]:
                best[index], chosen[index] = rank, candidate
    return chosen


def _losses(
    candidate: ForecastModel,
    metric: Metric,
    setting: ForecastSetting,
    values: Array,
    parts: Parts,
    protocol: str,
    seed: int,
    points: int,
) -> list[float]:
    """What each horizon loses, by the metric: lower is better."""
    found = []
    for target, forecast in compared(candidate, setting, values[: parts["choose"][1]], parts, protocol, seed):
        row = statistics(target, forecast, points=points, seconds_per_sample=setting.seconds_per_sample)
        score = metric({name: np.array([value]) for name, value in row.items()}).value
        found.append(-score if metric.direction == "higher" else score)
    return found


def compared(
    candidate: ForecastModel,
    setting: ForecastSetting,
    known: Array,
    parts: Parts,
    protocol: str,
    seed: int,
) -> Iterator[tuple[Array, Array]]:
    """For each horizon, the samples of the choosing part and a candidate's forecasts of them.

    A model that is fitted once is compared on what lies after its fitting part. As published, the fitted map is also applied to
    origins before the end of that part; causally, only forecasts made from there on count.
    """
    stream = stream_record(candidate, setting, known, parts["train"][1], protocol, seed)
    ready = round(getattr(candidate, "fit_seconds", 0.0) / setting.seconds_per_sample)
    if ready and protocol == "published":
        stream = stream_record(
            candidate, setting, known, parts["train"][1], protocol, seed, forecaster=stream.forecaster
        )
    for index, horizon in enumerate(setting.horizons):
        made = ready - 1 + horizon if ready and protocol == "causal" else ready
        first = max(parts["choose"][0], made)
        yield known[first:], stream.forecasts[index, first:]
