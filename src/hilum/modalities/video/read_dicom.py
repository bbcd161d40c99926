"""DICOM image series: a folder of single-frame files, or one multi-frame file. Pixels, spacing, timing and bit depth, nothing else.

Privacy     Headers hold names, birth dates and identifiers. The whole header is read by pydicom in memory; only the values named
            below leave this file, and neither errors nor the sample quote any other.
Order       InstanceNumber; where it is absent, the time of acquisition. A multi-frame file is in its own order.
Timing      Of files: TriggerTime (ms), AcquisitionDateTime, AcquisitionTime or ContentTime; the interval is the median difference.
            Of a multi-frame file: FrameTime (ms), FrameTimeVector, or FrameAcquisitionDateTime of each frame. A display rate or
            the repetition time is not the frame interval, and is not used.
Grey        Stored values, from 0 to 2^BitsStored - 1; signed ones are shifted up by half the range, MONOCHROME1 is inverted.
            Rescale slope and intercept are not applied.
Refused     colours, several series, several slice positions, several sizes or spacings, oblong pixels, irregular timing
Source      DICOM PS3.3 (attributes), read from the standard's names as pydicom has them
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, HilumError
from hilum.modalities.video.sample import Region, Video, sequence, several

if TYPE_CHECKING:
    from pydicom import Dataset

Array = NDArray[np.float64]

# Frame times may differ this much from their median before a frame is taken to be missing.
TIMING_TOLERANCE = 0.25
CLOCKS = ("TriggerTime", "AcquisitionDateTime", "AcquisitionTime", "ContentTime")
NO_TIMING = "State the frame interval (`seconds_per_frame`)"


def read_dicom(
    path: Path,
    *,
    item: str,
    subject: str | None = None,
    seconds_per_frame: float | None = None,
    pixel_mm: float | None = None,
    region: Region | None = None,
    reason: str = "",
) -> Video:
    """Read a series; needs the extra `imaging`.

    Args:
        path: A folder of single-frame files, or one multi-frame file. In a folder, hidden files and a DICOMDIR are passed over.
        item: Id of the recording; never taken from a header or a file name.
        subject: Whose it is, where known.
        seconds_per_frame: Frame interval, s; read from the headers by default.
        pixel_mm: Side of a pixel, mm; read from the headers by default.
        region: Region of interest.
        reason: What a user must know.

    Raises:
        DataError: a file is missing, truncated, no DICOM picture, or does not belong to the series; timing or spacing is
            missing or varies. The file is named.
        HilumError: the extra is not installed.
    """
    files = _files(path)
    headers = [_read(file) for file in files]
    if len(files) > 1:
        _one_series(headers, files)
        order = _order(headers, path)
        headers, files = [headers[i] for i in order], [files[i] for i in order]
    pictures = [_pixels(header, file) for header, file in zip(headers, files, strict=True)]
    if len(files) == 1:
        _one_slice(headers[0], files[0])
        frames, times = pictures[0], _times_within(headers[0])
    else:
        frames, times = np.concatenate(pictures), _times_of(headers)
    several(len(frames), where=str(path))
    return sequence(
        frames,
        where=str(path),
        item=item,
        subject=subject,
        seconds_per_frame=seconds_per_frame or _interval(times, len(frames), path),
        pixel_mm=pixel_mm or _spacing(headers, files),
        levels=2 ** int(headers[0].BitsStored) - 1,
        region=region,
        reason=reason,
    )


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError("there is no such file or folder", where=str(path), do="Check the path")
    files = sorted(
        file for file in path.iterdir() if file.is_file() and not file.name.startswith(".") and file.name != "DICOMDIR"
    )
    if not files:
        raise DataError("the folder holds no file", where=str(path), do="Give the folder that holds the series itself")
    return files


def _read(file: Path) -> Dataset:
    try:
        import pydicom
    except ModuleNotFoundError as error:
        raise HilumError(
            "DICOM files need an extra that is not installed", where=str(file), do="pip install 'hilum[imaging]'"
        ) from error
    try:
        header = pydicom.dcmread(file)
    except Exception as error:  # a damaged file makes the reader stumble over anything; its text may quote the header
        raise DataError(
            f"this is no whole DICOM file ({type(error).__name__})",
            where=str(file),
            do="It is truncated, an archive or of another format: export it again, or take it out of the folder",
        ) from None
    lacking = [name for name in ("Rows", "Columns", "BitsStored", "PixelData") if name not in header]
    if lacking:
        raise DataError(
            f"the file holds no picture ({', '.join(lacking)} missing)", where=str(file), do="Take it out of the folder"
        )
    if int(header.get("SamplesPerPixel", 1)) != 1:
        raise DataError("the picture has colours", where=str(file), do="Export grey frames (MONOCHROME2)")
    return header


def _one_series(headers: Sequence[Dataset], files: Sequence[Path]) -> None:
    """Refuse a folder in which something differs that is the same throughout a series."""
    properties: tuple[tuple[str, Callable[[Dataset], Any], str], ...] = (
        ("are of another series", lambda h: h.get("SeriesInstanceUID"), "Put every series into a folder of its own"),
        ("have another size", lambda h: (h.Rows, h.Columns), "Keep frames of one size"),
        (
            "have another bit depth",
            lambda h: (h.BitsStored, h.get("PixelRepresentation"), h.get("PhotometricInterpretation")),
            "Export them alike",
        ),
        ("have another pixel spacing", lambda h: _rounded(h.get("PixelSpacing")), "Resample them to one spacing"),
        (
            "lie at another slice position",
            lambda h: _rounded(h.get("ImagePositionPatient")),
            "This is a volume, or several slices: keep the frames of one slice",
        ),
    )
    for what, value_of, do in properties:
        values = [value_of(header) for header in headers]
        others = [index for index, value in enumerate(values) if value != values[0]]
        if others:
            raise DataError(
                f"{len(others)} of {len(files)} files {what} than {files[0].name}, the first is {files[others[0]].name}",
                where=str(files[0].parent),
                do=do,
            )
    if any(int(header.get("NumberOfFrames", 1)) > 1 for header in headers):
        raise DataError(
            "the folder holds several multi-frame files", where=str(files[0].parent), do="Name one of the files"
        )


def _one_slice(header: Dataset, file: Path) -> None:
    """Refuse a multi-frame file that is a volume."""
    places = _of_groups(header, "PlanePositionSequence", "ImagePositionPatient")
    if len(places) > 1:
        raise DataError(
            f"the frames lie at {len(places)} slice positions",
            where=str(file),
            do="This is a volume, or several slices: export the frames of one slice",
        )


def _rounded(values: Any) -> tuple[float, ...] | None:
    return None if values is None else tuple(round(float(value), 3) for value in values)


def _order(headers: Sequence[Dataset], path: Path) -> list[int]:
    numbers = [header.get("InstanceNumber") for header in headers]
    if None not in numbers:
        keys = [float(number) for number in numbers if number is not None]
        what = "InstanceNumber"
    else:
        found = _times_of(headers)
        if found is None:
            raise DataError(
                "neither InstanceNumber nor a time says in which order the frames were taken",
                where=str(path),
                do="Export the series with its instance numbers",
            )
        keys, what = list(found), "time of acquisition"
    if len(set(keys)) < len(keys):
        raise DataError(
            f"two files have the same {what}",
            where=str(path),
            do="Take the copies out of the folder, or export it again",
        )
    return [int(index) for index in np.argsort(keys, kind="stable")]


def _times_of(headers: Sequence[Dataset]) -> list[float] | None:
    """When each file's frame was acquired, s, by the first clock that all have and that moves."""
    for clock in CLOCKS:
        values = [header.get(clock) for header in headers]
        if any(value in (None, "") for value in values):
            continue
        try:
            times = [float(v) / 1000.0 if clock == "TriggerTime" else _seconds(str(v)) for v in values]
        except ValueError:
            continue
        if len(set(times)) > 1:
            return times
    return None


