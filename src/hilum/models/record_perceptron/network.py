"""Three maps of a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from hilum.nn.sequences.encoder import Encoder, whole

if TYPE_CHECKING:
    from hilum.models.record_perceptron.settings import RecordPerceptron


class EachRecord(Encoder):
    """A linear map, then a layer of units, then a linear map."""

    def __init__(self, settings: RecordPerceptron, columns: int) -> None:
        super().__init__()
        self.hidden = settings.hidden
        units = settings.inner * settings.hidden
        self.maps = nn.Sequential(
            nn.Linear(settings.static_columns + columns, settings.hidden),
            nn.Linear(settings.hidden, units),
            nn.GELU(),
            nn.Dropout(settings.dropout),
            nn.Linear(units, settings.hidden),
        )

    def forward(self, series: Tensor, static: Tensor, mask: Tensor, gaps: Tensor) -> Tensor:
        """States (batch, time, hidden)."""
        states: Tensor = self.maps(whole(series, static))
        return states
