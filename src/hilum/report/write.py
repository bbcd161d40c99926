"""Write a run's report."""

from __future__ import annotations

from pathlib import Path

from hilum.core.run import RunFolder
from hilum.core.store import write_bytes, write_text
from hilum.report.contents import read_contents
from hilum.report.privacy import privacy_of


def html_report(run: RunFolder, *, identified: bool = False) -> str:
    """The report as one HTML file.

    Args:
        run: A stored run.
        identified: Whether ids, and rows of single subjects of restricted data, are shown as they are.
    """
    from hilum.report.html import html

    contents = read_contents(run)
    return html(contents, privacy_of(run, contents.info, identified=identified))[0]


def markdown_report(run: RunFolder, *, identified: bool = False) -> str:
    """The report as Markdown; arguments as in `html_report`."""
    from hilum.report.markdown import markdown

    contents = read_contents(run)
    return markdown(contents, privacy_of(run, contents.info, identified=identified))


def write_report(run: RunFolder) -> Path:
    """Write report.html into the run folder, and its main pictures into figures/, each a file that can go into a paper."""
    from hilum.report.chart import standalone
    from hilum.report.html import html

    contents = read_contents(run)
    text, pictures, files = html(contents, privacy_of(run, contents.info))
    path = run.path / "report.html"
    write_text(path, text)
    for picture in pictures:
        write_text(run.path / "figures" / f"{picture.name}.svg", standalone(str(picture.svg)))
    for name, data in files.items():
        write_bytes(run.path / "figures" / name, data)
    return path
