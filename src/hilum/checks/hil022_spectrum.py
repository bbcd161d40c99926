"""HIL022: prevalence or spectrum differs between train, test and intended use.

Why it matters   Predictive values, calibration and thresholds move with prevalence, and a model meets other patients than it learned from.
Proof printed    Prevalence (or mean target) of train, test and intended use with the interval over subjects of each difference; features
                 whose mean or share of missing values differs.
Severity         note; scope: data; kind: finding.
Rule             over all comparisons together at most 5 % false alarms (Bonferroni). Prevalence: the interval of the difference excludes
                 0 and the difference is at least 0.01 (a mean target: 0.05 of its standard deviation). Features: means that differ
                 by at least 0.2 standard deviations, shares of missing values by at least 0.05, with intervals that exclude 0.
Cannot tell      there is neither a split nor a stated prevalence, or fewer than 6 subjects on a side.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from hilum.checks._records import Array, folds, has, known_of_data, listed, named, once, subject_means, subject_of
from hilum.core.check import Finding, Study

CODE = "HIL022"
TITLE = "Another prevalence or spectrum in train, test or intended use"
SEVERITY = "note"
KIND = "finding"
SCOPE = "data"
KINDS = ("classify", "regress")
FEWEST_SUBJECTS = 6
LEAST_PREVALENCE, LEAST_MEAN, LEAST_SHIFT, LEAST_MISSING = 0.01, 0.05, 0.2, 0.05


def check(study: Study) -> Finding:
    """Compare train with test in every fold, test with intended use, and the features of both parts."""
    outcomes = [*_between_parts(study), *_with_use(study)]
    spectrum = list(_features(known_of_data(study, "features") or []))
    if not outcomes:
        return Finding.cannot_tell("no split and no intended prevalence with at least 6 subjects a side")
    differing = [_told(one) for one in _beyond(outcomes)]
    shifted = [_told(one) for one in _beyond(spectrum)]
    first = outcomes[0]
    proof = {
        "comparisons": len(outcomes) + len(spectrum),
        "outcome": [_plain(one) for one in outcomes[:20]],
        "features that differ": [_plain(one) for one in _beyond(spectrum)[:20]],
    }
    if differing or shifted:
        return Finding.failed("; ".join(filter(None, (listed(differing, 2), listed(shifted, 3)))), **proof)
    return Finding.passed(f"{_told(first)}; no difference is shown in {proof['comparisons']} comparisons", **proof)


def _between_parts(study: Study) -> Iterator[dict[str, Any]]:
    import polars as pl

    by_fold = list(folds(study.arm.records))
    for fold, frame in by_fold:
        sides = [frame.filter(pl.col("part") == part).drop_nulls("target") for part in ("train", "test")]
        if not all(side.height for side in sides):
            continue
        whose = [subject_of(side) for side in sides]
        for name, least, outcome in _outcomes(study, np.concatenate([side["target"].to_numpy() for side in sides])):
            a, b = (
                subject_means(outcome(side["target"].to_numpy()), who) for side, who in zip(sides, whose, strict=True)
            )
            if min(a.size, b.size) >= FEWEST_SUBJECTS:
                where = f" (fold {fold})" if len(by_fold) > 1 else ""
                yield _compared(f"{name}{where}", "train", a, "test", b, least)


def _outcomes(study: Study, target: Array) -> Iterator[tuple[str, float, Any]]:
    """Name, least difference and function of what is compared: the positive class of two, each of several, or the mean."""
    if study.arm.kind != "classify":
        yield "mean target", LEAST_MEAN * float(np.std(target)), lambda y: y.astype(np.float64)
        return
    labels = np.unique(target)
    for label in labels[-1:] if labels.size <= 2 else labels:
        yield (
            f"prevalence of '{named(label, study.arm.classes)}'",
            LEAST_PREVALENCE,
            lambda y, label=label: (y == label).astype(np.float64),
        )


def _with_use(study: Study) -> Iterator[dict[str, Any]]:
    """The test part (of a table without split: all records) against the prevalence where the model is meant to be used."""
    import polars as pl

    records = study.arm.records
    if study.prevalence is None or study.arm.kind != "classify" or records is None or not has(records, "target"):
        return
    tested = records.filter(pl.col("part") == "test") if list(folds(records)) else records
    tested = once(tested.drop_nulls("target"))
    target = tested["target"].to_numpy()
    if len(np.unique(target)) > 2:
        return
    positive = subject_means((target == 1).astype(np.float64), subject_of(tested))
    if positive.size >= FEWEST_SUBJECTS:
        yield _compared(
            "prevalence", "intended use", np.full(1, study.prevalence), "tested", positive, LEAST_PREVALENCE
        )


def _features(features: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for feature in features:
        shift = feature.get("shift")
        if not shift:
            continue
        n = shift["subjects_train"], shift["subjects_test"]
        spread = math.sqrt((shift["sd_train"] ** 2 + shift["sd_test"] ** 2) / 2)
        if spread > 0:
            error = math.sqrt(shift["sd_train"] ** 2 / n[0] + shift["sd_test"] ** 2 / n[1])
            yield _difference(f"mean of '{feature['name']}'", shift, "mean", error, LEAST_SHIFT * spread)
        if feature.get("missing_train") is not None and feature.get("missing_test") is not None:
            shares = [(feature["missing_train"] * m + 0.5) / (m + 1) for m in n]  # never exactly 0 or 1
            error = math.sqrt(sum(p * (1 - p) / m for p, m in zip(shares, n, strict=True)))
            yield _difference(f"missing share of '{feature['name']}'", feature, "missing", error, LEAST_MISSING)


def _difference(name: str, found: dict[str, Any], what: str, error: float, least: float) -> dict[str, Any]:
    train, test = float(found[f"{what}_train"]), float(found[f"{what}_test"])
    return {"what": name, "sides": ("train", "test"), "values": (train, test), "error": error, "least": least}


def _compared(name: str, first: str, a: Array, second: str, b: Array, least: float) -> dict[str, Any]:
    """Means over subjects of two sides, and the standard error of their difference (a side of one figure has none)."""
    error = math.sqrt(sum(_variance(side) for side in (a, b)))
    return {
        "what": name,
        "sides": (first, second),
        "values": (float(a.mean()), float(b.mean())),
        "error": error,
        "least": least,
    }


def _variance(side: Array) -> float:
    """Variance of a mean over subjects; a share of exactly 0 or 1 is moved in by half a subject, so that it is never certain."""
    if side.size == 1:
        return 0.0
    spread = float(side.var(ddof=1))
    share = (side.size * float(side.mean()) + 0.5) / (side.size + 1)
    least = share * (1 - share) if spread == 0 and 0 <= side.mean() <= 1 else 0.0
    return max(spread, least) / side.size


def _beyond(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those whose interval, at 0.05 over their number, excludes 0, and that differ by at least what matters."""
    from scipy.stats import norm

    z = float(norm.isf(0.025 / max(1, 2 * len(found))))  # outcome and features are two families
    return [one for one in found if abs(_gap(one)) > max(z * one["error"], one["least"])]


def _gap(one: dict[str, Any]) -> float:
    return float(one["values"][1] - one["values"][0])


def _plain(one: dict[str, Any]) -> dict[str, Any]:
    half = 1.96 * one["error"]
    ends = dict(zip(one["sides"], one["values"], strict=True))
    return {"what": one["what"], **ends, "difference": _gap(one), "low": _gap(one) - half, "high": _gap(one) + half}


def _told(one: dict[str, Any]) -> str:
    (first, second), (a, b) = one["sides"], one["values"]
    half = 1.96 * one["error"]
    return f"{one['what']} {a:.3g} in {first}, {b:.3g} in {second} (difference {_gap(one) - half:.3g} to {_gap(one) + half:.3g})"
