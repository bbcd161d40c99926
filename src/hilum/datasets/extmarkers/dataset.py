"""Nine recordings of three markers on chest and abdomen, at 3.33, 10 or 30 Hz, in mm relative to the first sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hilum.core.card import read_card, read_files, verify
from hilum.core.data import Field, Item
from hilum.core.errors import UsageError
from hilum.modalities.series.read_matlab import read_matlab
from hilum.modalities.series.sample import Series

CHANNELS = tuple(f"{axis}{marker}" for axis in "xyz" for marker in (1, 2, 3))
SUFFIX = {10 / 3: "_3.33_Hz", 10.0: "", 30.0: "_30_Hz"}


@dataclass(frozen=True)
class ExternalMarkers:
    """Settings: the sampling rate, Hz. The 30 Hz series are an upsampling that looks ahead (see the card)."""

    rate_hz: float = 10.0

    name: ClassVar[str] = "extmarkers"
    ITEMS: ClassVar[tuple[str, ...]] = tuple(f"recording-{number}" for number in range(1, 10))
    provides: ClassVar[Mapping[str, Field]] = {"series": Field("org_data", "series", "mm")}

    def __post_init__(self) -> None:
        """Refuse a rate that was not published."""
        if not any(abs(self.rate_hz - rate) < 0.01 * rate for rate in SUFFIX):
            closest = min(SUFFIX, key=lambda rate: abs(rate - self.rate_hz))
            raise UsageError(
                f"there are no recordings at {self.rate_hz:g} Hz",
                where="dataset 'extmarkers'",
                do=f"The closest is {closest:.4g} Hz; there are {', '.join(f'{rate:.4g}' for rate in SUFFIX)} Hz",
            )

    def items(self, folder: Path) -> Sequence[Item]:
        """All nine, with the file of each."""
        suffix = next(s for rate, s in SUFFIX.items() if abs(self.rate_hz - rate) < 0.01 * rate)
        return [
            Item(name, None, (f"mat/Ext_markers_seq_{number}{suffix}.mat",), {"rate_hz": f"{self.rate_hz:.4g}"})
            for number, name in enumerate(self.ITEMS, start=1)
        ]

    def load(self, folder: Path, item: Item) -> Series:
        """One recording, verified against the card: (samples, 9), rows of the file as channels."""
        here = Path(__file__).parent
        known = {entry.path: entry for entry in read_files(read_card(here / "card.toml"), here)}
        (name,) = item.files
        verify(known[name], folder)
        values = read_matlab(folder / name, "org_data", rows=len(CHANNELS)).T
        spline = "upsampled by a spline that uses the next real sample" if self.rate_hz > 20 else ""
        return Series(item.id, None, values, 1.0 / self.rate_hz, "mm", CHANNELS, points=3, reason=spline)
