"""ConCare: a GRU and a time-aware attention for each column, then attention between columns. Needs the extra `deep`.

Model       for each column i:   g_t = GRU_i(x_{i,t}, g_{t-1});   q = g_t W_i,  k_s = g_s V_i  (8 numbers);  p_s = sigmoid(q k_s)
              e_s = p_s / (sigmoid(r_i) log(2.72 + 1 - p_s) (1 + t - s));   m_i = sum over s <= t of softmax(e)_s g_s
            static columns:      m_{n+1} = tanh(S s + b)
            between columns:     c = m + D A(m),  A: attention with `heads` heads;   c <- c + D F(c),  F = W2 relu(W1 c), `inner` units
            state:               sum over i of softmax_i(a c_last . K c_i) V c_i,  c_last: the static columns', else the last column's
Loss        + decorrelation * sum over columns of 1/2 (|C|^2 - |diag C|^2),  C the covariance over the batch's records of what attention
            heard, before the heads are joined
Symbols     x_{i,t} column i of record t;  g, m_i (hidden,);  t - s records apart, or the time between them in gap units
Cost        O(records * columns * hidden * (hidden + columns + records before)) a pass: grouped GRUs, all prefixes of a batch at once;
            padding is skipped
Source      Ma et al., ConCare, AAAI 2020 (arXiv 1911.12216), and as run in arXiv 2209.07805 (pyehr: 4 heads, 64 inner units, no dropout,
            decorrelation 10)
Deviations  The covariance is over all records of a batch; the released code takes the records of each step apart, and averages. It
            passes its layer norm by (kept here: there is none). `intervals` "observed" reads times, as the paper says; the released code
            counts records ("steps"). Weights of the e's start as torch's linear layers do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hilum.core.errors import unknown
from hilum.models._sequence_model import SequenceModel

if TYPE_CHECKING:
    from hilum.nn.sequences.encoder import Encoder


@dataclass(frozen=True)
class ConCare(SequenceModel):
    """Settings beyond those of every model of sequences.

    Attributes:
        hidden: Numbers of each column's state, and of a record's.
        heads: Heads of attention between columns; they divide `hidden`.
        inner: Units of the map after it.
        decorrelation: How much correlated contexts cost.
        intervals: Whether attention to the past reads the time between records, or counts them.
    """

    hidden: int = 32
    heads: int = 4
    inner: int = 64
    decorrelation: float = 10.0
    intervals: Literal["observed", "steps"] = "observed"

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        super().__post_init__()
        if min(self.heads, self.inner) < 1 or self.hidden % self.heads or self.decorrelation < 0:
            raise self.nonsense("counts are 1 or more, hidden is a multiple of heads, decorrelation is not negative")
        if self.intervals not in ("observed", "steps"):
            raise unknown("value of intervals", self.intervals, ("observed", "steps"), where="ConCare")

    def encoder(self, columns: int) -> Encoder:
        """GRUs and attentions."""
        from hilum.models.concare.network import Contexts

        return Contexts(self, columns)
