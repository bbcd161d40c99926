"""Views: how a sample becomes the series that is forecast. A task that says nothing about it takes series as they stand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError
from hilum.core.kinds.forecast import View
from hilum.metrics.forecast import statistics
from hilum.modalities.series.sample import Series, assess

Array = NDArray[np.float64]


def views_of(task: Any, sample: Any) -> tuple[View, ...]:
    """The ways of the task to turn a sample into a series, one or more to choose from.

    A series that is handed to a task about other samples (weights that a model of a film's motion is pretrained on) stands as it is.

    Raises:
        DataError: the sample cannot be used, with the reason.
    """
    own = getattr(task, "views", None)
    foreign = isinstance(sample, Series) and "series" not in task.needs
    return (SeriesView.of(sample),) if own is None or foreign else tuple(own(sample))


@dataclass(frozen=True)
class SeriesView:
    """The series itself."""

    series: Series

    @classmethod
    def of(cls, series: Series) -> SeriesView:
        """Of a series that can be used.

        Raises:
            DataError: it cannot, with the reason.
        """
        usable = assess(series)
        if usable.quality == 0:
            raise DataError(
                f"the recording cannot be used: {usable.reason}",
                where=f"recording '{series.item}'",
                do="Mend it, or leave it out and say so",
            )
        # One memory order for all: sums run in it, so a record and its prefix would differ in their last bits otherwise.
        return cls(replace(series, values=np.ascontiguousarray(series.values)))

    @property
    def settings(self) -> dict[str, Any]:
        """None: there is one way."""
        return {}

    @property
    def fitted(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def statistics(self, horizon: int, first: int, forecasts: Array) -> dict[str, float]:
        """The additive statistics of hilum.metrics.forecast."""
        series = self.series
        return statistics(
            series.values[first : first + len(forecasts)],
            forecasts,
            points=series.points,
            seconds_per_sample=series.seconds_per_sample,
            tolerances_mm=(2.0, 3.0, 5.0) if series.unit == "mm" else (),
        )

    def loss(self, horizon: int, first: int, forecasts: Array) -> float:
        """The mean squared error."""
        found = self.statistics(horizon, first, forecasts)
        return found["sum_sq"] / found["n"]

    def keep(self, horizon: int, first: int, forecasts: Array) -> dict[str, NDArray[Any]]:
        """Nothing: predictions are stored."""
        return {}
