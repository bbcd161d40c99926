"""The blocks of a temporal convolutional network."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from hilum.nn.sequences.causal_convolution import CausalConvolution
from hilum.nn.sequences.encoder import Encoder, whole

if TYPE_CHECKING:
    from hilum.models.temporal_convolution.settings import TemporalConvolution


class Blocks(Encoder):
    """Residual blocks of two causal convolutions each."""

    def __init__(self, settings: TemporalConvolution, columns: int) -> None:
        super().__init__()
        self.hidden = settings.hidden
        widths = [columns, *[settings.hidden] * settings.levels]
        self.blocks = nn.Sequential(
            *(
                _Block(inputs, outputs, settings.kernel, 2**level, settings.dropout)
                for level, (inputs, outputs) in enumerate(pairwise(widths))
            )
        )

    def forward(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> Tensor:
        """States (batch, time, hidden)."""
        states: Tensor = self.blocks(whole(series, static))
        return states


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.first = CausalConvolution(inputs, outputs, kernel, dilation)
        self.second = CausalConvolution(outputs, outputs, kernel, dilation)
        for convolution in (self.first, self.second):
            weight_norm(convolution.weights)
        self.beside = nn.Linear(inputs, outputs) if inputs != outputs else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def forward(self, series: Tensor) -> Tensor:
        inner = self.dropout(torch.relu(self.first(series)))
        inner = self.dropout(torch.relu(self.second(inner)))
        return torch.relu(inner + self.beside(series))
