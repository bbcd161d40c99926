"""DICOM series: pixels, spacing, timing and bit depth come out; personal data do not; what is no series is refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hilum.core.errors import DataError
from hilum.modalities.video.read_dicom import read_dicom
from tests.modalities.video.files import PRIVATE, dicom, grey, series

pydicom = pytest.importorskip("pydicom")


def test_a_folder_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    pixels = grey()
    folder = series(tmp_path / "s", pixels)
    (folder / ".hidden").write_bytes(b"x")
    (folder / "DICOMDIR").write_bytes(b"x")
    video = read_dicom(folder, item="one", region=(0, 5, 0, 5))
    assert np.array_equal(video.frames, pixels)
    assert video.seconds_per_frame == pytest.approx(0.25)
    assert (video.item, video.subject, video.pixel_mm, video.levels) == ("one", None, 1.5, 4095)


def test_without_numbers_the_clock_gives_the_order(tmp_path: Path) -> None:
    pixels = grey()
    assert np.array_equal(read_dicom(series(tmp_path / "s", pixels, InstanceNumber=None), item="one").frames, pixels)


@pytest.mark.parametrize(
    "clock",
    [
        lambda i: {"TriggerTime": 250.0 * i},
        lambda i: {"AcquisitionDateTime": f"2026010123595{7 + i}.50" if i < 3 else f"2026010200000{i - 3}.5"},
        lambda i: {"ContentTime": f"1200{i:02d}"},
    ],
)
def test_other_clocks(clock: Callable[[int], dict[str, Any]], tmp_path: Path) -> None:
    for index, frame in enumerate(grey()):
        dicom(tmp_path / f"{index}.dcm", frame, InstanceNumber=index, **clock(index))
    seconds = read_dicom(tmp_path, item="one").seconds_per_frame
    assert seconds == pytest.approx(0.25 if "TriggerTime" in clock(0) else 1.0)


def test_no_personal_data_leave_the_reader(tmp_path: Path) -> None:
    folder = series(tmp_path / "s", grey())
    video = read_dicom(folder, item="one")
    said = repr(video)
    with pytest.raises(DataError) as caught:
        read_dicom(series(tmp_path / "t", grey(), AcquisitionTime=None), item="one")
    said += str(caught.value)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError) as caught:
        read_dicom(folder, item="one")
    said += str(caught.value)
    assert not [word for word in (*PRIVATE, "Doe", "Jane", "4711", "Nowhere") if word in said]


@pytest.mark.parametrize(
    "timing", [{"FrameTime": 200.0}, {"FrameTimeVector": [0.0, 200.0, 200.0, 200.0, 200.0]}, {"seconds_per_frame": 0.2}]
)
def test_a_multi_frame_file(timing: dict[str, Any], tmp_path: Path) -> None:
    pixels = grey()
    stated = {key: value for key, value in timing.items() if key == "seconds_per_frame"}
    path = dicom(tmp_path / "m.dcm", pixels, **{key: value for key, value in timing.items() if key not in stated})
    video = read_dicom(path, item="one", **stated)
    assert np.array_equal(video.frames, pixels)
    assert video.seconds_per_frame == pytest.approx(0.2)
    assert np.array_equal(read_dicom(path, item="one", **stated).frames, pixels)


def enhanced(places: list[float], spacing: list[float]) -> dict[str, Any]:
    """Functional groups of an enhanced file: time, place and pixel spacing of each frame."""
    from pydicom.dataset import Dataset

    groups = []
    for index, (place, side) in enumerate(zip(places, spacing, strict=True)):
        content, position, measures, group = Dataset(), Dataset(), Dataset(), Dataset()
        content.FrameAcquisitionDateTime = f"20260101100000.{index}00000"
        position.ImagePositionPatient = [place, 0.0, 0.0]
        measures.PixelSpacing = [side, side]
        group.FrameContentSequence, group.PlanePositionSequence = [content], [position]
        group.PixelMeasuresSequence = [measures]
        groups.append(group)
    return {"PerFrameFunctionalGroupsSequence": groups, "PixelSpacing": None}


def test_an_enhanced_multi_frame_file(tmp_path: Path) -> None:
    video = read_dicom(dicom(tmp_path / "e.dcm", grey(), **enhanced([1.0] * 5, [1.8] * 5)), item="one")
    assert (video.pixel_mm, video.seconds_per_frame) == (1.8, pytest.approx(0.1))
    with pytest.raises(DataError, match="5 slice positions"):
        read_dicom(dicom(tmp_path / "v.dcm", grey(), **enhanced([1.0, 2, 3, 4, 5], [1.8] * 5)), item="one")
    with pytest.raises(DataError, match="several pixel spacings"):
        read_dicom(dicom(tmp_path / "s.dcm", grey(), **enhanced([1.0] * 5, [1.8, 1.8, 1.8, 1.8, 2.0])), item="one")


def test_signed_and_inverted_grey_start_at_zero(tmp_path: Path) -> None:
    pixels = grey()
    signed = (pixels.astype(np.int16) - 2048).astype(np.int16)
    folder = series(tmp_path / "signed", signed, PixelRepresentation=1)
    assert np.array_equal(read_dicom(folder, item="one").frames, pixels)
    folder = series(tmp_path / "inverted", pixels, PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(read_dicom(folder, item="one").frames, 4095.0 - pixels)


def one_differs(**header: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        dicom(folder / "07.dcm", grey()[0], **({"InstanceNumber": 2, "AcquisitionTime": "101500.25"} | header))

    return change


def rewritten(folder: Path, **header: Any) -> None:
    series(folder, grey(), **header)


def truncate(folder: Path) -> None:
    path = folder / "07.dcm"
    path.write_bytes(path.read_bytes()[:-50])


def archive(folder: Path) -> None:
    with zipfile.ZipFile(folder / "more.zip", "w") as made:
        made.writestr("a", b"a")


def no_picture(folder: Path) -> None:
    from pydicom import dcmread

    header = dcmread(folder / "07.dcm")
    del header.PixelData
    header.save_as(folder / "07.dcm")


def larger(folder: Path) -> None:
    dicom(folder / "07.dcm", grey(1, 13, 9)[0], InstanceNumber=2, AcquisitionTime="101500.25")


def colours(folder: Path) -> None:
    frame = np.zeros((12, 9, 3), dtype=np.uint16)
    dicom(
        folder / "07.dcm",
        frame,
        NumberOfFrames=None,
        Rows=12,
        Columns=9,
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
    )


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (truncate, "cannot be decoded|no whole DICOM"),
        (archive, "no whole DICOM"),
        (lambda folder: (folder / "notes.txt").write_text("hello " * 100), "no whole DICOM"),
        (no_picture, "no picture"),
        (colours, "colours"),
        (larger, "another size.*07.dcm"),
        (one_differs(SeriesInstanceUID="9.9"), "another series"),
        (one_differs(PixelSpacing=[2.0, 2.0]), "another pixel spacing"),
        (one_differs(ImagePositionPatient=[20.0, 0.0, 0.0]), "another slice position"),
        (one_differs(BitsStored=10, HighBit=9), "another bit depth"),
        (one_differs(InstanceNumber=3), "the same InstanceNumber"),
        (one_differs(AcquisitionTime="101503.00"), "not evenly spaced"),
        (lambda folder: (folder / "07.dcm").unlink(), "not evenly spaced"),
        (lambda folder: rewritten(folder, AcquisitionTime=None), "do not say when"),
        (lambda folder: rewritten(folder, AcquisitionTime="noon"), "do not say when"),
        (lambda folder: rewritten(folder, AcquisitionTime=None, InstanceNumber=None), "in which order"),
        (lambda folder: rewritten(folder, PixelSpacing=None), "no pixel spacing"),
        (lambda folder: rewritten(folder, PixelSpacing=[1.0, 2.0]), "oblong"),
        (lambda folder: dicom(folder / "07.dcm", grey(), InstanceNumber=2), "multi-frame"),
        (lambda folder: [path.unlink() for path in folder.iterdir()], "no file"),
        (lambda folder: [path.unlink() for path in sorted(folder.iterdir())[1:]], "one frame"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_no_series(damage: Callable[[Path], Any], match: str, tmp_path: Path) -> None:
    folder = series(tmp_path / "s", grey())
    damage(folder)
    with pytest.raises(DataError, match=match) as caught:
        read_dicom(folder, item="one")
    assert str(folder) in caught.value.where
    assert caught.value.do


def test_what_headers_lack_can_be_stated(tmp_path: Path) -> None:
    folder = series(tmp_path / "s", grey(), PixelSpacing=None, AcquisitionTime=None)
    video = read_dicom(folder, item="one", seconds_per_frame=0.5, pixel_mm=2.0)
    assert (video.seconds_per_frame, video.pixel_mm) == (0.5, 2.0)
    with pytest.raises(DataError, match="no such file"):
        read_dicom(tmp_path / "nothing", item="one")
    for index, frame in enumerate(grey()):
        dicom(tmp_path / f"{index}.dcm", frame, InstanceNumber=index, TriggerTime=1000.0 - 100 * index)
    with pytest.raises(DataError, match="do not increase"):
        read_dicom(tmp_path, item="one")
