"""HIL001: the same subject stands in more than one part of the split.

Why it matters   A model can recognise a person instead of a disease; scores rise without any clinical meaning.
Proof printed    Subjects in each part, the number shared by each pair of parts, and up to ten of them.
Severity         critical; scope: arm; kind: defect.
Cannot tell      the dataset does not say who is who (HIL010 says what can still be concluded).
Not applicable   every item is predicted from its own past only, so that no part crosses items.
Seen in the wild OPERA task 10: 49 of the 52 subjects outside train are also in train.
"""

from __future__ import annotations

from itertools import combinations

from hilum.core.check import Finding, Study

CODE = "HIL001"
TITLE = "A subject in two parts of the split"
SEVERITY = "critical"
KIND = "defect"
SCOPE = "arm"


def check(study: Study) -> Finding:
    """Compare the subjects of every pair of parts."""
    arm = study.arm
    if arm.personal and arm.evidence:
        return Finding.not_applicable("every item is forecast from its own past only; no part crosses items")
    if not study.subjects_known or not arm.split:
        return Finding.cannot_tell("who is who is not known in this dataset")
    parts = {part: set(subjects) for part, subjects in arm.split.items()}
    shared = {f"{a} and {b}": parts[a] & parts[b] for a, b in combinations(sorted(parts), 2)}
    counts = {part: len(subjects) for part, subjects in parts.items()}
    worst = max(shared, key=lambda pair: len(shared[pair]), default="")
    if not worst or not shared[worst]:
        return Finding.passed(f"{sum(counts.values())} subjects in {len(parts)} parts, none shared", subjects=counts)
    return Finding.failed(
        f"{len(shared[worst])} subjects stand in both {worst}",
        subjects=counts,
        shared={pair: len(subjects) for pair, subjects in shared.items()},
        examples=sorted(shared[worst])[:10],
    )
