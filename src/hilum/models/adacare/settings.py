"""AdaCare: change over three time spans, features weighed by how much they matter now, and a GRU. Needs the extra `deep`.

Model       c_t = relu([C1 x; C3 x; C5 x]_t)       causal convolutions over two records, 1, 3 and 5 apart, `kernels` outputs each
            c'_t = c_t * sigmoid(R2 relu(R1 c_t))   recalibrated; so is the record: x'_t = x_t * gate(Q2 relu(Q1 x_t))
            h_t = GRU([c'_t; x'_t], h_{t-1})
            gate   sigmoid, or sparsemax (the Euclidean projection to the probability simplex): features then compete
Symbols     x_t (columns,) a record, static columns first;  h_t (hidden,) its state
Cost        O(records * (columns * kernels + hidden * (kernels + columns + hidden))) a pass: one pass, not one over every prefix
Source      Ma et al., AdaCare, AAAI 2020 (arXiv 1911.12205), and as run in arXiv 2209.07805 (pyehr: two records a kernel, 64 kernels,
            reductions 4, sigmoid, dropout 0.5 after the GRU); sparsemax: Martins and Astudillo, arXiv 1602.02068
Deviations  Gates read the record alone, as in the released code and unlike a squeeze over time, which would need a window. A layer that
            reduces has at least one unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hilum.core.errors import unknown
from hilum.models._sequence_model import SequenceModel

if TYPE_CHECKING:
    from hilum.nn.sequences.encoder import Encoder


@dataclass(frozen=True)
class AdaCare(SequenceModel):
    """Settings beyond those of every model of sequences.

    Attributes:
        dropout: Share of a state's values dropped while training.
        kernels: Outputs of each of the three convolutions.
        reduction: By how much the layer inside a gate is narrower than what it weighs.
        gate: How a record's features are weighed.
    """

    dropout: float = 0.5
    kernels: int = 64
    reduction: int = 4
    gate: Literal["sigmoid", "sparsemax"] = "sigmoid"

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        super().__post_init__()
        if self.kernels < 1 or self.reduction < 1:
            raise self.nonsense("kernels and reduction are 1 or more")
        if self.gate not in ("sigmoid", "sparsemax"):
            raise unknown("value of gate", self.gate, ("sigmoid", "sparsemax"), where="AdaCare")

    def encoder(self, columns: int) -> Encoder:
        """Convolutions, gates and the GRU."""
        from hilum.models.adacare.network import Adaptive

        return Adaptive(self, self.static_columns + columns)
