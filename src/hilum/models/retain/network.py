"""RETAIN over all prefixes at once: each prefix is read backward from its own end, one record further at every step."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hilum.nn.sequences.encoder import Encoder, active, place, whole
from hilum.nn.sequences.grouped_gru import gru_step

if TYPE_CHECKING:
    from hilum.models.retain.settings import Retain


class ReverseTime(Encoder):
    """Two GRUs that read backward, side by side, and what they weigh."""

    def __init__(self, settings: Retain, columns: int) -> None:
        super().__init__()
        self.hidden = settings.hidden
        width = settings.hidden if settings.embedding == "linear" else columns
        self.embed = nn.Linear(columns, width) if settings.embedding == "linear" else nn.Identity()
        self.close = nn.Identity() if settings.embedding == "linear" else nn.Linear(width, settings.hidden)
        self.inputs = nn.Linear(width, 2 * 3 * width)
        self.states = nn.Parameter(torch.empty(2, width, 3 * width).uniform_(-1, 1) / math.sqrt(width))
        self.offsets = nn.Parameter(torch.empty(2, 1, 3 * width).uniform_(-1, 1) / math.sqrt(width))
        self.record, self.values = nn.Linear(width, 1), nn.Linear(width, width)
        self.released = settings.order == "released"
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> Tensor:
        """States (batch, time, hidden)."""
        counts = active(mask)
        firsts = [0, *accumulate(counts)]  # records go step by step; those of step s begin here
        total = firsts[-1]
        values = self.dropout(self.embed(whole(series, static).transpose(0, 1)[mask.t()]))  # (records, width)
        gates = self.inputs(values).reshape(total, 2, -1).transpose(0, 1)
        step = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
        row = torch.arange(total) - torch.tensor(firsts)[step]
        state = values.new_zeros(2, total, values.shape[1])
        scores, weighed = [], []
        for back, first in enumerate(firsts[:-1]):  # prefixes that reach so far back are those of the later records
            met = torch.tensor(firsts)[step[first:] - back] + row[first:]
            newly = first - (firsts[back - 1] if back else 0)
            state = gru_step(gates[:, met], state[:, newly:], self.states, self.offsets)
            of_record = self.record(state[0]).squeeze(1)
            scores.append(nn.functional.pad(of_record, (first, 0), value=-math.inf))
            joined = torch.full_like(met, firsts[back]) + row[first:] if self.released else met
            weighed.append(torch.tanh(self.values(state[1])) * values[joined])
        share = torch.softmax(torch.stack(scores, dim=1), dim=1)
        context = torch.zeros_like(values)
        for back, first in enumerate(firsts[:-1]):
            context = context + nn.functional.pad(share[first:, back : back + 1] * weighed[back], (0, 0, first, 0))
        return place(self.close(context), mask)
