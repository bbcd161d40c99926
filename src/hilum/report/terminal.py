"""The report on a terminal: headline, claims, audit, what was not judged. Fits 80 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from hilum.core.errors import unknown
from hilum.core.margins import margin_in_words
from hilum.core.row import CheckRow, Estimate, Row
from hilum.report.contents import EXPLORATORY, Contents, Line, grouped, leader, verdict_text
from hilum.report.forecasts import CAUSAL, PUBLISHED, ForecastGroup, in_short, read_forecasts
from hilum.report.groups import first_records
from hilum.report.numbers import between, figure, like, percent, signed, with_interval
from hilum.report.privacy import privacy_of
from hilum.report.spread import Spread, spreads
from hilum.report.tables import Tables

COLOURS = {
    "reproduced, exact": "green",
    "reproduced": "green",
    "replicated": "green",
    "supported": "green",
    "better": "cyan",
    "worse": "yellow",
    "contradicted": "red",
    "inconclusive": "yellow",
}
LISTED = 30  # rows of a table that someone reads on a screen
MARKS = {"fail": "x", "cannot tell": "?", "pass": "ok", "not applicable": "-"}
MEANING = (
    "An interval over subjects or units holds the fitted models, these folds and recordings fixed; it does not cover "
    "retraining, other hospitals or selection among models."
)


MAIN_METRICS = {
    "classify": ("auprc", "brier", "calibration-slope", "es", "number-mae", "osmae"),
    "regress": ("rmse", "r2", "calibration-slope"),
}


def render(contents: Contents, *, width: int | None = None) -> RenderableType:
    """The whole report."""
    wide = (width or 80) >= 110
    parts: list[RenderableType] = [Rule(Text(contents.info["experiment"])), Text(contents.title, style="bold")]
    if contents.synthetic:
        parts.append(Text("SYNTHETIC DATA", style="bold reverse"))
    parts += [Text(contents.headline), Text()]
    groups = read_forecasts(contents)
    if groups and contents.measured:  # what a clock allows comes before what was claimed
        parts += [*(Text(f"Causal, {group.heading}: {_short(group)}") for group in groups), Text()]
    if contents.measured:
        parts += [_claims(contents, wide), Text()]
        parts += [
            part
            for text in contents.exploratory
            for part in (Text(f"The column 'causal' is {text}.", style="dim"), Text())
        ]
        parts += _not_listed(contents)
    parts += _forecasts(groups, contents, wide) if groups else [_figures(contents), *_firsts(contents)]
    parts += [Text(MEANING, style="dim"), Text(), _audit(contents)]
    waived = (contents.info.get("study") or {}).get("waivers") or ()
    parts += [Text(f"{one['code']} is waived by the author, and restores nothing: {one['reason']}") for one in waived]
    if contents.rows:
        parts += [Text(), _unjudged(contents)]
    return Group(*parts)


def why(contents: Contents, claim_id: str) -> RenderableType:
    """Explain one verdict.

    Raises:
        UsageError: there is no such claim; the closest is named.
    """
    rows = {row.id: row for row in contents.rows}
    if claim_id not in rows:
        raise unknown("claim", claim_id, rows, where=f"run '{contents.info['experiment']}'")
    row = rows[claim_id]
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in explain(contents, row):
        table.add_row(name, text)
    return Group(Rule(Text(row.id)), Text(row.statement), Text(), table)


def explain(contents: Contents, row: Row) -> list[tuple[str, str]]:
    """The lines of `why`, as plain text."""
    lines = [
        ("verdict", f"{verdict_text(row)}: {row.reason}"),
        ("claimed", f"{row.relation if row.relation != 'eq' else ''} {row.printed} {row.unit}".strip()),
        ("printed in", f"{row.where} (evidence: {row.evidence})"),
    ]
    if row.ours is not None:
        lines += [
            ("ours", f"{with_interval(row.ours)} {row.unit}".strip()),
            *([("interval", f"none: {row.ours.reason}")] if row.ours.interval is None and row.ours.reason else []),
            ("estimand", f"{row.metric_title}, {row.estimand}" if row.estimand else "from printed figures"),
            ("basis", row.basis),
        ]
    if row.difference_low is not None:
        point = row.difference_low == row.difference_high
        noise = (
            "(no noise: deterministic code)" if point else f"({between(row.difference_low, row.difference_high)}, 95 %)"
        )
        value = row.ours.value if row.ours and row.ours.value is not None else float("nan")
        lines.append(("difference", f"{signed(value - row.claimed)} {noise}"))
        lines.append(
            (
                "margin",
                f"{figure(row.margin)}: {margin_in_words(row.metric, trivial=_trivial(row))} plus half a printed digit; "
                f"it would be reproduced from {figure(row.smallest_margin)} on",
            )
        )
    if row.honest is not None:
        lines.append(("honest", f"{with_interval(row.honest)} {row.unit}, the same figure under the causal protocol"))
    lines += [("differs", text) for text in row.differs]
    for text in row.settings:
        name, mark, rest = text.partition(": ")
        lines.append((name, rest) if f"{name}:" == EXPLORATORY and mark else ("setting", text))
    if row.ours is not None and row.ours.per_unit:
        lines.append(("by unit", ", ".join(f"{u.unit} {figure(u.value)}" for u in row.ours.per_unit)))
    if row.ours is not None and len(row.ours.per_seed) > 1:
        lines.append(("by seed", ", ".join(figure(value) for value in row.ours.per_seed)))
    for check in contents.checks:
        if check.status == "fail" and check.arm_id in {row.arm_id, ""}:
            lines.append((check.code, f"{check.severity}: {check.message}"))
    cells = [cell["folder"] for cell in contents.info["cells"] if row.arm_id and cell["arm_id"] == row.arm_id]
    if cells:
        lines.append(("cells", "\n".join(cells)))
    return lines


def _trivial(row: Row) -> str:
    return "" if row.trivial is None else figure(row.trivial)


def _listed(contents: Contents) -> list[Row]:
    """The primary claims, then those that were judged, as far as a screen goes."""
    judged = [row for row in contents.measured if row.primary or row.verdict != "not comparable"]
    return sorted(judged or contents.measured, key=lambda row: not row.primary)[:LISTED]


def _not_listed(contents: Contents) -> list[RenderableType]:
    """How many claims with a figure of ours the table leaves out, by verdict."""
    listed = {row.id for row in _listed(contents)}
    rest = Counter(verdict_text(row) for row in contents.measured if row.id not in listed)
    if not rest:
        return []
    told = "; ".join(f"{count:,} {name}" for name, count in rest.most_common())
    return [
        Text(f"Not listed here, but in the report: {told}. `hilum why RUN CLAIM` explains each.", style="dim"),
        Text(),
    ]


def _claims(contents: Contents, wide: bool) -> Table:
    table = Table(
        box=None, pad_edge=False, header_style="bold", title="Claims with a figure of ours", title_justify="left"
    )
    table.add_column("claim", overflow="fold", min_width=26)
    table.add_column("claimed", justify="right", no_wrap=True)
    table.add_column("ours", justify="right", no_wrap=True)
    if wide:
        table.add_column("ours - claimed", justify="right", no_wrap=True)
    table.add_column("causal", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold", min_width=14)
    if wide:
        table.add_column("failed", overflow="fold")
    for row in _listed(contents):
        value = None if row.ours is None else row.ours.value
        cells = [Text(row.id, style="bold" if row.primary else ""), Text(row.printed), Text(like(row.printed, value))]
        if wide:
            cells.append(Text(signed(None if value is None else value - row.claimed)))
        cells += [
            Text(figure(row.honest.value if row.honest else None)),
            Text(verdict_text(row), style=COLOURS.get(row.verdict, "dim") if row.supported else "red"),
        ]
        table.add_row(*cells, *([Text(" ".join(row.codes), style="dim")] if wide else []))
    return table


def _forecasts(groups: Sequence[ForecastGroup], contents: Contents, wide: bool) -> list[RenderableType]:
    """Every group of forecasts: a sentence, then the causal forecasters, then those of the published order."""
    mark = "SYNTHETIC data: " if contents.synthetic else ""
    parts: list[RenderableType] = []
    for group in groups:
        title = Text(f"{mark}{group.heading}", style="bold")
        parts += [title, Text(_short(group)), Text(), _group(group, wide), Text()]
    return parts


def _short(group: ForecastGroup) -> str:
    return in_short(group, lambda estimate: with_interval(estimate, 3))


def _group(group: ForecastGroup, wide: bool) -> Table:
    line = group.leading
    unit = "" if line.unit == "1" else f" ({line.unit})"
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("forecaster", overflow="fold")
    ahead = [] if len(group.compared_s) == 1 else list(group.shown_s)[:3]
    for seconds in ahead:
        table.add_column(f"{seconds:.3g} s", justify="right", no_wrap=True)
    interval = " (95 % over recordings)" if wide else ""
    table.add_column(
        f"{line.metric_title}{unit}, {group.over}{interval}", justify="right", max_width=22 if wide else 11
    )
    within = group.shares[0] if group.shares else None
    if within is not None:
        table.add_column(f"{within.metric_title.lower()}, %", justify="right", max_width=6)
    table.add_column("p99 of interval, %", justify="right", max_width=9)
    for protocol, words in (("causal", CAUSAL), ("published", PUBLISHED)):
        arms = group.part(protocol)
        if arms:
            table.add_row(Text(words.partition(":")[0], style="underline"))
        for arm in arms:
            values = [_value(arm.at(seconds)) for seconds in ahead]
            own = [percent(_number(arm.figures.get(within.metric)))] if within is not None else []
            share = percent(arm.latency["share_p99"]) if arm.latency else "-"
            lost = f", {arm.lost} of {arm.runs} runs lost" if arm.lost else ""
            style = "bold" if group.best is not None and arm.id == group.best.id else "dim" if arm.role else ""
            found = arm.figures.get(line.metric)
            mean = with_interval(found, 3) if wide else _value(found)
            table.add_row(Text(f"{arm.short}{lost}", style=style), *values, mean, *own, share)
    return table


def _number(estimate: Estimate | None) -> float | None:
    return None if estimate is None else estimate.value


def _value(estimate: Estimate | None) -> str:
    return figure(_number(estimate), 3)


def _figures(contents: Contents) -> Table:
    """Models of a table by their main metrics: the leading one with its interval."""
    leading = contents.lines[0] if contents.lines else None
    found = leader(contents)
    synthetic = "SYNTHETIC data: " if contents.synthetic else ""
    table = Table(box=None, pad_edge=False, header_style="bold", title=f"{synthetic}every model", title_justify="left")
    if leading is None:
        return table
    by_arm: dict[str, dict[str, Line]] = {}
    for line in contents.lines:
        by_arm.setdefault(line.arm_id, {})[line.metric] = line
    kind = next((arm["kind"] for arm in contents.info["arms"] if arm.get("kind") in MAIN_METRICS), "")
    others = [name for name in MAIN_METRICS.get(kind, ()) if any(name in lines for lines in by_arm.values())]
    table.add_column("model", overflow="fold")
    table.add_column(f"{leading.metric_title} (95 % over subjects)", justify="right", max_width=24)
    for name in others:
        title = next(lines[name].metric_title for lines in by_arm.values() if name in lines)
        table.add_column(title, justify="right", max_width=11)
    for arm_id, lines in by_arm.items():
        first = lines.get(leading.metric)
        best = found is not None and found.best.arm_id == arm_id
        values = [figure(lines[name].estimate.value if name in lines else None, 3) for name in others]
        title = next(iter(lines.values())).arm
        table.add_row(
            Text(title, style="bold" if best else ""), with_interval(first.estimate if first else None, 3), *values
        )
    return table


def _firsts(contents: Contents) -> list[RenderableType]:
    """Whether the models are ranked; of every arm the leading figure on first records, and the seed's share of the spread."""
    parts: list[RenderableType] = []
    said: set[str] = set()
    told_above = not contents.rows and len(contents.tables) == 1  # a study's headline ranks its one set of models
    for tables in contents.tables:
        for part in (*([] if told_above else _rank(tables)), *_first_table(contents, tables)):
            if not (
                isinstance(part, Text) and part.plain and part.plain in said
            ):  # sets of records say some things alike
                parts.append(part)
            said |= {part.plain} if isinstance(part, Text) else set()
    return parts


