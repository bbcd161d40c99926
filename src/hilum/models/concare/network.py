"""ConCare over all prefixes of a batch at once: records go step by step, and pairs of a record and an earlier one side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from hilum.nn.sequences.encoder import Encoder, Looked, Taught, active, place
from hilum.nn.sequences.grouped_gru import GroupedGRU

if TYPE_CHECKING:
    from hilum.models.concare.settings import ConCare
    from hilum.nn.sequences.records import Batch

QUERY = 8  # numbers of a query or key in attention to the past


@dataclass(frozen=True)
class Pairs:
    """Each record with itself and every earlier one of its sequence.

    Attributes:
        asking: (pairs,) the record whose state it is.
        heard: (pairs,) the record that it reads.
        back: (pairs,) how many records lie between them.
        apart: (pairs, 1) 1 + the time between them.
    """

    asking: Tensor
    heard: Tensor
    back: Tensor
    apart: Tensor

    @classmethod
    def of(cls, counts: list[int], times: Tensor) -> Pairs:
        """From how many sequences are there at each step, and times (batch, time)."""
        firsts = torch.tensor([0, *accumulate(counts)])
        step = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
        row = torch.arange(len(step)) - firsts[step]
        asking = torch.repeat_interleave(torch.arange(len(step)), step + 1)
        ends = (step + 1).cumsum(0)
        back = ends[asking] - 1 - torch.arange(len(asking))  # the oldest first
        then, who = step[asking] - back, row[asking]
        apart = 1.0 + times[who, step[asking]] - times[who, then]
        return cls(asking, firsts[then] + who, back, apart.unsqueeze(1))


class Past(nn.Module):
    """Attention of a column to its own past, for each column apart."""

    def __init__(self, columns: int, hidden: int) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(hidden)
        self.queries = nn.Parameter(torch.empty(columns, hidden, QUERY).uniform_(-bound, bound))
        self.keys = nn.Parameter(torch.empty(columns, hidden, QUERY).uniform_(-bound, bound))
        self.rates = nn.Parameter(torch.full((columns,), 0.8))

    def forward(self, states: Tensor, pairs: Pairs, longest: int) -> Tensor:
        """What is heard (records, columns, hidden), from states (columns, records, hidden)."""
        share = self.shares(states, pairs, longest)
        by_record = states.transpose(0, 1).contiguous()
        weighed = share.unsqueeze(2) * by_record[pairs.heard]
        return torch.zeros_like(by_record).index_add(0, pairs.asking, weighed)

    def shares(self, states: Tensor, pairs: Pairs, longest: int) -> Tensor:
        """How much of the heard record goes into the asking one (pairs, columns)."""
        queries, keys = (torch.bmm(states, weights).transpose(0, 1) for weights in (self.queries, self.keys))
        alike = torch.sigmoid((queries[pairs.asking] * keys[pairs.heard]).sum(dim=2))  # (pairs, columns)
        scores = alike / (torch.sigmoid(self.rates) * torch.log(3.72 - alike) * pairs.apart)
        padded = scores.new_full((states.shape[1], longest, states.shape[0]), -math.inf)
        return torch.softmax(padded.index_put((pairs.asking, pairs.back), scores), dim=1)[pairs.asking, pairs.back]


class Contexts(Encoder):
    """A GRU per column, attention to the past, attention between columns, and one query over all."""

    shows_attention: ClassVar[bool] = True

    def __init__(self, settings: ConCare, columns: int) -> None:
        super().__init__()
        hidden = self.hidden = settings.hidden
        self.settings = settings
        self.grus = GroupedGRU(columns, hidden)
        self.past = Past(columns, hidden)
        self.fixed = nn.Linear(settings.static_columns, hidden) if settings.static_columns else None
        self.split, self.join = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.maps = nn.Sequential(
            nn.Linear(hidden, settings.inner), nn.ReLU(), nn.Dropout(0.1), nn.Linear(settings.inner, hidden)
        )
        self.last_query, self.last = nn.Linear(hidden, hidden), nn.Linear(hidden, 2 * hidden)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> Tensor:
        """States (batch, time, hidden)."""
        return self._run(series, static, mask, gaps)[0]

    def teach(self, batch: Batch) -> Taught:
        """States, and what correlated contexts cost."""
        states, heard, _ = self._run(batch.series, batch.static, batch.mask, batch.gaps)
        cost = self.settings.decorrelation * correlation(heard)
        return Taught(states, lambda _: cost)

    def attention(self, batch: Batch, record: int, readout: Tensor | None) -> Looked:
        """Each column's weight for the state, times its weights of its own past; static columns share one weight."""
        counts = active(batch.mask)
        pairs = self._pairs(counts, batch.gaps)
        share = self._run(batch.series, batch.static, batch.mask, batch.gaps)[2][record]
        past = self.past.shares(torch.cat(self.grus(batch.series, counts), dim=1), pairs, len(counts))
        fixed, columns = batch.static.shape[1], batch.series.shape[2]
        weights = batch.series.new_zeros(len(counts), fixed + columns)
        mine = pairs.asking == record
        weights[pairs.heard[mine], fixed:] = past[mine] * share[:columns]
        if fixed:
            weights[record, :fixed] = share[-1] / fixed
        means = "ConCare's weight of each column, times that column's weight of each record; all add up to 1."
        return Looked(weights, means)

    def _pairs(self, counts: list[int], gaps: Tensor) -> Pairs:
        steps = torch.arange(gaps.shape[1]).expand(gaps.shape)
        return Pairs.of(counts, gaps.cumsum(dim=1) if self.settings.intervals == "observed" else steps)

    def _run(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """States, what each column's attention heard (records, columns, hidden), and what the last query weighs (records, columns)."""
        counts = active(mask)
        pairs = self._pairs(counts, gaps)
        found = self.past(torch.cat(self.grus(series, counts), dim=1), pairs, len(counts))
        if self.fixed is not None:
            known = torch.tanh(self.fixed(static))
            known = torch.cat([known[:count] for count in counts])
            found = torch.cat([found, known.unsqueeze(1)], dim=1)
        found = self.dropout(found)
        heard = self._between(found)
        contexts = found + self.dropout(self.join(heard))
        contexts = contexts + self.dropout(self.maps(contexts))
        key, value = self.last(contexts).chunk(2, dim=2)
        share = torch.softmax(torch.bmm(key, self.last_query(contexts[:, -1]).unsqueeze(2)), dim=1)
        states = (self.dropout(share) * value).sum(dim=1)
        return place(states, mask), heard, share.squeeze(2)

    def _between(self, found: Tensor) -> Tensor:
        records, columns, hidden = found.shape
        parts = self.split(found).reshape(records, columns, 3, self.settings.heads, -1).permute(2, 0, 3, 1, 4)
        share = self.settings.dropout if self.training else 0.0
        query, key, value = parts.unbind(0)
        heard = nn.functional.scaled_dot_product_attention(query, key, value, dropout_p=share)
        return heard.transpose(1, 2).reshape(records, columns, hidden)


def correlation(heard: Tensor) -> Tensor:
    """Half the squared covariances between the numbers of a context, over records (records, columns, hidden), summed over columns."""
    centred = (heard - heard.mean(dim=0)).transpose(0, 1)
    covariance = torch.bmm(centred.transpose(1, 2), centred) / max(1, len(heard) - 1)
    return 0.5 * (covariance.square().sum() - covariance.diagonal(dim1=1, dim2=2).square().sum())
