"""The acceptance figures of the first paper, on the nine real recordings: regression tests, never margins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hilum.core.claim import read_claims
from hilum.core.experiment import Arm
from hilum.core.finder import get
from hilum.core.kinds.forecast import ForecastSetting
from hilum.datasets.extmarkers.dataset import ExternalMarkers
from hilum.engine.forecasts.stream import stream_record
from hilum.engine.runners.forecast import run
from hilum.metrics.forecast import METRICS, statistics
from hilum.modalities.series.sample import Series
from hilum.models.hold_last import HoldLast
from hilum.models.least_mean_squares import LeastMeanSquares
from hilum.models.recursive_least_squares import RecursiveLeastSquares
from hilum.models.snap1 import SnAp1
from hilum.papers.online_rnn_markers.experiment import (
    IRREGULAR,
    REGULAR,
    SLOW,
    least_mean_squares,
    linear_regression,
)

pytestmark = [pytest.mark.real_data, pytest.mark.slow]
SETTING = ForecastSetting(channels=9, horizons=(5, 20), seconds_per_sample=0.1, unit="mm")


@pytest.fixture(scope="module")
def recordings(real_data: Callable[[str], Path]) -> dict[str, Series]:
    folder, markers = real_data("extmarkers"), ExternalMarkers()
    return {item.id: markers.load(folder, item) for item in markers.items(folder)}


@pytest.fixture(scope="module")
def slow_recordings(real_data: Callable[[str], Path]) -> dict[str, Series]:
    folder, markers = real_data("extmarkers"), SLOW.dataset
    return {item.id: markers.load(folder, item) for item in markers.items(folder)}


def rmse(model: object, protocol: str, recordings: dict[str, Series], seed: int = 0) -> list[float]:
    """Mean RMSE over the nine at 0.5 and 2 s, mm."""
    found = []
    for recording in recordings.values():
        values = np.ascontiguousarray(recording.values)
        forecasts = stream_record(model, SETTING, values, 300, protocol, seed).forecasts  # type: ignore[arg-type]
        rows = [statistics(values[600:], f[600:], points=3, seconds_per_sample=0.1) for f in forecasts]
        found.append([(row["sum_sq"] / row["n"]) ** 0.5 for row in rows])
    return [float(value) for value in np.mean(found, axis=0)]


@pytest.mark.parametrize(
    ("model", "protocol", "expected", "relative"),
    [
        (HoldLast(), "causal", (2.466, 6.862), 0.0002),
        (LeastMeanSquares(history=24, rate=2e-4), "published", (1.479, 1.899), 0.01),
        (LeastMeanSquares(history=24, rate=2e-4), "causal", (2.334, 4.367), 0.01),
        (RecursiveLeastSquares(), "causal", (1.645, 4.121), 0.01),
    ],
)
def test_deterministic_figures(
    model: object, protocol: str, expected: tuple[float, float], relative: float, recordings: dict[str, Series]
) -> None:
    assert rmse(model, protocol, recordings) == pytest.approx(expected, rel=relative)


def test_hold_last_to_every_printed_digit(recordings: dict[str, Series]) -> None:
    assert [round(value, 3) for value in rmse(HoldLast(), "causal", recordings)] == [2.466, 6.862]


def test_snap1_over_five_seeds(recordings: dict[str, Series]) -> None:
    near, far = np.mean([rmse(SnAp1(), "published", recordings, seed) for seed in range(5)], axis=0)
    assert 0.65 <= near <= 0.80
    assert 0.62 <= far <= 0.72


def group_means(arm: Arm, group: tuple[str, ...], recordings: dict[str, Series]) -> dict[str, float]:
    """Every metric, mean over horizons, then over the recordings of a group."""
    outcomes = run(
        task=arm.task,
        model=arm.model,
        protocol=arm.protocol,
        search=arm.search,
        seeds=(0,),
        samples=[recordings[name] for name in group],
    )
    per_item = []
    for outcome in outcomes:
        (block,) = outcome.scores
        rows = [
            {name: np.array([values[n]]) for name, values in block.items() if isinstance(values[n], float)}
            for n in range(len(block["horizon"]))
        ]
        per_item.append({m.name: np.mean([m(row).value for row in rows]) for m in METRICS})
    return {name: float(np.mean([item[name] for item in per_item])) for name in per_item[0]}


@pytest.mark.parametrize(
    ("arm", "name", "group", "members"),
    [
        (linear_regression("published"), "linear", "regular", REGULAR),
        (linear_regression("published"), "linear", "irregular", IRREGULAR),
        (least_mean_squares("published"), "lms", "irregular", IRREGULAR),
    ],
)
def test_every_printed_digit(
    arm: Arm, name: str, group: str, members: tuple[str, ...], recordings: dict[str, Series]
) -> None:
    equal_to_the_digit(arm, f"{group}.10hz.{name}", members, recordings)


@pytest.mark.parametrize(
    ("arm", "name", "group", "members"),
    [
        (linear_regression("published", SLOW), "linear", "regular", REGULAR),
        (linear_regression("published", SLOW), "linear", "irregular", IRREGULAR),
        (least_mean_squares("published", SLOW), "lms", "irregular", IRREGULAR),
    ],
)
def test_every_printed_digit_at_3_hz(
    arm: Arm, name: str, group: str, members: tuple[str, ...], slow_recordings: dict[str, Series]
) -> None:
    equal_to_the_digit(arm, f"{group}.3.33hz.{name}", members, slow_recordings)


def equal_to_the_digit(arm: Arm, claimed: str, members: tuple[str, ...], recordings: dict[str, Series]) -> None:
    claims = {claim.id: claim for claim in read_claims(get("papers", "online-rnn-markers").path / "claims.csv")}
    ours = group_means(arm, members, recordings)
    for metric in ("mae", "rmse", "nrmse", "max-error"):
        claim = claims[f"{claimed}.{metric}"]
        assert abs(ours[metric] - claim.value) <= claim.half_digit, claim.id
