"""Pretrained: a pipeline learned from another table whole, from which a fold's own train part goes on (fine-tuning).

other table --a fifth of its subjects held out--> prepare, fit --start--> the fold's train part, validation part, test part

Preprocessing is the other table's: a network goes on with inputs in the units that it was born with. Nothing of the fold has a part in
what is learned here, so it is learned once a seed and process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hilum.core.component import describe, digest
from hilum.core.errors import DataError, UsageError
from hilum.core.split import k_folds
from hilum.engine.tables.pipeline import Pipeline, examples, reads, records_of, subjects_of
from hilum.engine.tables.ready import once, ready
from hilum.modalities.table.sample import Table

HELD_OUT = 5


def pretrained(task: Any, model: Any, others: Sequence[Table], table: Table, seed: int) -> Pipeline | None:
    """What was learned from another table; None where there is none.

    Args:
        task: The task: how the other table is made ready.
        model: Settings of a model that can go on from another fit.
        others: The tables to learn from first: one, or none.
        table: The table of the folds.
        seed: Seed of everything drawn at random.

    Raises:
        UsageError: several tables, or a model that cannot go on from another fit.
        DataError: the other table has other features or classes, or cannot be judged.
    """
    if not others:
        return None
    if len(others) > 1:
        raise UsageError(
            f"{len(others)} tables to pretrain on", where="pretraining", do="Name one; pool several into one table"
        )
    if not getattr(model, "continues", False):
        raise UsageError(
            "it cannot go on from another fit",
            where=f"model '{describe(model).name}'",
            do="Pretrain a model of sequences, or pool the tables",
        )
    (other,) = others
    _refuse(other, table)

    def make() -> Pipeline:
        made = ready(task, model, other)
        held = k_folds(records_of(made, task.kind), HELD_OUT, task.split.seed, where=f"table '{other.name}'") == 0
        train, validation = made.take(~held), made.take(held)
        prepared = task.prepare.fit(train.inputs)
        read = reads(model)
        fitted = model.fit(examples(prepared, train, read), examples(prepared, validation, read), seed)
        return Pipeline(prepared, model, fitted)

    settings = [describe(part).to_json() for part in (task.prepare, task.split, model)]
    learned: Pipeline = once(other, f"pretrained {seed} {digest(settings)}", make)
    return learned


def of_others(others: Sequence[Table]) -> dict[str, Any]:
    """What HIL001 reads: who was pretrained on."""
    asked = [other.take(other.asked) for other in others]
    return {
        "tables": [other.name for other in others],
        "records": sum(other.height for other in asked),
        "subjects": sorted({str(subject) for other in asked for subject in subjects_of(other)}),
        "unknown": any(other.rows["subject"].null_count() for other in asked),
    }


def _refuse(other: Table, table: Table) -> None:
    if other.unjudgeable:
        raise DataError(other.unjudgeable, where=f"table '{other.name}'", do="Pretrain on another table")
    if other.features.columns != table.features.columns or other.classes != table.classes:
        raise DataError(
            f"its features or classes are not those of '{table.name}'",
            where=f"table '{other.name}'",
            do="Pretrain on the same cohort of another database",
        )
