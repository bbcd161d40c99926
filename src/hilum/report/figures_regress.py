"""Pictures of predicted numbers: predicted beside measured, and what is left over the range of predictions.

A dot is one test record of the first seed. Of many records squares are shaded by their count; of data that may not show single records the
predictions are put in order and cut into groups of equal size, each of at least ten subjects, with the mean and the middle 80 % of each.
The pictures of differences follow Bland and Altman (Lancet 1986) with one deviation: the horizontal axis is the prediction, which is what a
user will have, and not the mean of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.report.chart import Axes, Legend, picture
from hilum.report.figures_classify import Picture
from hilum.report.numbers import figure, with_interval
from hilum.report.plots import ticks
from hilum.report.privacy import FEWEST_SHOWN
from hilum.report.tables import Predicted, TableArm, Tables

Array = NDArray[np.float64]
MOST_DOTS = 1500
SQUARES = 36


def pictures_of_numbers(tables: Tables, *, synthetic: bool, dots: bool) -> list[Picture]:
    """Predicted beside measured, and differences, of the best model.

    Args:
        tables: The run.
        synthetic: Whether the data are simulated.
        dots: Whether single records may be shown.
    """
    best = tables.best or tables.trivial
    if best is None or best.predicted is None:
        return []
    rows = best.predicted.first_seed
    finite = np.isfinite(rows.said) & np.isfinite(rows.target)
    rows = rows.take(finite)
    said, measured = rows.said, rows.target
    if len(said) < 2:
        return []
    cloud = Cloud(best, None if dots else groups_of_predictions(rows))
    lost = int((~finite).sum())
    note = f" {lost} predictions are not finite and are not drawn." if lost else ""
    return [
        _agreement(cloud, tables, said, measured, synthetic, note),
        _differences(cloud, tables, said, measured, synthetic, note),
    ]


@dataclass(frozen=True)
class Cloud:
    """How records are drawn: of which model, and in which groups; None for each on its own."""

    arm: TableArm
    groups: tuple[NDArray[np.intp], ...] | None


def groups_of_predictions(rows: Predicted) -> tuple[NDArray[np.intp], ...]:
    """Rows in ascending order of the prediction, in up to ten groups of equal size with at least ten subjects each."""
    order = np.argsort(rows.said, kind="stable")
    for count in range(10, 0, -1):
        groups = tuple(np.array_split(order, count))
        if all(len(np.unique(rows.subject[group])) >= FEWEST_SHOWN for group in groups):
            return groups
    return ()


def _agreement(cloud: Cloud, tables: Tables, said: Array, measured: Array, synthetic: bool, note: str) -> Picture:
    best = cloud.arm
    span = _range_of(cloud, said, measured, both=True)
    steps = _ticks(span)
    unit = f" ({tables.unit})" if tables.unit else ""
    axes = Axes(span, span, steps, steps, f"predicted{unit}", f"measured{unit}", left=60)
    how = _cloud(axes, said, measured, cloud)
    axes.rule((span[0], span[0]), (span[1], span[1]), "ideal")
    slope, intercept = (best.lines.get(name) for name in ("calibration-slope", "calibration-intercept"))
    legend = []
    if float(np.ptp(said)) > 0:
        b, a = np.polyfit(said, measured, 1)
        ends = np.clip([said.min(), said.max()], *span)
        axes.line(ends, np.clip(a + b * ends, *span), f"best c{best.colour}")
        legend.append(Legend(f"{best.name}, slope {figure(float(b), 3)}", f"best c{best.colour}"))
    told = "" if slope is None else f" Calibration slope {with_interval(slope.estimate)}"
    told += "" if not told or intercept is None else f", intercept {with_interval(intercept.estimate)}"
    svg = picture(axes, legend, label=f"Measured by predicted, {best.name}", synthetic=synthetic)
    return Picture(
        "predicted-measured",
        "Predicted and measured",
        svg,
        f"{how} Dashed: perfect agreement.{told}{'.' if told else ''}{note}",
    )


def _differences(cloud: Cloud, tables: Tables, said: Array, measured: Array, synthetic: bool, note: str) -> Picture:
    best = cloud.arm
    apart = said - measured
    mean, spread = float(apart.mean()), float(apart.std(ddof=1))
    limits = (mean - 1.96 * spread, mean + 1.96 * spread)
    x_span = _range_of(cloud, said, said)
    y_span = _range_of(cloud, np.array(limits), apart, both=True)
    unit = f" ({tables.unit})" if tables.unit else ""
    axes = Axes(
        x_span, y_span, _ticks(x_span), _ticks(y_span), f"predicted{unit}", f"predicted - measured{unit}", left=60
    )
    how = _cloud(axes, said, apart, cloud)
    axes.rule((x_span[0], 0), (x_span[1], 0), "ideal")
    for value, classes in ((mean, f"best c{best.colour}"), (limits[0], "c0"), (limits[1], "c0")):
        axes.line(x_span, (value, value), classes, dashed=classes == "c0")
    legend = [
        Legend(f"bias {figure(mean, 3)}", f"best c{best.colour}"),
        Legend(f"95 % limits of agreement {figure(limits[0], 3)} to {figure(limits[1], 3)}", "c0", dashed=True),
    ]
    svg = picture(axes, legend, label=f"Differences by prediction, {best.name}", synthetic=synthetic)
    return Picture(
        "differences",
        "Differences",
        svg,
        f"{how} Limits: bias and 1.96 standard deviations of all differences, records of one subject not told apart.{note}",
    )


def _cloud(axes: Axes, x: Array, y: Array, cloud: Cloud) -> str:
    """Dots, shaded squares, or groups; returns what they are."""
    arm = cloud.arm
    if cloud.groups is not None:
        for group in cloud.groups:
            low, high = np.quantile(y[group], [0.1, 0.9])
            at = float(x[group].mean())
            axes.rule((at, float(low)), (at, float(high)), f"whisker c{arm.colour}")
            axes.dots(np.array([at]), np.array([y[group].mean()]), f"c{arm.colour}", radius=4.5)
        if not cloud.groups:
            return f"Fewer than {FEWEST_SHOWN} subjects: no record is drawn."
        return f"Single records may not be shown: {len(cloud.groups)} groups by prediction, their mean and middle 80 %."
    if len(x) <= MOST_DOTS:
        axes.dots(x, y, f"c{arm.colour}")
        return f"One dot a test record ({len(x):,})."
    counts, x_edges, y_edges = np.histogram2d(x, y, bins=SQUARES, range=(axes.x, axes.y))
    most = counts.max() or 1.0
    for i, j in zip(*np.nonzero(counts), strict=True):
        left, top = axes.at(x_edges[i], y_edges[j + 1])
        right, low = axes.at(x_edges[i + 1], y_edges[j])
        shade = 0.12 + 0.88 * counts[i, j] / most
        axes.parts.append(
            f'<rect class="spot fill c{arm.colour}" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{low - top:.1f}"'
            f' style="fill-opacity:{shade:.2f}"/>'
        )
    return f"Squares: shaded by how many of {len(x):,} test records they hold."


def _range_of(cloud: Cloud, a: Array, b: Array, *, both: bool = False) -> tuple[float, float]:
    """A range that holds the values of b, and of a too where asked; of groups their middle, so that no extreme record shows."""
    if cloud.groups is not None:
        ends = [
            np.quantile(values[g], [0.1, 0.9])
            for g in cloud.groups
            for values in ((a, b) if both and len(a) > 2 else (b,))
        ]
        a, b, both = (a if len(a) == 2 else np.empty(0)), np.concatenate([*ends, [float(b.mean())]]), True
    values = np.concatenate([a, b]) if both else b
    return _widened(float(values.min()), float(values.max()))


def _widened(low: float, high: float) -> tuple[float, float]:
    room = 0.04 * (high - low) or max(1.0, abs(high)) * 0.1
    return low - room, high + room


def _ticks(span: tuple[float, float]) -> list[tuple[float, str]]:
    return [(value, f"{value:g}") for value in ticks(*span) if span[0] <= value <= span[1]]
