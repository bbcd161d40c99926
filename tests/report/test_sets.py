"""Reports of several sets of arms: each by itself, its learning curve, and the controls beside the arm they are of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hilum
from hilum.core.experiment import Arm, Cell, Experiment
from hilum.core.run import RunFolder
from hilum.core.split import Rule
from hilum.datasets.table_file.dataset import TableFile
from hilum.engine.tables.runner import PERMUTED
from hilum.modalities.table.columns import Columns
from hilum.models.constant_prediction import ConstantPrediction
from hilum.models.logistic_regression import LogisticRegression
from hilum.report.contents import absent_cells, read_contents
from hilum.report.groups import groups_of
from hilum.report.learning import points_of
from hilum.report.privacy import privacy_of
from hilum.report.tables import Tables, read_every
from hilum.targets import Target
from hilum.tasks.predict_class import PredictClass

SHARES = (1.0, 0.5, 0.2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Nested folds in one set, plain ones with shares of train in another; 90 subjects at 45 sites."""
    folder = tmp_path_factory.mktemp("sets")
    draw = np.random.default_rng(0)
    lines = ["who,site,sick,x,y"]
    for n in range(90):
        sick = int(n % 3 == 0)
        lines.append(f"p{n:02d},s{n // 2:02d},{sick},{draw.normal() + 1.5 * sick:.4f},{draw.normal():.4f}")
    (folder / "people.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    dataset = TableFile("people.csv", Columns(subject="who", target="sick", site="site"))

    def arm(split: Rule, model: object, title: str, group: str) -> Arm:
        return Arm(dataset, PredictClass(2, split), model, "honest", title=f"{title}, {group}", group=group)

    nested, plain = Rule(folds=3, inner=2), Rule(folds=3)
    ridge, constant = LogisticRegression(0.1), ConstantPrediction()
    first = [arm(nested, constant, "Constant", "nested"), arm(nested, ridge, "Ridge", "nested")]
    shares = [arm(replace(plain, train_share=s), ridge, f"Ridge on {100 * s:g} %", "curve") for s in SHARES]
    second = [arm(plain, constant, "Constant", "curve"), *shares]
    cells = [Cell(each, ("people",), (0,), fold) for each in first for fold in range(6)]
    cells += [Cell(each, ("people",), (0,), fold) for each in second for fold in range(3)]
    cells += [Cell(replace(shares[0], control=PERMUTED), ("people",), (0, 1, 2), fold) for fold in range(3)]
    target = Target(
        Experiment("sets", tuple(cells), {dataset.name: folder}),
        None,
        synthetic=False,
        told={"datasets": [], "bibliography": [], "statement": {}},
        command="hilum run sets",
    )
    patch = pytest.MonkeyPatch()
    patch.setattr("hilum.api.load_target", lambda *_: target)
    try:
        result = hilum.run("sets", executor="inline", out=folder / "run")
    finally:
        patch.undo()
    assert (result.failed, result.not_run) == (0, 0)
    return result.folder


def sets(run: RunFolder) -> tuple[Tables, ...]:
    return read_every(read_contents(run))


def test_arms_stand_in_the_set_of_their_records_under_short_names(run: RunFolder) -> None:
    first, second = sets(run)
    assert (first.title, second.title) == ("nested", "curve")
    assert [arm.name for arm in first.arms] == ["Constant", "Ridge"]
    assert [arm.name for arm in second.arms] == ["Constant", "Ridge on 100 %", "Ridge on 50 %", "Ridge on 20 %"]
    assert first.best is not None
    assert first.best.name == "Ridge"


def test_permuted_labels_stand_with_the_arm_they_are_of(run: RunFolder) -> None:
    _, second = sets(run)
    assert [len(arm.controls) for arm in second.arms] == [0, 3, 0, 0]
    assert len(second.arms[1].permuted(second.leading)) == 3


def test_points_of_a_learning_curve_count_train_subjects(run: RunFolder) -> None:
    first, second = sets(run)
    assert points_of(first) == ()
    points = points_of(second)
    assert [point.share for point in points] == [0.2, 0.5, 1.0]
    assert [point.subjects for point in points] == [12, 30, 60]
    assert all(point.estimate.value is not None for point in points)


def test_a_record_that_nested_folds_test_twice_counts_once(run: RunFolder) -> None:
    first, _ = sets(run)
    assert first.best is not None
    assert first.best.predicted is not None
    assert first.best.predicted.times == 2
    (site,) = groups_of(first, privacy_of(run, run.info(), identified=True))
    assert (site.column, site.level) == ("site", "45 groups")
    assert "none of the largest has 20 subjects" in site.estimate.reason


def test_the_page_shows_each_set_and_its_ids_are_unique(run: RunFolder) -> None:
    import re

    page = (run.path / "report.html").read_text(encoding="utf-8")
    ids = re.findall(r'<(?:section|details)[^>]* id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {"g1-set", "g2-set", "g2-learning", "glance", "sets"} <= set(ids)
    assert "g1-learning" not in ids
    assert "2 different sets of records" in page
    assert "each tested 2 times" in page
    assert (run.path / "figures" / "g2-learning.svg").is_file()


def test_cells_that_are_not_there_are_told_by_their_reason() -> None:
    def cell(status: str, reason: str, name: str) -> dict[str, str]:
        return {"status": status, "reason": reason, "folder": name}

    cells = [
        cell("done", "", "a"),
        *(cell("not run", "no data", f"b{n}") for n in range(3)),
        cell("failed", "broke", "c"),
    ]
    assert absent_cells({"cells": cells}) == [("not run", "no data", 3, "b0"), ("failed", "broke", 1, "c")]
