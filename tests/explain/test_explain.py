"""Explain a stored run: whose models, on which records, by which method; data are *synthetic*."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from hilum import api
from hilum.cli import app
from hilum.core.component import change
from hilum.core.data import Item
from hilum.core.errors import DataError, HilumError, UsageError
from hilum.core.experiment import Arm, Cell
from hilum.core.finder import find
from hilum.core.run import RunFolder, open_run
from hilum.core.split import Rule
from hilum.core.store import write_json
from hilum.datasets.table_file.dataset import TableFile
from hilum.engine.cells import Job, run_job
from hilum.engine.explain import groups_of
from hilum.modalities.table.columns import Columns
from hilum.modalities.table.recipe import Recipe
from hilum.modalities.table.steps.fill import Fill
from hilum.modalities.table.steps.flag_missing import FlagMissing
from hilum.modalities.table.steps.forward_fill import ForwardFill
from hilum.modalities.table.steps.history import History
from hilum.modalities.table.steps.scale import Scale
from hilum.models.logistic_regression import LogisticRegression
from hilum.report.explanation import explanation_view
from hilum.tasks.predict_class import PredictClass
from tests.engine.tables import patients, study, write_csv
from tests.explain.wards import FACTS, SimulatedStays


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with two models; its study lies beside it."""
    folder = tmp_path_factory.mktemp("ward")
    path = study(folder, model="logistic_regression")
    text = (
        path.read_text() + '\n[[model]]\nname = "random_forest"\ntrees = 4\n[[model]]\nname = "light_gbm"\nrounds = 5\n'
    )
    path.write_text(text)
    api.run(str(path), executor="inline", out=folder / "run", seeds=1)
    return folder / "run"


def stored(folder: Path, cells: list[Cell], datasets: list[dict[str, Any]], data: Path = Path()) -> RunFolder:
    """A run of these cells, as the engine stores them."""
    run = RunFolder(folder)
    lines = []
    for number, cell in enumerate(cells):
        place = run.cell("cell", f"{number:016d}")
        run_job(Job(cell.spec(), str(place.path), str(data), place.key))
        lines.append({"folder": place.path.name, "arm_id": cell.arm.id})
    arms = {cell.arm.id: cell.arm for cell in cells}
    told = [{"id": i, "name": arm.name, "trivial": False, "kind": arm.task.kind} for i, arm in arms.items()]
    write_json(
        folder / "run.json", {"arms": told, "cells": lines, "datasets": datasets, "synthetic": True, "command": ""}
    )
    write_json(folder / "results.json", [])
    return run


def an_item(run: Path) -> str:
    """A fourth record of a sequence that some fold tested."""
    frames = [pl.read_parquet(place) for place in (run / "cells").glob("*/predictions.parquet")]
    return str(pl.concat(frames, how="diagonal").filter(pl.col("step") == 3)["item"].sort()[0])


