"""AdaCare's convolutions, gates and GRU."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor, nn

from hilum.nn.sequences.causal_convolution import CausalConvolution
from hilum.nn.sequences.encoder import Encoder, Looked, whole
from hilum.nn.sequences.recurrent import run_packed

if TYPE_CHECKING:
    from hilum.models.adacare.settings import AdaCare
    from hilum.nn.sequences.records import Batch

APART = (1, 3, 5)  # records between the two that a convolution compares


class Adaptive(Encoder):
    """Three convolutions, two gates, one GRU."""

    shows_attention: ClassVar[bool] = True

    def __init__(self, settings: AdaCare, columns: int) -> None:
        super().__init__()
        self.hidden = settings.hidden
        self.changes = nn.ModuleList(CausalConvolution(columns, settings.kernels, 2, apart) for apart in APART)
        spans = len(APART) * settings.kernels
        self.change_gate = Gate(spans, settings.reduction, "sigmoid")
        self.record_gate = Gate(columns, settings.reduction, settings.gate)
        self.gru = nn.GRU(spans + columns, settings.hidden, batch_first=True)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> Tensor:
        """States (batch, time, hidden)."""
        records = whole(series, static)
        changes = torch.relu(torch.cat([change(records) for change in self.changes], dim=2))
        inputs = torch.cat([changes * self.change_gate(changes), records * self.record_gate(records)], dim=2)
        states: Tensor = self.dropout(run_packed(self.gru, inputs, mask))
        return states

    def attention(self, batch: Batch, record: int, readout: Tensor | None) -> Looked:
        """The gate of each value, at the record and before it."""
        weights = self.record_gate(whole(batch.series, batch.static)[0])
        weights[record + 1 :] = 0.0
        means = (
            "AdaCare's gate of each value: the share of it that goes on to the GRU, beside what the convolutions found."
        )
        return Looked(weights, means, pool="mean")


class Gate(nn.Module):
    """How much each value (..., values) matters."""

    def __init__(self, values: int, reduction: int, kind: Literal["sigmoid", "sparsemax"]) -> None:
        super().__init__()
        inner = max(1, values // reduction)
        self.narrow, self.widen = nn.Linear(values, inner), nn.Linear(inner, values)
        self.kind = kind

    def forward(self, values: Tensor) -> Tensor:
        """Weights of the same shape."""
        said = self.widen(torch.relu(self.narrow(values)))
        return torch.sigmoid(said) if self.kind == "sigmoid" else sparsemax(said)


def sparsemax(scores: Tensor) -> Tensor:
    """The point of the probability simplex next to the scores (..., values): some are 0, the others add up to 1."""
    ordered = scores.sort(dim=-1, descending=True).values
    ranks = torch.arange(1, scores.shape[-1] + 1, dtype=scores.dtype)
    excess = ordered.cumsum(dim=-1) - 1.0
    kept = (ranks * ordered > excess).sum(dim=-1, keepdim=True)
    return torch.relu(scores - excess.gather(-1, kept - 1) / kept)
