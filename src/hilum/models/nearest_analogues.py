"""Analogues: what followed the moments of the recording's own past that looked most like now.

Model       s(t + h) is forecast as s(t) + sum_j w_j (s(j + h) - s(j)),  j over every past moment whose label has arrived
Weights     w_j ~ exp(-d_j^2 / (2 v)),  v = `width` * d_(k)^2,  d_(k) the distance of the k-th nearest of them;  they sum to 1
Distance    d_j = |z(t) - z(j)|;  z(t) = [ `level` * c(t);  (c(t - l) - c(t)) * 2 / sqrt(L) * exp(-l / decay)  for l = 1 ... L - 1 ]
            the shape of the last L samples relative to the newest one, recent ones weighing most, and a little of where it stands
Slopes      With `slope_lags_seconds` the increment may also change linearly with how a past moment differs from now, in component 1
            at once and at those lags: the `most` nearest moments are fitted by weighted least squares, and the fit is read off at now
            (local linear regression). Its slopes pay a penalty in units of the mean variance of what they multiply.
Symbols     c    (components,)         newest scores, see _principal.py;  s (channels,) newest sample, in the series' unit
            L                          history, samples
Cost        O(stored moments * L * components) per sample, O(stored moments) per sample and horizon; the oldest beyond
            `memory_seconds` are overwritten
Source      Lorenz, Atmospheric predictability as revealed by naturally occurring analogues, J. Atmos. Sci. 26 (1969); local linear
            maps: Farmer and Sidorowich, Phys. Rev. Lett. 59 (1987). The kernel and the choice of increments are ours
Deviations  Weights below exp(-40) of the largest are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.kernel import kernel
from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.modalities.series.recent import RecentSamples
from hilum.models._principal import OnPrincipalComponents, PrincipalComponents, in_samples, refuse_unless, under

Array = NDArray[np.float64]
FIRST_SLOTS = 1024


@dataclass(frozen=True)
class NearestAnalogues:
    """Settings.

    Attributes:
        components: Principal components that are compared.
        history_seconds: How far back moments are compared, s.
        level: Weight of where the components stand, beside the shape of their past.
        decay_seconds: Time after which the past weighs 1/e, s.
        neighbours: The k-th nearest sets the width of the kernel.
        width: Variance of the kernel, in squared distances of the k-th nearest.
        slope_lags_seconds: Lags at which the increment may depend linearly on component 1, s; none for a plain weighted mean.
        slope_penalty: Ridge on those slopes.
        most: Moments that take part in a linear fit.
        memory_seconds: How far back moments are kept, s.
        basis_seconds: When the components are fitted, s.
    """

    components: int = 3
    history_seconds: float = 4.0
    level: float = 0.2
    decay_seconds: float = 0.9
    neighbours: int = 10
    width: float = 0.15
    slope_lags_seconds: tuple[float, ...] = ()
    slope_penalty: float = 0.3
    most: int = 100
    memory_seconds: float = 1200.0
    basis_seconds: float = 60.0
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        durations = (self.history_seconds, self.decay_seconds, self.memory_seconds, self.basis_seconds)
        positive = (self.components, self.neighbours, self.width, self.most, self.slope_penalty, *durations)
        lags = all(0 < lag < self.history_seconds for lag in self.slope_lags_seconds)
        refuse_unless(min(positive) > 0 and self.level >= 0 and lags, self)

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin with an empty past: it holds the last value until the first label has arrived."""
        return OnPrincipalComponents(
            setting, warm_up, self.components, self.basis_seconds, lambda basis: _Running(self, setting, basis)
        )


class _Running:
    def __init__(self, settings: NearestAnalogues, setting: ForecastSetting, basis: PrincipalComponents) -> None:
        self._basis = basis
        self._settings = settings
        self._history = in_samples(settings.history_seconds, setting)
        self._most = max(in_samples(settings.memory_seconds, setting), max(setting.horizons) + 1)
        self._place = {horizon: index for index, horizon in enumerate(setting.horizons)}
        components = len(basis.directions)
        self._series = RecentSamples(setting.channels, 1)
        self._scores = RecentSamples(components, self._history)
        lags = np.arange(self._history - 1, 0, -1.0)
        fading = np.exp(-lags * setting.seconds_per_sample / settings.decay_seconds) * 2.0 / np.sqrt(self._history)
        self._fading = np.ascontiguousarray(np.repeat(fading, components).reshape(-1, components))
        ago = sorted({in_samples(lag, setting) for lag in settings.slope_lags_seconds} - {self._history})
        rows = [0, *(components * (self._history - lag) for lag in ago)] if ago else []
        self._regressors = np.array(
            rows, dtype=np.int64
        )  # the rows of moments that hold component 1, now and at the lags
        slots, horizons = min(FIRST_SLOTS, self._most), len(setting.horizons)
        self._moments = np.zeros((self._history * components, slots))  # one column a moment
        self._bases = np.zeros((slots, setting.channels))
        self._followed = np.full((horizons, slots, setting.channels), np.nan)  # s(j + h) - s(j); NaN: no label

    def observe(self, sample: Array) -> None:
        self._series.append(sample)
        self._scores.append(self._basis.scores(self._series.newest))
        now = self._scores.count - 1
        if now == len(self._bases) < self._most:
            self._widen(min(2 * now, self._most))
        slot = now % len(self._bases)
        self._bases[slot] = self._series.newest
        self._followed[:, slot] = np.nan
        if self._scores.has_window(now, self._history):
            self._moments[:, slot] = self._moment(now)

    def _moment(self, now: int) -> Array:
        window = self._scores.window(now, self._history).reshape(self._history, -1)
        shape = (window[:-1] - window[-1]) * self._fading
        return np.concatenate([self._settings.level * window[-1], shape.reshape(-1)])

    def _widen(self, slots: int) -> None:
        more = slots - len(self._bases)
        self._moments = np.pad(self._moments, ((0, 0), (0, more)))
        self._bases = np.pad(self._bases, ((0, more), (0, 0)))
        self._followed = np.pad(self._followed, ((0, 0), (0, more), (0, 0)), constant_values=np.nan)

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        count = self._scores.count
        kept = max(self._history - 1, count - len(self._bases)) <= origin < count
        if kept and np.isfinite(target).all():
            slot = origin % len(self._bases)
            self._followed[self._place[horizon], slot] = target - self._bases[slot]

    def predict(self) -> Array:
        now = self._scores.count - 1
        forecast = np.tile(self._series.newest, (len(self._place), 1))
        if self._scores.has_window(now, self._history):
            slots, settings = len(self._bases), self._settings
            moment = self._moments[:, now % slots].copy()
            squares = squared_distances(self._moments, moment, min(now + 1, slots))
            for index, followed in enumerate(self._followed):
                if len(self._regressors) == 0:
                    forecast[index] += mean_increment(squares, followed, settings.neighbours, settings.width)
                else:
                    away = self._moments[self._regressors] - moment[self._regressors, np.newaxis]
                    forecast[index] += linear_increment(
                        squares,
                        followed,
                        away,
                        settings.neighbours,
                        settings.width,
                        settings.slope_penalty,
                        settings.most,
                    )
        return forecast

    def state(self) -> dict[str, Array]:
        own = {name: getattr(self, f"_{name}").copy() for name in ("moments", "bases", "followed")}
        parts = (("series", self._series), ("scores", self._scores))
        return {**own, **{f"{part}/{name}": a for part, kept in parts for name, a in kept.state().items()}}

    def restore(self, state: dict[str, Array]) -> None:
        for name in ("moments", "bases", "followed"):
            setattr(self, f"_{name}", state[name].copy())
        self._series.restore(under("series/", state))
        self._scores.restore(under("scores/", state))


