"""The command line: thin, no logic. Every command calls one function of the Python API and prints what it returns.

Exit codes: 0 something ran and no cell failed, 1 a cell failed, 2 usage, 3 nothing could run, 4 an audit failed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hilum import cli_explain, cli_forecast, cli_study
from hilum.cli_parts import Json, RunPath, console, print_json
from hilum.core.errors import HilumError, UsageError

app = typer.Typer(
    help="Runnable claims for clinical and physiological machine learning.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Data sets: list, show, get, verify.", no_args_is_help=True)
runs_app = typer.Typer(help="Stored runs: list, show, rm.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(runs_app, name="runs")

DataDir = Annotated[Path | None, typer.Option("--data", help="Directory that holds <dataset name>/ folders.")]


def main() -> None:
    """Run the command line; a refusal is one clear message, never a traceback."""
    try:
        code = app(standalone_mode=False)
    except HilumError as error:
        _refuse(error)
        sys.exit(2 if isinstance(error, UsageError) else 3)
    except (typer.Abort, KeyboardInterrupt):
        sys.stderr.write("stopped\n")
        sys.exit(130)
    except Exception as error:
        if error.__class__.__module__.startswith(("click", "typer")):
            spoken = getattr(error, "format_message", None)
            sys.stderr.write(f"{spoken() if spoken else error}\n")
            sys.exit(2)
        raise
    sys.exit(code if isinstance(code, int) else 0)


@app.command()
def papers(as_json: Json = False) -> None:
    """Every paper: claims, whether it is built, and the count of each verdict of its last run."""
    from hilum.catalogue import paper_lines

    lines = paper_lines(Path("runs"))
    if as_json:
        print_json(lines)
        return
    from hilum.report.lists import papers_table

    console().print(papers_table(lines))


@app.command()
def show(name: str, as_json: Json = False) -> None:
    """A card: a paper, dataset, task, model, metric family or check (model:hold-last where ambiguous)."""
    from hilum.catalogue import card

    found = card(name)
    if as_json:
        print_json(found)
        return
    from hilum.report.lists import card_table

    console().print(card_table(found))


@app.command()
def run(
    target: Annotated[str, typer.Argument(help="A paper, e.g. online-rnn-markers, or a study.toml.")],
    preset: Annotated[Literal["smoke", "quick", "full"], typer.Option(help="How large.")] = "quick",
    models: Annotated[str, typer.Option(help="Only these models, separated by commas.")] = "",
    seeds: Annotated[int | None, typer.Option(help="How many seeds for models that draw at random.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Worker processes; all cores by default.")] = None,
    executor: Annotated[Literal["processes", "inline"], typer.Option(help="Where cells are computed.")] = "processes",
    data: DataDir = None,
    out: Annotated[Path | None, typer.Option(help="The run folder; runs/<experiment> by default.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    estimate: Annotated[
        bool,
        typer.Option("--estimate", help="As --dry-run, and measure a slice of every arm: what would all of it take?"),
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute every cell again.")] = False,
    synthetic: Annotated[bool, typer.Option("--synthetic", help="Run on simulated data; no claim is judged.")] = False,
    as_json: Json = False,
) -> None:
    """Run a paper or a study of your own: plan, compute what is not there yet, judge every claim, audit, report."""
    from hilum import api
    from hilum.engine.progress import Console

    names = [name.strip() for name in models.split(",") if name.strip()]
    if dry_run or estimate:
        _print_plan(api.plan(target, preset, names, seeds, data, out, fresh, synthetic, estimate), as_json)
        return
    result = api.run(
        target,
        preset=preset,
        models=names,
        seeds=seeds,
        jobs=jobs,
        executor=executor,
        data=data,
        out=out,
        fresh=fresh,
        synthetic=synthetic,
        reporter=Console(),
    )
    _print_run(result, as_json)
    raise typer.Exit(result.exit_code)


@app.command()
def demo(
    data: DataDir = None,
    jobs: Annotated[int | None, typer.Option(help="Worker processes; all cores by default.")] = None,
) -> None:
    """The main job: a real paper on real data where they can be had, else on simulated breathing, which is said."""
    from hilum import api
    from hilum.engine.progress import Console

    result = api.demo(data=data, jobs=jobs, reporter=Console())
    _print_run(result, as_json=False)
    raise typer.Exit(result.exit_code)


@app.command()
def report(
    path: RunPath,
    html: Annotated[Path | None, typer.Option(help="Write the HTML report here.")] = None,
    md: Annotated[Path | None, typer.Option(help="Write the report as Markdown here.")] = None,
    identified: Annotated[
        bool, typer.Option("--identified", help="Show per-subject rows of private and credentialed data too.")
    ] = False,
) -> None:
    """Print a stored run's report, or write it as HTML or Markdown, from the run folder alone."""
    from hilum import api
    from hilum.core.run import open_run

    folder = open_run(path)
    if html is None and md is None:
        _print_report(folder)
        return
    for written in api.write_reports(folder, html=html, markdown=md, identified=identified):
        typer.echo(str(written))


