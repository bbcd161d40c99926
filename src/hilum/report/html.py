"""One self-contained HTML file: no script, font, style or picture comes from anywhere else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from hilum.core.row import Row
from hilum.report.contents import Contents, verdict_text
from hilum.report.numbers import between, figure, like, signed, with_interval
from hilum.report.plots import Curve, interval_bar, line_chart, unit_dots
from hilum.report.terminal import MEANING

TEMPLATES = Path(__file__).parent / "templates"


def html(contents: Contents) -> str:
    """The report."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(default=True), undefined=StrictUndefined
    )
    environment.filters.update(figure=figure, signed=signed, interval=with_interval)
    environment.globals.update(between=between, like=like, verdict_text=verdict_text, bar=_bar, word=_word)
    return environment.get_template("report.html.j2").render(
        c=contents,
        info=contents.info,
        meaning=MEANING,
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup((TEMPLATES / "report.js").read_text(encoding="utf-8")),
        chart=_chart(contents),
        units=_units(contents),
        table=_metrics(contents),
        verdicts=[name for name, _ in Counter(row.verdict for row in contents.rows).most_common()],
        tally=Counter(check.status for check in contents.checks),
        failed_cells=[cell for cell in contents.info["cells"] if cell["status"] != "done"],
        leading=contents.lines[0] if contents.lines else None,
    )


def _word(verdict: str) -> str:
    """The class of a verdict: its first word, for colour."""
    return verdict.split(",")[0].split(" ")[0]


def _bar(row: Row) -> Markup:
    if row.difference_low is None or row.difference_high is None or row.margin is None:
        return Markup("")
    return interval_bar(low=row.difference_low, high=row.difference_high, margin=row.margin)


def _chart(contents: Contents) -> Markup:
    if not contents.lines:
        return Markup("")
    leading = contents.lines[0]
    models: list[str] = []
    curves = []
    for arm_id, arm, protocol in dict.fromkeys((line.arm_id, line.arm, line.protocol) for line in contents.lines):
        model = arm.partition(" (")[0]
        if model not in models:
            models.append(model)
        points = tuple(
            (line.horizon_s, line.estimate.value)
            for line in contents.lines
            if line.arm_id == arm_id
            and line.metric == leading.metric
            and line.horizon_s is not None
            and line.estimate.value is not None
        )
        if points:
            curves.append(Curve(arm, points, protocol == "causal", models.index(model) % 8))
    return line_chart(curves, x_title="horizon (s)", y_title=f"{leading.metric_title} ({leading.unit})")


def _metrics(contents: Contents) -> dict[str, Any]:
    """Arms by metrics, each the mean over the horizons that were run."""
    lines = [line for line in contents.lines if line.horizon is None]
    metrics = dict.fromkeys((line.metric, line.metric_title, line.unit) for line in lines)
    found = {(line.arm_id, line.metric): line.estimate for line in lines}
    arms = dict.fromkeys((line.arm_id, line.arm) for line in lines)
    return {
        "heads": [(title, unit) for _, title, unit in metrics],
        "rows": [(arm, [found.get((arm_id, name)) for name, _, _ in metrics]) for arm_id, arm in arms],
    }


def _units(contents: Contents) -> list[dict[str, Any]]:
    """Every arm's own values of the leading metric, drawn on one scale."""
    if not contents.lines:
        return []
    metric = contents.lines[0].metric
    chosen = [line for line in contents.lines if line.metric == metric and line.horizon is None]
    values = [unit.value for line in chosen for unit in line.estimate.per_unit if unit.value is not None]
    if not values:
        return []
    high = max(values)
    return [
        {
            "arm": line.arm,
            "estimate": line.estimate,
            "plot": unit_dots(
                [(unit.unit, unit.value) for unit in line.estimate.per_unit if unit.value is not None],
                low=0.0,
                high=high,
            ),
            "values": ", ".join(f"{unit.unit} {figure(unit.value, 3)}" for unit in line.estimate.per_unit),
        }
        for line in chosen
    ]
