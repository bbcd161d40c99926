"""A mixture corrected by the errors it made at the moments of the recording's own past that looked most like now.

Model       the forecast is f_h(t) + g_h b_h(t),  f_h(t) that of the mixture,  b_h(t) the weighted mean of its errors
            e_h(j) = s(j + h) - f_h(j) over past moments j whose label has arrived: moments and weights of nearest_analogues.py
Share       g_h = sum b_h(j) . e_h(j) / ((1 + caution) sum |b_h(j)|^2)  over the past, discounted by `memory` a sample, held in [0, 1]:
            how much of such a correction would have been right. Where errors do not repeat themselves it falls to 0
Symbols     s    (channels,)           what is forecast, in the series' unit
            h                          horizon, samples
Cost        that of the mixture and of one set of analogues
Source      Own; stacking in time: Wolpert, Stacked generalization, Neural Networks 5 (1992). The second stage learns from errors
            that were made ahead of their labels, never from fitted ones
Any model   is a mixture of one: Mixture(experts=(model,))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hilum.core.kinds.forecast import Forecaster, ForecastModel, ForecastSetting, Recording
from hilum.modalities.series.recent import RecentSamples
from hilum.models._principal import refuse_unless, under
from hilum.models.mixture import Mixture
from hilum.models.nearest_analogues import NearestAnalogues

Array = NDArray[np.float64]
CORRECTED = Mixture()
SIMILAR = NearestAnalogues(history_seconds=2.0, level=0.4, neighbours=20, width=0.3)


@dataclass(frozen=True)
class AnalogueCorrection:
    """Settings: the mixture, the analogues that say which moments are alike, and of the share its memory and caution."""

    mixture: Mixture = CORRECTED
    analogues: NearestAnalogues = SIMILAR
    memory: float = 0.998
    caution: float = 0.3

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        refuse_unless(0 < self.memory <= 1 and self.caution >= 0, self)

    @property
    def stochastic(self) -> bool:
        """Whether the mixture draws at random."""
        return self.mixture.stochastic

    def pretrain(self, others: Sequence[Recording], setting: ForecastSetting, seed: int) -> ForecastModel:
        """The same, the mixture's experts trained on `others` where they can be."""
        return replace(self, mixture=self.mixture.pretrain(others, setting, seed))

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin with the mixture at rest and no errors."""
        return _Running(
            self, setting, self.mixture.start(setting, warm_up, seed), self.analogues.start(setting, warm_up, seed)
        )


class _Running:
    def __init__(
        self, settings: AnalogueCorrection, setting: ForecastSetting, mixture: Forecaster, analogues: Forecaster
    ) -> None:
        self._settings = settings
        self._mixture, self._analogues = mixture, analogues
        self._place = {horizon: index for index, horizon in enumerate(setting.horizons)}
        horizons, waiting = len(setting.horizons), max(setting.horizons) + 1
        self._series = RecentSamples(setting.channels, waiting)
        # What the mixture forecast, and what its errors were thought to be, until the labels come.
        self._made = np.full((waiting, horizons, setting.channels), np.nan)
        self._thought = np.zeros((waiting, horizons, setting.channels))
        self._origins = np.full(waiting, -1.0)
        self._agreement = np.zeros(horizons)  # sum of b . e, and of |b|^2
        self._size = np.zeros(horizons)

    def observe(self, sample: Array) -> None:
        self._series.append(sample)
        self._mixture.observe(sample)
        self._analogues.observe(sample)

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        self._mixture.learn(origin, horizon, target)
        slot, index = origin % len(self._origins), self._place[horizon]
        if self._origins[slot] != origin:
            return
        error, thought = target - self._made[slot, index], self._thought[slot, index]
        if np.isfinite(error).all():
            self._agreement[index] = self._settings.memory * self._agreement[index] + thought @ error
            self._size[index] = self._settings.memory * self._size[index] + thought @ thought
            # Analogues forecast increments: told that the series moved by the error, they will say what error to expect.
            self._analogues.learn(origin, horizon, self._series.window(origin, 1) + error)

    def predict(self) -> Array:
        now = self._series.count - 1
        slot = now % len(self._origins)
        self._made[slot] = self._mixture.predict()
        self._thought[slot] = self._analogues.predict() - self._series.newest
        self._origins[slot] = now
        corrected: Array = self._made[slot] + self.shares()[:, np.newaxis] * self._thought[slot]
        return corrected

    def shares(self) -> Array:
        """How much of the next correction is applied, (horizons,)."""
        there = self._size > 0
        size = np.where(there, self._size, 1.0) * (1.0 + self._settings.caution)
        return np.clip(np.where(there, self._agreement, 0.0) / size, 0.0, 1.0)

    def state(self) -> dict[str, Array]:
        own = {name: getattr(self, f"_{name}").copy() for name in self._own}
        parts = (("series", self._series), ("mixture", self._mixture), ("analogues", self._analogues))
        return {**own, **{f"{part}/{name}": a for part, kept in parts for name, a in kept.state().items()}}

    def restore(self, state: dict[str, Array]) -> None:
        for name in self._own:
            setattr(self, f"_{name}", state[name].copy())
        self._series.restore(under("series/", state))
        self._mixture.restore(under("mixture/", state))
        self._analogues.restore(under("analogues/", state))

    _own = ("made", "thought", "origins", "agreement", "size")
