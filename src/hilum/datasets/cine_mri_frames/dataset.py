"""Four sagittal cine-MRI sequences: two of ETH Zurich (200 frames at 3.18 Hz) and two of OvGU Magdeburg (498 frames at 6 Hz)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from hilum.core.card import read_card, read_files, verify
from hilum.core.data import Field, Item
from hilum.modalities.video.read_strip import read_strip
from hilum.modalities.video.sample import Region, Video

# (group, subject, largest grey value): 8-bit pictures of ETH Zurich, 12-bit ones of OvGU Magdeburg.
SEQUENCES = {
    "eth_sl010_xcs125": ("ETH", "sl010", 255, "3.18"),
    "eth_sl014_xcs95": ("ETH", "sl014", 255, "3.18"),
    "ovgu_jy02": ("OvGU", "jy02", 4095, "6"),
    "ovgu_ks81": ("OvGU", "ks81", 4095, "6"),
}
NOTES = {
    "ETH": "the pixel size of 1 mm is inferred, not stated upstream",
    "OvGU": "cropped to the authors' evaluation region plus 8 pixels on each side",
}


@dataclass(frozen=True)
class CineMriFrames:
    """No settings: the frames are read as they are."""

    name: ClassVar[str] = "cine_mri_frames"
    ITEMS: ClassVar[tuple[str, ...]] = tuple(SEQUENCES)
    provides: ClassVar[Mapping[str, Field]] = {"video": Field("frames", "video", "grey")}

    def items(self, folder: Path) -> Sequence[Item]:
        """All four, with the strip of each and the file of facts."""
        return [
            Item(name, subject, (f"{name}.png", "meta.json"), {"group": group, "rate_hz": rate})
            for name, (group, subject, _, rate) in SEQUENCES.items()
        ]

    def load(self, folder: Path, item: Item) -> Video:
        """One sequence, verified against the card: (frames, height, width), grey values from 0 to `levels`."""
        here = Path(__file__).parent
        known = {entry.path: entry for entry in read_files(read_card(here / "card.toml"), here)}
        for file in item.files:
            verify(known[file], folder)
        facts = json.loads((folder / "meta.json").read_text(encoding="utf-8"))[item.id]
        group, subject, levels, _ = SEQUENCES[item.id]
        return read_strip(
            folder / f"{item.id}.png",
            frames=facts["frames"],
            seconds_per_frame=1.0 / facts["fps"],
            pixel_mm=facts["pixel_mm"],
            levels=levels,
            region=_region(facts),
            item=item.id,
            subject=subject,
            reason=NOTES[group],
        )


def _region(facts: dict[str, Any]) -> Region:
    """The authors' region, given as columns and rows counted from 1 in the uncropped frame, ends included."""
    first_column, first_row, last_column, last_row = facts["roi_xyxy"]
    left, top, *_ = facts.get("crop_xyxy0", (0, 0))
    return (first_row - 1 - top, last_row - top, first_column - 1 - left, last_column - left)
