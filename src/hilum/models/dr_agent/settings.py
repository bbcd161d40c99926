"""Dr. Agent: a GRU that is reminded of its own earlier states by two agents with different views. Needs the extra `deep`.

Model       H = (h_{t-k}, ..., h_{t-1})               the last k = `actions` states, 0 where there are none yet
            p = softmax(A2 tanh(A1 [mean of H; s])),  q = softmax(B2 tanh(B1 [x_t; s]))       one agent sees the past, one the record
            m = (p H + q H) / 2                        at the first record m = h_{-1}
            h_t = GRU(x_t, share * m + (1 - share) * h_{t-1});   h_{-1} = S s, or 0 without static columns
            state = F [h_t; s], or h_t without static columns
Symbols     x_t (columns,) a record, without its static columns s (static columns,);  p, q (k,);  h_t (hidden,)
Cost        O(records * hidden * (columns + hidden + units + k)) a pass
Source      Gao et al., Dr. Agent, JAMIA 27 (2020), and as run in arXiv 2209.07805 (pyehr: 10 actions, 64 units, share 0.5, no dropout)
Deviations  An action is the mean under the agent's probabilities, in training and after it: the same record gives the same answer. So
            do the weights of later versions of pyehr; actions that are drawn, and the policy gradient with a baseline that the paper
            trains agents by (from memory), are not here: agents learn through the mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hilum.models._sequence_model import SequenceModel

if TYPE_CHECKING:
    from hilum.nn.sequences.encoder import Encoder


@dataclass(frozen=True)
class DrAgent(SequenceModel):
    """Settings beyond those of every model of sequences.

    Attributes:
        actions: Earlier states that an agent chooses among.
        units: Units of an agent's layer.
        share: Share of what the agents recall in the state that the next record meets.
    """

    actions: int = 10
    units: int = 64
    share: float = 0.5

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        super().__post_init__()
        if min(self.actions, self.units) < 1 or not 0 <= self.share <= 1:
            raise self.nonsense("actions and units are 1 or more, share lies in [0, 1]")

    def encoder(self, columns: int) -> Encoder:
        """The GRU and both agents."""
        from hilum.models.dr_agent.network import Reminded

        return Reminded(self, columns)
