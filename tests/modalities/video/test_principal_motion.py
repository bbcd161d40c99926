"""The motion model against scikit-learn, and what must hold for any fields."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from hilum.core.errors import DataError, UsageError
from hilum.modalities.video.principal_motion import PrincipalMotion

Array = NDArray[np.float64]


def breathing_fields(seed: int = 0, frames: int = 40, noise: float = 0.05) -> Array:
    """*Synthetic*: three fixed patterns of motion with weights that breathe, and noise; frame 0 does not move."""
    random = np.random.default_rng(seed)
    patterns = random.normal(size=(3, 2, 9, 11))
    time = np.arange(frames)
    weights = np.stack([6 * np.sin(0.4 * time), 2 * np.cos(0.9 * time), 0.7 * np.sin(1.7 * time + 1)], axis=1)
    fields = np.einsum("tk,kdrc->tdrc", weights, patterns) + random.normal(0, noise, (frames, 2, 9, 11))
    fields[0] = 0.0
    return np.asarray(fields)


def test_scikit_learn_finds_the_same_modes_weights_and_shares() -> None:
    fields = breathing_fields()
    ours = PrincipalMotion.fit(fields, 25, 4)
    theirs = PCA(4, svd_solver="full").fit(fields[:25].reshape(25, -1))
    np.testing.assert_allclose(ours.mean.ravel(), theirs.mean_, atol=1e-12)
    sign = np.sign((ours.modes.reshape(4, -1) * theirs.components_).sum(axis=1))
    np.testing.assert_allclose(ours.modes.reshape(4, -1), sign[:, None] * theirs.components_, atol=1e-8)
    np.testing.assert_allclose(ours.weights(fields), sign * theirs.transform(fields.reshape(40, -1)), atol=1e-8)
    np.testing.assert_allclose(ours.explained(), theirs.explained_variance_ratio_, rtol=1e-9)
    np.testing.assert_allclose(ours.variance, theirs.explained_variance_ * 24 / 25, rtol=1e-9)


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_fields_of_the_model_survive_the_round_trip(seed: int, components: int) -> None:
    model = PrincipalMotion.fit(breathing_fields(seed), 20, components)
    weights = np.random.default_rng(seed).normal(0, 10, (5, components))
    np.testing.assert_allclose(model.weights(model.field(weights)), weights, atol=1e-9)
    flat = model.modes.reshape(components, -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(components), atol=1e-9)


def test_three_patterns_are_found_whole() -> None:
    fields = breathing_fields(noise=0.0)
    model = PrincipalMotion.fit(fields, 30, 3)
    np.testing.assert_allclose(model.field(model.weights(fields)), fields, atol=1e-9)
    assert model.explained().sum() == pytest.approx(1.0)


@given(st.integers(0, 10_000))
def test_frames_after_training_are_never_read(seed: int) -> None:
    fields = breathing_fields()
    fitted = PrincipalMotion.fit(fields, 22, 3).fingerprint()
    other = fields.copy()
    other[22:] = np.random.default_rng(seed).permutation(other[22:])
    assert PrincipalMotion.fit(other, 22, 3).fingerprint() == fitted
    other[22:] = math.nan
    assert PrincipalMotion.fit(other, 22, 3).fingerprint() == fitted
    other[21, 0, 0, 0] += 0.5
    assert PrincipalMotion.fit(other, 22, 3).fingerprint() != fitted


def test_the_first_frame_has_positive_weights() -> None:
    for seed in range(8):
        fields = breathing_fields(seed)
        assert (PrincipalMotion.fit(fields, 25, 4).weights(fields)[0] > 0).all()
        # The mirrored motion has mirrored modes, and the same weights.
        np.testing.assert_allclose(
            PrincipalMotion.fit(-fields, 25, 4).weights(-fields),
            PrincipalMotion.fit(fields, 25, 4).weights(fields),
            atol=1e-9,
        )


def test_shapes_of_one_and_many() -> None:
    fields = breathing_fields()
    model = PrincipalMotion.fit(fields, 25, 2)
    many = model.weights(fields)
    assert many.shape == (40, 2)
    np.testing.assert_array_equal(model.weights(fields[7]), many[7])
    assert model.field(many).shape == (40, 2, 9, 11)
    assert model.field(many.reshape(4, 10, 2)).shape == (4, 10, 2, 9, 11)
    np.testing.assert_allclose(model.field(many[7]), model.field(many)[7], atol=1e-12)


def test_fewer_modes_of_the_same_fit() -> None:
    fields = breathing_fields()
    whole, small = PrincipalMotion.fit(fields, 25, 4), PrincipalMotion.fit(fields, 25, 2)
    np.testing.assert_allclose(whole.first(2).modes, small.modes, atol=1e-12)
    np.testing.assert_array_equal(whole.first(2).explained(), whole.explained()[:2])
    assert whole.fingerprint() != whole.first(3).fingerprint()


def test_single_precision_fields_are_taken() -> None:
    fields = breathing_fields()
    single = PrincipalMotion.fit(fields.astype(np.float32), 25, 3)
    assert single.modes.dtype == np.float64
    np.testing.assert_allclose(single.weights(fields), PrincipalMotion.fit(fields, 25, 3).weights(fields), atol=1e-4)


def test_a_weight_that_is_nan_gives_a_field_that_is_nan() -> None:
    model = PrincipalMotion.fit(breathing_fields(), 25, 2)
    fields = model.field(np.array([[1.0, math.nan], [1.0, 2.0]]))
    assert np.isnan(fields[0]).all()
    assert np.isfinite(fields[1]).all()


def test_what_cannot_be_fitted_is_refused() -> None:
    fields = breathing_fields(noise=0.0)
    with pytest.raises(DataError, match="move in 3 independent ways, 4 were asked for"):
        PrincipalMotion.fit(fields, 30, 4)
    with pytest.raises(DataError, match="move in 0 independent ways"):
        PrincipalMotion.fit(np.zeros((5, 2, 4, 4)), 5, 1)
    for train, components in ((1, 1), (41, 2), (20, 0), (3, 3)):
        with pytest.raises(UsageError, match="training frames"):
            PrincipalMotion.fit(fields, train, components)
    with pytest.raises(DataError, match="shape"):
        PrincipalMotion.fit(fields[:, 0], 20, 2)
    fields[4, 1, 2, 3] = math.inf
    with pytest.raises(DataError, match="not finite"):
        PrincipalMotion.fit(fields, 20, 2)


def test_fields_of_another_series_are_refused() -> None:
    model = PrincipalMotion.fit(breathing_fields(), 25, 3)
    with pytest.raises(DataError, match=r"\(2, 9, 11\)"):
        model.weights(np.zeros((4, 2, 9, 10)))
    with pytest.raises(DataError, match=r"\(3,\)"):
        model.field(np.zeros((4, 2)))
    for count in (0, 4):
        with pytest.raises(UsageError, match="a model that has 3"):
            model.first(count)