@app.command()
def why(path: RunPath, claim: Annotated[str, typer.Argument(help="A claim's id.")]) -> None:
    """Explain one verdict: cells, aggregate, interval, margin, and every setting that differs from the paper's."""
    from hilum.core.run import open_run
    from hilum.report.contents import read_contents
    from hilum.report.terminal import why as explain

    console().print(explain(read_contents(open_run(path)), claim))


@app.command()
def cite(path: RunPath) -> None:
    """The bibliography of what ran."""
    from hilum.core.run import open_run

    for entry in open_run(path).info()["bibliography"]:
        typer.echo(f"[{entry['key']}] {entry['text']}")


cli_study.register(app)
app.command()(cli_forecast.clock)
app.command()(cli_explain.explain)


@data_app.command("list")
def data_list(as_json: Json = False) -> None:
    """Every dataset, and where its files are."""
    from hilum.catalogue import dataset_lines

    lines = dataset_lines()
    if as_json:
        print_json(lines)
        return
    from hilum.report.lists import datasets_table

    console().print(datasets_table(lines))


@data_app.command("show")
def data_show(name: str, as_json: Json = False) -> None:
    """A dataset's card."""
    show(f"dataset:{name}", as_json)


@data_app.command("get")
def data_get(name: str, timeout: Annotated[float, typer.Option(help="Seconds to wait for an answer.")] = 30.0) -> None:
    """Download a dataset, verify every file, and keep it in the cache."""
    from hilum.engine.download import get

    typer.echo(str(get(name, timeout_s=timeout)))


@data_app.command("verify")
def data_verify(name: str, data: DataDir = None) -> None:
    """Check every file of a dataset against its card."""
    from hilum.core.locate import locate
    from hilum.engine.download import verify_dataset

    problems = verify_dataset(name, locate(name, data))
    for problem in problems:
        typer.echo(str(problem))
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{name}: every file is the one on the card")


@runs_app.command("list")
def runs_list(as_json: Json = False) -> None:
    """Every run under ./runs."""
    from hilum.catalogue import run_lines

    lines = run_lines(Path("runs"))
    if as_json:
        print_json(lines)
        return
    from hilum.report.lists import runs_table

    console().print(runs_table(lines))


@runs_app.command("show")
def runs_show(path: RunPath) -> None:
    """A stored run's report."""
    from hilum.core.run import open_run

    _print_report(open_run(path))


@runs_app.command("rm")
def runs_rm(path: RunPath, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a stored run."""
    from hilum.catalogue import remove_run
    from hilum.core.run import open_run

    folder = open_run(path)
    if not yes:
        typer.confirm(f"Delete {folder.path} and all its cells?", abort=True)
    remove_run(folder)
    typer.echo(f"deleted {folder.path}")


def _print_run(result: Any, as_json: bool) -> None:
    if as_json:
        from hilum.core.store import read_json

        print_json(read_json(result.folder.path / "claims.json"))
        return
    _print_report(result.folder)


def _print_report(folder: Any) -> None:
    from hilum.report.contents import read_contents
    from hilum.report.terminal import render

    terminal = console()
    terminal.print(render(read_contents(folder), width=terminal.width))
    typer.echo(f"Report: {folder.path / 'report.html'}")


def _print_plan(lines: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(lines)
        return
    from hilum.report.lists import plan_table

    console().print(plan_table(lines))


def _refuse(error: HilumError) -> None:
    where = f"{error.where}: " if error.where else ""
    sys.stderr.write(f"hilum: {where}{error.what}\n")
    if error.do:
        sys.stderr.write(f"       {error.do}\n")
