"""Comparisons and predictions on a terminal, as JSON and as CSV."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from hilum.core.comparison import Comparison, Prediction
from hilum.core.store import write_text
from hilum.report.numbers import between, figure, signed

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 20
NAMES = ("item", "subject", "sequence")


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
    shown = _shown(frame)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in shown:
        table.add_column(name.replace("_", " "), justify="left" if name in NAMES else "right", overflow="fold")
    before = None
    for row in frame.head(MOST_ROWS).iter_rows(named=True):
        own = row.get("sequence")
        if before is not None and own != before:
            table.add_row()  # a sequence begins
        table.add_row(*(_cell(row, made) for made in shown.values()))
        before = own
    parts: list[RenderableType] = [Rule(Text(found.arm))]
    if found.synthetic:
        parts.append(Text("LEARNED FROM SYNTHETIC DATA", style="bold reverse"))
    parts += [Text(f"{found.arm}: {found.chosen}; {found.figure}."), Text(), table]
    if frame.height > MOST_ROWS:
        parts.append(Text(f"... {frame.height - MOST_ROWS} more records: --out FILE writes them all", style="dim"))
    return Group(
        *parts,
        Text(),
        *(Text(note) for note in found.notes),
        _unusual(found),
        Text(f"Learned from {found.licence}. For research: no medical device.", style="dim"),
    )


def _shown(frame: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    """Column of the terminal's table to those of the frame: ranges stand in one; of two classes the second; a step says which record."""
    names = list(frame.columns)
    classes = [name for name in names if name.startswith("p ")]
    shown: dict[str, tuple[str, ...]] = {}
    for name in names:
        if name in classes[:-1] and len(classes) == 2:
            continue
        if name in {"item", "closer_in_train"} and "sequence" in names:
            continue
        if name == "subject" and "sequence" in names and frame["subject"].equals(frame["sequence"]):
            continue
        if name in {"low", "high"} or name.endswith((" low", " high")):
            continue
        ends = ("low", "high") if name == "observed" else (f"{name} low", f"{name} high")
        shown[name] = (name, *ends) if set(ends) <= set(names) else (name,)
    return shown


def _cell(row: dict[str, Any], names: tuple[str, ...]) -> str:
    value, *ends = (row[name] for name in names)
    text = figure(value, 3) if isinstance(value, float) else "-" if value is None else str(value)
    if names[0] == "step" and isinstance(value, float):
        return f"{value:g}"
    return text if not ends or None in ends else f"{text} ({between(ends[0], ends[1], 2)})"


def _unusual(found: Prediction) -> RenderableType:
    far = int(found.frame["far"].sum())
    records = int((found.frame["warnings"] > 0).sum())
    away = (
        "No record lies farther from the middle of train than 99 % of it did."
        if found.frame["far"].null_count() == 0
        else "Nothing says how far these records lie from those of train."
    )
    lines = [
        f"{far} of {found.frame.height} records lie farther from the middle of train than 99 % of it did."
        if far
        else away,
        f"{_records(records)} values that train did not have: {found.warnings.height} warning{'s' * (found.warnings.height != 1)}."
        if records
        else "Every value lies within the range of train.",
    ]
    for row in found.warnings.head(10).iter_rows(named=True):
        lines.append(f"  {row['item']}: {row['text']}")
    if found.warnings.height > 10:
        lines.append(f"  ... {found.warnings.height - 10} more")
    return Text("\n".join(lines))


def _records(count: int) -> str:
    return "1 record has" if count == 1 else f"{count} records have"


def prediction_lines(found: Prediction) -> dict[str, Any]:
    """Plain data."""
    return found.to_json()


def write_predictions(found: Prediction, path: Path) -> None:
    """Every record as CSV; the licence of what was learned from, and that it is synthetic, goes with it in a column."""
    import polars as pl

    learned = f"SYNTHETIC DATA; {found.licence}" if found.synthetic else found.licence
    whole = found.frame.with_columns(pl.lit(found.arm).alias("model"), pl.lit(learned).alias("learned_from"))
    write_text(path, whole.write_csv())
