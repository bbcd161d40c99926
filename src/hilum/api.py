"""The Python door: `hilum.run("online-rnn-markers", preset="quick")` returns the run that the command line would have written.

    run = plan -> execute -> evaluate -> report

Each step reads what the one before it stored, so any of them can be repeated on its own.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hilum.core.comparison import Ahead, Comparison, Prediction
from hilum.core.errors import HilumError, UsageError
from hilum.core.experiment import Arm, Cell, Preset, Size
from hilum.core.locate import locate
from hilum.core.row import CheckRow
from hilum.core.run import RunFolder, open_run
from hilum.core.store import sweep, write_json
from hilum.engine.evaluate import evaluate
from hilum.engine.executors import Result, executor_for
from hilum.engine.plan import Planned, count, make_plan
from hilum.engine.progress import Reporter, Silent
from hilum.targets import Target, arm_lines, load_target

if TYPE_CHECKING:
    from hilum.explain._answer import Explanation

ExecutorName = Literal["inline", "processes"]
DEMO_PAPER = "online-rnn-markers"
DEMO_DATA = "extmarkers"
DEMO_MODELS = ("least_mean_squares", "recursive_least_squares", "nearest_analogues")  # a minute or two on two cores


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Attributes:
        folder: Where it is stored.
        ran: Cells computed now.
        kept: Cells that were there already.
        failed: Cells that failed.
        not_run: Cells that could not run, or of which nothing can be judged.
        audit_failed: Whether a critical check failed.
    """

    folder: RunFolder
    ran: int
    kept: int
    failed: int
    not_run: int
    audit_failed: bool

    @property
    def exit_code(self) -> int:
        """0 something ran (or was kept) and no cell failed, 1 a cell failed, 3 nothing could run."""
        if self.failed:
            return 1
        return 0 if self.ran or self.kept else 3


def run(
    target: str,
    *,
    preset: Size = "quick",
    models: Sequence[str] = (),
    seeds: int | None = None,
    jobs: int | None = None,
    executor: ExecutorName = "processes",
    data: Path | None = None,
    out: str | Path | None = None,
    fresh: bool = False,
    synthetic: bool = False,
    reporter: Reporter | None = None,
) -> RunResult:
    """Run a paper or a study.toml: plan, compute what is not there yet, judge, audit, write the report.

    Raises:
        HilumError: the target does not exist or is not built yet, or nothing can be written.
    """
    reporter = reporter or Silent()
    began = time.time()
    asked = Preset(preset, synthetic, seeds)
    loaded = load_target(target, asked, models)
    folder = RunFolder(_place(out, loaded.experiment.name, synthetic))
    sweep(folder.cells)
    plan = make_plan(loaded.experiment, folder, data=data, fresh=fresh)
    announce(plan, reporter)
    _need_something(plan)
    info = _info(loaded, asked, models, plan, began)
    write_json(folder.path / "run.json", info)
    results = _execute(plan, executor, jobs, fresh, reporter)
    info["cells"] = _cells(plan, results)
    refused = [planned.folder.refused for planned in plan if planned.status != "not run" and planned.folder.refused]
    _say_not_run(refused, reporter)
    info["seconds"] = time.time() - began
    write_json(folder.path / "run.json", info)
    stored = [(planned.cell, planned.folder) for planned in plan]
    reporter.say("Judging, auditing and writing the report ...")
    evaluation = evaluate(folder, stored, loaded.paper, synthetic=loaded.synthetic, use=loaded.use, reporter=reporter)
    from hilum.report.write import write_report

    write_report(folder)
    tally = count(plan)
    failed = sum(result.failed for result in results)
    kept = sum(planned.status == "keep" and not planned.folder.refused for planned in plan)
    ran = len(results) - failed - (len(refused) - (tally["keep"] - kept))
    return RunResult(folder, ran, kept, failed, tally["not run"] + len(refused), evaluation.audit_failed)


