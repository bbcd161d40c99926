"""Kept forecasts: a few forecast frames beside the recorded ones as small arrays, to be stored with a run and drawn later.

time                 (n,)                          which frames of the recording, consecutive
true, forecast       (n, height, width)            8 bit; times `grey` they are grey values
field                (n, 2, height / 4, width / 4) displacement from frame 0, pixels, at every fourth pixel, half precision; or absent
region               (4,)                          or absent
grey, levels, pixel_mm, seconds_per_frame, start_s (1,)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.modalities.video.sample import Video
from hilum.modalities.video.view import Forecast

ARROW_STEP = 4  # an arrow is drawn about every twelfth pixel


def keep_forecasts(video: Video, forecasts: Sequence[Forecast]) -> dict[str, NDArray[Any]]:
    """Small arrays of a few forecasts of consecutive frames; see the head of this file."""
    times = np.array([one.frame for one in forecasts], dtype=np.int32)
    true, pictures = video.frames[times], np.stack([one.picture for one in forecasts])
    grey = max(float(true.max()), float(pictures.max()), 1.0) / 255.0
    kept: dict[str, NDArray[Any]] = {
        "time": times,
        "true": np.rint(true / grey).astype(np.uint8),
        "forecast": np.rint(pictures / grey).astype(np.uint8),
        "grey": np.array([grey]),
        "levels": np.array([video.levels]),
        "pixel_mm": np.array([video.pixel_mm]),
        "seconds_per_frame": np.array([video.seconds_per_frame]),
        "start_s": np.array([video.start_s]),
    }
    fields = [one.field for one in forecasts if one.field is not None]
    if fields:
        kept["field"] = np.stack(fields)[:, :, ::ARROW_STEP, ::ARROW_STEP].astype(np.float16)
    if video.region is not None:
        kept["region"] = np.array(video.region, dtype=np.int32)
    return kept


def kept_forecasts(
    kept: Mapping[str, NDArray[Any]], *, item: str = "kept", reason: str = ""
) -> tuple[Video, tuple[Forecast, ...]]:
    """A recording of the kept frames alone and the forecasts of them, as `draw_forecast` and `animate_forecasts` take them.

    Args:
        kept: What `keep_forecasts` made.
        item: Name of the recording.
        reason: What a reader must know: "synthetic" is then drawn into every picture.
    """
    numbers = {name: float(kept[name][0]) for name in ("grey", "levels", "pixel_mm", "seconds_per_frame", "start_s")}
    region = tuple(int(each) for each in kept["region"]) if "region" in kept else None
    video = Video(
        item,
        None,
        kept["true"] * numbers["grey"],
        numbers["seconds_per_frame"],
        numbers["pixel_mm"],
        round(numbers["levels"]),
        region,  # type: ignore[arg-type]
        numbers["start_s"] + int(kept["time"][0]) * numbers["seconds_per_frame"],
        reason=reason,
    )
    fields = [_whole(field, video) for field in kept["field"]] if "field" in kept else [None] * len(kept["time"])
    pictures = kept["forecast"] * numbers["grey"]
    return video, tuple(Forecast(n, pictures[n], fields[n]) for n in range(len(pictures)))


def _whole(field: NDArray[Any], video: Video) -> NDArray[np.float64]:
    """At every pixel again: each takes the kept value before it."""
    rows, columns = np.arange(video.height) // ARROW_STEP, np.arange(video.width) // ARROW_STEP
    return field.astype(np.float64)[:, rows[:, None], columns]
