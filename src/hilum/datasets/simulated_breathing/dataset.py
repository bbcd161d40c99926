"""Simulated breathing of a few simulated people: three markers, drift, pauses, coughs and shifts. Synthetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hilum.core.data import Field, Item
from hilum.modalities.series.sample import Series
from hilum.modalities.series.simulate import CHANNELS, simulate_breathing


@dataclass(frozen=True)
class SimulatedBreathing:
    """Settings: how many recordings, how long, s, how fast, Hz, and the seed of them all."""

    recordings: int = 9
    seconds: float = 150.0
    rate_hz: float = 10.0
    seed: int = 0

    name: ClassVar[str] = "simulated_breathing"
    synthetic: ClassVar[bool] = True
    ITEMS: ClassVar[tuple[str, ...]] = tuple(f"simulated-{number}" for number in range(1, 10))
    provides: ClassVar[Mapping[str, Field]] = {"series": Field("markers", "series", "mm")}

    def items(self, folder: Path) -> Sequence[Item]:
        """One a simulated person; no files."""
        return [Item(f"simulated-{n}", f"simulated person {n}") for n in range(1, self.recordings + 1)]

    def load(self, folder: Path, item: Item) -> Series:
        """Simulate one recording, (samples, 9) in mm."""
        number = int(item.id.rpartition("-")[2])
        values = simulate_breathing(seconds=self.seconds, rate_hz=self.rate_hz, seed=(self.seed, number)).values
        return Series(item.id, item.subject, values, 1.0 / self.rate_hz, "mm", CHANNELS, points=3, reason="synthetic")
