"""Comparisons and predictions on a terminal, as JSON and as CSV."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from hilum.core.comparison import Comparison, Prediction
from hilum.core.store import write_text
from hilum.report.numbers import between, figure, signed

MOST_ROWS = 20


def comparison_table(found: Sequence[Comparison]) -> RenderableType:
    """One line a pair: both figures, the difference with its interval over subjects, p, and the answer in words."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("a, against b", min_width=20)
    table.add_column("metric")
    for name in ("a", "b", f"a - b ({100 * found[0].level:g} %)", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("answer", min_width=12)
    for one in found:
        span = "" if one.interval is None else f" ({between(one.interval.low, one.interval.high, 2)})"
        p = "-" if math.isnan(one.p) else f"{one.p:.2g}"
        table.add_row(
            f"{one.a}, against {one.b}",
            one.metric,
            figure(one.value_a, 3),
            figure(one.value_b, 3),
            signed(one.difference) + span,
            p,
            one.verdict,
        )
    first = found[0]
    left = (
        f"; {first.only_a} and {first.only_b} predicted by one side only are left out"
        if first.only_a or first.only_b
        else ""
    )
    several = " Several pairs: p-values are not adjusted." if len(found) > 1 else ""
    return Group(table, Text(f"On {first.records} shared records{left}. {first.method}.{several}", style="dim"))


def comparison_lines(found: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Plain data."""
    return [{**asdict(one), "answer": one.verdict} for one in found]


def prediction_view(found: Prediction) -> RenderableType:
    """The first predictions, how many records are unlike train, and what the model was measured to do."""
    frame = found.frame
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in frame.columns:
        table.add_column(
            name.replace("_", " "), justify="left" if name in {"item", "subject"} else "right", overflow="fold"
        )
    for row in frame.head(MOST_ROWS).iter_rows():
        table.add_row(*(figure(value, 3) if isinstance(value, float) else str(value) for value in row))
    parts: list[RenderableType] = [Rule(Text(found.arm))]
    if found.synthetic:
        parts.append(Text("LEARNED FROM SYNTHETIC DATA", style="bold reverse"))
    parts += [Text(f"{found.arm}: {found.chosen}; {found.figure}."), Text(), table]
    if frame.height > MOST_ROWS:
        parts.append(Text(f"... {frame.height - MOST_ROWS} more records: --out FILE writes them all", style="dim"))
    return Group(
        *parts,
        Text(),
        _unusual(found),
        Text(f"Learned from {found.licence}. For research: no medical device.", style="dim"),
    )


def _unusual(found: Prediction) -> RenderableType:
    far = int(found.frame["far"].sum())
    records = int((found.frame["warnings"] > 0).sum())
    lines = [
        f"{far} of {found.frame.height} records lie farther from the middle of train than 99 % of it did."
        if far
        else "No record lies farther from the middle of train than 99 % of it did.",
        f"{records} records have values that train did not have: {found.warnings.height} warnings."
        if records
        else "Every value lies within the range of train.",
    ]
    for row in found.warnings.head(10).iter_rows(named=True):
        lines.append(f"  {row['item']}: {row['text']}")
    if found.warnings.height > 10:
        lines.append(f"  ... {found.warnings.height - 10} more")
    return Text("\n".join(lines))


def prediction_lines(found: Prediction) -> dict[str, Any]:
    """Plain data."""
    return {
        "model": found.arm,
        "chosen": found.chosen,
        "figure": found.figure,
        "licence": found.licence,
        "synthetic": found.synthetic,
        "records": found.frame.to_dicts(),
        "warnings": found.warnings.to_dicts(),
    }


def write_predictions(found: Prediction, path: Path) -> None:
    """Every record as CSV; the licence of what was learned from goes with it in a column."""
    import polars as pl

    whole = found.frame.with_columns(pl.lit(found.arm).alias("model"), pl.lit(found.licence).alias("learned_from"))
    write_text(path, whole.write_csv())
