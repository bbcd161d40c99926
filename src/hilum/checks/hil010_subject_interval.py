"""HIL010: the interval over subjects is too wide to conclude from, or who is who is not known.

Why it matters   A figure from a few people says little about the next one; a figure from unknown people says nothing about new ones.
Proof printed    The interval and its width as a share of the estimate, beside the limit.
Severity         major; scope: arm; kind: finding.
Cannot tell      no interval could be made.
Not applicable   a table alone, of which nothing was predicted, and who is who is known.
"""

from __future__ import annotations

from hilum.core.check import Finding, Study

CODE = "HIL010"
TITLE = "Too few subjects, or subjects unknown"
SEVERITY = "major"
KIND = "finding"
SCOPE = "arm"


def check(study: Study) -> Finding:
    """Compare the width of the interval with its middle."""
    interval = study.arm.interval
    proof = {} if interval is None else {"low": interval[0], "high": interval[1]}
    if not study.subjects_known and (study.arm.values or study.arm.records is not None):
        return Finding.failed(
            "who is who is not known: intervals are over recordings, and nothing can be concluded about new people",
            **proof,
        )
    if interval is None and study.arm.records is not None and study.arm.predictions is None:
        return Finding.not_applicable("who is who is known, and nothing was predicted yet")
    if interval is None:
        return Finding.cannot_tell("there is no interval: too few subjects were scored")
    low, high = interval
    share = (high - low) / abs((high + low) / 2) if high + low else float("inf")
    told = f"the interval over subjects spans {100 * share:.0f} % of the estimate, limit {100 * study.interval_limit:.0f} %"
    proof = {**proof, "width, share of the estimate": share, "limit": study.interval_limit}
    return Finding.failed(told, **proof) if share > study.interval_limit else Finding.passed(told, **proof)
