"""What a network that reads records in time is trained by.

    plain                  a class: -log p_y;  a number: (n - m)^2;  both: their sum                    mean over records
    balanced               -w_y log p_y,  w_c = records / (classes * records of class c)                 classes alone
    time_aware             -w(L) log p_y,  w(L) = (2 - exp(-L / 10)) / its mean over train               L > 0 counts, else 0
    time_aware_published   max(0, mean(exp(-l / 10) * -log p_y) - mean(l (1 - p_y)) / 10)

Symbols     p_y  probability of the class that it is; two classes have 1 - p_y = |y - p|
            n, m  the true and the forecast number, in standard units of the train records that are asked for
            L     the number beside the outcome (remaining days), l the same in standard units
Source      both time-aware forms: the released code of arXiv 2209.07805 (pyehr, MIT). In the published one l is a z-score, so an error
            on a record with more days left than usual is rewarded, and the whole is cut off at 0, where nothing is learnt. Its later
            form weighs errors the more, the more days are left: from 1 to 2; ours is that, with the mean weight over train.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Loss = Literal["plain", "balanced", "time_aware", "time_aware_published"]
DECAY = 0.1  # per unit of the number beside the outcome


@dataclass(frozen=True)
class Targets:
    """Of every record; what stands at records that are not asked for is never read.

    Attributes:
        codes: (records,) position among the classes present, or None.
        numbers: (records,) in standard units, or None: the target itself, or the number beside the outcome.
        weights: (records,) of the log loss, or None for 1.
    """

    codes: Tensor | None
    numbers: Tensor | None
    weights: Tensor | None = None


@dataclass(frozen=True)
class Criterion:
    """A loss and its targets.

    Attributes:
        targets: What is true.
        answers_number: Whether the network answers a number too (in the last column of its scores where it answers classes).
        form: Which loss.
    """

    targets: Targets
    answers_number: bool
    form: Loss = "plain"

    def of_records(self, scores: Tensor, rows: Tensor) -> Tensor:
        """Loss of each of these records (n,) from scores (n, outputs)."""
        targets, loss = self.targets, torch.zeros(len(scores))
        if targets.codes is not None:
            scores, number = (scores[:, :-1], scores[:, -1]) if self.answers_number else (scores, None)
            said = log_probability(scores, targets.codes[rows])
            if self.form == "time_aware_published":
                assert targets.numbers is not None
                late = targets.numbers[rows]
                loss = -torch.exp(-DECAY * late) * said - DECAY * late * (1 - said.exp())
            else:
                loss = -said if targets.weights is None else -said * targets.weights[rows]
        else:
            number = scores[:, 0]
        if number is not None and targets.numbers is not None:
            squares = (number - targets.numbers[rows]) ** 2
            return squares if targets.codes is None else torch.stack([loss, squares], dim=1)
        return loss

    def over(self, losses: Tensor) -> Tensor:
        """One number from the losses of some records: (n,), or (n, 2) where class and number are both answered."""
        if self.form == "time_aware_published":
            parts = losses if losses.ndim == 2 else losses.unsqueeze(1)
            return parts[:, 0].mean().clamp_min(0.0) + parts[:, 1:].mean(dim=0).sum()
        return losses.sum(dim=1).mean() if losses.ndim == 2 else losses.mean()


def log_probability(scores: Tensor, codes: Tensor) -> Tensor:
    """Log p of the class that it is (n,); one column of scores (n, 1) is the log odds of the second of two classes."""
    if scores.shape[1] == 1:
        sign = 2.0 * codes.to(scores.dtype) - 1.0
        return torch.nn.functional.logsigmoid(sign * scores[:, 0])
    return torch.log_softmax(scores, dim=1).gather(1, codes.unsqueeze(1)).squeeze(1)


def balanced_weights(codes: Tensor, train: Tensor, classes: int) -> Tensor:
    """(n,) weight of each record by its class, such that all classes of the train codes weigh the same and their mean is 1."""
    counts = torch.bincount(train, minlength=classes).to(torch.float32)
    return (len(train) / (classes * counts))[codes]


def time_aware_weights(numbers: Tensor, train: Tensor) -> Tensor:
    """(n,) weight of each record by the number beside its outcome, in its own unit; the mean over train's numbers is 1."""
    return _rising(numbers) / _rising(train).mean()


def _rising(numbers: Tensor) -> Tensor:
    return 2.0 - torch.exp(-DECAY * numbers.clamp_min(0.0))
