"""Small *synthetic* sequences, and every network of sequences made small."""

from __future__ import annotations

import numpy as np

from hilum.core.component import change
from hilum.core.finder import find
from hilum.core.kinds.classify import Labelled
from hilum.core.kinds.regress import Measured
from hilum.core.sequence import Sequenced
from hilum.models._sequence_model import SequenceModel

SMALL = {"concare": {"hidden": 8, "heads": 2}, "stagenet": {"hidden": 8}, "grasp": {"clusters": 4}}


def networks() -> dict[str, SequenceModel]:
    """Every network of sequences that the finder finds."""
    found = {}
    for name, place in find("models").items():
        module = place.load("settings" if place.has("settings") else "")
        for thing in vars(module).values():
            if isinstance(thing, type) and thing.__module__ == module.__name__ and issubclass(thing, SequenceModel):
                found[name] = change(thing(), **({"hidden": 12} | SMALL.get(name, {})), epochs=2, dropout=0.1)
    return found


def sequenced(lengths: list[int], columns: int = 5, seed: int = 0) -> Sequenced:
    """Records of so many sequences; the first column does not change within one."""
    rng = np.random.default_rng(seed)
    series = np.repeat(np.arange(len(lengths)), lengths)
    step = np.concatenate([np.cumsum(rng.uniform(0.5, 3.0, n)) for n in lengths])
    values = rng.standard_normal((len(series), columns))
    values[:, 0] = rng.standard_normal(len(lengths))[series]
    return Sequenced(values, series, step, np.ones(len(series), bool))


def train(kind: str = "two", sequences: int = 24, *, single: bool = False) -> Labelled | Measured:
    """The running sum of a column, as a number ("number"), two classes or three, with a number beside them."""
    rows = sequenced(np.random.default_rng(1).integers(1, 7, sequences).tolist())
    memory = np.concatenate([np.cumsum(part) for part in np.split(rows.values[:, 1], rows.starts[1:-1])])
    who = tuple(map(str, rows.series))
    whole = None if single else rows
    if kind == "number":
        return Measured(rows.values, 3 * memory, "d", who, whole)
    classes = 3 if kind == "three" else 2
    labels = np.digitize(memory, [0.0, 0.8][: classes - 1])
    return Labelled(rows.values, labels.astype(np.int64), tuple("abc"[:classes]), who, whole, 10 + 3 * memory)
