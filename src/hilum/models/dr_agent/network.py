"""Dr. Agent's GRU and its two agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hilum.nn.sequences.encoder import Encoder, active, place, whole

if TYPE_CHECKING:
    from hilum.models.dr_agent.settings import DrAgent


class Reminded(Encoder):
    """A GRU whose state before each record is mixed with earlier ones."""

    def __init__(self, settings: DrAgent, columns: int) -> None:
        super().__init__()
        hidden, fixed = settings.hidden, settings.static_columns
        self.hidden = hidden
        self.settings = settings
        self.cell = nn.GRUCell(columns, hidden)
        for name, weights in self.cell.named_parameters():
            if name.startswith("weight"):
                nn.init.orthogonal_(weights)
            else:
                nn.init.zeros_(weights)
        self.of_past, self.of_record = (
            nn.Sequential(
                nn.Linear(inputs + fixed, settings.units), nn.Tanh(), nn.Linear(settings.units, settings.actions)
            )
            for inputs in (hidden, columns)
        )
        self.begin = nn.Linear(fixed, hidden) if fixed else None
        self.close = nn.Linear(hidden + fixed, hidden) if fixed else nn.Identity()
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> Tensor:
        """States (batch, time, hidden)."""
        counts, share = active(mask), self.settings.share
        seen = torch.softmax(self.of_record(whole(series, static)), dim=2)
        state = series.new_zeros(len(series), self.hidden) if self.begin is None else self.begin(static)
        past: list[Tensor] = []
        for step, count in enumerate(counts):
            before = state[:count]
            if step:
                before = share * self._recall(past, static[:count], seen[:count, step]) + (1 - share) * before
            state = self.cell(series[:count, step], before)
            past.append(state)
        states = torch.cat(past)
        if self.begin is not None:
            states = torch.cat([states, torch.cat([static[:count] for count in counts])], dim=1)
        return place(self.dropout(self.close(states)), mask)

    def _recall(self, past: list[Tensor], static: Tensor, seen: Tensor) -> Tensor:
        """What both agents recall (rows, hidden) of the states so far; those before the first record are 0 and add nothing."""
        recent = torch.stack([state[: len(static)] for state in past[-self.settings.actions :]], dim=1)
        view = torch.cat([recent.sum(dim=1) / self.settings.actions, static], dim=1)
        chosen = (torch.softmax(self.of_past(view), dim=1) + seen)[:, -recent.shape[1] :] / 2
        return torch.bmm(chosen.unsqueeze(1), recent).squeeze(1)
