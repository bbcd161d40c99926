"""Frame metrics: how well does a forecast picture, and the motion behind it, match the one that was recorded?

Symbols
    I, P             true and forecast frame, grey values; sums run over the pixels of the whole frame or of the region
    m(I)             mean of I over those pixels
    u, v             true and forecast displacement of a pixel of frame 0, mm
    w                Gaussian window, 11 x 11 pixels, standard deviation 1.5 pixels, sum 1
    L                largest grey value of the bit depth; K1 = 0.01, K2 = 0.03
    a, b, s, t, c    means, variances and covariance of I and P under w at one window position

Equations, each of one frame, then the mean over frames
    image-nrmse           |P - I| / |I - m(I)|                                                                        1
    ssim                  mean over the window positions that lie wholly inside of
                          (2 a b + (K1 L)^2) (2 c + (K2 L)^2) / ((a^2 + b^2 + (K1 L)^2) (s + t + (K2 L)^2))           1
    ssim-255              the same with L = 255 whatever the bit depth: the published range                           1
    pearson               correlation of the grey values of I and P                                                   1
    geometric-error       mean over pixels of |v - u|                                                                 mm
    geometric-error-max   largest |v - u| of any pixel                                                                mm
    ...-roi               the same over the region of interest alone; its windows lie wholly inside the region

Rows        One row is what was summed over the frames of one unit, horizon and seed: `frame_statistics` of a pair of frames,
            `field_statistics` of a pair of fields, added by `add`. Rows pool by adding, which weighs every frame alike.
Undefined   A frame on which a figure does not exist (nRMSE of a frame of one grey value, SSIM of one smaller than the
            window) is left out of that figure's count. A forecast that is not finite gives `nan` in every statistic.
Source      Pohl et al., arXiv 2410.05882, and its released code (c31ee37f), from which L = 255 for 12-bit frames, the
            valid window positions and the mean over frames of the largest geometric error were taken; SSIM: Wang et al.,
            IEEE Trans. Image Process. 13 (2004).
Deviation   "True" displacement is what optical flow found in the true frame: an estimate, not a measurement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import DataError
from hilum.core.kernel import kernel
from hilum.core.metric import Columns, Metric, Score
from hilum.modalities.video.sample import Region, check_region

KIND = "forecast"

Array = NDArray[np.float64]

WINDOW = 11
WINDOW_SD = 1.5
K1, K2 = 0.01, 0.03
PUBLISHED_LEVELS = 255

_SOURCE = "Pohl et al., arXiv 2410.05882"
_WANG = "Wang et al., IEEE Trans. Image Process. 13 (2004); Pohl et al., arXiv 2410.05882"
# The three figures of grey values that a frame may lack, and the two ranges of SSIM.
_IMAGE = ("nrmse", "ssim", "ssim_255", "pearson")


def frame_statistics(
    true: ArrayLike, forecast: ArrayLike, levels: float, region: Region | None = None
) -> dict[str, float]:
    """The additive statistics of one pair of frames.

    Args:
        true: What was recorded, (height, width), grey values.
        forecast: What was forecast for the same time, same shape.
        levels: The largest grey value of the bit depth.
        region: First row, end row, first column, end column of the region of interest, counted from 0, ends excluded.

    Returns:
        frame_n, and frame_sum_<figure> and frame_n_<figure> for nrmse, ssim, ssim_255 and pearson; with a region the same
        under frame_roi_. All but the counts of frames are `nan` where the forecast is not finite, or its square is not.

    Raises:
        DataError: the shapes differ, the true frame is not finite, or the region does not lie in the frame.
    """
    I, P = np.asarray(true, dtype=np.float64), np.asarray(forecast, dtype=np.float64)  # noqa: E741 - the equations' names
    _same_pixels(I, P, 2, "frame")
    if region is not None:
        check_region(region, *I.shape, where="frame statistics")
    with np.errstate(over="ignore", invalid="ignore"):
        moments = _moments(I, P)
        own = _ssim_map(moments, levels)
        maps = {"ssim": own, "ssim_255": own if levels == PUBLISHED_LEVELS else _ssim_map(moments, PUBLISHED_LEVELS)}
        found = {"frame_n": 1.0, **_scope("frame", I, P, maps)}
        if region is not None:
            top, bottom, left, right = region
            # A window position inside the region reads only pixels of the region: its map is a part of the whole one.
            part = {
                name: values[top : max(top, bottom - WINDOW + 1), left : max(left, right - WINDOW + 1)]
                for name, values in maps.items()
            }
            found |= _scope("frame_roi", I[top:bottom, left:right], P[top:bottom, left:right], part)
    return _exploded(found, P, keep="frame_n")


def field_statistics(
    true: ArrayLike, forecast: ArrayLike, pixel_mm: float, region: Region | None = None
) -> dict[str, float]:
    """The additive statistics of one pair of displacement fields.

    Args:
        true: Displacement found in the true frame, (2, height, width), pixels.
        forecast: Displacement that was forecast, same shape, pixels.
        pixel_mm: Side of a pixel, mm.
        region: Region of interest, as in `frame_statistics`.

    Returns:
        field_n, field_sum_mean_mm, field_sum_max_mm; with a region also field_roi_sum_mean_mm and field_roi_sum_max_mm.
        All but the count are `nan` where the forecast is not finite.

    Raises:
        DataError: the shapes differ, the true field is not finite, or the region does not lie in the frame.
    """
    u, v = np.asarray(true, dtype=np.float64), np.asarray(forecast, dtype=np.float64)
    _same_pixels(u, v, 3, "displacement field")
    if region is not None:
        check_region(region, *u.shape[1:], where="frame statistics")
    with np.errstate(over="ignore", invalid="ignore"):
        distance = np.hypot(*(v - u)) * pixel_mm
    found = {"field_n": 1.0, "field_sum_mean_mm": float(distance.mean()), "field_sum_max_mm": float(distance.max())}
    if region is not None:
        top, bottom, left, right = region
        inside = distance[top:bottom, left:right]
        found |= {"field_roi_sum_mean_mm": float(inside.mean()), "field_roi_sum_max_mm": float(inside.max())}
    return _exploded(found, v, keep="field_n")


def add(rows: Iterable[dict[str, float]]) -> dict[str, float]:
    """The statistics of several frames together: every column added; they must have the same columns.

    Raises:
        DataError: there is no row, or two rows have different columns.
    """
    total: dict[str, float] = {}
    for number, row in enumerate(rows):
        if number and row.keys() != total.keys():
            raise DataError(
                "frames with different statistics cannot be added",
                where="frame statistics",
                do="Pass a region for every frame or for none",
            )
        total = {name: total.get(name, 0.0) + value for name, value in row.items()}
    if not total:
        raise DataError("there is no frame to add", where="frame statistics", do="Score at least one frame")
    return total


def _same_pixels(true: Array, forecast: Array, dimensions: int, what: str) -> None:
    if (
        true.shape != forecast.shape
        or true.ndim != dimensions
        or true.size == 0
        or (dimensions == 3 and len(true) != 2)
    ):
        wanted = "(height, width)" if dimensions == 2 else "(2, height, width)"
        raise DataError(
            f"the true {what} has shape {true.shape}, the forecast {forecast.shape}",
            where="frame statistics",
            do=f"Both must be {wanted} and of the same size",
        )
    if not np.isfinite(true).all():
        raise DataError(
            f"the true {what} holds values that are not finite",
            where="frame statistics",
            do="Leave out frames that were not recorded",
        )


def _scope(prefix: str, true: Array, forecast: Array, maps: dict[str, Array]) -> dict[str, float]:
    """Sums and counts of one scope (the whole frame, or the region)."""
    # Differences from one pixel are exactly 0 in a frame of one grey value: no spread out of rounding.
    I, P = true - true.flat[0], forecast - forecast.flat[0]  # noqa: E741
    I, P = I - I.mean(), P - P.mean()  # noqa: E741
    spread, reach = float(np.sum(I * I)), float(np.sum(P * P))
    error = forecast - true
    values = {
        "nrmse": math.sqrt(float(np.sum(error * error)) / spread) if spread > 0 else None,
        "pearson": float(np.sum(I * P)) / math.sqrt(spread) / math.sqrt(reach) if spread > 0 and reach > 0 else None,
        **{name: float(values.mean()) if values.size else None for name, values in maps.items()},
    }
    found: dict[str, float] = {}
    for name in _IMAGE:
        value = values[name]
        found[f"{prefix}_sum_{name}"] = 0.0 if value is None else value
        found[f"{prefix}_n_{name}"] = 0.0 if value is None else 1.0
    return found


def _exploded(found: dict[str, float], forecast: Array, keep: str) -> dict[str, float]:
    """`nan` for every statistic of a forecast that is not finite; the frame itself is still counted."""
    if np.isfinite(forecast).all() and all(map(math.isfinite, found.values())):
        return found
    return {name: value if name == keep else math.nan for name, value in found.items()}


def _ssim_map(moments: Array, levels: float) -> Array:
    """Structural similarity at every window position that lies wholly inside, (height - 10, width - 10)."""
    mean_i, mean_p, power, cross = moments
    c1, c2 = (K1 * levels) ** 2, (K2 * levels) ** 2
    product, squares = mean_i * mean_p, mean_i * mean_i + mean_p * mean_p
    similarity: Array = (
        (2.0 * product + c1) * (2.0 * (cross - product) + c2) / ((squares + c1) * (power - squares + c2))
    )
    return similarity


def _moments(true: Array, forecast: Array) -> Array:
    """Windowed means of I, P, I^2 + P^2 and I P, (4, height - 10, width - 10); empty for frames smaller than the window."""
    height, width = true.shape
    moments = np.empty((4, max(0, height - WINDOW + 1), max(0, width - WINDOW + 1)))
    if moments.size:
        windowed_moments(np.ascontiguousarray(true), np.ascontiguousarray(forecast), _window(), moments)
    return moments


@kernel
def windowed_moments(true: Array, forecast: Array, weights: Array, moments: Array) -> None:
    """Fill `moments`: down the columns into one row of sums, which stays in the cache, then along that row."""
    taps, width = weights.shape[0], true.shape[1]
    sums = np.empty((4, width))
    for i in range(moments.shape[1]):
        sums[:] = 0.0
        for k in range(taps):
            weight, above, below = weights[k], true[i + k], forecast[i + k]
            for j in range(width):
                sums[0, j] += weight * above[j]
                sums[1, j] += weight * below[j]
                sums[2, j] += weight * (above[j] * above[j] + below[j] * below[j])
                sums[3, j] += weight * (above[j] * below[j])
        for m in range(4):
            along, row = sums[m], moments[m, i]
            row[:] = 0.0
            for k in range(taps):
                for j in range(row.shape[0]):
                    row[j] += weights[k] * along[j + k]


@lru_cache(maxsize=1)
def _window() -> Array:
    """The window along one axis; that over the plane is its outer product with itself."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-0.5 * (offsets / WINDOW_SD) ** 2)
    normalised: Array = weights / weights.sum()
    return normalised


