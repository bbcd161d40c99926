"""An explanation on a terminal, as JSON and as a picture for a paper.

Bars    of many records: the mean a feature, a thick whisker its 95 % interval, a thin one its standard deviation
        of one record: what each feature gave to its score; red raises it, blue lowers it
Strip   of one record of a sequence: what each feature of each earlier record gave, over time; beside it the sum a feature
Ids     no picture holds the id of a person or a record
"""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from hilum.core.store import write_bytes
from hilum.explain._answer import Explanation
from hilum.report.numbers import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAR = 24  # characters of the longest bar
NEWEST = 6  # records of a sequence that a terminal shows
LONGEST_NAME = 34
WIDTH_INCHES, ROW_INCHES = 6.3, 0.21
BLUE, RED, GREY = "#0072b2", "#b2182b", "#5b6570"


def explanation_view(found: Explanation, top: int) -> RenderableType:
    """The first features, what their figures mean, and what they were learned from."""
    parts: list[RenderableType] = [Rule(Text(found.arm))]
    if found.synthetic:
        parts.append(Text("LEARNED FROM SYNTHETIC DATA", style="bold reverse"))
    parts += [Text(f"{found.arm}: {found.chosen}; {found.figure}."), Text(), _table(found, top)]
    if found.frame.height > top:
        parts.append(Text(f"... {found.frame.height - top} more features: --top shows more", style="dim"))
    if found.score is not None and found.base is not None:
        parts.append(Text(f"base {figure(found.base, 3)}, score {figure(found.score, 3)}"))
    if found.course is not None:
        parts += [Text(), _course(found, top)]
    licence = Text(f"Learned from {found.licence}. For research: no medical device.", style="dim")
    return Group(*parts, Text(), Text(f"{found.method.replace('_', ' ')}. {found.means}"), licence)


def explanation_lines(found: Explanation) -> dict[str, Any]:
    """Plain data."""
    return {
        "model": found.arm,
        "chosen": found.chosen,
        "figure": found.figure,
        "method": found.method,
        "means": found.means,
        "item": found.item,
        "score": found.score,
        "base": found.base,
        "features": found.frame.to_dicts(),
        "course": None if found.course is None else found.course.to_dicts(),
        "licence": found.licence,
        "synthetic": found.synthetic,
    }


