"""Certainty: ranges beside predictions, from stored predictions of test parts, against truths that are known."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from hilum.engine.tables.certainty import of_number, of_risk


def said_by_folds(subjects: int, each: int = 3, seed: int = 0) -> tuple[pl.DataFrame, np.ndarray]:
    """A model that says p where the true risk is p / 2; and the true risk of every row."""
    random = np.random.default_rng(seed)
    said = random.uniform(0.05, 0.95, subjects * each)
    true = said / 2
    frame = pl.DataFrame(
        {
            "item": [f"r{n}" for n in range(said.size)],
            "subject": [f"p{n // each}" for n in range(said.size)],
            "target": (random.random(said.size) < true).astype(float),
            "p:0": 1 - said,
            "p:1": said,
        }
    )
    return frame, true


def test_the_observed_share_is_the_true_risk_not_the_said_one() -> None:
    frame, _ = said_by_folds(600)
    risk = np.array([0.2, 0.5, 0.8])
    ranges = of_risk(frame, risk, "died")
    assert ranges.columns["observed"] == pytest.approx(risk / 2, abs=0.05)
    assert (ranges.columns["low"] < risk / 2).all()
    assert (ranges.columns["high"] > risk / 2).all()
    assert "600 subjects" in ranges.notes[0]


def test_the_interval_widens_with_fewer_patients() -> None:
    few, many = (of_risk(said_by_folds(n)[0], np.array([0.5]), "died").columns for n in (40, 600))
    assert few["high"] - few["low"] > 2 * (many["high"] - many["low"])


def test_nothing_is_read_beyond_the_risks_that_were_given() -> None:
    ranges = of_risk(said_by_folds(100)[0], np.array([0.001, 0.5]), "died")
    assert math.isnan(ranges.columns["observed"][0])
    assert not math.isnan(ranges.columns["observed"][1])
    assert "1 record has a risk beyond" in ranges.notes[-1]


def test_few_patients_or_one_class_give_no_interval_and_say_why() -> None:
    frame, _ = said_by_folds(4)
    few = of_risk(frame, np.array([0.5]), "died")
    assert few.columns == {}
    assert few.notes[0].startswith("No observed share stands beside the risk: ")
    eight = of_risk(said_by_folds(8)[0], np.array([0.5]), "died")
    assert np.isnan(eight.columns["low"]).all()
    assert "8 subjects are too few for an interval" in eight.notes[0]
    one = of_risk(frame.with_columns(pl.lit(0.0).alias("target")), np.array([0.5]), "died")
    assert "one class" in one.notes[0]


def test_ninety_of_a_hundred_new_patients_lie_in_the_interval() -> None:
    random = np.random.default_rng(1)

    def stays(n: int) -> pl.DataFrame:
        left = random.exponential(5, n)
        return pl.DataFrame(
            {
                "item": [str(k) for k in range(n)],
                "subject": [str(k) for k in range(n)],
                "target": left,
                "prediction": left + random.normal(size=n),
            }
        )

    new = stays(4000)
    ranges = of_number(stays(400), new["prediction"].to_numpy(), "days")
    held = (new["target"].to_numpy() >= ranges.columns["days low"]) & (
        new["target"].to_numpy() <= ranges.columns["days high"]
    )
    assert held.mean() == pytest.approx(0.9, abs=0.03)
    assert "400 subjects" in ranges.notes[0]


def test_days_left_never_end_below_zero_and_few_patients_give_none() -> None:
    frame = pl.DataFrame(
        {
            "item": [str(n) for n in range(30)],
            "subject": [str(n) for n in range(30)],
            "beside": np.arange(30.0),
            "number": np.arange(30.0) + 3,
        }
    )
    ranges = of_number(frame, np.array([1.0, 10.0]), "days_left")
    assert ranges.columns["days_left low"].tolist() == [0.0, 7.0]
    assert ranges.columns["days_left high"].tolist() == [4.0, 13.0]
    few = of_number(frame.head(5), np.array([1.0]), "days_left")
    assert few.columns == {}
    assert "5 tested subjects are too few" in few.notes[0]