def _rank(tables: Tables) -> list[RenderableType]:
    found = tables.ranking
    name = f"{tables.title}: " if tables.title else ""
    return [] if found is None else [Text(f"{name}{found.sentence}")]


def _first_table(contents: Contents, tables: Tables) -> list[RenderableType]:
    firsts = {g.column: g.estimate for g in first_records(tables, privacy_of(contents.run, contents.info))}
    shares = spreads(tables)
    if firsts and all(one.value is None for one in firsts.values()):  # the same is lacking of every model
        lacking = f"{tables.leading.title} on first records: {next(reversed(firsts.values())).reason}."
        return [Text(lacking, style="dim"), *_first_shares(contents, tables, {}, shares)]
    return _first_shares(contents, tables, firsts, shares)


def _first_shares(
    contents: Contents, tables: Tables, firsts: Mapping[str, Estimate], shares: Sequence[Spread]
) -> list[RenderableType]:
    why = {s.why for s in shares}
    one = why.pop() if len(why) == 1 else ""
    said: list[RenderableType] = [Text(f"The seed's share of the spread: {one}.", style="dim")] if one else []
    if not firsts:  # a sentence will do
        return said or [Text(f"The seed's share of the variance: {_shares_in_words(shares)}.", style="dim")]
    mark = "SYNTHETIC data: " if contents.synthetic else ""
    title = f"{mark}{tables.leading.title}{', ' + tables.title if tables.title else ''}"
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    table.add_column("model", overflow="fold")
    if firsts:
        table.add_column("first record (95 % over subjects)", justify="right", max_width=26)
    if not one:
        table.add_column("seed's share of the variance, %", justify="right", max_width=20)
    for share in shares:
        first = firsts.get(share.name)
        told = [] if not firsts else [with_interval(first, 3) if first and first.value is not None else _reason(first)]
        table.add_row(Text(share.name), *told, *([] if one else [share.told]))
    return [Text(), table, *said, Text()]