def write_picture(found: Explanation, path: Path, top: int) -> None:
    """A PNG of the first features, 300 dots an inch, 6.3 inches wide."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    stream = BytesIO()
    with rc_context({"font.size": 8, "axes.linewidth": 0.6, "svg.fonttype": "none"}):
        drawn = _strip(found, top) if found.course is not None else _bars(found, top)
        FigureCanvasAgg(drawn).print_figure(stream, format="png", dpi=300, metadata={"Software": "hilum"})
    write_bytes(path, stream.getvalue())


def _table(found: Explanation, top: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("feature", overflow="fold")
    one = "contribution" in found.frame.columns
    what = "attention" if found.score is None else "contribution"
    value = "value" if found.course is None else "newest value"
    for name in (value, what) if one else ("importance", "95 %", "spread"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    shown = found.frame.head(top)
    sizes = shown["contribution" if one else "importance"].to_numpy()
    largest = float(np.abs(sizes).max(initial=0.0)) or 1.0
    decimals = _decimals(largest)
    for row, size in zip(shown.iter_rows(named=True), sizes, strict=True):
        long = abs(size) if one else max(0.0, size)
        bar = Text("\N{FULL BLOCK}" * round(BAR * long / largest), style="red" if one and size > 0 else "blue")
        if one:
            value = _value(row["value"])
            table.add_row(row["feature"], value, _share(size, decimals, found), bar)
        else:
            low, high, spread = (
                "-" if one is None else f"{one:z.{decimals}f}" for one in (row["low"], row["high"], row["spread"])
            )
            table.add_row(
                row["feature"], f"{size:z.{decimals}f}", "-" if low == "-" else f"{low} to {high}", spread, bar
            )
    return table


def _share(size: float, decimals: int, found: Explanation) -> str:
    """Parts of a score with their sign, weights without."""
    shown = f"{size:z.{decimals}f}"
    return shown if found.score is None or float(shown) <= 0 else f"+{shown}"


def _decimals(largest: float) -> int:
    """So many that the largest figure has three digits."""
    return max(0, 2 - math.floor(math.log10(largest)))


def _value(text: str | None) -> str:
    if text is None:
        return "missing"
    try:
        return figure(float(text), 4)
    except ValueError:
        return text


def _course(found: Explanation, top: int) -> Table:
    """The newest records, one column each."""
    steps, names, values = _matrix(found, top)
    first = max(0, len(steps) - NEWEST)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"by time ({first} earlier records not shown)" if first else "by time", overflow="fold")
    for step in steps[first:]:
        table.add_column(f"{step:g}", justify="right", no_wrap=True)
    decimals = _decimals(float(np.abs(values).max(initial=0.0)) or 1.0)
    for name, row in zip(names, values, strict=True):
        table.add_row(name, *(_share(value, decimals, found) for value in row[first:]))
    return table


def _matrix(found: Explanation, top: int) -> tuple[list[float], list[str], np.ndarray[Any, np.dtype[np.float64]]]:
    """Steps, the first features, and (features, steps) what each gave."""
    assert found.course is not None
    names = found.frame["feature"].head(top).to_list()
    parts = dict(found.course.partition_by("feature", as_dict=True, maintain_order=True))
    chosen = [parts[(name,)] for name in names]
    steps = chosen[0]["step"].to_list()
    return steps, names, np.array([part["contribution"].to_list() for part in chosen])


def _figure(rows: int, *, wide: float = 0.0) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH_INCHES, ROW_INCHES * max(rows, 3) + 0.75 + wide), layout="constrained")


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"


def _named(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(length=2, width=0.6)
    axes.tick_params(axis="y", length=0)


def _bars(found: Explanation, top: int) -> Figure:
    shown = found.frame.head(top)
    one = "contribution" in shown.columns
    drawn = _figure(shown.height, wide=0.0 if one else 0.15)
    axes = drawn.add_subplot()
    places = np.arange(shown.height)
    sizes = shown["contribution" if one else "importance"].to_numpy()
    colours = [RED if one and size > 0 else BLUE for size in sizes]
    axes.barh(places, sizes, height=0.62, color=colours, alpha=1.0 if one else 0.45, linewidth=0)
    if not one:
        for place, row in enumerate(shown.iter_rows(named=True)):
            if row["spread"] is not None:
                axes.plot(row["importance"] + np.array([-1, 1]) * row["spread"], [place] * 2, color=BLUE, linewidth=0.7)
            if row["low"] is not None:
                axes.plot([row["low"], row["high"]], [place] * 2, color=BLUE, linewidth=2.2, solid_capstyle="butt")
    axes.axvline(0, color=GREY, linewidth=0.6)
    names = shown["feature"].to_list()
    if one:
        names = [f"{_short(name)} = {_value(value)}" for name, value in shown.select("feature", "value").iter_rows()]
    _named(axes, names)
    note = "" if one else f"\nthick: 95 % interval, thin: one standard deviation either side, over {found.over}"
    axes.set_xlabel(f"{found.label}{note}")
    axes.spines[["top", "right", "left"]].set_visible(False)
    _head(drawn, found)
    return drawn


def _strip(found: Explanation, top: int) -> Figure:
    steps, names, values = _matrix(found, top)
    drawn = _figure(len(names), wide=0.25)
    whole = drawn.add_gridspec(1, 2, width_ratios=(1.0, 0.28))
    axes = drawn.add_subplot(whole[0])
    reach = float(np.abs(values).max(initial=0.0)) or 1.0
    signed = bool((values < 0).any())
    shown = axes.imshow(
        values,
        aspect="auto",
        interpolation="nearest",
        cmap="RdBu_r" if signed else "Blues",
        vmin=-reach if signed else 0.0,
        vmax=reach,
    )
    _named(axes, names)
    every = max(1, math.ceil(len(steps) / 10))
    places = list(range(len(steps) - 1, -1, -every))[::-1]
    axes.set_xticks(places, [f"{steps[place]:g}" for place in places])
    axes.set_xlabel("time of the record, the newest at the right")
    total = drawn.add_subplot(whole[1], sharey=axes)
    sums = found.frame["contribution"].head(top).to_numpy()
    colours = [RED if signed and size > 0 else BLUE for size in sums]  # as in the strip
    total.barh(np.arange(len(names)), sums, height=0.62, color=colours, linewidth=0)
    total.axvline(0, color=GREY, linewidth=0.6)
    total.tick_params(axis="y", labelleft=False, length=0)
    total.tick_params(axis="x", length=2, width=0.6)
    total.set_xlabel("over time")
    total.spines[["top", "right", "left"]].set_visible(False)
    bar = drawn.colorbar(shown, ax=[axes, total], fraction=0.04, pad=0.02)
    bar.outline.set_linewidth(0.6)
    _head(drawn, found)
    return drawn


def _head(drawn: Figure, found: Explanation) -> None:
    word = "   SYNTHETIC" if found.synthetic else ""
    what = [found.arm, found.method.replace("_", " "), *([found.label] if found.course is not None else [])]
    title = "  \N{MIDDLE DOT}  ".join(dict.fromkeys(what))
    drawn.suptitle(f"{title}{word}", fontsize=8, x=0.01, ha="left")
