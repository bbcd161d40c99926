"""The one door to numba: `@kernel` compiles a plain Python function at its first call.

A kernel is written as readable loops or array operations over float64 arrays; `kernel.plain` is the same function
uncompiled, and the tests compare the two. Nothing is imported and nothing compiled until the kernel is called, so that
settings can be read in an instant. Compiled code is cached on disk by numba.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class kernel(Generic[P, R]):  # noqa: N801 - reads as the decorator it is
    """Compile with numba at the first call; `plain` stays the Python function."""

    def __init__(self, function: Callable[P, R]) -> None:
        self.plain = function
        self._compiled: Callable[P, R] | None = None
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the compiled form."""
        if self._compiled is None:
            self._compiled = self._compile()
        return self._compiled(*args, **kwargs)

    def _compile(self) -> Callable[P, R]:
        import numba

        compiled: Callable[P, R] = numba.njit(cache=True, fastmath=False)(self.plain)
        return compiled
