"""The flow diagram: how many records there were, who was excluded and why, who was analysed, and how they were split."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from hilum.report.chart import drawing
from hilum.report.tables import PartLine, Tables

WIDTH, MAIN, SIDE, GAP = 460, 222, 200, 26
LINE, ROOM = 16, 9


@dataclass(frozen=True)
class Box:
    """Lines of text in a box; the first is set in bold."""

    lines: tuple[str, ...]

    @property
    def height(self) -> int:
        """In px."""
        return LINE * len(self.lines) + 2 * ROOM - 3


@dataclass(frozen=True)
class Flow:
    """From the start to the parts of the split.

    Attributes:
        start: Records of the table.
        excluded: Why, and how many records, in order.
        analysed: What is left.
        parts: Train, validation and test, each over all folds.
    """

    start: int
    excluded: tuple[tuple[str, int], ...]
    analysed: PartLine | None
    parts: tuple[tuple[str, str], ...]
    folds: int


def flow_of(tables: Tables) -> Flow | None:
    """The flow of a run; None where its split is not stored."""
    if tables.whole is None:
        return None
    excluded = tuple((str(one["why"]), int(one["records"])) for one in tables.study.get("attrition") or ())
    start = tables.whole.records + sum(records for _, records in excluded)
    names = list(dict.fromkeys(line.part for line in tables.parts))
    parts = tuple((name, _over_folds([line for line in tables.parts if line.part == name], tables)) for name in names)
    return Flow(start, excluded, tables.whole, parts, len({line.fold for line in tables.parts}))


def flow_diagram(tables: Tables, *, synthetic: bool) -> Markup:
    """The picture; nothing where the split is not stored."""
    flow = flow_of(tables)
    if flow is None or flow.analysed is None:
        return Markup("")
    parts: list[str] = []
    y = 18.0 if synthetic else 2.0
    if synthetic:
        parts.append(f'<text class="word" x="{WIDTH - 4}" y="12" text-anchor="end">synthetic data</text>')
    first = [f"{flow.start:,} records", *([] if flow.excluded else ["none was excluded by the run"])]
    y = _box(parts, 2, y, MAIN, _wrapped("Considered", *first, most=32))
    left = flow.start
    for why, records in flow.excluded:
        box = _wrapped(f"Excluded: {records:,} records", why, most=27)
        left -= records
        low = y + max(GAP + box.height + 8, 34)
        middle = y + GAP // 2 + box.height / 2
        _arrow(parts, 2 + MAIN / 2, y, low)
        parts.append(f'<line class="out" x1="{2 + MAIN / 2}" y1="{middle}" x2="{WIDTH - SIDE - 2}" y2="{middle}"/>')
        _box(parts, WIDTH - SIDE - 2, y + GAP // 2, SIDE, box)
        y = low
        y = _box(parts, 2, y, MAIN, Box((f"{left:,} records",)))
    _arrow(parts, 2 + MAIN / 2, y, y + GAP)
    y = _box(parts, 2, y + GAP, MAIN, _wrapped("Analysed", *_told(flow.analysed, tables), most=32))
    if flow.parts:
        y = _split(parts, y, flow)
    return drawing(WIDTH, y + 4, "Flow of records", parts)


def _split(parts: list[str], y: float, flow: Flow) -> float:
    """One box a part, side by side; the arrow forks above them."""
    count = len(flow.parts)
    width = (WIDTH - 4 - 12 * (count - 1)) / count
    word = f"{flow.folds} folds, each:" if flow.folds > 1 else "one fold:"
    fork = y + GAP
    parts.append(f'<text x="{2 + MAIN / 2 + 8}" y="{y + 17}">{escape(word)}</text>')
    parts.append(f'<line class="out" x1="{2 + MAIN / 2}" y1="{y}" x2="{2 + MAIN / 2}" y2="{fork}"/>')
    centres = [2 + index * (width + 12) + width / 2 for index in range(count)]
    parts.append(f'<line class="out" x1="{min(*centres, 2 + MAIN / 2)}" y1="{fork}" x2="{max(centres)}" y2="{fork}"/>')
    end = fork
    most = int(width / 6.6)
    for centre, (name, told) in zip(centres, flow.parts, strict=True):
        _arrow(parts, centre, fork, fork + 20)
        box = _wrapped(name, *told.split("; "), most=most)
        end = max(end, _box(parts, centre - width / 2, fork + 20, width, box))
    return end


def _over_folds(lines: Sequence[PartLine], tables: Tables) -> str:
    """Counts of one part: of several folds the smallest and the largest."""
    subjects = [line.subjects for line in lines if line.subjects is not None]
    told = [f"{_span(subjects)} subjects"] if len(subjects) == len(lines) else []
    told.append(f"{_span([line.records for line in lines])} records")
    if tables.binary:
        told.append(f"{_span([int(line.events[1]) for line in lines])} with {tables.event}")
    return "; ".join(told)


def _told(line: PartLine, tables: Tables) -> list[str]:
    known = "" if line.subjects is None else f"{line.subjects:,} subjects, "
    told = [f"{known}{line.records:,} records"]
    if tables.kind == "classify":
        told += [f"{int(count):,} records: {name}" for name, count in zip(tables.classes, line.events, strict=False)][
            :6
        ]
    else:
        told.append(f"mean {line.events[0]:.4g} {tables.unit}, s.d. {line.events[1]:.3g}")
    return told


def _span(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _wrapped(*texts: str, most: int) -> Box:
    lines = [line for text in texts for line in textwrap.wrap(text, most, break_long_words=True)[:5]]
    return Box(tuple(lines))


def _box(parts: list[str], x: float, y: float, width: float, box: Box) -> float:
    parts.append(f'<rect class="box" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{box.height}" rx="4"/>')
    for index, line in enumerate(box.lines):
        strong = ' class="strong"' if index == 0 else ""
        parts.append(f'<text{strong} x="{x + 9:.1f}" y="{y + ROOM + 11 + LINE * index:.1f}">{escape(line)}</text>')
    return y + box.height


def _arrow(parts: list[str], x: float, start: float, end: float) -> None:
    parts.append(f'<line class="out" x1="{x}" y1="{start}" x2="{x}" y2="{end}"/>')
    parts.append(f'<polyline class="out" points="{x - 4},{end - 6} {x},{end} {x + 4},{end - 6}"/>')
