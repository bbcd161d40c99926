"""MCGRU: one small GRU for each column, and a linear map over all their states. Needs the extra `deep`.

Model       u_t = A x_t + a                       columns mixed once
            g_{i,t} = GRU_i(u_{i,t}, g_{i,t-1})   a GRU for each column i, `channel` numbers
            h_t = B [S s; g_{1,t}; ...; g_{n,t}] + b
Symbols     x_t (columns,) a record, without its static columns;  s (static columns,);  h_t (hidden,) its state
Cost        O(records * columns * (columns + channel * (channel + hidden))) a pass: all GRUs as grouped matrix products, a few operations
            a step (nn/sequences/grouped_gru.py)
Source      the released code of arXiv 2209.07805 (pyehr, MIT: MCGRU, channel 8), which no paper describes; multi-channel recurrent
            networks for records go back to Harutyunyan et al., Sci Data 6 (2019) (from memory)
Deviations  Without static columns the term S s is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hilum.models._sequence_model import SequenceModel

if TYPE_CHECKING:
    from hilum.nn.sequences.encoder import Encoder


@dataclass(frozen=True)
class MCGRU(SequenceModel):
    """Settings beyond those of every model of sequences.

    Attributes:
        channel: Numbers of the state of one column's GRU.
    """

    channel: int = 8

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        super().__post_init__()
        if self.channel < 1:
            raise self.nonsense("channel is 1 or more")

    def encoder(self, columns: int) -> Encoder:
        """The GRUs and the maps."""
        from hilum.models.mcgru.network import Channels

        return Channels(self, columns)
