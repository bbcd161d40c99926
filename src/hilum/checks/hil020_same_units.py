"""HIL020: arms score different units, or runs that failed were dropped.

Compared         Arms on one dataset that share units; two sites, or films and traces, are compared apart.
Why it matters   Two means over different units cannot be compared; and a method that may drop its worst runs looks better than it is.
Proof printed    Units (of tables: folds) that are missing from an arm or scored over other records, and runs that were not finite, by arm.
Severity         major; scope: experiment; kind: defect.
Cannot tell      nothing says what was scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    missing: dict[str, list[str]] = {}
    ranges: dict[str, list[str]] = {}
    units = 0
    for group in _comparable(arms, scored):
        together = {item for arm in group for item in scored[arm.id]}
        units += len(together)
        missing |= {arm.name: lacking for arm in group if (lacking := sorted(together - set(scored[arm.id])))}
        ranges |= _ranges({arm.id: scored[arm.id] for arm in group})
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
    return Finding.passed(f"{len(arms)} arms score the same {units} units, and no run was dropped")


def _comparable(arms: Sequence[ArmStudy], scored: Mapping[str, Mapping[str, str]]) -> list[list[ArmStudy]]:
    """Arms on one dataset that share units, directly or through others: recordings of two sites are no units of one comparison."""
    groups: list[list[ArmStudy]] = []
    for arm in arms:
        units, apart, together = set(scored[arm.id]), [], [arm]
        for group in groups:
            shared = any(units & set(scored[other.id]) for other in group)
            if group[0].data == arm.data and (shared or not units):
                together = [*group, *together]
            else:
                apart.append(group)
        groups = [*apart, together]
    return groups


def _scored(arm: ArmStudy) -> Mapping[str, str]:
    """Item to what was scored of it; of tables, fold to the digest of the records tested."""
    if arm.scored:
        return arm.scored
    return {cell: str(found["units"]) for cell, found in arm.each("scored").items() if "units" in found}


def _ranges(scored: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for own in scored.values():
        for item, what in own.items():
            found.setdefault(item, set()).add(what)
    return {item: sorted(ranges) for item, ranges in found.items() if len(ranges) > 1}
