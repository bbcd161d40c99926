"""RETAIN over all prefixes at once: each prefix is read backward from its own end, one record further at every step."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from hilum.nn.sequences.encoder import Encoder, Looked, active, place, whole
from hilum.nn.sequences.grouped_gru import gru_step

if TYPE_CHECKING:
    from hilum.models.retain.settings import Retain
    from hilum.nn.sequences.records import Batch


class ReverseTime(Encoder):
    """Two GRUs that read backward, side by side, and what they weigh."""

    shows_attention: ClassVar[bool] = True

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

    def attention(self, batch: Batch, record: int, readout: Tensor | None) -> Looked:
        """What each value gave to the score (section 4 of the paper, eq. 5); without a read-out alpha, a weight a record."""
        rows = whole(batch.series, batch.static)[0, : record + 1]
        values = self.embed(rows)
        gates = self.inputs(values).reshape(record + 1, 2, 1, -1)
        state = values.new_zeros(2, 1, values.shape[1])
        scores, betas = [], []
        for back in range(record + 1):
            state = gru_step(gates[record - back], state, self.states, self.offsets)
            scores.append(self.record(state[0, 0]))
            betas.append(torch.tanh(self.values(state[1, 0])))
        order = (
            torch.arange(record + 1) if self.released else torch.arange(record, -1, -1)
        )  # whom each step back is joined to
        alpha, beta = (
            torch.empty_like(found).index_copy(0, order, found)
            for found in (torch.softmax(torch.cat(scores), 0), torch.stack(betas))
        )
        weights = batch.series.new_zeros(batch.series.shape[1])
        if readout is None:
            weights[: record + 1] = alpha
            return Looked(weights, "RETAIN's alpha: how much of each record goes into the state; they add up to 1.")
        said = (
            alpha.unsqueeze(1)
            * beta
            * (readout if isinstance(self.close, nn.Identity) else readout @ self.close.weight)
        )
        of_values = said if isinstance(self.embed, nn.Identity) else said @ self.embed.weight
        shown = weights.unsqueeze(1).repeat(1, rows.shape[1])
        shown[: record + 1] = of_values * rows
        means = "What each value gave to the score by RETAIN's own sum over records and columns; its weights depend on all values."
        return Looked(shown, means, adds_up=True)
