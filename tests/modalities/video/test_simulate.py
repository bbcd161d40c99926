"""The phantom's frames are its field applied to frame 0: an interpolation that the simulator does not use says so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from hilum.core.errors import UsageError
from hilum.modalities.video.sample import assess
from hilum.modalities.video.simulate import MovingPhantom, simulate_video


def phantom(seed: int = 1, frames: int = 12) -> MovingPhantom:
    return simulate_video(frames=frames, height=96, width=80, noise=0.0, levels=65535, seed=seed)


def mismatch(made: MovingPhantom, t: int, sign: float) -> float:
    """Root mean square of I_t(x + sign u) - I_0(x), as a share of the grey range, by cubic splines."""
    rows, columns = np.indices(made.video.frames.shape[1:])
    along_columns, along_rows = sign * made.fields[t]
    moved = map_coordinates(made.video.frames[t], [rows + along_rows, columns + along_columns], order=3, mode="nearest")
    inner = np.s_[10:-10, 10:-10]
    return float(np.sqrt(np.mean((moved - made.video.frames[0])[inner] ** 2)) / 65535)


@settings(max_examples=5)
@given(st.integers(0, 1000))
def test_a_point_of_frame_0_is_found_where_the_field_says(seed: int) -> None:
    made = phantom(seed)
    t = int(np.abs(made.weights[:, 0]).argmax())
    assert np.abs(made.fields[t]).max() > 0.5
    assert mismatch(made, t, 1.0) < 2e-3
    assert mismatch(made, t, 1.0) < 0.1 * mismatch(made, t, 0.0)
    assert mismatch(made, t, 1.0) < 0.1 * mismatch(made, t, -1.0)


def test_fields_start_at_rest_and_have_two_components() -> None:
    made = phantom(2, frames=40)
    assert not made.fields[0].any()
    singular = np.linalg.svd(made.fields.reshape(40, -1), compute_uv=False)
    assert singular[2] < 1e-10 * singular[0] < 1e-3 * singular[1]
    np.testing.assert_allclose(np.tensordot(made.weights, made.modes, axes=1), made.fields)


def test_no_two_points_meet() -> None:
    made = simulate_video(frames=60, reach=0.08, seed=3)
    for field in made.fields[np.abs(made.weights).argmax(axis=0)]:
        across, down = np.gradient(field, axis=(2, 1))
        assert ((1 + across[0]) * (1 + down[1]) - across[1] * down[0]).min() > 0.2


def test_it_repeats_says_synthetic_and_can_be_used() -> None:
    one, same, other = (simulate_video(frames=6, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.video.frames, same.video.frames)
    assert not np.array_equal(one.video.frames, other.video.frames)
    assert one.video.reason == "synthetic"
    assert assess(one.video).quality == 1.0
    assert np.array_equal(one.video.frames, np.rint(one.video.frames))


@pytest.mark.parametrize("settings", [{"frames": 1}, {"height": 8}, {"reach": 0.2}, {"reach": -0.1}])
def test_what_cannot_be_simulated(settings: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="reach"):
        simulate_video(**({"frames": 4} | settings))  # type: ignore[arg-type]
