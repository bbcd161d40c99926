"""The sample refuses what contradicts itself, and says why a recording cannot be used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hilum.core.errors import DataError
from hilum.modalities.video.sample import Video, assess
from tests.modalities.video.files import grey


def video(frames: Any = None, **settings: Any) -> Video:
    values = grey(levels=255).astype(float) if frames is None else frames
    made: dict[str, Any] = {"seconds_per_frame": 0.25, "pixel_mm": 1.5, "levels": 255} | settings
    return Video("one", None, values, **made)


def test_sizes_and_prefix() -> None:
    made = video(region=(0, 12, 0, 9))
    assert (made.count, made.height, made.width, made.seconds) == (5, 12, 9, 1.25)
    assert np.array_equal(made.prefix(2).frames, made.frames[:2])
    assert made.prefix(2).region == made.region


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"frames": np.zeros((4, 4))}, "shape"),
        ({"frames": np.zeros((4, 0, 4))}, "shape"),
        ({"seconds_per_frame": -1.0}, "frame interval"),
        ({"pixel_mm": np.inf}, "pixel size"),
        ({"levels": 0}, "largest grey value"),
        ({"region": (3, 3, 0, 4)}, "region"),
        ({"region": (-1, 3, 0, 4)}, "region"),
        ({"region": (0, 3, 0, 10)}, "region"),
    ],
)
def test_contradictions(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(DataError, match=match):
        video(**settings)


def broken(kind: str) -> Video:
    frames = grey(levels=255).astype(float)
    if kind == "nan":
        frames[2, 0, 0] = np.nan
    if kind == "inf":
        frames[2:4, 0, 0] = np.inf
    if kind == "dark":
        frames[1, 0, 0] = -1.0
    if kind == "flat":
        frames[:] = 7.0
    if kind == "still":
        frames[:] = frames[0]
    return video(frames, levels=100 if kind == "bright" else 255)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("nan", "1 frames hold values that are not finite, the first is frame 2"),
        ("inf", "2 frames hold"),
        ("dark", "grey values from -1"),
        ("bright", "where the bit depth has 0 to 100"),
        ("flat", "flat"),
        ("still", "still"),
    ],
)
def test_what_cannot_be_used_says_why(kind: str, reason: str) -> None:
    assessed = assess(broken(kind))
    assert assessed.quality == 0.0
    assert reason in assessed.reason


def test_what_can_be_used_stays_as_it_is() -> None:
    made = video(reason="note")
    assert assess(made) is made
    assert assess(made, minimum_frames=6).reason == "5 frames where 6 are needed"
    assert assess(made.prefix(1)).reason == "1 frame where 2 are needed"
