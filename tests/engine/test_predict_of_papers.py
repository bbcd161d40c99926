"""A run of an experiment that is no study predicts a file, too, once an arm was fitted on all records: real days of TJH."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import hilum
from hilum import api
from hilum.core.comparison import Prediction
from hilum.core.errors import HilumError
from hilum.core.experiment import Arm, Cell, Experiment
from hilum.core.split import Rule
from hilum.datasets.tjh_covid.dataset import TjhCovid
from hilum.modalities.table.recipe import Recipe
from hilum.modalities.table.steps.fill import Fill
from hilum.modalities.table.steps.flag_missing import FlagMissing
from hilum.modalities.table.steps.forward_fill import ForwardFill
from hilum.modalities.table.steps.scale import Scale
from hilum.models.constant_prediction import ConstantPrediction
from hilum.models.logistic_regression import LogisticRegression
from hilum.models.ridge_linear import RidgeLinear
from hilum.models.two_stage import TwoStage
from hilum.targets import Target
from hilum.tasks.predict_course import PredictCourse

ITEM = "patient-days"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, real_data: Callable[[str], Path]) -> Path:
    """The folder of a run with two folds, and one arm of two that was fitted on all records."""
    recipe = Recipe((FlagMissing(), ForwardFill(), Scale(), Fill(by="median")))
    task = PredictCourse(Rule(folds=2), recipe)
    trivial = Arm(TjhCovid(), task, ConstantPrediction("joint"), "honest", title="constant prediction")
    model = TwoStage(outcome=LogisticRegression(), number=RidgeLinear(penalty=100.0))
    arm = Arm(TjhCovid(), task, model, "honest", title="two stage")
    cells = [Cell(each, (ITEM,), (0,), fold) for each in (trivial, arm) for fold in (0, 1)]
    experiment = Experiment("tjh", (*cells, Cell(arm, (ITEM,), (0,), None)))
    data = {"name": "tjh_covid", "title": "TJH", "licence": "open", "access": "open", "cite": [], "notes": []}
    told = {"paper": None, "datasets": [{**data, "subjects": "known", "synthetic": False}], "bibliography": []}
    folder = tmp_path_factory.mktemp("tjh") / "run"
    with pytest.MonkeyPatch.context() as patch:
        target = Target(experiment, None, synthetic=False, told={**told, "statement": {}})
        patch.setattr(api, "load_target", lambda *_: target)
        hilum.run("tjh", jobs=1, data=real_data("tjh_covid").parent, out=folder)
    return folder


def test_days_of_a_patient_get_risk_and_days_left(ran: Path, tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    dataset, folder = TjhCovid(), real_data("tjh_covid")
    table = dataset.load(folder, next(item for item in dataset.items(folder) if item.id == ITEM))
    days = table.rows.select("sequence", "step").hstack(table.features)
    chosen = days.filter(pl.col("sequence").is_in(["patient-005", "patient-300"]))
    chosen.write_csv(tmp_path / "days.csv")
    found = hilum.predict(ran, tmp_path / "days.csv", model="two stage")
    assert isinstance(found, Prediction)
    assert found.frame.height == chosen.height == 7
    risk = dict(found.frame.group_by("sequence").agg(pl.col("p died").mean()).iter_rows())
    assert risk["patient-005"] < 0.2 < 0.8 < risk["patient-300"]
    assert (found.frame["left low"] <= found.frame["left"]).all()
    chosen.drop("step").write_csv(tmp_path / "no-step.csv")
    with pytest.raises(HilumError, match="the file lacks 'step', the step of its records"):
        hilum.predict(ran, tmp_path / "no-step.csv", model="two stage")


def test_an_arm_that_was_not_fitted_on_all_records_says_so(ran: Path, tmp_path: Path) -> None:
    (tmp_path / "days.csv").write_text("sequence,step\na,0\n")
    with pytest.raises(HilumError, match="no cell of 'constant prediction' was fitted on all records"):
        hilum.predict(ran, tmp_path / "days.csv", model="constant prediction")
