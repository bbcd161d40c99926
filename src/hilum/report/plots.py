"""Small pictures as SVG text: numbers in, markup out. Every colour is a class, so light, dark and print share one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from hilum.core.row import Estimate


@dataclass(frozen=True)
class Curve:
    """One line of a chart: points (x, y), whether it is dashed, and its place in the palette."""

    name: str
    points: tuple[tuple[float, float], ...]
    dashed: bool
    colour: int


def interval_bar(*, low: float, high: float, margin: float, width: int = 150, height: int = 22) -> Markup:
    """The interval of ours - claimed (dot and line) against the band of the margin, with the claim at zero."""
    reach = 1.15 * max(margin, abs(low), abs(high)) or 1.0
    at = [width / 2 * (1 + value / reach) for value in (-margin, margin, low, high)]
    middle = height / 2
    title = f"ours - claimed: {low:.4g} to {high:.4g}; margin {margin:.4g}"
    return Markup(
        f'<svg class="bar" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        f' aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f'<rect class="band" x="{at[0]:.1f}" y="3" width="{at[1] - at[0]:.1f}" height="{height - 6}" rx="3"/>'
        f'<line class="zero" x1="{width / 2}" y1="1" x2="{width / 2}" y2="{height - 1}"/>'
        f'<line class="range" x1="{at[2]:.1f}" y1="{middle}" x2="{at[3]:.1f}" y2="{middle}"/>'
        f'<circle class="dot" cx="{(at[2] + at[3]) / 2:.1f}" cy="{middle}" r="4"/></svg>'
    )


def unit_dots(values: Sequence[tuple[str, float]], *, low: float, high: float, width: int = 220) -> Markup:
    """Every unit's own figure as a dot between `low` and `high`, with its mean as a line."""
    span = (high - low) or 1.0
    places = [(name, value, 8 + (width - 16) * (value - low) / span) for name, value in values]
    mean = 8 + (width - 16) * (sum(value for _, value, _ in places) / max(1, len(places)) - low) / span
    dots = "".join(
        f'<circle class="unit" cx="{x:.1f}" cy="11" r="3.5"><title>{escape(name)}: {value:.4g}</title></circle>'
        for name, value, x in places
    )
    return Markup(
        f'<svg class="dots" viewBox="0 0 {width} 22" width="{width}" height="22" role="img" aria-label="one dot a unit">'
        f'<line class="axis" x1="8" y1="11" x2="{width - 8}" y2="11"/>{dots}'
        f'<line class="mean" x1="{mean:.1f}" y1="3" x2="{mean:.1f}" y2="19"/></svg>'
    )


