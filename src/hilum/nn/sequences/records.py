"""Records of sequences as tensors: kept flat in memory, padded a batch at a time to the longest sequence of that batch.

Padding     after the last record of a sequence: zeros, under a mask
Order       in a batch the longest sequence comes first, so that a loop over steps needs only the first rows that are still there
Gaps        time since the record before, in units of `gap_unit`; 0 at a sequence's first record
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hilum.core.errors import DataError
from hilum.core.sequence import Sequenced


@dataclass(frozen=True)
class Batch:
    """Some sequences, padded, the longest first.

    Attributes:
        series: (batch, time, columns) what changes in time.
        static: (batch, static columns) what does not.
        mask: (batch, time) whether a record is there; no record follows padding.
        gaps: (batch, time) time since the record before, in gap units.
        rows: (batch, time) which row of the records it is; -1 at padding.
        asked: (batch, time) whether its outcome is asked for.
    """

    series: Tensor
    static: Tensor
    mask: Tensor
    gaps: Tensor
    rows: Tensor
    asked: Tensor


class Records:
    """All records of a part, float32.

    Attributes:
        lengths: (sequences,) records of each.
        count: Records in all.
    """

    def __init__(self, sequences: Sequenced, static_columns: int, gap_unit: float) -> None:
        starts = sequences.starts
        self.lengths = np.diff(starts)
        self.count = len(sequences.values)
        self._starts = starts[:-1]
        values = np.concatenate([sequences.values, np.zeros((1, sequences.values.shape[1]))])  # the last row pads
        fixed = values[:, :static_columns]
        _refuse_changes(fixed[:-1], sequences.series)
        gaps = np.diff(sequences.step, prepend=0.0) / gap_unit
        gaps[self._starts] = 0.0
        self._series = torch.from_numpy(values[:, static_columns:].astype(np.float32))
        self._static = torch.from_numpy(fixed[self._starts].astype(np.float32))
        self._gaps = torch.from_numpy(np.append(gaps, 0.0).astype(np.float32))
        self._asked = torch.from_numpy(np.append(sequences.asked, False))

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """These sequences, reordered so that lengths descend; equal lengths keep their order."""
        chosen = chosen[np.argsort(-self.lengths[chosen], kind="stable")]
        lengths, starts = self.lengths[chosen], self._starts[chosen]
        place = np.arange(int(lengths.max(initial=0)))
        mask = place < lengths[:, np.newaxis]
        rows = torch.from_numpy(np.where(mask, starts[:, np.newaxis] + place, -1))
        return Batch(
            series=self._series[rows],
            static=self._static[torch.from_numpy(chosen)],
            mask=torch.from_numpy(mask),
            gaps=self._gaps[rows],
            rows=rows,
            asked=self._asked[rows],
        )

    def batches(self, order: NDArray[np.int64], size: int) -> Sequence[Batch]:
        """Batches of `size` sequences in this order; the last may be smaller."""
        return [self.batch(order[first : first + size]) for first in range(0, len(order), size)]

    @cached_property
    def by_length(self) -> NDArray[np.int64]:
        """All sequences, the longest first: the order in which prediction wastes least."""
        return np.argsort(-self.lengths, kind="stable").astype(np.int64)


def usual_gap(sequences: Sequenced) -> float:
    """The median time between neighbouring records of a sequence; 1 where there are none."""
    gaps = np.diff(sequences.step)[np.diff(sequences.series) == 0]
    return float(np.median(gaps)) if len(gaps) else 1.0


def _refuse_changes(fixed: NDArray[np.float64], series: NDArray[np.int64]) -> None:
    changed = (np.diff(fixed, axis=0) != 0).any(axis=1) & (np.diff(series) == 0)
    if changed.any():
        row = int(np.flatnonzero(changed)[0]) + 1
        raise DataError(
            f"a static column changes within a sequence, at row {row + 1}",
            do=f"Put columns that do not change first, and lower static_columns, which is {fixed.shape[1]}",
        )
