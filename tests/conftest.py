"""Real data, and the same numbers on every machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

# Read by the numerical libraries when they are first imported, so before anything else.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
from hypothesis import settings

settings.register_profile("hilum", deadline=None, max_examples=60, derandomize=bool(os.environ.get("CI")))
settings.load_profile("hilum")


def _root() -> Path | None:
    stated = os.environ.get("HILUM_DATA", "")
    return Path(stated).resolve() if stated and Path(stated).is_dir() else None


def _refuse(name: str) -> None:
    sentence = (
        f"the real data of '{name}' are not here: get them with `hilum data get {name}`, "
        f"or set HILUM_DATA to a directory that holds '{name}/'"
    )
    if os.environ.get("HILUM_REQUIRE_DATA") == "1":
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """The folder of a real dataset; without it the test is skipped, or fails where CI requires it."""

    def folder(name: str) -> Path:
        root = _root()
        if root is None or not (root / name).is_dir():
            _refuse(name)
        assert root is not None
        return root / name

    return folder


@pytest.fixture(scope="session")
def real_data_root(real_data: Callable[[str], Path]) -> Path:
    """The directory that holds the real datasets (with `extmarkers` in it)."""
    return real_data("extmarkers").parent
