"""Pictures of forecasts: error by horizon, causal and published apart on one scale; a stretch of one recording with its forecasts.

Scale   both panels share it; it begins at zero unless the lower third would be empty, and ends a little above what has a name; a line
        that leaves it is cut and counted in words
Names   at most eight lines a panel have one, at their right ends: the best, the trivial predictor and what bounds the protocol; the
        others are faint. A method has one colour in both panels
Strip   the recording on which the best causal forecaster's error is the median one, so neither the kindest nor the worst; the channel
        that moves most; the first 20 s of the scored part; the horizon nearest to 1 s
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from hilum.core.run import CellFolder
from hilum.report.chart import Axes, Legend, cut, picture
from hilum.report.contents import Contents
from hilum.report.figures_classify import Picture
from hilum.report.forecasts import ForecastArm, ForecastGroup
from hilum.report.plots import spread_apart, ticks
from hilum.report.privacy import Privacy

Array = NDArray[np.float64]
MOST_NAMED = 8
NEAR_S = 1.0
STRIP_S = 20.0
LABEL_PX = 15.0
PALETTE_ORDER = (1, 2, 3, 4, 5, 7, 6)  # the two blues last and first


def horizon_panels(group: ForecastGroup, *, synthetic: bool) -> list[Picture]:
    """The leading metric by horizon: a panel for each protocol that there is, on one scale."""
    parts = {protocol: [arm for arm in group.part(protocol) if _points(arm)] for protocol in ("causal", "published")}
    named = {protocol: _named(group, arms) for protocol, arms in parts.items() if arms}
    beside = [arm for arm in (group.trivial,) if arm is not None and _points(arm)]
    shown = [arm for arms in named.values() for arm in [*arms, *beside]]
    if not shown:
        return []
    far = max(seconds for arm in shown for seconds, _ in _points(arm))
    values = [value for arm in shown for _, value in _points(arm)]
    span = _scale(min(values), max(values))
    colours = _colours(named)
    words = {"causal": "causal", "published": "published order"}
    made = []
    for protocol, arms in named.items():
        panel = _Panel(group, words[protocol], tuple(arms), tuple(beside), tuple(parts[protocol]), colours, far, span)
        made.append(_panel(panel, f"{group.anchor}-by-horizon-{protocol}", synthetic))
    return made


@dataclass(frozen=True)
class _Panel:
    group: ForecastGroup
    word: str
    named: tuple[ForecastArm, ...]
    beside: tuple[ForecastArm, ...]
    every: tuple[ForecastArm, ...]
    colours: dict[str, int]
    far: float
    span: tuple[float, float]


def _scale(low: float, high: float) -> tuple[float, float]:
    """From zero, unless that would leave the lower part empty."""
    room = 0.04 * (high - low)
    return (low - room if low > 0.35 * high else 0.0), 1.04 * high


def _points(arm: ForecastArm) -> list[tuple[float, float]]:
    return [(s, e.value) for s, e in sorted(arm.by_horizon.items()) if e.value is not None and np.isfinite(e.value)]


def _named(group: ForecastGroup, arms: Sequence[ForecastArm]) -> list[ForecastArm]:
    """The best competitors, as far as they beat the trivial predictor, and the bounds: eight with the trivial predictor."""
    limit = None if group.trivial is None else group.value(group.trivial)
    bounds = [arm for arm in arms if arm.role in {"bound", "reference"}]
    compete = [arm for arm in arms if not arm.role and group.value(arm) is not None]
    if limit is not None:
        sign = 1.0 if group.leading.direction == "lower" else -1.0
        compete = [arm for arm in compete if sign * (group.value(arm) or 0.0) < sign * limit]
    return compete[: MOST_NAMED - 1 - len(bounds)] + bounds


def _colours(named: dict[str, list[ForecastArm]]) -> dict[str, int]:
    """A method's colour: the same in both panels as far as seven colours allow; grey for what does not compete."""
    found: dict[str, int] = {}
    for arms in named.values():
        models = list(dict.fromkeys(arm.short.partition(" (")[0] for arm in arms if not arm.role))
        taken = {found[model] for model in models if model in found}
        free = [n for n in PALETTE_ORDER if n not in taken]
        for model in models:
            if model not in found:
                found[model] = free.pop(0) if free else 7
    return found


