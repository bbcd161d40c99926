"""Prediction sets in reports: held as often as was asked on data where that is known, cut by others only, and a case by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hilum.core.row import Estimate
from hilum.report.contents import Line
from hilum.report.sets import sets_of
from hilum.report.tables import Tables
from tests.report.test_first_records import tables_of


def best_of(folder: Path, frame: pl.DataFrame, kind: str = "classify") -> Tables:
    tables = tables_of(folder, {"A": frame}, kind)
    name = tables.leading.name
    line = Line("A", "A", "", name, name, "1", tables.leading.direction, None, None, Estimate(0.9, None))
    return replace(tables, arms=(replace(tables.arms[0], lines={name: line}),))


def records(patients: int, seed: int = 0, each: int = 2) -> pl.DataFrame:
    """Outcomes drawn from the very risks that are said, and a number with an error of s.d. 2."""
    rng = np.random.default_rng(seed)
    n = patients * each
    risk = rng.beta(0.6, 0.6, n)
    number = rng.uniform(20, 30, n)
    whose = np.repeat(np.arange(patients), each)
    return pl.DataFrame(
        {
            "item": [f"r{k}" for k in range(n)], "subject": [f"p{k}" for k in whose], "fold": whose % 5, "seed": 0,
            "target": (rng.random(n) < risk).astype(float), "p:0": 1 - risk, "p:1": risk,
            "number": number, "beside": number + rng.normal(0, 2, n),
        }
    )  # fmt: skip


def test_nine_in_ten_are_held(tmp_path: Path) -> None:
    classes, number = sets_of(best_of(tmp_path, records(1500)))
    for one in (classes, number):
        assert one.coverage.value == pytest.approx(0.9, abs=0.02)
        assert one.coverage.interval is not None
        assert one.coverage.interval.n == 1500
        assert one.records == 3000
    shares = [float(text.split()[0]) for _, text in classes.shape]
    assert [name for name, _ in classes.shape] == ["one class", "both classes", "no class"]
    assert sum(shares) == pytest.approx(100, abs=0.2)
    assert (number.what, number.shape[0][1].split()[1]) == ("remaining days", "days")
    assert float(number.shape[0][1].split()[0]) == pytest.approx(2 * 1.645 * 2, rel=0.06)


def test_by_hand_and_by_others_only(tmp_path: Path) -> None:
    """Fold 0 errs by 1, fold 1 by 3, ten subjects each: each is cut with the other's error."""
    frame = pl.DataFrame(
        {
            "item": [f"r{k}" for k in range(20)], "fold": [0] * 10 + [1] * 10, "seed": 0,
            "target": [11.0] * 10 + [13.0] * 10, "prediction": 10.0,
        }
    )  # fmt: skip
    (found,) = sets_of(best_of(tmp_path, frame, "regress"))
    assert found.coverage.value == 0.5  # +-3 holds an error of 1, +-1 holds none of 3
    assert found.shape == (("median width", "4.00"),)  # widths 6 and 2, ten of each


def test_a_subject_never_cuts_its_own_set(tmp_path: Path) -> None:
    """Everybody is in both folds: nobody is left to cut with."""
    frame = records(30)
    twice = pl.concat([frame.with_columns(fold=pl.lit(k, pl.Int64)) for k in (0, 1)])
    assert sets_of(best_of(tmp_path / "a", twice)) == ()
    assert sets_of(best_of(tmp_path / "b", frame.with_columns(fold=pl.lit(0, pl.Int64)))) == ()


def test_too_few_subjects_hold_everything(tmp_path: Path) -> None:
    classes, number = sets_of(best_of(tmp_path, records(8)))
    assert dict(classes.shape)["both classes"] == "100.0 %"
    assert number.shape[0][1] == "everything: too few subjects"
    assert classes.coverage.value == number.coverage.value == 1.0
