"""HIL009: not shown to be better than the same pipeline with a random encoder, or than hand features.

Why it matters   A probe on random features can score well. What pretraining has added is the difference, not the score.
Proof printed    Leading metric of both on the same records, and the paired 95 % interval of the improvement over subjects (99 % with
                 several folds).
Severity         major; scope: arm; kind: finding.
Cannot tell      a pretrained part is used and neither control was run; or fewer than 6 subjects are shared.
Not applicable   there is no pretrained part.
"""

from __future__ import annotations

from hilum.checks._shown_better import shown_better
from hilum.core.check import Finding, Study

CODE = "HIL009"
TITLE = "Not shown better than a random encoder or hand features"
SEVERITY = "major"
KIND = "finding"
SCOPE = "arm"
CONTROLS = ("random encoder", "hand features")


def check(study: Study) -> Finding:
    """Pair the leading metric with each control's; the first that is not beaten decides."""
    controls = [control for name in CONTROLS if (control := study.control(name)) is not None]
    if not controls:
        if study.arm.found("pretraining") is None:
            return Finding.not_applicable("there is no pretrained part")
        return Finding.cannot_tell("a pretrained part is used; its control, a random encoder, was not run")
    answers = [shown_better(study.arm, control) for control in controls]
    for status in ("fail", "cannot tell"):
        found = next((answer for answer in answers if answer.status == status), None)
        if found is not None:
            return found
    return answers[0]
