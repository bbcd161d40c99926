"""Repeat the last label: what a forecast is worth that only repeats the newest label it was handed. A bound, and no competitor.

Model       s(t + h) is forecast as y_h, the label that `learn` was last handed at horizon h
Causal      y_h = s(t): hold-last, bit by bit
Published   y_h = s(t + h - 1): the sample before the one that is asked for, at every horizon. So every score that the published
            protocol gives stands beside this row; what lies above it does worse than repeating what the learner was already told
Symbols     s    (channels,)              newest sample, in the series' unit
            y    (horizons, channels)     a channel that was never in a label is forecast as its newest sample
Cost        none
Source      hilum; docs/concepts tells what it bounds
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.kinds.forecast import Forecaster, ForecastSetting

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RepeatLastLabel:
    """Nothing to set."""

    stochastic: ClassVar[bool] = False

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin without labels."""
        return _Running(setting)


class _Running:
    def __init__(self, setting: ForecastSetting) -> None:
        self._place = {horizon: index for index, horizon in enumerate(setting.horizons)}
        self._newest = np.zeros(setting.channels)
        self._labels = np.full((len(setting.horizons), setting.channels), np.nan)

    def observe(self, sample: Array) -> None:
        self._newest = np.where(np.isnan(sample), self._newest, sample)

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        label = self._labels[self._place[horizon]]
        label[:] = np.where(np.isnan(target), label, target)

    def predict(self) -> Array:
        return np.where(np.isnan(self._labels), self._newest, self._labels)

    def state(self) -> dict[str, Array]:
        return {"newest": self._newest.copy(), "labels": self._labels.copy()}

    def restore(self, state: dict[str, Array]) -> None:
        self._newest, self._labels = state["newest"].copy(), state["labels"].copy()