def audit(table: Path | str, **columns: Any) -> list[CheckRow]:
    """Audit a table and its split, without any model: `hilum.audit("table.csv", subject="patient", target="died", split="fold")`.

    Args:
        table: CSV, Parquet or xlsx, one row a record.
        columns: Which column is what, and what the table is meant for: see `hilum.engine.table_audit.audit_file`.

    Raises:
        HilumError: the table cannot be read as asked; says which file, column or row.
    """
    from hilum.engine.table_audit import audit_file

    return audit_file(table, **columns)


def compare(
    run_a: Path | str, run_b: Path | str | None = None, *, arm: str = "", against: str = "", metric: str = ""
) -> list[Comparison]:
    """Compare arms of two stored runs (or of one) on the records that both predicted, paired by subject.

    Args:
        run_a: A run folder, or its name under ./runs.
        run_b: Another; by default the same.
        arm: Title of an arm of the first run; by default every title that both runs have.
        against: Title of an arm of the second run.
        metric: By this metric; by default the leading one.
    """
    from hilum.engine.compare import compare as compared

    first = open_run(Path(run_a))
    second = open_run(Path(run_b)) if run_b else first
    return compared(first, second, arm_a=arm, arm_b=against, metric=metric)


def predict(run: Path | str, file: Path | str, *, model: str = "") -> Prediction | Ahead:
    """Predict a file with a stored study's model.

    Returns:
        Of a study of a table a `Prediction`, one row a record (see `hilum.engine.tables.predict`); of a study of traces an `Ahead`, one
        row a horizon beyond the end of the trace (see `hilum.engine.forecasts.ahead`).
    """
    folder = open_run(Path(run))
    if any(arm["kind"] == "forecast" for arm in folder.info()["arms"]):
        from hilum.engine.forecasts.ahead import forecast_ahead

        return forecast_ahead(folder, Path(file), model=model)
    from hilum.engine.tables.predict import predict as predicted

    return predicted(folder, Path(file), model=model)


def explain(
    run: Path | str,
    file: Path | str | None = None,
    *,
    model: str = "",
    method: str = "",
    item: str = "",
    data: Path | None = None,
    repeats: int = 20,
) -> Explanation:
    """Explain a stored run's model, on its own test records or on a file, all of them or one: see `hilum.engine.explain`."""
    from hilum.engine.explain import explain as explained

    place = None if file is None else Path(file)
    return explained(open_run(Path(run)), model=model, method=method, file=place, item=item, data=data, repeats=repeats)


def plan(
    target: str,
    preset: Size = "quick",
    models: Sequence[str] = (),
    seeds: int | None = None,
    data: Path | None = None,
    out: str | Path | None = None,
    fresh: bool = False,
    synthetic: bool = False,
    estimate: bool = False,
) -> list[dict[str, Any]]:
    """What `run` would do, cell by cell, without doing it; with `estimate` also the seconds of one core that each cell would take."""
    experiment = load_target(target, Preset(preset, synthetic, seeds), models).experiment
    planned = make_plan(experiment, RunFolder(_place(out, experiment.name, synthetic)), data=data, fresh=fresh)
    seconds = _seconds(planned) if estimate else {}
    return [
        {
            "cell": p.cell.readable,
            "arm": p.cell.arm.name,
            "seeds": len(p.cell.seeds),
            "status": p.status,
            "reason": p.reason,
            **({"seconds": seconds.get(p.cell)} if estimate else {}),
        }
        for p in planned
    ]


def _seconds(plan: Sequence[Planned]) -> dict[Cell, float]:
    """Seconds of one core that each forecast cell to run would take, from a slice of its arm; other kinds are not estimated."""
    from hilum.engine.forecasts.cost import Slice, measure, samples_of

    slices: dict[Arm, Slice] = {}
    found = {}
    for planned in plan:
        cell, job = planned.cell, planned.job
        if planned.status != "run" or job is None or cell.arm.task.kind != "forecast":
            continue
        if cell.arm not in slices:
            slices[cell.arm] = measure(cell, Path(job.data), Path(job.others) if job.others else None)
        samples = samples_of(cell, Path(job.data))
        found[cell] = slices[cell.arm].seconds(cell.arm, samples, len(cell.seeds))
    return found


