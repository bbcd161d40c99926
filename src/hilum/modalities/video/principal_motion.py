"""Principal motion: a few modes of movement learnt from training frames, so that a whole displacement field is a few numbers.

Model       u(t) = mean + sum_i weight_i(t) mode_i;   fields u of shape (2, height, width) in pixels
Fit         X (frames, 2 height width): training fields minus their mean. Snapshot method: X X' = K L K' is only frames x frames;
            mode_i = X' k_i / sqrt(l_i), orthonormal, by falling eigenvalue l_i.
Sign        the first entry of each k_i that is not 0 is positive: the first training frame that has any weight has a positive one
Weights     weight_i(t) = <u(t) - mean, mode_i>, in pixels times the root of the number of displacements (a field that moves by one
            pixel everywhere has norm sqrt(height width)); mean and modes come from training frames alone
Cost        fit frames^2 * 2 height width, weights 2 height width a mode and frame
Source      Sirovich 1987 (snapshots); Zhang et al., Phys. Med. Biol. 52, 4761 (2007); Pohl et al., arXiv 2410.05882, and its
            released code (c31ee37f)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PrincipalMotion:
    """A fitted motion model.

    Attributes:
        mean: (2, height, width) mean training field in pixels.
        modes: (components, 2, height, width), orthonormal.
        variance: (components,) eigenvalues l_i over the number of training frames: the mean square of each training weight.
        total_variance: The mean square norm of the centred training fields; explained shares are relative to it.
    """

    mean: Array
    modes: Array
    variance: Array
    total_variance: float

    @classmethod
    def fit(cls, fields: NDArray[Any], train: int, components: int = 4) -> PrincipalMotion:
        """Learn mean and modes from the first `train` fields; later ones are not read.

        Args:
            fields: (frames, 2, height, width) displacements in pixels, from frame 0 of the series to each frame.
            train: Number of training frames, counted from the first.
            components: Number of modes.

        Raises:
            UsageError: When `train` or `components` do not fit the series.
            DataError: When a training field is not finite, or the training frames move in fewer independent ways than
                `components`.
        """
        fields = np.asarray(fields)
        if fields.ndim != 4 or fields.shape[1] != 2:
            raise DataError(
                f"fields have the shape (frames, 2, height, width), not {fields.shape}",
                where="principal motion",
                do="Reshape them",
            )
        if not 2 <= train <= len(fields) or not 1 <= components < train:
            raise UsageError(
                f"{components} modes from {train} training frames of a series of {len(fields)}",
                where="principal motion",
                do="Give at least two training frames, no more than there are, and fewer modes than training frames",
            )
        snapshots = fields[:train].reshape(train, -1).astype(np.float64)
        if not np.isfinite(snapshots).all():
            raise DataError("a training field is not finite", where="principal motion", do="Leave the frame out")
        mean = snapshots.mean(axis=0)
        snapshots -= mean
        values, vectors = np.linalg.eigh(snapshots @ snapshots.T)
        values, vectors = values[::-1][:components], _signed(vectors[:, ::-1][:, :components])
        total = float(np.einsum("ij,ij->", snapshots, snapshots))
        # Rounding leaves eigenvalues of about frames * eps * total where there is no motion.
        moving = int(np.count_nonzero(values > train * np.finfo(np.float64).eps * total))
        if moving < components:
            raise DataError(
                f"the training frames move in {moving} independent ways, {components} were asked for",
                where="principal motion",
                do="Ask for fewer components, or check that the frames differ",
            )
        modes = (vectors / np.sqrt(values)).T @ snapshots
        shape = fields.shape[1:]
        return cls(mean.reshape(shape), modes.reshape(components, *shape), values / train, total / train)

    @property
    def components(self) -> int:
        """Number of modes."""
        return len(self.modes)

    def first(self, components: int) -> PrincipalMotion:
        """The same model with fewer modes.

        Raises:
            UsageError: When it has fewer than `components`.
        """
        if not 1 <= components <= self.components:
            raise UsageError(
                f"{components} modes of a model that has {self.components}",
                where="principal motion",
                do="Ask for 1 up to that",
            )
        return PrincipalMotion(self.mean, self.modes[:components], self.variance[:components], self.total_variance)

    def weights(self, fields: NDArray[Any]) -> Array:
        """Weights (..., components) of one field (2, height, width) or of many (frames, 2, height, width)."""
        fields = np.asarray(fields)
        self._check(fields.shape[-3:], self.mean.shape)
        flat = fields.reshape(-1, self.mean.size)
        found = np.empty((len(flat), self.components))
        basis = self.modes.reshape(self.components, -1)
        for number, field in enumerate(flat):  # one at a time: a long series is never copied whole
            found[number] = basis @ (field - self.mean.ravel())
        return found.reshape(*fields.shape[:-3], self.components)

    def field(self, weights: NDArray[Any]) -> Array:
        """Field (..., 2, height, width) in pixels of weights (..., components); NaN where the weights are NaN."""
        weights = np.asarray(weights, np.float64)
        self._check(weights.shape[-1:], (self.components,))
        flat = weights.reshape(-1, self.components) @ self.modes.reshape(self.components, -1)
        return self.mean + flat.reshape(*weights.shape[:-1], *self.mean.shape)

    def explained(self) -> Array:
        """(components,) shares of the variance of the training fields."""
        return self.variance / self.total_variance

    def fingerprint(self) -> str:
        """SHA-256 of what was fitted."""
        return hashlib.sha256(self.mean.tobytes() + self.modes.tobytes()).hexdigest()

    @staticmethod
    def _check(shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
        if shape != wanted:
            raise DataError(
                f"the last axes have the shape {shape}, the motion model asks for {wanted}",
                where="principal motion",
                do="Use fields of the series that it was fitted on",
            )


def _signed(vectors: Array) -> Array:
    """Columns with the first entry that is not 0 (to rounding) positive."""
    there = np.abs(vectors) > 1e-9 * np.abs(vectors).max(axis=0)
    first = np.argmax(there, axis=0)
    return np.asarray(vectors * np.sign(vectors[first, np.arange(vectors.shape[1])]))
