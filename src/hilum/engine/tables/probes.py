"""Probes: cheap experiments inside a cell whose outcome the checks read. Run in fold 0 of every arm.

test inputs moved       the whole pipeline again, every test record's numbers moved far away and its categories renamed: the
fitted preprocessing must not change by a bit (HIL006)
test labels permuted    the whole pipeline again, test labels dealt anew: no fit, setting or seed may change (HIL017)
future moved, emptied   of tables with sequences: the test records again, every later record of a sequence moved far away, then emptied:
no prediction may change by a bit (HIL005)
of the data             features, contents, sources, charting times: see hilum.modalities.table.profile
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.experiment import Search
from hilum.core.kinds.classify import Joint
from hilum.core.split import Texts
from hilum.engine.tables.pipeline import Pipeline, learn
from hilum.engine.tables.ready import ready
from hilum.modalities.table.sample import Table

MOVED_BY = 1e6


def pipeline_evidence(
    task: Any,
    model: Any,
    search: Search | None,
    table: Table,
    part: Texts,
    seed: int,
    pipeline: Pipeline,
    start: Pipeline | None = None,
) -> dict[str, Any]:
    """Fingerprints of what was learned, before and after the test part was changed; `start` as in `learn`."""
    tested = (part == "test") & table.asked
    train = table.take(part == "train")
    before = pipeline.fingerprint(train)
    moved = learn(task, model, search, _moved_inputs(table, part == "test"), part, seed, start)
    labels = table.rows["target"].to_numpy()[tested]
    permuted = _permuted_labels(table, tested)
    moved_labels = int((permuted.rows["target"].to_numpy()[tested] != labels).sum())
    prepared = {"before": pipeline.prepared.fingerprint, "after": moved.prepared.fingerprint}
    evidence: dict[str, Any] = {"preprocessing": {"test inputs moved": prepared}}
    if (
        moved_labels
    ):  # labels that are all alike cannot be dealt anew: then nothing was looked for, and nothing is stored
        dealt = learn(task, model, search, permuted, part, seed, start)
        choice = {"before": before, "after": dealt.fingerprint(train), "labels moved": moved_labels}
        evidence["choices"] = {"test labels permuted": choice}
    return evidence


def future_evidence(
    task: Any, model: Any, table: Table, tested: NDArray[np.bool_], pipeline: Pipeline
) -> dict[str, Any]:
    """The largest change of a prediction when what comes later in its sequence is another, or is not there.

    Args:
        task: The task.
        model: The model's settings.
        table: The table as it was read, before any feature was made.
        tested: (records,) which are test records.
        pipeline: What was learned.
    """
    test = table.take(tested)
    later = _later(test)
    earlier = ~later[test.asked]
    if not later.any():
        return {"future": {"predictions": int(earlier.sum()), "later records": 0, "moved": 0.0, "emptied": 0.0}}

    def told(of: Table) -> NDArray[np.float64]:
        answer = pipeline.predict(ready(task, model, of))
        both = np.column_stack([answer.probabilities, answer.numbers]) if isinstance(answer, Joint) else answer
        return np.asarray(both[earlier], dtype=np.float64)

    before = told(test)
    changed = {
        name: float(np.abs(told(_later_changed(test, later, empty=name == "emptied")) - before).max())
        for name in ("moved", "emptied")
    }
    return {"future": {"predictions": int(earlier.sum()), "later records": int(later.sum()), **changed}}


def _later(table: Table) -> NDArray[np.bool_]:
    """(records,) which come after the middle one, in time, of the records that are asked for in their sequence."""
    order, asked = table.order, table.asked
    assert order is not None
    mine = order.sorting[asked[order.sorting]]  # those asked for, sequence by sequence, in order of time
    series, first, count = np.unique(order.series[mine], return_index=True, return_counts=True)
    middle = np.full(int(order.series.max(initial=-1)) + 1, np.inf)
    middle[series] = order.step[mine[first + (count - 1) // 2]]
    return np.asarray(order.step > middle[order.series])


def _later_changed(table: Table, later: NDArray[np.bool_], *, empty: bool) -> Table:
    """The table with another future: features that do not change within a sequence stay as they are."""
    import polars as pl

    mask = pl.Series(later)
    moved = [
        pl.when(mask)
        .then(None if empty else pl.col(name) + MOVED_BY if kind == pl.Float64 else pl.lit("moved by the audit"))
        .otherwise(pl.col(name))
        .alias(name)
        for name, kind in table.features.schema.items()
        if name not in table.static
    ]
    return replace(table, features=table.features.with_columns(moved))


def data_evidence(table: Table, part: Texts) -> dict[str, Any]:
    """What the checks of the data read."""
    from hilum.modalities.table.profile import profile

    return profile(table, part, made_from=table.made_from)


def _moved_inputs(table: Table, tested: np.ndarray[Any, np.dtype[np.bool_]]) -> Table:
    import polars as pl

    mask = pl.Series(tested)
    moved = [
        pl.when(mask)
        .then(pl.col(name) + MOVED_BY if kind == pl.Float64 else pl.lit("moved by the audit"))
        .otherwise(pl.col(name))
        .alias(name)
        for name, kind in table.features.schema.items()
    ]
    return replace(table, features=table.features.with_columns(moved))


def _permuted_labels(table: Table, tested: np.ndarray[Any, np.dtype[np.bool_]]) -> Table:
    import polars as pl

    target = table.rows["target"].to_numpy().copy()
    dealt = np.random.default_rng(17).permutation(target[tested])
    # A permutation may leave small test parts as they are: turning them round changes every part that holds two labels.
    target[tested] = target[tested][::-1] if (dealt == target[tested]).all() else dealt
    # A record without an outcome has a null, and not NaN: it is still context.
    return replace(table, rows=table.rows.with_columns(pl.Series("target", target).fill_nan(None)))
