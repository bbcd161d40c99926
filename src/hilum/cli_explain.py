"""The command `explain`: what does a stored run's model go by? Thin; no logic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hilum.cli_parts import Json, RunPath, console, print_json


def explain(
    path: RunPath,
    file: Annotated[
        Path | None,
        typer.Argument(help="Records of your own: CSV, Parquet or xlsx; by default the run's test records."),
    ] = None,
    model: Annotated[str, typer.Option(help="A model of the run; by default the best.")] = "",
    method: Annotated[
        str,
        typer.Option(
            help="permutation_importance, tree_shap, integrated_gradients or attention; what suits the model by default."
        ),
    ] = "",
    item: Annotated[str, typer.Option(help="Id of one record to explain; by default all are.")] = "",
    top: Annotated[int, typer.Option(min=1, help="How many features to show.")] = 15,
    repeats: Annotated[int, typer.Option(min=1, help="Permutations a feature.")] = 20,
    png: Annotated[Path | None, typer.Option(help="Draw a picture for a paper here.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Where the run's data lie, if they have moved.")] = None,
    as_json: Json = False,
) -> None:
    """Explain a stored run's model: which features it goes by, or what each gave to one record's score."""
    from hilum.api import explain as explained
    from hilum.report.explanation import explanation_lines, explanation_view, write_picture

    found = explained(path, file, model=model, method=method, item=item, repeats=repeats, data=data)
    if png is not None:
        write_picture(found, png, top)
    if as_json:
        print_json(explanation_lines(found))
        return
    console().print(explanation_view(found, top))
    if png is not None:
        typer.echo(f"Picture: {png}")
