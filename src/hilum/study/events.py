"""A study of events: a long table, one row a value, and a table of stays; records are made of them, then it is a study of a table.

    [events]   file, and its columns: stay, time or hour, code, value, unit, text; concepts = a dictionary of one's own
    [stays]    file, and its columns: stay, subject, start, end, outcome, static, groups; positive, unit, missing_outcome
    [grid]     every = "hour" or "day", hours (length of the window), asked = "last" or "every", left (days left beside the outcome)

The other sections are those of a study of a table (hilum.study.table).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hilum.core.errors import UsageError, unknown
from hilum.datasets.event_file.dataset import EventFile
from hilum.study.sections import plain, refuse_unknown, section
from hilum.study.table import PAGE, TableStudy, kind_of, split_of, study_of

KNOWN = ("name", "title", "kind", "events", "stays", "grid", "split", "prepare", "use", "origin", "audit", "model")
# Setting of a section to the dataset's own name of it.
EVENTS = {
    "file": "events",
    **{name: name for name in ("stay", "time", "hour", "code", "value", "unit", "text", "concepts")},
}
STAYS = {
    "file": "stays",
    "outcome": "target",
    "unit": "outcome_unit",
    "missing_outcome": "missing_target",
    **{name: name for name in ("stay", "subject", "start", "end", "static", "groups", "positive", "missing")},
}
GRID = {name: name for name in ("every", "hours", "asked", "left")}


def read_event_study(path: Path, data: dict[str, Any]) -> TableStudy:
    """Check what a study file says of its events and stays.

    Args:
        path: The file.
        data: What it holds.

    Raises:
        UsageError: a name, column or setting does not exist or does not fit.
    """
    where = str(path)
    refuse_unknown(data, KNOWN, where)
    asked: dict[str, Any] = {"kind": kind_of(data, where)}
    for name, known in (("events", EVENTS), ("stays", STAYS), ("grid", GRID)):
        for setting, value in section(data, name, where).items():
            if setting not in known:
                raise unknown("setting", setting, known, where=f"{where}, [{name}]")
            own = known[setting]
            if own == "stay" and asked.get("stay", value) != value:
                raise UsageError(
                    f"the stay is '{asked['stay']}' in one table and '{value}' in the other",
                    where=f"{where}, [{name}]",
                    do="Give the column one name in both files",
                )
            asked[own] = str(value) if own == "positive" else value
    for own, name, setting in (
        ("events", "events", "file"),
        ("stays", "stays", "file"),
        ("target", "stays", "outcome"),
    ):
        if not asked.get(own):
            raise UsageError(
                f"'{setting}' is not stated",
                where=f"{where}, [{name}]",
                do=f'Write it: {setting} = "..." below [{name}]',
            )
    if asked.get("hour"):
        asked["time"] = ""
    dataset: EventFile = plain(EventFile, asked, f"{where}, [events], [stays], [grid]", page=PAGE)
    split, column = split_of(section(data, "split", where), where)
    if column:
        raise UsageError(
            "events have no column of folds", where=f"{where}, [split]", do='Choose another rule, e.g. rule = "k-fold"'
        )
    return study_of(path, data, dataset, dataset.columns, dataset.events, split)
