"""Findings: an effect of a stated size; and clean studies, in which nothing is planted."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import polars as pl

from hilum.core.split import Rule
from hilum.engine.audit import Use
from hilum.engine.tables.runner import PERMUTED
from hilum.modalities.table.sample import Table
from hilum.models.least_mean_squares import LeastMeanSquares
from hilum.models.logistic_regression import LogisticRegression
from hilum.models.random_forest import RandomForest
from hilum.models.ridge_linear import RidgeLinear
from hilum.tasks.predict_class import PredictClass
from hilum.tasks.predict_value import PredictValue
from plantings.studies import (
    COLUMN,
    DAY,
    FOLDS,
    HALF,
    PERMUTATIONS,
    Method,
    Misjudging,
    Place,
    Study,
    dealt_among,
    features,
    forecasts,
    members,
    rows,
    study,
    values,
)


def one_seed(at: Place) -> Study:
    return study(HALF, at.table(), Method(RandomForest(trees=2)))


def nobody_known(at: Place) -> Study:
    table = at.table()
    return study(HALF, rows(table, subject=pl.Series([None] * table.height, dtype=pl.String)))


def source_tells(at: Place) -> Study:
    table = at.table()
    ill = values(table, "target") == 1
    new = at.draw.random(table.height) < np.where(ill, 0.75, 0.25)
    device = np.where(new, "device-2", "device-1").astype(object)
    x = table.features["x04"].fill_null(math.nan).to_numpy()
    return study(HALF, features(rows(table, source=device), x04=x + 1.5 * np.nanstd(x) * new))


def nothing_learned(at: Place) -> Study:
    return study(FOLDS, at.table(effect=0.0), Method(), Method(LogisticRegression()))


def nothing_to_permute(at: Place) -> Study:
    table = at.table(features=2, categories=0, effect=0.0)
    return study(HALF, table, Method(LogisticRegression()), Method(LogisticRegression(), PERMUTED, PERMUTATIONS))


def with_noise(table: Table, draw: np.random.Generator, *, alone: bool = False) -> Table:
    """The features with four more, as of an encoder, that say nothing; or those four alone."""
    noise = pl.DataFrame({f"z{j}": column for j, column in enumerate(draw.standard_normal((4, table.height)))})
    return replace(table, features=noise if alone else table.features.hstack(noise))


def encoder_adds_nothing(at: Place) -> Study:
    table = at.table()
    own = Method(LogisticRegression(), table=with_noise(table, at.draw), told={"pretraining": {"subjects": []}})
    return study(FOLDS, table, own, replace(own, control="random encoder", table=with_noise(table, at.draw)))


def too_wide(at: Place) -> Study:
    return study(FOLDS, at.table(), Method(LogisticRegression()), use=Use(interval_limit=0.05))


def miscalibrated(at: Place) -> Study:
    model = at.one_of((Misjudging(slope=2.5), Misjudging(shift=1.0)))
    return study(FOLDS, at.table(), Method(model))


def subgroup_fails(at: Place) -> Study:
    table = at.table(effect=2.5)
    men = values(table, "group:sex") == "male"
    return study(
        FOLDS, rows(table, target=dealt_among(values(table, "target"), men, at.draw)), Method(LogisticRegression())
    )


def first_records_fail(at: Place) -> Study:
    table = at.table(each=4)
    first = np.arange(table.height) % 4 == 0  # ids and times ascend within a subject
    target = dealt_among(values(table, "target"), first, at.draw)
    return study(FOLDS, rows(table, target=target), Method(LogisticRegression()))


def few_carry_many(at: Place) -> Study:
    """A fifth of the subjects have eight records each, and x01 tells their label; the others have one, which nothing tells."""
    table, draw = at.table(each=8, effect=0.0), at.draw
    count, member = members(table)
    label = (draw.permutation(count) < 0.4 * count)[member]
    easy = (draw.permutation(count) < 0.2 * count)[member]
    x = table.features["x01"].fill_null(strategy="mean").to_numpy()
    table = features(rows(table, target=label.astype(float)), x01=x + 3 * x.std() * np.where(label, 1, -1) * easy)
    return study(FOLDS, table.take(easy | (np.arange(table.height) % 8 == 0)), Method(LogisticRegression()))


def other_prevalence(at: Place) -> Study:
    table = at.table()
    if at.trial % 2:
        return study(HALF, table, use=Use(prevalence=0.2))
    count, member = members(table)
    ever = np.bincount(member, weights=values(table, "target"), minlength=count) > 0
    tested = at.draw.random(count) < np.where(ever, 0.3, 0.7)
    tested[:2] = True, False
    return study(COLUMN, rows(table, declared=np.where(tested[member], "test", "train").astype(object)))


# Clean studies


def clean(at: Place) -> Study:
    """One of four designs with everything that a check may ask for, and nothing planted."""
    design = at.trial % 4
    table = at.table(each=1 if design == 1 else 2, kind="regress" if design == 3 else "classify", n_sources=3)
    zero = values(table, "time")
    table = rows(table, time_zero=zero, eligible=zero - DAY, charted__x01=zero - 3600, charted__x02=zero)
    table = replace(table, made_from=("a column that is not a feature",))
    if design == 2:
        table = _coarse(table, at.draw)
    rule = (Rule(folds=2), Rule("time", share=0.5), Rule("hold-out", share=0.5), Rule(folds=2))[design]
    task, model = (
        (PredictValue(split=rule), RidgeLinear()) if design == 3 else (PredictClass(split=rule), LogisticRegression())
    )
    told = {"pretraining": {"subjects": ["patient-elsewhere"]}}
    methods = (
        Method(),
        Method(model, told=told),
        Method(model, PERMUTED, PERMUTATIONS),
        Method(model, "random encoder", table=with_noise(table, at.draw, alone=True)),
    )
    return study(
        task, table, *methods, use=Use(future=True if design == 1 else None, prevalence=None if design == 3 else 0.4)
    )


def _coarse(table: Table, draw: np.random.Generator) -> Table:
    """Numbers rounded to whole ones, and age and sex among the features: equal values, and values that stay with a subject."""
    count, member = members(table)
    age = draw.integers(18, 96, count).astype(float)[member]
    whole = [pl.col(name).round(0) for name, kind in table.features.schema.items() if kind == pl.Float64]
    made = replace(table, features=table.features.with_columns(whole))
    return features(made, age=age, sex=values(table, "group:sex"))


def clean_forecasts(at: Place) -> Study:
    return forecasts(at, LeastMeanSquares(history=6), "causal")
