"""Integrated gradients: one record's score as a sum over every column of every record that led to it. Needs the extra `deep`.

Equation    a_si = (x_si - b_si) * integral over 0 <= u <= 1 of  d f(b + u (x - b)) / d x_si                         rows s, columns i
            sum over s, i of a_si = f(x) - f(b)   (completeness);  a_si = 0 for rows later than the record, which f cannot see
Symbols     f  the record's score: a number in its unit, the log odds of the second of two classes, log p of the class of more
            x  (rows, columns) the prepared sequence;  b  the baseline: zeros, which stand for train's mean, no level and no flag
Rule        Gauss and Legendre's nodes, exact for polynomials in u to degree 2 * steps - 1; or midpoints, whose error falls as steps^-2
Cost        steps gradients of the sequence; `explain` doubles the steps until completeness is met to 1 %, or 512 are taken
Source      Sundararajan, Taly and Yan, arXiv 1703.01365, eq. 1 and proposition 1
Deviations  Times between records are read as they are at both ends of the path: columns alone are explained. A static column enters
            once; what it gave stands in the row of the record that is asked about. Another baseline gives other figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import DataError, UsageError, unknown
from hilum.core.sequence import Sequenced
from hilum.explain._answer import Array, Attribution, Question, score_of

if TYPE_CHECKING:
    from torch import Tensor

SCOPE = "record"
Rule = Literal["gauss-legendre", "midpoint"]
STEPS, MOST_STEPS = 32, 512
TOGETHER = 32  # points of the path that go through the network at once
COMPLETE = 0.01
NO_GRADIENT = "the model is no network whose gradient can be taken (those that read sequences are)"


def integrated_gradients(
    score: Callable[[Tensor], Tensor],
    inputs: Array,
    names: tuple[str, ...],
    *,
    baseline: Array | None = None,
    steps: int = STEPS,
    rule: Rule = "gauss-legendre",
) -> Attribution:
    """What every column of every row gave to a score.

    Args:
        score: From copies of the rows (points, rows, columns), float32, to a score each (points,); differentiable.
        inputs: (rows, columns).
        names: (columns,).
        baseline: (rows, columns), or what can be spread over them; zeros by default.
        steps: Points of the path.
        rule: Where they lie.

    Raises:
        UsageError: no steps, or an unknown rule.
        DataError: a baseline of another shape, or a gradient that is not finite.
    """
    import torch

    base = _baseline(inputs, baseline)
    places, weights = _nodes(steps, rule)
    start, way = (torch.from_numpy(part.astype(np.float32)) for part in (base, inputs - base))
    total = np.zeros(inputs.shape)
    for first in range(0, steps, TOGETHER):
        part = slice(first, first + TOGETHER)
        along = torch.from_numpy(places[part].astype(np.float32)).reshape(-1, 1, 1)
        points = (start + along * way).requires_grad_()
        (slopes,) = torch.autograd.grad(score(points).sum(), points)
        total += np.einsum("p,prc->rc", weights[part], slopes.numpy().astype(np.float64))
    values = (inputs - base) * total
    if not np.isfinite(values).all():
        raise DataError(
            "the gradient is not finite somewhere on the way from the baseline", where="integrated_gradients"
        )
    with torch.no_grad():
        ends = score(torch.stack([start + way, start])).numpy().astype(np.float64)
    return Attribution(names, values, "", float(ends[0]), float(ends[1]))


def sequence_score(
    fitted: Any, sequence: Sequenced, record: int, of_class: int | None = None
) -> Callable[[Tensor], Tensor]:
    """The score of one record of one sequence, as a function of copies of its rows (points, rows, columns).

    Args:
        fitted: A fitted model of sequences.
        sequence: One sequence.
        record: Which of its rows.
        of_class: Which class, where there are three or more; by default the likeliest one.

    Raises:
        DataError: not one sequence.
        UsageError: a class that train lacked.
    """
    import torch

    if sequence.count != 1:
        raise DataError(f"{sequence.count} sequences, and one record of one is explained")
    batch, facts = fitted.batch(sequence), fitted.facts
    fixed = batch.static.shape[1]
    present = facts.outcome.present
    if of_class is not None and present and of_class not in present:
        raise UsageError(f"train held no record of class {of_class}", do=f"There is: {list(present)}")

    def score(rows: Tensor) -> Tensor:
        count = len(rows)
        mask, gaps = (one.expand(count, -1) for one in (batch.mask, batch.gaps))
        said = fitted.network(rows[:, :, fixed:], rows[:, record, :fixed], mask, gaps)[:, record]
        if not present:
            return torch.add(said[:, 0] * facts.spread, facts.middle)
        if len(present) == 2:
            return torch.select(said, 1, 0)
        return torch.log_softmax(said[:, : len(present)], dim=1).select(1, chosen)

    chosen = 0
    if len(present) > 2:
        found = present.index(of_class) if of_class is not None else -1
        with torch.no_grad():
            said = fitted.network(batch.series, batch.static, batch.mask, batch.gaps)[0, record, : len(present)]
        chosen = found if found >= 0 else int(said.argmax())
    return score


def obstacle(fitted: Any) -> str:
    """Why no gradient can be had."""
    return "" if hasattr(fitted, "network") and hasattr(fitted, "batch") else NO_GRADIENT


def explain(question: Question) -> Attribution:
    """Of one record of one sequence: more steps until the figures add up to the score, to 1 % of its way from the baseline.

    Raises:
        UsageError: no record is named.
    """
    assert isinstance(question.inputs, Sequenced)
    if question.record is None:
        raise UsageError("integrated gradients explain one record, and none is named", do="Name one with --item")
    score = sequence_score(question.fitted, question.inputs, question.record, question.of_class)
    steps = STEPS
    with _session():
        found = integrated_gradients(score, question.inputs.values, question.names, steps=steps)
        while not _complete(found) and steps < MOST_STEPS:
            steps *= 2
            found = integrated_gradients(score, question.inputs.values, question.names, steps=steps)
    means = (
        f"What each feature of each record adds to this record's score, {found.score:.3f}, from the baseline's {found.base:.3f} (every "
        f"number at train's mean, no level, nothing flagged); {steps} steps, the sum misses by {found.gap:.1g}. Another baseline gives "
        "other figures."
    )
    label = f"contribution to the {score_of(len(question.fitted.facts.outcome.present))}"
    return replace(found, means=means, label=label)


def _complete(found: Attribution) -> bool:
    assert found.score is not None
    return abs(found.gap) <= COMPLETE * max(abs(found.score - found.base), 1e-3)


def _session() -> Any:
    from hilum.nn.sequences.session import torch_session

    return torch_session()


def _baseline(inputs: Array, baseline: Array | None) -> Array:
    if baseline is None:
        return np.zeros(inputs.shape)
    try:
        return np.broadcast_to(np.asarray(baseline, np.float64), inputs.shape)
    except ValueError as error:
        raise DataError(f"a baseline of shape {np.shape(baseline)} for rows and columns {inputs.shape}") from error


def _nodes(steps: int, rule: Rule) -> tuple[Array, Array]:
    """Where on the path, and with what weight: (steps,) each."""
    if steps < 1:
        raise UsageError(f"{steps} steps", where="integrated_gradients", do="Take one or more")
    if rule == "midpoint":
        return (np.arange(steps) + 0.5) / steps, np.full(steps, 1.0 / steps)
    if rule != "gauss-legendre":
        raise unknown("rule", rule, ("gauss-legendre", "midpoint"))
    places: NDArray[np.float64]
    places, weights = np.polynomial.legendre.leggauss(steps)
    return (places + 1.0) / 2.0, weights / 2.0
