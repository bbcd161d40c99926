"""Defects: the smallest planting of each. A function makes one study; the form that it takes may change from trial to trial."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from hilum.core.experiment import Search
from hilum.engine.audit import Use
from hilum.models.least_mean_squares import LeastMeanSquares
from hilum.models.logistic_regression import LogisticRegression
from plantings.studies import (
    COLUMN,
    DAY,
    FOLDS,
    HALF,
    Method,
    Misjudging,
    Peeking,
    Place,
    Study,
    copied,
    features,
    forecasts,
    halved,
    members,
    pair_across,
    rows,
    study,
    values,
)


def subject_on_both_sides(at: Place) -> Study:
    table = at.table()
    part = halved(table, at.draw)
    part[int(at.draw.choice(np.flatnonzero(part == "test")))] = "train"
    return study(COLUMN, rows(table, declared=part))


def subject_in_pretraining(at: Place) -> Study:
    table = at.table()
    seen = [str(at.draw.choice(values(table, "subject"))), "patient-elsewhere"]
    return study(FOLDS, table, Method(told={"pretraining": {"subjects": seen}}))


def content_twice(at: Place) -> Study:
    table = at.table()
    part = halved(table, at.draw)
    tested, learned = pair_across(table, part, at.draw)
    if at.trial % 2:
        files = [f"sha256-{number}" for number in range(table.height)]
        files[tested] = files[learned]
        return study(COLUMN, rows(table, declared=part, content=files))
    return study(COLUMN, copied(rows(table, declared=part), tested, learned))


def conflicting_labels(at: Place) -> Study:
    table = at.table()
    part = halved(table, at.draw)
    return study(COLUMN, copied(rows(table, declared=part), *pair_across(table, part, at.draw, "other")))


def identifier(at: Place) -> Study:
    table = at.table()
    count, member = members(table)
    form = at.trial % 4
    if form == 0:
        made: Any = at.draw.permutation(table.height).astype(float)
    elif form == 1:
        made = member + 1.0
    elif form == 2:
        made = at.draw.choice(10_000_000, count, replace=False).astype(float)[member]
    else:
        made = [f"mrn {number:08x}" for number in at.draw.choice(2**32, count, replace=False)[member]]
    return study(HALF, features(table, number=made))


def clock(at: Place) -> Study:
    table = at.table()
    seconds = values(table, "time")
    days = (pl.Series(seconds).cast(pl.Int64) * 1000).cast(pl.Datetime("ms"))
    forms: tuple[Callable[[], Any], ...] = (
        lambda: seconds,
        lambda: np.round((seconds - seconds.min()) / DAY, 2),
        lambda: days.dt.to_string("%Y-%m-%d"),
        lambda: days.dt.to_string("%Y%m%d").cast(pl.Float64),
    )
    return study(HALF, features(table, drawn=at.one_of(forms)()))


def charted_late(at: Place) -> Study:
    table = at.table()
    zero = values(table, "time")
    late = zero - DAY
    late[at.draw.integers(table.height)] += DAY + 3600
    return study(HALF, rows(table, time_zero=zero, charted__x01=late, charted__x02=zero))


def fitted_on_all(at: Place) -> Study:
    hidden = {"preprocessing": {"fitted on": "train"}} if at.trial % 2 else {}
    return study(replace(HALF, fitted_on="all"), at.table(), Method(LogisticRegression(), told=hidden))


def class_missing(at: Place) -> Study:
    table = at.table()
    count, member = members(table)
    never = at.draw.permutation(
        np.flatnonzero(np.bincount(member, weights=values(table, "target"), minlength=count) == 0)
    )
    tested = np.isin(member, never[: -(-len(never) // 2)])
    return study(COLUMN, rows(table, declared=np.where(tested, "test", "train").astype(object)))


def overlap_in_time(at: Place) -> Study:
    table = at.table(each=1)
    when = values(table, "time")
    cut = np.sort(when)[table.height // 2]
    part = np.where(when >= cut, "test", "train").astype(object)
    when[int(at.draw.choice(np.flatnonzero(part == "train")))] = cut + DAY
    return study(COLUMN, rows(table, declared=part, time=when), use=Use(future=True))


def chosen_on_test(at: Place) -> Study:
    search = Search((("inverse_penalty", (0.01, 1.0)),), "auroc")
    return study(replace(HALF, chosen_on="test"), at.table(), Method(LogisticRegression(), search=search))


def eligible_late(at: Place) -> Study:
    table = at.table()
    zero = values(table, "time")
    decided = zero - DAY
    decided[at.draw.integers(table.height)] += 2 * DAY
    return study(HALF, rows(table, time_zero=zero, eligible=decided))


def label_made_from_a_feature(at: Place) -> Study:
    return study(HALF, replace(at.table(), made_from=("x03", "a column that is not a feature")))


def label_given_away(at: Place) -> Study:
    table = at.table()
    target, noise = values(table, "target"), at.draw.random(table.height)
    forms = (
        {"urine": np.where(target == 1, noise, noise + 1.5)},
        {"report": np.where(target == 1, "opacity", "clear").astype(object)},
        {"dose": np.where(target == 1, noise, math.nan)},
    )
    return study(HALF, features(table, **at.one_of(forms)))


def other_units(at: Place) -> Study:
    table = at.table()
    table = rows(table, declared=halved(table, at.draw))
    tested = np.flatnonzero(values(table, "declared") == "test")
    fewer = table.take(np.arange(table.height) != at.draw.choice(tested))
    if at.trial % 2:
        return study(FOLDS, table, Method(), Method(LogisticRegression(), folds=(0,)))
    return study(COLUMN, table, Method(), Method(LogisticRegression(), table=fewer))


def dropped_runs(at: Place) -> Study:
    return study(HALF, at.table(), Method(), Method(Misjudging(fails=True)))


def labels_early(at: Place) -> Study:
    return forecasts(at, LeastMeanSquares(history=6), "published")


def reads_ahead(at: Place) -> Study:
    return forecasts(at, Peeking(), "causal")
