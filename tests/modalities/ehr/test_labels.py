"""Labels on hand-worked stays, and KDIGO against a plain loop."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.modalities.ehr.labels import (
    creatinine_next_day,
    icu_death,
    kdigo,
    remaining_stay,
    sepsis3,
    sofa,
    suspected_infection,
)
from hilum.modalities.ehr.rules import Rules
from tests.modalities.ehr.hand import START, clock, stay


def plain_creatinine(values: dict[int, float]) -> dict[int, int]:
    stages = {}
    for now, c in values.items():
        week = min(v for hour, v in values.items() if now - 168 < hour <= now)
        days = min(v for hour, v in values.items() if now - 48 < hour <= now)
        risen = c >= days + 0.3 or c >= 1.5 * week
        stages[now] = 3 if c >= 3 * week or (c >= 4 and risen) else 2 if c >= 2 * week else 1 if risen else 0
    return stages


@given(
    st.dictionaries(
        st.integers(-40, 220), st.sampled_from([0.5, 0.8, 1.0, 1.3, 1.6, 2.1, 3.1, 4.2]), min_size=1, max_size=25
    )
)
@settings(max_examples=60, deadline=None)
def test_creatinine_stages_equal_a_plain_loop(values: dict[int, float]) -> None:
    found = kdigo.creatinine_stage(clock({"crea": [(hour + 0.5, value) for hour, value in values.items()]}))
    assert dict(found.select("hour", "stage").rows()) == plain_creatinine(values)


def plain_urine(volumes: dict[int, float], weight: float, rule: str) -> dict[int, int]:
    """Stages at the hours that the rule judges."""
    hours = sorted(volumes)
    rates: dict[int, float] = {}
    for before, hour in zip([None, *hours], hours, strict=False):
        gap = None if before is None else hour - before
        per_kg = volumes[hour] / weight
        if rule == "yaib":
            rates[hour] = per_kg / (1 if gap is None or gap + 1 > 24 else gap + 1)
        elif rule == "spread":
            covered = 1 if gap is None or gap > 24 else gap
            rates |= {hour - back: per_kg / covered for back in range(covered)}
        else:
            rates |= {hour - back: 0.0 for back in range(1, gap or 1)} | {hour: per_kg}
    stages = {}
    for now in rates:
        total = {w: sum(rate for hour, rate in rates.items() if now - w < hour <= now) for w in (6, 12, 24)}
        whole = {w: rule != "spread" or all(now - back in rates for back in range(w)) for w in (6, 12, 24)}
        u = {w: total[w] / (1 if rule == "yaib" else w) for w in total if now >= w and whole[w]}
        u = {w: round(value, 6) for w, value in u.items()}
        stages[now] = (
            3 if u.get(24, 9) < 0.3 or u.get(12, 9) == 0 else 2 if u.get(12, 9) < 0.5 else 1 if u.get(6, 9) < 0.5 else 0
        )
    return stages


@given(
    st.dictionaries(st.integers(0, 60), st.sampled_from([0.0, 7.0, 23.0, 61.0, 130.0, 410.0]), min_size=1, max_size=25),
    st.sampled_from(["yaib", "mean", "spread"]),
)
@settings(max_examples=60, deadline=None)
def test_urine_stages_equal_a_plain_loop(volumes: dict[int, float], rule: str) -> None:
    values = {"urine": [(hour + 0.5, volume) for hour, volume in volumes.items()], "weight": [(0.0, 70.0)]}
    found = kdigo.urine_stage(clock(values, rules=Rules(urine_rate=rule)))
    assert dict(found.select("hour", "stage").rows()) == plain_urine(volumes, 70.0, rule)


def test_a_missing_weight() -> None:
    values = {"urine": [(hour + 0.5, 20.0) for hour in range(30)]}  # 0.27 mL/kg/h at 75 kg
    found = {}
    for choice in ("no urine criterion", "75 kg", "undivided"):
        made = kdigo.label(clock(values, rules=Rules(missing_weight=choice)))
        found[choice] = made["onset"].to_list()
    assert found == {"no urine criterion": [], "75 kg": [6], "undivided": []}


def test_the_published_sum_hides_what_the_mean_shows() -> None:
    """20 mL an hour at 80 kg is 0.25 mL/kg/h: oliguria. Summed over six hours it is 1.5, and never below 0.5."""
    values = {"urine": [(hour + 0.5, 20.0) for hour in range(30)], "weight": [(0.0, 80.0)]}
    onset = {
        rule: kdigo.label(clock(values, rules=Rules(urine_rate=rule)))["onset"].to_list()
        for rule in ("yaib", "spread", "mean")
    }
    assert onset == {"yaib": [], "spread": [6], "mean": [6]}


def test_simple_labels() -> None:
    made = clock(
        {"crea": [(24.5, 9.0), (25.5, 1.0), (30.5, 3.0), (48.5, 2.0), (49.5, 9.0)]}, stays=stay(hours=50.2, died=True)
    )
    assert icu_death.label(made).rows() == [(1, 1.0)]
    assert creatinine_next_day.label(made).rows() == [(1, 2.0)]
    left = remaining_stay.label(made)
    assert left.rows()[:2] == [(1, 0, 50.0), (1, 1, 49.0)]
    assert left.rows()[-1] == (1, 50, 0.0)
    long = remaining_stay.label(clock({}, stays=stay(hours=400.0)))
    assert (long.height, long["label"].to_list()[0], long["label"].to_list()[-1]) == (169, 168.0, 168.0)


@pytest.mark.parametrize(
    ("values", "organ", "points"),
    [
        ({"plt": 140}, "coagulation", 1),
        ({"plt": 20}, "coagulation", 3),
        ({"plt": 19}, "coagulation", 4),
        ({"bili": 1.2}, "liver", 1),
        ({"bili": 12}, "liver", 4),
        ({"map": 69}, "circulation", 1),
        ({"dobutamine": 0.1}, "circulation", 2),
        ({"dopamine": 5.1}, "circulation", 3),
        ({"norepinephrine": 0.1}, "circulation", 3),
        ({"epinephrine": 0.11}, "circulation", 4),
        ({"crea": 1.2}, "kidney", 1),
        ({"crea": 5.0}, "kidney", 4),
        ({"po2": 80.0}, "respiration", 1),  # room air: 381
        ({"po2": 80.0, "fio2": 50.0}, "respiration", 2),  # 160 without a ventilator
        ({"po2": 80.0, "fio2": 50.0, "ventilated": 1.0}, "respiration", 3),
        ({"po2": 80.0, "fio2": 100.0, "ventilated": 1.0}, "respiration", 4),
        ({"gcs_total": 14}, "nerves", 1),
        ({"gcs_eye": 1, "gcs_verbal": 1, "gcs_motor": 3}, "nerves", 4),
        ({"gcs_motor": 5}, "nerves", 1),  # what is missing counts as normal
    ],
)
def test_points_of_each_organ(values: dict[str, float], organ: str, points: int) -> None:
    scores = sofa.score(clock({concept: [(2.5, value)] for concept, value in values.items()}))
    at = scores.filter(pl.col("hour") == 2)
    assert at[organ].to_list() == [points]
    assert at["sofa"].to_list() == [points]


def test_points_stay_for_a_day() -> None:
    scores = sofa.score(clock({"plt": [(2.5, 60.0), (6.5, 300.0)]}))
    assert scores.filter(pl.col("hour").is_in([1, 2, 25, 26]))["coagulation"].to_list() == [0, 2, 2, 0]
    assert sofa.label(clock({"plt": [(2.5, 60.0)]})).columns == ["stay_id", "hour", "label"]


def test_urine_of_a_day() -> None:
    few = sofa.score(clock({"urine": [(hour + 0.5, 15.0) for hour in range(30)]}))  # 360 mL a day
    assert few.filter(pl.col("hour") == 10)["kidney"].to_list() == [0]  # not before 12 hours of records
    assert few.filter(pl.col("hour") == 11)["kidney"].to_list() == [3]


DAILY = [(hour, 1.0) for hour in (10.5, 30.5, 50.5, 70.5)]


@pytest.mark.parametrize(
    ("antibiotics", "culture", "onset"),
    [
        (DAILY, [(0.5, 1.0)], [0]),
        (DAILY, [(60.5, 1.0)], [10]),
        (DAILY, [(83.5, 1.0)], []),
        ([(10.5, 1.0), (30.5, 1.0)], [(10.5, 1.0)], []),  # two doses are no course
        ([(10.5, 1.0), (40.5, 1.0), (60.5, 1.0)], [(10.5, 1.0)], []),  # a gap of 30 hours
        (DAILY, [], []),
    ],
)
def test_suspected_infection(
    antibiotics: list[tuple[float, float]], culture: list[tuple[float, float]], onset: list[int]
) -> None:
    made = clock({"antibiotic": antibiotics, "culture": culture}, stays=stay(hours=100.0))
    assert suspected_infection.label(made)["onset"].to_list() == onset
    alone = replace(made, rules=Rules(suspected_infection="antibiotics"))
    assert suspected_infection.label(alone)["onset"].to_list() == ([10] if antibiotics is DAILY else [])


def test_death_shortens_the_course() -> None:
    dying = stay(hours=30.0, died=True, death=START + timedelta(hours=30))
    made = clock({"antibiotic": [(10.5, 1.0)], "culture": [(10.5, 0.0)]}, stays=dying)
    assert suspected_infection.label(made)["onset"].to_list() == [10]
    grown = replace(made, rules=Rules(culture="grown"))
    assert suspected_infection.label(grown)["onset"].to_list() == []


def test_sepsis_is_a_rise_near_a_suspicion() -> None:
    infected = {"antibiotic": DAILY, "culture": [(10.5, 1.0)]}
    made = clock({**infected, "plt": [(1.5, 300.0), (20.5, 60.0)]}, stays=stay(hours=100.0))
    assert sepsis3.label(made).rows() == [(1, 20)]
    late = clock({**infected, "plt": [(1.5, 300.0), (40.5, 60.0)]}, stays=stay(hours=100.0))
    assert sepsis3.label(late).rows() == []
