"""What linear, ridge and support vector regression share: maps that are fitted on the forecaster's own past, and then stand still.

Fit         at the first forecast after `samples` have been observed; afterwards never, or every `again` samples on all since the start
Labels      observed   samples that it has seen itself, so that no protocol can hand it one too early
            handed     what `learn` gave it by then: the same under `causal`; under `published` they reach h - 1 samples beyond the clock
Missing     a pair whose label lacks a channel is left out; an input that is missing holds its channel's last value
Memory      the samples (and the labels, where handed) are kept until nothing will be fitted again
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import ForecastSetting
from hilum.modalities.series.recent import RecentSamples
from hilum.modalities.series.standardise import Standardise

Array = NDArray[np.float64]
Labels = Literal["observed", "handed"]
Solve = Callable[[Array, Array], Array]
LABELS: tuple[Labels, ...] = ("observed", "handed")


@dataclass(frozen=True)
class FittingPart:
    """When to fit, and on what.

    Attributes:
        history: Samples in a window.
        samples: How many must have been observed before the first fit.
        again: Samples from one fit to the next; 0 for one fit alone.
        labels: Where labels come from; see the head of this file.
    """

    history: int
    samples: int
    again: int
    labels: Labels

    @classmethod
    def of(
        cls, setting: ForecastSetting, *, history: int, fit_seconds: float, refit_seconds: float, labels: Labels
    ) -> FittingPart:
        """In samples.

        Raises:
            UsageError: a fitting part so short that it holds no pair for the longest horizon.
        """
        samples = round(fit_seconds / setting.seconds_per_sample)
        least = history + max(setting.horizons)
        if samples < least:
            raise UsageError(
                f"a fitting part of {samples} samples holds no pair for a history of {history} samples and a forecast "
                f"{max(setting.horizons)} samples ahead",
                where=f"fit_seconds {fit_seconds:g}",
                do=f"Fit on {least * setting.seconds_per_sample:g} s or more, or shorten the history",
            )
        again = round(refit_seconds / setting.seconds_per_sample)
        return cls(history, samples, max(again, 1) if refit_seconds else 0, labels)


class Maps(Protocol):
    """What is fitted: a map from a window to every horizon, in standard units."""

    def fit(self, samples: Array, targets: Array) -> None:
        """From samples (n, channels) and their labels (horizons, n, channels), by origin; NaN where there is none."""

    def predict(self, window: Array) -> Array:
        """From a flat window (history * channels,), oldest first, to (horizons, channels)."""

    def state(self) -> dict[str, Array]:
        """Everything that was fitted."""

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`."""


