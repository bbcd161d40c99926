"""Whether an arm is shown to be better than another on the same records: what HIL008 and HIL009 share."""

from __future__ import annotations

from hilum.checks._pooled import figure, joined, leading_metric, sign_of
from hilum.core.check import ArmStudy, Finding
from hilum.metrics.stats import paired_pooled_difference


def shown_better(arm: ArmStudy, other: ArmStudy) -> Finding:
    """Pass where the paired interval of the improvement, over subjects, lies above 0."""
    metric = leading_metric(arm)
    if metric is None or arm.predictions is None or other.predictions is None:
        return Finding.cannot_tell("no predictions are stored")
    mine, theirs = joined(arm.kind, arm.predictions, other.predictions)
    if not mine.subject.size:
        return Finding.cannot_tell(f"no record is shared with '{other.name}'")
    found = paired_pooled_difference(mine.columns, theirs.columns, mine.subject, metric, groups=mine.seed)
    if not found.interval.defined:
        return Finding.cannot_tell(
            f"no interval of the improvement over '{other.name}': {found.note or found.interval.note}"
        )
    figures = figure(metric, mine).value, figure(metric, theirs).value
    low, high = sorted(sign_of(arm) * end for end in (found.interval.low, found.interval.high))
    proof = {
        "subjects": found.n,
        f"{metric.name}, this": figures[0],
        f"{metric.name}, other": figures[1],
        "improvement, low": low,
        "improvement, high": high,
        "p": found.p,
        "method": found.interval.method,
    }
    told = (
        f"{metric.title} {figures[0]:.3f} against {figures[1]:.3f} of '{other.name}'; improvement {low:.3f} to {high:.3f} "
        f"over {found.n} subjects"
    )
    return Finding.passed(told, **proof) if low > 0 else Finding.failed(f"not shown better: {told}", **proof)
