"""HIL012: a method that draws at random was run with one seed.

Why it matters   One draw may be a lucky one; the spread over seeds is then unknown.
Proof printed    The number of seeds.
Severity         note; scope: arm; kind: finding.
Cannot tell      no seed is stored.
Not applicable   the method draws nothing at random.
"""

from __future__ import annotations

from hilum.core.check import Finding, Study

CODE = "HIL012"
TITLE = "One seed only"
SEVERITY = "note"
KIND = "finding"
SCOPE = "arm"


def check(study: Study) -> Finding:
    """Count seeds."""
    if not study.arm.stochastic:
        return Finding.not_applicable("the method draws nothing at random")
    seeds = len(study.arm.seeds)
    if seeds == 0:
        return Finding.cannot_tell("no seed is stored")
    if seeds == 1:
        return Finding.failed("one seed: the spread over seeds is unknown", seeds=1)
    return Finding.passed(f"{seeds} seeds", seeds=seeds)
