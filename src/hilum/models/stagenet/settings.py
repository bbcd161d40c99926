"""StageNet: an LSTM that knows in which stage of the disease it is, and a convolution over the newest records of that stage. Extra `deep`.

Model       y = K [x_t; d_t] + k + L [h; d_t] + l              h, c: state and cell of the record before, `levels` * `chunk` numbers
            F = cumsum(softmax(y_F)),  I = the same from the last level to the first       master gates, one number a level
            f, i, o = sigmoid(...), g = tanh(...) of the rest of y
            c <- F I (f c + i g) + (F - F I) c + (I - F I) g;   h <- o tanh(c)
            D_t = 1 - mean(F): how far the stage has moved.  Over the window t - `reach` < s <= t:  w_s = softmax(D summed up to s)
            u_s = w_s h_s;   z = C [u]  convolution over the window;   z <- z * sigmoid(B relu(A mean of u))
            state = P D2 (z + D1 h)
Symbols     x_t (columns,) a record, static columns first;  d_t time since the record before;  chunk = hidden;  D1, D2 drop values
Cost        O(records * (levels * hidden)^2 * (8 + reach)) a pass: one pass over the sequence, not one over every prefix
Source      Gao et al., StageNet, WWW 2020 (arXiv 2001.10054), and as run in arXiv 2209.07805 (pyehr: 3 levels, reach 10, dropout 0.3)
Deviations  `intervals` "steps": d_t = 1 always. The released code hands over the mask of records as times, which is that.
            "observed" reads the gaps. Places of the window before the first record hold h = 0 and D = 0, and take their part of w, as
            released. K and L start uniform within 1 / sqrt(inputs), not orthogonal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hilum.core.errors import unknown
from hilum.models._sequence_model import SequenceModel

if TYPE_CHECKING:
    from hilum.nn.sequences.encoder import Encoder


@dataclass(frozen=True)
class StageNet(SequenceModel):
    """Settings beyond those of every model of sequences.

    Attributes:
        dropout: Share dropped while training: of the gates' inputs, of h beside the convolution, and of their sum.
        levels: Levels of memory; those above a master gate keep what is old.
        reach: Records in the window.
        intervals: Whether the time between records is read, or every interval is 1.
    """

    hidden: int = 32
    dropout: float = 0.3
    levels: int = 3
    reach: int = 10
    intervals: Literal["observed", "steps"] = "observed"

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        super().__post_init__()
        if self.levels < 1 or self.reach < 1:
            raise self.nonsense("levels and reach are 1 or more")
        if self.intervals not in ("observed", "steps"):
            raise unknown("value of intervals", self.intervals, ("observed", "steps"), where="StageNet")

    def encoder(self, columns: int) -> Encoder:
        """The cell and the convolution."""
        from hilum.models.stagenet.network import Stages

        return Stages(self, self.static_columns + columns)
