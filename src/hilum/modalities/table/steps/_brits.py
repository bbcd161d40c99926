"""The network of BRITS in torch. Loaded only where it is fitted or applied.

One direction, of a sequence x_t (columns,) in units of its own, m_t = 1 where observed, d_t = time since each column's last observation:

    decay       g_t = exp(-max(0, G d_t + a))                 h <- g_t h                    G (hidden, columns)
    history     x'_t = W_x h + b_x                            u_t = m_t x_t + (1 - m_t) x'_t
    others      z_t = W_z u_t + b_z, diagonal of W_z 0        a column from the other columns of its record
    weight      w_t = sigmoid(W_w [r_t, m_t] + b_w)           r_t = exp(-max(0, v d_t + c)), v (columns,)
    together    y_t = w_t z_t + (1 - w_t) x'_t                c_t = m_t x_t + (1 - m_t) y_t: the filled record
    state       h, s <- LSTM([c_t, m_t], h, s)
    loss        mean over observed values of |x_t - x'_t| + |x_t - z_t| + |x_t - y_t|

What is filled at t depends on records up to t in the forward direction. In both directions the loss also holds the mean of
|forward - backward|, and the two are averaged.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class OneDirection(nn.Module):
    """One direction. Values, masks and times are (sequences, length, columns)."""

    def __init__(self, columns: int, hidden: int) -> None:
        super().__init__()
        self.state_decay = nn.Linear(columns, hidden)
        self.column_decay = nn.Parameter(torch.rand(columns) * 0.1)
        self.column_decay_offset = nn.Parameter(torch.zeros(columns))
        self.history = nn.Linear(hidden, columns)
        self.others = nn.Linear(columns, columns)
        self.weight = nn.Linear(2 * columns, columns)
        self.cell = nn.LSTMCell(2 * columns, hidden)
        self.register_buffer("off_diagonal", 1.0 - torch.eye(columns), persistent=False)

    def forward(self, values: Tensor, mask: Tensor, since: Tensor) -> tuple[Tensor, Tensor]:
        """Filled records (sequences, length, columns), and the loss summed over observed values and steps."""
        batch, length, _ = values.shape
        h = values.new_zeros(batch, self.cell.hidden_size)
        s = torch.zeros_like(h)
        off = self.get_buffer("off_diagonal")
        filled = []
        loss = values.new_zeros(())
        for t in range(length):
            x, m, d = values[:, t], mask[:, t], since[:, t]
            h = h * torch.exp(-torch.relu(self.state_decay(d)))
            from_history = self.history(h)
            complete = m * x + (1 - m) * from_history
            from_others = nn.functional.linear(complete, self.others.weight * off, self.others.bias)
            faded = torch.exp(-torch.relu(self.column_decay * d + self.column_decay_offset))
            w = torch.sigmoid(self.weight(torch.cat([faded, m], dim=1)))
            both = w * from_others + (1 - w) * from_history
            loss = loss + sum((m * (x - each).abs()).sum() for each in (from_history, from_others, both))
            c = m * x + (1 - m) * both
            h, s = self.cell(torch.cat([c, m], dim=1), (h, s))
            filled.append(c)
        return torch.stack(filled, dim=1), loss


class Network(nn.Module):
    """Forward alone, or both directions."""

    def __init__(self, columns: int, hidden: int, *, both: bool) -> None:
        super().__init__()
        self.ahead = OneDirection(columns, hidden)
        self.back = OneDirection(columns, hidden) if both else None

    def forward(self, values: Tensor, mask: Tensor, step: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """Filled records (sequences, length, columns) and the mean loss of an observed value.

        Args:
            values: (sequences, length, columns), 0 where missing.
            mask: The same shape, 1 where observed.
            step: (sequences, length) times.
            there: (sequences, length) 1 where a record is; the others come last.
        """
        count = mask.sum().clamp(min=1.0)
        filled, loss = self.ahead(values, mask, since(mask, step))
        if self.back is None:
            return filled, loss / count
        turn = turned(there)
        values, mask, step = (
            torch.take_along_dim(values, turn[..., None], 1),
            torch.take_along_dim(mask, turn[..., None], 1),
            -torch.take_along_dim(step, turn, 1),
        )
        backward, other = self.back(values, mask, since(mask, step))
        backward = torch.take_along_dim(backward, turn[..., None], 1)
        apart = ((filled - backward).abs().mean(-1) * there).sum() / there.sum().clamp(min=1.0)
        return (filled + backward) / 2, (loss + other) / count + apart


def since(mask: Tensor, step: Tensor) -> Tensor:
    """Time since each column was last observed before, (sequences, length, columns); 0 in the first record."""
    found = [torch.zeros_like(mask[:, 0])]
    for t in range(1, mask.shape[1]):
        gap = (step[:, t] - step[:, t - 1]).clamp(min=0.0)[:, None]
        found.append(gap + (1 - mask[:, t - 1]) * found[-1])
    return torch.stack(found, dim=1)


def turned(there: Tensor) -> Tensor:
    """(sequences, length) positions that turn the records of each sequence round and leave what comes after them."""
    length = there.sum(1, keepdim=True).long()
    place = torch.arange(there.shape[1])[None, :].expand(there.shape[0], -1)
    return torch.where(place < length, length - 1 - place, place)
