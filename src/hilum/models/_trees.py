"""Binary decision trees as plain arrays, whoever grew them: what a tree, a forest and gradient boosting are stored as and predict with.

A row goes left at node j where x[feature_j] <= threshold_j, until feature_j is -1: a leaf. Nodes of all trees stand one after the
other; a tree begins at `root` and its children are numbered from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, HilumError, UsageError
from hilum.core.kernel import kernel
from hilum.models import _folder
from hilum.models._outcome import Outcome

Array = NDArray[np.float64]
Integers = NDArray[np.int32]
ARRAYS = ("root", "feature", "threshold", "left", "right", "value")
LARGEST_STATE = 2**31 - 1  # what all libraries that grow trees take


@dataclass(frozen=True)
class Trees:
    """Nodes of all trees.

    Attributes:
        root: (trees,) where each tree begins among the nodes.
        feature: (nodes,) column that a node asks; -1 at a leaf.
        threshold: (nodes,) a row with at most this goes left.
        left: (nodes,) the child of those, counted from the root.
        right: (nodes,) the other child.
        value: (nodes, outputs) what a leaf answers.
    """

    root: NDArray[np.int64]
    feature: Integers
    threshold: Array
    left: Integers
    right: Integers
    value: Array

    @classmethod
    def join(cls, trees: Sequence[Mapping[str, NDArray[np.generic]]]) -> Trees:
        """From one mapping a tree, with the arrays above but `root`."""
        sizes = [len(tree["feature"]) for tree in trees]
        root = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        kinds = {"feature": np.int32, "threshold": np.float64, "left": np.int32, "right": np.int32, "value": np.float64}
        whole = {name: np.concatenate([tree[name] for tree in trees]).astype(kind) for name, kind in kinds.items()}
        return cls(root=root, **whole)

    def leaves(self, inputs: Array) -> NDArray[np.int64]:
        """The leaf of every row in every tree, (trees, rows), as position among the nodes."""
        found = np.empty((len(self.root), len(inputs)), np.int64)
        find_leaves(np.ascontiguousarray(inputs), self.root, self.feature, self.threshold, self.left, self.right, found)
        return found

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """For the model's folder."""
        return {name: getattr(self, name) for name in ARRAYS}

    @classmethod
    def read(cls, arrays: Mapping[str, NDArray[Any]], columns: int) -> Trees:
        """Read what `arrays` gave (all of ARRAYS); a tree that asks for a column that is not there, or leads nowhere, is refused.

        Raises:
            HilumError: the arrays do not make trees.
        """
        trees = cls(**{name: arrays[name] for name in ARRAYS})
        nodes = len(trees.feature)
        size = np.diff(np.append(trees.root, nodes))
        own = np.repeat(size, np.maximum(size, 0)) if (size > 0).all() else np.empty(0)
        lengths = {len(array) for array in (trees.threshold, trees.left, trees.right, trees.value, own)}
        inner = trees.feature >= 0
        if lengths != {nodes} or trees.feature.max(initial=-1) >= columns:
            raise HilumError("the arrays do not make trees", do="Run the study again")
        place = np.arange(nodes) - np.repeat(trees.root, size)
        for child in (trees.left, trees.right):  # children come after their parent, so every walk ends
            if (child[inner] <= place[inner]).any() or (child[inner] >= own[inner]).any():
                raise HilumError("the arrays do not make trees", do="Run the study again")
        return trees


class FittedTrees:
    """Trees whose mean answer is the answer: a decision tree, or a forest.

    Attributes:
        importance: (columns,) share of the impurity that splits on each column removed; flatters columns with many values.
    """

    def __init__(self, model: str, outcome: Outcome, trees: Trees, importance: Array) -> None:
        self._model = model
        self._outcome = outcome
        self._trees = trees
        self.importance = importance

    def predict(self, inputs: Array) -> Array:
        """Numbers (rows,), or probabilities (rows, classes)."""
        rows = single_precision(self._outcome.accept(inputs), self._model).astype(np.float64)
        total = np.zeros((len(rows), self._trees.value.shape[1]))
        for leaves in self._trees.leaves(rows):
            total += self._trees.value[leaves]
        total /= len(self._trees.root)
        return self._outcome.spread(total) if self._outcome.classes else total[:, 0]

    def save(self, folder: Path) -> None:
        """Write trees and facts."""
        arrays = {**self._trees.arrays(), "importance": self.importance}
        _folder.write(folder, self._model, self._outcome.facts(), arrays)

    @classmethod
    def load(cls, folder: Path, model: str) -> FittedTrees:
        """Read what `save` wrote."""
        facts, arrays = _folder.read(folder, model, ("importance", *ARRAYS))
        outcome = Outcome.read(facts)
        return cls(model, outcome, Trees.read(arrays, outcome.columns), arrays["importance"])


