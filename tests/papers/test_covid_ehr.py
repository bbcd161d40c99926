"""The COVID-19 paper on the real patient-days: fold by fold against its released values, and what its issue asks of our own rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import hilum
from hilum.core.binding import Arithmetic, Binding, Unbound, read_folds
from hilum.core.errors import UsageError
from hilum.core.experiment import Preset
from hilum.core.finder import get
from hilum.core.row import Row
from hilum.core.run import RunFolder
from hilum.core.store import read_json
from hilum.engine.evaluate import paper_claims
from hilum.engine.figures import metrics_of
from hilum.engine.tables.pipeline import constants_of, learn, score_block
from hilum.engine.tables.ready import parts, ready
from hilum.modalities.table.sample import Table
from hilum.papers.covid_ehr.bindings import BEST, EXPLORATORY, FOLDS, METRICS, PRINTED, released_folds
from hilum.papers.covid_ehr.experiment import (
    CONCARE_ROW,
    DAYS,
    IN_TIME,
    ITEM,
    LIGHT_GBM,
    LINEAR,
    NETWORKS,
    OWN,
    PUBLISHED,
    ROWS,
    TREES,
    PaperRow,
    constant,
    experiment,
    own,
    published,
    task,
    together,
)

Array = NDArray[np.float64]
BY_CLAIMS = {row.claims: row for row in (*TREES, *NETWORKS)}


@pytest.fixture(scope="module")
def days(real_data: Callable[[str], Path]) -> Table:
    folder = real_data("tjh_covid")
    return DAYS.load(folder, next(item for item in DAYS.items(folder) if item.id == ITEM))


def figures(days: Table, asked: Any, model: Any, metrics: Sequence[str]) -> dict[str, Array]:
    """Each metric on each of the ten folds, by the pipeline that cells run."""
    table = ready(asked, model, days)
    found: dict[str, list[float]] = {name: [] for name in metrics}
    for number, part in enumerate(parts(asked, table)):
        train, test = table.take(part == "train"), table.take(part == "test")
        predicted = learn(asked, model, None, table, part, 0).predict(test)
        block = score_block(test, predicted, number, 0, constants_of(asked, train))
        for name in metrics:
            metric = metrics_of("classify")[METRICS.get(name, name)]
            columns = {need: np.asarray(block[need]) for need in block if need in metric.needs or need.startswith("p:")}
            found[name].append(metric(columns).value)
    return {name: np.array(values) for name, values in found.items()}


def released(row: PaperRow, table: str, metric: str) -> Array:
    folds = read_folds(FOLDS, columns={"dataset": "tjh", "task": table, "model": row.released}, metric=metric)
    return np.array([folds[str(number)] for number in range(10)])


# ---- what is bound


def test_every_claim_is_bound_to_folds_that_average_to_it() -> None:
    claims, bound = paper_claims(get("papers", "covid-ehr"))
    tally = Counter(type(bound[claim.id]).__name__ for claim in claims)
    assert tally == {"Binding": 353, "Unbound": 344, "Arithmetic": 13}
    by_id = {claim.id: claim for claim in claims}
    for claim in claims:
        rule = bound[claim.id]
        if isinstance(rule, Binding) and rule.folds is not None:
            folds = rule.folds(claim)
            assert len(folds) == 10, claim.id
            assert np.mean(list(folds.values())) == pytest.approx(claim.value, abs=2 * claim.half_digit), claim.id
        elif isinstance(rule, Arithmetic):
            assert rule.compute(claim, by_id) == pytest.approx(claim.value, abs=claim.half_digit), claim.id
        elif isinstance(rule, Unbound):
            assert claim.id.startswith("cdsl.") or claim.id == "tjh.cohort.workbook.patients"


def test_a_row_is_compared_with_its_own_folds() -> None:
    claims, _ = paper_claims(get("papers", "covid-ehr"))
    by_id = {claim.id: claim for claim in claims}
    assert released_folds(by_id["tjh.outcome.dr-agent-ta.es"]) == read_folds(
        FOLDS, columns={"dataset": "tjh", "task": "outcome", "model": "Agent-ta"}, metric="es"
    )
    # Two-stage rows of models that draw nothing while predicting are their rows of remaining days.
    for row in PRINTED:
        apart = float(np.abs(released(row, "twostage", "mae") - released(row, "los", "mae")).max())
        assert (apart < 1e-3) == (row.claims not in {"dr-agent", "grasp"}), row.claims


def test_the_best_rows_are_ranked_among_those_of_their_table() -> None:
    _, bound = paper_claims(get("papers", "covid-ehr"))
    for name in BEST:
        rule = bound[f"best.{name}"]
        if name.startswith("tjh."):
            assert isinstance(rule, Binding)
            ids = {rule.arm.id, *(rival.id for rival in rule.rivals)}
            # Outcomes: 16 rows and 12 under the time-aware loss. Remaining days: 16 rows and 12 of one network for both.
            assert len(ids) == 1 + len(rule.rivals) == 28


def test_our_own_preparation_stands_beside_and_gives_no_verdict() -> None:
    """It was chosen after these folds had been seen: a verdict, a rank or a difference never comes from it, and its claims say why."""
    _, bound = paper_claims(get("papers", "covid-ehr"))
    mine = {own(row).id for row in (*PRINTED, *ROWS, LIGHT_GBM)}
    beside = 0
    for name, rule in bound.items():
        if not isinstance(rule, Binding):
            continue
        assert rule.stand_in is None, name
        judged = [rule.arm, *rule.rivals, *([rule.against] if rule.against else [])]
        assert not mine & {arm.id for arm in judged}, name
        assert (EXPLORATORY in rule.notes) == (rule.honest is not None), name
        if rule.honest is not None:
            assert rule.honest.id in mine, name
            beside += 1
    assert beside > 20


def test_presets_hold_every_family() -> None:
    kept = {size: experiment(Preset(size)) for size in ("smoke", "quick", "full")}
    ids = {size: {cell.arm.id for cell in made.cells} for size, made in kept.items()}
    for row in ROWS:
        assert published(row).id in ids["quick"]
    for row in PRINTED:
        wanted = [published(row), *([together(row)] if row.joint is not None else [])]
        assert {arm.id for arm in wanted} <= ids["full"]
    folds = Counter(cell.fold for cell in kept["full"].cells if cell.arm.id == published(CONCARE_ROW).id)
    assert folds == dict.fromkeys(range(10), 1)
    assert len(kept["smoke"].cells) < 10
    with pytest.raises(UsageError, match="no simulated stays"):
        experiment(Preset("smoke", synthetic=True))


# ---- on the real data


@pytest.mark.real_data
def test_a_decision_tree_is_the_printed_one_on_every_fold(days: Table) -> None:
    tree = BY_CLAIMS["dt"]
    found = figures(days, task(PUBLISHED), tree.two_stage, ("accuracy", "auroc", "auprc", "es", "mae", "rmse", "osmae"))
    tables = {"mae": "los", "rmse": "los", "osmae": "twostage"}
    for metric, values in found.items():
        np.testing.assert_allclose(values, released(tree, tables.get(metric, "outcome"), metric), atol=1e-6)
    assert found["auroc"].mean() == pytest.approx(0.8741, abs=5e-5)
    assert found["es"].mean() == pytest.approx(0.6786, abs=5e-5)
    assert found["mae"].mean() == pytest.approx(5.073, abs=5e-4)


@pytest.mark.real_data
def test_constant_and_linear_rows(days: Table) -> None:
    trivial = figures(days, task(PUBLISHED), constant().model, ("auroc", "mae", "osmae"))
    assert trivial["auroc"].mean() == 0.5
    assert trivial["mae"].mean() == pytest.approx(5.256, abs=1e-3)
    linear = figures(days, task(OWN), LINEAR.two_stage, ("auroc", "osmae"))
    assert linear["auroc"].mean() >= 0.980
    # A constant cannot be beaten on the remaining days by much; on both together it is far behind.
    assert linear["osmae"].mean() < 0.5 * trivial["osmae"].mean()


@pytest.mark.real_data
def test_the_hold_out_in_time_is_later(days: Table) -> None:
    (part,) = parts(task(OWN, IN_TIME), days)
    assert Counter(part.tolist()).keys() == {"train", "validation", "test"}
    admitted = days.rows["admitted"].to_numpy() // 86400
    assert admitted[part == "train"].max() <= admitted[part == "validation"].min()
    assert admitted[part == "validation"].max() <= admitted[part == "test"].min()


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("claims", ["rf", "gbdt"])
def test_tree_ensembles_are_near_the_printed_ones(days: Table, claims: str) -> None:
    row = BY_CLAIMS[claims]
    found = figures(days, task(PUBLISHED), row.two_stage, ("auroc", "mae"))
    theirs = released(row, "outcome", "auroc")
    assert found["auroc"].mean() == pytest.approx(theirs.mean(), abs=0.003)
    assert found["mae"].mean() == pytest.approx(released(row, "los", "mae").mean(), abs=0.06)
    # Fold by fold: not the same trees, since libraries have changed, but the same folds.
    assert np.corrcoef(found["auroc"], theirs)[0, 1] > 0.98


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("claims", ["mlp", "rnn", "lstm", "gru", "dr-agent", "adacare", "grasp"])
def test_networks_are_near_the_printed_ones(days: Table, claims: str) -> None:
    pytest.importorskip("torch")
    row = BY_CLAIMS[claims]
    found = figures(days, task(PUBLISHED), row.outcome, ("auroc",))
    assert found["auroc"].mean() == pytest.approx(released(row, "outcome", "auroc").mean(), abs=0.01)


@pytest.mark.real_data
@pytest.mark.slow
# The issue asks 0.983 of AdaCare, which was measured with the released layer: it sees the other test patients, in the order of their
# outcome (benchmarks/covid_ehr_adacare.py). A network that sees one patient alone does not reach it.
@pytest.mark.parametrize(("title", "least"), [("LightGBM", 0.983), ("GRU", 0.975), ("AdaCare", 0.965)])
def test_our_own_rows(days: Table, title: str, least: float) -> None:
    pytest.importorskip("lightgbm" if title == "LightGBM" else "torch")
    row = next(row for row in (LIGHT_GBM, *NETWORKS) if row.title == title)
    model = row.two_stage if title == "LightGBM" else row.outcome
    found = figures(days, task(OWN), model, ("auroc", "osmae") if title == "LightGBM" else ("auroc",))
    assert found["auroc"].mean() >= least
    if title == "LightGBM":
        assert found["osmae"].mean() <= 4.7


@pytest.mark.real_data
@pytest.mark.slow
def test_a_smoke_run_counts_the_cohort_and_judges_nothing_else(tmp_path: Path, real_data_root: Path) -> None:
    pytest.importorskip("torch")
    hilum.run("covid-ehr", preset="smoke", data=real_data_root, out=tmp_path / "run", executor="inline")
    rows = {row["id"]: Row.from_json(row) for row in read_json(RunFolder(tmp_path / "run").path / "claims.json")}
    counted = {name: rows[f"tjh.cohort.{name}"] for name in ("patients", "survivors", "deaths", "patient-days")}
    assert [row.ours.value for row in counted.values() if row.ours] == [361, 195, 166, 1704]
    assert {row.verdict for row in counted.values()} == {"reproduced, exact"}
    assert "partial data" in rows["tjh.cohort.los.p95"].reason
    assert rows["tjh.outcome.dt.auroc"].verdict == "not comparable"
    assert "folds do not match" in rows["tjh.outcome.dt.auroc"].reason
    assert rows["tjh.outcome.gru.auroc"].reason == "not part of this preset: run a larger one"
    assert rows["time-aware.es.gain.tjh"].verdict == "supported"
    assert own(LINEAR).id in {arm["id"] for arm in RunFolder(tmp_path / "run").info()["arms"]}