def _times_within(header: Dataset) -> list[float] | None:
    """When each frame of a multi-frame file was acquired, s, relative to any start."""
    count = int(header.get("NumberOfFrames", 1) or 1)
    if header.get("FrameTime"):
        return [index * float(header.FrameTime) / 1000.0 for index in range(count)]
    vector = header.get("FrameTimeVector")
    if vector is not None and np.size(vector) == count:
        return [float(time) / 1000.0 for time in np.cumsum(np.asarray(vector, dtype=np.float64))]
    try:
        return [
            _seconds(str(group.FrameContentSequence[0].FrameAcquisitionDateTime))
            for group in header.PerFrameFunctionalGroupsSequence
        ]
    except (AttributeError, IndexError, ValueError):
        return None


def _seconds(text: str) -> float:
    """A DICOM time (HHMMSS.ffffff) or date and time (YYYYMMDDHHMMSS.ffffff), in s from any fixed start."""
    whole, _, fraction = text.strip().split("+")[0].partition(".")
    if len(whole) == 14:
        start = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return (start - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1) + float(f"0.{fraction or 0}")
    if len(whole) != 6 or not whole.isdigit():
        raise ValueError
    return 3600.0 * int(whole[:2]) + 60.0 * int(whole[2:4]) + int(whole[4:]) + float(f"0.{fraction or 0}")


