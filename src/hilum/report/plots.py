"""Small pictures as SVG text: numbers in, markup out. Every colour is a class, so light, dark and print share one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from hilum.core.row import Estimate


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


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers from `low` to just beyond `high`."""
    span = (high - low) or 1.0
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)
    first = math.ceil(low / step - 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(step * index, 10) for index in range(first, last + 1)]


def spread_apart(wanted: Sequence[float], gap: float, low: float = -math.inf, high: float = math.inf) -> list[float]:
    """The nearest places to `wanted` that are `gap` apart and, as far as there is room, between `low` and `high`."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    runs: list[list[float]] = []  # places that touch: the first of them, and their number
    for index in order:
        runs.append([wanted[index], 1])
        while True:
            first, count = runs[-1]
            runs[-1][0] = first = max(low, min(first, high - gap * (count - 1)))
            if len(runs) < 2 or runs[-2][0] + gap * runs[-2][1] <= first:
                break
            before, number = runs[-2]
            # Two runs that touch become one, as near to what both wanted as can be.
            middle = (before * number + (first - gap * number) * count) / (number + count)
            runs[-2:] = [[middle, number + count]]
    places = [first + gap * step for first, count in runs for step in range(int(count))]
    placed = [0.0] * len(wanted)
    for index, place in zip(order, places, strict=True):
        placed[index] = place
    return placed
