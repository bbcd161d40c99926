"""forecast: from a stream seen so far, say where it will be some samples ahead of the clock.

Record        one row an item, seed, horizon and time: target and prediction, a vector (channels,) in the item's unit
Unit          the item (a recording); its scored time comes after a warm-up
Model         settings with `start`, which returns a `Forecaster` with the four verbs below
Who may learn Only the runner calls `learn`: when the label has arrived (protocol `causal`), or early (`published`, where a
              paper did so). So a label ahead of the clock lives in one file: engine/forecasts/stream.py.
Views         A task whose samples are no series says how they become one (`views(sample) -> tuple[View, ...]`): frames of a film
              become weights of their motion, in as many ways as the task lets the runner choose from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

TITLE = "forecast a stream"
ROLES = ("series", "video")
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


class Recording(Protocol):
    """A series as the kind sees it; `hilum.modalities.series.sample.Series` is one."""

    @property
    def item(self) -> str:
        """Its id in the dataset."""

    @property
    def subject(self) -> str | None:
        """Whose it is; None where that is not known."""

    @property
    def values(self) -> NDArray[np.float64]:
        """(samples, channels), in `unit`."""

    @property
    def seconds_per_sample(self) -> float:
        """The sampling interval, s."""

    @property
    def unit(self) -> str:
        """Unit of every channel."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""

    @property
    def points(self) -> int:
        """Points in space; 0 when each channel stands alone."""


@runtime_checkable
class Pretrainable(Protocol):
    """A model that learns from other recordings before it is started on its own."""

    def pretrain(self, others: Sequence[Recording], setting: ForecastSetting, seed: int) -> ForecastModel:
        """A model that has learnt from `others`, ready to start under `setting`; none of them is a recording to be forecast.

        Args:
            others: Other recordings, of any length and sampling interval.
            setting: What it will be asked for.
            seed: Seed of everything drawn at random.
        """
        ...


class View(Protocol):
    """One way of turning a sample into the series that is forecast, and of scoring forecasts as the task means them."""

    @property
    def series(self) -> Recording:
        """What is forecast."""

    @property
    def settings(self) -> dict[str, Any]:
        """What sets this view apart from the task's others; plain data."""

    @property
    def fitted(self) -> dict[str, Any]:
        """What it fitted, on which samples; plain data that is stored with the cell."""

    def statistics(self, horizon: int, first: int, forecasts: NDArray[np.float64]) -> dict[str, float]:
        """What metrics read of the forecasts (samples, channels) of samples first, first + 1, ..."""

    def loss(self, horizon: int, first: int, forecasts: NDArray[np.float64]) -> float:
        """What a choice among views minimises, on the choosing part."""

    def keep(self, horizon: int, first: int, forecasts: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        """Arrays that a report draws, by name; none where there is nothing to see."""
