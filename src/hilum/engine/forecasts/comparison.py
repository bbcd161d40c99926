"""Which forecasts may be compared, and what a report says of them: groups of arms, horizons that all of them have, figures over those.

A group   arms that forecast the same recordings, under the same settings of their dataset (so at the same rate), by the same task, scored
          from the same second on. Nothing is ever averaged over groups
Compared  the horizons, in seconds, that every arm of a group has; where none is shared, those that most of them have. An arm's figures
          here are means over these alone, so that one that looks further ahead is not worse for it
Lost      runs (a recording and a seed) with a forecast that is not finite at a compared horizon. They are no part of a figure
Latency   of each sample, from its observation to the forecasts and learning it brings: all horizons of the arm together
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from hilum.core.binding import Estimand
from hilum.core.component import canonical, describe
from hilum.core.experiment import Arm
from hilum.core.run import CellFolder
from hilum.engine.figures import ArmScores, estimate, metrics_of, row_values

if TYPE_CHECKING:
    import polars as pl

Role = Literal["", "trivial", "reference", "bound"]
ROUND = 6  # horizons are equal when they agree to a microsecond


@dataclass(frozen=True)
class Comparison:
    """Arms that may be compared.

    Attributes:
        label: Dataset and sampling rate, and what else sets it apart from other groups.
        members: The arms with their scores, in the order of the experiment.
        rates_hz: Sampling rates of the recordings, ascending.
        compared_s: The compared horizons, s, ascending.
    """

    label: str
    members: tuple[ArmScores, ...]
    rates_hz: tuple[float, ...]
    compared_s: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data: what forecasts.json holds of it."""
        first = self.members[0].arm
        offered = first.dataset.provides.get("series")
        return {
            "label": self.label,
            "dataset": first.dataset.name,
            "task": describe(first.task).name,
            "unit": offered.unit if offered is not None else "",
            "leading": first.task.leading_metric,
            "rates_hz": list(self.rates_hz),
            "recordings": sorted({item for each in self.members for item in each.items}),
            "compared_s": list(self.compared_s),
            "arms": [_member(each, self.compared_s) for each in self.members],
        }


def comparisons(scores: Iterable[ArmScores]) -> tuple[Comparison, ...]:
    """Every group of arms that forecast, in the order of the experiment; controls and arms without a finished cell are in none."""
    groups: dict[str, list[list[ArmScores]]] = {}
    for each in scores:
        if each.arm.task.kind != "forecast" or each.arm.control or not each.frame.height:
            continue
        same = groups.setdefault(_asked(each.arm), [])
        found = next((group for group in same if set(group[0].items) & set(each.items)), None)
        if found is None:
            same.append([each])
        else:
            found.append(each)
    listed = [tuple(group) for same in groups.values() for group in same]
    labels = _labels(listed)
    return tuple(
        Comparison(label, group, _rates(group), _shared(group)) for label, group in zip(labels, listed, strict=True)
    )


def _asked(arm: Arm) -> str:
    task = describe(arm.task)
    return canonical([describe(arm.dataset).to_json(), task.name, task.settings.get("score_from_s")])


def _rates(group: Sequence[ArmScores]) -> tuple[float, ...]:
    pairs = {pair for each in group for pair in each.frame.select("horizon", "horizon_s").unique().iter_rows()}
    return tuple(sorted({float(f"{count / seconds:.6g}") for count, seconds in pairs}))


def horizons_s(scores: ArmScores) -> tuple[float, ...]:
    """The horizons of an arm, s, ascending."""
    return tuple(sorted({round(float(one), ROUND) for one in scores.frame["horizon_s"].unique()}))


def at(scores: ArmScores, seconds: Sequence[float]) -> ArmScores:
    """The scores at some horizons alone, given in seconds."""
    import polars as pl

    return replace(scores, frame=scores.frame.filter(pl.col("horizon_s").round(ROUND).is_in(list(seconds))))


def _shared(group: Sequence[ArmScores]) -> tuple[float, ...]:
    sets = [horizons_s(each) for each in group]
    shared = set(sets[0]).intersection(*sets[1:])
    return tuple(sorted(shared)) if shared else Counter(sets).most_common(1)[0][0]


def _labels(groups: Sequence[Sequence[ArmScores]]) -> list[str]:
    """Dataset and rate; where that is not enough, the plain settings that differ, and else a number."""
    labels = [f"{group[0].arm.dataset.name}, {rate_in_words(_rates(group))}" for group in groups]
    plain = Counter(labels)
    labels = [
        label
        + (
            _apart(group, [one for one, own in zip(groups, labels, strict=True) if own == label])
            if plain[label] > 1
            else ""
        )
        for label, group in zip(labels, groups, strict=True)
    ]
    count = Counter(labels)
    seen: Counter[str] = Counter()
    found = []
    for label in labels:
        seen[label] += 1
        found.append(f"{label} ({seen[label]})" if count[label] > 1 else label)
    return found


