"""Ridge regression: linear regression with a penalty on its weights, fitted once or every so many seconds.

Model       z(t + h) is forecast as A_h u(t),  u(t) = [1; z(t - k + 1); ...; z(t)]
Fit         A_h minimises  sum |z(t + h) - A u(t)|^2 + penalty * |A without its first column|^2
Symbols     z    (channels,)    newest sample in standard units of the train part
            k                   history, samples
Labels      observed or handed, and refitted or not, as in linear_regression.py
Cost        O(pairs * inputs^2) per fit and horizon, O(inputs * channels) per forecast
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
from hilum.models._fitted_once import FittedOnce, FittingPart, Labels, LinearWeights, refuse_labels

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RidgeRegression:
    """Settings: history in samples, penalty, length of the fitting part, s, seconds from fit to fit (0: once), whose labels."""

    history: int = 24
    penalty: float = 100.0
    fit_seconds: float = 60.0
    refit_seconds: float = 0.0
    labels: Labels = "observed"
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        refuse_labels(self.labels, "RidgeRegression")
        if self.history < 1 or self.fit_seconds <= 0 or self.penalty <= 0 or self.refit_seconds < 0:
            raise UsageError(
                f"history {self.history}, penalty {self.penalty}, fit_seconds {self.fit_seconds} or "
                f"refit_seconds {self.refit_seconds} makes no sense",
                where="RidgeRegression",
                do="History, penalty and fitting part are above 0 (without a penalty it is LinearRegression); 0 s fits once",
            )

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin without weights."""
        part = FittingPart.of(
            setting,
            history=self.history,
            fit_seconds=self.fit_seconds,
            refit_seconds=self.refit_seconds,
            labels=self.labels,
        )
        maps = LinearWeights(setting, self.history, partial(ridge, penalty=self.penalty))
        return FittedOnce(setting, part, Standardise.fit(warm_up), maps)


def ridge(inputs: Array, targets: Array, penalty: float) -> Array:
    """The penalised solution, (inputs, channels); the first column of `inputs` is the intercept and goes free."""
    free = inputs[:, 1:].mean(axis=0)
    centred, level = inputs[:, 1:] - free, targets.mean(axis=0)
    gram = centred.T @ centred + penalty * np.eye(centred.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (targets - level))
    return np.concatenate([(level - free @ weights)[None, :], weights])
