"""The forecast runner: streams every view of a record past a forecaster, scores what comes out, and stores what HIL005 needs.

Whatever the protocol (hilum.engine.forecasts.stream), scaling is fitted on the train part, settings and views are chosen on the part
that the task sets aside, and figures come from the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.component import describe
from hilum.core.errors import DataError, UsageError
from hilum.core.experiment import SEEDS_PER_CELL, Search
from hilum.core.kinds.forecast import (
    PROTOCOLS,
    ForecastModel,
    ForecastSetting,
    Pretrainable,
    Recording,
    View,
)
from hilum.core.outcome import Block, Outcome, channel_columns, columns
from hilum.engine.forecasts.choose import choose, compared
from hilum.engine.forecasts.probe import probe
from hilum.engine.forecasts.stream import Stream, stream_all
from hilum.engine.forecasts.views import views_of

Array = NDArray[np.float64]
Parts = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Asked:
    """What a cell asks of every sample.

    Attributes:
        task: The task's settings.
        model: The model's settings.
        protocol: When labels are handed out.
        search: Settings to choose, or None.
        seeds: Seeds to run.
        others: Recordings that a model may be pretrained on.
        pretrained: Model and seed to the model pretrained on them, so that it is made once.
    """

    task: Any
    model: ForecastModel
    protocol: str
    search: Search | None
    seeds: tuple[int, ...]
    others: Sequence[Recording] = ()
    pretrained: dict[Any, ForecastModel] = field(default_factory=dict, compare=False)

    def ready(self, model: ForecastModel, seed: int, setting: ForecastSetting) -> ForecastModel:
        """The model itself, or itself pretrained on the others."""
        if not self.others:
            return model
        if not isinstance(model, Pretrainable):
            raise UsageError(
                f"{type(model).__name__} cannot be pretrained",
                where="Arm.pretraining",
                do="Leave it out, or take a model that learns from other recordings",
            )
        key = (model, seed, setting)
        if key not in self.pretrained:
            self.pretrained[key] = model.pretrain(self.others, setting, seed)
        return self.pretrained[key]


def run(
    *,
    task: Any,
    model: ForecastModel,
    protocol: str,
    search: Search | None,
    seeds: tuple[int, ...],
    samples: Sequence[Any],
    others: Sequence[Any] = (),
    fold: int | None = None,
    control: str = "",
) -> Iterator[Outcome]:
    """One outcome a sample: choose settings and views where asked, stream every seed, score, probe."""
    if protocol not in PROTOCOLS:
        raise UsageError(f"there is no protocol '{protocol}' for forecasts", do=f"Choose one of {', '.join(PROTOCOLS)}")
    known = tuple(views_of(task, other)[0].series for other in others)
    asked = Asked(task, model, protocol, search, seeds, known)
    for sample in samples:
        yield _run_one(asked, sample)


@dataclass(frozen=True)
class _Way:
    """How one group of horizons is forecast: by which view, and by which chosen settings."""

    view: View
    horizons: tuple[int, ...]
    chosen: tuple[ForecastModel, ...]

    @property
    def setting(self) -> ForecastSetting:
        series = self.view.series
        return ForecastSetting(series.values.shape[1], self.horizons, series.seconds_per_sample, series.unit)


@dataclass
class _Stored:
    """What the groups of horizons add up to."""

    predictions: list[Block] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[int, Array] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    future: dict[str, Any] = field(default_factory=dict)
    chosen: dict[str, Any] = field(default_factory=dict)


def _run_one(asked: Asked, sample: Any) -> Outcome:
    views = views_of(asked.task, sample)
    series = views[0].series
    horizons, parts = _window(asked.task, series)
    ways = _ways(asked, views, horizons, parts)
    stored = _Stored()
    for number, way in enumerate(ways):
        _stream_way(asked, way, parts, stored, "" if len(ways) == 1 else f"view{number}/")
    first, end = parts["score"]
    evidence = {
        "future": {"unit": series.unit, "horizons": {str(h): stored.future[str(h)] for h in horizons}},
        "chosen": {str(h): stored.chosen[str(h)] for h in horizons},
        "searched": asked.search is not None,
        "personal": not asked.others,
        "preprocessing": {"fitted on": "train", "first": parts["train"][0], "end": parts["train"][1]},
        "scored": {"first": first, "end": end, "horizons": list(horizons)},
    }
    if asked.others:
        subjects = [other.subject for other in asked.others]
        evidence["pretraining"] = {
            "items": [other.item for other in asked.others],
            "subjects": sorted({subject for subject in subjects if subject is not None}),
            "unknown": None in subjects,
        }
    split = [
        {"item": series.item, "subject": series.subject, "part": part, "first": a, "end": b}
        for part, (a, b) in parts.items()
    ]
    return Outcome(
        item=series.item,
        split=[columns(split)],
        predictions=stored.predictions,
        scores=[columns(stored.scores)],
        evidence=evidence,
        log=[_latency(seed, seconds, series.seconds_per_sample) for seed, seconds in stored.seconds.items()],
        weights=stored.arrays,
        preprocess={"Standardise": {"fitted on samples": list(parts["train"])}, **ways[0].view.fitted},
    )


def _window(task: Any, series: Recording) -> tuple[tuple[int, ...], Parts]:
    """The horizons in samples, and the parts of the record.

    Raises:
        DataError: nothing is left to score.
    """
    samples = len(series.values)
    horizons: tuple[int, ...] = task.horizons(series.seconds_per_sample)
    parts: Parts = task.parts(samples, series.seconds_per_sample)
    first, end = parts["score"]
    if end - first <= max(horizons):
        seconds = samples * series.seconds_per_sample
        raise DataError(
            f"the record has {samples} samples ({seconds:.1f} s), which leaves nothing to score",
            where=f"recording '{series.item}'",
            do=f"Records must be longer than {task.score_from_s + max(task.horizons_s):g} s, or lower score_from_s",
        )
    return horizons, parts


def _ways(asked: Asked, views: tuple[View, ...], horizons: tuple[int, ...], parts: Parts) -> list[_Way]:
    """For each horizon the view that loses least on the choosing part, with the settings chosen there; grouped by view."""
    tried = [_chosen(asked, view, horizons, parts) for view in views]
    if len(tried) == 1:
        return tried
    losses = np.array([_losses(asked, way, parts) for way in tried])
    best = np.argmin(np.where(np.isfinite(losses), losses, np.inf), axis=0)
    groups = {number: [i for i in range(len(horizons)) if best[i] == number] for number in np.unique(best)}
    return [
        replace(
            tried[number],
            horizons=tuple(horizons[i] for i in places),
            chosen=tuple(tried[number].chosen[i] for i in places),
        )
        for number, places in groups.items()
    ]


def _chosen(asked: Asked, view: View, horizons: tuple[int, ...], parts: Parts) -> _Way:
    way = _Way(view, horizons, (asked.model,) * len(horizons))
    series = view.series
    chosen = choose(
        asked.model,
        asked.search,
        way.setting,
        series.values,
        parts,
        asked.protocol,
        asked.seeds[0],
        series.points,
        ready=lambda model, seed: asked.ready(model, seed, way.setting),
    )
    return replace(way, chosen=tuple(chosen))


def _losses(asked: Asked, way: _Way, parts: Parts) -> list[float]:
    """What each horizon of a view loses, on the same frames that settings were chosen on."""
    end = parts["choose"][1]
    known = way.view.series.values[:end]
    protocol = (asked.search.protocol if asked.search else "") or asked.protocol
    losses = {}
    for chosen in dict.fromkeys(way.chosen):
        horizons = tuple(h for h, other in zip(way.horizons, way.chosen, strict=True) if other == chosen)
        setting = replace(way.setting, horizons=horizons)
        model = asked.ready(chosen, asked.seeds[0], way.setting)
        found = compared(model, setting, known, parts, protocol, asked.seeds[0])
        for horizon, (_, forecasts) in zip(horizons, found, strict=True):
            losses[horizon] = way.view.loss(horizon, end - len(forecasts), forecasts)
    return [losses[horizon] for horizon in way.horizons]


def _stream_way(asked: Asked, way: _Way, parts: Parts, stored: _Stored, prefix: str) -> None:
    """Stream every seed; the first is probed and its state kept, and the predictions of the first five are."""
    values, (first, end) = way.view.series.values, parts["score"]
    for seed in asked.seeds:
        models = [asked.ready(model, seed, way.setting) for model in way.chosen]
        stream = stream_all(models, way.setting, values, parts["train"][1], asked.protocol, seed)
        if seed in asked.seeds[:SEEDS_PER_CELL]:  # of hundreds of runs the scores tell all that verdicts need
            stored.predictions.append(_block(way, first, end, seed, stream.forecasts))
        stored.scores.extend(_scores(way, first, end, seed, stream.forecasts))
        stored.seconds[seed] = stored.seconds.get(seed, 0.0) + stream.seconds
        if seed == asked.seeds[0]:
            state = stream.forecaster.state()
            stored.arrays |= {f"seed{seed}/{prefix}{name}": array for name, array in state.items()}
            for i, horizon in enumerate(way.horizons):
                kept = way.view.keep(horizon, first, stream.forecasts[i, first:end])
                stored.arrays |= {f"view/h{horizon}/{name}": array for name, array in kept.items()}
            stored.future |= _probed(way, parts, asked.protocol, seed, models, stream)
    for horizon, model in zip(way.horizons, way.chosen, strict=True):
        stored.chosen[str(horizon)] = {**describe(model).settings, **way.view.settings}


def _probed(
    way: _Way, parts: Parts, protocol: str, seed: int, models: list[ForecastModel], stream: Stream
) -> dict[str, Any]:
    """What HIL005 reads; a view may say that what it scores is made from the very sample that is forecast (a ceiling)."""
    found = probe(models, way.setting, way.view.series.values, parts, protocol, seed, stream)
    if getattr(way.view, "knows_target", False):
        return {horizon: {**probed, "knows_target": True} for horizon, probed in found.items()}
    return found


def _block(way: _Way, first: int, end: int, seed: int, forecasts: Array) -> Block:
    series, horizons = way.view.series, way.horizons
    times = np.arange(first, end)
    return {
        "item": series.item,
        "subject": series.subject,
        "seed": np.int32(seed),
        "horizon": np.repeat(np.asarray(horizons, dtype=np.int32), len(times)),
        "time": np.tile(times, len(horizons)).astype(np.int32),
        **channel_columns(
            np.tile(series.values[first:end], (len(horizons), 1)),
            forecasts[:, first:end].reshape(-1, forecasts.shape[2]),
            tuple(series.channels),
        ),
    }


def _scores(way: _Way, first: int, end: int, seed: int, forecasts: Array) -> list[dict[str, Any]]:
    series = way.view.series
    return [
        {
            "item": series.item,
            "subject": series.subject,
            "seed": seed,
            "horizon": horizon,
            "horizon_s": horizon * series.seconds_per_sample,
            **way.view.statistics(horizon, first, forecasts[index, first:end]),
        }
        for index, horizon in enumerate(way.horizons)
    ]


def _latency(seed: int, seconds: Array, interval: float) -> dict[str, Any]:
    return {
        "event": "latency",
        "seed": seed,
        "p50_ms": 1e3 * float(np.percentile(seconds, 50)),
        "p99_ms": 1e3 * float(np.percentile(seconds, 99)),
        "share_of_interval_p99": float(np.percentile(seconds, 99)) / interval,
    }
