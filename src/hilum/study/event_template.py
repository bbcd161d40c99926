"""Begin a study of events: an annotated study.toml for a long table and one of stays, columns guessed by name, every guess said."""

from __future__ import annotations

import json
from pathlib import Path

from hilum.study.models import USUAL_IN_TIME

TOLD = {
    "stay": "the stay, in both tables",
    "time": "when: a date",
    "hour": "or when in hours since the stay began",
    "code": "what was measured",
    "value": "the number",
    "unit": "its unit: compared with the dictionary's, and within each code",
    "text": "a text in the number's place: counted, the grid holds numbers",
    "subject": "whose stay it is: folds are dealt by subject",
    "start": "when the stay began: a date",
    "end": "when it ended",
    "outcome": "the outcome of the stay",
}


def events_text(
    name: str, events: Path, stays: Path, shown: tuple[str, str], target: str = "", subject: str = ""
) -> tuple[str, tuple[str, ...]]:
    """A study of events, and what its author should look at.

    Args:
        name: What the study is called.
        events: The long table.
        stays: The table of stays.
        shown: Both relative to the study's folder.
        target: Column of the outcome, where it is known.
        subject: Column that says whose stay it is, where it is known.

    Raises:
        DataError: a file cannot be read.
    """
    from hilum.modalities.table.guess_repeated import guess_roles

    of_events, rest = guess_roles(events, stays=False)
    of_stays, others = guess_roles(stays, stays=True)
    known = {role: given for role, given in (("outcome", target), ("subject", subject)) if given}
    static = [name for name in others if name not in known.values()]
    of_stays |= known
    wanted = ("stay", "time", "code", "value"), ("stay", "subject", "start", "outcome")
    remarks = [
        f"'{column}' is taken for the {role} of the {noun}."
        for noun, roles in (("events", of_events), ("stays", of_stays))
        for role, column in roles.items()
    ]
    lacking = [
        f"No column of the {noun} looks like the {role}: state it."
        for noun, roles, each in (("events", of_events, wanted[0]), ("stays", of_stays, wanted[1]))
        for role in each
        if role not in roles and not (role == "time" and "hour" in roles)
    ]
    if of_events.get("stay") != of_stays.get("stay"):
        lacking.append("The column of the stay is called otherwise in the two tables: give it one name.")
    left = [f"Not used of the events: {', '.join(map(repr, rest))}."] if rest else []
    seen = (
        [f"What a model may see of a stay: {', '.join(map(repr, static))}; take out what is known later."]
        if static
        else []
    )
    lines = [
        "# A study of events. Run it with `hilum run study.toml`; lines behind # are suggestions.",
        f"name = {json.dumps(name)}",
        'kind = "classify"   # classify or regress',
        "",
        "[events]   # one row a value",
        f"file = {json.dumps(shown[0])}",
        *(_line(role, of_events.get(role, "")) for role in ("stay", "time", "hour", "code", "value", "unit", "text")),
        '# concepts = "concepts.toml"   # what the codes mean, in which unit and range; without one each code is a variable',
        "",
        "[stays]   # one row a stay",
        f"file = {json.dumps(shown[1])}",
        *(_line(role, of_stays.get(role, "")) for role in ("subject", "start", "end", "outcome")),
        '# positive = ""   # the class whose probability is reported',
        'missing_outcome = "refuse"   # or exclude, and count',
        f"static = {json.dumps(static, ensure_ascii=False)}   # columns that a model may see: known when the stay begins",
        "# groups = []   # subgroups to look at",
        "",
        "[grid]",
        'every = "hour"   # or day: what a record is',
        "hours = 24   # the window, from the start of the stay; 0 = to its end",
        'asked = "last"   # the outcome is asked at the end of the window, or at every record',
        "# left = true   # the days left stand beside the outcome",
        "",
        "[split]",
        'rule = "k-fold"   # k-fold, hold-out, time; always by subject',
        "folds = 5",
        "",
        "[origin]",
        'source = ""\nlicence = ""\naccess = "private"   # open, registration, credentialed or private',
        "",
        "[audit]",
        "permutations = 20   # permuted-labels controls of each model (HIL016); 0 for none",
        "",
        *(line for model in USUAL_IN_TIME["classify"] for line in ("[[model]]", f"name = {json.dumps(model)}", "")),
    ]
    return "\n".join(lines) + "\n", (*remarks, *lacking, *seen, *left)


def _line(role: str, column: str) -> str:
    return f"{role} = {json.dumps(column)}   # {TOLD[role]}" if column else f'# {role} = ""   # {TOLD[role]}'
