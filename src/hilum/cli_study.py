"""The commands of the second door: audit a table, begin a study, compare runs, predict a file. Thin; no logic."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from hilum.cli_parts import Json, RunPath, console, print_json
from hilum.core.errors import UsageError

new_app = typer.Typer(help="Begin something: a study of one's own table, events, trace or film.", no_args_is_help=True)


def audit(
    table: Annotated[Path, typer.Argument(help="CSV, Parquet or xlsx: one row a record.")],
    subject: Annotated[str, typer.Option(help="Column that says whose record it is.")] = "",
    target: Annotated[str, typer.Option(help="Column of the outcome.")] = "",
    split: Annotated[str, typer.Option(help="Column of the part or fold.")] = "",
    record: Annotated[str, typer.Option("--id", help="Column of the record's id.")] = "",
    time: Annotated[str, typer.Option(help="Column that says when.")] = "",
    time_zero: Annotated[str, typer.Option(help="Column of the time of prediction.")] = "",
    eligible: Annotated[str, typer.Option(help="Column of the time at which eligibility was decided.")] = "",
    source: Annotated[str, typer.Option(help="Column of the device or channel.")] = "",
    site: Annotated[str, typer.Option(help="Column that says where.")] = "",
    content: Annotated[str, typer.Option(help="Column of a content hash, or of file names beside the table.")] = "",
    features: Annotated[str, typer.Option(help="Only these features, separated by commas.")] = "",
    exclude: Annotated[str, typer.Option(help="Columns to leave aside, separated by commas.")] = "",
    made_from: Annotated[str, typer.Option(help="Columns that the outcome is made from, separated by commas.")] = "",
    charted: Annotated[str, typer.Option(help="When features were charted: feature=column, separated by commas.")] = "",
    kind: Annotated[Literal["classify", "regress"], typer.Option(help="What the outcome is.")] = "classify",
    future: Annotated[bool | None, typer.Option("--future/--no-future", help="Is it meant for later patients?")] = None,
    prevalence: Annotated[float | None, typer.Option(help="Share of positives where it will be used.")] = None,
    as_json: Json = False,
) -> None:
    """Audit a table and its split: exit code 4 where a critical or major check fails, for someone else's CI."""
    from hilum.engine.table_audit import audit_failed, audit_file
    from hilum.report.audit import audit_view

    rows = audit_file(
        table,
        subject=subject,
        target=target,
        record=record,
        split=split,
        time=time,
        time_zero=time_zero,
        eligible=eligible,
        source=source,
        site=site,
        content=content,
        features=_names(features),
        exclude=_names(exclude),
        kind=kind,
        made_from=_names(made_from),
        charted=_pairs(charted),
        future_use=future,
        prevalence=prevalence,
    )
    if as_json:
        print_json([row.to_json() for row in rows])
    else:
        console().print(audit_view(rows, title=f"Audit of {table}"))
    raise typer.Exit(4 if audit_failed(rows) else 0)


def compare(
    run_a: RunPath,
    run_b: Annotated[Path | None, typer.Argument(help="Another run; by default the same.")] = None,
    arm: Annotated[str, typer.Option(help="An arm of the first run.")] = "",
    against: Annotated[str, typer.Option(help="An arm of the second run.")] = "",
    metric: Annotated[str, typer.Option(help="By this metric; the leading one by default.")] = "",
    as_json: Json = False,
) -> None:
    """Compare arms of two runs (or of one) on what both predicted, paired by subject."""
    from hilum.core.run import open_run
    from hilum.engine.compare import compare as compared
    from hilum.report.comparison import comparison_lines, comparison_table

    first = open_run(run_a)
    found = compared(first, open_run(run_b) if run_b else first, arm_a=arm, arm_b=against, metric=metric)
    if as_json:
        print_json(comparison_lines(found))
        return
    console().print(comparison_table(found))


def predict(
    path: RunPath,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV, Parquet or xlsx with the study's features, of one or several patients; of a study of traces, a trace."
        ),
    ],
    model: Annotated[str, typer.Option(help="A model of the run; by default the best.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write the predictions to this CSV.")] = None,
    as_json: Json = False,
) -> None:
    """Predict a file with a stored run's model: every record of a table, or where a trace goes on beyond its end."""
    from hilum.api import predict as predicted
    from hilum.core.comparison import Prediction
    from hilum.report.ahead import ahead_lines, ahead_view, write_ahead
    from hilum.report.comparison import prediction_lines, prediction_view, write_predictions

    found = predicted(path, file, model=model)
    if out is not None:
        write_predictions(found, out) if isinstance(found, Prediction) else write_ahead(found, out)
    if as_json:
        print_json(prediction_lines(found) if isinstance(found, Prediction) else ahead_lines(found))
        return
    console().print(prediction_view(found) if isinstance(found, Prediction) else ahead_view(found))
    if out is not None:
        typer.echo(f"Predictions: {out}")


@new_app.command("study")
def new_study(
    name: Annotated[str, typer.Argument(help="A new folder; the study is called like it.")],
    table: Annotated[
        Path | None, typer.Option(help="Your table: CSV, Parquet or xlsx. It is read, not copied.")
    ] = None,
    trace: Annotated[Path | None, typer.Option(help="Or your trace: time and coordinates, one row a sample.")] = None,
    film: Annotated[
        Path | None, typer.Option(help="Or your film: a PNG strip, a folder or file of DICOM, or NIfTI.")
    ] = None,
    events: Annotated[Path | None, typer.Option(help="Or your events: one row a value; with --stays.")] = None,
    stays: Annotated[Path | None, typer.Option(help="The stays of these events: one row a stay, its outcome.")] = None,
    unit: Annotated[str, typer.Option(help="Unit of a trace's channels, e.g. mm; where their names do not say.")] = "",
    dataset: Annotated[str, typer.Option(help="Or a dataset of this house that is a table, e.g. tjh_covid.")] = "",
    target: Annotated[str, typer.Option(help="Column of the outcome.")] = "",
    subject: Annotated[str, typer.Option(help="Column that says whose record it is.")] = "",
    data: Annotated[Path | None, typer.Option("--data", help="Directory that holds <dataset name>/ folders.")] = None,
) -> None:
    """Write an annotated study.toml for a table, events, a trace or a film: columns guessed, every setting explained."""
    from hilum.study.template import begin

    begun = begin(
        Path(name),
        table=table,
        trace=trace,
        film=film,
        events=events,
        stays=stays,
        unit=unit,
        dataset=dataset,
        target=target,
        subject=subject,
        data=data,
    )
    for remark in begun.remarks:
        typer.echo(f"- {remark}")
    typer.echo(f"Study: {begun.path}")
    typer.echo(f"Next: look at it, then `hilum run {shlex.quote(str(begun.path))}`")


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (audit, compare, predict):
        app.command()(command)
    app.add_typer(new_app, name="new")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _pairs(text: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in _names(text)]
    for feature, _, column in pairs:
        if not column:
            raise UsageError(
                f"'{feature}' has no column", where="--charted", do="Write feature=column, e.g. lactate=lactate_time"
            )
    return {feature.strip(): column.strip() for feature, _, column in pairs}
