"""RETAIN: a sum over the past records, weighed by two networks that read them from the newest back. Needs the extra `deep`.

Model       v_s = E x_s                                                      for the state of record t, from s = t back to s = 0:
            g = GRU_a(v_t, ..., v_s),  e_{t,s} = a' g + a0;  alpha_t = softmax over s <= t of e_t       how much record s matters
            k = GRU_b(v_t, ..., v_s),  beta_{t,s} = tanh(B k + b)                                       which of its values do
            h_t = sum over s <= t of alpha_{t,s} beta_{t,s} * v_s
Symbols     x_s (columns,) a record, static columns first;  v_s, h_t (hidden,)
Cost        O(sum over records of (records before it) * hidden^2) a pass: each prefix is read backward from its own end, so that is what
            it takes; all prefixes and both networks go through a step together: `longest` steps of matrix products, not one per prefix
Source      Choi et al., RETAIN, arXiv 1608.05745; per record: arXiv 2209.07805 (pyehr: dropout 0.1)
Deviations  `released` joins weights and records as the code of the latter does: the weights of the s-th record from the end meet the s-th
            from the beginning. `embedding` "none" is also its: networks as wide as the record, and a map to `hidden` at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hilum.core.errors import unknown
from hilum.models._sequence_model import SequenceModel

if TYPE_CHECKING:
    from hilum.nn.sequences.encoder import Encoder


@dataclass(frozen=True)
class Retain(SequenceModel):
    """Settings beyond those of every model of sequences.

    Attributes:
        dropout: Share of a record's values dropped while training.
        embedding: Whether a record is mapped to `hidden` numbers first.
        order: Which record meets which weights: as in the paper, or as released.
    """

    dropout: float = 0.1
    embedding: Literal["linear", "none"] = "linear"
    order: Literal["paper", "released"] = "paper"

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        super().__post_init__()
        for name, choices in (("embedding", ("linear", "none")), ("order", ("paper", "released"))):
            if getattr(self, name) not in choices:
                raise unknown(f"value of {name}", getattr(self, name), choices, where="Retain")

    def encoder(self, columns: int) -> Encoder:
        """Both networks and the sum."""
        from hilum.models.retain.network import ReverseTime

        return ReverseTime(self, self.static_columns + columns)
