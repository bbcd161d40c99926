"""Constant-velocity Kalman filter: every channel on its own goes on as fast as it is going now.

Model       x = [s; v],  dx = [[0, 1], [0, 0]] x dt + [0; 1] dw      w: white acceleration of spectral density q
            measured: s + n,  n ~ N(0, measurement_noise^2)
Predict     s <- s + d v;   P <- F P F' + Q,   F = [[1, d], [0, 1]],   Q = q [[d^3 / 3, d^2 / 2], [d^2 / 2, d]]
Update      K = P H' / (H P H' + measurement_noise^2),  H = [1 0];   x <- x + K (measured - s);   P <- (I - K H) P
Forecast    s(t + h) as s + h d v
Symbols     s, v  (channels,)     position and velocity, in the series' unit and per second
            d                     sampling interval, s
            q                     process_noise^2;  process_noise in mm / s^1.5,  measurement_noise in mm
            P     2 x 2           covariance of a channel, kept as its three numbers
Cost        O(channels) per sample, O(channels * horizons) per forecast
Source      Kalman, J. Basic Engineering 82 (1960); Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking and
            Navigation, section 6.2.2 (white-noise acceleration)
Deviations  A channel begins at its first value, at rest, with the measurement's variance and start_velocity^2. A missing sample
            skips the update. A channel that has been missing for longer than coast_seconds stands still where the filter had it
            then, and begins anew when it is seen again: a velocity carried on for minutes would leave the room.
            `learn` does nothing: each sample is its own lesson.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import Forecaster, ForecastSetting

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ConstantVelocityKalman:
    """Settings.

    Attributes:
        process_noise: Root of the spectral density of the acceleration, mm / s^1.5.
        measurement_noise: Standard deviation of a measured position, mm.
        start_velocity: Standard deviation of the velocity before anything is known of it, mm/s.
        coast_seconds: How long a missing channel keeps its velocity, s.
    """

    process_noise: float = 20.0
    measurement_noise: float = 0.3
    start_velocity: float = 20.0
    coast_seconds: float = 1.0
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if min(self.process_noise, self.measurement_noise, self.start_velocity) <= 0 or self.coast_seconds < 0:
            raise UsageError(
                "process_noise, measurement_noise and start_velocity must be positive, and coast_seconds 0 or more",
                where="ConstantVelocityKalman",
                do=f"They are {self}",
            )

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin without any channel seen."""
        return _Running(self, setting)


class _Running:
    def __init__(self, settings: ConstantVelocityKalman, setting: ForecastSetting) -> None:
        self._settings = settings
        self._interval = setting.seconds_per_sample
        self._ahead = np.array(setting.horizons, dtype=np.float64)[:, None] * setting.seconds_per_sample
        channels = setting.channels
        self._filter = {name: np.zeros(channels) for name in ("position", "velocity", "pp", "pv", "vv")}
        self._filter["unseen"] = np.full(channels, np.inf)  # s since the channel was last seen

    def observe(self, sample: Array) -> None:
        settings, now = self._settings, self._filter
        with np.errstate(over="ignore", invalid="ignore"):
            self._coast()
            there = ~np.isnan(sample)
            first = there & (now["unseen"] > settings.coast_seconds)
            self._measure(sample, there & ~first)
            now["position"] = np.where(first, sample, now["position"])
            started = {
                "velocity": 0.0,
                "pp": settings.measurement_noise**2,
                "pv": 0.0,
                "vv": settings.start_velocity**2,
            }
            for name, value in started.items():
                now[name] = np.where(first, value, now[name])
        now["unseen"] = np.where(there, 0.0, now["unseen"] + self._interval)
        now["velocity"] = np.where(now["unseen"] > settings.coast_seconds, 0.0, now["velocity"])

    def _coast(self) -> None:
        """One interval without a measurement."""
        d, q, now = self._interval, self._settings.process_noise**2, self._filter
        now["position"] = now["position"] + d * now["velocity"]
        now["pp"] = now["pp"] + 2 * d * now["pv"] + d * d * now["vv"] + q * d**3 / 3
        now["pv"] = now["pv"] + d * now["vv"] + q * d**2 / 2
        now["vv"] = now["vv"] + q * d

    def _measure(self, sample: Array, these: NDArray[np.bool_]) -> None:
        now = self._filter
        spread = now["pp"] + self._settings.measurement_noise**2
        gain = np.where(these, now["pp"] / spread, 0.0)
        gain_velocity = np.where(these, now["pv"] / spread, 0.0)
        surprise = np.where(these, sample - now["position"], 0.0)
        now["position"] = now["position"] + gain * surprise
        now["velocity"] = now["velocity"] + gain_velocity * surprise
        now["vv"] = now["vv"] - gain_velocity * now["pv"]
        now["pv"] = (1 - gain) * now["pv"]
        now["pp"] = (1 - gain) * now["pp"]

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        """Nothing: each sample is its own lesson."""

    def predict(self) -> Array:
        forecasts: Array = self._filter["position"] + self._ahead * self._filter["velocity"]
        return forecasts

    def state(self) -> dict[str, Array]:
        return {name: array.copy() for name, array in self._filter.items()}

    def restore(self, state: dict[str, Array]) -> None:
        self._filter = {name: state[name].copy() for name in self._filter}
