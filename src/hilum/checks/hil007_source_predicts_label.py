"""HIL007: the acquisition source predicts the label, and the input predicts the source.

Why it matters   A model can then score well by recognising the device, the channel or the hospital instead of the disease.
Proof printed    AUROC of the label from the source alone with its interval over subjects and permutation p; AUROC of the source from the
                 input, out of fold, with its interval; the leading metric within sources beside the figure over all.
Severity         major; scope: data; kind: finding.
Rule             fails only if both hold. The label from the source: AUROC at least 0.55 once what 999 permutations among subjects give by
                 chance is taken off, with p at most 0.01. The source from the input: lower bound above 0.6.
Cannot tell      no source is named; or the source predicts the label, and the input was not asked about the source.
Not applicable   one source only.
Seen in the wild covid19-cough: 71 % positive from a call centre at 8 kHz, 30 % from a messenger at 48 kHz.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hilum.checks._pooled import figure, leading_metric, rows_of
from hilum.checks._records import Array, has, known_of_data, once, subject_of
from hilum.core.check import ArmStudy, Finding, Study

if TYPE_CHECKING:
    import polars as pl

CODE = "HIL007"
TITLE = "The source predicts the label, and the input the source"
SEVERITY = "major"
KIND = "finding"
SCOPE = "data"
KINDS = ("classify", "regress")
LEAST_LABEL, LEAST_INPUT, MOST_P = 0.55, 0.6, 0.01
PERMUTATIONS, RESAMPLES = 999, 400
MOST_SUBJECTS = 20_000


def check(study: Study) -> Finding:
    """Ask whether the source tells the label, and whether the input tells the source."""
    if study.arm.records is None or not has(study.arm.records, "source"):
        return Finding.cannot_tell("nothing says what acquired the records")
    records = once(study.arm.records).drop_nulls(["source", "target"])
    if records["source"].n_unique() < 2:
        return Finding.not_applicable("all records come from one source")
    label = _label_from_source(study.arm.kind, records)
    if label is None:
        return Finding.cannot_tell("too few subjects, or one class only")
    told = (
        f"the source predicts the label with AUROC {label.area:.3f} ({label.low:.3f} to {label.high:.3f}, p = {label.p:.3g}, "
        f"{label.chance:.3f} by chance)"
    )
    within = _within(study)
    proof = {
        "sources": _by_source(records),
        "label from source": {
            "auroc": label.area,
            "low": label.low,
            "high": label.high,
            "by chance": label.chance,
            "p": label.p,
        },
        "within sources": within,
    }
    if label.area - label.chance + 0.5 < LEAST_LABEL or label.p > MOST_P:
        return Finding.passed(f"not shown: {told}", **proof)
    found = known_of_data(study, "source from input")
    if not found:
        return Finding.cannot_tell(f"{told}; whether the input predicts the source was not looked at", **proof)
    proof["source from input"] = dict(found)
    told += (
        f"; the input predicts the source with AUROC {found['auroc']:.3f} ({found['low']:.3f} to {found['high']:.3f})"
    )
    if not found["low"] > LEAST_INPUT:
        return Finding.passed(told, **proof)
    beside = [f"'{name}' {one['within']:.3f} within sources, {one['all']:.3f} over all" for name, one in within.items()]
    return Finding.failed("; ".join([told, *beside[:2]]), **proof)


@dataclass(frozen=True)
class _Label:
    area: float
    low: float
    high: float
    chance: float
    p: float


def _label_from_source(kind: str, records: pl.DataFrame) -> _Label | None:
    """How well the share of each class in a source ranks records, beside permutations of labels among subjects."""
    who, member = np.unique(subject_of(records), return_inverse=True)
    sources, source = np.unique(records["source"].to_numpy().astype(str), return_inverse=True)
    target = records["target"].to_numpy().astype(np.float64)
    if kind != "classify":
        target = (target > np.median(target)).astype(np.float64)  # a number: above or below the median
    classes, label = np.unique(target, return_inverse=True)
    if len(who) < 10 or len(classes) < 2:
        return None
    weight = np.zeros((len(who), len(sources)))
    np.add.at(weight, (member, source), 1.0)
    share = np.zeros((len(who), len(classes)))
    np.add.at(share, (member, label), 1.0)
    share /= share.sum(axis=1, keepdims=True)
    random = np.random.default_rng(7)
    if len(who) > MOST_SUBJECTS:
        drawn = random.choice(len(who), MOST_SUBJECTS, replace=False)
        weight, share = weight[drawn], share[drawn]
    n = len(weight)
    area = _area(weight.T @ share)
    by_chance = np.array([_area(weight.T @ share[random.permutation(n)]) for _ in range(PERMUTATIONS)])
    again = (random.integers(0, n, n) for _ in range(RESAMPLES))
    resampled = np.array([_area(weight[drawn].T @ share[drawn]) for drawn in again])
    low, high = np.nanquantile(resampled, [0.025, 0.975])
    p = (1 + int((by_chance >= area - 1e-12).sum())) / (1 + PERMUTATIONS)
    return _Label(area, float(low), float(high), float(by_chance.mean()), p)


def _area(table: Array) -> float:
    """AUROC of each class against the rest from counts (sources, classes), sources ranked by its share; weighed by class size."""
    total, size = table.sum(axis=1), table.sum(axis=0)
    areas = []
    for mine in table.T if table.shape[1] > 2 else table.T[1:]:
        order = np.argsort(mine / np.maximum(total, 1e-12), kind="stable")
        positive, negative = mine[order], (total - mine)[order]
        below = np.cumsum(negative) - negative
        pairs = positive.sum() * negative.sum()
        areas.append(float(positive @ (below + negative / 2) / pairs) if pairs > 0 else math.nan)
    weights = size if table.shape[1] > 2 else size[1:]
    known = ~np.isnan(areas)
    return float(np.average(np.asarray(areas)[known], weights=weights[known])) if known.any() else math.nan


def _by_source(records: pl.DataFrame) -> dict[str, dict[str, float]]:
    import polars as pl

    told = (
        records.group_by("source")
        .agg(pl.len().alias("records"), pl.col("target").mean().alias("mean target"))
        .sort("source")
    )
    return {str(name): {"records": n, "mean target": mean} for name, n, mean in told.head(50).iter_rows()}


def _within(study: Study) -> dict[str, dict[str, float]]:
    """Of each arm on these records: the leading metric over all, and its mean over sources, weighed by their records."""
    found = {}
    for arm in study.arms:
        if arm.control or arm.trivial or arm.data != study.arm.data:
            continue
        both = _within_arm(arm)
        if both is not None:
            found[arm.name] = {"within": both[0], "all": both[1]}
    return found


def _within_arm(arm: ArmStudy) -> tuple[float, float] | None:
    metric = leading_metric(arm)
    if metric is None or arm.predictions is None or not has(arm.predictions, "source"):
        return None
    whole = figure(metric, rows_of(arm.kind, arm.predictions))
    scores, sizes = [], []
    for _, frame in arm.predictions.drop_nulls("source").sort("source").group_by("source", maintain_order=True):
        own = figure(metric, rows_of(arm.kind, frame))
        if own.defined:
            scores.append(own.value)
            sizes.append(frame.height)
    return (float(np.average(scores, weights=sizes)), whole.value) if scores and whole.defined else None
