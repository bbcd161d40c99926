"""Warping against loops over pixels, SciPy's interpolation, and what must hold for any image."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from hilum.core.errors import DataError, UsageError
from hilum.modalities.video.warp import Splatting, pull, pull_back, push_forward, splat, splat_by_counts

Array = NDArray[np.float64]


def frame_and_field(seed: int, height: int, width: int, spread: float) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    return random.uniform(0, 255, (height, width)), random.normal(0, spread, (2, height, width))


def by_hand(image: Array, field: Array, sigma: float, half: int) -> Array:
    """Nadaraya-Watson written from its definition: for every target pixel, a sum over every source pixel whose support holds it."""
    height, width = image.shape
    moved = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            above = below = 0.0
            for r in range(height):
                for c in range(width):
                    x, y = c + field[0, r, c], r + field[1, r, c]
                    held_x = math.floor(x) - half + 1 <= column <= math.floor(x) + half
                    held_y = math.floor(y) - half + 1 <= row <= math.floor(y) + half
                    if held_x and held_y:
                        share = math.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * sigma**2))
                        above += share * image[r, c]
                        below += share
            moved[row, column] = above / below if below > 0 else 0.0
    return moved


@pytest.mark.parametrize(("sigma", "spread"), [(0.5, 0.4), (0.5, 3.0), (0.1, 1.0), (2.0, 1.0)])
def test_forward_equals_the_definition(sigma: float, spread: float) -> None:
    image, field = frame_and_field(1, 8, 7, spread)
    half = Splatting(sigma).half
    wanted = by_hand(image, field, sigma, half)
    np.testing.assert_allclose(push_forward(image, field, Splatting(sigma)), wanted, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(splat_by_counts(image, field, sigma, half), wanted, rtol=1e-10, atol=1e-10)


def test_the_kernel_equals_its_plain_form_and_the_counts() -> None:
    image, field = frame_and_field(2, 31, 22, 2.5)
    compiled = splat(image, field, 0.5, 3)
    # To rounding only: the compiler may join a multiplication and an addition.
    np.testing.assert_allclose(compiled, splat.plain(image, field, 0.5, 3), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(compiled, splat_by_counts(image, field, 0.5, 3), rtol=1e-10, atol=1e-10)
    for hold_edge in (False, True):
        np.testing.assert_allclose(pull(image, field, hold_edge), pull.plain(image, field, hold_edge), rtol=1e-13)


@pytest.mark.parametrize(("outside", "mode"), [("zero", "grid-constant"), ("edge", "nearest")])
@pytest.mark.parametrize("spread", [0.3, 4.0])
def test_backward_equals_interpolation_by_scipy(outside: str, mode: str, spread: float) -> None:
    image, field = frame_and_field(3, 19, 26, spread)
    rows, columns = np.mgrid[:19, :26]
    wanted = map_coordinates(image, [rows + field[1], columns + field[0]], order=1, mode=mode)
    np.testing.assert_allclose(pull_back(image, field, outside), wanted, rtol=1e-11, atol=1e-11)  # type: ignore[arg-type]


@given(st.integers(0, 10_000), st.integers(4, 12), st.integers(4, 12))
def test_no_motion_changes_nothing_backward_and_smooths_evenly_forward(seed: int, height: int, width: int) -> None:
    image, _ = frame_and_field(seed, height, width, 0.0)
    still = np.zeros((2, height, width))
    np.testing.assert_array_equal(pull_back(image, still), image)
    np.testing.assert_array_equal(pull_back(image, still, "edge"), image)
    # A narrow kernel leaves the image as it is; a flat image stays flat under any kernel.
    np.testing.assert_allclose(push_forward(image, still, Splatting(0.1)), image, rtol=1e-9)
    np.testing.assert_allclose(push_forward(np.full_like(image, 7.0), still), 7.0, rtol=1e-12)


@given(st.integers(0, 10_000), st.integers(-3, 3), st.integers(-3, 3))
def test_a_whole_number_of_pixels_moves_the_image(seed: int, right: int, down: int) -> None:
    image, _ = frame_and_field(seed, 14, 13, 0.0)
    field = np.stack([np.full((14, 13), float(right)), np.full((14, 13), float(down))])
    moved = push_forward(image, field, Splatting(0.1))
    inner = moved[4:-4, 4:-4]
    np.testing.assert_allclose(inner, np.roll(image, (down, right), (0, 1))[4:-4, 4:-4], rtol=1e-9)
    np.testing.assert_array_equal(
        pull_back(image, field)[4:-4, 4:-4], np.roll(image, (-down, -right), (0, 1))[4:-4, 4:-4]
    )


@given(st.integers(0, 10_000), st.floats(0.2, 3.0))
def test_forward_is_a_mean_of_what_arrives(seed: int, spread: float) -> None:
    image, field = frame_and_field(seed, 10, 9, spread)
    image += 1.0
    moved = push_forward(image, field)
    there = moved != 0
    assert moved[there].min() >= image.min() - 1e-9
    assert moved[there].max() <= image.max() + 1e-9
    # It is linear in the grey values: splatting cannot brighten one image and darken another.
    np.testing.assert_allclose(push_forward(3 * image, field), 3 * moved, rtol=1e-12)


def test_empty_pixels_are_0_and_far_displacements_leave_the_frame() -> None:
    image = np.full((12, 12), 9.0)
    field = np.zeros((2, 12, 12))
    field[0] = 8.0
    moved = push_forward(image, field)
    assert (moved[:, :6] == 0).all()  # the support reaches 2 pixels to the left of where the first column lands
    np.testing.assert_allclose(moved[:, 6:], 9.0)
    field[1] = -1e300  # beyond the range of any integer
    assert (push_forward(image, field) == 0).all()
    assert (pull_back(image, field) == 0).all()
    np.testing.assert_allclose(pull_back(image, field, "edge"), 9.0)


def test_rounding_down_gives_whole_grey_values() -> None:
    image, field = frame_and_field(4, 15, 16, 1.0)
    exact = push_forward(image, field)
    np.testing.assert_array_equal(push_forward(image, field, Splatting(rounding="floor")), np.floor(exact))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_displacement_that_is_not_finite_has_no_frame(bad: float) -> None:
    image, field = frame_and_field(5, 6, 6, 0.5)
    field[1, 2, 3] = bad
    assert np.isnan(push_forward(image, field)).all()
    for outside in ("zero", "edge"):
        assert np.argwhere(np.isnan(pull_back(image, field, outside))).tolist() == [[2, 3]]  # type: ignore[arg-type]


def test_any_real_type_is_taken() -> None:
    image = np.arange(30, dtype=np.uint16).reshape(5, 6)
    field = np.zeros((2, 5, 6), np.float32)
    np.testing.assert_array_equal(pull_back(image, field), image.astype(float))  # type: ignore[arg-type]


def test_what_does_not_fit_is_refused() -> None:
    image = np.zeros((5, 6))
    for field in (np.zeros((2, 6, 5)), np.zeros((5, 6)), np.zeros((3, 5, 6))):
        with pytest.raises(DataError, match=r"does not fit a frame of shape \(5, 6\)"):
            push_forward(image, field)
    with pytest.raises(DataError, match="does not fit"):
        pull_back(np.zeros((2, 5, 6)), np.zeros((2, 5, 6)))
    with pytest.raises(UsageError, match="no rule 'wrap'"):
        pull_back(image, np.zeros((2, 5, 6)), "wrap")  # type: ignore[arg-type]
    for sigma in (0.0, 0.05, -1.0, math.nan, math.inf):
        with pytest.raises(UsageError, match="sigma"):
            Splatting(sigma)
    with pytest.raises(UsageError, match="no rounding 'ceil'"):
        Splatting(rounding="ceil")  # type: ignore[arg-type]


def test_the_published_support_is_six_by_six() -> None:
    assert [Splatting(sigma).half for sigma in (0.5, 1.5, 1.6, 4.0)] == [3, 3, 4, 8]
