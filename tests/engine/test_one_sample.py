"""One moved sample: forecasts move when it is seen, or h - 1 samples earlier under the published order."""

from __future__ import annotations

import numpy as np
import pytest

from hilum.core.errors import UsageError
from hilum.core.kinds.forecast import ForecastSetting
from hilum.engine.forecasts.one_sample import Moved, first_moved
from hilum.models.least_mean_squares import LeastMeanSquares
from hilum.models.linear_regression import LinearRegression

SETTING = ForecastSetting(2, (1, 5, 12), 0.1, "mm")
VALUES = np.asfortranarray(np.random.default_rng(3).standard_normal((160, 2)).cumsum(axis=0))


def early(model: object, protocol: str) -> list[int]:
    return [one.early for one in first_moved(model, SETTING, VALUES, 60, protocol, sample=120)]  # type: ignore[arg-type]


def test_an_online_learner_moves_h_minus_1_samples_early_as_published_and_never_causally() -> None:
    assert early(LeastMeanSquares(history=4), "published") == [0, 4, 11]
    assert early(LeastMeanSquares(history=4), "causal") == [0, 0, 0]


def test_a_method_that_was_fitted_before_moves_when_the_sample_is_seen() -> None:
    assert early(LinearRegression(history=4, fit_seconds=6.0), "published") == [0, 0, 0]


def test_the_moved_sample_must_come_after_the_warm_up() -> None:
    assert Moved(3, 100, None).early == 0
    with pytest.raises(UsageError, match="Choose one from 60 to 159"):
        first_moved(LeastMeanSquares(), SETTING, VALUES, 60, "causal", sample=20)


@pytest.mark.parametrize(
    ("horizons", "words"),
    [
        ((), "ascending"),
        ((0,), "whole samples above 0"),
        ((5, 1), "ascending"),
        ((1, 40), "Ask for 39 samples"),
        ((200,), "no forecast could move"),
    ],
)
def test_a_horizon_that_no_forecast_could_betray_is_refused(horizons: tuple[int, ...], words: str) -> None:
    setting = ForecastSetting(2, horizons, 0.1, "mm")
    with pytest.raises(UsageError, match=words):
        first_moved(LeastMeanSquares(history=4), setting, VALUES, 60, "published", sample=120)
