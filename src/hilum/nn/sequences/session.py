"""A torch session: one thread and random numbers of its own, so that the same seed gives the same bits wherever it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def torch_session(seed: int = 0) -> Iterator[None]:
    """One thread, and torch's generator started at `seed`; both are as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before)
