"""Write a run's report."""

from __future__ import annotations

from pathlib import Path

from hilum.core.run import RunFolder
from hilum.core.store import write_text
from hilum.report.contents import read_contents


def html_report(run: RunFolder) -> str:
    """The report as one HTML file."""
    from hilum.report.html import html

    return html(read_contents(run))


def markdown_report(run: RunFolder) -> str:
    """The report as Markdown."""
    from hilum.report.markdown import markdown

    return markdown(read_contents(run))


def write_report(run: RunFolder) -> Path:
    """Write report.html into the run folder."""
    path = run.path / "report.html"
    write_text(path, html_report(run))
    return path