def rate_in_words(rates_hz: Sequence[float]) -> str:
    """One rate as "10 Hz"; of several the slowest and the fastest."""
    ends = dict.fromkeys(f"{rate:.3g}" for rate in (rates_hz[0], rates_hz[-1]))
    return f"{' to '.join(ends)} Hz"


def _apart(group: Sequence[ArmScores], groups: Sequence[Sequence[ArmScores]]) -> str:
    own = _plain_settings(group)
    others = [_plain_settings(one) for one in groups]
    told = [value for name, value in own.items() if any(other.get(name) != value for other in others)]
    return "".join(f", {value}" for value in told)


def _plain_settings(group: Sequence[ArmScores]) -> dict[str, str]:
    """Task, and settings of dataset and task that are one number or word; never a list, which could name files."""
    dataset, task = describe(group[0].arm.dataset), describe(group[0].arm.task)
    found = {"": task.name.replace("_", " ")}
    for part in (dataset, task):
        for name, value in part.settings.items():
            if isinstance(value, str | int | float | bool):
                found[name] = str(value) if isinstance(value, str) else f"{name.replace('_', ' ')} {value}"
    return found


# ---- what is said of an arm


def _member(scores: ArmScores, compared: Sequence[float]) -> dict[str, Any]:
    arm = scores.arm
    own = horizons_s(scores)
    usable = set(compared) <= set(own)
    here = at(scores, compared)
    metrics = metrics_of(arm.task.kind)
    read = [name for name in metrics if set(metrics[name].needs) <= set(scores.frame.columns)] if usable else []
    figures = {name: asdict(estimate(here, metrics[name], Estimand(arm.task.unit))) for name in read}
    lost, runs = _lost(here, arm.task.leading_metric) if usable else (0, 0)
    folders = [folder for _, folder in scores.cells if folder.done]
    evidence = [folder.evidence() for folder in folders]
    return {
        "arm_id": arm.id,
        "role": role_of(arm),
        "horizons_s": list(own),
        "recordings": len(scores.items),
        "figures": figures,
        "lost": lost,
        "runs": runs,
        "labels_ahead": _ahead(evidence),
        "latency": _latency(folders),
        "searched": None if arm.search is None else arm.search.to_json(),
        "chosen": _chosen(arm, evidence),
    }


def role_of(arm: Arm) -> Role:
    """What an arm is for: to compete (empty), the trivial predictor, a picture that stands beside, or a bound that knows the target."""
    shown = getattr(arm.task, "shown", "forecast motion")
    if shown == "true field" or (describe(arm.model).name == "repeat_last_label" and arm.protocol == "published"):
        return "bound"
    if shown != "forecast motion":
        return "reference"
    return "trivial" if describe(arm.model).name == arm.task.trivial else ""


def _lost(scores: ArmScores, leading: str) -> tuple[int, int]:
    """Runs with a forecast that is not finite, and all runs."""
    import polars as pl

    values: pl.DataFrame = row_values(scores, metrics_of(scores.arm.task.kind)[leading])
    runs = values.group_by("item", "seed").agg(pl.col("value").is_finite().all().alias("finite"))
    return int((~runs["finite"]).sum()), runs.height


def _ahead(evidence: Sequence[Mapping[str, Any]]) -> int | None:
    """By how many samples a label was later than the clock, at most; None where that was not looked at."""
    found = [
        int(one["labels_ahead"])
        for cell in evidence
        for item in cell.values()
        for one in (item.get("future") or {}).get("horizons", {}).values()
    ]
    return max(found, default=None)


def _latency(folders: Sequence[CellFolder]) -> dict[str, float] | None:
    """Medians over recordings and seeds, and the worst; ms, and shares of the sampling interval."""
    events = [event for folder in folders for event in _events(folder) if event.get("event") == "latency"]
    if not events:
        return None
    p99, share = [one["p99_ms"] for one in events], [one["share_of_interval_p99"] for one in events]
    return {
        "p50_ms": median(one["p50_ms"] for one in events),
        "p99_ms": median(p99),
        "worst_p99_ms": max(p99),
        "share_p99": median(share),
        "worst_share_p99": max(share),
    }


def _events(folder: CellFolder) -> list[dict[str, Any]]:
    path = folder.path / "log.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def _chosen(arm: Arm, evidence: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Of everything that was chosen: value to how often, over recordings, horizons and blocks of seeds."""
    fixed = set(describe(arm.model).settings)
    searched = {} if arm.search is None else dict(arm.search.over)
    found: dict[str, Counter[str]] = {
        name: Counter(dict.fromkeys((_word(one) for one in candidates), 0)) for name, candidates in searched.items()
    }
    for cell in evidence:
        for item in cell.values():
            for settings in (item.get("chosen") or {}).values():
                for name, value in settings.items():
                    if name in searched or name not in fixed:
                        found.setdefault(name, Counter())[_word(value)] += 1
    return {name: dict(tally) for name, tally in found.items()}


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
