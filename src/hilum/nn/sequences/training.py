"""Train an encoder and its head: shuffled sequences, AdamW or Adam, and the best epoch by a validation part.

network(series, static, mask, gaps) -> scores (batch, time, outputs);  outputs: a number, the log odds of the second of two classes,
or one score a class; where class and number are both answered, the number comes last and both read gelu(state)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hilum.core.errors import HilumError
from hilum.nn.sequences.encoder import Encoder
from hilum.nn.sequences.losses import Criterion
from hilum.nn.sequences.records import Batch, Records

Optimizer = Literal["adamw", "adam"]
TOGETHER = 256  # sequences that are predicted at once


@dataclass(frozen=True)
class Schedule:
    """How to train.

    Attributes:
        learning_rate: Of the optimiser.
        penalty: Weight decay; "adamw" takes it off the weights, "adam" adds it to the gradient.
        optimizer: "adamw" or "adam".
        sequences_per_step: Sequences a step.
        epochs: The most passes over all sequences.
        patience: Passes without a better validation part after which it stops.
    """

    learning_rate: float
    penalty: float
    optimizer: Optimizer
    sequences_per_step: int
    epochs: int
    patience: int


@dataclass
class History:
    """Mean training loss of every pass, what the validation part said of it (lower is better), and which pass was kept, from 0."""

    losses: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    kept: int = -1


class Network(nn.Module):
    """An encoder, and a linear head on its states."""

    def __init__(self, encoder: Encoder, outputs: int, *, joint: bool) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.hidden, outputs)
        self.activation = nn.GELU() if joint else nn.Identity()

    def read(self, states: Tensor) -> Tensor:
        """Scores (n, outputs) from states (n, hidden)."""
        scores: Tensor = self.head(self.activation(states))
        return scores

    def forward(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> Tensor:
        """Scores (batch, time, outputs)."""
        return self.read(self.encoder(series, static, mask, gaps))


def train(
    network: Network,
    records: Records,
    criterion: Criterion,
    schedule: Schedule,
    seed: int,
    judge: Callable[[], float] | None = None,
) -> History:
    """Train in place; with a `judge` (lower is better) the weights of the best pass are kept, else those of the last.

    Raises:
        HilumError: the loss stopped being finite.
    """
    kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[schedule.optimizer]
    optimizer = kind(network.parameters(), lr=schedule.learning_rate, weight_decay=schedule.penalty, fused=True)
    shuffle = np.random.default_rng(seed)
    history, best, kept = History(), np.inf, None
    for epoch in range(schedule.epochs):
        network.eval()
        network.encoder.begin_epoch(records, epoch)
        network.train()
        order = shuffle.permutation(len(records.lengths))
        total, taken = 0.0, 0
        for batch in records.batches(order, schedule.sequences_per_step):
            loss, asked = _step(network, batch, criterion, optimizer)
            total, taken = total + loss * asked, taken + asked
        history.losses.append(total / max(taken, 1))
        if not np.isfinite(history.losses[-1]):
            raise HilumError("training diverged: the loss is no longer finite", do="Lower learning_rate")
        if judge is None:
            history.kept = epoch
            continue
        history.validation.append(judge())
        if history.validation[-1] < best:
            best, history.kept = history.validation[-1], epoch
            kept = {name: value.clone() for name, value in network.state_dict().items()}
        elif epoch - history.kept >= schedule.patience:
            break
    if kept is not None:
        network.load_state_dict(kept)
    network.eval()
    return history


def _step(network: Network, batch: Batch, criterion: Criterion, optimizer: torch.optim.Optimizer) -> tuple[float, int]:
    """One step on a batch; its loss, and over how many records."""
    asked = int(batch.asked.sum())
    if not asked:
        return 0.0, 0
    optimizer.zero_grad(set_to_none=True)
    taught = network.encoder.teach(batch)
    losses = criterion.of_records(network.read(taught.states[batch.asked]), batch.rows[batch.asked])
    loss = criterion.over(losses)
    if taught.added is not None:
        each = losses.sum(dim=1) if losses.ndim == 2 else losses
        loss = loss + taught.added(torch.zeros(batch.mask.shape).masked_scatter(batch.asked, each))
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(loss.detach()), asked


def scores_of(network: Network, records: Records) -> NDArray[np.float64]:
    """Scores of every record (records, outputs), in order."""
    network.eval()
    scores = np.empty((records.count, network.head.out_features))
    with torch.inference_mode():
        for batch in records.batches(records.by_length, TOGETHER):
            found = network(batch.series, batch.static, batch.mask, batch.gaps)[batch.mask]
            scores[batch.rows[batch.mask].numpy()] = found.numpy()
    return scores


def loss_of(network: Network, records: Records, criterion: Criterion, asked: NDArray[np.bool_]) -> float:
    """The loss over the records of a part that are asked for."""
    scores = torch.from_numpy(scores_of(network, records)[asked].astype(np.float32))
    return float(criterion.over(criterion.of_records(scores, torch.from_numpy(np.flatnonzero(asked)))))
