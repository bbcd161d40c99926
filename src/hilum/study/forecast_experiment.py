"""From a study of forecasts to the cells that answer it: every recording by every forecaster, and by holding the last value.

Of a film the image of h frames ago stands beside them, too: a forecast image that is not closer than that is of no use.

size     recordings   seeds of what draws at random
smoke    the first    1
quick    all          2
full     all          5
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hilum.core.data import Item
from hilum.core.errors import DataError, HilumError, UsageError
from hilum.core.experiment import Arm, Experiment, Preset, cells
from hilum.models.hold_last import HoldLast
from hilum.study.forecast import ForecastStudy
from hilum.study.models import only
from hilum.tasks.frame_ahead import FrameAhead

PROTOCOL = "causal"


@dataclass(frozen=True)
class Recording:
    """A recording as it was read.

    Attributes:
        item: Its id.
        subject: Whose it is; None where nothing says.
        samples: Samples, or frames.
        seconds_per_sample: Their interval, s.
        account: What became of the rows of its file, as plain data.
        words: The same in a sentence.
    """

    item: str
    subject: str | None
    samples: int
    seconds_per_sample: float
    account: dict[str, Any]
    words: str

    @property
    def seconds(self) -> float:
        """Its length, s."""
        return self.samples * self.seconds_per_sample


def experiment(
    study: ForecastStudy, preset: Preset, models: tuple[str, ...] = ()
) -> tuple[Experiment, tuple[Recording, ...]]:
    """The cells of a study in one size, and its recordings, each of which is read once so that faults show before anything runs.

    Raises:
        UsageError: a model that the study does not have, or a horizon that is no whole number of samples.
        DataError: a recording, by file, column and row, or one that is too short for its parts.
    """
    recordings = tuple(_read(study, item) for item in study.dataset.items(study.folder))
    items = [recording.item for recording in recordings]
    trivial = [Arm(study.dataset, study.task, HoldLast(), PROTOCOL, title="hold last")]
    if isinstance(study.task, FrameAhead):
        still = replace(study.task, shown="previous image")
        trivial.append(Arm(study.dataset, still, HoldLast(), PROTOCOL, title="previous image"))
    asked = [
        Arm(study.dataset, study.task, one.model, PROTOCOL, one.search, title=one.title)
        for one in only(study.models, models, where=str(study.path))
    ]
    listed = cells(
        [*trivial, *asked],
        items=preset.choose(smoke=items[:1], quick=items, full=items),
        seeds=preset.seed_range(smoke=1, quick=2, full=5),
    )
    return Experiment(study.name, listed, {study.dataset.name: study.folder}), recordings


def _read(study: ForecastStudy, item: Item) -> Recording:
    """One recording, long enough and at a rate that the horizons fit."""
    where = str(study.folder / item.attributes["name"])
    if study.about == "trace":
        series, account = study.dataset.read(study.folder, item)
        found = Recording(
            item.id, series.subject, series.samples, series.seconds_per_sample, account.to_json(), account.in_words()
        )
    else:
        video = study.dataset.load(study.folder, item)
        shown = {"frames": video.count, "height": video.height, "width": video.width, "pixel_mm": video.pixel_mm}
        found = Recording(
            item.id,
            video.subject,
            video.count,
            video.seconds_per_frame,
            {**shown, "levels": video.levels, "rate_hz": 1.0 / video.seconds_per_frame, "seconds": video.seconds},
            f"{video.count:,} frames of {video.height} x {video.width} pixels of {video.pixel_mm:.3g} mm, "
            f"{1.0 / video.seconds_per_frame:.4g} a second",
        )
    _refuse_short(study, found, where)
    return found


def _refuse_short(study: ForecastStudy, recording: Recording, where: str) -> None:
    task = study.task
    try:
        furthest = max(task.horizons(recording.seconds_per_sample))
    except HilumError as error:
        rate = " or state rate_hz, and the trace is put on that grid" if study.about == "trace" else ""
        raise type(error)(
            error.what, where=f"{where}, horizons_s", do=f"{error.do},{rate}" if rate else error.do
        ) from error
    parts = task.parts(recording.samples, recording.seconds_per_sample)
    chosen = any(one.search is not None for one in study.models) or len(getattr(task, "components", ())) > 1
    if chosen and parts["choose"][1] - parts["choose"][0] < furthest:
        raise UsageError(
            f"{task.score_from_s - task.train_s:g} s lie between train_s and score_from_s, and settings are to be chosen there",
            where=f"{study.path}, [forecast]",
            do=f"Leave at least {max(task.horizons_s):g} s between them, or list no candidates",
        )
    first, end = parts["score"]
    if end - first <= furthest:
        raise DataError(
            f"the recording is {recording.seconds:.4g} s long, which leaves nothing to score from {task.score_from_s:g} s on",
            where=where,
            do=f"It must be longer than {task.score_from_s + max(task.horizons_s):g} s: lower score_from_s (and train_s), "
            "or leave the recording out",
        )


def statement(study: ForecastStudy, recordings: tuple[Recording, ...]) -> dict[str, str]:
    """What was asked, in words, for the report; what the author did not say is said to be missing."""
    use, task = study.use, study.task
    ahead = ", ".join(f"{seconds:g}" for seconds in task.horizons_s)
    noun = "frame" if study.about == "film" else "sample"
    said = {
        "intended use": use.intended,
        "population": use.population,
        "time zero": _and(f"each {noun} of a recording, from {task.score_from_s:g} s on", use.time_zero),
        "horizon": _and(f"{ahead} s ahead", use.horizon),
        "outcome": _and(_outcome(study), use.outcome),
        "predictors": _and(f"the recording's own {noun}s up to the one at hand", use.predictors),
        "dates": use.dates,
        "sites": use.sites,
        "limits": use.limits,
    }
    stated = {name: text or "not stated by the author of the study" for name, text in said.items()}
    return {
        **stated,
        "unit of analysis": "the recording; intervals are over recordings",
        "split": f"inside each recording, by time: up to {task.train_s:g} s scaling may be fitted, up to {task.score_from_s:g} s "
        "settings may be chosen, and figures are made of what follows",
        "validation": "internal: each recording is forecast from its own past",
        "tuning": f"where a model lists candidates, by {study.metric} from {task.train_s:g} to {task.score_from_s:g} s, for each "
        "recording and horizon",
        "missing values": _missing(study, recordings),
    }


def told(study: ForecastStudy, recordings: tuple[Recording, ...]) -> dict[str, Any]:
    """What a report of a study says beside its figures."""
    return {
        "name": study.name,
        "title": study.title,
        "file": study.path.read_text(encoding="utf-8-sig"),
        "kind": "forecast",
        "about": study.about,
        "target": _outcome(study),
        "unit": getattr(study.dataset, "unit", "grey"),
        "attrition": [
            *(
                {"why": f"{why} (before these data were gathered)", "records": count}
                for why, count in study.use.excluded
            ),
            *_attrition(recordings),
        ],
        "recordings": [
            {"item": one.item, "subject": one.subject, "seconds": one.seconds, **one.account} for one in recordings
        ],
        "access": study.origin.access,
        "future": study.use.future,
        "waivers": [{"code": one.code, "reason": one.reason} for one in study.audit.waive],
    }


def own_data(study: ForecastStudy, recordings: tuple[Recording, ...]) -> dict[str, Any]:
    """The recordings as a report lists them among the data; no name of a file, which could name a person."""
    known = all(one.subject is not None for one in recordings)
    return {
        "name": study.dataset.name,
        "title": study.origin.source or f"{study.about}s of one's own",
        "licence": study.origin.licence or "not stated",
        "subjects": "known" if known else "unknown",
        "synthetic": study.origin.synthetic,
        "items": len(recordings),
        "access": study.origin.access,
        "cite": list(study.origin.cite),
        "notes": list(dict.fromkeys(one.words for one in recordings)),
    }


def _and(known: str, said: str) -> str:
    return f"{known}; {said}" if said else known


def _outcome(study: ForecastStudy) -> str:
    if study.about == "film":
        return "the frame"
    dataset = study.dataset
    return f"{', '.join(dataset.columns.channels)} ({dataset.unit})"


def _missing(study: ForecastStudy, recordings: tuple[Recording, ...]) -> str:
    if study.about == "film":
        return "no frame is missing: a film with a gap is refused"
    held, missing = (sum(one.account[key] for one in recordings) for key in ("held", "missing"))
    return (
        f"{held:,} samples repeat the one before, {missing:,} lack a value; a forecaster sees the last value instead, learns nothing "
        "from what is missing, and is not scored there"
    )


def _attrition(recordings: tuple[Recording, ...]) -> list[dict[str, Any]]:
    """Rows of the files that became no sample, over all recordings."""
    why = {
        "empty_rows": "rows without any value",
        "repeated": "rows that repeat the one above them",
        "skipped": "rows between two samples, newer ones having come before the sample was due",
    }
    totals = {key: sum(int(one.account.get(key, 0)) for one in recordings) for key in why}
    return [{"why": why[key], "records": total} for key, total in totals.items() if total]