def _mean_over_frames(total: str, count: str, reason: str) -> Callable[[Columns], Score]:
    """The function of a metric: one column's sum over another's."""

    def compute(columns: Columns) -> Score:
        frames = float(columns[count].sum())
        return Score(float(columns[total].sum() / frames)) if frames > 0 else Score.undefined(reason)

    return compute


def _image_metric(figure: str, name: str, title: str, definition: str, source: str, *, region: bool) -> Metric:
    prefix = "frame_roi" if region else "frame"
    total, count = f"{prefix}_sum_{figure}", f"{prefix}_n_{figure}"
    lower = figure == "nrmse"
    return Metric(
        name=f"{name}-roi" if region else name,
        title=f"{title} in the region" if region else title,
        unit="1",
        direction="lower" if lower else "higher",
        bounds=(0.0, math.inf) if lower else (-1.0, 1.0),
        definition=f"{definition}; mean over frames" + (", inside the region of interest" if region else ""),
        pooling="sums",
        source=source,
        needs=(total, count),
        compute=_mean_over_frames(total, count, "no frame on which it exists"),
    )


def _field_metric(figure: str, name: str, title: str, definition: str, *, region: bool) -> Metric:
    total = f"field_roi_sum_{figure}_mm" if region else f"field_sum_{figure}_mm"
    return Metric(
        name=f"{name}-roi" if region else name,
        title=f"{title} in the region" if region else title,
        unit="mm",
        direction="lower",
        bounds=(0.0, math.inf),
        definition=f"{definition}; mean over frames" + (", inside the region of interest" if region else ""),
        pooling="sums",
        source=_SOURCE,
        needs=(total, "field_n"),
        compute=_mean_over_frames(total, "field_n", "no frame was scored"),
    )


def _of_scope(*, region: bool) -> tuple[Metric, ...]:
    ssim = "structural similarity, Gaussian window of 11 x 11, standard deviation 1.5, valid positions"
    mean = "mean over pixels of the distance between forecast displacement and that found by optical flow"
    largest = "largest distance of any pixel between forecast displacement and that found by optical flow"
    return (
        _image_metric("nrmse", "image-nrmse", "Image nRMSE", "|P - I| / |I - mean I|", _SOURCE, region=region),
        _image_metric("ssim", "ssim", "SSIM", f"{ssim}, data range = the bit depth's", _WANG, region=region),
        _image_metric("ssim_255", "ssim-255", "SSIM (range 255)", f"{ssim}, data range 255", _WANG, region=region),
        _image_metric("pearson", "pearson", "Correlation", "correlation of grey values", _SOURCE, region=region),
        _field_metric("mean", "geometric-error", "Geometric error", mean, region=region),
        _field_metric("max", "geometric-error-max", "Largest geometric error", largest, region=region),
    )


METRICS: tuple[Metric, ...] = (*_of_scope(region=False), *_of_scope(region=True))
