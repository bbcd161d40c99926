"""The runner of tables: one cell is one arm and one fold. Deals the folds, learns from train, predicts test, probes.

fold k      learn from the fold's train part, predict its test part
fold None   learn from every record; nothing is tested. It is what `hilum predict` uses, and what the folds' figures speak for

control "permuted labels"   before anything else the labels are dealt anew among subjects, one permutation a seed, and the
whole pipeline runs on them: what scores as well as the real labels has learned nothing
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.component import describe, digest
from hilum.core.errors import DataError, UsageError
from hilum.core.experiment import Search
from hilum.core.kinds.classify import Joint
from hilum.core.outcome import Block, Outcome
from hilum.core.split import Rule, Texts, deal
from hilum.engine.tables.pipeline import (
    Pipeline,
    answer_columns,
    constants_of,
    learn,
    records_of,
    score_block,
    subjects_of,
)
from hilum.engine.tables.pretrained import of_others, pretrained
from hilum.engine.tables.probes import data_evidence, future_evidence, pipeline_evidence
from hilum.engine.tables.ready import once, parts, ready
from hilum.modalities.table.equal_rows import equal_rows
from hilum.modalities.table.sample import Table

PERMUTED = "permuted labels"
CONTROLS = ("", PERMUTED)
DISTANCE = "distance.safetensors"
CARRIED = ("time", "source", "site", "sequence", "step", "beside")


def run(
    *,
    task: Any,
    model: Any,
    protocol: str,
    search: Search | None,
    seeds: tuple[int, ...],
    samples: list[Table],
    fold: int | None = None,
    control: str = "",
    others: Sequence[Table] = (),
) -> Iterator[Outcome]:
    """One outcome: the fold; or of a table that cannot be judged its sentence, and what can be counted.

    Args:
        task: `PredictClass`, `PredictValue` or `PredictCourse`.
        model: Settings of a model.
        protocol: Under which the arm stands; tables have none of their own.
        search: Settings to choose, or None.
        seeds: Seeds of everything drawn at random.
        samples: The table.
        fold: Which fold; None learns from every record.
        control: "" or "permuted labels".
        others: Tables that the model is pretrained on; it then goes on from there on train.

    Raises:
        UsageError: an unknown control, a fold that the split does not have, or a model that cannot go on from another fit.
        DataError: records without an outcome, or a fold without records to train or test on.
    """
    (table,) = samples
    if control not in CONTROLS:
        raise UsageError(f"there is no control '{control}' for tables", do=f"There is: {', '.join(CONTROLS[1:])}")
    item = "all records" if fold is None else f"fold {fold}"
    if table.unjudgeable:
        told = {"cohort": counts_of(table), "classes": list(table.classes)}
        yield Outcome(item, [], [], [], told, refused=f"{table.name}: {table.unjudgeable}")
        return
    if "sequence" not in table.rows.columns and table.rows["target"].null_count():
        raise DataError(
            "some records have no outcome", where=f"table '{table.name}'", do="Leave them out, or label them"
        )
    if others and (search is not None or control or task.fitted_on == "all"):
        raise UsageError(
            "a pretrained model with settings to choose, on permuted labels, or prepared on all records",
            where=f"table '{table.name}'",
            do="Pretrain without `search` and `control`",
        )
    yield _outcome(task, model, search, seeds, ready(task, model, table), fold, control, table, others)


def _outcome(
    task: Any,
    model: Any,
    search: Search | None,
    seeds: tuple[int, ...],
    table: Table,
    fold: int | None,
    control: str,
    raw: Table,
    others: Sequence[Table],
) -> Outcome:
    number = -1 if fold is None else fold
    predictions: list[Block] = []
    scores: list[Block] = []
    log: list[dict[str, Any]] = []
    split: list[Block] = []
    first: tuple[Table, Texts, Pipeline, Pipeline | None] | None = None
    for seed in seeds:
        began = time.perf_counter()
        asked = permute(table, seed) if control == PERMUTED else table
        part = parts_of(task, asked, fold)
        try:
            start = pretrained(task, model, others, raw, seed)
            pipeline = learn(task, model, search, asked, part, 0 if control == PERMUTED else seed, start)
        except DataError as error:
            # A permutation may leave one class in train: it is no permutation that can be scored, and HIL016 counts those it has.
            if control != PERMUTED or (seed == seeds[-1] and first is None):
                raise
            log.append({"event": "permutation left out", "seed": seed, "reason": str(error)})
            continue
        first = first or (asked, part, pipeline, start)
        if fold is not None:
            test = asked.take(part == "test")
            predicted = pipeline.predict(test)
            constants = constants_of(task, asked.take(part == "train"))
            predictions.append(_prediction_block(test, predicted, number, seed, constants))
            scores.append(score_block(test, predicted, number, seed, constants))
        log.append({"event": "fitted", "seed": seed, "seconds": time.perf_counter() - began})
    assert first is not None
    asked, part, pipeline, start = first
    if not control:
        split.append(_split_block(asked, part, number))
    train = asked.take(part == "train")
    evidence: dict[str, Any] = {
        "scored": {"units": digest(asked.rows["item"].to_numpy()[(part == "test") & asked.asked].tolist())},
        "choices": {"settings": describe(pipeline.model).settings, "tried": [list(pair) for pair in pipeline.tried]},
        "preprocessing": {
            "fitted on": task.fitted_on,
            "records": int(train.asked.sum()),
            "fingerprint": pipeline.prepared.fingerprint,
        },
        "classes": list(table.classes),
        **({"pretraining": of_others(others)} if others else {}),
    }
    if fold == 0 and not control:
        evidence["cohort"] = counts_of(raw)
        evidence = _merged(evidence, pipeline_evidence(task, model, search, asked, part, seeds[0], pipeline, start))
        if raw.order is not None:
            evidence = _merged(evidence, future_evidence(task, model, raw, _first_tested(task, raw), pipeline))
        if describe(model).name == task.trivial:
            evidence = _merged(evidence, data_evidence(*_of_data(raw, parts(task, raw)[0])))
    return Outcome(
        item="all records" if fold is None else f"fold {fold}",
        split=split,
        predictions=predictions,
        scores=scores,
        evidence=evidence,
        log=log,
        save=None if control else _saver(pipeline, train, fold),
        preprocess={
            "prepare": pipeline.prepared.to_json(),
            "model": describe(pipeline.model).to_json(),
            "classes": list(table.classes),
            "features": {name: str(kind) for name, kind in table.features.schema.items()},
        },
    )


def parts_of(task: Any, table: Table, fold: int | None) -> Texts:
    """The part of each record: of fold None all are train, but for the validation part that the split's rule sets aside.

    Raises:
        UsageError: the split has no such fold.
    """
    if fold is None:
        rule: Rule = task.split
        share = rule.validation or (1 / rule.inner if rule.inner else 0.0)
        if not share:
            return np.full(table.height, "train")
        aside = replace(rule, name="hold-out", share=share, validation=0.0, inner=0)
        (dealt_once,) = parts(replace(task, split=aside), table)
        return np.where(dealt_once == "test", "validation", "train")
    dealt = parts(task, table)
    if not 0 <= fold < len(dealt):
        raise UsageError(
            f"there is no fold {fold}", where=f"table '{table.name}'", do=f"The split has {len(dealt)} folds"
        )
    return dealt[fold]


def counts_of(table: Table) -> dict[str, Any]:
    """How many there are: records that are asked for, sequences, subjects (None where they are not known), and who was left out.

    Of classes also the sequences with a record of the last class (of two, the positive one).
    """
    asked = table.take(table.asked)
    rows = asked.rows
    unknown = rows["subject"].null_count()
    found: dict[str, Any] = {
        "records": asked.height,
        "subjects": None if unknown else rows["subject"].n_unique(),
        "attrition": [list(line) for line in table.attrition],
    }
    if "sequence" in rows.columns:
        found["sequences"] = rows["sequence"].n_unique()
        if table.classes:
            positive = rows["sequence"].filter(rows["target"] == len(table.classes) - 1)
            found["positive sequences"] = positive.n_unique()
    return found


def _first_tested(task: Any, raw: Table) -> NDArray[np.bool_]:
    """(records,) the test part of fold 0 with its context; without validation parts, for the other folds of long tables take room."""
    rule = replace(task.split, inner=0, validation=0.0)
    return np.asarray(deal(rule, records_of(raw, task.kind), where=f"table '{raw.name}'")[0] == "test")


def _of_data(table: Table, part: Texts) -> tuple[Table, Texts]:
    """The records that are asked for, and their parts: what is known of the data is known of these."""
    return table.take(table.asked), part[table.asked]


def permute(table: Table, seed: int) -> Table:
    """The same table with labels dealt anew among subjects: each takes another's series of labels, repeated or cut to fit."""
    asked = np.flatnonzero(table.asked)
    _, member = np.unique(subjects_of(table)[asked], return_inverse=True)
    order = asked[np.argsort(member, kind="stable")]
    series = np.split(order, np.cumsum(np.bincount(member))[:-1])
    dealt = np.random.default_rng([seed, 16]).permutation(len(series))
    taken = np.arange(table.height)
    taken[order] = np.concatenate(
        [np.resize(series[other], len(own)) for own, other in zip(series, dealt, strict=True)]
    )
    moved = [table.rows[name][taken] for name in ("target", "beside") if name in table.rows.columns]
    return replace(table, rows=table.rows.with_columns(moved))


