"""Pictures are read back pixel by pixel: each panel shows what it says, scales are shared, synthetic data say so."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hilum.core.errors import DataError
from hilum.modalities.video.sample import Video
from hilum.modalities.video.simulate import simulate_video
from hilum.modalities.video.view import (
    GAP_INCHES,
    HEAD_INCHES,
    PANEL_INCHES,
    Forecast,
    animate_forecasts,
    draw_forecast,
)

Array = NDArray[np.float64]
DPI = 100


def recording(reason: str = "") -> Video:
    frames = np.zeros((3, 40, 40))
    frames[:, :, 20:] = 100.0
    return Video("one", None, frames, 0.5, 2.0, 255, reason=reason)


def panels(png: bytes, count: int = 4) -> list[Array]:
    """Each panel's pixels, (250, 250, 3), without its rim."""
    picture = np.asarray(Image.open(BytesIO(png)).convert("RGB"), dtype=float)
    found = []
    for number in range(count):
        left = round(DPI * (GAP_INCHES + number * (PANEL_INCHES + GAP_INCHES)))
        top = round(DPI * HEAD_INCHES)
        found.append(picture[top + 5 : top + 245, left + 5 : left + 245])
    return found


def coloured(panel: Array) -> float:
    """Share of the pixels that are no grey."""
    return float((np.ptp(panel, axis=2) > 30).mean())


def test_each_panel_shows_what_it_says() -> None:
    video = recording()
    ahead = video.frames[1].copy()
    ahead[:20] += 50.0
    ahead[20:, 20:] -= 60.0
    field = np.zeros((2, 40, 40))
    field[0, :20] = 8.0
    true, forecast, difference, moved = panels(draw_forecast(video, Forecast(1, ahead, field), dpi=DPI))
    assert true[:200, 50:115].mean() < 5  # away from the bar of 20 mm at the bottom left
    assert true[:, 130:].mean() > 250
    assert forecast[:115, 130:].mean() > 250  # 150 of at most 100: saturated
    assert forecast[130:, 130:].mean() == pytest.approx(0.4 * 255, abs=6)
    above, same, below = difference[:115, 50:115], difference[130:, :115], difference[130:, 130:]
    assert (above[..., 0] > above[..., 2] + 60).all()  # red: the forecast is brighter
    assert (below[..., 2] > below[..., 0] + 60).all()  # blue: it is darker
    assert np.ptp(same.mean(axis=(0, 1))) < 3
    assert coloured(true) == coloured(forecast) == 0
    assert coloured(moved[:115]) > 0.05  # arrows where there is displacement
    assert coloured(moved[135:]) == 0


def test_the_region_is_outlined_and_its_absence_is_not() -> None:
    video = recording()
    with_region = replace(video, region=(5, 35, 5, 35))
    one = Forecast(1, video.frames[1])
    assert coloured(panels(draw_forecast(video, one, dpi=DPI), 3)[0]) == 0
    assert coloured(panels(draw_forecast(with_region, one, dpi=DPI), 3)[0]) > 0.005


def test_synthetic_data_say_so() -> None:
    pictures = []
    for reason in ("", "synthetic"):
        video = recording(reason)
        png = draw_forecast(video, Forecast(1, video.frames[1], np.zeros((2, 40, 40))), horizon=2, model="m", dpi=DPI)
        pictures.append(np.asarray(Image.open(BytesIO(png)).convert("RGB"), dtype=float))
    plain, synthetic = (picture[: int(DPI * 0.3)] for picture in pictures)
    red = synthetic[..., 0] > synthetic[..., 1] + 60
    assert red.sum() > 50
    assert not (plain[..., 0] > plain[..., 1] + 60).any()
    assert np.array_equal(pictures[0][int(DPI * 0.3) :], pictures[1][int(DPI * 0.3) :])


def test_the_same_picture_is_the_same_bytes() -> None:
    video = recording()
    one = Forecast(2, video.frames[2], np.ones((2, 40, 40)))
    assert draw_forecast(video, one) == draw_forecast(video, one)


def test_an_animation_fits_its_limit_and_plays() -> None:
    phantom = simulate_video(frames=14, height=48, width=40)
    forecasts = [Forecast(t, phantom.video.frames[t - 2], phantom.fields[t - 2]) for t in range(2, phantom.video.count)]
    gif = animate_forecasts(phantom.video, forecasts, horizon=2, model="two frames ago")
    small = animate_forecasts(phantom.video, forecasts, horizon=2, limit_bytes=len(gif) // 4)
    assert len(gif) < 1_000_000
    assert len(small) < len(gif) // 4
    movie, short = (Image.open(BytesIO(made)) for made in (gif, small))
    assert movie.n_frames == len(forecasts)
    assert movie.info["loop"] == 0
    assert movie.info["duration"] == 250
    assert 2 <= short.n_frames <= movie.n_frames
    # Fewer pictures stay longer: what is seen takes as long as it took.
    assert short.n_frames * short.info["duration"] == pytest.approx(14 * 250, abs=4 * 250)
    assert np.ptp(np.asarray(movie.convert("RGB"), dtype=float), axis=2).max() > 60
    background = np.asarray(movie.convert("RGB"))[2, 2]
    assert background.tolist() == [255, 255, 255]


def test_frames_of_an_animation_differ_where_frames_do() -> None:
    video = recording()
    frames = video.frames.copy()
    frames[2] = 100.0 - frames[2]
    video = replace(video, frames=frames)
    movie: Any = Image.open(BytesIO(animate_forecasts(video, [Forecast(1, frames[1]), Forecast(2, frames[1])])))
    pictures = []
    for number in range(2):
        movie.seek(number)
        pictures.append(np.asarray(movie.convert("L"), dtype=float))
    assert np.abs(pictures[0] - pictures[1]).max() > 200


@pytest.mark.parametrize(
    ("forecasts", "settings", "match"),
    [
        ([], {}, "no forecast"),
        ([Forecast(3, np.zeros((40, 40)))], {}, "no frame 3"),
        ([Forecast(-1, np.zeros((40, 40)))], {}, "no frame -1"),
        ([Forecast(1, np.zeros((40, 39)))], {}, "another size"),
        ([Forecast(1, np.zeros((40, 40)), np.zeros((40, 40)))], {}, "another size"),
        (
            [Forecast(1, np.zeros((40, 40)), np.zeros((2, 40, 40))), Forecast(2, np.zeros((40, 40)))],
            {},
            "some have none",
        ),
        ([Forecast(1, np.zeros((40, 40)))] * 3, {"limit_bytes": 100}, "fits 100 bytes"),
    ],
)
def test_what_cannot_be_drawn(forecasts: list[Forecast], settings: dict[str, Any], match: str) -> None:
    with pytest.raises(DataError, match=match):
        animate_forecasts(recording(), forecasts, **settings)


def test_an_exploded_or_resting_forecast_is_drawn_all_the_same() -> None:
    video = recording()
    nothing, lost = np.zeros((2, 40, 40)), np.full((2, 40, 40), np.nan)
    for picture, field in ((video.frames[1], nothing), (np.full((40, 40), np.nan), lost)):
        png = draw_forecast(video, Forecast(1, picture, field), dpi=DPI)
        assert coloured(panels(png)[3]) == 0
