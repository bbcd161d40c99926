"""The report as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hilum.report.contents import Contents, verdict_text
from hilum.report.numbers import between, figure, with_interval
from hilum.report.terminal import MEANING


def markdown(contents: Contents) -> str:
    """Headline, claims, results, audit, data, environment, bibliography."""
    parts = [f"# {contents.title}", contents.headline, _claims(contents), MEANING, _results(contents), _audit(contents)]
    parts += [_unjudged(contents), _origin(contents)]
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


def _results(contents: Contents) -> str:
    rows = [
        (line.arm, line.metric_title, with_interval(line.estimate), line.unit)
        for line in contents.lines
        if line.horizon is None
    ]
    return _table("Every arm, mean over its horizons", ("arm", "metric", "value", "unit"), rows)


def _audit(contents: Contents) -> str:
    rows = [(c.code, c.severity, c.status, ", ".join(arms), c.message) for c, arms in contents.audit]
    return _table("Audit", ("code", "severity", "answer", "arm", "what it says"), rows)


def _unjudged(contents: Contents) -> str:
    tally = Counter((row.verdict, row.reason) for row in contents.rows if row.ours is None)
    rows = [(str(count), verdict, reason) for (verdict, reason), count in tally.most_common()]
    return _table("Claims without a figure of ours", ("claims", "verdict", "reason"), rows)


def _origin(contents: Contents) -> str:
    info = contents.info
    data = [f"- {d['title']} ({d['licence']}); subjects {d['subjects']}" for d in info["datasets"]]
    books = [f"- [{b['key']}] {b['text']}" for b in info["bibliography"]]
    packages = ", ".join(f"{name} {number}" for name, number in info["environment"]["packages"].items())
    run = f"`{info['command']}`, {info['started']}, Python {info['environment']['python']}, {packages}"
    took = f"{figure(info.get('seconds'), 3)} s"
    return "\n\n".join(("## Data", "\n".join(data), "## Run", f"{run}; {took}", "## Bibliography", "\n".join(books)))


def _table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [
        f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in row)} |" for row in rows
    ]
    return f"## {title}\n\n" + "\n".join(lines)