def range_strip(
    estimate: Estimate | None,
    dots: Sequence[float] = (),
    *,
    low: float,
    high: float,
    colour: int = 1,
    marks: Sequence[float] = (),
    synthetic: bool = False,
    width: int = 300,
) -> Markup:
    """A figure with its interval between `low` and `high`, small dots below it for its controls; or the scale, with `marks`."""
    span = (high - low) or 1.0
    edge = 14

    def place(value: float) -> float:
        return edge + (width - 2 * edge) * (value - low) / span

    parts = []
    title = "scale"
    if marks:
        parts.append(f'<line class="axis" x1="{edge}" y1="4" x2="{width - edge}" y2="4"/>')
        for mark in marks:
            x = place(mark)
            parts.append(f'<line class="axis" x1="{x:.1f}" y1="1" x2="{x:.1f}" y2="7"/>')
            parts.append(f'<text x="{x:.1f}" y="21" text-anchor="middle">{mark:g}</text>')
    else:
        title = "no figure" if estimate is None or estimate.value is None else f"{estimate.value:.4g}"
        title += f"; {len(dots)} permutations of the labels" if dots else ""
        title += "; synthetic data" if synthetic else ""
        parts.append(f'<line class="axis" x1="{edge}" y1="9" x2="{width - edge}" y2="9"/>')
        for value in dots:
            parts.append(f'<circle class="permuted" cx="{place(value):.1f}" cy="22" r="2.6"/>')
        if estimate is not None and estimate.value is not None:
            if estimate.interval is not None:
                ends = place(max(low, estimate.interval.low)), place(min(high, estimate.interval.high))
                parts.append(f'<line class="whisker c{colour}" x1="{ends[0]:.1f}" y1="9" x2="{ends[1]:.1f}" y2="9"/>')
            parts.append(f'<circle class="fill c{colour}" cx="{place(estimate.value):.1f}" cy="9" r="4.5"/>')
    tall = 26 if dots or marks else 18
    return Markup(
        f'<svg class="strip" viewBox="0 0 {width} {tall}" width="{width}" height="{tall}" role="img"'
        f' aria-label="{escape(title)}"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )


def line_chart(
    curves: Sequence[Curve], *, x_title: str, y_title: str, synthetic: bool = False, width: int = 860, height: int = 420
) -> Markup:
    """Curves with axes and direct labels at their right ends."""
    if not curves:
        return Markup("")
    left, right, top, bottom = 52, 235, 14, 44
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points]
    x_ticks, y_ticks = ticks(min(0.0, *xs), max(xs)), ticks(0.0, max(ys))
    x_end, y_end = max(x_ticks[-1], max(xs)), max(y_ticks[-1], max(ys))

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (width - left - right) * x / x_end, height - bottom - (height - top - bottom) * y / y_end

    parts = [
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        f' aria-label="{escape(y_title)} by {escape(x_title)}">'
    ]
    for tick in y_ticks:
        _, y = place(0, tick)
        parts.append(f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{width - right}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in x_ticks:
        x, _ = place(tick, 0)
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height - bottom + 18}" text-anchor="middle">{tick:g}</text>')
    middle = left + (width - left - right) / 2
    if synthetic:
        parts.append(f'<text class="word" x="{left + 8}" y="{top + 10}">synthetic data</text>')
    parts.append(f'<text class="title" x="{middle:.0f}" y="{height - 6}" text-anchor="middle">{escape(x_title)}</text>')
    parts.append(
        f'<text class="title" x="14" y="{top + 6}" transform="rotate(-90 14 {height / 2})" '
        f'text-anchor="middle" dx="0" dy="{height / 2 - top - 4:.0f}">{escape(y_title)}</text>'
    )
    for curve, label_y in zip(curves, _spread([place(*curve.points[-1])[1] for curve in curves], 15.0), strict=True):
        parts.append(_curve(curve, [place(x, y) for x, y in curve.points], label_y, width - right))
    return Markup("".join(parts) + "</svg>")


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers from `low` to just beyond `high`."""
    span = (high - low) or 1.0
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)
    first = math.ceil(low / step - 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(step * index, 10) for index in range(first, last + 1)]


def _curve(curve: Curve, path: Sequence[tuple[float, float]], label_y: float, edge: float) -> str:
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in path)
    dash = ' stroke-dasharray="6 4"' if curve.dashed else ""
    dots = "".join(f'<circle class="c{curve.colour} fill" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in path)
    few = dots if len(path) <= 4 else ""
    x, y = path[-1]
    return (
        f'<g><title>{escape(curve.name)}</title><polyline class="c{curve.colour}" points="{drawn}"{dash}/>{few}'
        f'<line class="leader" x1="{x + 4:.1f}" y1="{y:.1f}" x2="{edge + 8}" y2="{label_y:.1f}"/>'
        f'<text class="label c{curve.colour}" x="{edge + 12}" y="{label_y + 4:.1f}">{escape(curve.name)}</text></g>'
    )


def _spread(wanted: Sequence[float], gap: float) -> list[float]:
    """The nearest places to `wanted` that are `gap` apart."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed = [0.0] * len(wanted)
    last = -math.inf
    for index in order:
        last = max(wanted[index], last + gap)
        placed[index] = last
    shift = max(0.0, (max(placed, default=0.0) - max(wanted, default=0.0)) / 2)
    return [place - shift for place in placed]
