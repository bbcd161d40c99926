"""A transformer encoder trained on other recordings, and never on the one that it forecasts. Needs the extra `deep`.

Model       s(t + h) is forecast as y_h(z(t - k + 1), ..., z(t)), a small network per horizon: see hilum/nn/forecast_transformer.py
Training    on the other recordings, brought to the sampling interval that is asked for by polyphase filtering. The first `train_share`
            of each is trained on, the rest ends it: Adam, at most `epochs` passes, none after `patience` without a lower loss there.
            Pairs are changed as they are used: see hilum/nn/augment_windows.py
Scaling     z = (s - m) / d; of the recording that is forecast m and d come from its train part. "each": those of every other
            recording come from its own first `train_share`. "pooled": they are those of all of these together
Symbols     s, z  (channels,)      newest sample, in the series' unit and in standard units
            k                      history, samples
Cost        training: some milliseconds a step for three horizons; a forecast: O(layers * k * width * (width + k)) per horizon, in NumPy
Source      Pohl et al., arXiv 2410.05882, and the released code: trained on the other data set (3.18 against 6 Hz), scaling "pooled",
            kept "last", five runs
Deviations  `scaling` "each" by default, so that others are scaled as the recording to be forecast is. `kept` "best" by default: the
            weights of the lowest validation loss. The released code keeps a reference to the moving weights in their place, and so
            ends with the last ones: "last". The validation loss is a mean over pairs, not over batches. Resampling goes on along a line
            at both ends, where released it falls to zero. Statistics of the whole recording to be forecast cannot be used: a forecaster
            is not given them. `target` "increment" learns z(t + h) - z(t) and is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import Forecaster, ForecastModel, ForecastSetting, Recording
from hilum.models._pretrained import not_pretrained
from hilum.nn.augment_windows import Augmentation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PopulationTransformer:
    """Settings.

    Attributes:
        history: Samples in a window.
        width: Numbers that stand for a sample inside the network; even, and a multiple of `heads`.
        heads: Heads of attention.
        layers: Layers of the encoder.
        dropout: Share of values dropped while training.
        rate: Learning rate of Adam.
        batch: Pairs a step.
        epochs: The most passes over all pairs.
        patience: Passes without a lower validation loss after which training ends.
        train_share: Share of each recording, from its start, that is trained on.
        scaling: Whose statistics scale the other recordings.
        kept: Which weights training ends with.
        target: What is learnt: where the series will be, or how far it will have moved.
        augmentation: How pairs are changed.
    """

    history: int = 24
    width: int = 16
    heads: int = 2
    layers: int = 1
    dropout: float = 0.5
    rate: float = 5e-4
    batch: int = 32
    epochs: int = 300
    patience: int = 30
    train_share: float = 0.8
    scaling: Literal["each", "pooled"] = "each"
    kept: Literal["best", "last"] = "best"
    target: Literal["position", "increment"] = "position"
    augmentation: Augmentation = field(default_factory=Augmentation)
    stochastic: ClassVar[bool] = True
    extra: ClassVar[str] = "deep"

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        counts = (self.history, self.width, self.heads, self.layers, self.batch, self.epochs, self.patience)
        whole = min(counts) >= 1 and self.width % self.heads == 0 and self.width % 2 == 0
        if not whole or self.rate <= 0 or not 0 <= self.dropout < 1 or not 0 < self.train_share < 1:
            raise UsageError(
                "these settings make no sense",
                where="PopulationTransformer",
                do="Counts and rates are above 0, dropout lies in [0, 1), train_share between 0 and 1, width is even and a multiple of "
                f"heads. They are {self}",
            )
        chosen = {"scaling": ("each", "pooled"), "kept": ("best", "last"), "target": ("position", "increment")}
        for name, known in chosen.items():
            if getattr(self, name) not in known:
                raise UsageError(
                    f"there is no {name} '{getattr(self, name)}'",
                    where="PopulationTransformer",
                    do=f"Choose {' or '.join(known)}",
                )

    def pretrain(self, others: Sequence[Recording], setting: ForecastSetting, seed: int) -> ForecastModel:
        """Train one network per horizon on `others`; each draws from (seed, horizon).

        Raises:
            HilumError: the extra `deep` is not installed.
            DataError: recordings with other channels, or all too short.
        """
        from hilum.models.population_transformer.network import learn_from

        return learn_from(self, others, setting, seed)

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> Forecaster:
        """Refuse: it must be pretrained.

        Raises:
            UsageError: always.
        """
        raise not_pretrained(self)
