"""HIL013: predicted risks are off: calibration slope, or observed over expected, outside 0.8 to 1.25.

Why it matters   Who is told "20 %" must fall ill in one of five cases; a decision by threshold rests on it, whatever the AUROC says.
Proof printed    Slope and observed:expected, each with its 95 % interval over subjects.
Severity         note; scope: arm; kind: finding.
Rule             the figure lies outside 0.8 to 1.25 and its interval excludes 1.
Cannot tell      no predictions are stored, or neither figure has an interval.
Not applicable   the target is not one of two classes; or this is the trivial predictor, whose predictions do not vary.
"""

from __future__ import annotations

from hilum.checks._pooled import metric_of, rows_of
from hilum.core.check import Finding, Study
from hilum.metrics.stats import pooled_interval

CODE = "HIL013"
TITLE = "Miscalibrated risks"
SEVERITY = "note"
KIND = "finding"
SCOPE = "arm"
LOWEST, HIGHEST = 0.8, 1.25
FIGURES = {"calibration-slope": "slope", "observed-expected": "observed:expected"}


def check(study: Study) -> Finding:
    """Slope and observed:expected of all test rows, with intervals over subjects."""
    arm = study.arm
    if arm.kind != "classify" or (arm.classes and len(arm.classes) != 2):
        return Finding.not_applicable("the target is not one of two classes")
    if arm.trivial:
        return Finding.not_applicable("the trivial predictor's predictions do not vary")
    if arm.predictions is None or "p:1" not in arm.predictions.columns:
        return Finding.cannot_tell("no predicted risks are stored")
    rows = rows_of(arm.kind, arm.predictions)
    proof: dict[str, object] = {}
    told, off = [], []
    for name, title in FIGURES.items():
        metric = metric_of(arm.kind, name)
        if metric is None:
            continue
        score = metric(rows.columns)
        made = pooled_interval(rows.columns, rows.subject, metric)
        if not score.defined or not made.defined:
            proof[title] = {"reason": score.reason or made.note}
            continue
        proof[title] = {
            "estimate": score.value,
            "low": made.low,
            "high": made.high,
            "subjects": made.n,
            "method": made.method,
        }
        told.append(f"{title} {score.value:.2f} ({made.low:.2f} to {made.high:.2f})")
        if not LOWEST <= score.value <= HIGHEST and not made.covers(1.0):
            off.append(title)
    if not told:
        return Finding.cannot_tell("neither slope nor observed:expected has an interval", **proof)
    sentence = ", ".join(told)
    return Finding.failed(f"{' and '.join(off)} off: {sentence}", **proof) if off else Finding.passed(sentence, **proof)
