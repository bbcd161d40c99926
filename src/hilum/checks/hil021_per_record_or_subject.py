"""HIL021: the figure per record is not the figure per subject, or not that of first records.

Why it matters   A few people with many easy records can carry a score. Who uses a model meets people, and each of them first once.
Proof printed    Leading metric over records, over subjects (mean prediction) and over each subject's first record by time (without
                 times, the first of each sequence); the differences
                 with their 99 % intervals over subjects, beside the margin.
Severity         major; scope: arm; kind: finding.
Rule             fails where the whole interval of a difference lies beyond the margin: records better than subjects; first records either
                 better or worse than records. Subjects better than records is what averaging does, and is no failure.
Cannot tell      no predictions or no margin; subjects are not known, or fewer than 6; labels change within subjects and no time is known.
Not applicable   every subject has one record; or this is the trivial predictor, which says the same of everybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.checks._pooled import Contrast, contrast, leading_metric, rows_of, sign_of
from hilum.checks._records import has, subject_of
from hilum.core.check import Finding, Study
from hilum.core.margins import margin_for

if TYPE_CHECKING:
    import polars as pl

CODE = "HIL021"
TITLE = "Per record, per subject and first record differ"
SEVERITY = "major"
KIND = "finding"
SCOPE = "arm"
KINDS = ("classify", "regress")
LEVEL = 0.99
_KEYS = ("whose", "fold", "seed")


def check(study: Study) -> Finding:
    """Score records, subjects and first records, and compare."""
    arm = study.arm
    if arm.trivial:
        return Finding.not_applicable("the trivial predictor says the same of everybody")
    metric = leading_metric(arm)
    if metric is None or arm.predictions is None:
        return Finding.cannot_tell("no predictions are stored")
    if not study.subjects_known:
        return Finding.cannot_tell("who is who is not known")
    frame = _whose(arm.predictions)
    if not frame.select(_KEYS).is_duplicated().any():
        return Finding.not_applicable("every subject has one record")
    margin = study.margin
    if margin is None:
        margin = margin_for(metric.name, trivial=study.trivial.figure if study.trivial else None)
    if margin is None:
        return Finding.cannot_tell(f"no margin is set for {metric.title}")
    others = {"subjects": _subjects(frame), "first records": _first(frame)}
    found = {
        name: contrast(metric, rows_of(arm.kind, frame), rows_of(arm.kind, other), LEVEL)
        for name, other in others.items()
        if other is not None
    }
    judged = {name: one for name, one in found.items() if one.interval.defined}
    if not judged:
        return Finding.cannot_tell(_why_not(found))
    sign = sign_of(arm)
    over = next(iter(judged.values())).first
    told = f"{metric.title} {over:.3f} over records" + "".join(_told(name, one, sign) for name, one in judged.items())
    proof = {"margin": margin, "over records": over, **{f"over {name}": _plain(one) for name, one in judged.items()}}
    off = [name for name, one in judged.items() if _beyond(name, one, sign, margin)]
    return (
        Finding.failed(f"beyond the margin of {margin:.3g}: {told}", **proof) if off else Finding.passed(told, **proof)
    )


def _whose(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return frame.with_columns(pl.Series("whose", subject_of(frame).tolist(), dtype=pl.String))


def _subjects(frame: pl.DataFrame) -> pl.DataFrame | None:
    """One row a subject, fold and seed: the mean prediction; None where a subject's label changes."""
    import polars as pl

    predicted = [name for name in frame.columns if name.startswith("p:") or name == "prediction"]
    grouped = frame.group_by(_KEYS, maintain_order=True).agg(
        pl.col("item").first(),
        pl.col("subject").first(),
        pl.col("target").n_unique().alias("labels"),
        pl.col("target").first(),
        *(pl.col(name).mean() for name in predicted),
    )
    return None if (grouped["labels"] > 1).any() else grouped


def _first(frame: pl.DataFrame) -> pl.DataFrame | None:
    """Each subject's first record, without times the first of each sequence; None where nothing says which it is."""
    if not has(frame, "time"):
        if not has(frame, "step"):
            return None
        return frame.sort("step", "item").unique(("sequence", "fold", "seed"), keep="first", maintain_order=True)
    return frame.drop_nulls("time").sort("time", "item").unique(_KEYS, keep="first", maintain_order=True)


def _beyond(name: str, one: Contrast, sign: float, margin: float) -> bool:
    low, high = sorted((sign * one.interval.low, sign * one.interval.high))
    return low > margin or (name == "first records" and high < -margin)


def _told(name: str, one: Contrast, sign: float) -> str:
    low, high = sorted((sign * one.interval.low, sign * one.interval.high))
    return f", {one.second:.3f} over {name} (records better by {low:.3f} to {high:.3f})"


def _plain(one: Contrast) -> dict[str, float]:
    return {"figure": one.second, "difference": one.difference, "low": one.interval.low, "high": one.interval.high}


def _why_not(found: dict[str, Contrast]) -> str:
    if not found:
        return "labels change within subjects, and no time says which record is the first"
    return next(iter(found.values())).reason
