"""Encoder: from records in time to a state per record, each from that record and the earlier ones alone.

    forward(series, static, mask, gaps) -> states
      series (batch, time, columns)   what changes         mask (batch, time)   whether a record is there; padding follows records
      static (batch, static columns)  what does not        gaps (batch, time)   time since the record before, 0 at the first
      states (batch, time, hidden)    what stands at padding means nothing

A batch has its longest sequence first, so a loop over steps runs on the first rows alone: `active` says how many.
`teach` is `forward` while training, and what an architecture adds to the loss.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from hilum.nn.sequences.records import Batch, Records


@dataclass(frozen=True)
class Taught:
    """States (batch, time, hidden), and what is added to the loss, given the loss of every record (batch, time), 0 where not asked."""

    states: Tensor
    added: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class Looked:
    """What a network says it looked at for one record.

    Attributes:
        weights: (time, static columns + columns), or (time,) where they belong to records alone; later records have 0.
        means: What they are, in words.
        adds_up: Whether they are parts of the score, which with a constant they add up to.
        pool: How columns of one feature are put together.
    """

    weights: Tensor
    means: str
    adds_up: bool = False
    pool: Literal["sum", "mean"] = "sum"


class Encoder(nn.Module, ABC):
    """A network whose states see no future.

    Attributes:
        hidden: Numbers of a state.
        shows_attention: Whether it can say what it looked at.
    """

    hidden: int
    shows_attention: ClassVar[bool] = False

    @abstractmethod
    def forward(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> Tensor:
        """States (batch, time, hidden)."""

    def teach(self, batch: Batch) -> Taught:
        """States while training."""
        return Taught(self(batch.series, batch.static, batch.mask, batch.gaps))

    def attention(self, batch: Batch, record: int, readout: Tensor | None) -> Looked | None:
        """What it looked at for one record of a batch of one sequence; `readout` (hidden,) where the score is linear in the state."""
        return None

    def begin_epoch(self, records: Records, epoch: int) -> None:
        """Look at all training records before an epoch; few need to."""


def active(mask: Tensor) -> list[int]:
    """(time,) how many sequences are still there at each step: the first so many rows."""
    counts: list[int] = mask.sum(dim=0).tolist()
    return counts


def whole(series: Tensor, static: Tensor) -> Tensor:
    """Static columns, then the others, at every step: (batch, time, static columns + columns)."""
    if not static.shape[1]:
        return series
    return torch.cat([static.unsqueeze(1).expand(-1, series.shape[1], -1), series], dim=2)


def place(records: Tensor, mask: Tensor) -> Tensor:
    """Records (records, ...), step by step and within a step by row, at their places (batch, time, ...); padding is 0."""
    padded = records.new_zeros((mask.shape[1], mask.shape[0], *records.shape[1:]))
    padded[mask.t()] = records
    return padded.transpose(0, 1)