@kernel
def squared_distances(moments: Array, moment: Array, count: int) -> Array:
    """Squared distances (count,) of the first `count` columns of `moments` (entries, slots) from `moment` (entries,)."""
    squares = np.zeros(count)
    block = 512  # of the result, so that it stays in the nearest cache while the entries go by
    for first in range(0, count, block):
        end = min(first + block, count)
        part = squares[first:end]
        for i in range(len(moment)):
            here = moment[i]
            row = moments[i, first:end]  # slices of equal length: the compiler can then take several entries at once
            for j in range(len(part)):
                away = row[j] - here
                part[j] += away * away
    return squares


@kernel
def mean_increment(squares: Array, followed: Array, neighbours: int, width: float) -> Array:
    """The weighted mean of `followed` (slots, channels) over the moments that have one; 0 where none has."""
    count, channels = len(squares), followed.shape[1]
    nearest = np.full(neighbours, np.inf)
    for j in range(count):
        if squares[j] < nearest[-1] and not np.isnan(followed[j, 0]):
            place = neighbours - 1
            while place > 0 and nearest[place - 1] > squares[j]:
                nearest[place] = nearest[place - 1]
                place -= 1
            nearest[place] = squares[j]
    reference = 0.0
    for place in range(neighbours):
        if nearest[place] < np.inf:
            reference = nearest[place]
    twice = 2.0 * width * reference
    total = 0.0
    mean = np.zeros(channels)
    for j in range(count):
        farther = squares[j] - nearest[0]
        if farther <= 40.0 * twice and not np.isnan(followed[j, 0]):
            weight = np.exp(-farther / twice) if twice > 0 else 1.0
            total += weight
            for c in range(channels):
                mean[c] += weight * followed[j, c]
    if total > 0:
        mean /= total
    return mean


@kernel
def linear_increment(
    squares: Array, followed: Array, away: Array, neighbours: int, width: float, penalty: float, most: int
) -> Array:
    """What a weighted linear fit of `followed` (slots, channels) on `away` (regressors, slots) says where `away` is 0.

    Moments without a label take no part; with none the increment is 0.
    """
    channels, regressors = followed.shape[1], len(away)
    usable = np.array([j for j in range(len(squares)) if not np.isnan(followed[j, 0])])
    answer = np.zeros(channels)
    if len(usable) == 0:
        return answer
    labelled = squares[usable]
    order = np.sort(np.partition(labelled, min(most, len(labelled)) - 1)[:most])
    twice = 2.0 * width * order[min(neighbours, len(order)) - 1]
    size = regressors + 1
    gram = np.zeros((size, size + channels))  # of [1; away] with itself, and with what followed
    row = np.ones(size + channels)
    for place in range(len(usable)):
        if labelled[place] <= order[-1]:
            j = usable[place]
            weight = np.exp(-(labelled[place] - order[0]) / twice) if twice > 0 else 1.0
            row[1:size] = away[:, j]
            row[size:] = followed[j]
            for a in range(size):
                for b in range(size + channels):
                    gram[a, b] += weight * row[a] * row[b]
    ridge = 0.0
    for a in range(1, size):
        ridge += penalty * gram[a, a] / regressors
    for a in range(1, size):
        gram[a, a] += ridge if ridge > 0 else 1.0
    for a in range(size - 1, 0, -1):  # the slopes are eliminated; what is left is the equation of the value at now
        for b in range(a):
            factor = gram[b, a] / gram[a, a]
            for c in range(size + channels):
                gram[b, c] -= factor * gram[a, c]
    for c in range(channels):
        answer[c] = gram[0, size + c] / gram[0, 0]
    return answer
