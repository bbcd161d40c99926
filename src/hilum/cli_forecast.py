"""Commands about forecasts: what does a forecaster know, and when? Thin; no logic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hilum.cli_parts import Json, console, print_json, whole_numbers

LEARNERS = "least_mean_squares,recursive_least_squares,snap1,dni,uoro,linear_regression"


def clock(
    models: Annotated[str, typer.Option(help="Forecasters at their usual settings, separated by commas.")] = LEARNERS,
    dataset: Annotated[str, typer.Option(help="A dataset of series.")] = "extmarkers",
    item: Annotated[str, typer.Option(help="Which recording; the first by default.")] = "",
    sample: Annotated[int, typer.Option(help="Which sample is moved by one unit, counted from 0.")] = 750,
    horizons: Annotated[str, typer.Option(help="Horizons in samples, separated by commas.")] = "1,5,20",
    data: Annotated[Path | None, typer.Option("--data", help="Directory that holds <dataset name>/ folders.")] = None,
    as_json: Json = False,
) -> None:
    """Move one sample of a recording, and see which forecast moves first: under both protocols, no later than the clock allows."""
    from hilum import api

    asked = whole_numbers(horizons, "--horizons")
    names = [name.strip() for name in models.split(",") if name.strip()]
    lines = api.clock(names, dataset=dataset, item=item, sample=sample, horizons=asked, data=data)
    if as_json:
        print_json(lines)
        return
    from hilum.report.lists import clock_table

    console().print(clock_table(lines))
