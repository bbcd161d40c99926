"""NIfTI image series: one slice over time, (x, y, 1, t) or (x, y, t).

Pixels      rows run along the file's second axis and columns along its first, in stored order: no flip, no resampling, so that
            a region of interest counts as the file does. Values with a scale factor are scaled.
Spacing     pixdim of the two axes, in the file's unit (mm, m, micron; unknown: mm)
Timing      pixdim of the time axis in s, ms or microseconds; where the unit or the number is missing it must be stated
Privacy     free-text header fields (description, intent) are not read
Source      the NIfTI-1 header's fields, as nibabel has them
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, HilumError
from hilum.modalities.video.sample import Region, Video, levels_of, sequence

Array = NDArray[np.float64]

TO_MM = {"mm": 1.0, "unknown": 1.0, "meter": 1000.0, "micron": 1e-3}
TO_S = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}


def read_nifti(
    path: Path,
    *,
    levels: int | None = None,
    seconds_per_frame: float | None = None,
    pixel_mm: float | None = None,
    region: Region | None = None,
    item: str = "",
    subject: str | None = None,
    reason: str = "",
) -> Video:
    """Read a `.nii` or `.nii.gz` file; needs the extra `imaging`.

    Args:
        path: The file.
        levels: Largest grey value; must be stated unless the file stores 8 bits.
        seconds_per_frame: Frame interval, s; the file's by default. Needed for (x, y, t), whose third axis could be slices.
        pixel_mm: Side of a pixel, mm; the file's by default.
        region: Region of interest.
        item: Id of the recording; the file's name by default.
        subject: Whose it is, where known.
        reason: What a user must know.

    Raises:
        DataError: the file is missing, truncated, no NIfTI, holds several slices or no series, oblong pixels or no timing.
        UsageError: `levels` must be stated.
        HilumError: the extra is not installed.
    """
    image = _open(path)
    shape = tuple(int(size) for size in image.shape)
    if len(shape) == 4 and shape[2] == 1:
        time_axis = 3
    elif len(shape) == 3 and seconds_per_frame is not None:
        time_axis = 2
    else:
        raise DataError(
            f"the file has shape {shape}",
            where=str(path),
            do="One slice over time is needed, (x, y, 1, t); for (x, y, t) state `seconds_per_frame`",
        )
    stored = image.get_data_dtype()
    if stored.kind not in "uif":
        raise DataError(f"the values are of type {stored}", where=str(path), do="Export grey values as numbers")
    values = _values(image, path).reshape(shape[0], shape[1], shape[time_axis])
    zooms = [float(zoom) for zoom in image.header.get_zooms()]
    space, clock = image.header.get_xyzt_units()
    return sequence(
        np.ascontiguousarray(values.transpose(2, 1, 0)),
        where=str(path),
        item=item or path.name.removesuffix(".gz").removesuffix(".nii"),
        subject=subject,
        seconds_per_frame=seconds_per_frame or _seconds(zooms[time_axis], clock, path),
        pixel_mm=pixel_mm or _side(zooms, space, path),
        levels=levels_of(8 * stored.itemsize, levels, where=str(path)),
        region=region,
        reason=reason,
    )


def _open(path: Path) -> Any:
    if not path.is_file():
        raise DataError("the file is missing", where=str(path), do="Check the path")
    try:
        import nibabel
    except ModuleNotFoundError as error:
        raise HilumError(
            "NIfTI files need an extra that is not installed", where=str(path), do="pip install 'hilum[imaging]'"
        ) from error
    try:
        image = nibabel.load(path)
    except Exception as error:  # the reader raises whatever a damaged file makes it stumble over
        raise _damaged(path, error) from error
    if not isinstance(image, nibabel.Nifti1Image):
        raise DataError(
            f"this is a {type(image).__name__}, no NIfTI file", where=str(path), do="Convert it to .nii or .nii.gz"
        )
    return image


def _values(image: Any, path: Path) -> Array:
    try:
        values: Array = np.asarray(image.dataobj, dtype=np.float64)
    except Exception as error:  # truncated data
        raise _damaged(path, error) from error
    return values


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(
        f"this is no whole NIfTI file ({type(error).__name__})",
        where=str(path),
        do="It is truncated, an archive or of another format: get or export it again",
    )


def _seconds(zoom: float, unit: str, path: Path) -> float:
    if unit not in TO_S or not (np.isfinite(zoom) and zoom > 0):
        raise DataError(
            f"the file gives no frame interval ({zoom:g} in unit '{unit}')",
            where=str(path),
            do="State it (`seconds_per_frame`)",
        )
    return zoom * TO_S[unit]


def _side(zooms: list[float], unit: str, path: Path) -> float:
    across, down = zooms[:2]
    if not (np.isfinite(across) and np.isfinite(down) and across > 0 and down > 0):
        raise DataError("the file gives no pixel size", where=str(path), do="State it (`pixel_mm`)")
    if not np.isclose(across, down, rtol=1e-3):
        raise DataError(
            f"the pixels are oblong ({across:g} by {down:g})",
            where=str(path),
            do="Resample the frames to square pixels",
        )
    return across * TO_MM[unit]
