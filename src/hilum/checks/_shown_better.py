"""Whether an arm is shown to be better than another on the same records: what HIL008 and HIL009 share.

Each fold is scored alone, and the mean over folds compared. Rows of all folds thrown together would wrong a predictor that says one thing
in each fold: it says less where train had fewer positives, and test then has more, so that its AUROC falls below one half by
construction. And several folds share most of what they were trained on, which an interval that holds the fitted models fixed does not
know: on labels without any relation to the input the difference of five folds spreads 1.35 to 1.4 times as far as that interval
says (200 synthetic studies of 200 subjects), so that 7 to 10 % of them looked better. With more than one fold the interval is therefore
that of 99 %, and 3 % do. Where a fold cannot be scored alone (a class is missing), rows are pooled all the same, and the message says so.
"""

from __future__ import annotations

from typing import Literal

from hilum.checks._pooled import figure, joined, leading_metric, sign_of
from hilum.core.check import ArmStudy, Finding
from hilum.metrics.stats import paired_pooled_difference


def shown_better(arm: ArmStudy, other: ArmStudy) -> Finding:
    """Pass where the paired interval of the improvement, over subjects, lies above 0."""
    metric = leading_metric(arm)
    if metric is None or arm.predictions is None or other.predictions is None:
        return Finding.cannot_tell("no predictions are stored")
    level = 0.95 if arm.predictions["fold"].n_unique() == 1 else 0.99
    pool: Literal["fold", "seed"]
    for pool in ("fold", "seed"):
        mine, theirs = joined(arm.kind, arm.predictions, other.predictions, pool)
        if not mine.subject.size:
            return Finding.cannot_tell(f"no record is shared with '{other.name}'")
        found = paired_pooled_difference(
            mine.columns, theirs.columns, mine.subject, metric, groups=mine.seed, level=level
        )
        if found.interval.defined:
            break
    if not found.interval.defined:
        return Finding.cannot_tell(
            f"no interval of the improvement over '{other.name}': {found.note or found.interval.note}"
        )
    if pool == "seed" and metric.pooling == "ranks" and other.trivial:
        # Pooled over folds a constant is what train held, and ranks against the outcome: anything would beat it.
        return Finding.cannot_tell(
            "some folds lack a class: ranks of several folds' models cannot be held against a constant"
        )
    figures = figure(metric, mine).value, figure(metric, theirs).value
    low, high = sorted(sign_of(arm) * end for end in (found.interval.low, found.interval.high))
    proof = {
        "subjects": found.n,
        "figures": "mean over folds" if pool == "fold" else "folds pooled",
        f"{metric.name}, this": figures[0],
        f"{metric.name}, other": figures[1],
        "improvement, low": low,
        "improvement, high": high,
        "level": level,
        "p": found.p,
        "method": found.interval.method,
    }
    told = (
        f"{metric.title} {figures[0]:.3f} against {figures[1]:.3f} of '{other.name}'; improvement {low:.3f} to {high:.3f} "
        f"({100 * level:.0f} %) "
        f"over {found.n} subjects{'' if pool == 'fold' else ', folds pooled'}"
    )
    return Finding.passed(told, **proof) if low > 0 else Finding.failed(f"not shown better: {told}", **proof)
