"""Ahead: where a new trace goes on, by a model of a stored run.

    run --model, candidates, columns--> new trace --settings chosen on its own choosing part--> streamed to its end --> forecasts

The run's figure speaks for the recordings that it was measured on; the new one may breathe otherwise. Settings are chosen anew, as the
run chose them for each of its own recordings: on the part of the trace that the task sets aside for it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.comparison import Ahead
from hilum.core.component import Spec, build
from hilum.core.errors import DataError, HilumError, UsageError
from hilum.core.experiment import Search
from hilum.core.kinds.forecast import ForecastSetting, Recording
from hilum.core.run import RunFolder
from hilum.core.store import read_json
from hilum.engine.forecasts.choose import choose
from hilum.engine.forecasts.stream import stream_all
from hilum.engine.forecasts.views import views_of
from hilum.engine.stored import best_arm

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]


def forecast_ahead(run: RunFolder, file: Path, *, model: str = "", seed: int = 0) -> Ahead:
    """Forecast a new trace beyond its last sample.

    Args:
        run: A run of a study of traces.
        file: A trace with the same columns.
        model: Title of a model of the run; by default the one with the best leading figure.
        seed: Seed of what draws at random.

    Raises:
        UsageError: the run is about something else.
        DataError: the trace cannot be read (file, column, row), or is too short.
    """
    arm, chosen, figure = best_arm(run, model)
    spec = arm.spec
    dataset = build(Spec.from_json(spec["dataset"]))
    if not (hasattr(dataset, "read") and hasattr(dataset, "files")):
        raise UsageError(
            "forecasts beyond the end of a new recording are made for runs of traces",
            where=str(run.path),
            do="Run a study of traces first: `hilum new study NAME --trace FILE`",
        )
    whole = file.resolve()
    dataset = replace(dataset, files=(str(whole),))
    (item,) = dataset.items(whole.parent)
    read, account = dataset.read(whole.parent, item)
    task = build(Spec.from_json(spec["task"]))
    settings = build(Spec.from_json(spec["model"]))
    search = None if spec["search"] is None else Search.from_json(spec["search"])
    (view,) = views_of(task, read)
    values = _forecast(task, settings, search, view.series, spec["protocol"], seed, str(file))
    info = run.info()
    return Ahead(
        arm=arm.name,
        chosen=chosen,
        figure=figure,
        unit=read.unit,
        frame=_frame(run, arm.id, task, view.series, values),
        account=account.in_words(),
        licence="; ".join(f"{data['title']}: {data['licence']}" for data in info["datasets"]),
        synthetic=bool(info["synthetic"]),
    )


def _forecast(
    task: Any, model: Any, search: Search | None, series: Recording, protocol: str, seed: int, where: str
) -> Array:
    """(horizons, channels), made at the last sample."""
    values, interval = series.values, series.seconds_per_sample
    horizons = task.horizons(interval)
    parts = task.parts(len(values), interval)
    if parts["score"][0] - parts["choose"][0] <= max(horizons) and search is not None:
        raise DataError(
            f"the trace is {len(values) * interval:.4g} s long, too short to choose settings on",
            where=where,
            do=f"It must be at least {task.score_from_s + max(task.horizons_s):g} s long",
        )
    if len(values) <= parts["train"][1]:
        raise DataError(
            f"the trace is {len(values) * interval:.4g} s long, and {task.train_s:g} s are needed to begin",
            where=where,
            do="Record longer, or run a study with a shorter train_s",
        )
    setting = ForecastSetting(values.shape[1], horizons, interval, series.unit)
    chosen = choose(model, search, setting, values, parts, protocol, seed, series.points)
    room = np.full((max(horizons), values.shape[1]), np.nan)
    stream = stream_all(
        chosen, setting, np.concatenate([values, room]), parts["train"][1], protocol, seed, stop=len(values)
    )
    made = np.stack([stream.forecasts[i, len(values) - 1 + h] for i, h in enumerate(horizons)])
    if not np.isfinite(made).all():
        raise HilumError("the forecast is not finite", where=where, do="Choose another model with --model")
    return made


def _frame(run: RunFolder, arm_id: str, task: Any, series: Recording, values: Array) -> pl.DataFrame:
    import polars as pl

    interval = series.seconds_per_sample
    ahead = np.array(task.horizons(interval)) * interval
    lines = [line for line in read_json(run.path / "results.json") if line["arm_id"] == arm_id]
    measured = {
        round(line["horizon_s"], 6): line["estimate"]["value"]
        for line in lines
        if line["horizon_s"] is not None and line["metric"] == task.leading_metric
    }
    title = next((line["metric_title"] for line in lines if line["metric"] == task.leading_metric), task.leading_metric)
    return pl.DataFrame(
        {
            "horizon_s": ahead,
            "time_s": (len(series.values) - 1) * interval + ahead,
            **{name: values[:, index] for index, name in enumerate(series.channels)},
            f"{title} of the run": [measured.get(round(float(one), 6)) for one in ahead],
        },
        strict=False,
    )
