"""Twelve series of three motion weights: four of ETH Zurich (200 samples at 3.18 Hz), eight of OvGU Magdeburg (498 at 6 Hz)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from hilum.core.card import read_card, read_files, verify
from hilum.core.data import Field, Item
from hilum.core.errors import DataError, UsageError
from hilum.modalities.series.sample import Series

CHANNELS = ("component 1", "component 2", "component 3")
FILE = "pca_weights.npz"
# Group to sampling rate, Hz.
RATES = {"ETH": 3.18, "OvGU": 6.0}
NAMES = (
    "eth_sl010_xcs125",
    "eth_sl010_xcs80",
    "eth_sl014_xcs165",
    "eth_sl014_xcs95",
    "ovgu_cs31_2",
    "ovgu_ii29_1",
    "ovgu_jy02_2",
    "ovgu_ks81_1",
    "ovgu_ne38_1",
    "ovgu_on65_2",
    "ovgu_ps11_1",
    "ovgu_qn76_1",
)


@dataclass(frozen=True)
class CineMriPcaWeights:
    """The weights are read as they are.

    Attributes:
        group: All twelve series, or those of one site: the two have different sampling rates.
    """

    group: Literal["all", "ETH", "OvGU"] = "all"

    name: ClassVar[str] = "cine_mri_pca_weights"
    provides: ClassVar[Mapping[str, Field]] = {"series": Field("org_data", "series", "weight")}

    def __post_init__(self) -> None:
        """Refuse a group that does not exist."""
        if self.group not in ("all", *RATES):
            raise UsageError(
                f"there is no group '{self.group}'", where="CineMriPcaWeights", do="Choose all, ETH or OvGU"
            )

    @property
    def ITEMS(self) -> tuple[str, ...]:  # noqa: N802 - the name that every dataset lists its items under
        """Names of the series of the group."""
        return tuple(name for name in NAMES if self.group in ("all", _group(name)))

    def items(self, folder: Path) -> Sequence[Item]:
        """Those of the group, with the group and the rate of each."""
        return [
            Item(name, name.split("_")[1], (FILE,), {"group": _group(name), "rate_hz": f"{RATES[_group(name)]:g}"})
            for name in self.ITEMS
        ]

    def load(self, folder: Path, item: Item) -> Series:
        """One series, verified against the card: (samples, 3), rows of the file as channels."""
        here = Path(__file__).parent
        known = {entry.path: entry for entry in read_files(read_card(here / "card.toml"), here)}
        verify(known[FILE], folder)
        with np.load(folder / FILE, allow_pickle=False) as arrays:
            rows = arrays[item.id]
        if rows.ndim != 2 or len(rows) != len(CHANNELS):
            raise DataError(
                f"'{item.id}' has shape {rows.shape}", where=str(folder / FILE), do="Three rows of weights are needed"
            )
        values = np.ascontiguousarray(rows.T, dtype=np.float64)
        return Series(item.id, item.subject, values, 1.0 / RATES[_group(item.id)], "weight", CHANNELS, points=0)


def _group(name: str) -> str:
    return "ETH" if name.startswith("eth_") else "OvGU"
