"""Film strips: one grey PNG per recording, frames of equal height stacked top to bottom, 8 or 16 bit; lossless."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError
from hilum.modalities.video.sample import Region, Video, levels_of, sequence


def read_strip(
    path: Path,
    *,
    seconds_per_frame: float,
    pixel_mm: float,
    frames: int | None = None,
    frame_height: int | None = None,
    levels: int | None = None,
    region: Region | None = None,
    item: str = "",
    subject: str | None = None,
    reason: str = "",
) -> Video:
    """Read a strip whose frames are stacked in the order of time; a PNG holds no timing, so it is stated.

    Args:
        path: The PNG file.
        seconds_per_frame: Time from one frame to the next, s.
        pixel_mm: Side of a pixel, mm.
        frames: How many frames there are; this or `frame_height`.
        frame_height: Rows of one frame; this or `frames`.
        levels: Largest grey value; needed for 16-bit strips, 255 for 8-bit ones.
        region: Region of interest within a frame.
        item: Id of the recording; the file's name by default.
        subject: Whose it is, where known.
        reason: What a user must know.

    Raises:
        DataError: the file is missing, truncated, no grey PNG, or its height is not a whole number of frames.
        UsageError: neither or both of `frames` and `frame_height` are stated, or `levels` is needed.
    """
    if (frames is None) == (frame_height is None):
        raise UsageError("a strip needs either `frames` or `frame_height`", where=str(path), do="State one of the two")
    pixels = _pixels(path)
    rows, columns = pixels.shape
    given, what = (frames, "frames") if frames is not None else (frame_height, "rows a frame")
    if not given or given < 1 or rows % given:
        raise DataError(
            f"the strip is {rows} pixels high, which {given} {what} do not divide",
            where=str(path),
            do="State the true number, or write the strip again: every frame must have the same height",
        )
    height = rows // given if frames is not None else given
    return sequence(
        pixels.reshape(-1, height, columns).astype(np.float64),
        where=str(path),
        item=item or path.stem,
        subject=subject,
        seconds_per_frame=seconds_per_frame,
        pixel_mm=pixel_mm,
        levels=levels_of(8 * pixels.itemsize, levels, where=str(path)),
        region=region,
        reason=reason,
    )


def write_strip(video: Video, path: Path) -> None:
    """Write a recording as a strip, 8 bit where `levels` allows and 16 bit otherwise; grey values are rounded.

    Raises:
        DataError: grey values are not finite, or do not fit 16 bits.
    """
    from io import BytesIO

    from PIL import Image

    from hilum.core.store import write_bytes

    stacked = np.rint(video.frames.reshape(-1, video.width))
    if not (np.isfinite(stacked).all() and stacked.min() >= 0 and stacked.max() <= min(video.levels, 65535)):
        raise DataError(
            "grey values do not fit a strip",
            where=f"recording '{video.item}'",
            do=f"They must be finite and from 0 to {min(video.levels, 65535)}",
        )
    stream = BytesIO()
    Image.fromarray(stacked.astype(np.uint8 if video.levels <= 255 else np.uint16)).save(stream, "PNG")
    write_bytes(path, stream.getvalue())


def _pixels(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The picture as it is stored, (rows, columns)."""
    from PIL import Image

    if not path.is_file():
        raise DataError("the file is missing", where=str(path), do="Check the path")
    try:
        with warnings.catch_warnings():
            # A strip of some thousand frames is large without being an attack; Pillow still refuses twice the size.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=["PNG"]) as picture:
                mode = picture.mode
                if mode not in ("L", "I;16"):
                    raise DataError(
                        f"the picture is not grey (its mode is {mode})",
                        where=str(path),
                        do="Write it as a grey PNG of 8 or 16 bits, without colours, palette or transparency",
                    )
                if getattr(picture, "n_frames", 1) > 1:
                    raise DataError(
                        "this is an animated PNG", where=str(path), do="Stack its frames top to bottom in a still one"
                    )
                return np.asarray(picture)
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(
            "the strip has more pixels than are read at once", where=str(path), do="Split it into shorter strips"
        ) from error
    except Exception as error:  # the decoder raises whatever a damaged file makes it stumble over
        raise DataError(
            f"this is no whole PNG file ({type(error).__name__}: {error})",
            where=str(path),
            do="It is truncated, an archive or of another format: get or export it again",
        ) from error
