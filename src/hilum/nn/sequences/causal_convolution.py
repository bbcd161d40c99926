"""A convolution over steps that looks back alone: y_t = b + sum_k W_k x_{t - k * dilation}, k < kernel; before the first record 0.

Symbols     x (batch, time, columns), y (batch, time, outputs)
Cost        one matrix product: the shifted series stand beside each other
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CausalConvolution(nn.Module):
    """Kernel `kernel` steps long, `dilation` steps apart; `weights` is (outputs, kernel * columns), the newest step first."""

    def __init__(self, columns: int, outputs: int, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        self.kernel = kernel
        self.dilation = dilation
        self.weights = nn.Linear(kernel * columns, outputs)

    def forward(self, series: Tensor) -> Tensor:
        """(batch, time, outputs)."""
        steps = series.shape[1]
        behind = (self.kernel - 1) * self.dilation
        padded = nn.functional.pad(series, (0, 0, behind, 0))
        starts = [behind - k * self.dilation for k in range(self.kernel)]
        found: Tensor = self.weights(torch.cat([padded[:, start : start + steps] for start in starts], dim=2))
        return found
