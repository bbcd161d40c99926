"""forecast: from a stream seen so far, say where it will be some samples ahead of the clock.

Record        one row an item, seed, horizon and time: target and prediction, a vector (channels,) in the item's unit
Unit          the item (a recording); its scored time comes after a warm-up
Model         settings with `start`, which returns a `Forecaster` with the four verbs below
Who may learn Only the runner calls `learn`: when the label has arrived (protocol `causal`), or early (`published`, where a
              paper did so). So a label ahead of the clock lives in one file: engine/runners/forecast.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

TITLE = "forecast a stream"
ROLES = ("series",)
PROTOCOLS = ("causal", "published")
RECORD = ("item", "seed", "horizon", "origin", "time", "target", "prediction")


@dataclass(frozen=True)
class ForecastSetting:
    """What a forecaster is told before it sees anything.

    Attributes:
        channels: Coordinates per sample.
        horizons: How many samples ahead to forecast, ascending.
        seconds_per_sample: The sampling interval, s.
        unit: Unit of every channel.
    """

    channels: int
    horizons: tuple[int, ...]
    seconds_per_sample: float
    unit: str


class Forecaster(Protocol):
    """A running predictor: four verbs and a state. Sample 0 is the first sample observed."""

    def observe(self, sample: NDArray[np.float64]) -> None:
        """Take the newest sample, shape (channels,), in the setting's unit. A NaN channel keeps its last value."""

    def learn(self, origin: int, horizon: int, target: NDArray[np.float64]) -> None:
        """Learn that sample `origin + horizon` is `target`, shape (channels,). Called by the runner alone."""

    def predict(self) -> NDArray[np.float64]:
        """Forecast every horizon ahead of the newest sample, shape (horizons, channels)."""

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Everything needed to go on elsewhere, as arrays."""

    def restore(self, state: dict[str, NDArray[np.float64]]) -> None:
        """Continue from `state` as if nothing had happened."""


@runtime_checkable
class ForecastModel(Protocol):
    """A model's settings: frozen data that can start a forecaster."""

    def start(self, setting: ForecastSetting, warm_up: NDArray[np.float64], seed: int) -> Forecaster:
        """Begin at rest.

        Args:
            setting: Channels, horizons and sampling.
            warm_up: The training part, shape (samples, channels): what preprocessing may be fitted on. The runner
                replays these samples through `observe` afterwards.
            seed: Seed of everything drawn at random; deterministic models ignore it.
        """
        ...
