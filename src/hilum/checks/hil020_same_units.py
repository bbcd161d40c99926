"""HIL020: arms score different units, or runs that failed were dropped.

Why it matters   Two means over different units cannot be compared; and a method that may drop its worst runs looks better than it is.
Proof printed    Units (of tables: folds) that are missing from an arm or scored over other records, and runs that were not finite, by arm.
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
    """Compare what every arm scored with what all arms together scored; a control may score less."""
    arms = tuple(arm for arm in study.arms if not arm.control)
    scored = {arm.id: _scored(arm) for arm in arms}
    if not any(scored.values()):
        return Finding.cannot_tell("nothing says what was scored")
    everything = {item for own in scored.values() for item in own}
    missing = {arm.name: sorted(everything - set(scored[arm.id])) for arm in arms if everything - set(scored[arm.id])}
    ranges = _ranges(scored)
    dropped = {arm.name: count for arm in arms if (count := sum(arm.exploded.values()))}
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
    return Finding.passed(f"{len(arms)} arms score the same {len(everything)} units, and no run was dropped")


def _scored(arm: ArmStudy) -> Mapping[str, str]:
    """Item to what was scored of it; of tables, fold to the digest of the records tested."""
    if arm.scored:
        return arm.scored
    return {cell: str(found["units"]) for cell, found in arm.each("scored").items() if "units" in found}


def _ranges(scored: Mapping[str, Mapping[str, str]]) -> Mapping[str, list[str]]:
    found: dict[str, set[str]] = {}
    for own in scored.values():
        for item, what in own.items():
            found.setdefault(item, set()).add(what)
    return {item: sorted(ranges) for item, ranges in found.items() if len(ranges) > 1}
