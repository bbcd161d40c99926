"""A small GRU per column, and maps before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hilum.nn.sequences.encoder import Encoder, active, place
from hilum.nn.sequences.grouped_gru import GroupedGRU

if TYPE_CHECKING:
    from hilum.models.mcgru.settings import MCGRU


class Channels(Encoder):
    """Columns mixed, a GRU each, and what all of them say together."""

    def __init__(self, settings: MCGRU, columns: int) -> None:
        super().__init__()
        self.hidden = settings.hidden
        self.mix = nn.Linear(columns, columns)
        self.grus = GroupedGRU(columns, settings.channel)
        fixed = settings.hidden if settings.static_columns else 0
        self.fixed = nn.Linear(settings.static_columns, fixed) if fixed else None
        self.join = nn.Linear(fixed + columns * settings.channel, settings.hidden)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> Tensor:
        """States (batch, time, hidden)."""
        counts = active(mask)
        found = torch.cat(self.grus(self.mix(series), counts), dim=1)  # (columns, records, channel)
        said = found.transpose(0, 1).flatten(1)
        if self.fixed is not None:
            known = self.fixed(static)
            said = torch.cat([torch.cat([known[:count] for count in counts]), said], dim=1)
        return place(self.dropout(self.join(said)), mask)
