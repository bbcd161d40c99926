"""A mixture of forecasters whose weights follow the errors they have been seen to make, horizon by horizon.

Model       the forecast is sum_i w_i f_i,  f_i the forecast of expert i,  w_i >= 0 and sum_i w_i = 1
Errors      e_i = f_i(t) - s(t + h), kept from the moment of the forecast and known when the label has arrived
Minimum     C <- g C + e e' / channels;  n <- g n + 1;  w ~ (C / n + r m I)^-1 1,  negative weights cut, the rest scaled to sum 1
variance    m the mean of the diagonal of C / n;  r = 0.005 + 0.095 exp(-updates / 20): a ridge that fades with experience
Exponential L <- d L + |e|^2;  w_i ~ exp(-2 L_i / min L)
Symbols     e    (experts, channels)   one horizon's errors, in the series' unit; C (experts, experts) their discounted sum of products
            g, d                       `memory`, `loss_memory`, per sample
Horizons    `rule` "by-horizon" takes minimum-variance weights up to `exponential_beyond_seconds` and exponential ones after: far ahead
            the errors of neighbouring forecasts are nearly the same error, and a covariance learnt from them says little
Cost        that of the experts, and O(experts^3 + experts^2 * channels) per sample and horizon
Source      Bates and Granger, The combination of forecasts, Oper. Res. Quarterly 20 (1969); Cesa-Bianchi and Lugosi, Prediction,
            learning, and games (2006), chapter 2
Deviations  An expert's forecast that is not finite counts as the last value. Before the first label all experts weigh the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import Forecaster, ForecastModel, ForecastSetting, Pretrainable, Recording
from hilum.modalities.series.recent import RecentSamples
from hilum.models._principal import refuse_unless, under
from hilum.models.echo_state import EchoState
from hilum.models.nearest_analogues import NearestAnalogues
from hilum.models.principal_component_least_squares import PrincipalComponentLeastSquares
from hilum.models.recent_mean import RecentMean
from hilum.models.recursive_one_step import RecursiveOneStep

Array = NDArray[np.float64]
Rule = Literal["minimum-variance", "exponential", "by-horizon"]
LARGEST = 1e100  # of a forecast whose square is still a number

SMALL_FIVE: tuple[ForecastModel, ...] = (
    PrincipalComponentLeastSquares(),
    RecursiveOneStep(),
    EchoState(),
    NearestAnalogues(),
    NearestAnalogues(components=6, history_seconds=6.0, level=0.4, decay_seconds=2.0, neighbours=15),
)
EIGHT: tuple[ForecastModel, ...] = (
    *SMALL_FIVE,
    NearestAnalogues(neighbours=20, width=0.3, decay_seconds=0.6, slope_lags_seconds=(0.2, 0.5, 1.0, 2.0)),
    NearestAnalogues(components=6, history_seconds=6.0, level=0.8, decay_seconds=2.0, neighbours=15),
    RecentMean(),
)


@dataclass(frozen=True)
class Mixture:
    """Settings: the experts, the rule for their weights, how fast errors are forgotten, and where "by-horizon" changes rule, s."""

    experts: tuple[ForecastModel, ...] = EIGHT
    rule: Rule = "by-horizon"
    memory: float = 0.998
    loss_memory: float = 0.995
    exponential_beyond_seconds: float = 1.5

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if not self.experts:
            raise UsageError("a mixture needs experts", where="Mixture", do="Give one forecaster or more")
        if self.rule not in ("minimum-variance", "exponential", "by-horizon"):
            raise UsageError(
                f"there is no rule '{self.rule}'",
                where="Mixture",
                do="Choose minimum-variance, exponential or by-horizon",
            )
        memories = (self.memory, self.loss_memory)
        refuse_unless(min(memories) > 0 and max(memories) <= 1 and self.exponential_beyond_seconds >= 0, self)

    @property
    def stochastic(self) -> bool:
        """Whether any expert draws at random."""
        return any(getattr(expert, "stochastic", False) for expert in self.experts)

    def pretrain(self, others: Sequence[Recording], setting: ForecastSetting, seed: int) -> Mixture:
        """The same mixture, its experts that can be pretrained trained on `others`."""
        ready = (
            expert.pretrain(others, setting, seed) if isinstance(expert, Pretrainable) else expert
            for expert in self.experts
        )
        return replace(self, experts=tuple(ready))

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin with every expert at rest, and equal weights."""
        return _Running(self, setting, [expert.start(setting, warm_up, seed) for expert in self.experts])


