"""Compare: two arms, of two runs or of one, on the records that both predicted, paired by subject.

    tables      predictions are averaged over seeds (and repeats) record by record; the difference of the pooled metric has a
                cluster bootstrap over subjects with the same draw for both, and a p-value from swapping the two within subjects
    forecasts   the leading metric of each recording, paired; t or bootstrap over recordings, sign flips

A record with another outcome in the other run is an error: the two did not answer the same question.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hilum.core.comparison import Comparison
from hilum.core.errors import DataError, UsageError
from hilum.core.metric import Metric
from hilum.core.row import Range, read_estimate
from hilum.core.run import RunFolder
from hilum.core.store import read_json
from hilum.engine.figures import metrics_of
from hilum.engine.stored import StoredArm, arm_by_name, stored_arms
from hilum.metrics.stats import PairedDifference, paired_difference, paired_pooled_difference

if TYPE_CHECKING:
    import polars as pl


def compare(a: RunFolder, b: RunFolder, *, arm_a: str = "", arm_b: str = "", metric: str = "") -> list[Comparison]:
    """Compare arms of two runs: those named, or every pair of equal titles.

    Raises:
        UsageError: an arm or metric that is not there, or runs without a common arm.
        DataError: a record has another outcome in the other run, or nothing is shared.
    """
    arms_a, arms_b = stored_arms(a), stored_arms(b)
    if arm_a or arm_b:
        first = arm_by_name(arms_a, arm_a or arm_b, where=str(a.path))
        second = arm_by_name(arms_b, arm_b or arm_a, where=str(b.path))
        return [_pair(a, b, first, second, metric)]
    titles = {arm.name: arm for arm in arms_b}
    pairs = [(arm, titles[arm.name]) for arm in arms_a if arm.name in titles]
    if not pairs:
        raise UsageError(
            "the runs have no arm of the same name",
            where=f"{a.path} and {b.path}",
            do="Name two with --arm and --against",
        )
    return [_pair(a, b, first, second, metric) for first, second in pairs]


def _pair(run_a: RunFolder, run_b: RunFolder, a: StoredArm, b: StoredArm, name: str) -> Comparison:
    task_a, task_b = a.task, b.task
    if task_a.kind != task_b.kind:
        raise UsageError(
            f"'{a.name}' is asked to {task_a.kind}, '{b.name}' to {task_b.kind}", do="Compare arms of one kind"
        )
    if task_a.kind in {"classify", "regress"}:
        return _tables(a, b, task_a, name)
    return _units(run_a, run_b, a, b, name or task_a.leading_metric)


def _tables(a: StoredArm, b: StoredArm, task: Any, name: str) -> Comparison:
    metrics = metrics_of(task.kind)
    if name and name not in metrics:
        raise UsageError(f"there is no {task.kind} metric '{name}'", do=f"There is: {', '.join(metrics)}")
    metric = metrics[name or task.leading_metric]
    mine, theirs = _by_record(a), _by_record(b)
    shared = mine.join(theirs, on="item", how="inner", suffix=" b").sort("item")
    if not shared.height:
        raise DataError(
            f"'{a.name}' and '{b.name}' predicted no common record", do="Run both on the same table and ids"
        )
    changed = shared.filter(shared["target"] != shared["target b"])
    if changed.height:
        raise DataError(
            f"record '{changed['item'][0]}' has the outcome {changed['target'][0]:g} in one run and "
            f"{changed['target b'][0]:g} in the other ({changed.height} such records)",
            do="Compare runs of the same outcome",
        )
    columns_a = _columns(shared, task.kind, "")
    columns_b = _columns(shared, task.kind, " b")
    subjects = shared["subject"].fill_null(shared["item"]).to_numpy()
    groups = _shared_folds(shared) if metric.pooling == "ranks" else None
    several = shared["fold"].n_unique() > 1 or shared["fold"].null_count() > 0
    level = 0.99 if several else 0.95
    difference = paired_pooled_difference(columns_a, columns_b, subjects, metric, groups=groups, level=level)
    notes = []
    if several:
        notes.append("99 %, not 95: the models of several folds share training data; p does not allow for that")
    if metric.pooling == "ranks" and groups is None:
        notes.append("the runs tested their records in other folds, so ranks are pooled over folds")
    return Comparison(
        a.name,
        b.name,
        metric.title,
        metric.direction,
        _figure(metric, columns_a, groups),
        _figure(metric, columns_b, groups),
        *_told(difference, notes),
        shared.height,
        mine.height - shared.height,
        theirs.height - shared.height,
        level,
    )


def _by_record(arm: StoredArm) -> pl.DataFrame:
    """One row a record: its outcome, its subject, and its prediction averaged over seeds and repeats."""
    import polars as pl

    frame = arm.predictions()
    predicted = [name for name in frame.columns if name == "prediction" or name.startswith("p:")]
    return frame.group_by("item").agg(
        pl.col("subject").first(),
        pl.col("target").first(),
        pl.when(pl.col("fold").n_unique() == 1).then(pl.col("fold").first()).alias("fold"),
        pl.col(predicted).mean(),
    )


def _shared_folds(shared: pl.DataFrame) -> Any:
    """The fold of each record, where both runs tested it in the same one: ranks are compared within a fold's model."""
    same = shared["fold"].is_not_null() & (shared["fold"] == shared["fold b"])
    return shared["fold"].to_numpy() if bool(same.fill_null(value=False).all()) else None