class FittedOnce:
    """Holds the last value until it has fitted its maps; the head of this file says when, and on which labels."""

    def __init__(self, setting: ForecastSetting, part: FittingPart, scaling: Standardise, maps: Maps) -> None:
        self._horizons = {horizon: index for index, horizon in enumerate(setting.horizons)}
        self._part = part
        self._scaling = scaling
        self._maps = maps
        self._recent = RecentSamples(setting.channels, part.history + 1)
        self._past: list[Array] = []  # standard units, NaN where missing; empty once nothing will be fitted again
        self._handed: list[Array] = []  # (horizons, channels) an origin
        self._due = float(part.samples)
        self._ready: NDArray[np.bool_] = np.zeros(len(setting.horizons), dtype=bool)

    def observe(self, sample: Array) -> None:
        """Take the newest sample."""
        standard = self._scaling.apply(sample)
        self._recent.append(standard)
        if np.isfinite(self._due):
            self._past.append(standard)
            if self._part.labels == "handed":
                self._handed.append(np.full((len(self._horizons), len(sample)), np.nan))

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        """Keep the label for the next fit where labels are handed; nothing otherwise."""
        if origin < len(self._handed):
            self._handed[origin][self._horizons[horizon]] = self._scaling.apply(target)

    def predict(self) -> Array:
        """Every horizon's forecast, (horizons, channels); fits first when that is due."""
        if self._recent.count >= self._due:
            self._fit()
        forecasts = np.tile(self._recent.newest, (len(self._horizons), 1))
        now = self._recent.count - 1
        if self._ready.any() and self._recent.has_window(now, self._part.history):
            with np.errstate(over="ignore", invalid="ignore"):
                fitted = self._maps.predict(self._recent.window(now, self._part.history))
            forecasts[self._ready] = fitted[self._ready]
        return self._scaling.invert(forecasts)

    def _fit(self) -> None:
        past = np.array(self._past)
        targets = np.stack(self._handed, axis=1) if self._handed else self._observed(past)
        labelled = np.isfinite(targets[:, self._part.history - 1 :])  # by horizon and origin: a whole label, or none
        self._ready = np.array([bool(origins.all(axis=1).any()) for origins in labelled])
        if self._ready.any():
            self._maps.fit(held(past), targets)
        self._due = self._recent.count + self._part.again if self._part.again else np.inf
        if not self._part.again:
            self._past, self._handed = [], []

    def _observed(self, past: Array) -> Array:
        targets = np.full((len(self._horizons), *past.shape), np.nan)
        for horizon, index in self._horizons.items():
            targets[index, : len(past) - horizon] = past[horizon:]
        return targets

    def state(self) -> dict[str, Array]:
        """Everything needed to go on."""
        channels = len(self._scaling.mean)
        return {
            **{f"recent/{name}": array for name, array in self._recent.state().items()},
            **{f"maps/{name}": array for name, array in self._maps.state().items()},
            "mean": self._scaling.mean,
            "scale": self._scaling.scale,
            "due": np.array([self._due]),
            "ready": self._ready.astype(np.float64),
            "past": np.array(self._past).reshape(-1, channels),
            "handed": np.array(self._handed).reshape(-1, len(self._horizons), channels),
        }

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`."""
        self._recent.restore({name.removeprefix("recent/"): array for name, array in state.items()})
        self._maps.restore(
            {name.removeprefix("maps/"): array for name, array in state.items() if name.startswith("maps/")}
        )
        self._scaling = Standardise(state["mean"], state["scale"])
        self._due = float(state["due"][0])
        self._ready = state["ready"] > 0
        self._past, self._handed = list(state["past"].copy()), list(state["handed"].copy())


class LinearWeights:
    """One linear map per horizon, (horizons, channels, 1 + history * channels), from whatever solves inputs for targets."""

    def __init__(self, setting: ForecastSetting, history: int, solve: Solve) -> None:
        self._history = history
        self._solve = solve
        self._weights = np.zeros((len(setting.horizons), setting.channels, 1 + history * setting.channels))

    def fit(self, samples: Array, targets: Array) -> None:
        """See `Maps`; a horizon without any whole pair keeps its weights."""
        rows = windows(samples, self._history)
        inputs = np.concatenate([np.ones((len(rows), 1)), rows], axis=1)
        for index, label in enumerate(targets[:, self._history - 1 :]):
            whole = np.isfinite(label).all(axis=1)
            if whole.any():
                self._weights[index] = self._solved(inputs[whole], label[whole])

    def _solved(self, inputs: Array, targets: Array) -> Array:
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                return self._solve(inputs, targets).T
        except np.linalg.LinAlgError:  # numbers too large for a solution: the forecast is NaN
            return np.full((targets.shape[1], inputs.shape[1]), np.nan)

    def predict(self, window: Array) -> Array:
        """See `Maps`."""
        forecasts: Array = self._weights[:, :, 0] + self._weights[:, :, 1:] @ window
        return forecasts

    def state(self) -> dict[str, Array]:
        """The weights."""
        return {"weights": self._weights.copy()}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`."""
        self._weights = state["weights"].copy()


def windows(samples: Array, history: int) -> Array:
    """Every full window of samples (n, channels), (n - history + 1, history * channels), oldest sample first."""
    views = np.lib.stride_tricks.sliding_window_view(samples, history, axis=0).transpose(0, 2, 1)
    return views.reshape(len(views), -1)


def held(samples: Array) -> Array:
    """NaN filled with the channel's last value, and with 0 before its first."""
    filled = samples.copy()
    for row in np.flatnonzero(np.isnan(samples).any(axis=1)):
        before = filled[row - 1] if row else np.zeros(samples.shape[1])
        filled[row] = np.where(np.isnan(samples[row]), before, samples[row])
    return filled


def refuse_labels(labels: str, where: str) -> None:
    """Raise UsageError where `labels` is neither of the two."""
    if labels not in LABELS:
        raise UsageError(f"labels '{labels}' are neither observed nor handed", where=where, do="Choose one of the two")