@pytest.fixture(scope="module")
def stays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of a model of sequences on simulated stays."""
    pytest.importorskip("torch")
    from hilum.models.retain.settings import Retain

    task = PredictClass(split=Rule(folds=3))
    model = change(Retain(), hidden=8, epochs=15, learning_rate=0.02, static_columns=1)
    arm = Arm(SimulatedStays(), task, model, "honest", title="RETAIN")
    cells = [Cell(arm, ("stays",), (0,), fold) for fold in (0, 1, 2, None)]
    folder = tmp_path_factory.mktemp("stays") / "run"
    folder.mkdir()
    stored(folder, cells, [FACTS])
    return folder


def test_columns_belong_to_the_feature_that_they_are_called_like() -> None:
    columns = ("hr", "hr max", "hr is missing", "hr max min", "sex=m", "sex=f", "other")
    found = groups_of(columns, ["hr", "hr max", "sex", "gone"])
    assert found == {"hr": (0, 2), "hr max": (1, 3), "sex": (4, 5), "gone": (), "other": (6,)}


def test_every_method_says_what_it_is_asked() -> None:
    assert {"permutation_importance", "integrated_gradients", "attention", "tree_shap"} <= set(find("explain"))
    for found in find("explain").values():
        module = found.load()
        assert module.SCOPE in {"records", "record", "either"}
        assert callable(module.explain)
        assert callable(getattr(module, found.name))
        assert isinstance(module.obstacle(object()), str)


def test_features_matter_on_records_that_their_models_have_not_seen(ran: Path) -> None:
    found = api.explain(ran, model="logistic")
    assert found.method == "permutation_importance"
    assert set(found.frame["feature"]) == {"x", "noise", "ward"}
    assert found.frame["feature"][0] == "x"
    first = found.frame.row(0, named=True)
    assert first["importance"] > 0.15
    assert first["low"] < first["importance"] < first["high"]
    assert first["spread"] > 0
    assert "120 records of 60 subjects" in found.means
    assert "3 folds" in found.means
    assert "AUROC" in found.label
    assert found.synthetic


def test_folds_are_averaged_and_each_model_explains_its_own_test_part(ran: Path) -> None:
    # By hand: each fold's stored model, its test records by the stored predictions, every repeat of every fold.
    from hilum.core.component import Spec, build
    from hilum.core.store import read_json
    from hilum.explain.permutation_importance import permutation_importance
    from hilum.metrics.classify import auroc_of
    from hilum.modalities.table.prepare import Prepared

    table = patients()
    drops = []
    for cell in (cell for cell in open_run(ran).cells.glob("logistic*fold*")):
        predictions = pl.read_parquet(cell / "predictions.parquet")
        (fold,) = predictions["fold"].unique().to_list()
        kept = read_json(cell / "preprocess.json")[f"fold {fold}"]
        model = build(Spec.from_json(kept["model"])).load(cell / "weights" / f"fold-{fold}")
        test = table.take(table.rows["item"].is_in(predictions["item"].implode()).to_numpy())
        prepared = Prepared.from_json(kept["prepare"])
        positive = test.rows["target"].to_numpy() == 1
        answer = permutation_importance(
            model.predict,
            prepared.apply(test.features),
            {"x": (prepared.names.index("x"),)},
            lambda said, positive=positive: auroc_of(said[:, 1], positive),
            subjects=test.rows["subject"].to_list(),
        )
        drops.append(answer.values[0])
    assert len(drops) == 3
    frame = api.explain(ran, model="logistic").frame
    assert frame.filter(pl.col("feature") == "x")["importance"][0] == pytest.approx(np.mean(drops))


def test_a_booster_explains_itself_of_all_records_and_of_one(ran: Path) -> None:
    pytest.importorskip("lightgbm")
    found = api.explain(ran, model="light")
    assert found.method == "tree_shap"
    assert found.frame["feature"][0] == "x"
    assert found.frame["low"].null_count() == 0  # 60 subjects
    one = api.explain(ran, model="light", item="r0004")
    assert one.frame.columns == ["feature", "value", "contribution"]
    assert one.score is not None
    assert one.base is not None
    assert one.frame["contribution"].sum() == pytest.approx(one.score - one.base)
    stored_says = pl.concat([pl.read_parquet(p) for p in (ran / "cells").glob("light*fold*/predictions.parquet")])
    said = stored_says.filter(pl.col("item") == "r0004")["p:1"][0]
    assert 1 / (1 + np.exp(-one.score)) == pytest.approx(said)
    assert one.frame.filter(pl.col("feature") == "ward")["value"][0] in {"east", "west", "north"}
    assert one.course is None


def test_a_file_with_an_outcome_and_one_without(ran: Path, tmp_path: Path) -> None:
    new = write_csv(patients(seed=9, subjects=30), tmp_path / "new.csv")
    found = api.explain(ran, new, model="logistic")
    assert "60 records of 30 subjects" in found.means
    assert "fitted on every record" in found.means
    assert found.frame["feature"][0] == "x"
    pl.read_csv(new).drop("event").write_csv(tmp_path / "bare.csv")
    with pytest.raises(UsageError, match="with an outcome"):
        api.explain(ran, tmp_path / "bare.csv", model="logistic")
    pytest.importorskip("lightgbm")
    bare = api.explain(ran, tmp_path / "bare.csv", model="light", item="r0004")
    assert bare.frame["contribution"].abs().sum() > 0
    with pytest.raises(UsageError, match="no record is called 'r9'"):
        api.explain(ran, tmp_path / "bare.csv", model="light", item="r9")


def test_what_cannot_be_explained_gets_an_answer(ran: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no booster") as refused:
        api.explain(ran, model="random", method="tree_shap")
    assert "permutation_importance" in refused.value.do
    with pytest.raises(UsageError, match="no method explains one record"):
        api.explain(ran, model="random", item="r0004")
    with pytest.raises(UsageError, match="explains many records"):
        api.explain(ran, model="random", method="permutation-importance", item="r0004")
    with pytest.raises(UsageError, match="Did you mean 'tree_shap'"):
        api.explain(ran, model="random", method="tree_shp")
    with pytest.raises(UsageError, match="no test record is called 'r4'"):
        api.explain(ran, model="random", item="r4")
    with pytest.raises(HilumError, match=r"'patients\.csv' is not in"):
        api.explain(ran, model="random", data=tmp_path)


def test_a_table_that_has_changed_since_is_refused(ran: Path, tmp_path: Path) -> None:
    frame = pl.read_csv(ran.parent / "patients.csv")
    frame.with_columns(x=pl.when(pl.col("record") == "r0005").then(9.0).otherwise(pl.col("x"))).write_csv(
        tmp_path / "patients.csv"
    )
    with pytest.raises(DataError, match="no longer those"):
        api.explain(ran, model="random", data=tmp_path)


def test_sequences_are_explained_over_time(stays: Path) -> None:
    found = api.explain(stays, model="RETAIN")
    assert found.method == "permutation_importance"
    assert found.frame["feature"][0] == "lactate"
    assert found.frame.filter(pl.col("feature") == "empty")["importance"][0] == 0  # dropped by the preparation
    table = SimulatedStays().load(Path(), SimulatedStays().items(Path())[0])
    item = an_item(stays)
    one = api.explain(stays, model="RETAIN", item=item)
    assert one.method == "integrated_gradients"
    assert one.course is not None
    assert one.course["step"].unique().sort().to_list() == [0, 1, 2, 3]
    assert one.course["item"].n_unique() == 4
    assert one.score is not None
    assert one.base is not None
    assert one.frame["contribution"].sum() == pytest.approx(one.score - one.base, abs=0.02 * abs(one.score - one.base))
    sums = one.course.group_by("feature").agg(pl.col("contribution").sum())
    both = one.frame.join(sums, on="feature")
    np.testing.assert_allclose(both["contribution"], both["contribution_right"], atol=1e-9)
    predicted = pl.concat([pl.read_parquet(p) for p in (stays / "cells").glob("*/predictions.parquet")], how="diagonal")
    said = predicted.filter(pl.col("item") == item)["p:1"][0]
    assert 1 / (1 + np.exp(-one.score)) == pytest.approx(said, abs=1e-5)
    looked = api.explain(stays, model="RETAIN", item=item, method="attention")
    assert "not importance" in looked.means
    assert looked.score == pytest.approx(one.score, abs=1e-5)
    with pytest.raises(UsageError, match="explains one record"):
        api.explain(stays, model="RETAIN", method="attention")
    context = table.rows.filter(pl.col("target").is_null())["item"][0]
    with pytest.raises(UsageError, match="stands in no test part of this run, or nothing is asked of it"):
        api.explain(stays, model="RETAIN", item=context)
    with pytest.raises(UsageError, match="not made from a table of one's own"):
        api.explain(stays, "new.csv", model="RETAIN")


def test_a_file_of_sequences_and_a_recipe(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from hilum.models.lstm import LSTM

    table = SimulatedStays().load(Path(), Item("stays", None))
    rows = table.rows.hstack(table.features).drop("empty")
    rows = rows.with_columns(target=pl.col("target").replace_strict({0.0: "no", 1.0: "yes"}, default=None))
    rows.write_csv(tmp_path / "stays.csv")
    columns = Columns(
        target="target", positive="yes", id="item", subject="subject", sequence="sequence", step="step", static=("age",)
    )
    columns = change(columns, features=("age", "lactate", "noise"), missing_target="exclude")
    recipe = Recipe((FlagMissing(), ForwardFill(), History(of=("max",)), Scale(), Fill(by="zero")))
    task = PredictClass(split=Rule(folds=2), prepare=recipe)
    model = change(LSTM(), hidden=6, epochs=8, learning_rate=0.03)
    arms = [
        Arm(TableFile("stays.csv", columns), task, one, "honest", title=t)
        for one, t in ((model, "LSTM"), (LogisticRegression(), "linear"))
    ]
    (tmp_path / "run").mkdir()
    stored(
        tmp_path / "run", [Cell(arm, ("stays",), (0,), fold) for arm in arms for fold in (1, None)], [FACTS], tmp_path
    )
    for title in ("LSTM", "linear"):
        own = api.explain(tmp_path / "run", model=title, data=tmp_path)
        assert own.frame["feature"].sort().to_list() == [
            "age",
            "lactate",
            "noise",
        ]  # flags and history with their feature
        assert own.frame["feature"][0] == "lactate"
        file = api.explain(tmp_path / "run", tmp_path / "stays.csv", model=title)
        assert file.frame["feature"][0] == "lactate"
    bare = rows.drop("target")
    bare.write_csv(tmp_path / "new.csv")
    one = api.explain(
        tmp_path / "run", tmp_path / "new.csv", model="LSTM", item=bare.filter(pl.col("step") == 2)["item"][0]
    )
    assert one.course is not None
    assert one.course["step"].unique().sort().to_list() == [0, 1, 2]
    assert one.frame["feature"][0] == "lactate"


def test_the_command_prints_and_draws(ran: Path, stays: Path, tmp_path: Path) -> None:
    from PIL import Image

    item = an_item(stays)
    asked = [(ran, ["--model", "logistic"]), (stays, ["--model", "RETAIN", "--item", item])]
    for number, (run, options) in enumerate(asked):
        picture = tmp_path / f"{number}.png"
        done = CliRunner().invoke(app, ["explain", str(run), *options, "--top", "2", "--png", str(picture)])
        assert done.exit_code == 0, done.output
        assert "SYNTHETIC" in done.output
        assert "more features" in done.output
        assert Image.open(picture).size[0] == pytest.approx(6.3 * 300, abs=2)
        plain = CliRunner().invoke(app, ["explain", str(run), *options, "--json"])
        assert '"features"' in plain.output
    assert b"r000" not in picture.read_bytes()
    assert item.encode() not in picture.read_bytes()


def test_a_view_fits_eighty_columns(ran: Path) -> None:
    from io import StringIO

    from rich.console import Console

    stream = StringIO()
    Console(file=stream, width=80).print(explanation_view(api.explain(ran, model="logistic"), 3))
    assert max(len(line.rstrip()) for line in stream.getvalue().splitlines()) <= 80
