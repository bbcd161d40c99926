"""What the commands share: options that several take, the console, and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
RunPath = Annotated[Path, typer.Argument(help="A run folder, or its name under ./runs.")]


def console() -> Any:
    """The terminal."""
    from rich.console import Console

    return Console(highlight=False)


def print_json(data: Any) -> None:
    """Plain data on standard output."""
    typer.echo(json.dumps(data, indent=1, default=str))
