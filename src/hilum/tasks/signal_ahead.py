"""What will this signal be h seconds from now?

Kind        forecast
Needs       a series in any unit: a belt's voltage, a surrogate, a flow, weights of a motion
Unit        the recording
Parts       train      [0, train_s)              what scaling may be fitted on
            choose     [train_s, score_from_s)   what settings may be chosen on
            score      [score_from_s, end)       what figures are made of
Metrics     nrmse leads: the error beside the signal's own spread, 1 for a forecast as good as the mean of the scored part; the others of
            hilum.metrics.forecast beside it, in the signal's unit where they say mm
Trivial     hold the last value
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from hilum.core.data import Need
from hilum.tasks._ahead import Parts, in_samples, parts_of, refuse_times


@dataclass(frozen=True)
class SignalAhead:
    """Forecast of a signal; everything in seconds, so that it means the same at every sampling rate.

    Attributes:
        horizons_s: How far ahead to look, s, ascending.
        train_s: Length of the part that scaling may be fitted on, s.
        score_from_s: Where the scored part begins, s; settings may be chosen on what lies between.
    """

    horizons_s: tuple[float, ...] = (0.5, 1.0, 2.0)
    train_s: float = 30.0
    score_from_s: float = 60.0

    kind: ClassVar[str] = "forecast"
    unit: ClassVar[str] = "recording"
    leading_metric: ClassVar[str] = "nrmse"
    trivial: ClassVar[str] = "hold_last"
    needs: ClassVar[Mapping[str, Need]] = {"series": Need("series")}

    def __post_init__(self) -> None:
        """Refuse horizons and parts that make no sense."""
        refuse_times(self.horizons_s, self.train_s, self.score_from_s, where="SignalAhead")

    def horizons(self, seconds_per_sample: float) -> tuple[int, ...]:
        """The horizons in samples at a sampling interval; a UsageError names the closest where one is no whole number."""
        return in_samples(self.horizons_s, seconds_per_sample, where="SignalAhead")

    def parts(self, samples: int, seconds_per_sample: float) -> Parts:
        """First sample and end (exclusive) of each part of a record of `samples` samples."""
        return parts_of(samples, seconds_per_sample, train_s=self.train_s, score_from_s=self.score_from_s)
