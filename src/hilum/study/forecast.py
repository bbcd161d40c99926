"""A study of forecasts: traces or films of one's own, how far ahead to look, some forecasters.

    [data]      trace = "breath.csv" (or a list, or a pattern), time, time_unit, channels, unit, points, subject, rate_hz,
                longest_hold_s, missing, encoding        (hilum.datasets.trace_file)
                or film = "cine.png" | a DICOM folder | a NIfTI file, with what its format does not say
                                                         (hilum.datasets.film_file)
    [forecast]  horizons_s, train_s, score_from_s; tune_by: what settings are chosen by; of a film also components, rounding and
                flow = { ... } (hilum.modalities.video.optical_flow.OpticalFlow)
    [use]       what the forecasts are meant for; goes into the report
    [origin]    where the data come from, and who may see what of them
    [audit]     the widest interval that is accepted, waivers
    [[model]]   one block a forecaster: its name, settings, and `tune` with candidates

A trace in mm asks where its points will be (task position_ahead, RMSE leads); one in another unit what the signal will be
(signal_ahead, nRMSE leads); a film what its frames will show (frame_ahead). The protocol is causal: a label is handed out once it is
there. Whatever is chosen, is chosen between train_s and score_from_s.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from hilum.core.errors import UsageError, unknown
from hilum.datasets.film_file.dataset import FilmFile
from hilum.datasets.trace_file.dataset import TraceFile
from hilum.metrics.forecast import METRICS
from hilum.modalities.series.read_table import TraceColumns
from hilum.modalities.video.optical_flow import OpticalFlow
from hilum.study.models import AskedModel, asked_models
from hilum.study.sections import (
    Origin,
    Strict,
    UseText,
    Waiver,
    checked,
    name_of,
    plain,
    refuse_unknown,
    section,
    title_of,
)
from hilum.tasks.frame_ahead import FrameAhead
from hilum.tasks.position_ahead import PositionAhead
from hilum.tasks.signal_ahead import SignalAhead

KNOWN = ("name", "title", "kind", "data", "forecast", "use", "origin", "audit", "model")
CHOSEN_BY = tuple(metric.name for metric in METRICS)
OF_FILMS = ("horizons_s", "train_s", "score_from_s", "components", "rounding")
PAGES = {"trace": "forecast-your-trace", "film": "forecast-your-film"}


class ForecastAudit(Strict):
    """Settings of the audit.

    Attributes:
        interval_limit: The widest interval over recordings that is accepted, as a share of the estimate (HIL010).
        waive: Waivers by code.
    """

    interval_limit: float = Field(1.0, gt=0)
    waive: tuple[Waiver, ...] = ()


@dataclass(frozen=True)
class ForecastStudy:
    """A study of forecasts, read.

    Attributes:
        path: The file.
        name: What its run is called.
        title: For people.
        about: "trace" or "film".
        dataset: The recordings: which files, which columns.
        task: How far ahead, and the parts of a recording.
        models: What is compared, in order; the trivial forecaster is added.
        metric: What settings are chosen by.
        use: What it is meant for.
        origin: Where the recordings come from.
        audit: Settings of the audit.
    """

    path: Path
    name: str
    title: str
    about: Literal["trace", "film"]
    dataset: Any
    task: Any
    models: tuple[AskedModel, ...]
    metric: str
    use: UseText
    origin: Origin
    audit: ForecastAudit

    @property
    def folder(self) -> Path:
        """The folder in which the files are looked for."""
        return self.path.parent


def read_forecast_study(path: Path, data: dict[str, Any]) -> ForecastStudy:
    """Check what a study file says of its traces or films.

    Args:
        path: The file.
        data: What it holds.

    Raises:
        UsageError: a name or setting does not exist or does not fit.
    """
    where = str(path)
    refuse_unknown(data, KNOWN, where)
    if data.get("kind", "forecast") != "forecast":
        raise UsageError(f"kind is {data['kind']!r}", where=where, do='Of traces and films kind is "forecast"')
    asked = section(data, "data", where)
    about: Literal["trace", "film"] = "trace" if "trace" in asked else "film"
    dataset = _trace(asked, where) if about == "trace" else _film(asked, where)
    settings = section(data, "forecast", where)
    metric = str(settings.pop("tune_by", ""))
    if metric and metric not in CHOSEN_BY:
        raise unknown("metric to choose by", metric, CHOSEN_BY, where=f"{where}, [forecast], tune_by")
    task = _task(about, dataset, settings, f"{where}, [forecast]")
    # Of a film what is forecast, and settings are chosen by, are weights of its motion.
    metric = metric or (task.leading_metric if about == "trace" else "nrmse")
    return ForecastStudy(
        path=path,
        name=name_of(data, path),
        title=title_of(data, path),
        about=about,
        dataset=dataset,
        task=task,
        models=asked_models(data, "forecast", metric, where),
        metric=metric,
        use=checked(UseText, section(data, "use", where), f"{where}, [use]"),
        origin=checked(Origin, section(data, "origin", where), f"{where}, [origin]"),
        audit=checked(ForecastAudit, section(data, "audit", where), f"{where}, [audit]"),
    )


def _trace(asked: dict[str, Any], where: str) -> TraceFile:
    where = f"{where}, [data]"
    files = _files(asked.pop("trace"), "trace", where)
    if not str(asked.get("unit", "")).strip():
        raise UsageError("the unit of the channels is not stated", where=where, do='State it: unit = "mm"')
    own = {field.name for field in fields(TraceColumns)}
    columns = plain(TraceColumns, {k: v for k, v in asked.items() if k in own}, where, page=PAGES["trace"])
    rest = {k: v for k, v in asked.items() if k not in own}
    _refuse_unknown_setting(rest, TraceFile, own | {"trace"}, where)
    made: TraceFile = plain(
        TraceFile, {**rest, "files": files, "columns": columns}, where, page=PAGES["trace"], by_itself=("columns",)
    )
    return made


def _film(asked: dict[str, Any], where: str) -> FilmFile:
    where = f"{where}, [data]"
    files = _files(asked.pop("film"), "film", where)
    _refuse_unknown_setting(asked, FilmFile, {"film"}, where)
    made: FilmFile = plain(FilmFile, {**asked, "files": files}, where, page=PAGES["film"])
    return made


def _task(about: str, dataset: Any, settings: dict[str, Any], where: str) -> Any:
    """What is asked: of a film its frames, of a trace in mm positions, of another trace its signal."""
    if about == "trace":
        return plain(PositionAhead if dataset.unit == "mm" else SignalAhead, settings, where, page=PAGES[about])
    flow = section(settings, "flow", where)
    own = {key: value for key, value in settings.items() if key != "flow"}
    for name in own:
        if name not in OF_FILMS:
            raise unknown("setting", name, (*OF_FILMS, "flow"), where=where)
    made = {"flow": plain(OpticalFlow, flow, f"{where}, flow", page=PAGES[about])}
    return plain(FrameAhead, {**own, **made}, where, page=PAGES[about], by_itself=("flow",))


def _refuse_unknown_setting(asked: dict[str, Any], kind: Any, more: set[str], where: str) -> None:
    """Name the closest of all that [data] can hold, whichever dataclass it goes to."""
    known = {field.name for field in fields(kind)} - {"files", "columns"}
    for name in asked:
        if name not in known:
            raise unknown("setting", name, known | more, where=where)


def _files(given: Any, noun: str, where: str) -> tuple[str, ...]:
    """One name or pattern, or several."""
    listed = given if isinstance(given, list) else [given]
    if not listed or not all(isinstance(name, str) and name for name in listed):
        raise UsageError(f"{noun} is {given!r}", where=where, do=f'Name a file, a pattern or a list: {noun} = "FILE"')
    return tuple(listed)