class FittedSum:
    """A constant (outputs,) and trees whose answers are added to it, `outputs` of them a round: gradient boosting."""

    def __init__(self, model: str, outcome: Outcome, start: Array, trees: Trees, *, rounded: bool) -> None:
        """`rounded` says whether the trees were grown on inputs of single precision."""
        self._model = model
        self._outcome = outcome
        self._start = start
        self._trees = trees
        self._rounded = rounded

    def predict(self, inputs: Array) -> Array:
        """Numbers (rows,), or probabilities (rows, classes)."""
        rows = self._outcome.accept(inputs)
        if self._rounded:
            rows = single_precision(rows, self._model).astype(np.float64)
        scores = np.tile(self._start, (len(rows), 1))
        for tree, leaves in enumerate(self._trees.leaves(rows)):
            scores[:, tree % len(self._start)] += self._trees.value[leaves, 0]
        return self._outcome.answer(scores)

    def save(self, folder: Path) -> None:
        """Write constant, trees and facts."""
        _folder.write(folder, self._model, self._outcome.facts(), {**self._trees.arrays(), "start": self._start})

    @classmethod
    def load(cls, folder: Path, model: str, *, rounded: bool) -> FittedSum:
        """Read what `save` wrote."""
        facts, arrays = _folder.read(folder, model, ("start", *ARRAYS))
        outcome = Outcome.read(facts)
        return cls(model, outcome, arrays["start"], Trees.read(arrays, outcome.columns), rounded=rounded)


def grown_by_scikit(tree: Any) -> dict[str, NDArray[np.generic]]:
    """The arrays that `Trees.join` takes, of a fitted scikit-learn tree (`tree_`)."""
    return {
        "feature": np.where(tree.children_left < 0, -1, tree.feature),
        "threshold": tree.threshold,
        "left": tree.children_left,
        "right": tree.children_right,
        "value": tree.value[:, 0, :],
    }


def single_precision(inputs: Array, model: str) -> NDArray[np.float32]:
    """Inputs (rows, columns) rounded as scikit-learn's trees and XGBoost round them.

    Raises:
        DataError: a value beyond single precision.
    """
    with np.errstate(over="ignore"):
        single = np.asarray(inputs).astype(np.float32)
    if not np.isfinite(single).all():
        column = int(np.nonzero(~np.isfinite(single))[1][0])
        raise DataError(
            f"column {column + 1} holds values beyond single precision", where=model, do="Scale the numbers in Prepare"
        )
    return single


def refuse_state(state: int | None, model: str) -> None:
    """Refuse a fixed state of the generator of random numbers that a library would not take.

    Raises:
        UsageError: a state below 0 or above 2^31 - 1.
    """
    if state is not None and not 0 <= state <= LARGEST_STATE:
        raise UsageError(
            f"state {state} is outside 0 to {LARGEST_STATE}", where=model, do="Leave it out to use the seed"
        )


@kernel
def find_leaves(
    inputs: Array,
    root: NDArray[np.int64],
    feature: Integers,
    threshold: Array,
    left: Integers,
    right: Integers,
    found: NDArray[np.int64],
) -> None:
    """Walk every row (rows, columns) down every tree; `found` (trees, rows) gets the leaves."""
    for tree in range(root.shape[0]):
        start = root[tree]
        for row in range(inputs.shape[0]):
            node = start
            while feature[node] >= 0:
                below = inputs[row, feature[node]] <= threshold[node]
                node = start + (left[node] if below else right[node])
            found[tree, row] = node
