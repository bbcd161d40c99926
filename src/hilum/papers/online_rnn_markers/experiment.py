"""Online learning of recurrent networks for breathing motion (arXiv 2403.01607): the cells behind its tables, at 10 Hz.

Data      nine marker recordings at 10 Hz: dataset `extmarkers`, CC BY 4.0, 4 MB
Minutes   smoke 0.2, quick 1.6 (5 seeds), full about 30 (300 seeds of SnAp-1; extrapolated from the quick cells) on two cores
Expect    mean RMSE over the nine at 0.5 s and 2.0 s: hold-last 2.466 and 6.862 mm; LMS at its fixed setting 1.479 and 1.899
          under the published protocol, 2.334 and 4.367 causally; recursive least squares causally 1.645 and 4.121
"""

from __future__ import annotations

from typing import Any

from hilum.core.experiment import Arm, Experiment, Preset, Search, cells
from hilum.datasets.extmarkers.dataset import ExternalMarkers
from hilum.datasets.simulated_breathing.dataset import SimulatedBreathing
from hilum.models.hold_last import HoldLast
from hilum.models.least_mean_squares import LeastMeanSquares
from hilum.models.linear_regression import LinearRegression
from hilum.models.recursive_least_squares import RecursiveLeastSquares
from hilum.models.ridge_regression import RidgeRegression
from hilum.models.snap1 import SnAp1
from hilum.tasks.position_ahead import PositionAhead

STATEMENT = {
    "intended_use": "compensating the latency of beam control while a patient breathes; research use only",
    "time_zero": "each sample of a recording, once its first minute has passed",
    "horizon": "0.1 to 2.1 s ahead",
    "unit": "the recording; who is who is not known, so nothing can be concluded about new people",
    "eligibility": "all nine published recordings; none was left out",
    "validation": "internal: each recording is forecast from its own past",
}

MARKERS = ExternalMarkers(rate_hz=10.0)
EVERY_HORIZON = PositionAhead(horizons_s=tuple(round(0.1 * h, 1) for h in range(1, 22)))
THREE_HORIZONS = PositionAhead(horizons_s=(0.5, 1.0, 2.0))
HISTORY = ("history", (12, 24, 36, 48, 60))
PROTOCOLS = ("published", "causal")

# The paper speaks of regular and irregular breathing without saying, where we could read it, which recordings are which. These
# follow the letters in the upstream file names: N is regular; T, NO and LT are irregular; O (recording 7) stands in neither. They
# were found from the printed LMS rows alone and again, the same, from the printed linear rows alone (LOG.md, 2026-11-23).
REGULAR = tuple(f"recording-{number}" for number in (2, 5, 6, 8, 9))
IRREGULAR = tuple(f"recording-{number}" for number in (1, 3, 4))


def hold_last(dataset: Any = MARKERS, task: PositionAhead = EVERY_HORIZON) -> Arm:
    """The trivial predictor; it learns nothing, so the protocols coincide."""
    return Arm(dataset, task, HoldLast(), "causal", title="Hold last")


def linear_regression(protocol: str, dataset: Any = MARKERS, task: PositionAhead = EVERY_HORIZON) -> Arm:
    """Fitted once on the first 54 s, history chosen on the next 6 s; no label is ever early.

    The protocols differ in the choice alone: as published, forecasts of those 6 s may start before the fit was made.
    """
    search = Search((HISTORY,), "nrmse")
    return Arm(dataset, task, LinearRegression(), protocol, search, title=f"Linear regression ({protocol})")


def ridge_regression(dataset: Any = MARKERS, task: PositionAhead = EVERY_HORIZON) -> Arm:
    """Ours: the same with a penalty, chosen with the history on the same 6 s."""
    search = Search((HISTORY, ("penalty", (1.0, 10.0, 100.0, 1000.0))), "nrmse")
    return Arm(dataset, task, RidgeRegression(fit_seconds=54.0), "causal", search, title="Ridge regression (causal)")


def least_mean_squares(protocol: str, dataset: Any = MARKERS, task: PositionAhead = EVERY_HORIZON) -> Arm:
    """The published grid, one setting a recording and horizon, chosen by nRMSE on the second half of the first minute."""
    search = Search((HISTORY, ("rate", (1e-4, 2e-4, 5e-4))), "nrmse")
    return Arm(dataset, task, LeastMeanSquares(), protocol, search, title=f"LMS ({protocol})")


def least_mean_squares_fixed(protocol: str, dataset: Any = MARKERS, task: PositionAhead = EVERY_HORIZON) -> Arm:
    """One setting for all recordings and horizons: the regression figures of the issue."""
    model = LeastMeanSquares(history=24, rate=2e-4)
    return Arm(dataset, task, model, protocol, title=f"LMS, fixed setting ({protocol})")


def recursive_least_squares(protocol: str, dataset: Any = MARKERS, task: PositionAhead = EVERY_HORIZON) -> Arm:
    """Ours: forgetting with a time constant of 200 s, positions as targets."""
    return Arm(dataset, task, RecursiveLeastSquares(), protocol, title=f"RLS ({protocol})")


def snap1(protocol: str, dataset: Any = MARKERS, task: PositionAhead = THREE_HORIZONS) -> Arm:
    """The paper's best network at one fixed setting; its settings are not tuned yet."""
    model = SnAp1(units=90, history=24, rate=0.01)
    return Arm(dataset, task, model, protocol, title=f"SnAp-1, fixed setting ({protocol})")


def experiment(preset: Preset) -> Experiment:
    """Every predictor on every recording, under the causal and the published protocol."""
    dataset: Any = SimulatedBreathing() if preset.synthetic else MARKERS
    task = preset.choose(smoke=THREE_HORIZONS, quick=EVERY_HORIZON, full=EVERY_HORIZON)
    every = tuple(dataset.ITEMS)
    items = preset.choose(smoke=every[1:2] + every[6:7], quick=every, full=every)
    seeds = preset.seed_range(smoke=1, quick=5, full=300)
    arms = [hold_last(dataset, task), ridge_regression(dataset, task)]
    for protocol in PROTOCOLS:
        arms += [
            linear_regression(protocol, dataset, task),
            least_mean_squares(protocol, dataset, task),
            least_mean_squares_fixed(protocol, dataset, task),
            recursive_least_squares(protocol, dataset, task),
            snap1(protocol, dataset),
        ]
    return Experiment("online-rnn-markers", cells(arms, items=items, seeds=seeds))