class _Running:
    def __init__(self, settings: Mixture, setting: ForecastSetting, experts: list[Forecaster]) -> None:
        self._settings = settings
        self._experts = experts
        self._place = {horizon: index for index, horizon in enumerate(setting.horizons)}
        seconds = np.array(setting.horizons) * setting.seconds_per_sample
        self._exponential = {
            "minimum-variance": np.zeros(len(seconds), dtype=bool),
            "exponential": np.ones(len(seconds), dtype=bool),
            "by-horizon": seconds > settings.exponential_beyond_seconds,
        }[settings.rule]
        horizons, waiting, number = len(seconds), max(setting.horizons) + 1, len(experts)
        self._series = RecentSamples(setting.channels, 1)
        self._made = np.full((waiting, number, horizons, setting.channels), np.nan)  # forecasts that wait for labels
        self._origins = np.full(waiting, -1.0)
        self._products = np.zeros((horizons, number, number))
        self._weight = np.zeros(horizons)
        self._updates = np.zeros(horizons)
        self._losses = np.zeros((horizons, number))

    def observe(self, sample: Array) -> None:
        self._series.append(sample)
        for expert in self._experts:
            expert.observe(sample)

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        for expert in self._experts:
            expert.learn(origin, horizon, target)
        slot, index = origin % len(self._origins), self._place[horizon]
        if self._origins[slot] != origin or np.isnan(target).any():
            return
        errors = self._made[slot, :, index] - target
        settings = self._settings
        self._products[index] *= settings.memory
        self._products[index] += errors @ errors.T / len(target)
        self._weight[index] = settings.memory * self._weight[index] + 1.0
        self._updates[index] += 1.0
        self._losses[index] = settings.loss_memory * self._losses[index] + (errors * errors).sum(axis=1)

    def predict(self) -> Array:
        now = self._series.count - 1
        slot = now % len(self._origins)
        forecasts = np.stack([expert.predict() for expert in self._experts])
        with np.errstate(invalid="ignore"):
            usable = np.abs(forecasts) < LARGEST
        self._made[slot] = np.where(usable, forecasts, self._series.newest)
        self._origins[slot] = now
        mixed: Array = np.einsum("hi,ihc->hc", self.weights(), self._made[slot])
        return mixed

    def weights(self) -> Array:
        """The weights of the next forecast, (horizons, experts)."""
        least = minimum_variance_weights(self._products, self._weight, self._updates)
        return np.where(self._exponential[:, np.newaxis], exponential_weights(self._losses), least)

    def state(self) -> dict[str, Array]:
        own = {name: getattr(self, f"_{name}").copy() for name in self._own}
        kept = {f"series/{name}": array for name, array in self._series.state().items()}
        for index, expert in enumerate(self._experts):
            kept.update({f"expert{index}/{name}": array for name, array in expert.state().items()})
        return {**own, **kept}

    def restore(self, state: dict[str, Array]) -> None:
        for name in self._own:
            setattr(self, f"_{name}", state[name].copy())
        self._series.restore(under("series/", state))
        for index, expert in enumerate(self._experts):
            expert.restore(under(f"expert{index}/", state))

    _own = ("made", "origins", "products", "weight", "updates", "losses")


def minimum_variance_weights(products: Array, weight: Array, updates: Array) -> Array:
    """Weights (horizons, experts) from discounted sums of products (horizons, experts, experts), their weight and number."""
    number = products.shape[-1]
    covariance = products / np.maximum(weight, 1e-300)[:, np.newaxis, np.newaxis]
    mean = np.trace(covariance, axis1=1, axis2=2) / number
    ridge = (0.005 + 0.095 * np.exp(-updates / 20.0)) * mean
    ridge[mean <= 0] = 1.0  # nothing learnt yet, or no errors at all: equal weights
    solved = np.linalg.solve(covariance + ridge[:, np.newaxis, np.newaxis] * np.eye(number), np.ones((number, 1)))
    positive = np.maximum(solved[:, :, 0], 0.0)
    weights: Array = positive / positive.sum(axis=1, keepdims=True)
    return weights


def exponential_weights(losses: Array) -> Array:
    """Weights (horizons, experts) from discounted losses of the same shape; equal where all losses are 0."""
    least = losses.min(axis=1, keepdims=True)
    relative = np.where(least > 0, losses / np.where(least > 0, least, 1.0), np.where(losses > 0, np.inf, 1.0))
    scores = np.exp(-2.0 * (relative - 1.0))
    weights: Array = scores / scores.sum(axis=1, keepdims=True)
    return weights
