"""Optical flow: how long does it take, and how well does it register? Ours beside scikit-image, in the same run, on one thread.

Frames      *synthetic*: a texture of waves of 7 to 40 pixels at 270 x 270, shifted by (3.1, -4.2) pixels and stretched by 3 %; its
            motion is known, so the error of the field itself is shown. Real, where the frames are there (HILUM_DATA or --data): the
            last frames of each recording of `cine_mri_frames` against its first (ETH 181-200, OvGU 341-498). Our defaults were
            looked at on frames 1-90 of eth_sl010_xcs125 and 1-170 of both OvGU recordings, on none of these.
Methods     ours; the published rules with the published settings of each recording (2 layers, 1 step for the synthetic one);
            scikit-image's iterative Lucas-Kanade and TV-L1 with their own defaults, frames divided by the first one's largest value
Columns     ms a frame (smallest and median over frames and repeats; the reference prepared before, as in a sequence);
            registration error = root mean square of frame 0 minus frame t pulled back, over that of frame 0 minus frame t;
            forward nRMSE = |frame 0 pushed forward - frame t| / |frame t - its mean| over the whole frame;
            mean error of the field in pixels (synthetic). Registration and field error leave out 9 % of a side at each edge (24
            pixels of 270), into which grey values come from beyond the frame.
Targets     flow and forward warp each under 150 ms a frame at 270 x 270; exit code 1 where one is missed

Run         python benchmarks/optical_flow.py [--data DIR] [--frames 4] [--repeats 3]       about a minute
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hilum.modalities.video.optical_flow import OpticalFlow, flow_to, prepare
from hilum.modalities.video.principal_motion import PrincipalMotion
from hilum.modalities.video.read_strip import read_strip
from hilum.modalities.video.warp import pull_back, push_forward

Array = NDArray[np.float64]
Method = Callable[[Array], Array]
TARGET_MS = 150.0
EDGE = 0.09
LEVELS = {"eth": 255, "ovgu": 4095}


@dataclass(frozen=True)
class Material:
    """Frames to register on the first, the published settings for them, and the true fields where they are known."""

    name: str
    first: Array
    later: list[Array]
    published: OpticalFlow
    truth: list[Array] | None = None


@dataclass(frozen=True)
class Measured:
    """One line of the table: times in ms, errors as in the head of this file."""

    method: str
    smallest_ms: float
    median_ms: float
    registration: float
    forward: float
    field_px: float


def phantom(size: int = 270, frames: int = 2) -> Material:
    """*Synthetic* frames of known motion: (row, column) -> stretched by 3 % about the centre and shifted, more in later frames."""
    random = np.random.default_rng(20261124)
    angle, length, phase = random.uniform(0, np.pi, 40), random.uniform(7, 40, 40), random.uniform(0, 2 * np.pi, 40)
    rows, columns = np.mgrid[:size, :size].astype(float)
    centre = (size - 1) / 2

    def texture(x: Array, y: Array) -> Array:
        waves = np.multiply.outer(x, np.cos(angle) / length) + np.multiply.outer(y, np.sin(angle) / length)
        return np.asarray(np.clip(128 + 12 * np.sin(2 * np.pi * waves + phase).sum(axis=-1), 0, 255))

    later, truth = [], []
    for number in range(1, frames + 1):
        part = number / frames
        stretch, shift_x, shift_y = 1 + 0.03 * part, 3.1 * part, -4.2 * part
        truth.append(
            np.stack([(stretch - 1) * (columns - centre) + shift_x, (stretch - 1) * (rows - centre) + shift_y])
        )
        later.append(
            texture((columns - centre - shift_x) / stretch + centre, (rows - centre - shift_y) / stretch + centre)
        )
    published = OpticalFlow(0.1, 0.1, 2.0, 2, 1, rules="published")
    return Material(f"synthetic {size} x {size}", texture(columns, rows), later, published, truth)


def real(data: Path, frames: int) -> Iterator[Material]:
    """The recordings that lie in a data directory, and their last frames."""
    facts = json.loads((data / "cine_mri_frames" / "meta.json").read_text())
    settings = json.loads((data / "cine_mri_pca_weights" / "author_sequence_parameters.json").read_text())
    for name, fact in facts.items():
        video = read_strip(
            data / "cine_mri_frames" / f"{name}.png",
            seconds_per_frame=1 / fact["fps"],
            pixel_mm=fact["pixel_mm"],
            frames=fact["frames"],
            levels=LEVELS[name.split("_")[0]],
        )
        theirs = settings.get(name) or next(value for key, value in settings.items() if key.startswith(name))
        flow = theirs["OF_calc_par"]
        published = OpticalFlow(
            flow["sigma_init"],
            flow["sigma_subspl"],
            flow["sigma_LK"],
            flow["nb_layers"],
            flow["nb_iter"],
            rules="published",
        )
        chosen = np.linspace(theirs["pred_par"]["tmax_cv"], video.count - 1, frames).astype(int)
        yield Material(f"{name} {video.height} x {video.width}", video.frames[0], list(video.frames[chosen]), published)


def methods(material: Material) -> dict[str, Method]:
    """By name, a function from a later frame to the field; references are prepared here, outside the clock."""
    ours, published = prepare(material.first, OpticalFlow()), prepare(material.first, material.published)
    found: dict[str, Method] = {
        "ours": lambda frame: flow_to(ours, frame),
        "published rules": lambda frame: flow_to(published, frame),
    }
    try:
        from skimage.registration import optical_flow_ilk, optical_flow_tvl1
    except ImportError:
        return found
    scale = material.first.max()

    def swapped(function: Callable[..., Array]) -> Method:
        # scikit-image gives rows first, and the same direction: frame t read at p + u looks like frame 0.
        return lambda frame: function(material.first / scale, frame / scale)[::-1].astype(np.float64)

    return {**found, "scikit-image ILK": swapped(optical_flow_ilk), "scikit-image TV-L1": swapped(optical_flow_tvl1)}


def inner(picture: Array) -> Array:
    """Without the edges."""
    rows, columns = (int(EDGE * side) for side in picture.shape)
    return picture[rows:-rows, columns:-columns]


def measure(name: str, method: Method, material: Material, repeats: int) -> Measured:
    """Time and errors of one method on one material."""
    method(material.later[0])  # compiles, fills caches
    times, registered, pushed, wrong = [], [], [], []
    for number, frame in enumerate(material.later):
        field = np.empty(0)
        for _ in range(repeats):
            began = time.perf_counter()
            field = method(frame)
            times.append(1000 * (time.perf_counter() - began))
        left = inner(material.first - pull_back(frame, field))
        registered.append(np.linalg.norm(left) / np.linalg.norm(inner(material.first - frame)))
        moved = push_forward(material.first, field)
        pushed.append(np.linalg.norm(moved - frame) / np.linalg.norm(frame - frame.mean()))
        if material.truth is not None:
            wrong.append(inner(np.hypot(*(field - material.truth[number]))).mean())
    return Measured(
        name,
        min(times),
        statistics.median(times),
        float(np.mean(registered)),
        float(np.mean(pushed)),
        float(np.mean(wrong)) if wrong else float("nan"),
    )


def clock(function: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Smallest and median time in ms, after one call that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - began))
    return min(times), statistics.median(times)


def around(material: Material, repeats: int) -> dict[str, tuple[float, float]]:
    """Times in ms of what surrounds the flow: preparing the reference, both warps, the field of some weights."""
    field = flow_to(prepare(material.first, OpticalFlow()), material.later[-1])
    model = PrincipalMotion.fit(np.stack([0 * field, field, field[:, ::-1]]), 3, 2)
    weights = model.weights(field)
    return {
        "prepare the reference": clock(lambda: prepare(material.first, OpticalFlow()), repeats),
        "forward warp": clock(lambda: push_forward(material.first, field), repeats),
        "backward warp": clock(lambda: pull_back(material.later[-1], field), repeats),
        "weights of a field": clock(lambda: model.weights(field), repeats),
        "field of weights": clock(lambda: model.field(weights), repeats),
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description="Time and registration error of optical flow, on one thread.")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HILUM_DATA", "")))
    parser.add_argument("--frames", type=int, default=4, help="frames of each recording")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--size", type=int, default=270, help="side of the synthetic frames")
    given = parser.parse_args(arguments)
    threadpool_limits(1)
    materials = [phantom(given.size, min(given.frames, 2))]
    if (given.data / "cine_mri_frames" / "meta.json").is_file():
        materials += list(real(given.data, given.frames))
    else:
        print("real frames: not here (set HILUM_DATA or --data); synthetic ones alone")
    print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores; one thread\n")
    slowest = 0.0
    for material in materials:
        print(f"{material.name}, {len(material.later)} frames")
        print(
            f"  {'method':20} {'ms min':>8} {'ms median':>10} {'registration':>13} {'forward nRMSE':>14} {'field, px':>10}"
        )
        still = np.mean([np.linalg.norm(material.first - f) / np.linalg.norm(f - f.mean()) for f in material.later])
        print(f"  {'no motion':20} {'':>8} {'':>10} {1.0:13.3f} {still:14.3f}")
        for name, method in methods(material).items():
            found = measure(name, method, material, given.repeats)
            slowest = max(slowest, found.median_ms if name in ("ours", "published rules") else 0.0)
            field = "" if material.truth is None else f"{found.field_px:10.3f}"
            print(
                f"  {name:20} {found.smallest_ms:8.1f} {found.median_ms:10.1f} {found.registration:13.3f} {found.forward:14.3f} {field}"
            )
        if len(methods(material)) == 2:
            print("  scikit-image: not run: pip install 'hilum[imaging]'")
        print()
    times = around(materials[0], 10 * given.repeats)
    for name, (smallest, median) in times.items():
        print(f"{name:24} {smallest:7.2f} ms min {median:7.2f} ms median ({materials[0].name})")
    warp = times["forward warp"][1]
    missed = max(slowest, warp) >= TARGET_MS
    print(
        f"\ntarget {TARGET_MS:g} ms a frame: flow {slowest:.1f}, forward warp {warp:.1f}: {'missed' if missed else 'met'}"
    )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
