"""hilum: runnable claims for clinical and physiological machine learning.

    import hilum
    run = hilum.run("online-rnn-markers", preset="quick")     a paper
    run = hilum.run("my-study/study.toml")                    a table of one's own
    rows = hilum.audit("table.csv", subject="patient", target="died", split="fold")

Nothing heavy is imported until it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "audit", "clock", "compare", "predict", "run"]

if TYPE_CHECKING:
    from hilum.api import audit, clock, compare, predict, run


def __getattr__(name: str) -> Any:
    if name in {"audit", "clock", "compare", "predict", "run"}:
        from hilum import api

        return getattr(api, name)
    raise AttributeError(f"module 'hilum' has no attribute '{name}'")
