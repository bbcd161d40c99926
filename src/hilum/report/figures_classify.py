"""Pictures of predicted classes: ROC, precision and recall, calibration with the spread of predictions, decisions.

ROC and precision-recall curves are made fold by fold (and seed by seed) and averaged at equal false positive rate or recall, as the printed
figures are, since scores of different folds' models are on different scales; the area under the line is the printed figure. Calibration
and decisions are about probabilities, and pool all test predictions. Bands are pointwise, 95 % over subjects, and hold the fitted models
fixed. Of more than MOST_ROWS rows a random sample is drawn, which is said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from hilum.metrics.curves import calibration_curve, decision_curve
from hilum.metrics.curves.bands import Band, band_over
from hilum.report.chart import Axes, Legend, cut, picture, unit_axes
from hilum.report.numbers import figure
from hilum.report.plots import ticks
from hilum.report.tables import Predicted, TableArm, Tables

Array = NDArray[np.float64]
MOST_ROWS = 100_000
MOST_OTHERS = 5
HIGHEST_THRESHOLD = 0.95  # beyond, a handful of records decides
POINTS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Picture:
    """A picture, what it is called, and what must be said below it."""

    name: str
    title: str
    svg: Markup
    note: str = ""


def pictures_of_classes(tables: Tables, *, synthetic: bool) -> list[Picture]:
    """Every picture of the best model, with the others as thin lines where that can be read."""
    best = tables.best or tables.trivial
    if best is None or best.predicted is None:
        return []
    if not tables.binary:
        return [_each_class(best, tables, synthetic)]
    shown = [arm for arm in tables.arms if arm.predicted is not None and arm is not best and not arm.trivial]
    others = shown[:MOST_OTHERS]
    left = f" {len(shown) - MOST_OTHERS} more models are in the table of figures." if len(shown) > MOST_OTHERS else ""
    made = [
        _averaged(best, others, tables, synthetic, _ROC),
        _averaged(best, others, tables, synthetic, _PRECISION_RECALL),
        _calibration(best, others, tables, synthetic),
        _decisions(best, others, synthetic),
    ]
    return [Picture(one.name, one.title, one.svg, f"{one.note}{left}") for one in made]


# Curves of ranks, averaged over folds


@dataclass(frozen=True)
class _Averaging:
    """A curve of ranks: its name, axes, metric, and how weights of true and false positives become values at POINTS."""

    name: str
    title: str
    x_title: str
    y_title: str
    metric: str
    curve: Callable[[Array, Array], Array]


def _sensitivity(true: Array, false: Array) -> Array:
    apart = 1e-12 * (1 - np.arange(len(false)) / len(false))  # of points at one rate the highest is read
    return np.asarray(np.interp(POINTS, false / false[-1] - apart, true / true[-1]), dtype=np.float64)


def _precision(true: Array, false: Array) -> Array:
    some = true + false > 0  # rows that a resample did not draw call nobody
    true, called = true[some], (true + false)[some]
    recall, precision = true / true[-1], true / called
    place = np.searchsorted(recall, POINTS - 1e-12, "left")
    return np.asarray(precision[np.minimum(place, len(precision) - 1)], dtype=np.float64)


_ROC = _Averaging("roc", "ROC curve", "1 - specificity", "sensitivity", "auroc", _sensitivity)
_PRECISION_RECALL = _Averaging(
    "precision-recall", "Precision and recall", "recall (sensitivity)", "precision (positive predictive value)", "auprc",
    _precision,
)  # fmt: skip


def averaged_curve(
    target: Array, score: Array, group: NDArray[np.int64], curve: Callable[[Array, Array], Array], weights: Array
) -> Array:
    """The mean over groups of a curve at POINTS; nan where a group lacks a class.

    Args:
        target: 0 or 1, shape (rows,).
        score: Shape (rows,).
        group: Fold and seed of each row, shape (rows,).
        curve: Weight of true and of false positives at every threshold, none called first, to values at POINTS.
        weights: How often each row counts, shape (rows,).
    """
    return _Groups.of(target, score, group).mean(curve, weights)


@dataclass(frozen=True)
class _Groups:
    """Rows of each group in descending order of the score, and where ties end."""

    order: tuple[NDArray[np.intp], ...]
    last: tuple[NDArray[np.intp], ...]
    positive: tuple[Array, ...]

    @classmethod
    def of(cls, target: Array, score: Array, group: NDArray[np.int64]) -> _Groups:
        orders, lasts, positives = [], [], []
        for name in np.unique(group):
            rows = np.flatnonzero(group == name)
            order = rows[np.argsort(-score[rows], kind="stable")]
            orders.append(order)
            lasts.append(np.flatnonzero(np.append(score[order][1:] != score[order][:-1], True)))
            positives.append(target[order])
        return cls(tuple(orders), tuple(lasts), tuple(positives))

    def mean(self, curve: Callable[[Array, Array], Array], weights: Array) -> Array:
        total = np.zeros(len(POINTS))
        for order, last, positive in zip(self.order, self.last, self.positive, strict=True):
            w = weights[order]
            true = np.concatenate([[0.0], np.cumsum(w * positive)[last]])
            false = np.concatenate([[0.0], np.cumsum(w * (1 - positive))[last]])
            if not (true[-1] > 0 and false[-1] > 0):
                return np.full(len(POINTS), np.nan)
            total += curve(true, false)
        return total / len(self.order)


def _averaged(best: TableArm, others: Sequence[TableArm], tables: Tables, synthetic: bool, how: _Averaging) -> Picture:
    rows, said = _drawn_from(best)
    axes = unit_axes(how.x_title, how.y_title)
    target, score = rows.target, rows.said[:, 1]
    groups = _Groups.of(target, score, _groups_of(rows))

    def curve(weights: Array) -> Array:
        return groups.mean(how.curve, weights)

    band, note = band_over(rows.subject, len(target), POINTS, curve, resamples=_resamples(rows), seed=0, level=0.95)
    _draw_band(axes, band, best)
    if how is _ROC:
        axes.rule((0, 0), (1, 1), "ideal")
    else:
        prevalence = float(target.mean())
        axes.rule((0, prevalence), (1, prevalence), "ideal")
    for arm in others:
        own = _drawn_from(arm)[0]
        line = averaged_curve(own.target, own.said[:, 1], _groups_of(own), how.curve, np.ones(len(own.target)))
        axes.line(*_from_corner(line, how), f"c{arm.colour}")
    axes.line(*_from_corner(curve(np.ones(len(target))), how), f"best c{best.colour}")
    legend = [_legend(arm, how.metric, wide=arm is best) for arm in (best, *others)]
    chance = "chance" if how is _ROC else f"prevalence {figure(float(target.mean()), 3)}"
    why = f"No band: {note}." if note else "Band: pointwise 95 % over subjects."
    return Picture(
        how.name,
        how.title,
        picture(axes, legend, label=f"{how.title} of {best.name}", synthetic=synthetic),
        f"Mean over {len(groups.order)} fold{'s' if len(groups.order) > 1 else ''} and seeds, as the figures beside the names. "
        f"Dashed: {chance}. {why}{said}",
    )


def _from_corner(line: Array, how: _Averaging) -> tuple[Array, Array]:
    """A ROC curve begins where nobody is called."""
    if how is _ROC:
        return np.concatenate([[0.0], POINTS]), np.concatenate([[0.0], line])
    return POINTS, line


def _groups_of(rows: Predicted) -> NDArray[np.int64]:
    """Fold and seed of each row; all rows of a seed together where a fold lacks a class, as the printed figure is then made."""
    for name in np.unique(rows.group):
        if len(np.unique(rows.target[rows.group == name])) < 2:
            return rows.seed
    return rows.group


# Probabilities


def _calibration(best: TableArm, others: Sequence[TableArm], tables: Tables, synthetic: bool) -> Picture:
    rows, said = _drawn_from(best)
    target, p = rows.target, rows.said[:, 1]
    found = calibration_curve(target, p, rows.subject, resamples=_resamples(rows))
    axes = Axes(
        (0.0, 1.0), (-0.26, 1.0), [(v, f"{v:g}") for v in (0, 0.2, 0.4, 0.6, 0.8, 1)],
        [(v, f"{v:g}") for v in (0, 0.2, 0.4, 0.6, 0.8, 1)], "predicted risk", "observed share", height=410,
    )  # fmt: skip
    axes.rule((0, 0), (1, 1), "ideal")
    if found.band is not None:
        kept = _where_predicted(found.band.x, p)
        axes.band(found.band.x[kept], found.band.low[kept], found.band.high[kept], f"c{best.colour}")
    for arm in others:
        own = _drawn_from(arm)[0]
        line = calibration_curve(own.target, own.said[:, 1])
        kept = _where_predicted(line.predicted, own.said[:, 1])
        axes.line(line.predicted[kept], line.observed[kept], f"c{arm.colour}")
    kept = _where_predicted(found.predicted, p)
    axes.line(found.predicted[kept], found.observed[kept], f"best c{best.colour}")
    axes.dots(found.bins.predicted, found.bins.observed, f"c{best.colour}", radius=3.4)
    _spread_of_predictions(axes, target, p, best)
    legend = [_calibration_legend(arm, wide=arm is best) for arm in (best, *others)]
    why = f" {found.note[0].upper()}{found.note[1:]}." if found.note else f" {_band_in_words(found.band)}"
    return Picture(
        "calibration",
        "Calibration",
        picture(axes, legend, label=f"Calibration of {best.name}", synthetic=synthetic),
        f"Line: restricted cubic spline on the logit scale, all test predictions pooled. Dots: {len(found.bins.count)} bins of equal "
        f"mass. Below: how often each risk was predicted, upwards where {tables.event}, downwards elsewhere. Dashed: ideal.{why}{said}",
    )


def _band_in_words(band: Band | None) -> str:
    drawn = band is not None and np.isfinite(band.low).any()
    return "Band: pointwise 95 % over subjects." if drawn else "No band: too few subjects."


def _where_predicted(x: Array, p: Array) -> NDArray[np.bool_]:
    """Points between the 1 % and 99 % quantiles of the predictions: beyond, a line would be a guess of the spline."""
    low, high = np.quantile(p, [0.01, 0.99])
    return np.asarray((x >= max(low, 0.003)) & (x <= min(high, 0.997)))


def _spread_of_predictions(axes: Axes, target: Array, p: Array, best: TableArm) -> None:
    """Two histograms back to back under the curve: events upwards, the rest downwards, on one scale."""
    edges = np.linspace(0.0, 1.0, 41)
    up, _ = np.histogram(p[target == 1], edges)
    down, _ = np.histogram(p[target == 0], edges)
    most = max(int(up.max()), int(down.max()), 1)
    middle, reach = -0.14, 0.095
    for left, events, rest in zip(edges[:-1], up, down, strict=True):
        x1, y0 = axes.at(float(left) + 0.002, middle)
        x2, _ = axes.at(float(left) + 0.023, middle)
        for count, side, classes in ((events, 1, f"fill c{best.colour}"), (rest, -1, "fill c0")):
            _, y = axes.at(0, middle + side * reach * count / most)
            if count:
                axes.parts.append(
                    f'<rect class="{classes} bar-of" x="{x1:.1f}" y="{min(y, y0):.1f}" width="{x2 - x1:.1f}" height="{abs(y - y0):.1f}"/>'
                )
    axes.rule((0, middle), (1, middle), "axis")


def _decisions(best: TableArm, others: Sequence[TableArm], synthetic: bool) -> Picture:
    rows, said = _drawn_from(best)
    found = decision_curve(rows.target, rows.said[:, 1], rows.subject, resamples=_resamples(rows))
    high = max(float(found.model.max()), found.prevalence) * 1.08
    low = -0.25 * high
    steps = [(v, f"{v:.3g}") for v in ticks(low, high, 6) if low <= v <= high]
    axes = Axes(
        (0.0, 1.0), (low, high), [(v, f"{100 * v:g} %") for v in (0, 0.2, 0.4, 0.6, 0.8, 1)], steps,
        "threshold probability", "net benefit (true positives a record)", right=24,
    )  # fmt: skip
    if found.band is not None:
        kept = found.band.x <= HIGHEST_THRESHOLD
        axes.band(found.band.x[kept], found.band.low[kept], found.band.high[kept], f"c{best.colour}")
    t = found.threshold
    seen = found.treat_all >= low
    drawn = t <= HIGHEST_THRESHOLD
    axes.line(t[seen], found.treat_all[seen], "c0", dashed=True)
    axes.line((0.0, 1.0), (0.0, 0.0), "c0")
    for arm in others:
        own = _drawn_from(arm)[0]
        line = decision_curve(own.target, own.said[:, 1])
        axes.line(line.threshold[drawn], np.maximum(line.model, low)[drawn], f"c{arm.colour}")
    axes.line(t[drawn], np.maximum(found.model, low)[drawn], f"best c{best.colour}")
    legend = [Legend(cut(arm.name, 48), f"{'best ' if arm is best else ''}c{arm.colour}") for arm in (best, *others)]
    legend += [Legend("act on everybody", "c0", dashed=True), Legend("act on nobody", "c0")]
    why = f" No band: {found.note}." if found.note else " Band: pointwise 95 % over subjects."
    return Picture(
        "decision",
        "Decision curve",
        picture(axes, legend, label=f"Decision curve of {best.name}", synthetic=synthetic),
        "A threshold of 20 % says that four unneeded actions are as bad as one missed event; which thresholds are sensible is a clinical "
        f"question. Lines that fall below the picture are cut, and not drawn above 95 %.{why}{said}",
    )


def _each_class(best: TableArm, tables: Tables, synthetic: bool) -> Picture:
    """Of more than two classes: each against the rest."""
    rows, said = _drawn_from(best)
    axes = unit_axes("1 - specificity", "sensitivity")
    axes.rule((0, 0), (1, 1), "ideal")
    legend = []
    for k, name in enumerate(tables.classes):
        line = averaged_curve(
            (rows.target == k).astype(np.float64), rows.said[:, k], rows.seed, _sensitivity, np.ones(len(rows.target))
        )
        axes.line(*_from_corner(line, _ROC), f"c{1 + k % 7}")
        legend.append(Legend(cut(f"{name} against the rest", 48), f"c{1 + k % 7}"))
    return Picture(
        "roc",
        "ROC curve of each class against the rest",
        picture(axes, legend, label=f"ROC curves of {best.name}", synthetic=synthetic),
        f"Of {best.name}; all test predictions of a seed pooled.{said}",
    )


# What they share


def _drawn_from(arm: TableArm) -> tuple[Predicted, str]:
    """The rows that a picture is drawn from, and what must be said of them."""
    assert arm.predicted is not None
    rows = arm.predicted
    finite = np.asarray(np.isfinite(rows.said).all(axis=1))
    lost = f" {int((~finite).sum())} predictions are not finite and are not drawn." if not finite.all() else ""
    rows = rows.take(finite) if lost else rows
    total = len(rows.target)
    if total <= MOST_ROWS:
        return rows, lost
    chosen = np.zeros(total, dtype=bool)
    chosen[np.random.default_rng(0).choice(total, MOST_ROWS, replace=False)] = True
    return rows.take(chosen), f"{lost} Drawn from {MOST_ROWS:,} of {total:,} predictions, chosen at random."


def _resamples(rows: Predicted) -> int:
    return 200 if len(rows.target) <= 20_000 else 60


def _draw_band(axes: Axes, band: Band | None, arm: TableArm) -> None:
    if band is not None:
        axes.band(band.x, band.low, band.high, f"c{arm.colour}")


def _legend(arm: TableArm, metric: str, *, wide: bool) -> Legend:
    line = arm.lines.get(metric)
    told = "" if line is None or line.estimate.value is None else f" {figure(line.estimate.value, 3)}"
    span = ""
    if line is not None and line.estimate.interval is not None:
        span = f" ({figure(line.estimate.interval.low, 3)} to {figure(line.estimate.interval.high, 3)})"
    return Legend(f"{cut(arm.name, 30)}{told}{span}", f"{'best ' if wide else ''}c{arm.colour}")


def _calibration_legend(arm: TableArm, *, wide: bool) -> Legend:
    slope = arm.lines.get("calibration-slope")
    value = None if slope is None else slope.estimate.value
    told = f", slope {figure(value, 3)}" if value is not None and math.isfinite(value) else ""
    return Legend(f"{cut(arm.name, 34)}{told}", f"{'best ' if wide else ''}c{arm.colour}")
