"""Warping: a still frame moved by a displacement field, forward by splatting or backward by interpolation.

Field       u of shape (2, height, width) in pixels: u[0] along columns (x), u[1] along rows (y). What lies at (row, column) of the
            reference frame lies at (row + u[1], column + u[0]) of the moved frame.
Forward     I(p) of the reference is known, the moved frame is wanted (Nadaraya-Watson regression on the moved positions):
            moved(q) = sum_p K(q - p - u(p)) I(p) / sum_p K(q - p - u(p)),   K(d) = exp(-|d|^2 / (2 sigma^2)),
            the sums over those p whose square support of 2 half x 2 half pixels around p + u(p) holds q:
            floor(x) - half + 1 ... floor(x) + half along each axis. A pixel in no support is empty: 0.
Backward    J of the moved frame is known, the reference is wanted: pulled(p) = J(p + u(p)), bilinear.
Cost        forward height * width * (2 half)^2 multiplications and 4 exponentials a pixel (the kernel is separable, and
            exp(-(k - f)^2 c) = exp(-f^2 c) exp(2 f c)^k exp(-k^2 c) for the offsets k); backward 4 reads a pixel
Source      Pohl et al., arXiv 2410.05882: sigma 0.5 pixel, half = max(3, ceil(2 sigma)), result rounded down to whole grey values;
            zeros outside the frame when pulling back
Deviations  Double precision (the released code splats in single). Rounding down is an option here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError
from hilum.core.kernel import kernel

Array = NDArray[np.float64]
Outside = Literal["zero", "edge"]

SMALLEST_SIGMA = (
    0.1  # below it a kernel of 6 x 6 pixels no longer covers the gaps between pixels, and its powers overflow
)


@dataclass(frozen=True)
class Splatting:
    """How a frame is pushed forward.

    Attributes:
        sigma: Standard deviation of the kernel in pixels.
        rounding: `floor` gives whole grey values, as published; `none` keeps the weighted mean.
    """

    sigma: float = 0.5
    rounding: Literal["none", "floor"] = "none"

    def __post_init__(self) -> None:
        """Refuse a kernel that is too narrow, and a rounding that does not exist."""
        if not SMALLEST_SIGMA <= self.sigma <= 10.0:
            raise UsageError(
                f"sigma must lie in {SMALLEST_SIGMA} to 10 pixels, not {self.sigma}",
                where="Splatting",
                do="0.5 is published",
            )
        if self.rounding not in ("none", "floor"):
            raise UsageError(f"no rounding '{self.rounding}'", where="Splatting", do="Use none or floor")

    @property
    def half(self) -> int:
        """Half the side of the support in pixels."""
        return max(3, math.ceil(2 * self.sigma))


def push_forward(image: Array, field: Array, splatting: Splatting | None = None) -> Array:
    """The reference frame moved along a field.

    Args:
        image: (height, width) grey values of the reference.
        field: (2, height, width) displacements in pixels. Where one is not finite the whole result is NaN: a forecast that
            overflowed has no frame.
        splatting: Kernel and rounding; by default the published kernel without rounding.

    Returns:
        (height, width) grey values; pixels that nothing moves to are 0.

    Raises:
        DataError: When the shapes do not fit.
    """
    how = splatting or Splatting()
    image, field = _checked(image, field)
    if not np.isfinite(field).all():
        return np.full(image.shape, np.nan)
    moved = splat(image, field, how.sigma, how.half)
    return np.floor(moved) if how.rounding == "floor" else moved


def pull_back(image: Array, field: Array, outside: Outside = "zero") -> Array:
    """The moved frame read where the field points, so that it looks like the reference.

    Args:
        image: (height, width) grey values of the moved frame.
        field: (2, height, width) displacements in pixels of the reference's pixels; where one is not finite the pixel is NaN.
        outside: Grey values beyond the frame: `zero` as published (the outermost cell fades to 0), or the nearest `edge`.

    Returns:
        (height, width) grey values.

    Raises:
        DataError: When the shapes do not fit.
        UsageError: When `outside` is neither.
    """
    if outside not in ("zero", "edge"):
        raise UsageError(
            f"no rule '{outside}' for what lies outside the frame", where="pull_back", do="Use zero or edge"
        )
    image, field = _checked(image, field)
    return pull(image, field, outside == "edge")


def _checked(image: Array, field: Array) -> tuple[Array, Array]:
    image = np.ascontiguousarray(image, dtype=np.float64)
    field = np.ascontiguousarray(field, dtype=np.float64)
    if image.ndim != 2 or field.shape != (2, *image.shape):
        raise DataError(
            f"a field of shape {field.shape} does not fit a frame of shape {image.shape}",
            where="warping",
            do="A frame is (height, width), its field (2, height, width): along columns, then along rows",
        )
    return image, field


@kernel
def splat(image: Array, field: Array, sigma: float, half: int) -> Array:
    """Forward warping as in the head of this file; every displacement finite."""
    height, width = image.shape
    # With this margin every support lies inside the sums, and none has to be clipped.
    margin = 2 * half - 1
    weighted = np.zeros((height + 2 * margin, width + 2 * margin))
    weights = np.zeros((height + 2 * margin, width + 2 * margin))
    narrow = 0.5 / (sigma * sigma)
    side = 2 * half
    still = np.empty(side)
    for k in range(side):
        still[k] = np.exp(-narrow * (k - half + 1) ** 2)
    across, along = np.empty(side), np.empty(side)
    for row in range(height):
        for column in range(width):
            x = column + field[0, row, column]
            y = row + field[1, row, column]
            if x < -half or x >= width + half - 1 or y < -half or y >= height + half - 1:
                continue
            left, top = int(np.floor(x)), int(np.floor(y))
            fx, fy = x - left, y - top
            step_x, step_y = np.exp(2.0 * narrow * fx), np.exp(2.0 * narrow * fy)
            power_x = np.exp(-narrow * fx * fx) * step_x ** (1 - half)
            power_y = np.exp(-narrow * fy * fy) * step_y ** (1 - half)
            for k in range(side):
                across[k] = power_x * still[k]
                along[k] = power_y * still[k]
                power_x *= step_x
                power_y *= step_y
            value = image[row, column]
            first_row, first_column = top - half + 1 + margin, left - half + 1 + margin
            for i in range(side):
                for j in range(side):
                    share = along[i] * across[j]
                    weights[first_row + i, first_column + j] += share
                    weighted[first_row + i, first_column + j] += share * value
    moved = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            total = weights[row + margin, column + margin]
            if total > 0:
                moved[row, column] = weighted[row + margin, column + margin] / total
    return moved


def splat_by_counts(image: Array, field: Array, sigma: float, half: int) -> Array:
    """The same as `splat`, one offset of the support at a time through `numpy.bincount`: the readable reference."""
    height, width = image.shape
    rows, columns = np.mgrid[:height, :width]
    x, y = columns + field[0], rows + field[1]
    left, top = np.floor(x), np.floor(y)
    sums = np.zeros((2, height * width))
    for down in range(1 - half, half + 1):
        for right in range(1 - half, half + 1):
            at_row, at_column = top + down, left + right
            inside = (at_row >= 0) & (at_row < height) & (at_column >= 0) & (at_column < width)
            share = np.exp(-0.5 * ((at_column - x) ** 2 + (at_row - y) ** 2) / sigma**2)[inside]
            target = (at_row * width + at_column)[inside].astype(np.intp)
            sums[0] += np.bincount(target, share, height * width)
            sums[1] += np.bincount(target, share * image[inside], height * width)
    moved = np.divide(sums[1], sums[0], out=np.zeros(height * width), where=sums[0] > 0)
    return np.asarray(moved.reshape(height, width))


@kernel
def pull(image: Array, field: Array, hold_edge: bool) -> Array:
    """Backward bilinear warping; beyond the frame the grey value is 0, or that of the nearest edge pixel."""
    height, width = image.shape
    pulled = np.empty((height, width))
    for row in range(height):
        for column in range(width):
            x = column + field[0, row, column]
            y = row + field[1, row, column]
            if not (np.isfinite(x) and np.isfinite(y)):
                pulled[row, column] = np.nan
                continue
            if hold_edge:
                x = min(max(x, 0.0), width - 1.0)
                y = min(max(y, 0.0), height - 1.0)
            elif x <= -1 or y <= -1 or x >= width or y >= height:
                pulled[row, column] = 0.0
                continue
            left, top = int(np.floor(x)), int(np.floor(y))
            fx, fy = x - left, y - top
            total = 0.0
            for i in range(2):
                for j in range(2):
                    r, c = top + i, left + j
                    if 0 <= r < height and 0 <= c < width:
                        total += (fy if i else 1.0 - fy) * (fx if j else 1.0 - fx) * image[r, c]
            pulled[row, column] = total
    return pulled
