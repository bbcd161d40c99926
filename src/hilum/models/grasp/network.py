"""GRASP's recurrent network, its clusters of train records, and how both are mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from hilum.nn.sequences.encoder import Encoder
from hilum.nn.sequences.recurrent import Recurrent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hilum.models.grasp.settings import Grasp
    from hilum.nn.sequences.records import Records

TOGETHER = 256  # sequences that are read at once to find the clusters


class Similar(Encoder):
    """A recurrent network, and what the nearest cluster of train records knows.

    Attributes:
        centres: (clusters, hidden) stored with the weights; fixed within a pass and after training.
        graph: (clusters, clusters) the neighbours of each.
    """

    centres: Tensor
    graph: Tensor

    def __init__(self, settings: Grasp, columns: int) -> None:
        super().__init__()
        hidden = self.hidden = settings.hidden
        self.neighbours = settings.neighbours
        self.network = Recurrent(settings.cell, columns, hidden)
        self.register_buffer("centres", torch.zeros(settings.clusters, hidden))
        self.register_buffer("graph", torch.eye(settings.clusters))
        self.first, self.second = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)
        self.of_cluster, self.of_patient = nn.Linear(hidden, 1), nn.Linear(hidden, 1)
        self.dropout = nn.Dropout(settings.dropout)

    def begin_epoch(self, records: Records, epoch: int) -> None:
        """Find the clusters of all train records, from where they were."""
        found = []
        with torch.no_grad():
            for batch in records.batches(records.by_length, TOGETHER):
                found.append(self.network(batch.series, batch.static, batch.mask, batch.gaps)[batch.mask])
        before = self.centres.numpy() if epoch else None
        seed = int(torch.randint(2**31, (1,)))
        self.centres.copy_(torch.from_numpy(clusters(torch.cat(found).numpy(), len(self.centres), before, seed)))
        apart = torch.cdist(self.centres, self.centres).fill_diagonal_(-1.0)
        nearest = apart.argsort(dim=1, stable=True)[:, : self.neighbours + 1]
        self.graph.zero_().scatter_(1, nearest, 1.0 / (self.neighbours + 1))

    def forward(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> Tensor:
        """States (batch, time, hidden)."""
        own = self.network(series, static, mask, gaps)
        known = torch.relu(self.graph @ (self.centres @ self.first.weight.t()) + self.first.bias)
        known = torch.relu(self.graph @ (known @ self.second.weight.t()) + self.second.bias)
        like = torch.relu(own @ self.centres.t())
        drawn = nn.functional.gumbel_softmax(like, hard=True, dim=2) if self.training else None
        near = known[like.argmax(dim=2)] if drawn is None else drawn @ known
        of_cluster, of_patient = torch.sigmoid(self.of_cluster(near)), torch.sigmoid(self.of_patient(own))
        mixed: Tensor = self.dropout((of_cluster * near + of_patient * own) / (of_cluster + of_patient))
        return mixed


def clusters(
    states: NDArray[np.float32], count: int, before: NDArray[np.float32] | None, seed: int
) -> NDArray[np.float32]:
    """Centres (count, hidden) of states (records, hidden), by k-means; where there are fewer distinct states, centres are repeated."""
    from sklearn.cluster import KMeans

    distinct = min(count, len(np.unique(states, axis=0)))
    start = "k-means++" if before is None or distinct < count else before
    found = KMeans(distinct, init=start, n_init=1, max_iter=20, random_state=seed).fit(states).cluster_centers_
    centres: NDArray[np.float32] = found[np.arange(count) % distinct].astype(np.float32)
    return centres