def _panel(panel: _Panel, name: str, synthetic: bool) -> Picture:
    line = panel.group.leading
    unit = "" if line.unit == "1" else f" ({line.unit})"
    x_ticks = [(v, f"{v:g}") for v in ticks(0.0, panel.far, 5) if v <= 1.02 * panel.far]
    low, top = panel.span
    y_ticks = [(v, f"{v:g}") for v in ticks(low, top, 5) if v <= top]
    axes = Axes(
        (0.0, 1.02 * panel.far), panel.span, x_ticks, y_ticks, "horizon (s)", f"{line.metric_title}{unit}",
        width=560, height=370, right=196,
    )  # fmt: skip
    drawn = {arm.id for arm in (*panel.named, *panel.beside)}
    faint = [arm for arm in panel.every if arm.id not in drawn]
    left = sum([_line(axes, arm, "c0 faint") for arm in faint])
    ends = []
    for arm in (*panel.beside, *reversed(panel.named)):  # the best is drawn last, on top
        colour = f"c{panel.colours.get(arm.short.partition(' (')[0], 0)}" if not arm.role else "c0"
        best = arm is panel.named[0] if panel.named and not arm.role else False
        _line(axes, arm, f"{colour} best" if best else colour, dashed=bool(arm.role) or arm.tuned_as_published)
        points = _points(arm)
        if len(points) <= 4:
            axes.dots(np.array([x for x, _ in points]), np.array([y for _, y in points]), colour)
        name_of = f"{arm.short.partition(' (')[0]} ({arm.role})" if arm.role in {"bound", "reference"} else arm.short
        ends.append((axes.at(*points[-1]), name_of, colour))
    _names(axes, ends)
    label = f"{line.metric_title} by horizon, {panel.word}, {panel.group.heading}"
    told = f"{panel.word[0].upper()}{panel.word[1:]}. Dashed: {_dashed(panel)}."
    if faint:
        told += f" Faint: {len(faint)} more, in the table"
        told += f", of which {left} leave the picture." if left else "."
    return Picture(name, label, picture(axes, (), label=label, synthetic=synthetic), told)


def _dashed(panel: _Panel) -> str:
    words = [arm.short for arm in panel.beside] + [arm.short for arm in panel.named if arm.role]
    if any(arm.tuned_as_published for arm in panel.named):
        words.append("networks at the settings of the published protocol")
    return "; ".join(dict.fromkeys(words)) or "none"


def _line(axes: Axes, arm: ForecastArm, classes: str, *, dashed: bool = False) -> bool:
    """Draw it as far as it stays in the picture; whether it leaves."""
    points = _points(arm)
    kept: list[tuple[float, float]] = []
    for index, (x, y) in enumerate(points):
        if y > axes.y[1]:
            if kept:
                x0, y0 = points[index - 1]
                kept.append((x0 + (x - x0) * (axes.y[1] - y0) / (y - y0), axes.y[1]))
            break
        kept.append((x, y))
    axes.line([x for x, _ in kept], [y for _, y in kept], classes, dashed=dashed)
    return len(kept) < len(points) or any(y > axes.y[1] for _, y in points)


def _names(axes: Axes, ends: Sequence[tuple[tuple[float, float], str, str]]) -> None:
    """Names at the right ends of lines, apart from each other, with a hair line to each."""
    edge = axes.width - axes.right
    places = spread_apart([y for (_, y), _, _ in ends], LABEL_PX, low=axes.top, high=axes.height - axes.bottom)
    for ((x, y), name, colour), at in zip(ends, places, strict=True):
        axes.parts.append(
            f'<line class="leader" x1="{x + 4:.1f}" y1="{y:.1f}" x2="{edge + 8}" y2="{at:.1f}"/>'
            f'<text class="name fill {colour}" x="{edge + 11}" y="{at + 4:.1f}">{escape(cut(name, 27))}'
            f"<title>{escape(name)}</title></text>"
        )


# ---- a stretch of one recording


