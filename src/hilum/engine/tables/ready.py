"""Ready: a table as the folds of a task read it. Made once a table and task, for the folds of one table are many.

start       features that need no learning are made of all records: each depends on its record and earlier ones of its sequence alone
asked       where preprocessing looks at one record at a time, and so does the model, context has done its work and is left out
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hilum.core.component import describe, digest
from hilum.core.split import Texts, deal
from hilum.engine.tables.pipeline import reads, records_of
from hilum.modalities.table.sample import Table

SEQUENCES_AT_ONCE = 64
_KEPT = 8
_made: OrderedDict[tuple[int, str], tuple[Table, Any]] = OrderedDict()


def ready(task: Any, model: Any, table: Table) -> Table:
    """The table with the features that preprocessing can make before anything is learnt."""
    context = reads(model) == "sequences" or not task.prepare.rowwise

    def make() -> Table:
        return _started(task, table) if context else _asked_of(task, table)

    if table.order is None and not hasattr(task.prepare, "steps"):
        return table
    made: Table = once(table, f"ready {context} {digest(describe(task.prepare).to_json())}", make)
    return made


def _started(task: Any, table: Table) -> Table:
    started = task.prepare.start(table.inputs)
    return replace(table, features=started.features, roles=dict(started.roles), static=())


def _asked_of(task: Any, table: Table) -> Table:
    """The records that are asked for, some sequences at a time: what is made of an hour that is then left out is never all held."""
    import polars as pl

    if table.order is None:
        made = _started(task, table)
        return made.take(made.asked)
    piece = table.order.series // SEQUENCES_AT_ONCE
    kept = []
    for number in range(int(piece.max(initial=0)) + 1):
        made = _started(task, table.take(piece == number))
        kept.append(made.take(made.asked))
    rows, features = (pl.concat([getattr(each, name) for each in kept]) for name in ("rows", "features"))
    return replace(kept[0], rows=rows, features=features)


def parts(task: Any, table: Table) -> list[Texts]:
    """The part of every record, for each fold; errors as in `hilum.core.split.deal`."""

    def make() -> list[Texts]:
        return deal(task.split, records_of(table, task.kind), where=f"table '{table.name}'")

    dealt: list[Texts] = once(table, f"parts {task.kind} {digest(describe(task.split).to_json())}", make)
    return dealt


def once(table: Table, what: str, make: Callable[[], Any]) -> Any:
    """What `make` gives, made once a table and `what` and kept while the process lives, the last few."""
    # The table is kept with what was made of it, so its id stands for no other table meanwhile.
    key = (id(table), what)
    if key in _made:
        _made.move_to_end(key)
    else:
        _made[key] = (table, make())
        while len(_made) > _KEPT:
            _made.popitem(last=False)
    return _made[key][1]
