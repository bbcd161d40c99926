"""Quasi-periodic extrapolation: a line and a few harmonics of one period, fitted to the recent past at every sample.

Model       m(a) = c0 + c1 a + sum over j = 1 ... n of  A_j cos(2 pi j a / p) + B_j sin(2 pi j a / p)    a: seconds after now, a <= 0
Fit         for every period p of a grid, least squares over the window with weight exp(a / memory), all channels at once
Period      the p whose fit leaves the least behind, summed over channels in the series' unit; only the window is looked at
Forecast    s(t + h) as s(t) + m(h d) - m(0): the shape comes from the fit, the level from the newest sample
Symbols     s    (channels,)     newest sample, in the series' unit;   d  sampling interval, s
            n                    harmonics;   p from shortest_period_s to longest_period_s in equal ratios
Closed form Seen from now the times of the window never change. So the design of each period is factorised once at the start,
            sqrt(weight) D_p = Q_p R_p;  the explained energy is |Q_p' sqrt(weight) s|^2, and the forecast one row of weights on the
            window. Nothing is iterated and nothing can drift: the state is the window.
Cost        O(periods * harmonics * window * channels) per sample, a single matrix product; O(horizons * window * channels) per forecast
Source      least-squares spectral analysis: Lomb, Astrophysics and Space Science 39 (1976); harmonics of one period: Quinn and Thomson,
            Biometrika 78 (1991)
Deviations  Weighted by recency, and anchored at the newest sample. Before the window is full it holds the last value.
            `learn` does nothing: everything is refitted from the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.modalities.series.recent import RecentSamples

Array = NDArray[np.float64]


@dataclass(frozen=True)
class QuasiPeriodic:
    """Settings.

    Attributes:
        harmonics: How many multiples of the period's frequency.
        window_s: How much of the past is fitted, s.
        memory_s: The age at which a sample weighs 1 / e, s.
        shortest_period_s: Where the grid of periods begins, s.
        longest_period_s: Where it ends, s; at most the window.
        periods: How many periods it has.
    """

    harmonics: int = 2
    window_s: float = 12.0
    memory_s: float = 2.0
    shortest_period_s: float = 2.0
    longest_period_s: float = 12.0
    periods: int = 48
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.harmonics < 1 or self.periods < 1 or min(self.memory_s, self.shortest_period_s) <= 0:
            raise UsageError(
                "harmonics, periods, memory_s and shortest_period_s must be positive",
                where="QuasiPeriodic",
                do=f"They are {self}",
            )
        if not self.shortest_period_s <= self.longest_period_s <= self.window_s:
            raise UsageError(
                f"periods from {self.shortest_period_s:g} to {self.longest_period_s:g} s do not fit a window of "
                f"{self.window_s:g} s",
                where="QuasiPeriodic",
                do="Let the longest period be no shorter than the shortest and no longer than the window",
            )

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Factorise the design of every period.

        Raises:
            UsageError: the window has fewer samples than the model has coefficients.
        """
        samples = round(self.window_s / setting.seconds_per_sample)
        if samples <= 2 + 2 * self.harmonics:
            raise UsageError(
                f"a window of {samples} samples cannot hold a line and {self.harmonics} harmonics",
                where="QuasiPeriodic",
                do="Lengthen the window or take fewer harmonics",
            )
        return _Running(self, setting, samples)


class _Running:
    def __init__(self, settings: QuasiPeriodic, setting: ForecastSetting, samples: int) -> None:
        interval = setting.seconds_per_sample
        ages = interval * np.arange(1.0 - samples, 1.0)
        ahead = interval * np.array(setting.horizons, dtype=np.float64)
        root_weight = np.exp(0.5 * ages / settings.memory_s)[:, None]
        bases, maps = [], []
        for period in np.geomspace(settings.shortest_period_s, settings.longest_period_s, settings.periods):
            basis, triangle = np.linalg.qr(root_weight * design(ages, period, settings.harmonics))
            change = design(ahead, period, settings.harmonics) - design(np.zeros(1), period, settings.harmonics)
            bases.append((basis * root_weight).T)
            maps.append(np.linalg.solve(triangle.T, change.T).T @ bases[-1])
        self._bases = np.concatenate(bases)  # (periods * coefficients, samples)
        self._maps = np.stack(maps)  # (periods, horizons, samples)
        self._recent = RecentSamples(setting.channels, samples)
        self.state = self._recent.state
        self.restore = self._recent.restore

    def observe(self, sample: Array) -> None:
        self._recent.append(sample)

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        """Nothing: everything is refitted from the window."""

    def predict(self) -> Array:
        periods, horizons, samples = self._maps.shape
        now, newest = self._recent.count - 1, self._recent.newest
        if not self._recent.has_window(now, samples):
            return np.tile(newest, (horizons, 1))
        with np.errstate(over="ignore", invalid="ignore"):
            # Measured from the newest sample: the level is in every design, so nothing changes but the rounding.
            past = self._recent.window(now, samples).reshape(samples, -1) - newest
            explained = ((self._bases @ past) ** 2).reshape(periods, -1).sum(axis=1)
            forecasts: Array = newest + self._maps[int(np.argmax(explained))] @ past
        return forecasts


def design(times: Array, period: float, harmonics: int) -> Array:
    """A line and harmonics of `period`, s, at `times` (n,), s: (n, 2 + 2 * harmonics)."""
    angles = 2 * np.pi * np.outer(times, np.arange(1, harmonics + 1)) / period
    return np.concatenate([np.ones((len(times), 1)), times[:, None], np.cos(angles), np.sin(angles)], axis=1)
