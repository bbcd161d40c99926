"""Simulated patients: the truth is what was asked for, and the table is clean of what an audit looks for."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, norm
from sklearn.linear_model import LogisticRegression

from hilum.core.errors import UsageError
from hilum.datasets.simulated_patients.dataset import SimulatedPatients
from hilum.modalities.table.read import read_table
from hilum.modalities.table.simulate import LEVELS, simulate_patients, simulate_with_truth
from hilum.modalities.table.write import write_csv


@given(
    subjects=st.integers(2, 30),
    each=st.integers(1, 12),
    features=st.integers(1, 9),
    categories=st.integers(0, 3),
    seed=st.integers(0, 99),
    kind=st.sampled_from(["classify", "regress"]),
)
def test_shapes_and_seeds(subjects: int, each: int, features: int, categories: int, seed: int, kind: Any) -> None:
    settings: dict[str, Any] = {"n_categories": categories, "kind": kind, "missing": 0.2}
    one = simulate_with_truth(subjects, each, features, seed=seed, **settings)
    same = simulate_patients(subjects, each, features, seed=seed, **settings)
    assert one.table.rows.equals(same.rows)
    assert one.table.features.equals(same.features)
    assert one.table.height == len(one.signal) == subjects * each
    assert one.table.features.width == features + categories
    assert one.table.rows["subject"].n_unique() == subjects
    assert one.table.rows["subject"].value_counts()["count"].unique().to_list() == [each]
    assert one.table.rows.null_count().row(0) == (0,) * one.table.rows.width
    assert not simulate_patients(subjects, each, features, seed=seed + 1, **settings).features.equals(same.features)


@pytest.mark.parametrize("prevalence", [0.05, 0.3, 0.7])
def test_prevalence_is_that_of_the_true_risk(prevalence: float) -> None:
    made = simulate_with_truth(20_000, 1, prevalence=prevalence, seed=1)
    risk = 1 / (1 + np.exp(-made.signal))
    assert risk.mean() == pytest.approx(prevalence, abs=1e-9)
    target = made.table.rows["target"].to_numpy()
    # Five standard errors of a mean of independent draws with these risks.
    assert abs(target.mean() - prevalence) < 5 * np.sqrt((risk * (1 - risk)).sum()) / len(risk)


@pytest.mark.parametrize("effect", [0.0, 1.0, 2.0])
def test_effect_is_the_spread_of_what_the_features_say(effect: float) -> None:
    made = simulate_with_truth(40_000, 1, 10, effect=effect, spread=0.0, seed=2)
    assert (made.signal - made.intercept).std() == pytest.approx(effect, rel=0.02)
    assert (made.weights[5:] == 0).all()
    assert np.linalg.norm(made.weights) == pytest.approx(effect * np.sqrt(0.8))


def test_a_regression_finds_the_weights() -> None:
    made = simulate_with_truth(40_000, 1, 6, effect=1.5, spread=0.0, missing=0.0, seed=3)
    numbers = made.table.features.select(pl.col(pl.Float64)).to_numpy()
    numbers = (numbers - numbers.mean(axis=0)) / numbers.std(axis=0)
    levels = made.table.features["c01"].to_numpy()
    inputs = np.column_stack([numbers, *(levels == level for level in LEVELS[1:])])
    fitted = LogisticRegression(C=np.inf, tol=1e-8, max_iter=500).fit(inputs, made.table.rows["target"].to_numpy())
    risk = 1 / (1 + np.exp(-made.signal))
    error = np.sqrt(np.linalg.inv(inputs.T @ (inputs * (risk * (1 - risk))[:, None])).diagonal())
    assert (np.abs(fitted.coef_[0][:6] - made.weights) < 5 * error[:6]).all()
    steps = np.diff([0.0, *fitted.coef_[0][6:]])
    assert steps == pytest.approx(1.5 * np.sqrt(0.2 / 1.25), abs=5 * error[6:].max())


def test_records_of_a_subject_are_alike() -> None:
    table = simulate_patients(20_000, 2, 2, alike=0.7, missing=0.0, seed=4)
    for name in ("x01", "x02"):
        pairs = table.features[name].to_numpy().reshape(-1, 2)
        assert np.corrcoef(pairs.T)[0, 1] == pytest.approx(0.7, abs=0.02)


def test_the_mean_of_a_measured_outcome() -> None:
    made = simulate_with_truth(20_000, 1, kind="regress", seed=5)
    noise = made.table.rows["target"].to_numpy() - made.signal
    assert noise.mean() == pytest.approx(0, abs=5 / np.sqrt(20_000))
    assert noise.std() == pytest.approx(1, abs=0.03)
    assert (made.table.classes, made.table.unit) == ((), "points")


def test_who_where_and_missing_say_nothing() -> None:
    made = simulate_patients(20_000, 1, missing=0.1, seed=6)
    target = made.rows["target"].to_numpy()
    for name in ("source", "site", "group:sex", "group:age band"):
        counts = (
            made.rows.pivot(name, index="target", values="item", aggregate_function="len").drop("target").to_numpy()
        )
        assert chi2_contingency(counts).pvalue > 1e-4, name
    for name in made.features.columns:
        gone = made.features[name].is_null().to_numpy()
        assert gone.mean() == pytest.approx(0.1, abs=0.02)
        difference = target[gone].mean() - target[~gone].mean()
        assert 2 * norm.sf(abs(difference) / np.sqrt(target.var() / gone.sum())) > 1e-4, name
    assert abs(np.corrcoef(made.rows["time"].to_numpy(), target)[0, 1]) < 5 / np.sqrt(20_000)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n_subjects": 1}, "1 subjects"),
        ({"prevalence": 1.0}, "prevalence of 1"),
        ({"records_per_subject": 0}, "0 records"),
        ({"n_features": 0}, "0 features"),
        ({"alike": 1.5}, "1.5 in common"),
        ({"missing": 1.0}, "1 missing"),
        ({"n_sites": 0}, "0 sources or sites"),
    ],
)
def test_what_cannot_be_simulated(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        simulate_patients(**settings)


def test_as_a_dataset(tmp_path: Any) -> None:
    for kind, role in (("classify", "label"), ("regress", "target")):
        dataset = SimulatedPatients(subjects=12, kind=kind)
        (item,) = dataset.items(tmp_path)
        assert dataset.load(tmp_path, item).height == 24
        assert set(dataset.provides) == {"input", role}
    with pytest.raises(UsageError, match="Did you mean 'regress'"):
        SimulatedPatients(kind="regres")
    columns = write_csv(dataset.load(tmp_path, item), tmp_path / "table.csv")
    assert read_table(tmp_path / "table.csv", columns).height == 24
