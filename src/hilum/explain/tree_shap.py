"""Tree SHAP: a boosted model's score of a record as a sum over columns, by the booster itself.

Equation    F(x) = base + sum_j phi_j(x),    phi_j the Shapley value of column j in the game  v(S) = E[F | x_S],  the expectation along
            the trees: at a split on a column outside S both sides count, by the share of train that went there
Symbols     F  the raw score: a number, the log odds of the second of two classes, a class's score of more;  base  E F over train
Cost        O(trees * leaves * depth^2) a record
Source      Lundberg, Erion and Lee, arXiv 1802.03888, algorithm 2, as LightGBM, XGBoost and CatBoost run it. A model offers
            contributions(inputs) -> (records, columns + 1), or (records, classes in train, columns + 1); the base stands last
Deviations  None of the computation. Columns that go with one another share a contribution in a way that the trees decide; a contribution
            speaks of the model, not of the patient. Local accuracy is checked at each call, against what the model predicts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hilum.core.errors import DataError, HilumError, UsageError
from hilum.explain._answer import Array, Attribution, Contributions, Importance, Question

SCOPE = "either"
NO_BOOSTER = "the model is no booster that adds up its own trees (LightGBM, XGBoost and CatBoost are)"
TOLERANCE = 1e-4  # of a probability, or of the largest number predicted: XGBoost adds in single precision


def tree_shap(fitted: Any, inputs: Array, names: tuple[str, ...], *, of_class: int | None = None) -> Contributions:
    """Contributions of each column to each record's raw score.

    Args:
        fitted: A fitted booster: `contributions` and `predict`.
        inputs: (records, columns) prepared.
        names: (columns,).
        of_class: Of three classes or more, which one's score; by default the last.

    Raises:
        UsageError: the model is no booster, or train had no such class.
        DataError: no records.
        HilumError: the contributions do not add up to what the model answers.
    """
    why = obstacle(fitted)
    if why:
        raise UsageError(why, where="tree_shap", do="Use permutation_importance, which any model can answer")
    if not len(inputs):
        raise DataError("there is no record to explain", where="tree_shap")
    found = np.asarray(fitted.contributions(inputs), np.float64)
    said = np.asarray(fitted.predict(inputs), np.float64)
    every = found[:, np.newaxis] if found.ndim == 2 else found  # (records, outputs, columns + 1)
    gap = _gap(every.sum(axis=2), said)
    if not gap <= TOLERANCE * (1.0 if said.ndim == 2 else max(1.0, float(np.abs(said).max()))):
        raise HilumError(f"contributions miss what the model predicts by {gap:.3g}", where="tree_shap")
    output = _output(said, every.shape[1], of_class)
    what = (
        "number" if said.ndim == 1 else "log odds of the second class" if every.shape[1] == 1 else "class's raw score"
    )
    means = (
        f"What each feature adds to the {what}, from the trees themselves (Shapley values): with the base it adds up to what the model "
        f"answers (largest gap {gap:.1g}). It speaks of the model, not of the patient."
    )
    return Contributions(names, every[:, output, :-1], every[:, output, -1], gap, means, f"contribution to the {what}")


def obstacle(fitted: Any) -> str:
    """Why this model has no such contributions."""
    return "" if hasattr(fitted, "contributions") else NO_BOOSTER


def explain(question: Question) -> Importance | Attribution:
    """Of one record its contributions by feature; of many their mean size."""
    assert isinstance(question.inputs, np.ndarray)
    chosen = question.of_class
    if chosen is None and question.record is not None:
        said = np.asarray(question.fitted.predict(question.inputs[question.record : question.record + 1]))
        chosen = int(said[0].argmax()) if said.ndim == 2 else None
    inputs = question.inputs if question.record is None else question.inputs[question.record : question.record + 1]
    found = tree_shap(question.fitted, inputs, question.names, of_class=chosen).grouped(question.groups)
    return found.over(question.subjects) if question.record is None else found.of(0)


def _output(said: Array, outputs: int, of_class: int | None) -> int:
    if outputs == 1:
        return 0
    present = np.flatnonzero(said.any(axis=0))
    asked = int(present[-1]) if of_class is None else of_class
    if asked not in present:
        raise UsageError(
            f"train held no record of class {asked}", where="tree_shap", do=f"There is: {present.tolist()}"
        )
    return int(np.searchsorted(present, asked))


def _gap(scores: Array, said: Array) -> float:
    """The largest distance between what the sums (records, outputs) answer and what was said."""
    from scipy.special import expit, softmax

    if said.ndim == 1:
        return float(np.abs(scores[:, 0] - said).max())
    if scores.shape[1] > 1:
        return float(np.abs(softmax(scores, axis=1) - said[:, said.any(axis=0)]).max())
    second = expit(scores[:, 0])
    return float(np.abs(np.column_stack([1.0 - second, second]) - said[:, said.any(axis=0)]).max())
