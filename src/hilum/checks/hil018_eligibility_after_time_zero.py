"""HIL018: eligibility or time zero was decided after the time of prediction (immortal time).

Why it matters   Who had to survive, stay or be tested to be in the cohort is not who stands before the clinic at the time of prediction.
Proof printed    Records whose eligibility was decided after their time of prediction, by how much; or the digests of the cohort built from
                 the full record and from the record cut off at the time of prediction, and how many records differ.
Severity         critical; scope: data; kind: defect. Zero tolerance.
Cannot tell      nothing says when eligibility was decided.
Read more        Suissa, Am. J. Epidemiol. 167 (2008): immortal time bias (cited from memory).
"""

from __future__ import annotations

from hilum.checks._records import known_of_data
from hilum.core.check import Finding, Study

CODE = "HIL018"
TITLE = "Eligibility decided after the time of prediction"
SEVERITY = "critical"
KIND = "defect"
SCOPE = "data"
KINDS = ("classify", "regress")


def check(study: Study) -> Finding:
    """Read when records became eligible, or whether the cohort changes without what came later."""
    found = known_of_data(study, "eligibility")
    if not found:
        return Finding.cannot_tell("nothing says both when eligibility was decided and when the prediction is made")
    proof = dict(found)
    cohort = found.get("cohort")
    if cohort and cohort["full"] != cohort["truncated"]:
        changed = cohort.get("changed", "some")
        return Finding.failed(
            f"the cohort changes when events after the time of prediction are deleted: {changed} records", **proof
        )
    if found.get("late"):
        told = f"{found['late']} of {found['of']} records became eligible after their time of prediction"
        latest = f", by up to {found['latest']:.6g}" if found.get("latest") else ""
        return Finding.failed(told + latest, **proof)
    if cohort:
        return Finding.passed("the cohort is the same without events after the time of prediction", **proof)
    if not found.get("of"):
        return Finding.cannot_tell("no record says when it became eligible", **proof)
    return Finding.passed(f"{found['of']} records, none became eligible after its time of prediction", **proof)
