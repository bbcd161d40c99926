"""The runner alone hands out labels: when they have arrived, or early where a paper did so; and its probe tells which."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError
from hilum.core.experiment import Arm, Search, cells
from hilum.core.kinds.forecast import ForecastSetting
from hilum.datasets.simulated_breathing.dataset import SimulatedBreathing
from hilum.engine.forecasts.choose import choose
from hilum.engine.forecasts.probe import probe
from hilum.engine.forecasts.stream import stream_all, stream_record
from hilum.engine.forecasts.views import SeriesView
from hilum.engine.runners.forecast import run
from hilum.modalities.series.sample import Series
from hilum.models.hold_last import HoldLast
from hilum.models.least_mean_squares import LeastMeanSquares
from hilum.tasks.position_ahead import PositionAhead

Array = NDArray[np.float64]
SETTING = ForecastSetting(channels=1, horizons=(1, 3), seconds_per_sample=0.1, unit="mm")
TASK = PositionAhead(horizons_s=(0.1, 0.3), train_s=3.0, score_from_s=6.0)


@dataclass(frozen=True)
class Spy:
    """Writes down every call."""

    peeks: bool = False
    stochastic: ClassVar[bool] = False

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> _Spying:
        return _Spying(setting)


class _Spying:
    def __init__(self, setting: ForecastSetting) -> None:
        self.setting = setting
        self.calls: list[tuple[str, int, int, float]] = []
        self.clock = -1
        self.last = np.zeros(setting.channels)

    def observe(self, sample: Array) -> None:
        self.clock += 1
        self.last = sample.copy()

    def learn(self, origin: int, horizon: int, target: Array) -> None:
        self.calls.append(("learn", self.clock, origin + horizon, float(target[0])))

    def predict(self) -> Array:
        self.calls.append(("predict", self.clock, 0, 0.0))
        return np.stack([self.last for _ in self.setting.horizons])

    def state(self) -> dict[str, Array]:
        return {"last": self.last}

    def restore(self, state: dict[str, Array]) -> None:
        self.last = state["last"]


def walk(samples: int = 100, channels: int = 1, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((samples, channels)).cumsum(axis=0)


def series(values: Array) -> Series:
    names = tuple(f"c{i}" for i in range(values.shape[1]))
    return Series(item="walk", subject="s", values=values, seconds_per_sample=0.1, unit="mm", channels=names, points=0)


def spy(protocol: str, values: Array) -> list[tuple[str, int, int, float]]:
    return stream_record(Spy(), SETTING, values, 10, protocol, 0).forecaster.calls  # type: ignore[attr-defined,no-any-return]


def test_causal_labels_have_just_arrived() -> None:
    values = walk(20)
    calls = spy("causal", values)
    learned = [call for call in calls if call[0] == "learn"]
    assert all(label == clock for _, clock, label, _ in learned)
    assert all(value == values[label, 0] for _, _, label, value in learned)
    assert len(learned) == (20 - 1) + (20 - 3)
    for position, call in enumerate(calls):  # every forecast comes after the labels of its own sample
        if call[0] == "learn":
            assert ("predict", call[1], 0, 0.0) in calls[position:]


def test_published_labels_lie_ahead_by_h() -> None:
    calls = spy("published", walk(20))
    ahead = {label - clock for kind, clock, label, _ in calls if kind == "learn"}
    assert ahead == {1, 3}


def test_labels_ahead_are_counted_from_the_next_forecast() -> None:
    assert stream_record(Spy(), SETTING, walk(20), 10, "published", 0).labels_ahead == (0, 2)
    assert stream_record(Spy(), SETTING, walk(20), 10, "causal", 0).labels_ahead == (0, 0)


def test_forecasts_stand_at_the_time_they_are_for() -> None:
    values = walk(30)
    forecasts = stream_record(HoldLast(), SETTING, values, 10, "causal", 0).forecasts
    assert np.array_equal(forecasts[0, 1:], values[:-1])
    assert np.array_equal(forecasts[1, 3:], values[:-3])
    assert np.isnan(forecasts[1, :3]).all()


def test_the_probe_sees_the_published_order_and_nothing_else() -> None:
    values = walk(200, channels=2)
    setting = ForecastSetting(2, (1, 3), 0.1, "mm")
    parts = TASK.parts(200, 0.1)
    chosen = [LeastMeanSquares(history=4, rate=1e-3)] * 2
    for protocol, moved in (("causal", False), ("published", True)):
        full = stream_all(chosen, setting, values, 30, protocol, 0)
        found = probe(chosen, setting, values, parts, protocol, 0, full)
        assert found["1"]["truncated_max_difference"] == 0
        assert found["1"]["perturbed_max_difference"] == 0
        assert (found["3"]["truncated_max_difference"] > 0) == moved
        assert (found["3"]["perturbed_max_difference"] > 0) == moved
        assert found["3"]["labels_ahead"] == (2 if moved else 0)


def test_choices_see_nothing_of_the_scored_part() -> None:
    values = walk(200)
    search = Search((("rate", (1e-4, 1e-2)), ("history", (2, 5))), "nrmse")
    parts = TASK.parts(200, 0.1)
    other = values.copy()
    other[parts["choose"][1] :] = np.random.default_rng(5).standard_normal((140, 1))
    first = choose(LeastMeanSquares(), search, SETTING, values, parts, "published", 0, 0)
    second = choose(LeastMeanSquares(), search, SETTING, other, parts, "published", 0, 0)
    assert first == second
    assert len(first) == len(SETTING.horizons)


def test_the_chosen_setting_is_the_best_on_the_choosing_part() -> None:
    values = walk(200)
    parts = TASK.parts(200, 0.1)
    candidates = (1e-4, 1e-3, 1e-2)
    chosen = choose(
        LeastMeanSquares(history=3), Search((("rate", candidates),), "rmse"), SETTING, values, parts, "causal", 0, 0
    )
    start, end = parts["choose"]
    for index, model in enumerate(chosen):
        losses = {}
        for rate in candidates:
            candidate = LeastMeanSquares(history=3, rate=rate)
            forecasts = stream_record(candidate, SETTING, values[:end], 30, "causal", 0).forecasts
            losses[rate] = float(np.mean((forecasts[index, start:end] - values[start:end]) ** 2))
        assert model.rate == min(losses, key=losses.__getitem__)  # type: ignore[attr-defined]


def test_an_outcome_holds_what_a_cell_stores() -> None:
    (outcome,) = run(
        task=TASK, model=HoldLast(), protocol="causal", search=None, seeds=(0,), samples=[series(walk(100))]
    )
    assert outcome.scores[0]["horizon"] == [1, 3]
    assert outcome.evidence["future"]["horizons"]["3"]["truncated_max_difference"] == 0
    assert outcome.split[0]["part"] == ["train", "choose", "score"]
    assert len(outcome.predictions[0]["time"]) == 2 * (100 - 60)


def test_a_record_that_is_too_short_is_refused_with_its_name() -> None:
    with pytest.raises(DataError, match=r"recording 'walk'.*nothing to score"):
        list(run(task=TASK, model=HoldLast(), protocol="causal", search=None, seeds=(0,), samples=[series(walk(61))]))


def test_unknown_protocols_and_metrics_are_refused() -> None:
    with pytest.raises(UsageError, match="no protocol 'magic'"):
        list(run(task=TASK, model=HoldLast(), protocol="magic", search=None, seeds=(0,), samples=[]))
    with pytest.raises(UsageError, match="no forecast metric"):
        choose(HoldLast(), Search((), "smell"), SETTING, walk(90), TASK.parts(90, 0.1), "causal", 0, 0)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.full((100, 1), np.nan), "every value is missing"),
        (np.zeros((1, 1)), "1 samples where 2 are needed"),
        (np.ones((100, 1)), "flat"),
    ],
)
def test_a_recording_that_cannot_be_used_is_refused_with_the_reason(values: Array, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        list(run(task=TASK, model=HoldLast(), protocol="causal", search=None, seeds=(0,), samples=[series(values)]))
    assert "recording 'walk'" in str(caught.value)


@dataclass(frozen=True)
class Lucky:
    """Forecasts the last value plus an offset that its seed draws; every third seed fails where `fails`."""

    offset: float = 1.0
    fails: bool = False
    stochastic: ClassVar[bool] = True

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> _Spying:
        running = HoldLast().start(setting, warm_up, seed)
        found = np.nan if self.fails and seed % 3 == 2 else self.offset * (1.0 if seed % 2 else 3.0)
        inner = running.predict
        running.predict = lambda: inner() + found  # type: ignore[method-assign]
        return running  # type: ignore[return-value]


def test_a_search_compares_the_mean_of_its_seeds_and_sets_failing_candidates_aside() -> None:
    values, parts = walk(200), TASK.parts(200, 0.1)
    over = (("offset", (2.0, 0.5)), ("fails", (True, False)))
    for seeds, expected in ((2, Lucky(0.5, True)), (3, Lucky(0.5, False))):
        chosen = choose(Lucky(), Search(over, "rmse", seeds=seeds), SETTING, values, parts, "causal", 0, 0)
        assert chosen == [expected, expected]


def test_settings_may_be_chosen_under_another_protocol_than_they_run_by() -> None:
    values, parts = walk(200), TASK.parts(200, 0.1)
    over = (("rate", (1e-5, 3e-2)),)
    model = LeastMeanSquares(history=3)
    early = choose(model, Search(over, "rmse", protocol="published"), SETTING, values, parts, "causal", 0, 0)
    assert early == choose(model, Search(over, "rmse"), SETTING, values, parts, "published", 0, 0)


@dataclass(frozen=True)
class Averaging:
    """Forecasts the mean of the recordings that it was pretrained on."""

    mean: float = 0.0
    stochastic: ClassVar[bool] = False

    def pretrain(self, others: list[Series], setting: ForecastSetting, seed: int) -> Averaging:
        return Averaging(float(np.mean([other.values.mean() for other in others])))

    def start(self, setting: ForecastSetting, warm_up: Array, seed: int) -> _Spying:
        running = _Spying(setting)
        running.predict = lambda: np.full((len(setting.horizons), setting.channels), self.mean)  # type: ignore[method-assign]
        return running


def test_a_pretrained_model_sees_other_recordings_and_the_evidence_says_which() -> None:
    others = [replace(series(walk(150, seed=k)), item=f"other-{k}", subject=None) for k in (1, 2)]
    asked = {"task": TASK, "protocol": "causal", "search": None, "seeds": (0,), "samples": [series(walk(100))]}
    (outcome,) = run(model=Averaging(), others=others, **asked)  # type: ignore[arg-type]
    expected = np.mean([other.values.mean() for other in others])
    assert np.allclose(outcome.predictions[0]["prediction:c0"], expected)
    assert outcome.evidence["personal"] is False
    assert outcome.evidence["pretraining"] == {"items": ["other-1", "other-2"], "subjects": [], "unknown": True}
    with pytest.raises(UsageError, match="HoldLast cannot be pretrained"):
        list(run(model=HoldLast(), others=others, **asked))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Scaled:
    """A view that multiplies the series, and likes one factor at the short horizon and another at the long one."""

    inner: SeriesView
    factor: float

    @property
    def series(self) -> Series:
        return replace(self.inner.series, values=self.factor * self.inner.series.values)

    @property
    def settings(self) -> dict[str, float]:
        return {"factor": self.factor}

    @property
    def fitted(self) -> dict[str, float]:
        return {"factor": self.factor}

    def statistics(self, horizon: int, first: int, forecasts: Array) -> dict[str, float]:
        return self.inner.statistics(horizon, first, forecasts / self.factor)

    def loss(self, horizon: int, first: int, forecasts: Array) -> float:
        assert first == 30
        assert len(forecasts) == 30
        return abs(self.factor - horizon)

    def keep(self, horizon: int, first: int, forecasts: Array) -> dict[str, Array]:
        return {"forecasts": forecasts}


@dataclass(frozen=True)
class Views(PositionAhead):
    """A task of three views."""

    def views(self, series: Series) -> tuple[Scaled, ...]:
        return tuple(Scaled(SeriesView.of(series), factor) for factor in (1.0, 2.0, 3.0))


def test_a_view_is_chosen_for_each_horizon_before_scoring_begins() -> None:
    task = Views(horizons_s=TASK.horizons_s, train_s=3.0, score_from_s=6.0)
    asked = {"model": HoldLast(), "protocol": "causal", "search": None, "seeds": (0,), "samples": [series(walk(100))]}
    (outcome,) = run(task=task, **asked)  # type: ignore[arg-type]
    (plain,) = run(task=TASK, **asked)  # type: ignore[arg-type]
    assert {h: chosen["factor"] for h, chosen in outcome.evidence["chosen"].items()} == {"1": 1.0, "3": 3.0}
    assert np.allclose(outcome.scores[0]["sum_sq"], plain.scores[0]["sum_sq"])
    assert list(outcome.evidence["future"]["horizons"]) == ["1", "3"]
    assert outcome.weights["view/h3/forecasts"].shape == (40, 1)
    assert outcome.preprocess["factor"] == 1.0


def test_settings_are_chosen_once_for_all_seeds_and_predictions_kept_of_the_first_five() -> None:
    search = Search((("offset", (2.0, 0.5)),), "rmse")
    searched, plain = (Arm(SimulatedBreathing(), TASK, Lucky(), "causal", each) for each in (search, None))
    assert [cell.seeds for cell in cells([searched], items=("a",), seeds=range(7))] == [tuple(range(7))]
    assert [len(cell.seeds) for cell in cells([plain], items=("a",), seeds=range(7))] == [5, 2]
    asked = {"task": TASK, "model": Lucky(), "protocol": "causal", "search": None, "samples": [series(walk(100))]}
    (outcome,) = run(seeds=tuple(range(7)), **asked)  # type: ignore[arg-type]
    assert [int(block["seed"]) for block in outcome.predictions] == list(range(5))
    assert sorted(set(outcome.scores[0]["seed"])) == list(range(7))
