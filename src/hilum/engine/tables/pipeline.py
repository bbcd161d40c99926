"""The pipeline of a table: prepare, choose settings, fit. Everything that is learned is learned here, from what is handed in.

    start     features that need no learning (a running maximum) are made once, of all records     hilum.engine.tables.ready
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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.component import change, describe, digest
from hilum.core.errors import DataError, UsageError
from hilum.core.experiment import Search
from hilum.core.kinds.classify import Joint, Labelled
from hilum.core.kinds.regress import Measured
from hilum.core.metric import Metric
from hilum.core.model import Fitted, Trainable
from hilum.core.outcome import Block
from hilum.core.sequence import Order
from hilum.core.split import LEFT_OUT, Records, Texts, k_folds
from hilum.modalities.table.sample import Table

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pipeline:
    """What was learned from one train part.

    Attributes:
        prepared: Fitted preprocessing (`hilum.modalities.table.prepare.Prepared`, or a fitted recipe).
        model: The settings that were fitted, chosen ones included.
        fitted: The fitted model.
        tried: Each candidate's settings and its score, where there was a choice.
    """

    prepared: Any
    model: Any
    fitted: Fitted[Any, Any]
    tried: tuple[tuple[dict[str, Any], float], ...] = ()

    def predict(self, table: Table) -> Array | Joint:
        """Class probabilities (records, classes), numbers (records,) or both, of the records that are asked for."""
        matrix = self.prepared.apply(table.inputs)
        if reads(self.model) == "records":
            alone: Array | Joint = self.fitted.predict(matrix[table.asked])
            return alone
        order = order_of(table)
        answer: Array | Joint = self.fitted.predict(order.sequenced(matrix, table.asked))
        back = np.empty_like(order.sorting)
        back[order.sorting] = np.arange(len(back))
        rows = back[table.asked]
        return Joint(answer.probabilities[rows], answer.numbers[rows]) if isinstance(answer, Joint) else answer[rows]

    def fingerprint(self, train: Table) -> str:
        """A digest of all that was learned: equal only if preprocessing, choice and fit are equal to the last bit."""
        answer = self.predict(train)
        said = (answer.probabilities, answer.numbers) if isinstance(answer, Joint) else (answer,)
        learned = hashlib.sha256(b"".join(np.ascontiguousarray(each).tobytes() for each in said)).hexdigest()
        choice = [describe(self.model).settings, [[settings, repr(score)] for settings, score in self.tried]]
        return digest([self.prepared.fingerprint, choice, learned])


def learn(
    task: Any,
    model: Trainable,
    search: Search | None,
    table: Table,
    part: Texts,
    seed: int,
    start: Pipeline | None = None,
) -> Pipeline:
    """Prepare, choose and fit.

    Args:
        task: `PredictClass` or `PredictValue`.
        model: Settings of a model.
        search: Settings to choose, or None.
        table: All records, made ready by `hilum.engine.tables.ready`.
        part: (records,) "train", "validation", "test" or "".
        seed: Seed of everything drawn at random.
        start: What was learned from other tables (`hilum.engine.tables.pretrained`): its preprocessing is kept, its model goes on from it.
    """
    train = table.take(part == "train")
    if start is not None:
        return go_on(start, train, table.take(part == "validation"), seed)
    prepared = task.prepare.fit((table if task.fitted_on == "all" else train).inputs)
    model, tried = _choose(task, model, search, table, part, seed)
    validation = table.take(part == "validation") if (part == "validation").any() else None
    held = None if validation is None else examples(prepared, validation, reads(model))
    fitted = model.fit(examples(prepared, train, reads(model)), held, seed)
    return Pipeline(prepared, model, fitted, tried)


def go_on(start: Pipeline, train: Table, validation: Table, seed: int) -> Pipeline:
    """The model of a pipeline fitted on, with the preprocessing that it was born with; the validation part may be empty."""
    read = reads(start.model)
    held = examples(start.prepared, validation, read) if validation.height else None
    fitted = start.model.fit(examples(start.prepared, train, read), held, seed, start=start.fitted)
    return Pipeline(start.prepared, start.model, fitted)


def reads(model: Any) -> str:
    """What a model is handed: "records", or "sequences"."""
    return str(getattr(model, "reads", "records"))


def order_of(table: Table) -> Order:
    """Which records of a table belong together in time.

    Raises:
        UsageError: the table says nothing of it.
    """
    if table.order is None:
        raise UsageError(
            "the model reads sequences, and the table has single records",
            where=f"table '{table.name}'",
            do="Name the columns `sequence` and `step`, or use a model of single records",
        )
    return table.order


def examples(prepared: Any, table: Table, read: str = "records") -> Labelled | Measured:
    """A table as what a model is fitted on: of the records that are asked for, and as sequences where it reads them."""
    matrix = prepared.apply(table.inputs)
    asked, rows, subjects = table.asked, table.rows, subjects_of(table)
    sequences = None
    place = np.flatnonzero(asked)
    if read == "sequences":
        order = order_of(table)
        sequences = order.sequenced(matrix, asked)
        place = order.sorting[asked[order.sorting]]
    target = rows["target"].to_numpy()[place]
    whose = tuple(subjects[place])
    if table.classes:
        beside = rows["beside"].to_numpy()[place] if "beside" in rows.columns else None
        return Labelled(matrix[place], target.astype(np.int64), table.classes, whose, sequences, beside)
    return Measured(matrix[place], target, table.unit, whose, sequences)


def constants_of(task: Any, train: Table) -> dict[str, float]:
    """Figures that metrics of this task need, of the train part."""
    return dict(task.constants(train)) if hasattr(task, "constants") else {}


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
        target=_targets(table, kind),
        kind=kind,
        time=column("time"),
        source=texts("source"),
        declared=None
        if "declared" not in rows.columns
        else rows["declared"].fill_null(LEFT_OUT).to_numpy().astype(str),
        sequence=None if "sequence" not in rows.columns else rows["sequence"].to_numpy().astype(str),
    )


def _targets(table: Table, kind: str) -> Array:
    """(records,) outcomes; where a number is asked for, context has the mean of its subject, so that it moves no stratum."""
    target = table.rows["target"].cast(float).fill_null(float("nan")).to_numpy()
    if kind == "classify" or table.asked.all():
        return np.asarray(target)
    _, member = np.unique(subjects_of(table), return_inverse=True)
    known = np.isfinite(target)
    total = np.bincount(member[known], weights=target[known], minlength=member.max() + 1)
    mean = total / np.maximum(np.bincount(member[known], minlength=member.max() + 1), 1)
    return np.where(known, target, mean[member])


def subjects_of(table: Table) -> Texts:
    """Whose each record is; a record whose subject is not known stands for itself."""
    rows = table.rows
    return np.asarray(rows["subject"].fill_null(rows["item"]).to_numpy().astype(str))


def score_block(
    table: Table, prediction: Array | Joint, fold: int, seed: int, constants: Mapping[str, float] | None = None
) -> Block:
    """What metrics read of the records that are asked for: of classes one row a prediction, of numbers the sums of each subject."""
    table = table.take(table.asked)
    subjects = subjects_of(table)
    target = table.rows["target"].to_numpy()
    common = {"fold": np.int32(fold), "seed": np.int32(seed)}
    if table.classes:
        rows: Block = {"item": table.rows["item"].to_numpy(), "subject": subjects, "target": target}
        if "beside" in table.rows.columns:
            rows = {**rows, "beside": table.rows["beside"].to_numpy(), "who": _numbers_of(subjects)}
        return {**rows, **common, **(constants or {}), **answer_columns(prediction)}
    from hilum.metrics.regress import statistics_by

    assert not isinstance(prediction, Joint)
    names, member = np.unique(subjects, return_inverse=True)
    return {"item": names, "subject": names, **common, **statistics_by(member, target, prediction)}


def answer_columns(prediction: Array | Joint) -> dict[str, Array]:
    """Columns `p:0`, `p:1`, ... of probabilities (records, classes), `number` of a number predicted with them."""
    if isinstance(prediction, Joint):
        return {**answer_columns(prediction.probabilities), "number": prediction.numbers}
    return {f"p:{index}": np.ascontiguousarray(prediction[:, index]) for index in range(prediction.shape[1])}


def _numbers_of(subjects: Texts) -> Array:
    """A number that stands for each subject, the same in every fold: 48 bits of a hash, which a float holds exactly."""
    names, member = np.unique(subjects, return_inverse=True)
    digests = [float(int.from_bytes(hashlib.sha256(name.encode()).digest()[:6])) for name in names.tolist()]
    return np.array(digests)[member]


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
    prepared = task.prepare.fit(fit.inputs)
    fitted = model.fit(examples(prepared, fit, reads(model)), None, seed)
    block = score_block(held, Pipeline(prepared, model, fitted).predict(held), 0, seed, constants_of(task, fit))
    return metric({need: np.asarray(block[need], dtype=np.float64) for need in _needs(metric, block)}).value


def _needs(metric: Metric, block: Block) -> list[str]:
    return [name for name in block if name in metric.needs or name.startswith("p:")]


def _metric(kind: str, name: str) -> Metric:
    from hilum.engine.figures import metrics_of

    metrics = metrics_of(kind)
    if name not in metrics:
        raise UsageError(
            f"there is no {kind} metric '{name}'", where="Search", do="See `hilum show classify` or `regress`"
        )
    return metrics[name]