def _interval(times: Sequence[float] | None, count: int, path: Path) -> float:
    """The frame interval, s; irregular times are refused, for a forecast h frames ahead would mean nothing."""
    if times is None or len(times) != count:
        raise DataError("the headers do not say when the frames were taken", where=str(path), do=NO_TIMING)
    steps = np.diff(np.asarray(times))
    typical = float(np.median(steps)) if len(steps) else 0.0
    if len(steps) and typical <= 0:
        raise DataError("the frames' times do not increase", where=str(path), do=NO_TIMING)
    wrong = np.flatnonzero(np.abs(steps - typical) > TIMING_TOLERANCE * typical)
    if len(wrong):
        raise DataError(
            f"the frames are not evenly spaced in time: {steps[wrong[0]]:.3f} s after frame {wrong[0]} (counted from 0), "
            f"{typical:.3f} s as a rule; {len(wrong)} such gaps",
            where=str(path),
            do="Frames are missing or were taken with pauses: use the longest even part, or state `seconds_per_frame` if the "
            "times are wrong",
        )
    # Clocks are written with few digits: the mean over the record is finer than the median of single steps.
    return float((times[-1] - times[0]) / len(steps)) if len(steps) else typical


def _spacing(headers: Sequence[Dataset], files: Sequence[Path]) -> float:
    """The side of a pixel, mm: of the first file, since a folder's files agree; in a multi-frame file all frames must agree."""
    given = headers[0].get("PixelSpacing")
    found = {_rounded(given)} if given is not None else _of_groups(headers[0], "PixelMeasuresSequence", "PixelSpacing")
    if len(found) != 1:
        raise DataError(
            "the frames have several pixel spacings" if found else "the header holds no pixel spacing",
            where=str(files[0]),
            do="Resample them to one spacing" if found else "State the side of a pixel (`pixel_mm`)",
        )
    (spacing,) = found
    down, across = spacing or (0.0, 0.0)
    if not np.isclose(down, across, rtol=1e-3):
        raise DataError(
            f"the pixels are oblong ({down:g} mm by {across:g} mm)",
            where=str(files[0]),
            do="Resample the frames to square pixels",
        )
    return down


def _of_groups(header: Dataset, group: str, name: str) -> set[tuple[float, ...] | None]:
    """The values of an attribute of an enhanced multi-frame file, shared by its frames or given for each."""
    found = set()
    for part in (
        *header.get("SharedFunctionalGroupsSequence", ()),
        *header.get("PerFrameFunctionalGroupsSequence", ()),
    ):
        for measures in part.get(group, ()):
            if measures.get(name) is not None:
                found.add(_rounded(measures.get(name)))
    return found


def _pixels(header: Dataset, file: Path) -> Array:
    """Stored grey values, (frames, rows, columns), from 0 up."""
    try:
        stored = np.asarray(header.pixel_array, dtype=np.float64)
    except Exception as error:  # truncated pixel data, or a compression whose decoder is not installed
        syntax = getattr(getattr(header, "file_meta", None), "TransferSyntaxUID", None)
        name = getattr(syntax, "name", "unknown transfer syntax")
        raise DataError(
            f"the pixels cannot be decoded ({type(error).__name__}; {name})",
            where=str(file),
            do="The file is truncated, or compressed in a way that needs another decoder: export it uncompressed",
        ) from error
    frames = stored[np.newaxis] if stored.ndim == 2 else stored
    if frames.ndim != 3:
        raise DataError(f"the pixels have shape {stored.shape}", where=str(file), do="Export grey frames of one slice")
    bits = int(header.BitsStored)
    if int(header.get("PixelRepresentation", 0)) == 1:
        frames = frames + 2.0 ** (bits - 1)
    if header.get("PhotometricInterpretation") == "MONOCHROME1":
        frames = 2.0**bits - 1.0 - frames
    return frames
