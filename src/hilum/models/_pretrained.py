"""What models share that learn from other recordings: those recordings made alike, and a forecaster whose maps stand still."""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError
from hilum.core.kinds.forecast import ForecastSetting
from hilum.modalities.series.recent import RecentSamples
from hilum.models._fitted_once import held
from hilum.models._principal import under

Array = NDArray[np.float64]


class StandingMaps(Protocol):
    """What was learnt from other recordings: from a window to every horizon."""

    def forecast(self, window: Array) -> Array:
        """From (history, channels), oldest first, to (horizons, channels); both in the series' unit."""

    def state(self) -> dict[str, Array]:
        """Everything that was learnt."""

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`."""


class Standing:
    """A forecaster that learns nothing more: maps of the newest `history` samples, and before that many the last value."""

    def __init__(self, setting: ForecastSetting, history: int, maps: StandingMaps) -> None:
        self._horizons = len(setting.horizons)
        self._history = history
        self._recent = RecentSamples(setting.channels, history)
        self._maps = maps

    def observe(self, sample: Array) -> None:
        """Take the newest sample."""
        self._recent.append(sample)

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        """Nothing: what there was to learn was learnt before."""

    def predict(self) -> Array:
        """Every horizon's forecast, (horizons, channels); NaN where it overflows."""
        now = self._recent.count - 1
        if not self._recent.has_window(now, self._history):
            return np.tile(self._recent.newest, (self._horizons, 1))
        window = self._recent.window(now, self._history).reshape(self._history, -1)
        with np.errstate(over="ignore", invalid="ignore"):
            forecast = self._maps.forecast(window)
        return np.where(np.isfinite(forecast), forecast, np.nan)

    def state(self) -> dict[str, Array]:
        """Everything needed to go on."""
        return {
            **{f"recent/{name}": array for name, array in self._recent.state().items()},
            **{f"maps/{name}": array for name, array in self._maps.state().items()},
        }

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`."""
        self._recent.restore(under("recent/", state))
        self._maps.restore(under("maps/", state))


def not_pretrained(model: object) -> UsageError:
    """The error for a model that is started before it has learnt anything."""
    return UsageError(
        "this model has learnt from no recordings yet",
        where=type(model).__name__,
        do="Name the dataset it learns from: Arm(..., pretraining=ExternalMarkers()); or call pretrain(others, setting, seed)",
    )


def places_of(trained: ForecastSetting, asked: ForecastSetting, model: object) -> list[int]:
    """Where each horizon asked for is among those that were trained.

    Raises:
        UsageError: a horizon that was not, or another sampling interval.
    """
    missing = [horizon for horizon in asked.horizons if horizon not in trained.horizons]
    same = np.isclose(trained.seconds_per_sample, asked.seconds_per_sample, rtol=1e-6)
    if missing or not same:
        raise UsageError(
            f"it was trained for {trained.horizons} samples ahead at {trained.seconds_per_sample:g} s a sample, and is asked for "
            f"{asked.horizons} at {asked.seconds_per_sample:g} s",
            where=type(model).__name__,
            do="Pretrain it under the setting that it is started with",
        )
    return [trained.horizons.index(horizon) for horizon in asked.horizons]


def at_interval(values: Array, interval: float, wanted: float) -> Array:
    """Values (samples, channels) that lie `interval` s apart, `wanted` s apart: polyphase filtering, along a line at both ends.

    Missing values hold the last one. The filter looks both ways, which recordings that lie complete in the past allow.
    """
    values = held(values)
    ratio = Fraction(interval / wanted).limit_denominator(1000)
    if ratio == 1 or len(values) < 2:
        return values
    from scipy.signal import resample_poly

    resampled: Array = np.asarray(
        resample_poly(values, ratio.numerator, ratio.denominator, axis=0, padtype="line"), dtype=np.float64
    )
    return resampled


def labels_of(newest: Array, horizons: tuple[int, ...]) -> Array:
    """For samples (n, channels), those `horizons` later: (horizons, n, channels), NaN where there is none."""
    found = np.full((len(horizons), *newest.shape), np.nan)
    for place, horizon in enumerate(horizons):
        found[place, : max(0, len(newest) - horizon)] = newest[horizon:]
    return found


def refuse_nothing(labels: Array, setting: ForecastSetting, model: object) -> None:
    """Raise DataError where some horizon has no whole label among `labels` (horizons, n, channels)."""
    for horizon, label in zip(setting.horizons, labels, strict=True):
        if not np.isfinite(label).all(axis=1).any():
            raise DataError(
                f"the other recordings hold no pair for a forecast {horizon} samples ahead",
                where=type(model).__name__,
                do="Give longer recordings, or shorten the history",
            )