def strip(contents: Contents, group: ForecastGroup, privacy: Privacy) -> Picture | None:
    """What was forecast beside what came, of one recording; None where single subjects may not be shown or nothing is stored."""
    best = group.best
    if best is None or not privacy.rows_shown:
        return None
    item = _median_recording(group, best)
    found = _stretch(contents, best, item) if item else None
    if found is None:
        return None
    beside = None if group.trivial is None else _stretch(contents, group.trivial, item, found)
    unit = group.leading.unit if group.leading.unit not in {"1", ""} else "own unit"
    lines = [found.target, found.forecast, *([] if beside is None else [beside.forecast])]
    values = np.concatenate([line[np.isfinite(line)] for line in lines])
    low, high = _room(found.target, values)
    times = found.seconds
    x_ticks = [(v, f"{v:g}") for v in ticks(times[0], times[-1], 8) if v <= times[-1]]
    y_ticks = [(v, f"{v:g}") for v in ticks(low, high, 5) if v <= high]
    span = (float(times[0]), float(times[-1]))
    channel = f"{found.channel} ({unit})"
    axes = Axes(span, (low, high), x_ticks, y_ticks, "time in the recording (s)", channel, width=900, height=290)
    if beside is not None:
        axes.line(times, np.clip(beside.forecast, low, high), "c0", dashed=True)
    axes.line(times, np.clip(found.target, low, high), "truth")
    axes.line(times, np.clip(found.forecast, low, high), "c1 best")
    legend = [Legend("what came", "truth"), Legend(f"{best.short}, {found.horizon_s:.3g} s earlier", "c1 best")]
    if beside is not None and group.trivial is not None:
        legend.append(Legend(f"{group.trivial.short}, {found.horizon_s:.3g} s earlier", "c0", dashed=True))
    label = f"Forecast and truth, {best.short}, {group.heading}"
    note = (
        f"Recording {privacy.name(item)}, whose error is the median one of {best.short}; the channel that moves most. "
        f"Each forecast was made {found.horizon_s:.3g} s before the time at which it stands."
    )
    svg = picture(axes, legend, label=label, synthetic=contents.synthetic)
    wide = Markup(str(svg).replace('class="figure"', 'class="figure stretch"', 1))
    return Picture(f"{group.anchor}-stretch", label, wide, note)


@dataclass(frozen=True)
class _Stretch:
    seconds: Array
    target: Array
    forecast: Array
    channel: str
    horizon: int
    horizon_s: float


def _median_recording(group: ForecastGroup, arm: ForecastArm) -> str:
    estimate = arm.figures[group.leading.metric]
    ranked = sorted((unit.value, unit.unit) for unit in estimate.per_unit if unit.value is not None)
    return ranked[(len(ranked) - 1) // 2][1] if ranked else ""


def _stretch(contents: Contents, arm: ForecastArm, item: str, like: _Stretch | None = None) -> _Stretch | None:
    """A forecaster's first seed on one recording, 20 s from where scoring begins; the same stretch as another's where given."""
    import polars as pl

    folder = cell_of(contents, arm, item)
    if folder is None or not folder.predictions.is_file():
        return None
    horizons = dict(
        pl.read_parquet(folder.scores).filter(pl.col("item") == item).select("horizon", "horizon_s").iter_rows()
    )
    horizon = min(horizons, key=lambda h: (abs(horizons[h] - NEAR_S), h)) if like is None else like.horizon
    if horizon not in horizons:
        return None
    interval = horizons[horizon] / horizon
    rows = (
        pl.scan_parquet(folder.predictions)
        .filter((pl.col("item") == item) & (pl.col("horizon") == horizon) & (pl.col("seed") == pl.col("seed").min()))
        .collect()
        .sort("time")
        .head(max(2, round(STRIP_S / interval)))
    )
    channels = [name.removeprefix("target:") for name in rows.columns if name.startswith("target:")]
    if rows.height < 2 or not channels:
        return None
    spread = {name: rows[f"target:{name}"].fill_nan(None).std() or 0.0 for name in channels}
    channel = max(channels, key=lambda name: (spread[name], name)) if like is None else like.channel
    return _Stretch(
        seconds=rows["time"].to_numpy().astype(np.float64) * interval,
        target=rows[f"target:{channel}"].to_numpy().astype(np.float64),
        forecast=rows[f"prediction:{channel}"].to_numpy().astype(np.float64),
        channel=channel,
        horizon=horizon,
        horizon_s=round(horizons[horizon], 6),
    )


def cell_of(contents: Contents, arm: ForecastArm, item: str) -> CellFolder | None:
    """The first finished cell of an arm that holds a recording: the one with the first seeds."""
    for cell in contents.info["cells"]:
        if cell["arm_id"] == arm.id and item in cell["item"].split(", "):
            folder = CellFolder(contents.run.cells / cell["folder"])
            if folder.done:
                return folder
    return None


def _room(target: Array, values: Array) -> tuple[float, float]:
    """A range that holds the truth and, unless they lie far outside, the forecasts."""
    low, high = float(np.nanmin(target)), float(np.nanmax(target))
    span = (high - low) or 1.0
    low, high = max(low - 0.6 * span, float(values.min())), min(high + 0.6 * span, float(values.max()))
    return low - 0.04 * span, high + 0.04 * span
