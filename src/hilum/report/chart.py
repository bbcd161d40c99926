"""Axes, lines, bands and bars as SVG text: what every picture of a report is drawn with. Numbers in, markup out.

Colours are classes, so that light, dark and print share one picture; `standalone` adds the light ones, for a file of its own.
A picture of simulated data has the word *synthetic* in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ticks = Sequence[tuple[float, str]]
LEGEND_LINE = 17

STANDALONE = """
text { font: 12px Helvetica, Arial, sans-serif; fill: #39424a; }
.grid, .axis { stroke: #dfe3e6; } .frame { stroke: #9aa5ad; fill: none; } .ideal { stroke: #5b6570; stroke-dasharray: 3 3; }
.line { fill: none; stroke-width: 1.3; } .line.best { stroke-width: 2.4; } .area { stroke: none; fill-opacity: .18; }
.word { fill: #a3262a; font-weight: 600; } .box { fill: #f4f5f4; stroke: #9aa5ad; } .out { stroke: #9aa5ad; fill: none; }
.strong { font-weight: 600; fill: #1c2126; } .spot { fill-opacity: .45; stroke: none; } .whisker { stroke-width: 2; }
.line.faint { stroke-opacity: .28; } .line.truth { stroke: #1c2126; stroke-width: 1.9; } .leader { stroke: #dfe3e6; }
"""
PALETTE = ("#5b6570", "#0072b2", "#b85c00", "#00795c", "#a3458a", "#8a6d00", "#3a5fcd", "#7a3b1d")


@dataclass(frozen=True)
class Axes:
    """A rectangle with data coordinates.

    Attributes:
        x: Range of the horizontal axis.
        y: Range of the vertical axis.
        x_ticks: Where there are ticks, and what they say.
        y_ticks: The same of the vertical axis.
        x_title: Name and unit.
        y_title: Name and unit.
        width: Of the whole picture, in px of its own scale.
        height: Without legend.
        left: Room for the labels of the vertical axis.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    x_ticks: Ticks
    y_ticks: Ticks
    x_title: str
    y_title: str
    width: int = 440
    height: int = 360
    left: int = 52
    right: int = 14
    top: int = 22
    bottom: int = 44
    parts: list[str] = field(default_factory=list)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the data lies, in px."""
        across = (self.width - self.left - self.right) * (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (self.height - self.top - self.bottom) * (y - self.y[0]) / (self.y[1] - self.y[0])
        return self.left + across, self.height - self.bottom - up

    def line(self, x: Iterable[float], y: Iterable[float], classes: str, *, dashed: bool = False) -> None:
        """A line through the points that are finite."""
        drawn = " ".join(self._place(a, b) for a, b in zip(x, y, strict=True) if np.isfinite(a) and np.isfinite(b))
        dash = ' stroke-dasharray="6 4"' if dashed else ""
        if drawn:
            self.parts.append(f'<polyline class="line {classes}" points="{drawn}"{dash}/>')

    def band(self, x: Array, low: Array, high: Array, classes: str) -> None:
        """The area between two lines, held within the frame."""
        there = np.isfinite(low) & np.isfinite(high)
        if not there.any():
            return
        x, low, high = x[there], np.clip(low[there], *self.y), np.clip(high[there], *self.y)
        edge = [self._place(a, b) for a, b in zip(x, high, strict=True)]
        edge += [self._place(a, b) for a, b in zip(x[::-1], low[::-1], strict=True)]
        self.parts.append(f'<polygon class="area fill {classes}" points="{" ".join(edge)}"/>')

    def dots(self, x: Array, y: Array, classes: str, radius: float = 2.6) -> None:
        """A dot a point."""
        for a, b in zip(x, y, strict=True):
            px, py = self.at(a, b)
            self.parts.append(f'<circle class="spot fill {classes}" cx="{px:.1f}" cy="{py:.1f}" r="{radius}"/>')

    def rule(self, start: tuple[float, float], end: tuple[float, float], classes: str) -> None:
        """A straight line."""
        (x1, y1), (x2, y2) = self.at(*start), self.at(*end)
        self.parts.append(f'<line class="{classes}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def word(self, x: float, y: float, text: str, classes: str = "", anchor: str = "start") -> None:
        """Text at a point of the data."""
        px, py = self.at(x, y)
        self.parts.append(
            f'<text class="{classes}" x="{px:.1f}" y="{py:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def _place(self, x: float, y: float) -> str:
        px, py = self.at(x, y)
        return f"{px:.1f},{py:.1f}"


@dataclass(frozen=True)
class Legend:
    """What a line is."""

    text: str
    classes: str
    dashed: bool = False


def picture(axes: Axes, legend: Sequence[Legend], *, label: str, synthetic: bool) -> Markup:
    """The picture: frame, ticks, what was drawn on the axes, and the legend below.

    Args:
        axes: With everything drawn on it.
        legend: One line an entry.
        label: What a screen reader says.
        synthetic: Whether the data are simulated.
    """
    height = axes.height + LEGEND_LINE * len(legend) + (6 if legend else 0)
    right, low = axes.width - axes.right, axes.height - axes.bottom
    parts = [_open(axes.width, height, label)]
    for value, text in axes.y_ticks:
        _, y = axes.at(axes.x[0], value)
        parts.append(f'<line class="grid" x1="{axes.left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{axes.left - 7}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>')
    for value, text in axes.x_ticks:
        x, _ = axes.at(value, axes.y[0])
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{axes.top}" x2="{x:.1f}" y2="{low}"/>')
        parts.append(f'<text x="{x:.1f}" y="{low + 16}" text-anchor="middle">{escape(text)}</text>')
    middle_x, middle_y = (axes.left + right) / 2, (axes.top + low) / 2
    parts.append(f'<text x="{middle_x:.0f}" y="{axes.height - 9}" text-anchor="middle">{escape(axes.x_title)}</text>')
    parts.append(
        f'<text x="13" y="{middle_y:.0f}" transform="rotate(-90 13 {middle_y:.0f})" text-anchor="middle">'
        f"{escape(axes.y_title)}</text>"
    )
    parts += axes.parts
    parts.append(
        f'<rect class="frame" x="{axes.left}" y="{axes.top}" width="{right - axes.left}" height="{low - axes.top}"/>'
    )
    if synthetic:
        parts.append(f'<text class="word" x="{right}" y="{axes.top - 7}" text-anchor="end">synthetic data</text>')
    for index, entry in enumerate(legend):
        y = axes.height + 8 + LEGEND_LINE * index
        dash = ' stroke-dasharray="6 4"' if entry.dashed else ""
        parts.append(
            f'<line class="line {entry.classes}" x1="{axes.left}" y1="{y}" x2="{axes.left + 24}" y2="{y}"{dash}/>'
        )
        parts.append(f'<text x="{axes.left + 31}" y="{y + 4}">{escape(entry.text)}</text>')
    return Markup("".join(parts) + "</svg>")


def _open(width: float, height: float, label: str) -> str:
    return (
        f'<svg class="figure" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img"'
        f' aria-label="{escape(label)}"><title>{escape(label)}</title>'
    )


def drawing(width: float, height: float, label: str, parts: Sequence[str], classes: str = "figure wide") -> Markup:
    """A picture without axes."""
    return Markup(
        _open(width, height, label).replace('class="figure"', f'class="{classes}"') + "".join(parts) + "</svg>"
    )


def standalone(svg: str) -> str:
    """A picture as a file of its own, in the light colours."""
    colours = "".join(
        f".c{n} {{ stroke: {colour}; }} .fill.c{n} {{ fill: {colour}; }}" for n, colour in enumerate(PALETTE)
    )
    head, _, rest = svg.partition(">")
    return f'{head}><style>{STANDALONE}{colours}text {{ stroke: none; }}</style><rect width="100%" height="100%" fill="#fff"/>{rest}'


def shares(step: float = 0.2) -> Ticks:
    """Ticks from 0 to 1."""
    return [(round(value, 6), f"{value:g}") for value in np.round(np.arange(0, 1 + 1e-9, step), 6)]


def unit_axes(x_title: str, y_title: str) -> Axes:
    """Axes from 0 to 1 both ways."""
    return Axes((0.0, 1.0), (0.0, 1.0), shares(), shares(), x_title, y_title)


def cut(text: str, most: int) -> str:
    """A text that fits; what is left out is marked."""
    return text if len(text) <= most else text[: most - 1] + "…"
