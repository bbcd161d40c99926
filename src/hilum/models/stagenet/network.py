"""StageNet's cell, run once over the sequence, and its convolution over windows of states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hilum.nn.sequences.encoder import Encoder, active, place, whole

if TYPE_CHECKING:
    from hilum.models.stagenet.settings import StageNet


class Stages(Encoder):
    """A cell with master gates, and a convolution over a stage."""

    def __init__(self, settings: StageNet, columns: int) -> None:
        super().__init__()
        self.hidden = settings.hidden
        self.settings = settings
        inner = settings.levels * settings.hidden
        gates = 4 * inner + 2 * settings.levels
        self.inputs, self.states = nn.Linear(columns + 1, gates), nn.Linear(inner + 1, gates)
        self.narrow, self.widen = nn.Linear(inner, max(1, inner // 6)), nn.Linear(max(1, inner // 6), inner)
        self.convolution = nn.Linear(settings.reach * inner, inner)  # the oldest record of the window first
        self.close = nn.Linear(inner, settings.hidden)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> Tensor:
        """States (batch, time, hidden)."""
        intervals = (gaps if self.settings.intervals == "observed" else torch.ones_like(gaps)).unsqueeze(2)
        states, moved = self._run(torch.cat([whole(series, static), intervals], dim=2), active(mask))
        newest = torch.cat(states)
        before = self.settings.reach - 1
        window = nn.functional.pad(place(newest, mask), (0, 0, before, 0)).unfold(1, before + 1, 1)
        stage = nn.functional.pad(place(torch.cat(moved), mask), (before, 0)).unfold(1, before + 1, 1)
        share = torch.softmax(stage.transpose(0, 1)[mask.t()].cumsum(dim=1), dim=1)
        weighed = window.transpose(0, 1)[mask.t()] * share.unsqueeze(1)  # (records, levels * hidden, reach)
        theme = torch.sigmoid(self.widen(torch.relu(self.narrow(weighed.mean(dim=2)))))
        found = theme * self.convolution(weighed.transpose(1, 2).flatten(1))
        return place(self.close(self.dropout(found + self.dropout(newest))), mask)

    def _run(self, inputs: Tensor, counts: list[int]) -> tuple[list[Tensor], list[Tensor]]:
        """After each step the states (rows, levels * hidden), and how far the stage has moved (rows,)."""
        levels, chunk = self.settings.levels, self.hidden
        said = self.inputs(inputs)
        if self.training:
            said = self.dropout(said)
        state = inputs.new_zeros(len(inputs), levels * chunk)
        cell = inputs.new_zeros(len(inputs), levels, chunk)
        states, moved = [], []
        for step, count in enumerate(counts):
            recurrent = self.states(torch.cat([state[:count], inputs[:count, step, -1:]], dim=1))
            y = said[:count, step] + self.dropout(recurrent)
            forget, enter = torch.softmax(y[:, : 2 * levels].reshape(count, 2, levels), dim=2).unbind(1)
            forget, enter = forget.cumsum(1).unsqueeze(2), enter.flip(1).cumsum(1).flip(1).unsqueeze(2)
            gates = y[:, 2 * levels :].reshape(count, 4, levels, chunk)
            f, i, o = torch.sigmoid(gates[:, :3]).unbind(1)
            g, cell, both = torch.tanh(gates[:, 3]), cell[:count], forget * enter
            cell = both * (f * cell + i * g) + (forget - both) * cell + (enter - both) * g
            state = (o * torch.tanh(cell)).flatten(1)
            states.append(state)
            moved.append(1.0 - forget.mean(dim=(1, 2)))
        return states, moved
