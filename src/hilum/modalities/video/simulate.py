"""A moving phantom: a sagittal slice of a breathing trunk whose displacement field is known exactly. Synthetic, and labelled so.

Picture     I0(row, column): a trunk, a lung, a liver below it, a spine, and Gaussian spots (vessels, texture); smooth everywhere
Motion      u_t = w1(t) g1 + w2(t) g2 pixels, relative to frame 0: g1 moves down, most at the dome of the liver, nothing at the apex;
            g2 moves the chest wall forward (to the left). So the fields have exactly two principal components.
Weights     w1 = reach (s(t) - s(0)), w2 = 0.35 reach (l(t) - l(0)), s the waveform sin^4(phase / 2) with drifting amplitude of
            `simulate_breathing`, l the same one third of a second later (hysteresis)
Frames      I_t(y) = I0(x) where x + u_t(x) = y, found by fixed-point steps: no interpolation, so frames and fields agree to rounding.
            Then Gaussian noise, rounded to whole grey values.
Limit       |du/dx| < 1 everywhere, so that no two points meet: reach is at most 8 % of the frame's height.
Source      ours; proportions after the look of the sequences of `cine_mri_frames`
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.modalities.series.simulate import simulate_breathing
from hilum.modalities.video.sample import Video

Array = NDArray[np.float64]

LARGEST_REACH = 0.08
STEPS = 30


@dataclass(frozen=True)
class MovingPhantom:
    """What was simulated, and the truth behind it.

    Attributes:
        video: The frames, with `reason` "synthetic".
        fields: (frames, 2, height, width), displacement of every pixel of frame 0, pixels; [0] along columns, [1] along rows.
        weights: (frames, 2), w1 and w2, pixels.
        modes: (2, 2, height, width), g1 and g2.
    """

    video: Video
    fields: Array
    weights: Array
    modes: Array


def simulate_video(
    *,
    frames: int,
    height: int = 96,
    width: int = 80,
    seconds_per_frame: float = 0.25,
    pixel_mm: float = 2.5,
    reach: float = 0.06,
    noise: float = 2.0,
    levels: int = 255,
    seed: int | tuple[int, ...] = 0,
    item: str = "simulated",
    subject: str | None = None,
) -> MovingPhantom:
    """Simulate one sequence; the same seed gives the same bits.

    Args:
        frames: How many.
        height: Rows of a frame.
        width: Columns of a frame.
        seconds_per_frame: Frame interval, s.
        pixel_mm: Side of a pixel, mm.
        reach: Movement of the dome in a mean breath, as a share of the height.
        noise: Standard deviation of the noise, grey values of an 8-bit picture (scaled with `levels`).
        levels: The largest grey value.
        seed: Of everything drawn.
        item: Id of the recording.
        subject: Whose it is said to be.

    Raises:
        UsageError: fewer than two frames, a frame too small for its parts, or a reach at which points would meet.
    """
    if frames < 2 or min(height, width) < 16 or not 0 <= reach <= LARGEST_REACH:
        raise UsageError(
            f"{frames} frames of {height} x {width} with a reach of {reach:g}",
            where="simulate_video",
            do=f"Ask for at least 2 frames of at least 16 x 16 pixels and a reach from 0 to {LARGEST_REACH}",
        )
    draw = np.random.default_rng(seed)
    spots = _spots(draw)
    weights = reach * height * _weights(draw, frames, seconds_per_frame)
    rows, columns = np.meshgrid(np.arange(height, dtype=float), np.arange(width, dtype=float), indexing="ij")
    modes = _modes(rows, columns, height, width)
    fields: Array = np.tensordot(weights, modes, axes=1)
    pictures = np.empty((frames, height, width))
    for t in range(frames):
        from_row, from_column = _origin(weights[t], rows, columns)
        pictures[t] = _picture(from_row / height, from_column / width, spots)
    pictures += draw.normal(0.0, noise / 255.0, pictures.shape)
    grey = np.clip(np.rint(pictures * levels), 0, levels)
    region = (round(0.2 * height), round(0.8 * height), round(0.15 * width), round(0.75 * width))
    video = Video(item, subject, grey, seconds_per_frame, pixel_mm, levels, region, reason="synthetic")
    return MovingPhantom(video, fields, weights, modes)


def _weights(draw: np.random.Generator, frames: int, seconds_per_frame: float) -> Array:
    """s(t) - s(0) and 0.35 (l(t) - l(0)), (frames, 2); both 0 at frame 0."""
    fine = max(1, round(seconds_per_frame / 0.02))
    step = seconds_per_frame / fine
    # A few extra samples, so that the late copy starts inside the record.
    late = round(0.3 / step)
    breath = simulate_breathing(
        seconds=(frames * fine + late) * step, rate_hz=1.0 / step, seed=int(draw.integers(2**31))
    )
    strength = breath.amplitude / breath.amplitude.mean()
    course = strength * np.sin(breath.phase / 2) ** 4
    shallow, delayed = course[late::fine][:frames], course[: len(course) - late : fine][:frames]
    found: Array = np.stack([shallow - shallow[0], 0.35 * (delayed - delayed[0])], axis=1)
    # A few deep breaths may exceed the mean by more than points can follow without meeting.
    return np.clip(found, -1.8, 1.8)


def _modes(rows: Array, columns: Array, height: int, width: int) -> Array:
    """g1 and g2 at any points, (2, 2, ...): each (along columns, along rows), at most 1."""
    y, x = rows / height, columns / width
    down = _rise((y - 0.12) / 0.5) * (1.0 - 0.7 * _rise((y - 0.65) / 0.4)) * _rise(x / 0.3) * _rise((1.0 - x) / 0.4)
    forward = -_rise(x / 0.15) * _rise((0.8 - x) / 0.6) * _rise((y - 0.05) / 0.4)
    nothing = np.zeros_like(down)
    return np.array([[nothing, down], [forward, nothing]])


def _origin(weights: Array, rows: Array, columns: Array) -> tuple[Array, Array]:
    """Where in frame 0 each pixel comes from: x with x + u(x) = y."""
    height, width = rows.shape
    from_row, from_column = rows, columns
    for _ in range(STEPS):
        along_columns, along_rows = np.tensordot(weights, _modes(from_row, from_column, height, width), axes=1)
        moved = max(np.abs(rows - along_rows - from_row).max(), np.abs(columns - along_columns - from_column).max())
        from_row, from_column = rows - along_rows, columns - along_columns
        if moved < 1e-12:
            break
    return from_row, from_column


def _rise(z: Array) -> Array:
    """From 0 at z = 0 smoothly to 1 at z = 1."""
    cut = np.clip(z, 0.0, 1.0)
    smooth: Array = cut * cut * (3.0 - 2.0 * cut)
    return smooth


def _spots(draw: np.random.Generator) -> Array:
    """(spots, 4): row, column, width as shares of the frame, and strength; vessels of the lung, then texture everywhere."""
    vessels = np.stack(
        [
            draw.uniform(0.22, 0.6, 25),
            draw.uniform(0.28, 0.68, 25),
            draw.uniform(0.008, 0.02, 25),
            draw.uniform(0.15, 0.35, 25),
        ],
        axis=1,
    )
    texture = np.stack(
        [draw.uniform(0, 1, 60), draw.uniform(0, 1, 60), draw.uniform(0.02, 0.06, 60), draw.uniform(-0.18, 0.18, 60)],
        axis=1,
    )
    return np.concatenate([vessels, texture])


def _picture(y: Array, x: Array, spots: Array) -> Array:
    """I0 at points given as shares of height and width; from 0 to 1."""
    trunk = _disc(y, x, 0.52, 0.48, 0.62, 0.42)
    lung = _disc(y, x, 0.38, 0.47, 0.27, 0.26)
    liver = _disc(y, x, 0.78, 0.44, 0.24, 0.30)
    spine = _disc(y, x, 0.5, 0.82, 0.6, 0.05)
    picture = 0.03 + trunk * (0.37 - 0.27 * lung * (1.0 - liver) + 0.2 * liver + 0.15 * spine)
    for row, column, size, strength in spots:
        near = ((y - row) ** 2 + (x - column) ** 2) / (2.0 * size**2)
        picture = picture + strength * trunk * np.exp(-near)
    return picture


def _disc(y: Array, x: Array, row: float, column: float, half_height: float, half_width: float) -> Array:
    """1 inside an ellipse, 0 outside, with an edge about one hundredth of the frame wide."""
    distance = np.hypot((y - row) / half_height, (x - column) / half_width)
    inside: Array = 0.5 * (1.0 - np.tanh((distance - 1.0) / 0.04))
    return inside
