"""What the commands share: options that several take, the console, and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from hilum.core.errors import UsageError

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
RunPath = Annotated[Path, typer.Argument(help="A run folder, or its name under ./runs.")]


def console() -> Any:
    """The terminal."""
    from rich.console import Console

    return Console(highlight=False)


def print_json(data: Any) -> None:
    """Plain data on standard output."""
    typer.echo(json.dumps(data, indent=1, default=str))


def whole_numbers(text: str, option: str) -> tuple[int, ...]:
    """Whole numbers separated by commas."""
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise UsageError(f"'{text}' holds no whole numbers", where=option, do="Write e.g. 1,5,20") from error
