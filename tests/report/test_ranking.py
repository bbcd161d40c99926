"""Whether records can rank models: counts and differences by hand, and what the report says then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from hilum.core.row import Estimate
from hilum.report.contents import Line
from hilum.report.ranking import difference, ranking
from hilum.report.tables import Tables
from tests.report.test_first_records import tables_of


def frame_of(seed: int, skill: float, *, patients: int, events: int, runs: tuple[int, ...] = (0,)) -> pl.DataFrame:
    """One record a patient, in an order of its own; the first `events` patients have the outcome."""
    rng = np.random.default_rng(seed)
    target = np.arange(patients) < events
    parts = []
    for run in runs:
        risk = 1 / (1 + np.exp(-skill * (target - 0.5) - rng.normal(size=patients)))
        names = [f"r{n}" for n in range(patients)]
        part = pl.DataFrame(
            {"item": names, "subject": names, "fold": np.arange(patients) % 2, "p:0": 1 - risk, "p:1": risk}
        )
        parts.append(part.with_columns(pl.Series("target", target.astype(float)), pl.lit(run).alias("seed")))
    return pl.concat(parts).sample(fraction=1.0, shuffle=True, seed=seed)


def over_folds(frame: pl.DataFrame) -> float:
    return float(np.mean([roc_auc_score(p["target"], p["p:1"]) for _, p in frame.group_by("fold", "seed")]))


def ranked_tables(folder: Path, frames: dict[str, pl.DataFrame]) -> Tables:
    """As `tables_of`, with the figure of every arm."""
    tables = tables_of(folder, frames)
    arms = []
    for arm in tables.arms:
        value = over_folds(frames[arm.name])
        line = Line(arm.id, arm.name, "", "auroc", "AUROC", "1", "higher", None, None, Estimate(value, None))
        arms.append(replace(arm, lines={"auroc": line}))
    return replace(tables, arms=tuple(arms))


def constant(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.col("seed") == 0).with_columns(pl.lit(0.5).alias("p:0"), pl.lit(0.5).alias("p:1"))


def said(folder: Path, skills: tuple[float, float], *, patients: int, events: int) -> str:
    first, second = (frame_of(n, skill, patients=patients, events=events) for n, skill in enumerate(skills, 1))
    found = ranked_tables(folder, {"Constant": constant(first), "A": first, "B": second}).ranking
    assert found is not None
    return found.sentence


@pytest.mark.parametrize(
    ("patients", "events", "counts"),
    [
        (70, 21, "70 subjects, 21 with the outcome"),
        (99, 50, "99 subjects, 49 with class lived"),
        (400, 29, "400 subjects, 29 with the outcome"),
        (400, 380, "400 subjects, 20 with class lived"),
    ],
)
def test_too_few_rank_nothing(tmp_path: Path, patients: int, events: int, counts: str) -> None:
    told = said(tmp_path, (4.0, 0.1), patients=patients, events=events)
    assert told == f"{counts}: too few to rank models; the highest figure is A's."


def test_a_best_model_must_be_apart_from_the_second_and_from_the_constant(tmp_path: Path) -> None:
    assert said(tmp_path / "a", (4.0, 0.3), patients=300, events=120).startswith("A is called the best of 2 models")
    alike = said(tmp_path / "b", (1.5, 1.5), patients=300, events=120)
    assert "do not rank the models: AUROC of " in alike
    assert "called the best" not in alike
    nothing = said(tmp_path / "c", (0.0, 0.0), patients=300, events=120)
    assert "less that of Constant is" in nothing


def test_one_model_is_not_ranked(tmp_path: Path) -> None:
    assert ranking(ranked_tables(tmp_path, {"A": frame_of(1, 1.0, patients=200, events=80)})) is None


def test_the_difference_is_that_of_the_figures(tmp_path: Path) -> None:
    """Rows lie in different orders, and one side has one seed."""
    frames = {
        "A": frame_of(1, 1.0, patients=150, events=60, runs=(0, 1, 2)),
        "B": frame_of(2, 0.8, patients=150, events=60, runs=(7,)),
    }
    tables = ranked_tables(tmp_path, frames)
    a, b = tables.arms
    found = difference(tables, a, b)
    back = difference(tables, b, a)
    assert found is not None
    assert back is not None
    assert found[0] == pytest.approx(over_folds(frames["A"]) - over_folds(frames["B"]))
    assert back == pytest.approx((-found[0], -found[2], -found[1]), abs=0.02)
    assert found[1] < found[0] < found[2]
