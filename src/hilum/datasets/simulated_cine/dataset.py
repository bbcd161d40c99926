"""Simulated cine-MRI of a few simulated people: a moving phantom whose displacement is known. Synthetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hilum.core.data import Field, Item
from hilum.modalities.video.sample import Video
from hilum.modalities.video.simulate import simulate_video


@dataclass(frozen=True)
class SimulatedCine:
    """Settings: how many recordings, frames in each, frames a second, rows and columns of a frame, and the seed of them all."""

    recordings: int = 3
    frames: int = 160
    rate_hz: float = 4.0
    height: int = 96
    width: int = 80
    seed: int = 0

    name: ClassVar[str] = "simulated_cine"
    synthetic: ClassVar[bool] = True
    ITEMS: ClassVar[tuple[str, ...]] = tuple(f"simulated-{number}" for number in range(1, 4))
    provides: ClassVar[Mapping[str, Field]] = {"video": Field("frames", "video", "grey")}

    def items(self, folder: Path) -> Sequence[Item]:
        """One a simulated person; no files."""
        return [Item(f"simulated-{n}", f"simulated person {n}") for n in range(1, self.recordings + 1)]

    def load(self, folder: Path, item: Item) -> Video:
        """Simulate one recording, (frames, height, width)."""
        return simulate_video(
            frames=self.frames,
            height=self.height,
            width=self.width,
            seconds_per_frame=1.0 / self.rate_hz,
            seed=(self.seed, int(item.id.rpartition("-")[2])),
            item=item.id,
            subject=item.subject,
        ).video
