"""HIL006: preprocessing was fitted beyond train.

Why it matters   Means, imputed values and selected features that have seen the test part carry its distribution into training.
Proof printed    What preprocessing was fitted on; fingerprints of its fitted state before and after the test part's inputs were moved far
                 away: equal only if the test part had no part in it.
Severity         critical; scope: arm; kind: defect. Zero tolerance: the fingerprint covers every fitted figure.
Cannot tell      the probe was not run.
Not applicable   forecasts: what is fitted on a recording is probed by HIL005.
Read more        Ambroise and McLachlan, PNAS 99 (2002): genes selected before cross-validation (cited from memory).
"""

from __future__ import annotations

from hilum.checks._records import many
from hilum.core.check import Finding, Study

CODE = "HIL006"
TITLE = "Preprocessing fitted beyond train"
SEVERITY = "critical"
KIND = "defect"
SCOPE = "arm"


def check(study: Study) -> Finding:
    """Compare fingerprints of the fitted preprocessing before and after test inputs were moved."""
    if study.arm.kind == "forecast":
        return Finding.not_applicable("forecasts: what is fitted on a recording is probed by HIL005")
    cells = study.arm.each("preprocessing")
    beyond = {cell: found["fitted on"] for cell, found in cells.items() if found.get("fitted on", "train") != "train"}
    probes = {cell: found["test inputs moved"] for cell, found in cells.items() if found.get("test inputs moved")}
    moved = {cell: dict(probe) for cell, probe in probes.items() if probe["before"] != probe["after"]}
    if moved or beyond:
        told = [
            f"the fitted preprocessing changes when test inputs are moved, in {len(moved)} of {many(len(probes), 'cell')}"
            if moved
            else "",
            f"fitted on '{next(iter(beyond.values()))}' instead of train" if beyond else "",
        ]
        return Finding.failed("; ".join(filter(None, told)), moved=moved, beyond=beyond)
    if not probes:
        return Finding.cannot_tell("the probe that moves test inputs was not run")
    return Finding.passed(
        f"test inputs moved far away in {many(len(probes), 'cell')}: the fitted preprocessing is equal to the last bit",
        probes={cell: dict(probe) for cell, probe in probes.items()},
    )
