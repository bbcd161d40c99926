"""The report as Markdown: shorter than the page, without pictures, complete in what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hilum.core.row import Estimate
from hilum.report.contents import Contents, verdict_text
from hilum.report.flow import flow_of
from hilum.report.forecast_page import LEAD, parts_of, reading, remarks, splits_note, unit_of
from hilum.report.forecasts import ForecastArm, ForecastGroup, in_short, read_forecasts
from hilum.report.groups import Group, first_records, groups_of
from hilum.report.numbers import between, figure, percent, signed, told, told_with_interval, with_interval
from hilum.report.privacy import Privacy
from hilum.report.probast import OPEN, sheet
from hilum.report.sets import sets_of
from hilum.report.spread import spreads
from hilum.report.tables import Tables
from hilum.report.terminal import MEANING
from hilum.report.view import (
    choice_rows,
    fold_rows,
    metric_rows,
    missing_in_words,
    part_rows,
    statement,
    undefined_metrics,
    waivers,
)


def markdown(contents: Contents, privacy: Privacy) -> str:
    """Headline, claims, what was asked, data, results, audit, PROBAST, run, bibliography."""
    tables = next(iter(contents.tables), None)
    parts = [f"# {_plain(contents.title)}", contents.headline]
    if privacy.identified:
        parts.append(
            "**Asked for with ids and rows of single subjects. For the holder of the data: do not pass it on.**"
        )
    parts += [
        _claims(contents),
        *(f"The column 'causal' is {_plain(text)}." for text in contents.exploratory),
        MEANING,
        _asked(contents),
    ]
    groups = read_forecasts(contents)
    parts += _forecasts(contents, groups) if groups else []
    parts += [] if tables is None else _tables(contents, tables, privacy)
    parts += [_audit(contents, privacy), _probast(contents, tables), _unjudged(contents), _origin(contents)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _claims(contents: Contents) -> str:
    rows = [
        (
            row.id,
            row.printed,
            with_interval(row.ours),
            between(row.difference_low, row.difference_high),
            with_interval(row.honest),
            verdict_text(row),
            " ".join(row.codes),
        )
        for row in sorted(contents.measured, key=lambda row: not row.primary)
    ]
    return _table("Claims", ("claim", "claimed", "ours", "ours - claimed", "causal", "verdict", "failed checks"), rows)


def _asked(contents: Contents) -> str:
    return "## What was asked\n\n" + "\n".join(f"- {key}: {_plain(value)}" for key, value in statement(contents.info))


def _forecasts(contents: Contents, groups: Sequence[ForecastGroup]) -> list[str]:
    """Every group of forecasts, causal ones first."""
    parts = [f"## Results\n\n{LEAD}"]
    for group in groups:
        line = group.leading
        parts += [f"## {group.heading}", in_short(group, lambda e, unit=line.unit: told_with_interval(e, unit))]
        parts += list(group.notes)
        ahead = [] if len(group.compared_s) == 1 else list(group.shown_s)
        head = (
            "forecaster",
            *(f"{line.metric_title} {seconds:.3g} s" for seconds in ahead),
            f"{line.metric_title}{unit_of(line)}, {group.over} (95 %)",
            *(f"{other.metric_title}{unit_of(other)}" for other in group.columns),
            *(f"{share.metric_title.lower()}, %" for share in group.shares),
            "lost runs",
            "p50, ms",
            "p99, ms",
            f"p99, % of {group.interval_ms}",
        )
        for title, arms, note in parts_of(group):
            rows = [_forecaster(group, arm, ahead) for arm in arms]
            parts += [_table(f"{title}: {group.heading}", head, rows, contents), note]
        parts += reading(group)
        twins = [
            (
                pair.retuned.short.partition(" (")[0],
                told_with_interval(pair.published.figures.get(line.metric), line.unit),
                told_with_interval(pair.retuned.figures.get(line.metric), line.unit),
                f"{signed(pair.difference.mean)} ({signed(pair.difference.interval.low)} to {signed(pair.difference.interval.high)})",
                f"{pair.better} of {pair.difference.n}",
            )
            for pair in group.twins
        ]
        columns = ("network", "published settings", "retuned", "difference", "retuned is better on")
        parts.append(_table(f"Networks at two settings: {group.heading}", columns, twins, contents))
        splits = [
            (arm.name, *(told_with_interval(split.figures[at], line.unit) for split in group.splits))
            for arm in (*group.part("causal"), *group.part("published"))
            for at in (group.arms.index(arm),)
        ]
        names = [f"{split.name} (n = {len(split.items)})" for split in group.splits]
        if group.splits:
            parts.append(_table(f"Groups of recordings: {group.heading}", ("forecaster", *names), splits, contents))
            parts.append(splits_note(group))
    return parts


def _forecaster(group: ForecastGroup, arm: ForecastArm, ahead: Sequence[float]) -> tuple[str, ...]:
    def value(name: str, unit: str) -> str:
        found = arm.figures.get(name)
        return told(None if found is None else found.value, unit)

    shares = [arm.figures.get(share.metric) for share in group.shares]
    here = [arm.at(seconds) for seconds in ahead]
    took = arm.latency
    return (
        "; ".join([arm.short, *remarks(arm, group), *arm.failed]),
        *(told(None if one is None else one.value, group.leading.unit) for one in here),
        told_with_interval(arm.figures.get(group.leading.metric), group.leading.unit),
        *(value(line.metric, line.unit) for line in group.columns),
        *(percent(None if share is None else share.value) for share in shares),
        f"{arm.lost} of {arm.runs}",
        *(
            ("-", "-", "-")
            if took is None
            else (figure(took["p50_ms"], 2), figure(took["p99_ms"], 2), percent(took["share_p99"]))
        ),
    )


def _tables(contents: Contents, tables: Tables, privacy: Privacy) -> list[str]:
    ranked = tables.ranking
    names = [arm.name for arm in tables.arms]
    metrics = [
        (title, "" if unit == "1" else unit, *(_told(estimate, unit) for estimate in estimates))
        for title, unit, _, estimates in metric_rows(tables)
    ]
    undefined = [f"Undefined for every model: {titles} ({why})." for titles, why in undefined_metrics(tables)]
    head, parts = part_rows(tables)
    fold_names, folds = fold_rows(tables)
    groups = [(f"{g.column}: {g.level}", *_counted(g, tables)) for g in groups_of(tables, privacy)]
    firsts = [(g.column, *_counted(g, tables)) for g in first_records(tables, privacy)]
    choices = [
        (row["arm"], row["fixed"], row["space"] or "nothing", "; ".join(row["chosen"])) for row in choice_rows(tables)
    ]
    permuted = [
        (arm.name, str(len(values)), figure(min(values)), figure(max(values)))
        for arm in tables.arms
        if (values := arm.permuted(tables.leading))
    ]
    title = tables.leading.title
    return [
        _flow(tables),
        missing_in_words(tables),
        _table("Subjects, records and outcome by part", tuple(head), [tuple(row) for row in parts], contents),
        _table("Every metric (95 % over subjects)", ("metric", "unit", *names), metrics, contents),
        *undefined,
        ranked.sentence if ranked else "",
        *(f"Models under the honest protocol are {_plain(text)}." for text in contents.exploratory),
        _table(
            f"{title}, fold by fold",
            ("model", *(f"fold {name}" for name in fold_names), "seeds"),
            [(name, *values, ", ".join(seeds)) for name, values, seeds in folds],
            contents,
        ),
        _table(
            f"{title} on the first record of each sequence (95 % over subjects)",
            ("model", "subjects", "records", "events", title),
            firsts,
            contents,
        ),
        _table(
            f"The seed's share of the spread of {title}",
            ("model", "seeds", "folds", "SD over seeds", "SD over folds", "seed's share of the variance, %"),
            [
                (s.name, str(s.seeds), str(s.folds), figure(s.over_seeds), figure(s.over_folds), s.told)
                for s in spreads(tables)
            ],
            contents,
        ),
        _table(
            f"90 % prediction sets of {tables.best.name if tables.best else '-'}, calibrated on other folds",
            ("of", "sets", "what they leave open", "coverage (95 % over subjects)"),
            [
                (s.what, _count(s.records), ", ".join(f"{name} {told}" for name, told in s.shape), s.covered)
                for s in sets_of(tables)
            ],
            contents,
        ),
        _table(f"{title} on permuted labels", ("model", "permutations", "lowest", "highest"), permuted, contents),
        _table("Subgroups and sites", ("group", "subjects", "records", "events", title), groups, contents),
        _table("Settings", ("model", "fixed", "chosen from", "chosen"), choices, contents),
    ]


def _counted(group: Group, tables: Tables) -> tuple[str, ...]:
    """Subjects, records, events and the leading figure of a group."""
    counts = (group.subjects, group.records, group.events)
    return (*map(_count, counts), _told(group.estimate, tables.leading.unit))


def _flow(tables: Tables) -> str:
    flow = flow_of(tables)
    if flow is None:
        return ""
    lines = [f"- considered: {flow.start:,} records"]
    lines += [f"- excluded: {records:,} records, {_plain(why)}" for why, records in flow.excluded]
    if flow.analysed is not None:
        whose = "" if flow.analysed.subjects is None else f" of {flow.analysed.subjects:,} subjects"
        lines.append(f"- analysed: {flow.analysed.records:,} records{whose}")
    each = f", each of {flow.folds} folds" if flow.folds > 1 else ""
    lines += [f"- {name}{each}: {told}" for name, told in flow.parts]
    return "## Data\n\n" + "\n".join(lines)


def _audit(contents: Contents, privacy: Privacy) -> str:
    waived = waivers(contents)
    rows = []
    for check, arms in contents.audit:
        answer = check.status
        if check.status == "fail" and check.code in waived:
            answer = f"fail (waived by the author, and still failed: {waived[check.code]})"
        rows.append((check.code, check.severity, answer, ", ".join(arms), privacy.text(check.message)))
    return _table("Audit", ("code", "severity", "answer", "arm", "what it says"), rows, contents)


def _probast(contents: Contents, tables: Tables | None) -> str:
    rows = [
        (
            answer.question.number,
            answer.question.text,
            ", ".join(f"{code} {status}" for code, status in answer.checks),
            answer.facts,
            OPEN if answer.human else "answered by the checks",
        )
        for answer in sheet(contents, tables)
    ]
    return _table("PROBAST questions", ("", "question", "checks", "counted", "for the reviewer"), rows)


def _unjudged(contents: Contents) -> str:
    tally = Counter((row.verdict, row.reason) for row in contents.rows if row.ours is None)
    rows = [(str(count), verdict, reason) for (verdict, reason), count in tally.most_common()]
    return _table("Claims without a figure of ours", ("claims", "verdict", "reason"), rows)


def _origin(contents: Contents) -> str:
    info = contents.info
    data = [
        f"- {_plain(d['title'])} (licence: {_plain(d['licence'])}; access: {d['access']}); subjects {d['subjects']}"
        for d in info["datasets"]
    ]
    books = [f"- [{_plain(b['key'])}] {_plain(b['text'])}" for b in info["bibliography"]] or ["- none was given"]
    packages = ", ".join(f"{name} {number}" for name, number in info["environment"]["packages"].items())
    run = f"`{info['command']}`, {info['started']}, Python {info['environment']['python']}, {packages}"
    took = f"{figure(info.get('seconds'), 3)} s"
    return "\n\n".join(
        ("## Data and licences", "\n".join(data), "## Run", f"{run}; {took}", "## Bibliography", "\n".join(books))
    )


def _told(estimate: Estimate | None, unit: str) -> str:
    """A figure with its interval; where there is none, a dash and the reason."""
    if estimate is not None and estimate.reason:
        return f"{told_with_interval(estimate, unit)} ({estimate.reason})"
    return told_with_interval(estimate, unit)


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _plain(text: object) -> str:
    """A user's text on one line, harmless where Markdown is shown as HTML."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")


def _table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]], contents: Contents | None = None) -> str:
    if not rows:
        return ""
    mark = " (synthetic data)" if contents is not None and contents.synthetic else ""
    lines = [f"| {' | '.join(map(_cell, head))} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return f"## {title}{mark}\n\n" + "\n".join(lines)


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")
