"""Linear regression: one linear map per horizon, fitted once on the first part of the recording.

Model       s(t + h) is forecast as A_h u(t),  u(t) = [1; s(t - k + 1); ...; s(t)]
Fit         A_h = Y X^+ over the pairs whose label lies in the first `fit_seconds`, once the clock has reached them
Symbols     s    (channels,)            newest sample, in the series' unit (no scaling, as published)
            k                           history, samples
            X^+                         pseudo-inverse of the inputs, (pairs, inputs)
Cost        O(pairs * inputs^2) once per horizon, O(inputs * channels) per forecast
Source      Pohl et al., arXiv 2403.01607: A = Y X' pinv(X X'), fitted on 54 s, history chosen on the next 6 s
Deviations  The least-squares solution of smallest norm by singular values of X, where the released code inverts X X': the same in
            exact arithmetic, with the square root of its condition number. Before the fit it holds the last value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.modalities.series.standardise import Standardise
from hilum.models._fitted_once import FittedOnce

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LinearRegression:
    """Settings: history in samples, and the length of the fitting part, s."""

    history: int = 24
    fit_seconds: float = 54.0
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        if self.history < 1 or self.fit_seconds <= 0:
            raise UsageError(
                f"history {self.history} and fit_seconds {self.fit_seconds} must be positive",
                where="LinearRegression",
                do="Give a history of one sample or more, and a fitting part longer than 0 s",
            )

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin without weights."""
        untouched = Standardise(np.zeros(setting.channels), np.ones(setting.channels))
        samples = round(self.fit_seconds / setting.seconds_per_sample)
        return FittedOnce(setting, self.history, samples, untouched, least_squares)


def least_squares(inputs: Array, targets: Array) -> Array:
    """The solution of smallest norm, (inputs, channels)."""
    solution: Array = np.asarray(np.linalg.lstsq(inputs, targets, rcond=None)[0], dtype=np.float64)
    return solution
