"""What plantings share: studies made by the runners of real ones, models that commit a defect, and tables with something changed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hilum.core.errors import DataError
from hilum.core.experiment import Arm, Cell, Search
from hilum.core.outcome import Outcome
from hilum.core.split import Rule, deal
from hilum.datasets.simulated_breathing.dataset import SimulatedBreathing
from hilum.datasets.simulated_patients.dataset import SimulatedPatients
from hilum.engine.audit import Use
from hilum.engine.cells import frame_of
from hilum.engine.figures import ArmScores
from hilum.engine.runners.forecast import run as run_forecast
from hilum.engine.tables.pipeline import records_of
from hilum.engine.tables.runner import PERMUTED
from hilum.engine.tables.runner import run as run_table
from hilum.modalities.series.sample import Series
from hilum.modalities.series.simulate import CHANNELS, simulate_breathing
from hilum.modalities.table.sample import Table
from hilum.modalities.table.simulate import simulate_patients
from hilum.models.constant_prediction import ConstantPrediction
from hilum.models.logistic_regression import LogisticRegression
from hilum.tasks.position_ahead import PositionAhead
from hilum.tasks.predict_class import PredictClass

DAY = 86_400.0
PERMUTATIONS = tuple(range(20))
HALF, FOLDS, COLUMN = (
    PredictClass(split=rule) for rule in (Rule("hold-out", share=0.5), Rule(folds=2), Rule("column"))
)
AHEAD = PositionAhead(horizons_s=(0.2, 0.6, 1.0), train_s=8.0, score_from_s=12.0)
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Held:
    """A cell in memory instead of a folder: the same blocks, made into the same tables, and evidence that has been through JSON."""

    outcomes: tuple[Outcome, ...]
    done: ClassVar[bool] = True

    def table(self, name: str) -> pl.DataFrame:
        return frame_of(block for outcome in self.outcomes for block in getattr(outcome, name))

    def evidence(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(json.dumps({outcome.item: outcome.evidence for outcome in self.outcomes}))
        return told


@dataclass(frozen=True)
class Method:
    """One arm: a model, what it is a control for, and what a study may do otherwise than its company.

    Attributes:
        told: Evidence that replaces what the runner stored, entry by entry: what a study says of itself.
        table: Other records or features than the study's own.
        folds: The folds that are run; all by default.
    """

    model: Any = field(default_factory=ConstantPrediction)
    control: str = ""
    seeds: tuple[int, ...] = (0,)
    search: Search | None = None
    told: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    table: Table | None = None
    folds: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Study:
    """What is audited: every arm's scores, and what the study says of its use."""

    scores: list[ArmScores]
    use: Use = field(default_factory=Use)


@dataclass(frozen=True)
class Place:
    """Where a study stands in the benchmark: how many subjects, which trial, and the seed of everything."""

    n: int
    trial: int
    key: tuple[int, ...]

    @cached_property
    def draw(self) -> np.random.Generator:
        return np.random.default_rng([*self.key, 1])

    def table(
        self, each: int = 2, features: int = 4, effect: float = 1.5, categories: int = 1, **changes: Any
    ) -> Table:
        """Patients, clean, one device; the prevalence is 0.4 and a logistic model finds an AUROC of about 0.8."""
        settings = {"n_categories": categories, "n_sources": 1, **changes}
        return simulate_patients(self.n, each, features, 0.4, effect, self.key, **settings)

    def one_of(self, forms: Sequence[Any]) -> Any:
        return forms[self.trial % len(forms)]


def study(task: Any, table: Table, *methods: Method, use: Use | None = None) -> Study:
    """Run every method's folds with the runner of tables; a control whose cells cannot be run is not there, as in any run."""
    scores = []
    for method in methods or (Method(),):
        own = method.table or table
        arm = Arm(SimulatedPatients(), task, method.model, "honest", method.search, method.control)
        folds = method.folds or tuple(range(len(deal(task.split, records_of(own, task.kind)))))
        try:
            cells = [(Cell(arm, ("table",), method.seeds, fold), _cell(task, own, method, fold)) for fold in folds]
        except DataError:  # of few subjects, permuted labels may leave one class alone in train
            if method.control != PERMUTED:
                raise
            continue
        scores.append(_scores(arm, cells))
    return Study(scores, use or Use())


def _cell(task: Any, table: Table, method: Method, fold: int) -> Held:
    outcomes = run_table(
        task=task,
        model=method.model,
        protocol="honest",
        search=method.search,
        seeds=method.seeds,
        samples=[table],
        fold=fold,
        control=method.control if method.control == PERMUTED else "",
    )
    return Held(tuple(replace(one, evidence=_told(one.evidence, method.told)) for one in outcomes))


