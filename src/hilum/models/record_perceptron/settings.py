"""A multilayer perceptron that reads each record of a sequence alone, trained as models of sequences are. Needs the extra `deep`.

Model       h_t = C D gelu(B (A x_t + a) + b) + c               A: to `hidden`, B: to `inner` times as many, C: back to `hidden`
Symbols     x_t (columns,) a record, static columns first;  h_t (hidden,) its state;  D drops values while training
Cost        O(records * hidden * (columns + inner * hidden)) a pass
Source      the MLP of arXiv 2209.07805 as released (pyehr: inner 4, no dropout)
Deviations  None known. Unlike `multilayer_perceptron` it ends by a validation part, answers outcome and number together where asked, and
            takes every loss of sequences; what came before a record it does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hilum.models._sequence_model import SequenceModel

if TYPE_CHECKING:
    from hilum.nn.sequences.encoder import Encoder


@dataclass(frozen=True)
class RecordPerceptron(SequenceModel):
    """Settings beyond those of every model of sequences.

    Attributes:
        inner: Units of the layer between, in multiples of `hidden`.
    """

    inner: int = 4

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        super().__post_init__()
        if self.inner < 1:
            raise self.nonsense("inner is 1 or more")

    def encoder(self, columns: int) -> Encoder:
        """The three maps."""
        from hilum.models.record_perceptron.network import EachRecord

        return EachRecord(self, columns)
