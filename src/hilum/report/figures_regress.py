"""Pictures of predicted numbers: predicted beside measured, and what is left over the range of predictions.

A dot is one test record of the first seed. Of many records, and of data that may not show single ones, squares are shaded by their count.
The pictures of differences follow Bland and Altman (Lancet 1986) with one deviation: the horizontal axis is the prediction, which is what a
user will have, and not the mean of both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hilum.report.chart import Axes, Legend, picture
from hilum.report.figures_classify import Picture
from hilum.report.numbers import figure, with_interval
from hilum.report.plots import ticks
from hilum.report.tables import TableArm, Tables

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
    said, measured = rows.said[finite], rows.target[finite]
    if len(said) < 2:
        return []
    lost = int((~finite).sum())
    note = f" {lost} predictions are not finite and are not drawn." if lost else ""
    return [
        _agreement(best, tables, said, measured, synthetic, dots, note),
        _differences(best, tables, said, measured, synthetic, dots, note),
    ]


def _agreement(
    best: TableArm, tables: Tables, said: Array, measured: Array, synthetic: bool, dots: bool, note: str
) -> Picture:
    low, high = float(min(said.min(), measured.min())), float(max(said.max(), measured.max()))
    span = _widened(low, high)
    steps = _ticks(span)
    unit = f" ({tables.unit})" if tables.unit else ""
    axes = Axes(span, span, steps, steps, f"predicted{unit}", f"measured{unit}", left=60)
    how = _cloud(axes, said, measured, best, dots)
    axes.rule((span[0], span[0]), (span[1], span[1]), "ideal")
    slope, intercept = (best.lines.get(name) for name in ("calibration-slope", "calibration-intercept"))
    legend = []
    if float(np.ptp(said)) > 0:
        b, a = np.polyfit(said, measured, 1)
        ends = np.array([said.min(), said.max()])
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


def _differences(
    best: TableArm, tables: Tables, said: Array, measured: Array, synthetic: bool, dots: bool, note: str
) -> Picture:
    apart = said - measured
    mean, spread = float(apart.mean()), float(apart.std(ddof=1))
    limits = (mean - 1.96 * spread, mean + 1.96 * spread)
    x_span = _widened(float(said.min()), float(said.max()))
    y_span = _widened(min(float(apart.min()), limits[0]), max(float(apart.max()), limits[1]))
    unit = f" ({tables.unit})" if tables.unit else ""
    axes = Axes(
        x_span, y_span, _ticks(x_span), _ticks(y_span), f"predicted{unit}", f"predicted - measured{unit}", left=60
    )
    how = _cloud(axes, said, apart, best, dots)
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


def _cloud(axes: Axes, x: Array, y: Array, arm: TableArm, dots: bool) -> str:
    """Dots or shaded squares; returns what they are."""
    if dots and len(x) <= MOST_DOTS:
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


def _widened(low: float, high: float) -> tuple[float, float]:
    room = 0.04 * (high - low) or max(1.0, abs(high)) * 0.1
    return low - room, high + room


def _ticks(span: tuple[float, float]) -> list[tuple[float, str]]:
    return [(value, f"{value:g}") for value in ticks(*span) if span[0] <= value <= span[1]]
