"""yaib: every claim answered, cohorts counted from the raw demo, sepsis refused, published folds marked, figures of the eICU demo."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import hilum
from hilum.core.binding import Arithmetic, Binding, Bound, Unbound
from hilum.core.experiment import Arm, Cell, Experiment, Preset
from hilum.core.finder import get
from hilum.core.run import CellFolder, RunFolder
from hilum.datasets.yaib_cohorts.dataset import YaibCohorts
from hilum.engine.audit import audit
from hilum.engine.evaluate import paper_claims
from hilum.engine.executors import Inline
from hilum.engine.figures import ArmScores, estimate, metrics_of, read_scores, usual_estimand
from hilum.engine.plan import make_plan
from hilum.engine.tables.runner import PERMUTED
from hilum.papers.yaib import experiment as yaib


@lru_cache
def bound() -> dict[str, Bound]:
    return paper_claims(get("papers", "yaib"))[1]


@lru_cache
def arms(size: Any) -> dict[str, Arm]:
    return {arm.id: arm for arm in yaib.experiment(Preset(size)).arms}


def run_cells(cells: list[Cell], folder: Path, data: Path) -> dict[Arm, ArmScores]:
    """Run cells here, in order, and read what they stored; a cell that fails fails the test."""
    plan = make_plan(Experiment("yaib", tuple(cells)), RunFolder(folder), data=data)
    assert [planned.reason for planned in plan if planned.status == "not run"] == []
    failed = [result.error for result in Inline().results([p.job for p in plan if p.job is not None]) if result.failed]
    assert failed == []
    stored: dict[Arm, list[tuple[Cell, CellFolder]]] = {}
    for planned in plan:
        stored.setdefault(planned.cell.arm, []).append((planned.cell, planned.folder))
    return {arm: read_scores(arm, pairs) for arm, pairs in stored.items()}


def value_of(scores: ArmScores, metric: str) -> float:
    found = metrics_of(scores.arm.task.kind)[metric]
    value = estimate(scores, found, usual_estimand(scores, found), interval=False).value
    assert value is not None
    return value


def failing(scores: list[ArmScores], code: str) -> dict[str, str]:
    """Arm id (or "") to what a check says where it fails."""
    return {
        row.arm_id: row.message for row in audit(scores, synthetic=False) if row.code == code and row.status == "fail"
    }


def test_full_runs_every_arm_that_a_claim_needs() -> None:
    full = arms("full")
    for name, rule in bound().items():
        if isinstance(rule, Binding):
            wanted = (rule.arm, rule.trivial, *([rule.honest] if rule.honest else []))
            assert all(arm.id in full for arm in wanted), name
            assert rule.arm.protocol == "published", name


def test_quick_counts_every_demo_cohort_at_hand() -> None:
    quick = arms("quick")
    counts = {name: rule for name, rule in bound().items() if name.startswith("demo.")}
    unbound = {name for name, rule in counts.items() if isinstance(rule, Unbound)}
    assert unbound == {name for name in counts if ".eicu_demo." in name}
    assert len(unbound) == 8
    assert all(rule.arm.id in quick for rule in counts.values() if isinstance(rule, Binding))
    assert len(counts) == 18


def test_every_value_is_bound_to_the_cohort_it_speaks_of_and_says_what_to_do() -> None:
    values = {name: rule for name, rule in bound().items() if name.split(".")[-1] in {"auroc", "auprc", "mae"}}
    assert len(values) == 192
    for name, rule in values.items():
        assert isinstance(rule, Binding)
        task, database, model, _ = name.split(".")
        assert rule.arm.dataset.only == {
            "mortality": "mortality24",
            "kidney-function": "kidney_function",
            "los": "length_of_stay",
        }.get(task, task) + "-" + {"aumcdb": "aumc", "mimic-iv": "mimic4"}.get(database, database)
        assert rule.arm.model == yaib.LARGE[model]
        assert "hilum run yaib --preset full --data DIR" in rule.absent
        assert "/{dyn,sta,outc}.parquet" in rule.absent


def test_the_effect_of_data_against_models_by_hand() -> None:
    """Death: means over models .8395, .8553, .8437, .8698 by database; over databases .8465 to .8558 by model: 3.28."""
    rule = bound()["data-vs-model.effect"]
    assert isinstance(rule, Arithmetic)
    claims = {claim.id: claim for claim in paper_claims(get("papers", "yaib"))[0]}
    death = {name: claim for name, claim in claims.items() if name.startswith("mortality.")}
    assert rule.compute(claims["data-vs-model.effect"], death) == pytest.approx(3.2793, abs=1e-3)
    assert rule.compute(claims["data-vs-model.effect"], claims) == pytest.approx(0.7451, abs=1e-3)


def test_the_presets_lie_within_each_other_and_no_arm_is_two() -> None:
    sizes = {size: yaib.experiment(Preset(size)).cells for size in ("smoke", "quick", "full")}
    for cells in sizes.values():
        keys = [json.dumps(cell.spec(), sort_keys=True) for cell in cells]
        assert len(keys) == len(set(keys))
    for arm in arms("quick").values():
        items = {cell.items for cell in sizes["quick"] if cell.arm == arm}
        assert len(items) == 1, "an arm is about one cohort"


@pytest.mark.real_data
def test_counts_of_the_cohorts_are_the_published_ones(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    """Built from the raw demo, and stored by one cell each; sepsis is refused with its sentence and counted all the same."""
    data = real_data("mimic3_demo").parent
    cells = [cell for question in yaib.counted() for cell in question.cells(question.arm("constant"), folds=1)]
    scores = run_cells(cells, tmp_path, data)
    claims, rules = paper_claims(get("papers", "yaib"))
    from hilum.engine.judge import Bench, judge

    bench = Bench(rules, {each.arm.id: each for each in scores.values()}, (), (), synthetic=False)
    rows = {row.id: row for row in judge(claims, bench)}
    counted = {
        name: rows[name] for name, rule in rules.items() if name.startswith("demo.") and isinstance(rule, Binding)
    }
    assert len(counted) == 10
    assert {name: row.verdict for name, row in counted.items() if row.verdict != "reproduced, exact"} == {
        "demo.sepsis.mimic_demo.positive": "contradicted"
    }
    ours = rows["demo.sepsis.mimic_demo.positive"].ours
    assert ours is not None
    assert ours.value == 3
    assert "read back proves nothing" in rows["demo.aki.eicu_demo.stays"].reason
    assert rows["mortality.eicu.gru.auroc"].verdict == "not run"
    assert rows["mortality.eicu.gru.auroc"].reason.startswith(
        "credentialed: put the cohort as yaib_cohorts/mortality24/eicu/"
    )
    refused = {cell.items[0]: folder.refused for each in scores.values() for cell, folder in each.cells}
    assert {name for name, why in refused.items() if why} == {"sepsis"}
    assert "the task cannot be judged: 3 patients with the event (3 of 115 stays positive)" in refused["sepsis"]


@pytest.mark.real_data
def test_a_cohort_that_cannot_be_judged_is_not_run_and_no_failure(
    real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    data = real_data("mimic3_demo").parent
    result = hilum.run("yaib", preset="smoke", executor="inline", data=data, out=tmp_path / "run")
    assert (result.ran, result.failed, result.not_run, result.exit_code) == (2, 0, 1, 0)
    again = hilum.run("yaib", preset="smoke", executor="inline", data=data, out=tmp_path / "run")
    assert (again.ran, again.kept, again.failed, again.not_run, again.exit_code) == (0, 2, 0, 1, 0)
    (cell,) = [cell for cell in result.folder.info()["cells"] if cell["status"] != "done"]
    assert cell["status"] == "not run"
    assert "cannot be judged: 3 patients with the event" in cell["reason"]
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "cannot be judged: 3 patients with the event" in page


@pytest.mark.real_data
def test_figures_of_the_eicu_demo(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    """Death after 24 h: 1,367 stays of 1,146 patients, 5x5 nested by patient; labels permuted are judged by their own distribution."""
    data = real_data("yaib_demo").parent
    real_data("eicu_demo")
    question = yaib.of_eicu("honest")
    cells = [cell for model in ("constant", "lr", "lgbm") for cell in question.cells(question.arm(model))]
    point = yaib.of_curve(1.0)
    curve = point.arm("lr")
    from dataclasses import replace

    control = replace(curve, control=PERMUTED)
    cells += point.cells(point.arm("constant")) + point.cells(curve) + point.cells(control, tuple(range(20)))
    scores = {(arm.name, arm.control): each for arm, each in run_cells(cells, tmp_path, data).items()}
    nested = {model: scores[question.arm(model).name, ""] for model in ("constant", "lr", "lgbm")}
    assert value_of(nested["constant"], "auroc") == 0.5
    assert value_of(nested["lr"], "auroc") >= 0.74
    assert value_of(nested["lgbm"], "auroc") >= 0.78
    records = nested["lr"].frame.filter(nested["lr"].frame["fold"] % 5 == 0)
    assert (records["item"].n_unique(), records["subject"].n_unique()) == (1367, 1146)
    assert int(records["target"].sum()) == 70
    rows = audit(list(scores.values()), synthetic=False)
    said = {(row.code, row.arm_id): row for row in rows}
    assert said["HIL016", curve.id].status == "pass"
    assert said["HIL016", curve.id].proof["p"] <= 1 / 21 + 1e-9
    for code in ("HIL001", "HIL006", "HIL017"):
        assert {row.status for row in rows if row.code == code} <= {"pass", "not applicable"}, code


@pytest.mark.real_data
def test_published_folds_share_patients_and_are_marked(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    data = real_data("mimic3_demo").parent
    published, honest = (yaib.of_mimic("mortality24", each, nested=False) for each in ("published", "honest"))
    cells = [*published.cells(published.arm("constant")), *honest.cells(honest.arm("constant"))]
    scores = run_cells(cells, tmp_path, data)
    failed = failing(list(scores.values()), "HIL001")
    assert list(failed) == [published.arm("constant").id]
    assert "in both" in failed[published.arm("constant").id]


@pytest.mark.real_data
def test_train_on_one_database_and_test_on_the_other(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    data = real_data("yaib_demo").parent
    question = yaib.between("mortality24")
    scores = run_cells(question.cells(question.arm("lr")), tmp_path, data)[question.arm("lr")]
    assert scores.frame["fold"].n_unique() == 2
    for fold in (0, 1):
        tested = (
            scores.frame.filter(scores.frame["fold"] == fold)["item"].str.split("-").list.first().unique().to_list()
        )
        assert len(tested) == 1
    assert scores.frame.height == 99 + 1367


@pytest.mark.real_data
def test_hospitals_are_left_out_and_small_ones_always_train(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    data = real_data("yaib_demo").parent
    real_data("eicu_demo")
    question = yaib.by_hospital()
    arm = question.arm("constant")
    scores = run_cells(question.cells(arm), tmp_path, data)[arm]
    assert scores.frame["fold"].n_unique() == yaib.HOSPITALS
    with pytest.raises(AssertionError, match="no fold"):
        run_cells([Cell(arm, (question.item,), (0,), yaib.HOSPITALS)], tmp_path, data)


@pytest.mark.real_data
def test_fine_tuning_says_whom_it_learnt_from(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    pytest.importorskip("torch")
    data = real_data("yaib_demo").parent
    from dataclasses import replace

    tuned = yaib.fine_tuned("gru")
    quickly = replace(tuned, model=replace(tuned.model, hidden=8, epochs=1))
    scores = run_cells(yaib.of_fine_tuning().cells(quickly, folds=1), tmp_path, data)[quickly]
    ((_, folder),) = scores.cells
    (evidence,) = folder.evidence().values()
    assert evidence["pretraining"]["tables"] == ["mortality24-eicu"]
    assert len(evidence["pretraining"]["subjects"]) == 1146
    assert failing([scores], "HIL001") == {}
    same = replace(quickly, pretraining_items=("mortality24-eicu", "mortality24-mimic3"))
    assert yaib.of_fine_tuning().cells(same)[0].others == ("mortality24-eicu",)  # never its own cohort


@pytest.mark.real_data
def test_a_user_s_own_triples_run_where_the_card_says(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    """The demo's triple, put where a credentialed user puts theirs: the arm of a claim runs and is judged."""
    place = tmp_path / "data" / "yaib_cohorts" / "mortality24" / "miiv"
    shutil.copytree(real_data("yaib_demo") / "mortality24" / "mimic_demo", place)
    question = yaib.of_own("mortality24", "mimic4", "published")
    arm = question.arm("constant")
    scores = run_cells(question.cells(arm, folds=2), tmp_path / "run", tmp_path / "data")[arm]
    assert scores.frame.height == 40
    absent = YaibCohorts(only="aki-eicu")
    planned = make_plan(
        Experiment("x", tuple(yaib.of_own("aki", "eicu", "honest").cells(arm, folds=1))),
        RunFolder(tmp_path / "other"),
        data=tmp_path / "data",
    )
    assert absent.items(tmp_path)[0].id == "aki-eicu"
    assert [one.status for one in planned] == ["not run"]


@pytest.mark.real_data
def test_a_stay_s_id_among_the_features_is_found(real_data: Callable[[str], Path]) -> None:
    """YAIB 0.3.1 kept `stay_id` among the features of every model (issue of its polars path)."""
    import polars as pl

    from hilum.datasets.yaib_demo.dataset import YaibDemo
    from hilum.engine.table_audit import audit_table
    from hilum.modalities.table.sample import Table

    folder = real_data("yaib_demo")
    item = next(item for item in YaibDemo().items(folder) if item.id == "mortality24-eicu")
    table = YaibDemo().load(folder, item)
    table = table.take(table.asked)
    stay = table.rows["sequence"].cast(pl.Float64).alias("stay_id")
    leaky = Table(
        "leaky", table.rows, table.features.with_columns(stay), table.classes, table.target, static=table.static
    )
    said = {
        name: next(row for row in audit_table(each) if row.code == "HIL004")
        for name, each in (("as it is", table), ("with the stay's id", leaky))
    }
    assert said["as it is"].status == "pass"
    assert said["with the stay's id"].status == "fail"
    assert "'stay_id' (repeats the sequence's id)" in said["with the stay's id"].message