def _prediction_block(
    test: Table, predicted: NDArray[np.float64] | Joint, fold: int, seed: int, constants: dict[str, float]
) -> Block:
    test = test.take(test.asked)
    columns = answer_columns(predicted) if test.classes else {"prediction": predicted}
    return {**_row_columns(test), "fold": np.int32(fold), "seed": np.int32(seed), **constants, **columns}


def _split_block(table: Table, part: Texts, fold: int) -> Block:
    # Each fold stores it of the same records.
    content = once(table, "content", lambda: equal_rows(table.take(table.asked))[1])
    table, part = _of_data(table, part)
    return {**_row_columns(table), "content": content, "fold": np.int32(fold), "part": part.astype(str).tolist()}


def _row_columns(table: Table) -> Block:
    rows = table.rows
    kept = [name for name in rows.columns if name in {"subject", "target", *CARRIED} or name.startswith("group:")]
    return {"item": rows["item"], **{name: rows[name] for name in kept}}


def _saver(pipeline: Pipeline, train: Table, fold: int | None) -> Any:
    def save(folder: Path) -> None:
        pipeline.fitted.save(folder)
        if fold is None:  # what `hilum predict` loads: it also says how far a new record lies from these
            from hilum.modalities.table.distance import Distance

            inputs = pipeline.prepared.apply(train.inputs)
            if inputs.shape[0] > 1 and inputs.shape[1]:
                Distance.fit(inputs, subjects_of(train).tolist()).save(folder / DISTANCE)

    return save


def _merged(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """Two dictionaries in one; of a name in both, the entries of both."""
    return {
        **a,
        **{name: {**a[name], **found} if name in a and isinstance(found, dict) else found for name, found in b.items()},
    }