def clock(
    models: Sequence[str],
    *,
    dataset: str = "extmarkers",
    item: str = "",
    sample: int = 750,
    horizons: Sequence[int] = (1, 5, 20),
    data: Path | None = None,
) -> list[dict[str, Any]]:
    """The one-sample experiment on our own forecasters: which forecast moves first when one sample does?

    Args:
        models: Names in the room `models`; each runs at its default settings, under both protocols.
        dataset: A dataset of series.
        item: Which recording; the first by default.
        sample: The sample that one unit is added to, counted from 0; the first 30 s are what scaling is fitted on.
        horizons: In samples.
        data: Where datasets lie.

    Returns:
        One line a model and protocol: `early`, horizon to the number of samples by which a forecast moved before the moved sample was seen.

    Raises:
        UsageError: no model is named or one does not forecast, the dataset holds no series, or sample and horizons do not fit.
    """
    from hilum.core.component import default_of
    from hilum.core.finder import get
    from hilum.core.kinds.forecast import PROTOCOLS, ForecastModel, ForecastSetting
    from hilum.engine.cells import find_items
    from hilum.engine.forecasts.one_sample import first_moved
    from hilum.engine.plan import data_folder

    source = default_of(get("datasets", dataset).load("dataset"))
    if not models:
        raise UsageError("no model is named", do="Name one: `hilum clock --models hold_last`")
    if not source.ITEMS or "series" not in source.provides:
        raise UsageError(f"dataset '{dataset}' holds no series of its own", do="Name one that does, e.g. extmarkers")
    folder = data_folder(source, data)
    series = source.load(folder, find_items(source, folder, [item or source.ITEMS[0]])[0])
    setting = ForecastSetting(series.values.shape[1], tuple(horizons), series.seconds_per_sample, series.unit)
    warm_up = round(30.0 / series.seconds_per_sample)
    lines = []
    for name in models:
        found = get("models", name)
        model = default_of(found.load("settings" if found.has("settings") else ""))
        if not isinstance(model, ForecastModel):
            raise UsageError(f"the model '{name}' does not forecast", do="See `hilum show hold_last` for one that does")
        for protocol in PROTOCOLS:
            moved = first_moved(model, setting, series.values, warm_up, protocol, sample=sample)
            early = {one.horizon: one.early for one in moved}
            lines.append({"model": name, "protocol": protocol, "item": series.item, "sample": sample, "early": early})
    return lines


def demo(*, data: Path | None = None, jobs: int | None = None, reporter: Reporter | None = None) -> RunResult:
    """The main job of the README: a paper on its real data; where they cannot be had in ten seconds, on simulated ones."""
    from hilum.engine.download import get as download

    reporter = reporter or Silent()
    try:
        locate(DEMO_DATA, data)
    except HilumError:
        reporter.say(f"The data of '{DEMO_DATA}' are not here; trying to download them for ten seconds ...")
        try:
            download(DEMO_DATA, timeout_s=10.0)
        except HilumError as error:
            reporter.say(str(error))
            reporter.say("So this demo runs on SYNTHETIC breathing. It shows how hilum works and judges no claim.")
            return run(DEMO_PAPER, models=DEMO_MODELS, synthetic=True, jobs=jobs, reporter=reporter)
    return run(DEMO_PAPER, models=DEMO_MODELS, data=data, jobs=jobs, reporter=reporter)


def write_reports(
    folder: RunFolder, *, html: Path | None, markdown: Path | None, identified: bool = False
) -> list[Path]:
    """Write a stored run's report where asked; `identified` shows per-subject rows of private data too."""
    from hilum.core.store import write_text
    from hilum.report.write import html_report, markdown_report

    written = []
    for path, make in ((html, html_report), (markdown, markdown_report)):
        if path is not None:
            write_text(path, make(folder, identified=identified))
            written.append(path)
    return written


