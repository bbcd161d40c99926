"""Distance: how far a new record lies from the records of train, as the share of them that lie closer to the centre.

Distance    d(x)^2 = z' S^-1 z,   z = (x - center) / scale                                                    (Mahalanobis)
Share       how many of the reference distances are below d(x), over their number; above 0.99 a record is far
Symbols     x         (columns,)          a prepared record
            S         (columns, columns)  covariance of z in train, shrunk towards a multiple of the identity, so that more columns
                                          than records, or columns that repeat each other, do no harm
            center, scale                 mean and population standard deviation of the columns; scale 1 where a column never moves
Reference   every train record is measured by a center and covariance fitted without its fifth of the subjects: measured by its own fit it
            would lie too close, and records like those of train would be called far
Cost        O(rows * columns^2 + columns^3), six times at fitting; above 50,000 train records, evenly spaced ones are taken
Source      Mahalanobis, Proceedings of the National Institute of Sciences of India 2 (1936); shrinkage: Ledoit and Wolf, Journal of
            Multivariate Analysis 88 (2004), as in scikit-learn
Deviations  The share is among train records, not a chi-squared probability: prepared columns are not normal. Of more than 10,000 reference
            distances, 10,001 evenly spaced quantiles are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, HilumError
from hilum.core.store import write_bytes

Array = NDArray[np.float64]
FAR = 0.99
PARTS = 5
MOST_RECORDS = 50_000
MOST_REFERENCES = 10_001


@dataclass(frozen=True)
class Distance:
    """What was learnt of train.

    Attributes:
        center: (columns,).
        scale: (columns,).
        factor: (columns, columns), lower triangular: factor @ factor.T = S^-1.
        reference: (references,) distances of train records, ascending.
    """

    center: Array
    scale: Array
    factor: Array
    reference: Array

    @classmethod
    def fit(cls, matrix: Array, subjects: Sequence[str] | None = None) -> Distance:
        """Learn from the prepared train matrix.

        Args:
            matrix: (records, columns), finite.
            subjects: Whose record each is: a subject's records are then measured by the others alone.

        Raises:
            DataError: fewer than two records, no column, or values that are not finite.
        """
        matrix = _finite(matrix)
        if matrix.shape[0] < 2 or matrix.shape[1] < 1:
            raise DataError(f"{matrix.shape[0]} records of {matrix.shape[1]} columns say nothing about what is far")
        part = np.arange(len(matrix)) if subjects is None else np.unique(np.asarray(subjects), return_inverse=True)[1]
        if len(matrix) > MOST_RECORDS:
            chosen = np.linspace(0, len(matrix) - 1, MOST_RECORDS).round().astype(np.intp)
            matrix, part = matrix[chosen], part[chosen]
        reference = np.sort(_measured_by_others(matrix, part % PARTS))
        if len(reference) > MOST_REFERENCES:
            reference = np.quantile(reference, np.linspace(0.0, 1.0, MOST_REFERENCES))
        return cls(*_shape(matrix), reference)

    def share(self, matrix: Array) -> Array:
        """The share of train records closer to the centre than each row of (records, columns), 0 to 1.

        Raises:
            DataError: another number of columns, or values that are not finite.
        """
        matrix = _finite(matrix)
        if matrix.shape[1] != len(self.center):
            raise DataError(f"{matrix.shape[1]} columns, and the distance was fitted on {len(self.center)}")
        distance = _distance(matrix, self.center, self.scale, self.factor)
        return np.searchsorted(self.reference, distance, side="left") / len(self.reference)

    def far(self, matrix: Array) -> NDArray[np.bool_]:
        """Which rows lie farther out than 99 % of train, (records,)."""
        return np.asarray(self.share(matrix) > FAR)

    def save(self, file: Path) -> None:
        """Write the arrays as safetensors."""
        from safetensors.numpy import save

        write_bytes(file, save({field.name: np.ascontiguousarray(getattr(self, field.name)) for field in fields(self)}))

    @classmethod
    def load(cls, file: Path) -> Distance:
        """Read what `save` wrote.

        Raises:
            HilumError: the file is missing, damaged or of something else.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            arrays = load(file.read_bytes())
        except FileNotFoundError as error:
            raise HilumError("the file is missing", where=str(file), do="Run the study again") from error
        except SafetensorError as error:
            raise HilumError(f"the file is damaged: {error}", where=str(file), do="Run the study again") from error
        if set(arrays) != {field.name for field in fields(cls)}:
            raise HilumError("the file holds no distance", where=str(file), do="Run the study again")
        return cls(**arrays)


def _measured_by_others(matrix: Array, part: NDArray[np.intp]) -> Array:
    """Distance of each record by a fit on the other parts, (records,); by its own where the others are fewer than two."""
    found = np.empty(len(matrix))
    for own in np.unique(part):
        inside = part == own
        others = matrix[~inside] if int((~inside).sum()) > 1 else matrix
        found[inside] = _distance(matrix[inside], *_shape(others))
    return found


def _shape(matrix: Array) -> tuple[Array, Array, Array]:
    """Center, scale, and the factor of the inverse covariance of the scaled columns."""
    from sklearn.covariance import ledoit_wolf

    center: Array = matrix.mean(axis=0)
    spread = matrix.std(axis=0)
    scale: Array = np.where(spread > 0, spread, 1.0)
    covariance, _ = ledoit_wolf((matrix - center) / scale, assume_centered=True)
    # A column that never moves has variance 0, and all of them make S singular: the identity keeps distances finite.
    floor = 1e-9 if np.trace(covariance) > 0 else 1.0
    inverse = np.linalg.inv(covariance + floor * np.eye(len(center)))
    return center, scale, np.asarray(np.linalg.cholesky((inverse + inverse.T) / 2), np.float64)


def _distance(matrix: Array, center: Array, scale: Array, factor: Array) -> Array:
    return np.asarray(np.sqrt((((matrix - center) / scale) @ factor) ** 2 @ np.ones(len(center))))


def _finite(matrix: Array) -> Array:
    matrix = np.asarray(matrix, np.float64)
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise DataError("the distance needs a matrix of records and columns, all finite", do="Prepare the table first")
    return matrix
