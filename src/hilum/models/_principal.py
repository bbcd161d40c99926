"""Principal components of a forecaster's own past, and a forecaster that starts again in better ones once it has seen enough.

Basis       c = D (s - m) / r       m the mean, D the leading eigenvectors of the covariance (rows), both of the samples fitted on;
            r the root mean square of the first score: all components keep their sizes relative to the first
Symbols     s (channels,) in the series' unit;  c (components,) without unit;  D (components, channels)
Two bases   At the start the basis comes from the warm-up, which the runner allows. Once `basis_seconds` have been observed it is fitted
            anew on them, and what has been observed and learnt so far is played again, in the order in which it came. From there on
            the forecaster is what it would be had the second basis been there from the start. Nothing later than the clock is used.
Source      Jolliffe, Principal component analysis, 2nd ed., chapter 2
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import Forecaster, ForecastSetting

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PrincipalComponents:
    """A fitted basis: mean (channels,), directions (components, channels), and the size of the first component."""

    mean: Array
    directions: Array
    size: float

    @classmethod
    def fit(cls, samples: Array, components: int) -> PrincipalComponents:
        """From (samples, channels); at most as many components as channels. Samples with a NaN are left out.

        The sign of a direction is such that its largest entry is positive. Where nothing moves the size is 1.
        """
        whole = samples[np.isfinite(samples).all(axis=1)]
        if len(whole) == 0:
            whole = np.zeros((1, samples.shape[1]))
        mean = whole.mean(axis=0)
        away = whole - mean
        _, vectors = np.linalg.eigh(away.T @ away / len(whole))
        directions = vectors.T[::-1][:components]
        largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, np.newaxis], axis=1)
        directions = np.ascontiguousarray(directions * np.where(largest < 0, -1.0, 1.0))
        size = float(np.sqrt(np.mean((away @ directions[0]) ** 2)))
        return cls(mean, directions, size if size > 0 else 1.0)

    def scores(self, samples: Array) -> Array:
        """Components of samples (..., channels): (..., components)."""
        scores: Array = (samples - self.mean) @ self.directions.T / self.size
        return scores

    def lift(self, change: Array) -> Array:
        """A change of the components (..., components) as a change of the channels (..., channels), in the series' unit."""
        lifted: Array = (change @ self.directions) * self.size
        return lifted

    def state(self) -> dict[str, Array]:
        """As arrays."""
        return {"mean": self.mean, "directions": self.directions, "size": np.array([self.size])}

    @classmethod
    def from_state(cls, state: dict[str, Array]) -> PrincipalComponents:
        """What `state` wrote."""
        return cls(state["mean"], state["directions"], float(state["size"][0]))


class OnPrincipalComponents:
    """A forecaster that begins in the basis of the warm-up and once more in that of its first `basis_seconds`.

    Args:
        setting: Channels, horizons and sampling.
        warm_up: What may be fitted on before anything is observed, (samples, channels).
        components: How many to keep.
        basis_seconds: When to fit anew, s; not at all where the warm-up is as long.
        begin: Makes the forecaster, at rest, from a basis; it takes and gives values in the series' unit.
    """

    def __init__(
        self,
        setting: ForecastSetting,
        warm_up: Array,
        components: int,
        basis_seconds: float,
        begin: Callable[[PrincipalComponents], Forecaster],
    ) -> None:
        self._begin = begin
        self._components = components
        self._basis = PrincipalComponents.fit(warm_up, components)
        self._inner = begin(self._basis)
        self._samples = np.zeros((max(1, round(basis_seconds / setting.seconds_per_sample)), setting.channels))
        self._count = 0
        # What has been learnt: after which sample, origin, horizon; and the labels. None once the basis is the last one.
        self._learnt: list[tuple[int, int, int]] | None = [] if len(self._samples) > len(warm_up) else None
        self._targets: list[Array] = []

    def observe(self, sample: Array) -> None:
        """Take the newest sample."""
        if self._learnt is not None:
            self._samples[self._count] = sample
        self._count += 1
        if self._learnt is not None and self._count == len(self._samples):
            self._basis = PrincipalComponents.fit(self._samples, self._components)
            self._inner = self._begin(self._basis)
            self._play_again(self._learnt)
            self._learnt, self._targets = None, []
        else:
            self._inner.observe(sample)

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        """Pass a label on, and keep it while it may have to be learnt again."""
        if self._learnt is not None:
            self._learnt.append((self._count, origin, horizon))
            self._targets.append(np.array(target))
        self._inner.learn(origin, horizon, target)

    def predict(self) -> Array:
        """Every horizon's forecast, (horizons, channels)."""
        return self._inner.predict()

    def _play_again(self, learnt: list[tuple[int, int, int]]) -> None:
        following = 0
        for count, sample in enumerate(self._samples, start=1):
            self._inner.observe(sample)
            while following < len(learnt) and learnt[following][0] == count:
                self._inner.learn(*learnt[following][1:], self._targets[following])
                following += 1

    def state(self) -> dict[str, Array]:
        """Everything needed to go on."""
        kept = {f"inner/{name}": array for name, array in self._inner.state().items()}
        basis = {f"basis/{name}": array for name, array in self._basis.state().items()}
        own = {"count": np.array([float(self._count)])}
        if self._learnt is not None:
            own["samples"] = self._samples.copy()
            own["learnt"] = np.array(self._learnt, dtype=np.float64).reshape(-1, 3)
            own["targets"] = np.array(self._targets).reshape(-1, self._samples.shape[1])
        return {**own, **basis, **kept}

    def restore(self, state: dict[str, Array]) -> None:
        """Continue from `state`."""
        self._count = int(state["count"][0])
        self._learnt, self._targets = None, []
        if "samples" in state:
            self._samples = state["samples"].copy()
            self._learnt = [(int(count), int(origin), int(horizon)) for count, origin, horizon in state["learnt"]]
            self._targets = list(state["targets"].copy())
        self._basis = PrincipalComponents.from_state(under("basis/", state))
        self._inner = self._begin(self._basis)
        self._inner.restore(under("inner/", state))


def under(prefix: str, state: dict[str, Array]) -> dict[str, Array]:
    """The part of a state whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}


def in_samples(seconds: float, setting: ForecastSetting) -> int:
    """A duration as a number of samples, at least one."""
    return max(1, round(seconds / setting.seconds_per_sample))


def refuse_unless(sensible: bool, settings: object) -> None:
    """An error that shows the settings, where they make no sense."""
    if not sensible:
        raise UsageError(
            "these settings make no sense",
            where=type(settings).__name__,
            do=f"Counts, durations, priors and widths are above 0, forgetting lies in (0, 1]. They are {settings}",
        )
