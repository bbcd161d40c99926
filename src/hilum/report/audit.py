"""The audit of a table on a terminal: what each check says, and below it the records that prove a failure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from hilum.core.row import CheckRow
from hilum.report.terminal import audit_table


def audit_view(rows: Sequence[CheckRow], *, title: str) -> RenderableType:
    """The table of answers, and up to ten examples of every failed check that has any: the table is the reader's own."""
    examples = [
        f"{row.code}, for example: {', '.join(map(str, row.proof['examples']))}"
        for row in rows
        if row.status == "fail" and row.proof.get("examples")
    ]
    return Group(audit_table(rows, title=title), *([Text(), Text("\n".join(examples))] if examples else []))
