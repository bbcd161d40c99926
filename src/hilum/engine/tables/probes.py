"""Probes: cheap experiments inside a cell whose outcome the checks read. Run in fold 0 of every arm.

test inputs moved       the whole pipeline again, every test record's numbers moved far away and its categories renamed: the
fitted preprocessing must not change by a bit (HIL006)
test labels permuted    the whole pipeline again, test labels dealt anew: no fit, setting or seed may change (HIL017)
of the data             features, contents, sources, charting times: see hilum.modalities.table.profile
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hilum.core.experiment import Search
from hilum.core.split import Texts
from hilum.engine.tables.pipeline import Pipeline, learn
from hilum.modalities.table.sample import Table

MOVED_BY = 1e6


def pipeline_evidence(
    task: Any, model: Any, search: Search | None, table: Table, part: Texts, seed: int, pipeline: Pipeline
) -> dict[str, Any]:
    """Fingerprints of what was learned, before and after the test part was changed."""
    tested = part == "test"
    train = table.take(part == "train")
    before = pipeline.fingerprint(train)
    moved = learn(task, model, search, _moved_inputs(table, tested), part, seed)
    labels = table.rows["target"].to_numpy()[tested]
    permuted = _permuted_labels(table, tested)
    moved_labels = int((permuted.rows["target"].to_numpy()[tested] != labels).sum())
    prepared = {"before": pipeline.prepared.fingerprint, "after": moved.prepared.fingerprint}
    evidence: dict[str, Any] = {"preprocessing": {"test inputs moved": prepared}}
    if (
        moved_labels
    ):  # labels that are all alike cannot be dealt anew: then nothing was looked for, and nothing is stored
        dealt = learn(task, model, search, permuted, part, seed)
        choice = {"before": before, "after": dealt.fingerprint(train), "labels moved": moved_labels}
        evidence["choices"] = {"test labels permuted": choice}
    return evidence


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
    return replace(table, rows=table.rows.with_columns(pl.Series("target", target)))
