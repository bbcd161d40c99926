"""NIfTI series: (x, y, 1, t) becomes frames of rows and columns, in mm and s; what is no such file is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hilum.core.errors import DataError, UsageError
from hilum.modalities.video.read_nifti import read_nifti
from tests.modalities.video.files import PRIVATE, grey, nifti

nibabel = pytest.importorskip("nibabel")


def stored(frames: Any) -> Any:
    """Frames as the file has them: (x, y, 1, t)."""
    return np.ascontiguousarray(frames.transpose(2, 1, 0))[:, :, np.newaxis]


@pytest.mark.parametrize(("name", "kind"), [("a.nii", np.uint8), ("a.nii.gz", np.int16), ("b.nii", np.float32)])
def test_frames_are_rows_by_columns(name: str, kind: Any, tmp_path: Path) -> None:
    pixels = grey(levels=255).astype(kind)
    path = nifti(tmp_path / name, stored(pixels), (1.8, 1.8, 4.0, 0.25))
    video = read_nifti(path, levels=None if kind == np.uint8 else 255, region=(0, 3, 0, 3))
    assert np.array_equal(video.frames, pixels)
    assert video.seconds_per_frame == pytest.approx(0.25)
    assert video.pixel_mm == pytest.approx(1.8)
    assert (video.item, video.levels) == (name[0], 255)
    assert not [word for word in PRIVATE if word in repr(video)]


@pytest.mark.parametrize(
    ("units", "mm", "s"),
    [(("mm", "msec"), 2.0, 0.004), (("meter", "sec"), 2000.0, 4.0), (("micron", "usec"), 0.002, 4e-6)],
)
def test_units_are_converted(units: tuple[str, str], mm: float, s: float, tmp_path: Path) -> None:
    video = read_nifti(nifti(tmp_path / "a.nii", stored(grey()), (2.0, 2.0, 1.0, 4.0), units), levels=4095)
    assert (video.pixel_mm, video.seconds_per_frame) == (pytest.approx(mm), pytest.approx(s))


def test_what_the_file_lacks_can_be_stated(tmp_path: Path) -> None:
    pixels = grey()
    path = nifti(tmp_path / "a.nii", pixels.transpose(2, 1, 0), (2.0, 3.0, 1.0), ("unknown", "unknown"))
    video = read_nifti(path, levels=4095, seconds_per_frame=0.5, pixel_mm=1.0, item="one", subject="s", reason="r")
    assert np.array_equal(video.frames, pixels)
    assert (video.seconds_per_frame, video.pixel_mm) == (0.5, 1.0)
    assert (video.item, video.subject, video.reason) == ("one", "s", "r")


def written(kind: str, path: Path) -> Path:
    pixels = stored(grey())
    zooms = (2.0, 2.0, 1.0, 0.25)
    if kind == "volume":
        return nifti(path, np.repeat(pixels, 2, axis=2), zooms)
    if kind == "three axes":
        return nifti(path, pixels[:, :, 0], zooms[:3])
    if kind == "no clock":
        return nifti(path, pixels, zooms, ("mm", "unknown"))
    if kind == "no interval":
        return nifti(path, pixels, (2.0, 2.0, 1.0, 0.0))
    if kind == "oblong":
        return nifti(path, pixels, (2.0, 2.5, 1.0, 0.25))
    if kind == "one frame":
        return nifti(path, pixels[..., :1], zooms)
    if kind == "complex":
        return nifti(path, pixels.astype(np.complex64), zooms)
    if kind in ("nan", "negative"):
        values = pixels.astype(np.float32)
        values[2, 2, 0, 3] = np.nan if kind == "nan" else -5.0
        return nifti(path, values, zooms)
    if kind == "text":
        path.write_text("no picture at all " * 100)
        return path
    if kind == "archive":
        with zipfile.ZipFile(path, "w") as made:
            made.writestr("a", b"a" * 1000)
        return path
    if kind == "another format":
        image = nibabel.Spm99AnalyzeImage(pixels.astype(np.int16), np.eye(4))
        nibabel.save(image, path.with_suffix(".img"))
        return path.with_suffix(".img")
    whole = nifti(path, pixels, zooms).read_bytes()
    path.write_bytes(whole[: int(len(whole) * float(kind))])
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize(
    ("kind", "match"),
    [
        ("volume", "shape"),
        ("three axes", "shape"),
        ("no clock", "no frame interval"),
        ("no interval", "no frame interval"),
        ("oblong", "oblong"),
        ("one frame", "one frame"),
        ("complex", "type complex"),
        ("nan", "frame 3 .* not finite"),
        ("negative", "grey values run from -5"),
        ("text", "no whole NIfTI"),
        ("archive", "no whole NIfTI"),
        ("0.9", "no whole NIfTI"),
        ("0.1", "no whole NIfTI"),
        ("another format", "no NIfTI file"),
    ],
)
def test_what_is_no_series(name: str, kind: str, match: str, tmp_path: Path) -> None:
    path = written(kind, tmp_path / name)
    with pytest.raises(DataError, match=match) as caught:
        read_nifti(path, levels=4095)
    assert caught.value.where == str(path)
    assert caught.value.do


def test_a_missing_file_and_unstated_levels(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        read_nifti(tmp_path / "none.nii")
    with pytest.raises(UsageError, match="does not say how many"):
        read_nifti(nifti(tmp_path / "a.nii", stored(grey()), (2.0, 2.0, 1.0, 0.25)))
