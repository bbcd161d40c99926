"""HIL008: not shown to be better than the trivial predictor.

Why it matters   A model that does not beat "hold the last value", "predict the mean" or "the class shares" has shown nothing.
Proof printed    Leading metric of both on the same units, the paired 95 % interval of the improvement (99 % with several folds), and for
                 forecasts the exact sign-flip p. Of tables the metric is the mean over folds, and subjects are drawn again, the same
                 for both.
Severity         major; scope: arm; kind: finding.
Cannot tell      the trivial predictor was not run, or fewer than 6 units (of tables: subjects) are shared.
Not applicable   this is the trivial predictor itself.
"""

from __future__ import annotations

from hilum.checks._pooled import leading_metric
from hilum.checks._shown_better import shown_better
from hilum.core.check import ArmStudy, Finding, Study
from hilum.metrics.stats import FEWEST_FOR_INTERVAL, paired_difference

CODE = "HIL008"
TITLE = "Not shown better than the trivial predictor"
SEVERITY = "major"
KIND = "finding"
SCOPE = "arm"


def check(study: Study) -> Finding:
    """Pair the leading metric with the trivial arm's."""
    if study.arm.trivial:
        return Finding.not_applicable("this is the trivial predictor")
    trivial = study.trivial
    if trivial is None:
        return Finding.cannot_tell("the trivial predictor was not run")
    if leading_metric(study.arm) is not None and leading_metric(trivial) is not None:
        return shown_better(study.arm, trivial)
    return _by_unit(study.arm, trivial)


def _by_unit(arm: ArmStudy, trivial: ArmStudy) -> Finding:
    items, mine, theirs = arm.paired(trivial)
    if len(items) < FEWEST_FOR_INTERVAL:
        return Finding.cannot_tell(
            f"{len(items)} units are shared with '{trivial.name}', {FEWEST_FOR_INTERVAL} are needed"
        )
    metric, direction = arm.leading
    sign = 1.0 if direction == "higher" else -1.0
    gain = paired_difference(
        {item: sign * value for item, value in zip(items, mine, strict=True)},
        {item: sign * value for item, value in zip(items, theirs, strict=True)},
    )
    low, high = gain.interval.low, gain.interval.high
    proof = {
        "units": len(items),
        f"{metric}, this": float(mine.mean()),
        f"{metric}, trivial": float(theirs.mean()),
        "improvement, low": low,
        "improvement, high": high,
        "sign-flip p": gain.p,
    }
    told = f"{metric} {mine.mean():.3f} against {theirs.mean():.3f} of '{trivial.name}'; improvement {low:.3f} to {high:.3f}"
    return Finding.passed(told, **proof) if low > 0 else Finding.failed(f"not shown better: {told}", **proof)
