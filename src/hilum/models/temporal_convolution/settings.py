"""A temporal convolutional network (TCN) over the records of a sequence. Needs the extra `deep`.

Model       block l:  y = relu(x' + D relu(C2 D relu(C1 x)));  x' = x, or P x where widths differ;  D drops values while training
            C  look back `kernel` records, 2^l apart, l = 0 ... levels - 1; their weights are g v / |v|, a row at a time
            a state reads the newest  1 + 2 (kernel - 1) (2^levels - 1)  records
Symbols     x (columns,) a record, static columns first;  y (hidden,) its state after the last block
Cost        O(records * levels * kernel * hidden^2) a pass: one pass over the sequence, not one over every prefix
Source      Bai, Kolter and Koltun, arXiv 1803.01271; as a risk per record: arXiv 2209.07805 (pyehr: kernel 2, three levels, dropout 0.5)
            and 2306.05109
Deviations  |v| is taken over each row as in the paper; pyehr takes it over the whole matrix. Weights start as torch's layers do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hilum.models._sequence_model import SequenceModel

if TYPE_CHECKING:
    from hilum.nn.sequences.encoder import Encoder


@dataclass(frozen=True)
class TemporalConvolution(SequenceModel):
    """Settings beyond those of every model of sequences.

    Attributes:
        dropout: Share of values dropped while training.
        kernel: Records that a convolution reads.
        levels: Blocks; the gaps between what is read double from one to the next.
    """

    dropout: float = 0.2
    kernel: int = 2
    levels: int = 3

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        super().__post_init__()
        if self.kernel < 2 or self.levels < 1:
            raise self.nonsense("kernel is 2 or more, levels 1 or more")

    def encoder(self, columns: int) -> Encoder:
        """The blocks."""
        from hilum.models.temporal_convolution.network import Blocks

        return Blocks(self, self.static_columns + columns)