def _figure(metric: Metric, columns: dict[str, Any], groups: Any) -> float:
    if groups is None:
        return metric(columns).value
    own = [
        metric({name: values[groups == group] for name, values in columns.items()}).value for group in np.unique(groups)
    ]
    return float(np.mean(own))


def _columns(shared: pl.DataFrame, kind: str, suffix: str) -> dict[str, Any]:
    target = shared["target"].to_numpy()
    if kind == "regress":
        from hilum.metrics.regress import statistics_by

        return statistics_by(np.arange(shared.height), target, shared[f"prediction{suffix}"].to_numpy())
    names = [name for name in shared.columns if name.startswith("p:") and name.endswith(" b") == bool(suffix)]
    return {"target": target, **{name.removesuffix(" b"): shared[name].to_numpy() for name in names}}


def _units(run_a: RunFolder, run_b: RunFolder, a: StoredArm, b: StoredArm, name: str) -> Comparison:
    line_a, mine = _unit_values(run_a, a, name)
    _, theirs = _unit_values(run_b, b, name)
    shared = sorted(mine.keys() & theirs.keys())
    if not shared:
        raise DataError(f"'{a.name}' and '{b.name}' scored no common unit", do="Run both on the same recordings")
    return Comparison(
        a.name,
        b.name,
        line_a["metric_title"],
        line_a["direction"],
        float(np.mean([mine[unit] for unit in shared])),
        float(np.mean([theirs[unit] for unit in shared])),
        *_told(paired_difference(mine, theirs)),
        len(shared),
        len(mine) - len(shared),
        len(theirs) - len(shared),
    )


def _unit_values(run: RunFolder, arm: StoredArm, name: str) -> tuple[dict[str, Any], dict[str, float]]:
    for line in read_json(run.path / "results.json"):
        if line["arm_id"] == arm.id and line["metric"] == name and line["horizon"] is None:
            estimate = read_estimate(line["estimate"])
            assert estimate is not None
            return line, {unit.unit: unit.value for unit in estimate.per_unit if unit.value is not None}
    raise UsageError(f"'{arm.name}' has no figure '{name}'", where=str(run.path), do="See `hilum report`")


def _told(found: PairedDifference, notes: Sequence[str] = ()) -> tuple[float, Range | None, float, str]:
    """Difference, interval, p-value and how they were made, or why there are none."""
    made = found.interval
    interval = Range(made.low, made.high, made.method, made.n, made.note) if made.defined else None
    note = "; ".join(dict.fromkeys(filter(None, (found.method if interval else made.note, found.note, *notes))))
    return found.mean, interval, found.p, note
