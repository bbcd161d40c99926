"""Horizons and parts in seconds mean the same at every rate; what makes no sense is refused with what would."""

from __future__ import annotations

import pytest

from hilum.core.data import Field, bind
from hilum.core.errors import UsageError
from hilum.tasks.position_ahead import PositionAhead
from hilum.tasks.signal_ahead import SignalAhead


def test_horizons_are_whole_samples_or_the_closest_is_named() -> None:
    assert SignalAhead().horizons(0.1) == (5, 10, 20)
    assert SignalAhead(horizons_s=(1 / 3,)).horizons(1 / 30) == (10,)
    with pytest.raises(UsageError, match=r"0\.5 s ahead is no whole number of samples at 15 Hz") as raised:
        SignalAhead().horizons(1 / 15)
    assert raised.value.do == "Ask for 0.5333 s"
    with pytest.raises(UsageError, match=r"Ask for 2 s"):
        SignalAhead().horizons(2.0)


def test_parts_follow_each_other_and_end_with_the_record() -> None:
    task = SignalAhead(train_s=10.0, score_from_s=20.0)
    assert task.parts(300, 0.1) == {"train": (0, 100), "choose": (100, 200), "score": (200, 300)}
    assert task.parts(150, 0.1) == {"train": (0, 100), "choose": (100, 150), "score": (150, 150)}
    assert task.parts(50, 0.1)["train"] == (0, 50)


@pytest.mark.parametrize(
    "settings",
    [
        {"horizons_s": ()},
        {"horizons_s": (1.0, 0.5)},
        {"horizons_s": (0.0,)},
        {"horizons_s": (float("nan"),)},
        {"horizons_s": (1.0, float("inf"))},
        {"train_s": 0.0},
        {"score_from_s": 5.0},
        {"score_from_s": float("inf")},
    ],
)
@pytest.mark.parametrize("task", [PositionAhead, SignalAhead])
def test_what_makes_no_sense_is_refused(task: type, settings: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=task.__name__):
        task(**settings)


def test_a_signal_may_have_any_unit_and_a_position_is_in_mm() -> None:
    volts = {"series": Field("belt", "series", "V")}
    assert bind(volts, SignalAhead().needs, dataset="d", task="t")["series"].unit == "V"
    with pytest.raises(UsageError, match="in V"):
        bind(volts, PositionAhead().needs, dataset="d", task="t")
    assert (SignalAhead.leading_metric, SignalAhead.trivial) == ("nrmse", "hold_last")
