"""Whether an arm is shown to be better than another on the same records: what HIL008 and HIL009 share."""

from __future__ import annotations

from hilum.checks._pooled import contrast, joined, leading_metric, rows_of, sign_of
from hilum.core.check import ArmStudy, Finding


def shown_better(arm: ArmStudy, other: ArmStudy) -> Finding:
    """Pass where the paired interval of the improvement, over subjects, lies above 0."""
    metric = leading_metric(arm)
    if metric is None or arm.predictions is None or other.predictions is None:
        return Finding.cannot_tell("no predictions are stored")
    mine, theirs = joined(arm.predictions, other.predictions)
    if not mine.height:
        return Finding.cannot_tell(f"no record is shared with '{other.name}'")
    found = contrast(metric, rows_of(arm.kind, mine), rows_of(arm.kind, theirs))
    if not found.interval.defined:
        return Finding.cannot_tell(f"no interval of the improvement over '{other.name}': {found.reason}")
    ends = sorted(sign_of(arm) * end for end in (found.interval.low, found.interval.high))
    proof = {
        "records": mine["item"].n_unique(),
        "subjects": found.interval.n,
        f"{metric.name}, this": found.first,
        f"{metric.name}, other": found.second,
        "improvement, low": ends[0],
        "improvement, high": ends[1],
        "method": found.interval.method,
    }
    told = (
        f"{metric.title} {found.first:.3f} against {found.second:.3f} of '{other.name}'; improvement {ends[0]:.3f} to {ends[1]:.3f} "
        f"over {found.interval.n} subjects"
    )
    return Finding.passed(told, **proof) if ends[0] > 0 else Finding.failed(f"not shown better: {told}", **proof)
