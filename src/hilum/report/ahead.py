"""Forecasts beyond the end of a trace: on a terminal, as JSON and as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from hilum.core.comparison import Ahead
from hilum.core.store import write_text
from hilum.report.numbers import figure


def ahead_view(found: Ahead) -> RenderableType:
    """One line a channel and one column a horizon, what the run measured, and what became of the file's rows."""
    frame = found.frame
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"ahead, {found.unit}")
    for horizon, time in frame.select("horizon_s", "time_s").iter_rows():
        table.add_column(f"{horizon:g} s\n(at {time:.2f} s)", justify="right")
    for name in frame.columns[2:]:
        table.add_row(name, *("-" if value is None else figure(value, 4) for value in frame[name]))
    parts: list[RenderableType] = [Rule(Text(found.arm))]
    if found.synthetic:
        parts.append(Text("FROM A RUN ON SYNTHETIC DATA", style="bold reverse"))
    return Group(
        *parts,
        Text(f"{found.arm}: {found.chosen}; {found.figure}."),
        Text(),
        table,
        Text(),
        Text(f"Times from the first sample on. {found.account}."),
        Text(
            "The run's figures are of its own recordings; this one may breathe otherwise. "
            f"The run was made from: {found.licence}. For research: no medical device.",
            style="dim",
        ),
    )


def ahead_lines(found: Ahead) -> dict[str, Any]:
    """Plain data."""
    return {
        "model": found.arm,
        "chosen": found.chosen,
        "figure": found.figure,
        "unit": found.unit,
        "account": found.account,
        "licence": found.licence,
        "synthetic": found.synthetic,
        "forecasts": found.frame.to_dicts(),
    }


def write_ahead(found: Ahead, path: Path) -> None:
    """Every horizon as CSV."""
    import polars as pl

    whole = found.frame.with_columns(
        pl.lit(found.unit).alias("unit"), pl.lit(found.arm).alias("model"), pl.lit(found.licence).alias("run_from")
    )
    write_text(path, whole.write_csv())
