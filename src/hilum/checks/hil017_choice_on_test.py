"""HIL017: a choice was made on test.

Why it matters   The best of many on the test part is best by luck too; its score there is no estimate for anybody else.
Proof printed    Fingerprints of fit, settings, threshold and seed before and after the test part's labels were permuted: equal only if no
                 choice looked at them; where they are stored apart, which of them changed.
Severity         critical; scope: arm; kind: defect. Zero tolerance.
Cannot tell      the probe was not run.
Limits           A probe sees what the pipeline does, not what people did before they wrote it down.
Read more        Cawley and Talbot, JMLR 11 (2010): over-fitting in model selection (cited from memory).
"""

from __future__ import annotations

from typing import Any

from hilum.checks._records import listed, many
from hilum.core.check import Finding, Study

CODE = "HIL017"
TITLE = "A choice made on test"
SEVERITY = "critical"
KIND = "defect"
SCOPE = "arm"


def check(study: Study) -> Finding:
    """Compare fingerprints of everything chosen before and after test labels were permuted."""
    cells = study.arm.each("choices")
    probes = {cell: found["test labels permuted"] for cell, found in cells.items() if found.get("test labels permuted")}
    if (
        not probes
        and study.arm.evidence
        and not any(cell.get("searched", True) for cell in study.arm.evidence.values())
    ):
        return Finding.not_applicable("nothing was chosen: every setting is fixed")
    if not probes:
        return Finding.cannot_tell("the probe that permutes test labels was not run")
    changed = {cell: parts for cell, probe in probes.items() if (parts := _changed(probe["before"], probe["after"]))}
    if changed:
        parts = sorted({part for found in changed.values() for part in found})
        named = "" if parts == ["fit"] else f" ({listed(parts)})"
        return Finding.failed(
            f"what was learned changes when test labels are permuted, in {len(changed)} of {many(len(probes), 'cell')}{named}",
            changed={cell: {"before": probes[cell]["before"], "after": probes[cell]["after"]} for cell in changed},
        )
    return Finding.passed(
        f"test labels permuted in {many(len(probes), 'cell')}: fit, settings, threshold and seed are equal to the last bit",
        probes={cell: dict(probe) for cell, probe in probes.items()},
    )


def _changed(before: Any, after: Any) -> list[str]:
    """Which fingerprints differ; one fingerprint of everything is called the fit."""
    if isinstance(before, dict) and isinstance(after, dict):
        return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return [] if before == after else ["fit"]
