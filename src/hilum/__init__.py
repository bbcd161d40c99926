"""hilum: runnable claims for clinical and physiological machine learning.

    import hilum
    run = hilum.run("online-rnn-markers", preset="quick")

Nothing heavy is imported until it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "run"]

if TYPE_CHECKING:
    from hilum.api import run


def __getattr__(name: str) -> Any:
    if name == "run":
        from hilum.api import run

        return run
    raise AttributeError(f"module 'hilum' has no attribute '{name}'")
