"""Video: frames of one slice over time, with the pixel size, the frame interval and the bit depth they were recorded with.

Pixels      frames[t, row, column], grey values from 0 to `levels`; rows run down, columns run right
Field       a displacement is an array (2, height, width) in pixels: [0] along columns (x), [1] along rows (y); the point at
            (row, column) of frame 0 moves to (row + field[1], column + field[0])
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError

Array = NDArray[np.float64]
Region = tuple[int, int, int, int]


@dataclass(frozen=True)
class Video:
    """One recording.

    Attributes:
        item: Its id in the dataset.
        subject: Whose it is; None where that is not known.
        frames: (frames, height, width), grey values.
        seconds_per_frame: Time from one frame to the next, s.
        pixel_mm: Side of a (square) pixel, mm.
        levels: The largest grey value of the bit depth: 255 for 8 bit, 4095 for 12 bit.
        region: First row, end row, first column, end column of the region of interest, counted from 0, ends excluded; None
            where there is none.
        start_s: Time of the first frame, s.
        quality: 0 for what cannot be used, 1 for what can.
        reason: Why quality is 0, or what a user must know.
    """

    item: str
    subject: str | None
    frames: Array
    seconds_per_frame: float
    pixel_mm: float
    levels: int
    region: Region | None = None
    start_s: float = 0.0
    quality: float = 1.0
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse shapes, sizes and rates that contradict each other."""
        where = f"recording '{self.item}'"
        if self.frames.ndim != 3 or 0 in self.frames.shape[1:]:
            raise DataError(
                f"the frames have shape {self.frames.shape}", where=where, do="They must be (frames, height, width)"
            )
        for value, what, unit in (
            (self.seconds_per_frame, "the frame interval", "s"),
            (self.pixel_mm, "the pixel size", "mm"),
            (self.levels, "the largest grey value", ""),
        ):
            if not (np.isfinite(value) and value > 0):
                raise DataError(f"{what} is {value} {unit}".rstrip(), where=where, do="Give a number above 0")
        if self.region is not None:
            check_region(self.region, self.frames.shape[1], self.frames.shape[2], where=where)

    @property
    def count(self) -> int:
        """How many frames there are."""
        return len(self.frames)

    @property
    def height(self) -> int:
        """Rows of a frame."""
        return int(self.frames.shape[1])

    @property
    def width(self) -> int:
        """Columns of a frame."""
        return int(self.frames.shape[2])

    @property
    def seconds(self) -> float:
        """Its length, s."""
        return self.count * self.seconds_per_frame

    def prefix(self, frames: int) -> Video:
        """The first `frames` frames."""
        return replace(self, frames=self.frames[:frames])


def check_region(region: Region, height: int, width: int, *, where: str) -> None:
    """Refuse a region of interest that is empty or leaves the frame.

    Raises:
        DataError: it is or does.
    """
    first_row, end_row, first_column, end_column = region
    if not (0 <= first_row < end_row <= height and 0 <= first_column < end_column <= width):
        raise DataError(
            f"the region of interest (rows {first_row} to {end_row}, columns {first_column} to {end_column}) does not lie "
            f"in a frame of {height} rows and {width} columns",
            where=where,
            do="Give first row, end row, first column, end column, counted from 0, ends excluded",
        )


def assess(video: Video, minimum_frames: int = 2) -> Video:
    """The same recording, with quality 0 and the reason where it cannot be used."""
    problem = _problem(video, minimum_frames)
    return replace(video, quality=0.0, reason=problem) if problem else video


def _problem(video: Video, minimum_frames: int) -> str:
    if video.count < minimum_frames:
        frames = "1 frame" if video.count == 1 else f"{video.count} frames"
        return f"{frames} where {minimum_frames} are needed"
    lowest, highest = video.frames.min(axis=(1, 2)), video.frames.max(axis=(1, 2))
    damaged = np.flatnonzero(~(np.isfinite(lowest) & np.isfinite(highest)))
    if len(damaged):
        return f"{len(damaged)} frames hold values that are not finite, the first is frame {damaged[0]}"
    if lowest.min() < 0 or highest.max() > video.levels:
        return f"grey values from {lowest.min():g} to {highest.max():g} where the bit depth has 0 to {video.levels}"
    if lowest.min() == highest.max():
        return "flat: every pixel of every frame has the same grey value"
    if all(np.array_equal(video.frames[0], frame) for frame in video.frames[1:]):
        return "still: every frame is the same"
    return ""


def sequence(
    frames: Array,
    *,
    where: str,
    item: str,
    subject: str | None,
    seconds_per_frame: float,
    pixel_mm: float,
    levels: int,
    region: Region | None = None,
    start_s: float = 0.0,
    reason: str = "",
) -> Video:
    """What a reader hands over: a Video whose grey values are finite, lie within the bit depth and are more than one frame.

    Raises:
        DataError: they are not, or do not; `where` is the file.
    """
    several(len(frames), where=where)
    lowest, highest = frames.min(), frames.max()
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        first = next(t for t, frame in enumerate(frames) if not np.isfinite(frame).all())
        raise DataError(
            f"frame {first} (counted from 0) holds values that are not finite",
            where=where,
            do="Cut the series before or after the damaged frames, or export it again",
        )
    if lowest < 0 or highest > levels:
        raise DataError(
            f"grey values run from {lowest:g} to {highest:g}, and the bit depth has 0 to {levels}",
            where=where,
            do="Shift them to start at 0" if lowest < 0 else "State the true largest grey value (`levels`)",
        )
    return Video(item, subject, frames, seconds_per_frame, pixel_mm, levels, region, start_s, 1.0, reason)


def several(frames: int, *, where: str) -> None:
    """Refuse a single picture.

    Raises:
        DataError: there are fewer than two frames.
    """
    if frames < 2:
        what = "one frame" if frames else "no frame"
        raise DataError(f"there is {what}", where=where, do="A series of at least two is needed")


def levels_of(bits: int, stated: int | None, *, where: str) -> int:
    """The largest grey value: what was stated, or that of an 8-bit file.

    A 16-bit file mostly holds what a scanner digitised with 10, 12 or 14 bits, and does not say so: then it must be stated,
    because a wrong data range makes SSIM meaningless.

    Raises:
        UsageError: it is not stated and cannot be known.
    """
    if stated is not None:
        return stated
    if bits > 8:
        raise UsageError(
            f"the file has {bits} bits a pixel, and does not say how many of them the scanner used",
            where=where,
            do="State the largest grey value: levels = 4095 for 12 bit, 65535 for 16 bit",
        )
    return 255
