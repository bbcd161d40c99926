"""Learning curve: the leading metric by the number of train subjects, one line a model, with intervals over test subjects.

Drawn where arms differ in the share of train that their split keeps; every point is tested on the same records.
"""

from __future__ import annotations

from dataclasses import dataclass

from hilum.core.row import Estimate
from hilum.report.chart import Axes, Legend, cut, picture
from hilum.report.figures_classify import Picture
from hilum.report.plots import ticks
from hilum.report.tables import TableArm, Tables


@dataclass(frozen=True)
class Point:
    """One point of a curve.

    Attributes:
        model: Whose curve.
        colour: Its place in the palette.
        share: Of the train subjects.
        subjects: Train subjects, the mean over folds; records where who is who is not known.
        estimate: The leading metric.
    """

    model: str
    colour: int
    share: float
    subjects: float
    estimate: Estimate


def points_of(tables: Tables) -> tuple[Point, ...]:
    """Every point of models that were run on several shares of train, in the order of the arms."""
    by_model: dict[str, list[tuple[float, TableArm]]] = {}
    for arm in tables.arms:
        if not arm.trivial:
            by_model.setdefault(arm.model, []).append((_share(arm), arm))
    found = []
    for model, arms in by_model.items():
        if len({share for share, _ in arms}) < 2:
            continue
        for share, arm in sorted(arms, key=lambda pair: pair[0]):
            line = arm.lines.get(tables.leading.name)
            if line is not None:
                subjects = _train_subjects(arm)
                found.append(Point(model.replace("_", " "), arms[0][1].colour, share, subjects, line.estimate))
    return tuple(found)


def learning_curve(tables: Tables, *, synthetic: bool) -> Picture | None:
    """The picture; None where no model was run on several shares, or none of them has a figure."""
    drawn = [point for point in points_of(tables) if point.estimate.value is not None]
    if not drawn:
        return None
    ends = [point.estimate.value or 0.0 for point in drawn]
    ends += [end for p in drawn if p.estimate.interval for end in (p.estimate.interval.low, p.estimate.interval.high)]
    marks = ticks(min(ends), max(ends), 5)
    most = max(point.subjects for point in drawn)
    axes = Axes(
        (0.0, 1.06 * most),
        (min(*ends, marks[0]), max(*ends, marks[-1])),
        [(mark, f"{mark:g}") for mark in ticks(0.0, most, 5) if mark <= 1.06 * most],
        [(mark, f"{mark:.3g}") for mark in marks],
        "train subjects (mean over folds)",
        tables.leading.title,
    )
    models = list(dict.fromkeys(point.model for point in drawn))
    for number, model in enumerate(models):
        own = [point for point in drawn if point.model == model]
        aside = (number - (len(models) - 1) / 2) * 0.012 * most  # whiskers of two models at one place are both seen
        x, y = [point.subjects + aside for point in own], [point.estimate.value or 0.0 for point in own]
        axes.line(x, y, f"best c{own[0].colour}")
        for at, point in zip(x, own, strict=True):
            if point.estimate.interval is not None:
                span = point.estimate.interval
                axes.rule((at, span.low), (at, span.high), f"whisker c{point.colour}")
    legend = [Legend(cut(model, 48), f"best c{next(p.colour for p in drawn if p.model == model)}") for model in models]
    return Picture(
        "learning",
        "Learning curve",
        picture(axes, legend, label=f"Learning curve, {tables.leading.title}", synthetic=synthetic),
        "Every point is tested on the same records, and smaller train parts lie within larger ones. Whiskers: 95 % over test subjects, "
        "fitted models held fixed.",
    )


def _share(arm: TableArm) -> float:
    task = arm.tested[0].spec()["task"]["settings"]
    return float((task.get("split") or {}).get("train_share", 1.0))


def _train_subjects(arm: TableArm) -> float:
    import polars as pl

    records = arm.records
    if records is None:
        return float("nan")
    whose = "item" if records["subject"].null_count() else "subject"
    counted = records.filter(pl.col("part") == "train").group_by("fold").agg(pl.col(whose).n_unique().alias("n"))
    return float(counted["n"].mean())  # type: ignore[arg-type]
