"""Terminal tables of what there is: papers, datasets, runs, plans and cards. They fit 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


def papers_table(lines: Iterable[Mapping[str, Any]]) -> RenderableType:
    """Every paper with its claims, its state and its verdicts."""
    rows = list(lines)
    table = _table(("paper", "left"), ("claims", "right"), ("data", "left"), ("state", "left"))
    for line in rows:
        verdicts = "; ".join(f"{count} {name}" for name, count in line["verdicts"].items())
        style = "dim" if line["status"] == "not built yet" else "bold"
        table.add_row(
            Text(line["paper"], style=style), str(line["claims"]), line["data_access"], verdicts or line["status"]
        )
    total = sum(line["claims"] for line in rows)
    built = sum(line["status"] != "not built yet" for line in rows)
    return Group(table, Text(f"{len(rows)} papers, {total:,} published figures, {built} built so far"))


def datasets_table(lines: Iterable[Mapping[str, Any]]) -> RenderableType:
    """Every dataset with its licence and place."""
    table = _table(
        ("dataset", "left"), ("items", "right"), ("subjects", "left"), ("licence", "left"), ("where", "left")
    )
    for line in lines:
        table.add_row(line["dataset"], str(line["items"]), line["subjects"], line["licence"], line["where"])
    return table


def runs_table(lines: Iterable[Mapping[str, Any]]) -> RenderableType:
    """Every stored run."""
    rows = list(lines)
    if not rows:
        return Text("No run is stored here yet. Try: hilum run online-rnn-markers")
    table = _table(("run", "left"), ("preset", "left"), ("data", "left"), ("started", "left"), ("cells", "left"))
    for line in rows:
        cells = ", ".join(f"{count} {state}" for state, count in line["cells"].items())
        table.add_row(line["run"], line["preset"], line["data"], line["started"][:16].replace("T", " "), cells)
    return table


def plan_table(lines: Iterable[Mapping[str, Any]]) -> RenderableType:
    """What a run would do, by arm, and what it would take where that was measured."""
    arms: dict[tuple[str, str, str], list[float | None]] = {}
    for line in lines:
        arms.setdefault((line["arm"], line["status"], line["reason"]), []).append(line.get("seconds"))
    known = [one for seconds in arms.values() for one in seconds if one is not None]
    columns = [("arm", "left"), ("cells", "right"), ("status", "left"), ("reason", "left")]
    table = _table(*columns[:2], *([("core time", "right")] if known else []), *columns[2:])
    for (arm, status, reason), seconds in arms.items():
        there = [one for one in seconds if one is not None]
        took = [_duration(sum(there)) if there else ""] if known else []
        table.add_row(arm, str(len(seconds)), *took, status, reason)
    count = sum(len(seconds) for seconds in arms.values())
    if not known:
        return Group(table, Text(f"{count} cells"))
    told = f"{count} cells; about {_duration(sum(known))} of one core, extrapolated from a slice of every arm on this machine"
    return Group(table, Text(told))


def clock_table(lines: Sequence[Mapping[str, Any]]) -> RenderableType:
    """By how many samples a forecast moved before the moved sample was seen, at each horizon."""
    horizons = list(lines[0]["early"]) if lines else []
    table = _table(("model", "left"), ("protocol", "left"), *((f"h = {h}", "right") for h in horizons))
    for line in lines:
        table.add_row(line["model"], line["protocol"], *(str(line["early"][h]) for h in horizons))
    if not lines:
        return table
    told = (
        f"Samples by which the first forecast to move was made before sample {lines[0]['sample']} of {lines[0]['item']}, "
        "the one that was moved, had been seen: 0 knows nothing later than its clock."
    )
    return Group(table, Text(told))


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def card_table(card: Mapping[str, Any]) -> RenderableType:
    """One card: the facts, then the text."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in card.items():
        if key != "text" and value not in (None, "", [], {}):
            table.add_row(key.replace("_", " "), _spoken(value))
    text = str(card.get("text", "")).strip()
    return Group(table, Text(f"\n{text}")) if text else table


def _spoken(value: Any) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {_spoken(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "\n".join(_spoken(item) for item in value)
    return str(value)


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in columns:
        fold = name in {"where", "state", "reason", "cells", "licence"}
        table.add_column(
            name, justify="right" if justify == "right" else "left", overflow="fold" if fold else "ellipsis"
        )
    return table
