"""Bad input gets its error: what, where, what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from hilum.core.errors import DataError, UsageError
from hilum.modalities.series.read_matlab import read_matlab
from hilum.modalities.series.sample import Series, assess


def saved(path: Path, **content: object) -> Path:
    savemat(path, content)
    return path


def test_a_matrix(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.mat", org_data=np.arange(6).reshape(2, 3))
    assert read_matlab(path, "org_data", rows=2).tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        read_matlab(tmp_path / "never.mat", "x")
    whole = saved(tmp_path / "a.mat", org_data=np.zeros((2, 300)), name="text", complex=np.ones((2, 2)) * 1j)
    for bad in (whole.read_bytes()[:200], b"", b"not a matlab file at all" * 20):
        path = tmp_path / "bad.mat"
        path.write_bytes(bad)
        with pytest.raises(DataError, match=r"bad\.mat"):
            read_matlab(path, "org_data")
    with pytest.raises(UsageError, match="Did you mean 'org_data'"):
        read_matlab(whole, "org_dat")
    with pytest.raises(DataError, match="shape"):
        read_matlab(whole, "org_data", rows=3)
    for odd in ("name", "complex"):
        with pytest.raises(DataError, match="real matrix"):
            read_matlab(whole, odd)


def series(values: np.ndarray, **changes: object) -> Series:
    fields = {
        "item": "r", "subject": None, "values": values, "seconds_per_sample": 0.1, "unit": "mm",
        "channels": tuple(f"c{n}" for n in range(values.shape[-1])),
    }  # fmt: skip
    return Series(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.zeros((1, 2)), "1 samples where 2 are needed"),
        (np.full((5, 2), np.nan), "every value is missing"),
        (np.array([[1.0, np.nan], [2.0, np.nan]]), "nothing was measured on c1"),
        (np.ones((5, 2)), "flat"),
    ],
)
def test_what_cannot_be_used_has_quality_0_and_a_reason(values: np.ndarray, reason: str) -> None:
    found = assess(series(values))
    assert (found.quality, reason in found.reason) == (0.0, True)


def test_what_can_be_used() -> None:
    good = series(np.arange(10.0).reshape(5, 2))
    assert assess(good) == good
    assert (good.samples, good.seconds, good.prefix(2).samples) == (5, 0.5, 2)


def test_contradictions_are_refused() -> None:
    with pytest.raises(DataError, match="shape"):
        series(np.zeros(5), channels=("a",))
    with pytest.raises(DataError, match="interval"):
        series(np.zeros((5, 1)), seconds_per_sample=0.0)
    with pytest.raises(DataError, match="points in space"):
        series(np.zeros((5, 2)), points=3)
