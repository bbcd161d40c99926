"""Gated recurrent units side by side, each with weights of its own, as matrix products over all of them at once.

    r, z = sigmoid(W x + b + U h + c);   n = tanh(W x + b + r (U h + c));   h <- (1 - z) n + z h          rows of W, U in the order r, z, n

Layout      states (groups, rows, hidden); at step t only the rows whose sequence is still there, which are the first
Weights     `inputs` W' (groups, 1, 3 * hidden) for one number a group, `states` U' (groups, hidden, 3 * hidden), their offsets (groups, 1,
            3 * hidden); they start as torch's GRU does, uniform within 1 / sqrt(hidden)
Cost        O(records * groups * hidden^2), a handful of operations a step whatever the number of groups
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class GroupedGRU(nn.Module):
    """One GRU for each of some columns; each reads its column alone."""

    def __init__(self, groups: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.inputs, self.input_offsets = _weights(groups, 1, hidden), _weights(groups, 1, hidden)
        self.states, self.state_offsets = _weights(groups, hidden, hidden), _weights(groups, 1, hidden)

    def forward(self, series: Tensor, counts: list[int]) -> list[Tensor]:
        """After each step the states (groups, counts[step], hidden), from series (batch, time, groups), longest first."""
        columns = series.permute(1, 2, 0).unsqueeze(3)  # (time, groups, batch, 1)
        state = series.new_zeros(len(self.states), len(series), self.hidden)
        found = []
        for step, count in enumerate(counts):
            gates = torch.baddbmm(self.input_offsets, columns[step, :, :count], self.inputs)
            state = gru_step(gates, state[:, :count], self.states, self.state_offsets)
            found.append(state)
        return found


def gru_step(gates: Tensor, state: Tensor, weights: Tensor, offsets: Tensor) -> Tensor:
    """The next states (groups, rows, hidden).

    Args:
        gates: What the input says, (groups, rows, 3 * hidden), in the order r, z, n.
        state: (groups, rows, hidden).
        weights: (groups, hidden, 3 * hidden).
        offsets: (groups, 1, 3 * hidden).
    """
    hidden = state.shape[2]
    said = torch.baddbmm(offsets, state, weights)
    reset, update = torch.sigmoid(gates[:, :, : 2 * hidden] + said[:, :, : 2 * hidden]).chunk(2, dim=2)
    fresh = torch.tanh(torch.addcmul(gates[:, :, 2 * hidden :], reset, said[:, :, 2 * hidden :]))
    return torch.lerp(fresh, state, update)


def _weights(groups: int, inputs: int, hidden: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(groups, inputs, 3 * hidden).uniform_(-1, 1) / math.sqrt(hidden))
