"""First records: each model's figure on the first asked record of each sequence, against a library; and how the terminal says it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from hilum.core.row import Estimate
from hilum.core.run import CellFolder, RunFolder
from hilum.report.contents import Contents
from hilum.report.groups import POOLED, first_records
from hilum.report.privacy import Privacy
from hilum.report.tables import TableArm, Tables, metrics_of
from hilum.report.terminal import _first_table
from tests.report.test_report import printed

OPEN = Privacy("00", frozenset(), restricted=False, identified=False)
PATIENTS = 80


def predictions(seed: int, *, skill: float, runs: tuple[int, ...] = (0,)) -> pl.DataFrame:
    """Three records of each patient, in no order; what is said of the later ones is nearer to the truth."""
    died = np.random.default_rng(0).integers(0, 2, PATIENTS)
    rng = np.random.default_rng(seed)
    rows = []
    for run in runs:
        for patient in range(PATIENTS):
            for step in (5, 2, 9):
                risk = 1 / (1 + np.exp(-skill * step * (died[patient] - 0.5) - rng.normal()))
                rows.append((f"r{patient}-{step}", f"p{patient}", f"s{patient}", step, patient % 4, run, risk))
    names = ("item", "subject", "sequence", "step", "fold", "seed", "p:1")
    frame = pl.DataFrame(rows, schema=names, orient="row")
    target = pl.Series("target", [float(died[int(name[1:])]) for name in frame["subject"]])
    return frame.with_columns(target, (1 - pl.col("p:1")).alias("p:0"))


def tables_of(folder: Path, frames: dict[str, pl.DataFrame], kind: str = "classify") -> Tables:
    """Arms whose cells hold these predictions; the one that is called Constant is the trivial predictor."""
    arms = []
    for place, (name, frame) in enumerate(frames.items()):
        (folder / name).mkdir(parents=True)
        for stored in ("predictions", "scores"):
            frame.write_parquet(folder / name / f"{stored}.parquet")
        trivial = name == "Constant"
        arms.append(TableArm(name, name, name, trivial, "", {}, place, (CellFolder(folder / name),), None, (), {}))
    leading = metrics_of(kind)["auroc" if kind == "classify" else "rmse"]
    return Tables(kind, ("lived", "died"), tuple(arms), leading, None, (), {}, {}, ())


def test_first_records_are_the_earliest_of_each_sequence(tmp_path: Path) -> None:
    frames = {"A": predictions(1, skill=0.3, runs=(0, 1)), "B": predictions(2, skill=0.1)}
    found = first_records(tables_of(tmp_path, frames), OPEN)
    assert [group.column for group in found] == ["A", "B"]
    for group, frame in zip(found, frames.values(), strict=True):
        own = frame.filter(pl.col("step") == 2)
        each = [
            roc_auc_score(part["target"], part["p:1"]) for _, part in own.group_by("fold", "seed", maintain_order=True)
        ]
        assert group.estimate.value is not None
        assert group.estimate.value == pytest.approx(np.mean(each))
        assert group.estimate.interval is not None
        assert group.estimate.interval.low < group.estimate.value < group.estimate.interval.high
        assert (group.subjects, group.records) == (PATIENTS, PATIENTS)
        assert group.events == own.filter(pl.col("seed") == 0)["target"].sum()


def test_nothing_without_steps_or_with_one_record_each(tmp_path: Path) -> None:
    frame = predictions(1, skill=0.3)
    assert not first_records(tables_of(tmp_path / "a", {"A": frame.drop("step")}), OPEN)
    assert not first_records(tables_of(tmp_path / "b", {"A": frame.filter(pl.col("step") == 5)}), OPEN)


def test_few_subjects_of_restricted_data_are_withheld(tmp_path: Path) -> None:
    few = predictions(1, skill=0.3).filter(pl.col("subject").is_in([f"p{n}" for n in range(8)]))
    restricted = Privacy("00", frozenset(), restricted=True, identified=False)
    (group,) = first_records(tables_of(tmp_path, {"A": few}), restricted)
    assert group.subjects is None
    assert group.estimate.value is None


def test_the_terminal_says_both_of_every_arm(tmp_path: Path) -> None:
    frames = {"A": predictions(1, skill=0.3, runs=(0, 1)), "Constant": predictions(2, skill=0.0)}
    tables = tables_of(tmp_path, frames)
    contents = Contents(RunFolder(tmp_path), {"arms": []}, (), (), ())
    for name, told in (("A", r"A +0\.\d+ \(0\.\d+ to 0\.\d+\) +\d"), ("Constant", "one seed: not known")):
        text = "\n".join(printed(part, 80) for part in _first_table(contents, tables))
        assert max(map(len, text.splitlines())) <= 80
        line = next(line for line in text.splitlines() if line.startswith(f"{name} "))
        assert re.search(told, line)
    alone = tables_of(tmp_path / "alone", {"B": frames["Constant"].drop("step")})
    (sentence,) = _first_table(contents, alone)
    assert "one seed: not known" in printed(sentence, 80)
    both = tables_of(tmp_path / "both", {name: frame.drop("step") for name, frame in frames.items()})
    (sentence,) = _first_table(contents, both)
    told = " ".join(printed(sentence, 80).split())
    assert re.search(r"variance: A \d+(\.\d+)? %; Constant - one seed: not known\.", told)


def test_a_constant_ranks_nobody_where_folds_are_pooled(tmp_path: Path) -> None:
    """Its risk differs from fold to fold; with too few deaths in a fold the folds are pooled, and would be ranked by it."""
    frame = predictions(1, skill=0.3).filter(pl.col("target").eq(0) | pl.col("subject").str.slice(1).cast(int).lt(24))
    risk = 0.4 + 0.01 * pl.col("fold")
    flat = frame.with_columns(risk.alias("p:1"), (1 - risk).alias("p:0"))
    model, constant = first_records(tables_of(tmp_path, {"A": frame, "Constant": flat}), OPEN)
    assert model.estimate.value is not None
    assert constant.estimate == Estimate(None, None, POOLED)
    assert constant.events == model.events
