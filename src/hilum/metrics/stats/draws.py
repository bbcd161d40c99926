"""Draws: what every resample and every random flip is drawn with, from a fixed seed and in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Numbers drawn at a time, so that memory does not grow with resamples x units.
BLOCK = 4_000_000


def draws_of(n: int, resamples: int, seed: int, below: int | None = None) -> Iterator[NDArray[np.int64]]:
    """`resamples` draws of n numbers in 0 ... below - 1 (n where not given), in blocks, shape (block, n)."""
    random = np.random.default_rng(seed)
    block = max(1, BLOCK // n)
    for first in range(0, resamples, block):
        yield random.integers(0, below or n, size=(min(block, resamples - first), n))


def counts_drawn(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """`counts_of` of `draws_of`, block by block. The last one that is a single block is kept: an arm's figures draw the same people."""
    if n * resamples <= BLOCK:
        yield _counts_in_one_block(n, resamples, seed)
        return
    for draws in draws_of(n, resamples, seed):
        yield counts_of(draws)


@lru_cache(maxsize=1)
def _counts_in_one_block(n: int, resamples: int, seed: int) -> NDArray[np.int64]:
    return np.concatenate([counts_of(draws) for draws in draws_of(n, resamples, seed)])


def counts_of(draws: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each unit stands in each draw: (resamples, n) to (resamples, n)."""
    resamples, n = draws.shape
    flat = (draws + n * np.arange(resamples)[:, np.newaxis]).ravel()
    return np.bincount(flat, minlength=resamples * n).reshape(resamples, n)
