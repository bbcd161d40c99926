"""A recurrent network of one of three cells over records in time, by torch's own layers.

Plain       h_t = tanh(W x_t + b + U h_{t-1} + c)
GRU         r, z = sigmoid(...);  n = tanh(W x_t + b + r (U h_{t-1} + c));  h_t = (1 - z) n + z h_{t-1}
LSTM        i, f, o = sigmoid(...);  g = tanh(...);  c_t = f c_{t-1} + i g;  h_t = o tanh(c_t)
Symbols     x_t (columns,) a record, static columns first;  h_t (hidden,) the state
Cost        O(records * hidden * (columns + hidden)); padding is skipped
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from hilum.nn.sequences.encoder import Encoder, whole

Cell = Literal["plain", "gru", "lstm"]
LAYERS: dict[str, Callable[..., nn.Module]] = {"plain": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Recurrent(Encoder):
    """One cell, one or more layers, dropout between and after them."""

    def __init__(self, cell: Cell, columns: int, hidden: int, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden = hidden
        between = dropout if layers > 1 else 0.0
        self.layers = LAYERS[cell](columns, hidden, num_layers=layers, batch_first=True, dropout=between)
        self.dropout = nn.Dropout(dropout)

    def forward(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> Tensor:
        """States (batch, time, hidden)."""
        states: Tensor = self.dropout(run_packed(self.layers, whole(series, static), mask))
        return states


def run_packed(layers: nn.Module, inputs: Tensor, mask: Tensor) -> Tensor:
    """A recurrent layer over inputs (batch, time, columns), longest first, without its padding; padding has state 0."""
    lengths = mask.sum(dim=1).to(torch.int64)
    states, _ = layers(pack_padded_sequence(inputs, lengths, batch_first=True))
    padded: Tensor = pad_packed_sequence(states, batch_first=True, total_length=inputs.shape[1])[0]
    return padded
