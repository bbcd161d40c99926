"""The forecast runner: streams a record past a forecaster, and is the only code that hands out labels.

    causal      at sample t: observe s(t); learn every pair (t - h, t) whose label has just arrived; predict
    published   at sample t: observe s(t); predict; learn the pair (t, t + h) at once, though s(t + h) lies ahead of the clock

The second is the order of operations of the code released with arXiv 2403.01607 and arXiv 2106.01100. Whatever the protocol,
scaling is fitted on the train part, settings are chosen on the part that the task sets aside, and figures come from the rest.
A cheap probe stores what HIL005 needs: the forecast made at one sample is made again from the record cut off there, and once
more with everything after it moved far away.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.component import change
from hilum.core.errors import DataError, UsageError
from hilum.core.experiment import Search
from hilum.core.kinds.forecast import PROTOCOLS, Forecaster, ForecastModel, ForecastSetting
from hilum.core.outcome import Block, Outcome, channel_columns, columns
from hilum.metrics.forecast import METRICS, statistics
from hilum.modalities.series.sample import Series, assess

Array = NDArray[np.float64]
PERTURBATION = 1000.0  # in the series' unit: far outside any breath, so that a forecaster that looks ahead must move


@dataclass(frozen=True)
class Stream:
    """What came out of one pass over a record.

    Attributes:
        forecasts: (horizons, samples, channels); entry [i, t] is the forecast of sample t made horizons[i] earlier.
        labels_ahead: For each horizon, by how many samples a label used was later than the clock of the next forecast.
        seconds: Time each sample took, observe to learn.
        forecaster: In its last state.
    """

    forecasts: Array
    labels_ahead: tuple[int, ...]
    seconds: Array
    forecaster: Forecaster


def run(
    *,
    task: Any,
    model: ForecastModel,
    protocol: str,
    search: Search | None,
    seeds: tuple[int, ...],
    samples: list[Series],
    fold: int | None = None,
    control: str = "",
) -> Iterator[Outcome]:
    """One outcome a series: choose settings where asked, stream every seed, score, probe."""
    if protocol not in PROTOCOLS:
        raise UsageError(f"there is no protocol '{protocol}' for forecasts", do=f"Choose one of {', '.join(PROTOCOLS)}")
    for series in samples:
        # One memory order for all: sums run in it, so a record and its prefix would differ in their last bits otherwise.
        ordered = replace(series, values=np.ascontiguousarray(series.values))
        yield _run_one(task, model, protocol, search, seeds, ordered)


def _run_one(
    task: Any, model: ForecastModel, protocol: str, search: Search | None, seeds: tuple[int, ...], series: Series
) -> Outcome:
    usable = assess(series)
    if usable.quality == 0:
        raise DataError(
            f"the recording cannot be used: {usable.reason}",
            where=f"recording '{series.item}'",
            do="Mend it, or leave it out and say so",
        )
    horizons = task.horizons(series.seconds_per_sample)
    parts = task.parts(series.samples, series.seconds_per_sample)
    first, end = parts["score"]
    if end - first <= max(horizons):
        raise DataError(
            f"the record has {series.samples} samples ({series.seconds:.1f} s), which leaves nothing to score",
            where=f"recording '{series.item}'",
            do=f"Records must be longer than {task.score_from_s + max(task.horizons_s):g} s, or lower score_from_s",
        )
    setting = ForecastSetting(series.values.shape[1], horizons, series.seconds_per_sample, series.unit)
    chosen = choose(model, search, setting, series.values, parts, protocol, seeds[0], series.points)
    blocks, scores, log, states = [], [], [], {}
    evidence: dict[str, Any] = {}
    for seed in seeds:
        stream = stream_all(chosen, setting, series.values, parts["train"][1], protocol, seed)
        blocks.append(_block(series, horizons, first, end, seed, stream.forecasts))
        scores.extend(_scores(series, horizons, first, end, seed, stream.forecasts))
        log.append(_latency(seed, stream.seconds, series.seconds_per_sample))
        if seed == seeds[0]:
            states = {f"seed{seed}/{name}": array for name, array in stream.forecaster.state().items()}
            evidence["future"] = {
                "unit": series.unit,
                "horizons": probe(chosen, setting, series.values, parts, protocol, seed, stream),
            }
    evidence["chosen"] = {str(h): _settings(candidate) for h, candidate in zip(horizons, chosen, strict=True)}
    evidence["searched"] = search is not None
    evidence["personal"] = True
    evidence["preprocessing"] = {"fitted on": "train", "first": parts["train"][0], "end": parts["train"][1]}
    evidence["scored"] = {"first": first, "end": end, "horizons": list(horizons)}
    split = [
        {"item": series.item, "subject": series.subject, "part": part, "first": a, "end": b}
        for part, (a, b) in parts.items()
    ]
    return Outcome(
        item=series.item,
        split=[columns(split)],
        predictions=blocks,
        scores=[columns(scores)],
        evidence=evidence,
        log=log,
        weights=states,
        preprocess={"Standardise": {"fitted on samples": list(parts["train"])}},
    )


def stream_record(
    model: ForecastModel,
    setting: ForecastSetting,
    values: Array,
    warm_up: int,
    protocol: str,
    seed: int,
    *,
    stop: int | None = None,
    forecaster: Forecaster | None = None,
) -> Stream:
    """Pass `values` (samples, channels) once, up to sample `stop` (exclusive; all by default).

    A `forecaster` that has run before may be passed on; it then begins with what it knows.
    """
    horizons = setting.horizons
    total = len(values)
    forecasts = np.full((len(horizons), total, setting.channels), np.nan)
    forecaster = forecaster or model.start(setting, values[:warm_up], seed)
    ahead = [0] * len(horizons)
    end = total if stop is None else stop
    seconds = np.empty(end)
    for t in range(end):
        began = time.perf_counter()
        forecaster.observe(values[t])
        if protocol == "causal":
            for horizon in horizons:
                if t >= horizon:
                    forecaster.learn(t - horizon, horizon, values[t])
        out = forecaster.predict()
        if protocol == "published":
            for index, horizon in enumerate(horizons):
                if t + horizon < total:
                    forecaster.learn(t, horizon, values[t + horizon])
                    ahead[index] = max(ahead[index], horizon - 1)
        seconds[t] = time.perf_counter() - began
        for index, horizon in enumerate(horizons):
            if t + horizon < total:
                forecasts[index, t + horizon] = out[index]
    return Stream(forecasts, tuple(ahead), seconds, forecaster)


def stream_all(
    chosen: list[ForecastModel],
    setting: ForecastSetting,
    values: Array,
    warm_up: int,
    protocol: str,
    seed: int,
    **only: Any,
) -> Stream:
    """Stream each distinct chosen setting with the horizons that chose it, and put the forecasts together."""
    merged: Stream | None = None
    groups: dict[ForecastModel, list[int]] = {}
    for index, model in enumerate(chosen):
        groups.setdefault(model, []).append(index)
    for model, indices in groups.items():
        part = ForecastSetting(
            setting.channels, tuple(setting.horizons[i] for i in indices), setting.seconds_per_sample, setting.unit
        )
        stream = stream_record(model, part, values, warm_up, protocol, seed, **only)
        if len(groups) == 1:
            return stream
        if merged is None:
            shape = (len(setting.horizons), *stream.forecasts.shape[1:])
            merged = Stream(
                np.full(shape, np.nan), (0,) * len(chosen), np.zeros_like(stream.seconds), stream.forecaster
            )
        merged.forecasts[indices] = stream.forecasts
        ahead = list(merged.labels_ahead)
        for position, index in enumerate(indices):
            ahead[index] = stream.labels_ahead[position]
        merged = Stream(merged.forecasts, tuple(ahead), merged.seconds + stream.seconds, stream.forecaster)
    assert merged is not None
    return merged


def choose(
    model: ForecastModel,
    search: Search | None,
    setting: ForecastSetting,
    values: Array,
    parts: dict[str, tuple[int, int]],
    protocol: str,
    seed: int,
    points: int,
) -> list[ForecastModel]:
    """For each horizon the candidate with the best `search.metric` before scoring begins; the first wins a tie.

    Only samples before the scored part are passed on, so no choice can see a figure it will be judged by.
    """
    if search is None:
        return [model] * len(setting.horizons)
    metric = next((m for m in METRICS if m.name == search.metric), None)
    if metric is None:
        raise UsageError(
            f"there is no forecast metric '{search.metric}'", where="Search", do="See `hilum show forecast`"
        )
    names = [name for name, _ in search.over]
    best = np.full(len(setting.horizons), np.inf)
    chosen: list[ForecastModel] = [model] * len(setting.horizons)
    for combination in product(*(candidates for _, candidates in search.over)):
        candidate: ForecastModel = change(model, **dict(zip(names, combination, strict=True)))
        compared = _compared(candidate, setting, values[: parts["choose"][1]], parts, protocol, seed)
        for index, (target, forecast) in enumerate(compared):
            row = statistics(target, forecast, points=points, seconds_per_sample=setting.seconds_per_sample)
            score = metric({name: np.array([value]) for name, value in row.items()}).value
            loss = -score if metric.direction == "higher" else score
            if loss < best[index]:
                best[index], chosen[index] = loss, candidate
    return chosen


def _compared(
    candidate: ForecastModel,
    setting: ForecastSetting,
    known: Array,
    parts: dict[str, tuple[int, int]],
    protocol: str,
    seed: int,
) -> Iterator[tuple[Array, Array]]:
    """For each horizon, the samples of the choosing part and a candidate's forecasts of them.

    A model that is fitted once is compared on what lies after its fitting part. As published, the fitted map is also applied to
    origins before the end of that part; causally, only forecasts made from there on count.
    """
    stream = stream_record(candidate, setting, known, parts["train"][1], protocol, seed)
    ready = round(getattr(candidate, "fit_seconds", 0.0) / setting.seconds_per_sample)
    if ready and protocol == "published":
        stream = stream_record(
            candidate, setting, known, parts["train"][1], protocol, seed, forecaster=stream.forecaster
        )
    for index, horizon in enumerate(setting.horizons):
        made = ready - 1 + horizon if ready and protocol == "causal" else ready
        first = max(parts["choose"][0], made)
        yield known[first:], stream.forecasts[index, first:]


def probe(
    chosen: list[ForecastModel],
    setting: ForecastSetting,
    values: Array,
    parts: dict[str, tuple[int, int]],
    protocol: str,
    seed: int,
    full: Stream,
) -> dict[str, Any]:
    """Does the forecast made at one sample change when what comes after is cut off, or moved far away?"""
    furthest = max(setting.horizons)
    origin = min(parts["score"][0] + 2 * furthest, len(values) - 1 - furthest)
    cut = values[: origin + 1]
    moved = values.copy()
    moved[origin + 1 :] += PERTURBATION
    found = {}
    ends = {"truncated": cut, "perturbed": moved}
    again = {
        name: _last_forecast(chosen, setting, record, parts["train"][1], protocol, seed, origin)
        for name, record in ends.items()
    }
    for index, horizon in enumerate(setting.horizons):
        reference = full.forecasts[index, origin + horizon]
        found[str(horizon)] = {
            "origin": origin,
            "labels_ahead": full.labels_ahead[index],
            **{
                f"{name}_max_difference": float(np.max(np.abs(forecast[index] - reference)))
                for name, forecast in again.items()
            },
        }
    return found


def _last_forecast(
    chosen: list[ForecastModel],
    setting: ForecastSetting,
    record: Array,
    warm_up: int,
    protocol: str,
    seed: int,
    origin: int,
) -> Array:
    # Room for the forecast beyond a record that was cut off: NaN, which no learner may be given.
    furthest = max(setting.horizons)
    room = np.full((max(0, origin + furthest + 1 - len(record)), record.shape[1]), np.nan)
    longer = np.concatenate([record, room])
    stream = stream_all(chosen, setting, longer, warm_up, protocol, seed, stop=origin + 1)
    return np.stack([stream.forecasts[i, origin + h] for i, h in enumerate(setting.horizons)])


def _block(series: Series, horizons: tuple[int, ...], first: int, end: int, seed: int, forecasts: Array) -> Block:
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


def _scores(
    series: Series, horizons: tuple[int, ...], first: int, end: int, seed: int, forecasts: Array
) -> list[dict[str, Any]]:
    return [
        {
            "item": series.item,
            "subject": series.subject,
            "seed": seed,
            "horizon": horizon,
            "horizon_s": horizon * series.seconds_per_sample,
            **statistics(
                series.values[first:end],
                forecasts[index, first:end],
                points=series.points,
                seconds_per_sample=series.seconds_per_sample,
            ),
        }
        for index, horizon in enumerate(horizons)
    ]


def _latency(seed: int, seconds: Array, interval: float) -> dict[str, Any]:
    return {
        "event": "latency",
        "seed": seed,
        "p50_ms": 1e3 * float(np.percentile(seconds, 50)),
        "p99_ms": 1e3 * float(np.percentile(seconds, 99)),
        "share_of_interval_p99": float(np.percentile(seconds, 99)) / interval,
    }


def _settings(model: Any) -> dict[str, Any]:
    from hilum.core.component import describe

    return describe(model).settings
