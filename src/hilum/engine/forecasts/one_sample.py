"""The one-sample experiment: move a single sample, and see which forecast moves first.

A forecaster that knows nothing later than its clock cannot move before that sample has been seen. What moves earlier has been told of it.
The experiment was first made with the released functions themselves (docs/concepts/labels-and-the-clock.md); here it runs on ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import ForecastModel, ForecastSetting
from hilum.engine.forecasts.stream import stream_record

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Moved:
    """The first forecast that one moved sample moves.

    Attributes:
        horizon: Samples ahead.
        sample: The sample that was moved.
        origin: The sample at which the first forecast that differs was made; None where none does up to that sample.
    """

    horizon: int
    sample: int
    origin: int | None

    @property
    def early(self) -> int:
        """By how many samples it moved before the moved sample was seen."""
        return 0 if self.origin is None else self.sample - self.origin


def first_moved(
    model: ForecastModel,
    setting: ForecastSetting,
    values: Array,
    warm_up: int,
    protocol: str,
    *,
    sample: int,
    amount: float = 1.0,
    seed: int = 0,
) -> tuple[Moved, ...]:
    """For each horizon, the first forecast that differs once `amount` is added to every channel of `values[sample]`.

    Args:
        model: Settings of a forecaster.
        setting: Channels, horizons, sampling, unit.
        values: (samples, channels), in the setting's unit.
        warm_up: Samples that scaling may be fitted on; the moved one must come later.
        protocol: When labels are handed out.
        sample: Which one is moved, counted from 0.
        amount: By how much, in the setting's unit.
        seed: Seed of a stochastic model.

    Raises:
        UsageError: the sample lies within the warm-up or beyond the record, or a horizon has no forecast that could move early:
            it is not above 0, or reaches beyond the moved sample or the record.
    """
    horizons = setting.horizons
    if not horizons or min(horizons) < 1 or list(horizons) != sorted(set(horizons)):
        raise UsageError(
            f"horizons {horizons} are not whole samples above 0, ascending",
            where="one-sample experiment",
            do="Give samples in ascending order, e.g. (1, 5, 20)",
        )
    if not warm_up <= sample < len(values):
        raise UsageError(
            f"sample {sample} lies within the first {warm_up}, which scaling is fitted on, or beyond the {len(values)} there are",
            where="one-sample experiment",
            do=f"Choose one from {warm_up} to {len(values) - 1}",
        )
    furthest = min(sample, len(values) - 1 - sample)
    if horizons[-1] > furthest:  # nothing that is compared could move, and 0 would be read as "looks at nothing"
        raise UsageError(
            f"{horizons[-1]} samples ahead reach beyond sample {sample} or the {len(values)} there are: no forecast could move",
            where="one-sample experiment",
            do=f"Ask for {furthest} samples or fewer, or move another sample" if furthest else "Move another sample",
        )
    values = np.ascontiguousarray(values)  # one memory order for both: sums run in it
    moved = values.copy()
    moved[sample] += amount
    plain, other = (
        stream_record(model, setting, record, warm_up, protocol, seed, stop=sample + 1).forecasts
        for record in (values, moved)
    )
    found = []
    for index, horizon in enumerate(setting.horizons):
        differs = ~np.all((plain[index] == other[index]) | (np.isnan(plain[index]) & np.isnan(other[index])), axis=1)
        times = np.flatnonzero(differs)
        found.append(Moved(horizon, sample, int(times[0]) - horizon if len(times) else None))
    return tuple(found)