def _told(evidence: Mapping[str, Any], told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {**evidence, **{name: {**evidence.get(name, {}), **said} for name, said in told.items()}}


def _scores(arm: Arm, cells: list[tuple[Cell, Held]]) -> ArmScores:
    frame = pl.concat([held.table("scores") for _, held in cells], how="diagonal_relaxed")
    return ArmScores(arm, frame, tuple(cells))  # type: ignore[arg-type]


def forecasts(place: Place, model: Any, protocol: str) -> Study:
    """One simulated recording of 30 s at 5 Hz, streamed by the forecast runner."""
    values = simulate_breathing(seconds=30.0, rate_hz=5.0, seed=place.key).values.copy()
    series = Series("simulated", "simulated person", values, 0.2, "mm", CHANNELS, points=3, reason="synthetic")
    arm = Arm(SimulatedBreathing(), AHEAD, model, protocol)
    made = run_forecast(task=AHEAD, model=model, protocol=protocol, search=None, seeds=(0,), samples=[series])
    return Study([_scores(arm, [(Cell(arm, ("simulated",)), Held(tuple(made)))])])


# Models that commit what a check looks for


@dataclass(frozen=True)
class Misjudging:
    """A logistic regression whose log odds are multiplied and moved; with `fails`, its first prediction is not a number."""

    slope: float = 1.0
    shift: float = 0.0
    fails: bool = False
    stochastic: ClassVar[bool] = False

    def fit(self, train: Any, validation: Any, seed: int) -> Any:
        return _Misjudged(self, LogisticRegression().fit(train, validation, seed))


@dataclass(frozen=True)
class _Misjudged:
    how: Misjudging
    fitted: Any

    def predict(self, inputs: Array) -> Array:
        risk = self.fitted.predict(inputs)[:, 1].clip(1e-9, 1 - 1e-9)
        moved = 1 / (1 + np.exp(-(self.how.slope * np.log(risk / (1 - risk)) + self.how.shift)))
        if self.how.fails:
            moved[0] = math.nan
        return np.column_stack([1 - moved, moved])


@dataclass(frozen=True)
class Peeking:
    """A forecaster that finds the rest of the record behind the part it was handed, and repeats it."""

    stochastic: ClassVar[bool] = False

    def start(self, setting: Any, warm_up: Array, seed: int) -> Any:
        return _Peeks(warm_up if warm_up.base is None else warm_up.base, setting.horizons)


class _Peeks:
    def __init__(self, record: Array, horizons: tuple[int, ...]) -> None:
        self.record, self.horizons, self.clock = record, horizons, -1

    def observe(self, sample: Array) -> None:
        self.clock += 1

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        """Nothing to learn: it knows."""

    def predict(self) -> Array:
        return np.stack([self.record[min(self.clock + ahead, len(self.record) - 1)] for ahead in self.horizons])

    def state(self) -> dict[str, Array]:
        return {}


# Tables with something changed


def rows(table: Table, **columns: Any) -> Table:
    """The same table with other columns of rows; a colon in a name is written as two underscores."""
    made = [pl.Series(name.replace("__", ":"), values) for name, values in columns.items()]
    return replace(table, rows=table.rows.with_columns(made))


def features(table: Table, **columns: Any) -> Table:
    made = [pl.Series(name, values, nan_to_null=True) for name, values in columns.items()]
    return replace(table, features=table.features.with_columns(made))


def values(table: Table, name: str) -> NDArray[Any]:
    return table.rows[name].to_numpy().copy()


def members(table: Table) -> tuple[int, NDArray[np.intp]]:
    """How many subjects, and which of them each record is of."""
    names, member = np.unique(values(table, "subject").astype(str), return_inverse=True)
    return len(names), member


def halved(table: Table, draw: np.random.Generator) -> NDArray[Any]:
    """Half of the subjects test, the others train: a part for every record."""
    count, member = members(table)
    return np.where((draw.permutation(count) % 2)[member] == 1, "test", "train").astype(object)


def pair_across(table: Table, part: NDArray[Any], draw: np.random.Generator, labels: str = "any") -> tuple[int, int]:
    """A test record and one of train, another subject's; with other labels where that is asked."""
    target = values(table, "target")
    tested = int(draw.choice(np.flatnonzero(part == "test")))
    others = np.flatnonzero((part == "train") & ((target != target[tested]) | (labels == "any")))
    return tested, int(draw.choice(others))


def copied(table: Table, to: int, of: int) -> Table:
    """The features of one record given to another."""
    order = np.arange(table.height)
    order[to] = of
    return replace(table, features=table.features[order])


def dealt_among(target: Array, chosen: NDArray[np.bool_], draw: np.random.Generator) -> Array:
    """The labels of some records dealt anew among them: they then say nothing."""
    made = target.copy()
    made[chosen] = draw.permutation(target[chosen])
    return made
