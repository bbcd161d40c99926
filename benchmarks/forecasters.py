"""Microseconds a sample of every forecaster on a real recording, causal, beside its uncompiled form. One thread.

    HILUM_DATA=... python benchmarks/forecasters.py

The compiled kernels are compared with the same functions run as plain Python over NumPy arrays, which is what a user would write;
for recursive least squares also with the textbook update in NumPy, one per horizon.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import time
from typing import Any

import numpy as np

from hilum.core.kinds.forecast import ForecastSetting
from hilum.core.locate import locate
from hilum.datasets.extmarkers.dataset import ExternalMarkers
from hilum.engine.forecasts.stream import stream_record
from hilum.models.hold_last import HoldLast
from hilum.models.least_mean_squares import LeastMeanSquares
from hilum.models.linear_regression import LinearRegression
from hilum.models.recursive_least_squares import RecursiveLeastSquares
from hilum.models.ridge_regression import RidgeRegression
from hilum.models.snap1 import SnAp1

SETTING = ForecastSetting(channels=9, horizons=(5, 10, 20), seconds_per_sample=0.1, unit="mm")


def microseconds(model: Any, values: Any, rounds: int = 3) -> float:
    """Best of `rounds` passes, microseconds a sample for three horizons together."""
    stream_record(model, SETTING, values[:120], 60, "causal", 0)  # compile
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        stream_record(model, SETTING, values, 300, "causal", 0)
        times.append(time.perf_counter() - began)
    return 1e6 * min(times) / len(values)


def textbook(values: Any, history: int = 24, forgetting: float = 0.9995) -> float:
    """Recursive least squares as a user would write it: one full update in NumPy for each horizon."""
    channels = values.shape[1]
    inputs = 1 + history * channels
    standard = (values - values[:300].mean(0)) / values[:300].std(0)
    states = [(np.zeros((inputs, channels)), 0.1 * np.eye(inputs)) for _ in SETTING.horizons]
    began = time.perf_counter()
    for t in range(history - 1, len(values)):
        for index, h in enumerate(SETTING.horizons):
            weights, spread = states[index]
            if t - h >= history - 1:
                u = np.concatenate([[1.0], standard[t - h - history + 1 : t - h + 1].ravel()])
                gain = spread @ u / (forgetting + u @ spread @ u)
                weights += np.outer(gain, standard[t] - u @ weights)
                spread = (spread - np.outer(gain, u @ spread)) / forgetting
                states[index] = (weights, spread)
    return 1e6 * (time.perf_counter() - began) / len(values)


def main() -> None:
    """Print the table."""
    markers = ExternalMarkers()
    folder = locate("extmarkers")
    values = np.ascontiguousarray(markers.load(folder, markers.items(folder)[3]).values)
    print(f"recording-4, {len(values)} samples, 9 channels, horizons 5, 10 and 20; microseconds a sample")
    for model in (
        HoldLast(),
        LinearRegression(),
        RidgeRegression(),
        LeastMeanSquares(),
        RecursiveLeastSquares(),
        SnAp1(),
    ):
        print(f"{type(model).__name__:<24} {microseconds(model, values):9.1f}")
    own, plain = microseconds(RecursiveLeastSquares(), values), textbook(values)
    print(f"{'RLS, textbook NumPy':<24} {plain:9.1f}   {plain / own:.1f} times ours, in this run")


if __name__ == "__main__":
    main()
