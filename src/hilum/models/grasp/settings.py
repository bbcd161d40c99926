"""GRASP: a recurrent network whose state is mixed with what similar patients know. Needs the extra `deep`.

Model       g_t = GRU(x_t, g_{t-1});   C: centres of `clusters` clusters of the train records' states (k-means)
            N = relu(A relu(A C W1 + b1) W2 + b2)          what a cluster knows, from itself and its neighbours
            e = relu(C g_t);   c = argmax e                 the patient's cluster; in training argmax(e + Gumbel noise), with the gradient
            a = sigmoid(u N_c + v),  b = sigmoid(w g_t + z);   h_t = (a N_c + b g_t) / (a + b)                        of its softmax
            A   1 / (neighbours + 1) for a cluster and those whose centres are nearest to it
Symbols     x_t (columns,) a record, static columns first;  g_t, h_t (hidden,);  C, N (clusters, hidden)
Cost        O(records * hidden * (columns + hidden + clusters)) a pass, and one k-means over all records before each
Source      Zhang et al., GRASP, AAAI 2021 (from memory), and as run in arXiv 2209.07805 (pyehr: GRU, 12 clusters, A = identity because
            its graph is never made: `neighbours` 0)
Deviations  Released, clusters are those of the batch at hand, drawn anew each time, so that a patient's risk depends on the others and on
            chance, and fewer than 12 patients cannot be scored. Here centres are those of all train records, found before each pass
            from where they were, constant within it, and stored: one patient is scored like a thousand, the same each time. No gradient
            goes through them. The GRU reads static columns too; the released one leaves them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hilum.core.errors import unknown
from hilum.models._sequence_model import SequenceModel

if TYPE_CHECKING:
    from hilum.nn.sequences.encoder import Encoder


@dataclass(frozen=True)
class Grasp(SequenceModel):
    """Settings beyond those of every model of sequences.

    Attributes:
        clusters: Clusters of records.
        neighbours: Other clusters that a cluster learns from.
        cell: The recurrent network's cell.
    """

    clusters: int = 12
    neighbours: int = 3
    cell: Literal["gru", "lstm"] = "gru"

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        super().__post_init__()
        if not 0 <= self.neighbours < self.clusters:
            raise self.nonsense("neighbours is 0 or more and below clusters")
        if self.cell not in ("gru", "lstm"):
            raise unknown("value of cell", self.cell, ("gru", "lstm"), where="Grasp")

    def encoder(self, columns: int) -> Encoder:
        """The recurrent network and the clusters."""
        from hilum.models.grasp.network import Similar

        return Similar(self, self.static_columns + columns)
