"""Linear regression: one linear map per horizon, fitted once on the first part of the recording.

Model       s(t + h) is forecast as A_h u(t),  u(t) = [1; s(t - k + 1); ...; s(t)]
Fit         A_h = Y X^+ over the pairs whose label lies in the first `fit_seconds`, once the clock has reached them
Symbols     s    (channels,)            newest sample, in the series' unit (no scaling, as published)
            k                           history, samples
            X^+                         pseudo-inverse of the inputs, (pairs, inputs)
Labels      observed (default): samples that it has seen itself, as published, so its newest pair began h samples before the clock.
            handed: what `learn` gave it by then, so that under the published protocol its labels reach h - 1 samples
            beyond the clock: the offline method with the label delay of the online ones, for the comparison and no other use
Cost        O(pairs * inputs^2) per fit and horizon, O(inputs * channels) per forecast
Source      Pohl et al., arXiv 2403.01607: A = Y X' pinv(X X'), fitted on 54 s, history chosen on the next 6 s
Deviations  The least-squares solution of smallest norm by a complete orthogonal factorisation of X, where the released code
            inverts X X': the same in exact arithmetic, with the square root of its condition number. Before the fit it holds the
            last value. Refitting, off by default, and handed labels are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import Forecaster, ForecastSetting
from hilum.modalities.series.standardise import Standardise
from hilum.models._fitted_once import FittedOnce, FittingPart, Labels, LinearWeights, refuse_labels

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LinearRegression:
    """Settings: history in samples, length of the fitting part, s, seconds from fit to fit (0: once), and whose labels."""

    history: int = 24
    fit_seconds: float = 54.0
    refit_seconds: float = 0.0
    labels: Labels = "observed"
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        refuse_labels(self.labels, "LinearRegression")
        if self.history < 1 or self.fit_seconds <= 0 or self.refit_seconds < 0:
            raise UsageError(
                f"history {self.history}, fit_seconds {self.fit_seconds} or refit_seconds {self.refit_seconds} makes no sense",
                where="LinearRegression",
                do="Give a history of one sample or more, a fitting part longer than 0 s, and 0 s to fit once",
            )

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin without weights."""
        untouched = Standardise(np.zeros(setting.channels), np.ones(setting.channels))
        part = FittingPart.of(
            setting,
            history=self.history,
            fit_seconds=self.fit_seconds,
            refit_seconds=self.refit_seconds,
            labels=self.labels,
        )
        return FittedOnce(setting, part, untouched, LinearWeights(setting, self.history, least_squares))


def least_squares(inputs: Array, targets: Array) -> Array:
    """The solution of smallest norm, (inputs, channels)."""
    from scipy.linalg import lstsq

    # Directions that rounding alone tells from nothing count as nothing, as in np.linalg.lstsq; twice as fast as by singular values.
    nothing = float(np.finfo(np.float64).eps) * max(inputs.shape)
    return np.asarray(
        lstsq(inputs, targets, cond=nothing, lapack_driver="gelsy", check_finite=False)[0], dtype=np.float64
    )
