"""Ridge regression: linear regression with a penalty on its weights, fitted once.

Model       z(t + h) is forecast as A_h u(t),  u(t) = [1; z(t - k + 1); ...; z(t)]
Fit         A_h minimises  sum |z(t + h) - A u(t)|^2 + penalty * |A without its first column|^2
Symbols     z    (channels,)    newest sample in standard units of the train part
            k                   history, samples
Cost        O(pairs * inputs^2) once per horizon, O(inputs * channels) per forecast
Source      Hoerl and Kennard, Technometrics 12 (1970); not among the predictors of arXiv 2403.01607
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.modalities.series.standardise import Standardise
from hilum.models._fitted_once import FittedOnce

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RidgeRegression:
    """Settings: history in samples, penalty, and the length of the fitting part, s."""

    history: int = 24
    penalty: float = 100.0
    fit_seconds: float = 60.0
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.history < 1 or self.fit_seconds <= 0 or self.penalty <= 0:
            raise UsageError(
                f"history {self.history}, penalty {self.penalty} and fit_seconds {self.fit_seconds} must be positive",
                where="RidgeRegression",
                do="Without a penalty it is LinearRegression",
            )

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin without weights."""
        samples = round(self.fit_seconds / setting.seconds_per_sample)
        solve = partial(ridge, penalty=self.penalty)
        return FittedOnce(setting, self.history, samples, Standardise.fit(warm_up), solve)


def ridge(inputs: Array, targets: Array, penalty: float) -> Array:
    """The penalised solution, (inputs, channels); the first column of `inputs` is the intercept and goes free."""
    free = inputs[:, 1:].mean(axis=0)
    centred, level = inputs[:, 1:] - free, targets.mean(axis=0)
    gram = centred.T @ centred + penalty * np.eye(centred.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (targets - level))
    return np.concatenate([(level - free @ weights)[None, :], weights])
