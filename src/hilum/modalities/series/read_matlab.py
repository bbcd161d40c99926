"""Read one numeric matrix from a MATLAB file; nothing is unpickled or run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, unknown


def read_matlab(path: Path, variable: str, rows: int | None = None) -> NDArray[np.float64]:
    """The matrix `variable`, as contiguous float64 of shape (rows, columns).

    Raises:
        DataError: the file is missing, truncated or no MATLAB file, or the matrix is not numeric or not of that shape.
        UsageError: there is no such variable; the closest is named.
    """
    from scipy.io import loadmat

    if not path.is_file():
        raise DataError("the file is missing", where=str(path), do="Get it with `hilum data get`")
    try:
        content = loadmat(path)
    except Exception as error:  # the reader raises whatever a damaged file makes it stumble over
        raise DataError(
            f"this is no whole MATLAB file ({type(error).__name__}: {error})",
            where=str(path),
            do="It is truncated or of another format: get it again",
        ) from error
    names = [name for name in content if not name.startswith("__")]
    if variable not in names:
        raise unknown("variable", variable, names, where=str(path))
    matrix = np.asarray(content[variable])
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or (rows is not None and len(matrix) != rows):
        raise DataError(
            f"'{variable}' is a {matrix.dtype} array of shape {matrix.shape}",
            where=str(path),
            do=f"A real matrix with {rows} rows is needed" if rows else "A real matrix is needed",
        )
    return np.ascontiguousarray(matrix, dtype=np.float64)
