"""A transformer encoder fitted once on the first part of the recording that it forecasts. Needs the extra `deep`.

Model       s(t + h) is forecast as y_h(z(t - k + 1), ..., z(t)), a small network per horizon: see hilum/nn/forecast_transformer.py
Fit         mean squared error over the pairs whose label lies in the first `fit_seconds`, once the clock has reached them; Adam,
            `epochs` passes in shuffled steps of `batch` pairs. Labels are samples that it has seen itself; `learn` does nothing
Symbols     s, z  (channels,)      newest sample, in the series' unit and in standard units of the fitting part
            k                      history, samples
Cost        fitting: some milliseconds a step for three horizons; a forecast: O(layers * k * width * (width + k)) per horizon, in NumPy
Source      Pohl et al., arXiv 2410.05882: width 8 or 16, one or two layers, two heads, dropout 0.5, rates 1e-4 and 5e-4, 50 passes,
            fitted on 160 samples at 3.18 Hz and 303 at 6 Hz
Deviations  Before the fit it holds the last value. `target` "increment" learns z(t + h) - z(t) and is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import Forecaster, ForecastSetting

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SequenceTransformer:
    """Settings.

    Attributes:
        history: Samples in a window.
        fit_seconds: Length of the fitting part, s.
        width: Numbers that stand for a sample inside the network; even, and a multiple of `heads`.
        heads: Heads of attention.
        layers: Layers of the encoder.
        dropout: Share of values dropped while training.
        rate: Learning rate of Adam.
        batch: Pairs a step.
        epochs: Passes over all pairs.
        target: What is learnt: where the series will be, or how far it will have moved.
    """

    history: int = 24
    fit_seconds: float = 54.0
    width: int = 16
    heads: int = 2
    layers: int = 1
    dropout: float = 0.5
    rate: float = 5e-4
    batch: int = 32
    epochs: int = 50
    target: Literal["position", "increment"] = "position"
    stochastic: ClassVar[bool] = True
    extra: ClassVar[str] = "deep"

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        counts = (self.history, self.width, self.heads, self.layers, self.batch, self.epochs)
        whole = min(counts) >= 1 and self.width % self.heads == 0 and self.width % 2 == 0
        if not whole or min(self.fit_seconds, self.rate) <= 0 or not 0 <= self.dropout < 1:
            raise UsageError(
                "these settings make no sense",
                where="SequenceTransformer",
                do=f"Counts, seconds and rates are above 0, dropout lies in [0, 1), width is even and a multiple of heads. They are {self}",
            )
        if self.target not in ("position", "increment"):
            raise UsageError(
                f"there is no target '{self.target}'", where="SequenceTransformer", do="Choose position or increment"
            )

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Begin without weights; (seed, horizon) draws them when the time has come.

        Raises:
            UsageError: a fitting part that holds no pair.
        """
        from hilum.models.sequence_transformer.network import begin

        return begin(self, setting, warm_up, seed)
