"""HIL020: arms score different units, or runs that failed were dropped.

Why it matters   Two means over different units cannot be compared; and a method that may drop its worst runs looks better than it is.
Proof printed    Units that are missing from an arm or scored over another range, and runs that were not finite, by arm.
Severity         major; scope: experiment; kind: defect.
Cannot tell      nothing says what was scored.
"""

from __future__ import annotations

from collections.abc import Mapping

from hilum.core.check import ArmStudy, Finding, Study

CODE = "HIL020"
TITLE = "Arms score different units, or failed runs were dropped"
SEVERITY = "major"
KIND = "defect"
SCOPE = "experiment"


def check(study: Study) -> Finding:
    """Compare what every arm scored with what all arms together scored."""
    if not any(arm.scored for arm in study.arms):
        return Finding.cannot_tell("nothing says what was scored")
    everything = {item for arm in study.arms for item in arm.scored}
    missing = {arm.name: sorted(everything - set(arm.scored)) for arm in study.arms if everything - set(arm.scored)}
    ranges = _ranges(study.arms)
    dropped = {arm.name: sum(arm.exploded.values()) for arm in study.arms if any(arm.exploded.values())}
    told = [
        f"{len(missing)} arms lack units that others score" if missing else "",
        f"{len(ranges)} units are scored over different ranges" if ranges else "",
        f"{sum(dropped.values())} runs of {len(dropped)} arms were not finite and left out of the means"
        if dropped
        else "",
    ]
    if any(told):
        message = "; ".join(filter(None, told))
        return Finding.failed(message, missing=missing, ranges=ranges, dropped=dropped)
    return Finding.passed(f"{len(study.arms)} arms score the same {len(everything)} units, and no run was dropped")


def _ranges(arms: tuple[ArmStudy, ...]) -> Mapping[str, list[str]]:
    found: dict[str, set[str]] = {}
    for arm in arms:
        for item, scored in arm.scored.items():
            found.setdefault(item, set()).add(scored)
    return {item: sorted(ranges) for item, ranges in found.items() if len(ranges) > 1}
