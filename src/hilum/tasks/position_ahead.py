"""Where will every marker be h seconds from now?

Kind        forecast
Needs       a series in mm: any number of channels; groups of three may be points in space
Unit        the recording
Parts       train      [0, train_s)              what scaling may be fitted on
            choose     [train_s, score_from_s)   what settings may be chosen on
            score      [score_from_s, end)       what figures are made of
Metrics     rmse in mm leads; mae, nrmse, max-error, jitter, within-2mm/3mm/5mm beside it (hilum.metrics.forecast)
Trivial     hold the last value
Source      Pohl et al., arXiv 2403.01607: 30 s to train, 30 s to choose, the rest to test, at every sampling rate
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from hilum.core.data import Need
from hilum.core.errors import UsageError


@dataclass(frozen=True)
class PositionAhead:
    """Forecast of position; everything in seconds, so that it means the same at every sampling rate.

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
    leading_metric: ClassVar[str] = "rmse"
    trivial: ClassVar[str] = "hold_last"
    needs: ClassVar[Mapping[str, Need]] = {"series": Need("series", "mm")}

    def __post_init__(self) -> None:
        """Refuse horizons and parts that make no sense."""
        if not self.horizons_s or list(self.horizons_s) != sorted(set(self.horizons_s)) or self.horizons_s[0] <= 0:
            raise UsageError(
                f"horizons {self.horizons_s} are not positive and ascending",
                where="PositionAhead",
                do="Give seconds in ascending order, e.g. (0.5, 1.0, 2.0)",
            )
        if not 0 < self.train_s <= self.score_from_s:
            raise UsageError(
                f"training ends at {self.train_s} s and scoring begins at {self.score_from_s} s",
                where="PositionAhead",
                do="Let training end after 0 s and no later than scoring begins",
            )

    def horizons(self, seconds_per_sample: float) -> tuple[int, ...]:
        """The horizons in samples at a sampling interval.

        Raises:
            UsageError: a horizon is no whole number of samples (to 1 % of a sample).
        """
        samples = tuple(round(seconds / seconds_per_sample) for seconds in self.horizons_s)
        for seconds, count in zip(self.horizons_s, samples, strict=True):
            if count < 1 or abs(count * seconds_per_sample - seconds) > 0.01 * seconds_per_sample:
                raise UsageError(
                    f"{seconds:g} s ahead is no whole number of samples at {1 / seconds_per_sample:.4g} Hz",
                    where="PositionAhead",
                    do=f"Ask for {max(count, 1) * seconds_per_sample:.4g} s",
                )
        return samples

    def parts(self, samples: int, seconds_per_sample: float) -> dict[str, tuple[int, int]]:
        """First sample and end (exclusive) of each part of a record of `samples` samples."""
        train = round(self.train_s / seconds_per_sample)
        score = round(self.score_from_s / seconds_per_sample)
        return {
            "train": (0, min(train, samples)),
            "choose": (min(train, samples), min(score, samples)),
            "score": (min(score, samples), samples),
        }
