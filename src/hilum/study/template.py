"""Begin a study: an annotated study.toml for a table, events, a trace or a film, with the columns guessed and every guess said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hilum.core.card import read_card
from hilum.core.component import default_of
from hilum.core.errors import UsageError
from hilum.core.finder import get
from hilum.core.locate import locate
from hilum.core.store import write_text
from hilum.modalities.table.columns import MISSING, Columns
from hilum.study.models import USUAL, USUAL_IN_TIME
from hilum.study.preparation import USUAL_STEPS


@dataclass(frozen=True)
class Begun:
    """A study that was begun: its file, and what its author should look at."""

    path: Path
    remarks: tuple[str, ...]


def begin(
    folder: Path,
    *,
    table: Path | None = None,
    trace: Path | None = None,
    film: Path | None = None,
    events: Path | None = None,
    stays: Path | None = None,
    unit: str = "",
    dataset: str = "",
    target: str = "",
    subject: str = "",
    data: Path | None = None,
) -> Begun:
    """Write `folder`/study.toml for a table, events and stays, a trace or a film, or for a dataset of this house, whose table is then
    written beside it.

    Raises:
        UsageError: none or several are named, the folder has a study already, or the dataset is no table.
        DataError: the file cannot be read.
    """
    path = folder / "study.toml"
    if path.exists():
        raise UsageError("there is a study already", where=str(path), do="Choose another name, or edit it")
    if sum(1 for named in (table, trace, film, dataset, events or stays) if named) != 1:
        raise UsageError(
            "name one thing to study",
            where="hilum new study",
            do="Give one of --table FILE, --events FILE with --stays FILE, --trace FILE, --film PATH and --dataset NAME",
        )
    if events is not None or stays is not None:
        from hilum.study.event_template import events_text

        if events is None or stays is None:
            raise UsageError("events need stays", where="hilum new study", do="Give --events FILE and --stays FILE")
        text, remarks = events_text(
            folder.resolve().name, events, stays, (_relative(events, folder), _relative(stays, folder)), target, subject
        )
        write_text(path, text)
        return Begun(path, remarks)
    if trace is not None or film is not None:
        if target or subject:
            raise UsageError(
                "--target and --subject are about tables",
                where="hilum new study",
                do="Leave them out, and edit the study",
            )
        text, remarks = _of_recording(folder, trace, film, unit)
    else:
        text, remarks = _of_table(folder, table, dataset, target, subject, data)
    write_text(path, text)
    return Begun(path, remarks)


def _of_recording(folder: Path, trace: Path | None, film: Path | None, unit: str) -> tuple[str, tuple[str, ...]]:
    from hilum.study.forecast_template import film_text, trace_text

    name = folder.resolve().name
    if trace is not None:
        return trace_text(name, trace, _relative(trace, folder), unit)
    assert film is not None
    return film_text(name, film, _relative(film, folder))


def _of_table(
    folder: Path, table: Path | None, dataset: str, target: str, subject: str, data: Path | None
) -> tuple[str, tuple[str, ...]]:
    if dataset:
        columns, origin, remarks, use = _of_dataset(dataset, folder, data)
        file = "table.csv"
    else:
        assert table is not None
        columns, remarks = _guessed(table, target, subject)
        origin = 'source = ""\nlicence = ""\naccess = "private"   # open, registration, credentialed or private'
        file, use = _relative(table, folder), {}
    return _text(folder.resolve().name, file, columns, origin, use), remarks


def _guessed(table: Path, target: str, subject: str) -> tuple[Columns, tuple[str, ...]]:
    from hilum.modalities.table.guess import guess_columns

    return guess_columns(table, target=target, subject=subject)


def _of_dataset(name: str, folder: Path, data: Path | None) -> tuple[Columns, str, tuple[str, ...], dict[str, Any]]:
    """Write a dataset's table; its columns, its origin as TOML, remarks, and what is known of its use."""
    from hilum.modalities.table.write import write_csv

    found = get("datasets", name)
    card = read_card(found.path / "card.toml")
    if card.modality != "table":
        raise UsageError(
            f"'{name}' is no table", where="hilum new study", do="Name a dataset of tables, e.g. tjh_covid"
        )
    module = found.load("dataset")
    dataset = default_of(module)
    place = folder if card.synthetic else locate(found.name, data)
    table = dataset.load(place, dataset.items(place)[0])
    columns = write_csv(table, folder / "table.csv")
    origin = "\n".join(
        (
            f"source = {json.dumps(card.title)}",
            f"licence = {json.dumps(card.licence)}",
            f"access = {json.dumps(card.access)}",
            f"cite = {json.dumps(list(card.cite), ensure_ascii=False)}",
            f"synthetic = {'true' if card.synthetic else 'false'}",
        )
    )
    left_out = "; ".join(f"{records} {why}" for why, records in table.attrition)
    remarks = (
        f"{table.height} records in {folder / 'table.csv'}." + (f" Left out: {left_out}." if left_out else ""),
        *(["Synthetic: these records are simulated."] if card.synthetic else []),
        *table.notes,
    )
    return (
        columns,
        origin,
        remarks,
        {**getattr(module, "USE", {}), "excluded": [list(pair) for pair in table.attrition]},
    )


def _relative(table: Path, folder: Path) -> str:
    try:
        return table.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        return table.resolve().as_posix()


