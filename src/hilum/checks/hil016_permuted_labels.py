"""HIL016: the same pipeline scores as well on permuted labels.

Why it matters   What scores as well without any relation between input and label has learned none; or the pipeline leaks.
Proof printed    The leading metric, the figures on permuted labels (whole series of labels dealt anew among subjects, everything fitted and
                 chosen again), and p = (1 + permutations that score as well) / (1 + permutations).
Severity         major; scope: arm; kind: finding.
Rule             p above 0.05 fails.
Cannot tell      fewer than 20 permutations were run.
Not applicable   the trivial predictor, which does not look at the input.
"""

from __future__ import annotations

import numpy as np

from hilum.checks._pooled import figure, figures_by_seed, leading_metric, rows_of, sign_of
from hilum.core.check import Finding, Study

CODE = "HIL016"
TITLE = "Permuted labels score as well"
SEVERITY = "major"
KIND = "finding"
SCOPE = "arm"
KINDS = ("classify", "regress")
FEWEST = 20
LEVEL = 0.05


def check(study: Study) -> Finding:
    """Rank the arm's figure among those of its permuted-labels control."""
    arm = study.arm
    if arm.trivial:
        return Finding.not_applicable("the trivial predictor does not look at the input")
    control = study.control("permuted labels")
    metric = leading_metric(arm)
    if control is None or metric is None or control.predictions is None or arm.predictions is None:
        return Finding.cannot_tell("the pipeline was not run on permuted labels")
    real = figure(metric, rows_of(arm.kind, arm.predictions))
    scores = figures_by_seed(metric, rows_of(control.kind, control.predictions))
    permuted = np.array([score.value for score in scores if score.defined])
    proof = {
        "permutations": len(permuted),
        f"{metric.name}, this": real.value,
        f"{metric.name}, permuted": permuted.tolist(),
    }
    if not real.defined:
        return Finding.cannot_tell(f"the figure itself is undefined: {real.reason}", **proof)
    if len(permuted) < FEWEST:
        return Finding.cannot_tell(f"{len(permuted)} permutations were run, {FEWEST} are needed", **proof)
    as_well = int((sign_of(arm) * permuted >= sign_of(arm) * real.value - 1e-12).sum())
    p = (1 + as_well) / (1 + len(permuted))
    best = float((sign_of(arm) * permuted).max() * sign_of(arm))
    told = f"{metric.title} {real.value:.3f}; on {len(permuted)} permutations of the labels at best {best:.3f} (p = {p:.3f})"
    proof["p"] = p
    return (
        Finding.failed(f"{as_well} permutations score as well: {told}", **proof)
        if p > LEVEL
        else Finding.passed(told, **proof)
    )