def _shares_in_words(shares: Sequence[Spread]) -> str:
    """Models with a share, then those without by the reason."""
    told = [f"{share.name} {share.told} %" for share in shares if not share.why]
    for why in dict.fromkeys(share.why for share in shares if share.why):
        told.append(f"{', '.join(share.name for share in shares if share.why == why)} - {why}")
    return "; ".join(told)


def _reason(estimate: Estimate | None) -> str:
    return "-" if estimate is None else estimate.reason or "-"


def _audit(contents: Contents) -> Table:
    return audit_table(contents.checks, shown=("fail", "cannot tell"))


def audit_table(checks: Sequence[CheckRow], *, title: str = "Audit", shown: Sequence[str] = tuple(MARKS)) -> Table:
    """What the checks say, failures first; `shown` are the answers that get a line of their own."""
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    for name in ("", "code", "severity", "arm", "what it says"):
        table.add_column(name, overflow="fold", no_wrap=name in {"", "code", "severity"})
    for check, arms in grouped(checks):
        if check.status in shown:
            style = "red" if check.status == "fail" and check.severity == "critical" else ""
            who = arms[0] if len(arms) == 1 else f"{len(arms)} arms"
            table.add_row(MARKS[check.status], check.code, check.severity, who, Text(check.message, style=style))
    tally = Counter(check.status for check in checks)
    table.caption = ", ".join(f"{count} {status}" for status, count in tally.items())
    table.caption_justify = "left"
    return table


def _unjudged(contents: Contents) -> Table:
    table = Table(
        box=None, pad_edge=False, header_style="bold", title="Claims without a figure of ours", title_justify="left"
    )
    table.add_column("claims", justify="right")
    table.add_column("verdict", no_wrap=True)
    table.add_column("reason", overflow="fold")
    tally = Counter((row.verdict, row.reason) for row in contents.rows if row.ours is None)
    for (verdict, reason), count in tally.most_common():
        table.add_row(str(count), verdict, reason)
    return table