def announce(plan: Sequence[Planned], reporter: Reporter) -> None:
    """Say what will happen: cells to run, kept, and not run with the reasons."""
    tally = count(list(plan))
    reporter.say(f"Plan: {tally['run']} cells to run, {tally['keep']} kept, {tally['not run']} cannot run")
    _say_not_run((planned.reason for planned in plan if planned.status == "not run"), reporter)


def _say_not_run(reasons: Iterable[str], reporter: Reporter) -> None:
    for reason, cells in Counter(reasons).items():
        reporter.say(f"  {cells} cell{'s' if cells > 1 else ''} not run: {reason}")


def _need_something(plan: Sequence[Planned]) -> None:
    """Refuse a run in which nothing can be computed or kept, so that a stored one is not overwritten by an empty one."""
    if plan and all(planned.status == "not run" for planned in plan):
        raise HilumError(
            "nothing can be run, and nothing was written", do="The reasons stand above; mend one and try again"
        )


def _place(out: str | Path | None, name: str, synthetic: bool) -> Path:
    return Path(out) if out is not None else Path("runs") / (f"{name}-synthetic" if synthetic else name)


def _execute(
    plan: Sequence[Planned], executor: ExecutorName, jobs: int | None, fresh: bool, reporter: Reporter
) -> list[Result]:
    todo = [planned for planned in plan if planned.status == "run" and planned.job is not None]
    if not todo:
        return []
    if fresh:
        for planned in todo:
            shutil.rmtree(planned.folder.path, ignore_errors=True)
    workers = min(jobs or os.cpu_count() or 1, len(todo))
    pool = executor_for(executor, workers)
    results: list[Result] = []
    try:
        work = pool.results([planned.job for planned in todo if planned.job is not None])
        for result in reporter.track(work, len(todo), "cells"):
            results.append(result)
            if result.failed:
                reporter.say(f"  failed: {Path(result.job.folder).name}: {result.error}")
    except KeyboardInterrupt:
        done = sum(not result.failed for result in results)
        raise HilumError(
            f"stopped: {done} of {len(todo)} cells were finished and are kept",
            do="Run the same command again to go on from here",
        ) from None
    finally:
        pool.close()
        sweep(todo[0].folder.path.parent)  # what a stopped worker was writing
    return results


def _cells(plan: Sequence[Planned], results: Sequence[Result]) -> list[dict[str, Any]]:
    by_folder = {result.job.folder: result for result in results}
    lines = []
    for planned in plan:
        result = by_folder.get(str(planned.folder.path))
        status = "not run" if planned.status == "not run" else "done" if planned.folder.done else "failed"
        if status == "failed" and result is None:
            status = "to run"
        refused = planned.folder.refused if status == "done" else ""
        if refused:
            status = "not run"
        lines.append(
            {
                "folder": planned.folder.path.name,
                "arm_id": planned.cell.arm.id,
                "item": ", ".join(planned.cell.items),
                "status": status,
                "reason": planned.reason or refused or (result.error if result else ""),
                "trace": result.trace if result else "",
                "seconds": result.seconds if result and not result.failed else None,
            }
        )
    return lines


def _info(
    target: Target, preset: Preset, models: Sequence[str], plan: Sequence[Planned], began: float
) -> dict[str, Any]:
    import hilum
    from hilum.core.margins import DATED
    from hilum.engine.cells import environment

    seeds = f" --seeds {preset.seeds}" if preset.seeds is not None else ""
    only = f" --models {','.join(models)}" if models else ""
    return {
        "format": 1,
        "experiment": target.experiment.name,
        **target.told,
        "preset": preset.size,
        "synthetic": target.synthetic,
        "seeds": preset.seeds,
        "started": datetime.fromtimestamp(began, tz=UTC).isoformat(timespec="seconds"),
        "seconds": 0.0,
        "command": f"{target.command} --preset {preset.size}{only}{seeds}{' --synthetic' if preset.synthetic else ''}",
        "hilum": hilum.__version__,
        "environment": environment(),
        "arms": arm_lines(target.experiment.arms),
        "cells": _cells(plan, ()),
        "margins_dated": DATED,
    }
