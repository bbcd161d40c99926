"""Optical flow: how far every pixel of the first frame has moved in a later one. Pyramidal iterative Lucas-Kanade.

Model       J(p + u(p)) = I(p): I the fixed reference (frame 0), J a later frame, u of shape (2, height, width) in pixels
            (u[0] along columns, u[1] along rows)
Layers      both frames smoothed with sigma_init; layer l + 1 is layer l smoothed with sigma_subsample, every second pixel kept.
            From the coarsest layer (u = 0) to the finest; between layers u <- 2 u at twice the size.
Step        on each layer, `iterations` times:   D = J(p + u(p)) - I(p),   u <- F(u - P [G(Ix D); G(Iy D)])
            Ix, Iy   3 x 3 gradients of I, 0.1 [1 0 -1; 3 0 -3; 1 0 -1] and its transpose, as convolutions
            G        Gaussian window of standard deviation sigma_window (kernel of 2 ceil(2 sigma) + 1 pixels, edges held)
            F        our rules: Gaussian smoothing of each component with sigma_field; published: nothing
            P        (2 x 2 a pixel) inverse of [G(Ix^2) G(Ix Iy); G(Ix Iy) G(Iy^2)] + regularisation * identity, in closed form
Reuse       Ix, Iy and P depend on the reference alone: they are made once for a sequence, and a step is two smoothings.
Rules       `ours`       real-valued pyramid, grey values held beyond the edge, Tikhonov regularisation (grey values squared: it damps
                         the motion where the window holds less contrast than that), u interpolated linearly between layers
            `published`  every smoothed frame rounded down to whole grey values, 0 beyond the edge, no motion on the border pixels,
                         u repeated between layers, pseudo-inverse in place of regularisation: a tensor that is singular to
                         working precision gives the shortest solution. (The released code takes the ordinary inverse where
                         |det| > 1e-3; both agree wherever the tensor is regular.) Tensors below 1e-9 count as no contrast.
Cost        about 4/3 * iterations * height * width * 4 (2 ceil(2 sigma_window) + 2 ceil(2 sigma_field) + 2) multiplications a frame
Defaults    Looked at on training frames alone (every 15th of frames 1-90 of one ETH and 1-170 of two OvGU series, forward-warp nRMSE
            and registration error) and on a synthetic phantom.
Source      Lucas and Kanade 1981; Bouguet, Pyramidal implementation of the Lucas Kanade feature tracker, 2001; Pohl et al.,
            arXiv 2410.05882, and its released code (c31ee37f)
Deviations  The released code holds gradients in single precision; frames here are doubles throughout (see `published` above).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError
from hilum.modalities.video.warp import pull

Array = NDArray[np.float64]
Told = Callable[[int, int], None]

# In grey values squared: an absolute floor, so that rounding noise in a flat background is no motion.
NO_CONTRAST = 1e-9


@dataclass(frozen=True)
class OpticalFlow:
    """Settings of the flow.

    Attributes:
        sigma_init: Smoothing of both frames before all else, in pixels.
        sigma_subsample: Smoothing before every second pixel is dropped, in pixels of the layer.
        sigma_window: The window over which motion is taken to be the same, in pixels of the layer.
        layers: Layers of the pyramid; 1 is the frame alone.
        iterations: Steps on each layer.
        regularisation: Added to the diagonal of the structure tensor, in grey values squared; not used by the published rules.
        sigma_field: Smoothing of the field after every step, in pixels of the layer; 0 is none; not used by the published rules.
        rules: `ours` or `published`, as in the head of this file.
    """

    sigma_init: float = 0.5
    sigma_subsample: float = 1.0
    sigma_window: float = 2.0
    layers: int = 3
    iterations: int = 3
    regularisation: float = 50.0
    sigma_field: float = 1.0
    rules: Literal["ours", "published"] = "ours"

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.rules not in ("ours", "published"):
            raise UsageError(f"no rules '{self.rules}'", where="OpticalFlow", do="Use ours or published")
        sigmas = (self.sigma_init, self.sigma_subsample, self.sigma_window)
        if not all(0 < sigma < math.inf for sigma in sigmas) or min(self.layers, self.iterations) < 1:
            raise UsageError(
                "sigmas, layers and iterations must be positive", where="OpticalFlow", do=f"They are {self}"
            )
        if not all(0 <= value < math.inf for value in (self.regularisation, self.sigma_field)):
            raise UsageError(
                "regularisation and sigma_field must be 0 or more", where="OpticalFlow", do=f"They are {self}"
            )


@dataclass(frozen=True)
class Layer:
    """What one layer of the reference gives: the frame, its gradients, and P as (xx, xy, yy)."""

    frame: Array
    along_columns: Array
    along_rows: Array
    inverse: Array


@dataclass(frozen=True)
class Reference:
    """The fixed frame, prepared once; finest layer first."""

    settings: OpticalFlow
    layers: tuple[Layer, ...]


def prepare(frame: Array, settings: OpticalFlow) -> Reference:
    """All that depends on the reference frame alone.

    Args:
        frame: (height, width) grey values, at least 3 pixels each way on the coarsest layer.
        settings: Of the flow.

    Raises:
        DataError: When the frame is too small, is no image or holds values that are not finite.
    """
    return Reference(settings, tuple(_layer(smoothed, settings) for smoothed in pyramid(frame, settings)))


def flow_to(reference: Reference, frame: Array) -> Array:
    """Displacements (2, height, width) in pixels from the reference to a later frame of the same shape.

    Raises:
        DataError: When the frame has another shape or values that are not finite.
    """
    settings = reference.settings
    if frame.shape != reference.layers[0].frame.shape:
        raise DataError(
            f"a frame of shape {frame.shape} does not fit a reference of shape {reference.layers[0].frame.shape}",
            where="optical flow",
            do="All frames of a sequence have one shape",
        )
    moved = pyramid(frame, settings)
    field = np.zeros((2, *moved[-1].shape))
    for number in range(settings.layers - 1, -1, -1):
        layer = reference.layers[number]
        if field.shape[1:] != layer.frame.shape:
            field = _finer(field, layer.frame.shape, settings)
        for _ in range(settings.iterations):
            field += _increment(layer, moved[number], field, settings)
            if settings.rules == "ours" and settings.sigma_field > 0:
                field = np.stack([smooth(component, settings.sigma_field) for component in field])
    return field


def flow_of(
    frames: NDArray[Any], settings: OpticalFlow, told: Told | None = None, dtype: type[np.floating[Any]] = np.float32
) -> NDArray[Any]:
    """The fields from frame 0 to every frame.

    Args:
        frames: (frames, height, width) grey values of any real type.
        settings: Of the flow.
        told: Called with (done, total) after every frame.
        dtype: Of what is kept. All is computed in double precision; single halves the memory, and rounds a displacement of
            10 pixels by less than a millionth of a pixel.

    Returns:
        (frames, 2, height, width) displacements in pixels; the first is 0.

    Raises:
        DataError: When there is no frame, or one is not finite or too small.
    """
    frames = _sequence(frames)
    reference = prepare(frames[0], settings)
    fields = np.zeros((len(frames), 2, *frames.shape[1:]), dtype)
    for number in range(1, len(frames)):
        fields[number] = flow_to(reference, frames[number])
        if told is not None:
            told(number, len(frames) - 1)
    return fields


def registration_rmse(frames: NDArray[Any], fields: NDArray[Any]) -> float:
    """Root mean square over frames 1, 2, ... and all pixels of frame 0 minus the frame pulled back, in grey values; 0 outside.

    Source: Pohl et al., arXiv 2410.05882 (selection of the flow's settings).
    """
    first = np.asarray(frames[0], np.float64)
    errors = [
        np.mean((first - pull(np.asarray(frame, np.float64), np.asarray(field, np.float64), False)) ** 2)
        for frame, field in zip(frames[1:], fields[1:], strict=True)
    ]
    return float(np.sqrt(np.mean(errors))) if errors else math.nan


def published_grid() -> Iterator[OpticalFlow]:
    """The 324 settings that the paper searched: 3 sigma_init, 3 sigma_subsample, 4 windows, 1 to 3 layers and iterations.

    The released script searches over a number of frames that stands at 2. Searched over training frames (every 6th of
    eth_sl010_xcs125 and ovgu_ks81, every 9th of eth_sl014_xcs95) the grid ends at the published settings of these three; over
    the first two frames of eth_sl010_xcs125, and over those of ovgu_jy02, which are shared cropped, it ends elsewhere.
    """
    for init, subsample, window, layers, iterations in itertools.product(
        (0.1, 0.5, 1.0), (0.1, 0.5, 1.0), (1.0, 2.0, 3.0, 4.0), (1, 2, 3), (1, 2, 3)
    ):
        yield OpticalFlow(init, subsample, window, layers, iterations, rules="published")


def small_grid() -> Iterator[OpticalFlow]:
    """12 settings under our rules: 3 windows, 2 or 3 layers, 1 or 3 iterations."""
    for window, layers, iterations in itertools.product((2.0, 3.0, 4.0), (2, 3), (1, 3)):
        yield OpticalFlow(sigma_window=window, layers=layers, iterations=iterations)


@dataclass(frozen=True)
class Choice:
    """The settings with the smallest registration error, and all that was looked at, in the order of the grid."""

    settings: OpticalFlow
    looked_at: tuple[tuple[OpticalFlow, float], ...]


def choose(train: NDArray[Any], grid: Sequence[OpticalFlow] = (), told: Told | None = None) -> Choice:
    """Settings by registration error on training frames.

    Args:
        train: (frames, height, width): training frames only; the first is the reference. Every frame of it is used, so a caller
            who is short of time passes fewer.
        grid: Settings to look at; by default `small_grid()`.
        told: Called with (done, total) after every settings.

    Raises:
        DataError: When there are fewer than two frames, or no settings fit these frames.
    """
    train = _sequence(train)
    if len(train) < 2:
        raise DataError(
            "flow settings are chosen on two frames or more", where="optical flow", do="Give the training part"
        )
    candidates = tuple(grid) or tuple(small_grid())
    looked_at = []
    for number, settings in enumerate(candidates):
        looked_at.append((settings, registration_rmse(train, flow_of(train, settings))))
        if told is not None:
            told(number + 1, len(candidates))
    return Choice(min(looked_at, key=lambda pair: pair[1])[0], tuple(looked_at))


def pyramid(frame: NDArray[Any], settings: OpticalFlow) -> list[Array]:
    """The smoothed frame and its coarser layers, finest first.

    Raises:
        DataError: As in `prepare`.
    """
    frame = np.asarray(frame, np.float64)
    if frame.ndim != 2 or min(frame.shape, default=0) < 2**settings.layers + 1:
        raise DataError(
            f"a frame of shape {frame.shape} is too small for {settings.layers} layers",
            where="optical flow",
            do="The coarsest layer needs 3 pixels each way: ask for fewer layers",
        )
    if not np.isfinite(frame).all():
        raise DataError(
            "a frame holds values that are not finite", where="optical flow", do="Leave the frame out or mend it"
        )
    layers = [_whole(smooth(frame, settings.sigma_init), settings)]
    while len(layers) < settings.layers:
        layers.append(_whole(smooth(layers[-1], settings.sigma_subsample), settings)[::2, ::2].copy())
    return layers


def smooth(frame: Array, sigma: float) -> Array:
    """Gaussian smoothing with a kernel of 2 ceil(2 sigma) + 1 pixels each way; edge pixels are repeated outwards."""
    from scipy.ndimage import correlate1d

    reach = math.ceil(2 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    return np.asarray(correlate1d(correlate1d(frame, kernel, 0, mode="nearest"), kernel, 1, mode="nearest"))


def _sequence(frames: NDArray[Any]) -> NDArray[Any]:
    frames = np.asarray(frames)
    if frames.ndim != 3 or len(frames) == 0:
        raise DataError(
            f"an image series has the shape (frames, height, width), not {frames.shape}",
            where="optical flow",
            do="Reshape it",
        )
    return frames


def _whole(frame: Array, settings: OpticalFlow) -> Array:
    return np.floor(frame) if settings.rules == "published" else frame


def _layer(frame: Array, settings: OpticalFlow) -> Layer:
    along_columns, along_rows = gradients(frame, beyond="zero" if settings.rules == "published" else "edge")
    tensor = np.stack(
        [
            smooth(product, settings.sigma_window)
            for product in (along_columns**2, along_columns * along_rows, along_rows**2)
        ]
    )
    if settings.rules == "published":
        inverse = pseudo_inverse(tensor)
        # No motion is found on the border: a zero matrix there.
        inverse[:, [0, -1], :] = 0.0
        inverse[:, :, [0, -1]] = 0.0
    else:
        inverse = regularised_inverse(tensor, settings.regularisation)
    return Layer(frame, along_columns, along_rows, inverse)


def gradients(frame: Array, beyond: Literal["zero", "edge"]) -> tuple[Array, Array]:
    """Grey values a pixel along columns and along rows: a central difference smoothed by (1, 3, 1) / 5 across.

    Args:
        frame: (height, width).
        beyond: What lies beyond the frame: 0 or the nearest edge pixel.
    """
    from scipy.ndimage import correlate1d

    mode: Literal["constant", "nearest"] = "constant" if beyond == "zero" else "nearest"
    found = []
    for axis in (1, 0):
        across = correlate1d(frame, (0.2, 0.6, 0.2), 1 - axis, mode=mode)
        found.append(np.asarray(correlate1d(across, (-0.5, 0.0, 0.5), axis, mode=mode)))
    return found[0], found[1]


def regularised_inverse(tensor: Array, regularisation: float) -> Array:
    """(3, ...) entries xx, xy, yy of the inverse of symmetric 2 x 2 matrices (3, ...) + (regularisation + floor) * identity."""
    floor = max(regularisation, NO_CONTRAST)
    xx, xy, yy = tensor[0] + floor, tensor[1], tensor[2] + floor
    return np.asarray(np.stack([yy, -xy, xx]) / (xx * yy - xy * xy))


def pseudo_inverse(tensor: Array) -> Array:
    """(3, ...) entries of the pseudo-inverse of symmetric positive semi-definite 2 x 2 matrices (3, ...).

    The larger eigenvalue is l1, the smaller l2 = det / l1. Where l2 is 0 to working precision (2 eps l1) the matrix is l1 v v', whose
    pseudo-inverse v v' / l1 is the matrix itself over l1^2; where l1 is below the floor it is 0.
    """
    xx, xy, yy = tensor
    determinant = xx * yy - xy * xy
    larger = 0.5 * (xx + yy) + np.sqrt((0.5 * (xx - yy)) ** 2 + xy * xy)
    contrast = larger > NO_CONTRAST
    safe = np.where(contrast, larger, 1.0)
    regular = contrast & (determinant > 2.0 * np.spacing(safe) * safe)
    full = np.stack([yy, -xy, xx]) / np.where(regular, determinant, 1.0)
    return np.where(regular, full, np.where(contrast, tensor / safe**2, 0.0))


def _increment(layer: Layer, moved: Array, field: Array, settings: OpticalFlow) -> Array:
    difference = pull(moved, field, settings.rules == "ours") - layer.frame
    right_x = smooth(layer.along_columns * difference, settings.sigma_window)
    right_y = smooth(layer.along_rows * difference, settings.sigma_window)
    xx, xy, yy = layer.inverse
    return -np.stack([xx * right_x + xy * right_y, xy * right_x + yy * right_y])


def _finer(field: Array, shape: tuple[int, ...], settings: OpticalFlow) -> Array:
    """The field of a layer on the next finer one: pixel (2 r, 2 c) there is pixel (r, c) here, and displacements double."""
    rows, columns = np.arange(shape[0]), np.arange(shape[1])
    if settings.rules == "published":
        return 2.0 * field[:, rows[:, None] // 2, columns // 2]
    # An odd row lies half-way between two coarse ones; beyond the last coarse row it takes that one.
    after = np.minimum((rows + 1) // 2, field.shape[1] - 1), np.minimum((columns + 1) // 2, field.shape[2] - 1)
    tall = field[:, rows // 2] + field[:, after[0]]
    return np.ascontiguousarray(0.5 * (tall[:, :, columns // 2] + tall[:, :, after[1]]))
