"""Death in intensive care: the patient died in this stay. One label a stay: 1 died, 0 did not.

Which stay a death belongs to is the reader's to say (`died` in `stays.py`): each database records it in its own way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.modalities.ehr.clock import Clock

if TYPE_CHECKING:
    import polars as pl


def label(clock: Clock) -> pl.DataFrame:
    """stay_id, label (Float64, 0 or 1)."""
    import polars as pl

    return clock.stays.select("stay_id", pl.col("died").fill_null(False).cast(pl.Float64).alias("label")).sort(
        "stay_id"
    )
