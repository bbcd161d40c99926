"""What the classification families read: class indices, and one column of probabilities a class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilum.core.metric import Columns

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


def probability_columns(columns: Columns) -> list[str]:
    """Names of the columns `p:0`, `p:1`, ..., in the order of the classes."""
    named = [name for name in columns if name.startswith("p:") and name[2:].isdigit()]
    return sorted(named, key=lambda name: int(name[2:]))


def class_count(columns: Columns) -> int:
    """How many classes: one a column of probabilities; two where only `p:1` is there; 0 where the columns do not add up."""
    names = probability_columns(columns)
    if names == ["p:1"]:
        return 2
    return len(names) if names == [f"p:{k}" for k in range(len(names))] else 0


def probabilities(columns: Columns) -> Array:
    """The probabilities, or scores, shape (rows, classes)."""
    names = probability_columns(columns)
    if names == ["p:1"]:
        return np.stack([1.0 - columns["p:1"], columns["p:1"]], axis=1)
    return np.stack([columns[name] for name in names], axis=1)


def called(columns: Columns) -> Indices:
    """The class that is called: of two the second where p:1 >= 0.5 (p:1 >= p:0), of more the first with the largest p."""
    if class_count(columns) == 2:
        rival = columns["p:0"] if "p:0" in columns else 1.0 - columns["p:1"]
        return (columns["p:1"] >= rival).astype(np.intp)
    best: Indices = np.argmax(probabilities(columns), axis=1).astype(np.intp)
    return best


def truth(columns: Columns) -> Indices:
    """The class index of each row, shape (rows,)."""
    return columns["target"].astype(np.intp)


def obstacle(columns: Columns) -> str:
    """Why rows of any number of classes cannot be scored, or nothing."""
    classes = class_count(columns)
    if not classes:
        return f"columns {', '.join(probability_columns(columns)) or '(none)'} are not p:0, p:1, ..., one a class"
    for name in probability_columns(columns):
        if not np.isfinite(columns[name]).all():
            return f"column '{name}' holds values that are not finite"
    return _not_a_class(columns["target"], classes)


def binary_obstacle(columns: Columns) -> str:
    """Why rows cannot be scored as two classes, or nothing; reads `target` and `p:1` only."""
    return _not_a_class(columns["target"], 2)


def probability_obstacle(columns: Columns) -> str:
    """Why rows of any number of classes hold no probabilities, or nothing."""
    return obstacle(columns) or _not_a_share(columns)


def binary_probability_obstacle(columns: Columns) -> str:
    """Why rows of two classes hold no probabilities, or nothing."""
    return binary_obstacle(columns) or _not_a_share({"p:1": columns["p:1"]})


def _not_a_class(target: Array, classes: int) -> str:
    wrong = target[(target != np.floor(target)) | (target < 0) | (target >= classes)]
    return f"target {wrong[0]:g} is not one of the class indices 0 to {classes - 1}" if wrong.size else ""


def _not_a_share(columns: Columns) -> str:
    for name in probability_columns(columns):
        outside = columns[name][(columns[name] < 0) | (columns[name] > 1)]
        if outside.size:
            return f"column '{name}' holds {outside[0]:g}: not a probability"
    return ""
