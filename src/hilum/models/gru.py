"""A gated recurrent unit over the records of a sequence. Needs the extra `deep`.

Model       h_t = (1 - z) n + z h_{t-1};  r, z = sigmoid(W x_t + U h_{t-1} + b);  n = tanh(W' x_t + b' + r (U' h_{t-1} + c'))
            a record's score is linear in h_t; two classes: p = sigmoid(score); more: softmax; a number: in standard units of train
Fit         log loss, or squared error; AdamW on shuffled sequences; the best pass by the validation part (models/_sequence_model.py)
Symbols     x_t  (columns,)   a record, after those of the same sequence before it
            h_t  (hidden,)    its state, h_0 = 0
Cost        O(records * hidden * (columns + hidden)) a pass, by torch's layer; padding is skipped
Source      Cho et al., arXiv 1406.1078; as a risk per record: arXiv 2209.07805 and 2306.05109
Deviations  r stands outside U' h, as in torch and unlike the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hilum.models._sequence_model import SequenceModel

if TYPE_CHECKING:
    from hilum.nn.sequences.encoder import Encoder


@dataclass(frozen=True)
class GRU(SequenceModel):
    """Settings beyond those of every model of sequences.

    Attributes:
        layers: Layers of cells, one above another; dropout stands between them and after the last.
    """

    layers: int = 1

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        super().__post_init__()
        if self.layers < 1:
            raise self.nonsense("layers is 1 or more")

    def encoder(self, columns: int) -> Encoder:
        """The recurrent layers."""
        from hilum.nn.sequences.recurrent import Recurrent

        return Recurrent("gru", self.static_columns + columns, self.hidden, self.layers, self.dropout)
