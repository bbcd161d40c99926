"""Strips: what was written comes back; what is no strip is refused by name and with a cure."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread
from PIL import Image

from hilum.core.errors import DataError, UsageError
from hilum.modalities.video.read_strip import read_strip, write_strip
from hilum.modalities.video.sample import Video
from tests.modalities.video.files import grey


def write(path: Path, pixels: Any, **settings: Any) -> Path:
    Image.fromarray(pixels, **settings).save(path)
    return path


def read(path: Path, **settings: Any) -> Video:
    return read_strip(path, **({"frames": 5, "seconds_per_frame": 0.25, "pixel_mm": 1.5} | settings))


@given(st.sampled_from([255, 4095, 65535]), st.integers(2, 5), st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_what_was_written_comes_back(levels: int, frames: int, height: int, width: int, seed: int) -> None:
    import tempfile

    pixels = grey(frames, height, width, levels, seed)
    video = Video("a", None, pixels.astype(float), 0.25, 1.5, levels, region=(0, 1, 0, 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        write_strip(video, path)
        back = read(path, frames=frames, levels=levels, region=(0, 1, 0, 1))
        by_height = read(path, frames=None, frame_height=height, levels=levels)
        other = imread(path)  # matplotlib's reader, as a second opinion on 16 bits
    assert np.array_equal(back.frames, pixels)
    assert np.array_equal(by_height.frames, pixels)
    np.testing.assert_allclose(other * (255 if levels == 255 else 65535), pixels.reshape(-1, width), atol=1e-2)
    assert (back.item, back.levels, back.pixel_mm, back.seconds_per_frame) == ("a", levels, 1.5, 0.25)


def test_frames_are_stacked_from_top_to_bottom(tmp_path: Path) -> None:
    pixels = grey(5, 4, 3, 255).astype(np.uint8)
    video = read(write(tmp_path / "strip.png", pixels.reshape(-1, 3)), item="me", subject="someone", reason="note")
    assert np.array_equal(video.frames[3], pixels[3])
    assert (video.item, video.subject, video.reason, video.levels) == ("me", "someone", "note", 255)


def damaged(kind: str, path: Path) -> Path:
    strip = grey(5, 4, 3, 255).astype(np.uint8).reshape(-1, 3)
    if kind == "colour":
        return write(path, np.stack([strip] * 3, axis=-1))
    if kind == "transparent":
        return write(path, np.stack([strip] * 2, axis=-1))
    if kind == "palette":
        Image.fromarray(strip).convert("P").save(path)
        return path
    if kind == "animated":
        Image.fromarray(strip).save(path, save_all=True, append_images=[Image.fromarray(255 - strip)])
        return path
    if kind == "jpeg":
        Image.fromarray(strip).save(path, "JPEG")
        return path
    if kind == "archive":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("strip.png", b"")
        return path
    if kind == "empty":
        path.write_bytes(b"")
        return path
    whole = write(path, np.random.default_rng(0).integers(0, 255, (500, 300)).astype(np.uint8)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if kind == "truncated" else whole[:20])
    return path


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        ("colour", "not grey"),
        ("transparent", "not grey"),
        ("palette", "not grey"),
        ("animated", "animated"),
        ("jpeg", "no whole PNG"),
        ("archive", "no whole PNG"),
        ("empty", "no whole PNG"),
        ("truncated", "no whole PNG"),
        ("header only", "no whole PNG"),
    ],
)
def test_what_is_no_strip(kind: str, match: str, tmp_path: Path) -> None:
    path = damaged(kind, tmp_path / "strip.png")
    with pytest.raises(DataError, match=match) as caught:
        read(path)
    assert caught.value.where == str(path)
    assert caught.value.do


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"frames": 7}, DataError, "do not divide"),
        ({"frames": 0}, DataError, "do not divide"),
        ({"frames": None, "frame_height": 13}, DataError, "do not divide"),
        ({"frames": 1}, DataError, "one frame"),
        ({"frame_height": 4}, UsageError, "either"),
        ({"frames": None}, UsageError, "either"),
        ({"levels": 100}, DataError, "grey values run"),
        ({"seconds_per_frame": 0.0}, DataError, "frame interval is 0.0 s"),
        ({"seconds_per_frame": float("nan")}, DataError, "frame interval"),
        ({"pixel_mm": -1.0}, DataError, "pixel size is -1.0 mm"),
        ({"region": (0, 9, 0, 3)}, DataError, "region of interest"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], error: Any, match: str, tmp_path: Path) -> None:
    path = write(tmp_path / "strip.png", grey(5, 4, 3, 255).astype(np.uint8).reshape(-1, 3))
    with pytest.raises(error, match=match):
        read(path, **settings)


def test_sixteen_bits_must_say_how_many_were_used(tmp_path: Path) -> None:
    path = write(tmp_path / "strip.png", grey().reshape(-1, 9))
    with pytest.raises(UsageError, match="does not say how many"):
        read(path)
    assert read(path, levels=4095).levels == 4095


def test_a_missing_file_and_frames_that_do_not_fit_a_strip(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        read(tmp_path / "none.png")
    for value in (np.nan, -3.0, 300.0):
        with pytest.raises(DataError, match="do not fit"):
            write_strip(Video("a", None, np.full((2, 3, 3), value), 0.25, 1.0, 255), tmp_path / "a.png")


def test_a_strip_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "strip.png", grey(5, 40, 30, 255).astype(np.uint8).reshape(-1, 30))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)
    assert read(path).count == 5  # above Pillow's warning, below its refusal
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DataError, match="more pixels"):
        read(path)
