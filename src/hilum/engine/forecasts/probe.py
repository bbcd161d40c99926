"""A cheap proof of what a forecast knew: made again from the record cut off there, and with all that follows moved far away."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.kinds.forecast import ForecastModel, ForecastSetting
from hilum.engine.forecasts.stream import Stream, stream_all

Array = NDArray[np.float64]
PERTURBATION = 1000.0  # in the series' unit: far outside any breath, so that a forecaster that looks ahead must move


def probe(
    chosen: list[ForecastModel],
    setting: ForecastSetting,
    values: Array,
    parts: dict[str, tuple[int, int]],
    protocol: str,
    seed: int,
    full: Stream,
) -> dict[str, Any]:
    """Does the forecast made at one sample change when what comes after is cut off, or moved far away?"""
    furthest = max(setting.horizons)
    origin = min(parts["score"][0] + 2 * furthest, len(values) - 1 - furthest)
    cut = values[: origin + 1]
    moved = values.copy()
    moved[origin + 1 :] += PERTURBATION
    found = {}
    ends = {"truncated": cut, "perturbed": moved}
    again = {
        name: _last_forecast(chosen, setting, record, parts["train"][1], protocol, seed, origin)
        for name, record in ends.items()
    }
    for index, horizon in enumerate(setting.horizons):
        reference = full.forecasts[index, origin + horizon]
        found[str(horizon)] = {
            "origin": origin,
            "labels_ahead": full.labels_ahead[index],
            **{
                f"{name}_max_difference": float(np.max(np.abs(forecast[index] - reference)))
                for name, forecast in again.items()
            },
        }
    return found


def _last_forecast(
    chosen: list[ForecastModel],
    setting: ForecastSetting,
    record: Array,
    warm_up: int,
    protocol: str,
    seed: int,
    origin: int,
) -> Array:
    # Room for the forecast beyond a record that was cut off: NaN, which no learner may be given.
    furthest = max(setting.horizons)
    room = np.full((max(0, origin + furthest + 1 - len(record)), record.shape[1]), np.nan)
    longer = np.concatenate([record, room])
    stream = stream_all(chosen, setting, longer, warm_up, protocol, seed, stop=origin + 1)
    return np.stack([stream.forecasts[i, origin + h] for i, h in enumerate(setting.horizons)])