ROLES = (
    ("id", "the record's id; without one, ids are made from the records' content"),
    ("time", "when it was recorded: HIL004, HIL015, split by time"),
    ("source", "what acquired it (device, channel): HIL007, leave-one-source-out"),
    ("site", "where"),
    ("content", "a hash, or file names beside the table: HIL002, HIL003"),
    ("time_zero", "the time of prediction: HIL005, HIL018"),
    ("eligible", "when it was decided that the record belongs to the study: HIL018"),
)


def _text(name: str, table: str, columns: Columns, origin: str, use: dict[str, Any]) -> str:
    lines = [
        "# A study of one's own. Run it with `hilum run study.toml`; lines behind # are suggestions.",
        f"name = {json.dumps(name)}",
        f"title = {json.dumps(use.get('title', name))}",
        f"kind = {json.dumps(columns.kind)}   # classify or regress",
        "",
        "[data]",
        f"table = {json.dumps(table)}   # CSV, Parquet or xlsx, relative to this file",
        f"target = {json.dumps(columns.target)}   # the outcome",
        _line(
            "subject", columns.subject, "whose record it is; without one nothing can be said about new people (HIL010)"
        ),
        _line("positive", columns.positive, "the class whose probability is reported"),
        *(_line(role, getattr(columns, role), told) for role, told in ROLES),
        *_together(columns),
        _listed("groups", columns.groups, "subgroups to look at"),
        _listed("features", columns.features, "what a model may see; without a list, every column without a role"),
        _listed("exclude", columns.exclude, "columns that are left aside"),
        *([_listed("categories", columns.categories, "features whose values are names")] if columns.categories else []),
        *([_listed("classes", columns.classes, "in index order")] if columns.classes else []),
        *([_listed("missing", columns.missing, "the texts that mean missing")] if columns.missing != MISSING else []),
        *([f"unit = {json.dumps(columns.unit)}"] if columns.unit else []),
        f"missing_target = {json.dumps(columns.missing_target)}   # refuse, or exclude and count",
        *_charted(columns.charted),
        "",
        "[split]",
        'rule = "k-fold"   # k-fold, hold-out, time, column, leave-one-source-out; always by subject',
        "folds = 5",
        "inner_folds = 3   # over which settings are chosen, inside train",
        *VALIDATED[: 1 if columns.sequence else 0],
        "",
        *(PREPARED if columns.sequence else ()),
        "[use]   # goes into the report; what is empty is reported as not stated",
        *(f"{key} = {json.dumps(use.get(key, ''), ensure_ascii=False)}" for key in USE),
        _listed(
            "excluded", use.get("excluded", ()), "who was left out before this table was made: why, how many records"
        ),
        f"{'' if 'future' in use else '# '}future = {use.get('future', 'true')}   # is it meant for later patients? (HIL015)",
        "# prevalence = 0.1   # share of positives where it will be used (HIL022)",
        "",
        "[origin]",
        origin,
        "",
        "[audit]",
        "permutations = 20   # permuted-labels controls of each model (HIL016); 0 for none",
        "",
        *(line for model in (USUAL_IN_TIME if columns.sequence else USUAL)[columns.kind] for line in _model(model)),
    ]
    return "\n".join(lines) + "\n"


USE = ("intended", "population", "time_zero", "horizon", "outcome", "predictors", "dates", "sites", "limits")


VALIDATED = ("validation = 0.15   # share of train subjects that says when a model of sequences stops",)
PREPARED = (
    "[prepare]",
    "steps = [   # in this order; fitted on train alone",
    *(
        "    { " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in step.items()) + " },"
        for step in USUAL_STEPS
    ),
    "]",
    "",
)


def _together(columns: Columns) -> list[str]:
    """What belongs together in time; of single records one line that says how to state it."""
    if not columns.sequence:
        return [
            '# sequence = ""   # which records belong together in time, with step = "" (when): docs/tutorials/your-records.md'
        ]
    return [
        f"sequence = {json.dumps(columns.sequence)}   # which records belong together in time",
        f"step = {json.dumps(columns.step)}   # when, within the sequence",
        _line("step_unit", columns.step_unit, "what a step that is a date is counted in: min, h or day"),
        _line(
            "step_start", columns.step_start, "from when: a column; without one from the first record of the sequence"
        ),
        _line("beside", columns.beside, "a number that goes with the outcome, such as the days left"),
        _listed("static", columns.static, "what does not change within a sequence"),
        f"asked = {json.dumps(columns.asked)}   # every record with an outcome, or the last of each sequence",
    ]


def _line(key: str, value: str, told: str) -> str:
    return f"{key} = {json.dumps(value)}   # {told}" if value else f'# {key} = ""   # {told}'


def _listed(key: str, values: Sequence[Any], told: str) -> str:
    shown = json.dumps(list(values), ensure_ascii=False)
    return f"{key} = {shown}   # {told}" if values else f"# {key} = []   # {told}"


def _charted(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    if not pairs:
        return ['# charted = { creatinine = "creatinine_time" }   # when a feature was charted (HIL005)']
    inner = ", ".join(f"{json.dumps(feature)} = {json.dumps(column)}" for feature, column in pairs)
    return [f"charted = {{ {inner} }}"]


TUNED = {
    "logistic_regression": "tune = { inverse_penalty = [0.01, 0.1, 1.0] }",
    "ridge_linear": "tune = { penalty = [0.1, 1.0, 10.0, 100.0] }",
}


def _model(name: str) -> list[str]:
    return ["[[model]]", f"name = {json.dumps(name)}", *([TUNED[name]] if name in TUNED else []), ""]
