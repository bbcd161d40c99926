"""The layers of a causal transformer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from hilum.nn.sequences.encoder import Encoder, Looked, whole

if TYPE_CHECKING:
    from hilum.models.causal_transformer.settings import CausalTransformer
    from hilum.nn.sequences.records import Batch


class Layers(Encoder):
    """A linear map, codes of place, and layers of attention and maps."""

    shows_attention: ClassVar[bool] = True

    def __init__(self, settings: CausalTransformer, columns: int) -> None:
        super().__init__()
        self.hidden = settings.hidden
        self.settings = settings
        self.project = nn.Linear(columns, settings.hidden)
        self.layers = nn.ModuleList(_Layer(settings) for _ in range(settings.layers))

    def forward(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> Tensor:
        """States (batch, time, hidden)."""
        return self._run(series, static)[0]

    def attention(self, batch: Batch, record: int, readout: Tensor | None) -> Looked:
        """The last layer's weights of the records that the record attends to."""
        _, asking, states, allowed = self._run(batch.series, batch.static)
        weights = self.layers[-1].shares(asking, states, allowed)[0, :, record].mean(dim=0)  # type: ignore[operator]
        means = f"The last of {len(self.layers)} layers' attention to each record, mean over heads; they add up to 1."
        return Looked(weights, means)

    def _run(self, series: Tensor, static: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """States, and what the last layer was handed: who asks, whom, and who may be heard."""
        states: Tensor = self.project(whole(series, static))
        steps = states.shape[1]
        if self.settings.positions == "sinusoidal":
            states = states + codes_of_place(steps, self.hidden)
        back = torch.arange(steps).unsqueeze(1) - torch.arange(steps)  # how far key s lies behind query t
        allowed = (back >= 0) & (back < (self.settings.window or steps + 1))
        for layer in self.layers:
            before = states
            asking = states[:, :1].expand_as(states) if self.settings.query == "first" else states
            states = layer(asking, states, allowed)
        return states, asking, before, allowed


class Released(Encoder):
    """The first record asks all records up to each one; norms first, at the record's own width."""

    shows_attention: ClassVar[bool] = True

    def __init__(self, settings: CausalTransformer, columns: int) -> None:
        super().__init__()
        self.hidden = settings.hidden
        self.norms = nn.ModuleList(nn.LayerNorm(columns) for _ in range(2))
        self.ask, self.key, self.value, self.join = (nn.Linear(columns, columns, bias=False) for _ in range(4))
        inner = settings.feed_forward * columns
        self.maps = nn.Sequential(
            nn.Linear(columns, inner), nn.GELU(), nn.Dropout(settings.dropout), nn.Linear(inner, columns)
        )
        self.close = nn.Linear(columns, settings.hidden)
        self.dropout, self.dropout_of_shares = nn.Dropout(settings.dropout), nn.Dropout(0.1)

    def forward(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> Tensor:
        """States (batch, time, hidden)."""
        records = whole(series, static)
        normed = self.norms[0](records)
        heard = self.dropout_of_shares(self._shares(normed)) @ self.value(normed)
        states = records[:, :1] + self.dropout(self.join(heard))
        states = states + self.dropout(self.maps(self.norms[1](states)))
        found: Tensor = self.close(self.dropout(states))
        return found

    def attention(self, batch: Batch, record: int, readout: Tensor | None) -> Looked:
        """The weights of the records up to the record."""
        weights = self._shares(self.norms[0](whole(batch.series, batch.static)))[0, record]
        return Looked(weights, "The first record's attention to each record; they add up to 1.")

    def _shares(self, normed: Tensor) -> Tensor:
        """What the first record weighs each record by (batch, time of the prefix's end, time)."""
        scores = (self.key(normed) @ self.ask(normed[:, :1]).transpose(1, 2)).squeeze(2) / math.sqrt(normed.shape[2])
        steps = scores.shape[1]
        later = torch.ones(steps, steps, dtype=torch.bool).triu(1)
        return torch.softmax(scores.unsqueeze(1).expand(-1, steps, -1).masked_fill(later, -math.inf), dim=2)


class _Layer(nn.Module):
    def __init__(self, settings: CausalTransformer) -> None:
        super().__init__()
        hidden, inner = settings.hidden, settings.feed_forward * settings.hidden
        self.heads, self.share = settings.heads, settings.dropout
        self.ask, self.offer, self.join = (nn.Linear(hidden, size) for size in (hidden, 2 * hidden, hidden))
        self.maps = nn.Sequential(
            nn.Linear(hidden, inner), nn.ReLU(), nn.Dropout(settings.dropout), nn.Linear(inner, hidden)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(2))
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, asking: Tensor, states: Tensor, allowed: Tensor) -> Tensor:
        batch, steps, hidden = states.shape

        def split(values: Tensor) -> Tensor:
            return values.reshape(batch, steps, self.heads, -1).transpose(1, 2)

        key, value = self.offer(states).chunk(2, dim=2)
        heard = nn.functional.scaled_dot_product_attention(
            split(self.ask(asking)),
            split(key),
            split(value),
            attn_mask=allowed,
            dropout_p=self.share if self.training else 0.0,
        )
        heard = self.join(heard.transpose(1, 2).reshape(batch, steps, hidden))
        states = self.norms[0](asking + self.dropout(heard))
        found: Tensor = self.norms[1](states + self.dropout(self.maps(states)))
        return found

    def shares(self, asking: Tensor, states: Tensor, allowed: Tensor) -> Tensor:
        """What attention weighs by: (batch, heads, time asking, time heard)."""
        query, key = (
            part.reshape(*part.shape[:2], self.heads, -1).transpose(1, 2)
            for part in (self.ask(asking), self.offer(states).chunk(2, dim=2)[0])
        )
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
        return torch.softmax(scores.masked_fill(~allowed, -math.inf), dim=3)


def codes_of_place(steps: int, hidden: int) -> Tensor:
    """The sinusoidal code (steps, hidden) of each place."""
    rates = torch.exp(torch.arange(0, hidden, 2) * (-math.log(10000.0) / hidden))
    angles = torch.arange(steps).unsqueeze(1) * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).reshape(steps, hidden)
