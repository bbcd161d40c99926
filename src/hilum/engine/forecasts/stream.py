"""Stream a record past a forecaster: the only code that hands out labels.

    causal      at sample t: observe s(t); learn every pair (t - h, t) whose label has just arrived; predict
    published   at sample t: observe s(t); predict; learn the pair (t, t + h) at once, though s(t + h) lies ahead of the clock

The second is the order of operations of the code released with arXiv 2403.01607 and arXiv 2106.01100.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.kinds.forecast import Forecaster, ForecastModel, ForecastSetting

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Stream:
    """What came out of one pass over a record.

    Attributes:
        forecasts: (horizons, samples, channels); entry [i, t] is the forecast of sample t made horizons[i] earlier.
        labels_ahead: For each horizon, by how many samples a label used was later than the clock of the next forecast.
        seconds: Time each sample took, observe to learn.
        forecaster: In its last state.
    """

    forecasts: Array
    labels_ahead: tuple[int, ...]
    seconds: Array
    forecaster: Forecaster


def stream_record(
    model: ForecastModel,
    setting: ForecastSetting,
    values: Array,
    warm_up: int,
    protocol: str,
    seed: int,
    *,
    stop: int | None = None,
    forecaster: Forecaster | None = None,
) -> Stream:
    """Pass `values` (samples, channels) once, up to sample `stop` (exclusive; all by default).

    A `forecaster` that has run before may be passed on; it then begins with what it knows.
    """
    horizons = setting.horizons
    total = len(values)
    forecasts = np.full((len(horizons), total, setting.channels), np.nan)
    forecaster = forecaster or model.start(setting, values[:warm_up], seed)
    ahead = [0] * len(horizons)
    end = total if stop is None else stop
    seconds = np.empty(end)
    for t in range(end):
        began = time.perf_counter()
        forecaster.observe(values[t])
        if protocol == "causal":
            for horizon in horizons:
                if t >= horizon:
                    forecaster.learn(t - horizon, horizon, values[t])
        out = forecaster.predict()
        if protocol == "published":
            for index, horizon in enumerate(horizons):
                if t + horizon < total:
                    forecaster.learn(t, horizon, values[t + horizon])
                    ahead[index] = max(ahead[index], horizon - 1)
        seconds[t] = time.perf_counter() - began
        for index, horizon in enumerate(horizons):
            if t + horizon < total:
                forecasts[index, t + horizon] = out[index]
    return Stream(forecasts, tuple(ahead), seconds, forecaster)


def stream_all(
    chosen: list[ForecastModel],
    setting: ForecastSetting,
    values: Array,
    warm_up: int,
    protocol: str,
    seed: int,
    **only: Any,
) -> Stream:
    """Stream each distinct chosen setting with the horizons that chose it, and put the forecasts together."""
    merged: Stream | None = None
    groups: dict[ForecastModel, list[int]] = {}
    for index, model in enumerate(chosen):
        groups.setdefault(model, []).append(index)
    for model, indices in groups.items():
        part = ForecastSetting(
            setting.channels, tuple(setting.horizons[i] for i in indices), setting.seconds_per_sample, setting.unit
        )
        stream = stream_record(model, part, values, warm_up, protocol, seed, **only)
        if len(groups) == 1:
            return stream
        if merged is None:
            shape = (len(setting.horizons), *stream.forecasts.shape[1:])
            merged = Stream(
                np.full(shape, np.nan), (0,) * len(chosen), np.zeros_like(stream.seconds), stream.forecaster
            )
        merged.forecasts[indices] = stream.forecasts
        ahead = list(merged.labels_ahead)
        for position, index in enumerate(indices):
            ahead[index] = stream.labels_ahead[position]
        merged = Stream(merged.forecasts, tuple(ahead), merged.seconds + stream.seconds, stream.forecaster)
    assert merged is not None
    return merged
