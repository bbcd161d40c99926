"""Attention: what a network says it looked at when it answered for one record. Attention is not importance. Needs the extra `deep`.

RETAIN                what each value gave to the score: an exact sum, score = base + sum of alpha_s w (beta_s * E_i) x_si
causal transformer    the last layer's weights of the records before, mean over heads: they add up to 1
ConCare               each column's weight among columns, times its weights of its own past: they add up to 1
AdaCare               the gate of each value of each record, one at a time: 0 shuts it out
Cost                  one pass over the sequence
Source                each network's own: see its settings; not importance: Jain and Wallace, arXiv 1902.10186
Deviations            RETAIN: E's offset, which no column has, goes to the base. Where it answers a class and a number together its
                      read-out is not linear, and alpha alone is given. ConCare's static columns share one weight, given to each in
                      equal parts, in the row of the record that is asked about. Weights of other networks are not offered.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hilum.core.errors import DataError, UsageError
from hilum.core.sequence import Sequenced
from hilum.explain._answer import Attribution, Question, score_of

SCOPE = "record"
NONE = "the model has no attention that it can show"
CAVEAT = "Attention is not importance: a model can look at what it does not use, and use what it hardly looks at."


def attention(
    fitted: Any, sequence: Sequenced, names: tuple[str, ...], record: int, *, of_class: int | None = None
) -> Attribution:
    """What a network looked at for one record of one sequence.

    Args:
        fitted: A fitted model of sequences.
        sequence: One sequence.
        names: (columns,).
        record: Which of its rows.
        of_class: Whose score RETAIN's sum makes, where there are three classes or more; by default the likeliest one's.

    Returns:
        (rows, columns), or one column where weights belong to records alone; rows later than the record have 0.

    Raises:
        DataError: not one sequence.
        UsageError: the network has nothing to show, or train lacked the class.
    """
    if sequence.count != 1:
        raise DataError(f"{sequence.count} sequences, and one record of one is explained")
    why = obstacle(fitted)
    if why:
        raise UsageError(why, where="attention", do="Use integrated_gradients or permutation_importance")
    import torch

    network, facts, batch = fitted.network, fitted.facts, fitted.batch(sequence)
    with torch.no_grad():
        said = network(batch.series, batch.static, batch.mask, batch.gaps)[0, record]
        output = _output(facts.outcome.present, said.numpy(), of_class)
        looked = network.encoder.attention(batch, record, None if facts.joint else network.head.weight[output])
    assert looked is not None
    by_column = looked.weights.ndim == 2
    values = looked.weights.numpy().astype(np.float64)
    if not looked.adds_up:
        shown = names if by_column else ("record",)
        means = f"{looked.means} {CAVEAT}"
        return Attribution(shown, values.reshape(len(values), -1), means, pool=looked.pool, label="attention")
    scale = facts.spread if not facts.outcome.present else 1.0
    score = float(said[output]) * scale + (facts.middle if not facts.outcome.present else 0.0)
    values = values * scale
    base = score - float(values.sum())
    return Attribution(
        names,
        values,
        f"{looked.means} {CAVEAT}",
        score,
        base,
        label=f"part of the {score_of(len(facts.outcome.present))}",
    )


def obstacle(fitted: Any) -> str:
    """Why there is none."""
    return "" if hasattr(fitted, "network") and fitted.network.encoder.shows_attention else NONE


def explain(question: Question) -> Attribution:
    """Of one record of one sequence.

    Raises:
        UsageError: no record is named.
    """
    assert isinstance(question.inputs, Sequenced)
    if question.record is None:
        raise UsageError("attention belongs to one record, and none is named", do="Name one with --item")
    return attention(question.fitted, question.inputs, question.names, question.record, of_class=question.of_class)


def _output(present: tuple[int, ...], said: np.ndarray[Any, Any], of_class: int | None) -> int:
    if len(present) < 3:
        return 0
    if of_class is None:
        return int(said[: len(present)].argmax())
    if of_class not in present:
        raise UsageError(f"train held no record of class {of_class}", do=f"There is: {list(present)}")
    return present.index(of_class)
