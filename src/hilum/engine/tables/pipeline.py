"""The pipeline of a table: prepare, choose settings, fit. Everything that is learned is learned here, from what is handed in.

    prepare   fitted on the train records                              task.fitted_on = "train"
    choose    each candidate is fitted on inner folds of train, dealt by subject, and scored on their held-out part;
              the best mean of the leading metric wins, the first of equals        task.chosen_on = "train"
    fit       the chosen settings on all train records

A paper that fitted preprocessing on every record, or chose settings by its test part, is run in its own order of operations by
`fitted_on="all"` and `chosen_on="test"`: this file is the only place where a test record can steer a fit, and the probes of
`probes.py` show when one did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.component import change, describe, digest
from hilum.core.errors import DataError, UsageError
from hilum.core.experiment import Search
from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.core.metric import Metric
from hilum.core.model import Fitted, Trainable
from hilum.core.outcome import Block
from hilum.core.split import LEFT_OUT, Records, Texts, k_folds
from hilum.modalities.table.prepare import Prepared
from hilum.modalities.table.sample import Table

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pipeline:
    """What was learned from one train part.

    Attributes:
        prepared: Fitted preprocessing.
        model: The settings that were fitted, chosen ones included.
        fitted: The fitted model.
        tried: Each candidate's settings and its score, where there was a choice.
    """

    prepared: Prepared
    model: Any
    fitted: Fitted[Array, Array]
    tried: tuple[tuple[dict[str, Any], float], ...] = ()

    def predict(self, table: Table) -> Array:
        """Class probabilities (records, classes), or numbers (records,)."""
        return self.fitted.predict(self.prepared.apply(table.features))

    def fingerprint(self, train: Table) -> str:
        """A digest of all that was learned: equal only if preprocessing, choice and fit are equal to the last bit."""
        learned = hashlib.sha256(np.ascontiguousarray(self.predict(train)).tobytes()).hexdigest()
        choice = [describe(self.model).settings, [[settings, repr(score)] for settings, score in self.tried]]
        return digest([self.prepared.fingerprint, choice, learned])


def learn(task: Any, model: Trainable, search: Search | None, table: Table, part: Texts, seed: int) -> Pipeline:
    """Prepare, choose and fit.

    Args:
        task: `PredictClass` or `PredictValue`.
        model: Settings of a model.
        search: Settings to choose, or None.
        table: All records.
        part: (records,) "train", "validation", "test" or "".
        seed: Seed of everything drawn at random.
    """
    train = table.take(part == "train")
    prepared = task.prepare.fit((table if task.fitted_on == "all" else train).features)
    model, tried = _choose(task, model, search, table, part, seed)
    fitted = model.fit(examples(prepared, train), _validation(prepared, table, part), seed)
    return Pipeline(prepared, model, fitted, tried)


def examples(prepared: Prepared, table: Table) -> Labelled | Measured:
    """A table as what a model is fitted on."""
    inputs = prepared.apply(table.features)
    target = table.rows["target"].to_numpy()
    subjects = tuple(subjects_of(table))
    if table.classes:
        return Labelled(inputs, target.astype(np.int64), table.classes, subjects)
    return Measured(inputs, target, table.unit, subjects)


def records_of(table: Table, kind: str) -> Records:
    """What a split is dealt from."""
    rows = table.rows

    def column(name: str) -> NDArray[Any] | None:
        return rows[name].to_numpy() if name in rows.columns else None

    def texts(name: str) -> Texts | None:
        return rows[name].fill_null("not known").to_numpy().astype(str) if name in rows.columns else None

    return Records(
        item=rows["item"].to_numpy().astype(str),
        subject=subjects_of(table),
        target=rows["target"].to_numpy(),
        kind=kind,
        time=column("time"),
        source=texts("source"),
        declared=None
        if "declared" not in rows.columns
        else rows["declared"].fill_null(LEFT_OUT).to_numpy().astype(str),
    )


def subjects_of(table: Table) -> Texts:
    """Whose each record is; a record whose subject is not known stands for itself."""
    rows = table.rows
    return np.asarray(rows["subject"].fill_null(rows["item"]).to_numpy().astype(str))


def score_block(table: Table, prediction: Array, fold: int, seed: int) -> Block:
    """What metrics read: of classes one row a prediction, of numbers the additive statistics of each subject."""
    subjects = subjects_of(table)
    target = table.rows["target"].to_numpy()
    common = {"fold": np.int32(fold), "seed": np.int32(seed)}
    if table.classes:
        rows = {"item": table.rows["item"].to_numpy(), "subject": subjects, "target": target}
        return {**rows, **common, **probability_columns(prediction)}
    from hilum.metrics.regress import statistics_by

    names, member = np.unique(subjects, return_inverse=True)
    return {"item": names, "subject": names, **common, **statistics_by(member, target, prediction)}


def probability_columns(prediction: Array) -> dict[str, Array]:
    """Columns `p:0`, `p:1`, ... of an array of shape (records, classes)."""
    return {f"p:{index}": np.ascontiguousarray(prediction[:, index]) for index in range(prediction.shape[1])}


def _choose(
    task: Any, model: Trainable, search: Search | None, table: Table, part: Texts, seed: int
) -> tuple[Any, tuple[tuple[dict[str, Any], float], ...]]:
    if search is None:
        return model, ()
    metric = _metric(task.kind, search.metric)
    sign = 1.0 if metric.direction == "higher" else -1.0
    folds = list(_choosing(task, table, part))
    tried = []
    best: tuple[float, Any] = (-np.inf, model)
    for combination in product(*(candidates for _, candidates in search.over)):
        settings = dict(zip((name for name, _ in search.over), combination, strict=True))
        candidate = change(model, **settings)
        scores = [_score(task, candidate, metric, fit, held, seed) for fit, held in folds]
        defined = [score for score in scores if np.isfinite(score)]  # a small inner fold may lack a class
        mean = float(np.mean(defined)) if defined else np.nan
        tried.append((settings, mean))
        if np.isfinite(mean) and sign * mean > best[0]:
            best = (sign * mean, candidate)
    if not np.isfinite(best[0]):
        raise DataError(
            f"no candidate could be scored by {metric.name}: it is undefined on every inner fold",
            where=f"table '{table.name}'",
            do="Ask for fewer inner folds, or leave out `tune`",
        )
    return best[1], tuple(tried)


def _choosing(task: Any, table: Table, part: Texts) -> Iterator[tuple[Table, Table]]:
    """Pairs of records to fit on and to score, for choosing settings: inside train, unless a paper did otherwise."""
    train = table.take(part == "train")
    if task.chosen_on == "test":
        yield train, table.take(part == "test")
        return
    if (part == "validation").any():
        yield train, table.take(part == "validation")
        return
    fold = k_folds(records_of(train, task.kind), task.inner_folds, task.split.seed + 1, where="inner folds")
    for number in range(task.inner_folds):
        yield train.take(fold != number), train.take(fold == number)


def _score(task: Any, model: Any, metric: Metric, fit: Table, held: Table, seed: int) -> float:
    prepared = task.prepare.fit(fit.features)
    fitted = model.fit(examples(prepared, fit), None, seed)
    block = score_block(held, fitted.predict(prepared.apply(held.features)), 0, seed)
    return metric({need: np.asarray(block[need], dtype=np.float64) for need in _needs(metric, block)}).value


def _needs(metric: Metric, block: Block) -> list[str]:
    return [name for name in block if name in metric.needs or name.startswith("p:")]


def _validation(prepared: Prepared, table: Table, part: Texts) -> Labelled | Measured | None:
    return examples(prepared, table.take(part == "validation")) if (part == "validation").any() else None


def _metric(kind: str, name: str) -> Metric:
    from hilum.engine.figures import metrics_of

    metrics = metrics_of(kind)
    if name not in metrics:
        raise UsageError(
            f"there is no {kind} metric '{name}'", where="Search", do="See `hilum show classify` or `regress`"
        )
    return metrics[name]
