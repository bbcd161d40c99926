"""HIL019: the label is built from the input.

Why it matters   A model that reads off its own label predicts nothing; its score says how the label was written down.
Proof printed    Columns that the label is made from and that are features; each feature that alone gives the label of every record, by
                 which rule (at least 10 subjects of each class); the most telling feature otherwise.
Severity         critical; scope: data; kind: defect.
Cannot tell      features were not profiled, and nothing says what the label is made from; or a feature alone gives the label, and a
                 class has fewer than 10 subjects, so that it may be coincidence.
Seen in the wild kidney injury defined by urine output and creatinine, predicted from urine output and creatinine (YAIB task AKI).
"""

from __future__ import annotations

from typing import Any

from hilum.checks._records import known_of_data, listed, many
from hilum.core.check import Finding, Study

CODE = "HIL019"
TITLE = "The label is built from the input"
SEVERITY = "critical"
KIND = "defect"
SCOPE = "data"
KINDS = ("classify", "regress")


def check(study: Study) -> Finding:
    """Look for features that the label is made from, or that alone give it."""
    features: list[dict[str, Any]] = known_of_data(study, "features") or []
    made = known_of_data(study, "made from")
    judged = [feature for feature in features if feature.get("alone")]
    if made is None and not judged:
        return Finding.cannot_tell("nothing says what the label is made from, and no feature was compared with it")
    shared = list((made or {}).get("shared", ()))
    deciding = {
        feature["name"]: feature["alone"].get("rule", "") for feature in judged if feature["alone"].get("decides")
    }
    name, strongest = _strongest(judged)
    proof = {
        "label made from": None if made is None else list(made.get("label", ())),
        "shared": shared,
        "decide alone": deciding,
        "strongest": name,
        "its figure": strongest,
    }
    told = []
    if shared:
        told.append(f"the label is made from {len(shared)} of the features: {listed(shared)}")
    if deciding:
        rules = listed([f"'{one}' ({rule})" if rule else f"'{one}'" for one, rule in deciding.items()])
        told.append(f"the label of every record can be read off {many(len(deciding), 'feature')} alone: {rules}")
    if told:
        return Finding.failed("; ".join(told), **proof)
    perhaps = {feature["name"]: feature["alone"]["rule"] for feature in judged if feature["alone"].get("rule")}
    if perhaps:
        rules = listed([f"'{one}' ({rule})" for one, rule in perhaps.items()])
        return Finding.cannot_tell(
            f"the label of every record can be read off {many(len(perhaps), 'feature')} alone, "
            f"but a class has fewer than 10 subjects: {rules}",
            **proof,
        )
    most = (
        f"no feature alone gives the label (strongest: '{name}', {strongest:.3f})"
        if name
        else "no feature was compared"
    )
    stated = (
        "; what the label is made from is not stated" if made is None else "; none of what it is made from is a feature"
    )
    return Finding.passed(most + stated, **proof)


def _strongest(judged: list[dict[str, Any]]) -> tuple[str, float]:
    figures = {
        feature["name"]: feature["alone"].get("auroc", feature["alone"].get("abs_spearman")) for feature in judged
    }
    known = {name: float(value) for name, value in figures.items() if value is not None}
    name = max(known, key=lambda key: known[key], default="")
    return name, known.get(name, 0.0)
