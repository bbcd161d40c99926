"""What a page of forecasts shows, read from forecasts.json and results.json: groups of arms that may be compared, causal ones first.

Nothing is averaged here but recordings of a stated group (regular, irregular breathing); every other figure was made by the engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from hilum.core.row import Estimate, Range, read_estimate
from hilum.metrics.stats import PairedDifference, paired_difference, subject_interval
from hilum.report.contents import Contents, Line

OTHERS = ("mae", "nrmse", "max-error", "jitter")
OF_FRAMES = ("ssim", "pearson", "geometric-error", "geometric-error-max", "image-nrmse-roi", "ssim-roi")
SHARES = ("within-2mm", "within-3mm", "within-5mm")
MOST_HORIZONS = 5
LANDMARKS_S = (0.5, 1.0, 2.0)
CAUSAL = "Causal: no label before it exists"
PUBLISHED = "Published order of operations: labels up to h \N{MINUS SIGN} 1 samples later than the clock"


@dataclass(frozen=True)
class ForecastArm:
    """One arm of a group.

    Attributes:
        id: Its id.
        name: Its title.
        short: Its title without what the whole group has in common.
        model: Its model's name.
        protocol: "causal" or "published".
        role: Empty for a competitor; "trivial", "reference" (a picture that stands beside) or "bound" (knows the target).
        figures: Metric to its mean over the compared horizons.
        by_horizon: The leading metric at every horizon that it forecasts, s.
        lost: Runs with a forecast that is not finite.
        runs: All runs.
        recordings: How many it forecast.
        labels_ahead: By how many samples a label was later than the clock, at most; None where that was not looked at.
        latency: p50_ms, p99_ms, worst_p99_ms, share_p99, worst_share_p99; None where nothing is stored.
        searched: over, metric, seeds, protocol; None where nothing was to be chosen.
        chosen: Setting to value to how often it was chosen.
        settings: What it was run with.
        failed: Codes of failed critical checks.
    """

    id: str
    name: str
    short: str
    model: str
    protocol: str
    role: str
    figures: Mapping[str, Estimate]
    by_horizon: Mapping[float, Estimate]
    lost: int
    runs: int
    recordings: int
    labels_ahead: int | None
    latency: Mapping[str, float] | None
    searched: Mapping[str, Any] | None
    chosen: Mapping[str, Mapping[str, int]]
    settings: Mapping[str, Any]
    failed: tuple[str, ...]

    @property
    def horizons(self) -> int:
        """How many horizons it forecasts."""
        return len(self.by_horizon)

    @property
    def twin(self) -> str:
        """The same for two arms that differ only in where their settings were chosen."""
        own = {key: value for key, value in self.settings.items() if key != "chosen from"}
        return f"{self.model} {sorted(own.items())} {sorted(self.by_horizon)}"

    @property
    def tuned_as_published(self) -> bool:
        """Whether its settings are those that the published protocol chooses, though it runs under another."""
        return bool(self.searched) and self.protocol == "causal" and (self.searched or {})["protocol"] == "published"

    def at(self, seconds: float) -> Estimate | None:
        """The leading metric at a horizon."""
        return self.by_horizon.get(round(seconds, 6))


@dataclass(frozen=True)
class Twins:
    """A network under the causal protocol at two settings, paired by recording; the difference is retuned minus published settings."""

    published: ForecastArm
    retuned: ForecastArm
    difference: PairedDifference
    better: int


@dataclass(frozen=True)
class Split:
    """The leading metric of every arm on some of the recordings: `figures` is one estimate an arm, in the order of the group."""

    name: str
    items: tuple[str, ...]
    figures: tuple[Estimate, ...]


@dataclass(frozen=True)
class ForecastGroup:
    """Arms that may be compared.

    Attributes:
        label: As results.json has it.
        heading: For people: dataset, rate, recordings.
        anchor: Its place on the page.
        notes: What the dataset's card says of this rate.
        metrics: Every metric that was read: name to a line that says its title, unit and direction.
        leading: The leading metric's line.
        rates_hz: Sampling rates.
        recordings: Item ids.
        compared_s: Horizons that its arms share.
        arms: Competitors and what stands beside them; best first within a protocol, two settings of one network beside each other.
        splits: Groups of recordings apart.
        film: Whether frames are forecast.
    """

    label: str
    heading: str
    anchor: str
    notes: tuple[str, ...]
    metrics: Mapping[str, Line]
    leading: Line
    rates_hz: tuple[float, ...]
    recordings: tuple[str, ...]
    compared_s: tuple[float, ...]
    arms: tuple[ForecastArm, ...]
    splits: tuple[Split, ...]
    film: bool

    @property
    def shown_s(self) -> tuple[float, ...]:
        """Up to five of the compared horizons: all, or the ends and those nearest to half a second, one and two."""
        if len(self.compared_s) <= MOST_HORIZONS:
            return self.compared_s
        wanted = (self.compared_s[0], *LANDMARKS_S, self.compared_s[-1])
        return tuple(sorted({min(self.compared_s, key=lambda one: (abs(one - want), one)) for want in wanted}))

    @property
    def mean_of(self) -> str:
        """What a mean over horizons is over, in words."""
        if len(self.compared_s) <= MOST_HORIZONS:
            listed = [f"{one:.3g}" for one in self.compared_s]
            return f"{', '.join(listed)} s"
        return f"{len(self.compared_s)} horizons from {self.compared_s[0]:.3g} to {self.compared_s[-1]:.3g} s"

    @property
    def over(self) -> str:
        """What its figures are over, in words."""
        return f"mean of {self.mean_of}" if len(self.compared_s) > 1 else f"at {self.mean_of}"

    @property
    def interval_ms(self) -> str:
        """The sampling interval in words, ms."""
        return (
            " to ".join(dict.fromkeys(f"{1000 / rate:.3g}" for rate in (self.rates_hz[-1], self.rates_hz[0]))) + " ms"
        )

    @property
    def columns(self) -> tuple[Line, ...]:
        """The metrics that stand beside the leading one in its tables."""
        names = OF_FRAMES if self.film else OTHERS
        return tuple(self.metrics[name] for name in names if name in self.metrics and name != self.leading.metric)

    @property
    def shares(self) -> tuple[Line, ...]:
        """Time in the beam tolerance, of positions."""
        return tuple(self.metrics[name] for name in SHARES if name in self.metrics)

    def part(self, protocol: str) -> tuple[ForecastArm, ...]:
        """The arms of a protocol; references and bounds, which do not compete, last."""
        own = [arm for arm in self.arms if arm.protocol == protocol]
        return tuple(sorted(own, key=lambda arm: arm.role in {"reference", "bound"}))

    def value(self, arm: ForecastArm) -> float | None:
        """Its leading figure."""
        found = arm.figures.get(self.leading.metric)
        return None if found is None else found.value

    @cached_property
    def best(self) -> ForecastArm | None:
        """The causal competitor with the best leading figure."""
        return next((arm for arm in self.part("causal") if not arm.role and self.value(arm) is not None), None)

    @property
    def competitors(self) -> int:
        """Causal arms that compete and have a figure."""
        return sum(not arm.role and self.value(arm) is not None for arm in self.part("causal"))

    @property
    def trivial(self) -> ForecastArm | None:
        """The trivial predictor."""
        return next((arm for arm in self.arms if arm.role == "trivial"), None)

    @property
    def bounds(self) -> tuple[ForecastArm, ...]:
        """What knows the target, or the label before it."""
        return tuple(arm for arm in self.arms if arm.role == "bound")

    @property
    def twins(self) -> tuple[Twins, ...]:
        """Every causal network at its two settings."""
        found = []
        for first in self.part("causal"):
            second = next((arm for arm in self.part("causal") if _is_retuned(arm, first)), None)
            if second is None:
                continue
            a, b = (_by_unit(arm.figures.get(self.leading.metric)) for arm in (second, first))
            sign = 1.0 if self.leading.direction == "lower" else -1.0
            better = sum(sign * a[unit] < sign * b[unit] for unit in a.keys() & b.keys())
            found.append(Twins(first, second, paired_difference(a, b), better))
        return tuple(found)


def _is_retuned(arm: ForecastArm, other: ForecastArm) -> bool:
    own = arm.searched is not None and not arm.tuned_as_published
    return other.tuned_as_published and own and arm.twin == other.twin


def _by_unit(estimate: Estimate | None) -> dict[str, float]:
    if estimate is None:
        return {}
    return {unit.unit: unit.value for unit in estimate.per_unit if unit.value is not None}


def read_forecasts(contents: Contents) -> tuple[ForecastGroup, ...]:
    """Every group of a run; none where nothing was forecast."""
    return tuple(_group(contents, data, number) for number, data in enumerate(contents.groups, 1))


def _group(contents: Contents, data: Mapping[str, Any], number: int) -> ForecastGroup:
    ids = {arm["arm_id"] for arm in data["arms"]}
    lines = [line for line in contents.lines if line.arm_id in ids]
    metrics = {line.metric: line for line in reversed(lines)}
    leading = metrics[data["leading"]]
    listed = {arm["id"]: arm for arm in contents.info["arms"]}
    common = _common([listed[arm["arm_id"]]["name"] for arm in data["arms"]])
    arms = [_arm(contents, arm, listed[arm["arm_id"]], lines, leading.metric, common) for arm in data["arms"]]
    ordered = tuple(_ordered(arms, leading))
    count = len(data["recordings"])
    own = str(
        (contents.info.get("study") or {}).get("title") or ""
    )  # of one's own data the study's title says what they are
    named = own or ", ".join(_with(data["label"].split(", "), common))
    return ForecastGroup(
        label=data["label"],
        heading=f"{named}, {count} recording{'' if count == 1 else 's'}",
        anchor=f"group-{number}",
        notes=_notes(contents, data),
        metrics=metrics,
        leading=leading,
        rates_hz=tuple(data["rates_hz"]),
        recordings=tuple(data["recordings"]),
        compared_s=tuple(data["compared_s"]),
        arms=ordered,
        splits=_splits(contents, data["recordings"], ordered, leading),
        film=data["task"] == "frame_ahead" or leading.metric.startswith(("image-", "ssim")),
    )


def _arm(
    contents: Contents,
    data: Mapping[str, Any],
    told: Mapping[str, Any],
    lines: Sequence[Line],
    leading: str,
    common: Sequence[str],
) -> ForecastArm:
    figures = {name: read_estimate(found) for name, found in data["figures"].items()}
    failed = {
        check.code
        for check in contents.checks
        if check.arm_id == data["arm_id"] and check.status == "fail" and check.severity == "critical"
    }
    return ForecastArm(
        id=data["arm_id"],
        name=told["name"],
        short=_short(told["name"], told["protocol"], common),
        model=told["model"],
        protocol=told["protocol"],
        role=data["role"],
        figures={name: found for name, found in figures.items() if found is not None},
        by_horizon={
            round(line.horizon_s, 6): line.estimate
            for line in lines
            if line.arm_id == data["arm_id"] and line.metric == leading and line.horizon_s is not None
        },
        lost=data["lost"],
        runs=data["runs"],
        recordings=data["recordings"],
        labels_ahead=data["labels_ahead"],
        latency=data["latency"],
        searched=data["searched"],
        chosen=data["chosen"],
        settings=told["settings"],
        failed=tuple(sorted(failed)),
    )


def _ordered(arms: Sequence[ForecastArm], leading: Line) -> list[ForecastArm]:
    """Best first; two settings of one network stand beside each other, where the better of them would stand."""
    sign = 1.0 if leading.direction == "lower" else -1.0

    def rank(arm: ForecastArm) -> float:
        found = arm.figures.get(leading.metric)
        return float("inf") if found is None or found.value is None else sign * found.value

    blocks: dict[str, list[ForecastArm]] = {}
    for arm in sorted(arms, key=rank):
        beside = any(_is_retuned(arm, other) or _is_retuned(other, arm) for other in arms)
        blocks.setdefault(f"{arm.protocol} {arm.twin}" if beside else arm.id, []).append(arm)
    return [arm for block in blocks.values() for arm in sorted(block, key=lambda arm: arm.tuned_as_published)]


# ---- names


def _segments(name: str) -> list[str]:
    return name.partition(" (")[0].split(", ")[1:]


def _common(names: Sequence[str]) -> tuple[str, ...]:
    """What stands behind a comma in every title."""
    if len(names) < 2:
        return ()
    return tuple(part for part in _segments(names[0]) if all(part in _segments(name) for name in names[1:]))


def _short(name: str, protocol: str, common: Sequence[str]) -> str:
    base, _, tail = name.partition(" (")
    kept = [part for part in base.split(", ") if part not in common]
    told = [part for part in tail.removesuffix(")").split(", ") if part and part != protocol]
    return ", ".join(kept) + (f" ({', '.join(told)})" if told else "")


def _with(label: Sequence[str], common: Sequence[str]) -> list[str]:
    """A label with what its titles share: "30 Hz spline" takes the place of "30 Hz"."""
    parts = list(label)
    for text in common:
        same = next((n for n, part in enumerate(parts) if text.startswith(part)), None)
        if same is None:
            parts.append(text)
        else:
            parts[same] = text
    return parts


def _notes(contents: Contents, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Notes of the dataset's card about this sampling rate: those whose first rate it is."""
    found = []
    for card in contents.info.get("datasets", ()):
        for note in card.get("notes", ()) if card["name"] == data["dataset"] else ():
            rate = re.search(r"(\d+(?:\.\d+)?) Hz", note)
            if rate and any(abs(float(rate.group(1)) - own) < 0.01 * own for own in data["rates_hz"]):
                found.append(str(note))
    return tuple(found)


# ---- groups of recordings


def _splits(
    contents: Contents, recordings: Sequence[str], arms: Sequence[ForecastArm], leading: Line
) -> tuple[Split, ...]:
    """The paper's groups of recordings, and those in none; empty where a group holds no recording of this run."""
    told = contents.info.get("recording_groups") or {}
    groups = {name: tuple(item for item in items if item in recordings) for name, items in told.items()}
    groups = {name: items for name, items in groups.items() if items}
    rest = tuple(item for item in recordings if not any(item in items for items in groups.values()))
    if not groups:
        return ()
    if rest:
        groups["in neither" if len(told) == 2 else "in none"] = rest
    return tuple(
        Split(name, items, tuple(_over(arm.figures.get(leading.metric), items, leading) for arm in arms))
        for name, items in groups.items()
    )


def _over(estimate: Estimate | None, items: Sequence[str], leading: Line) -> Estimate:
    """The mean over some of the recordings, made as the mean over all is."""
    values = [value for unit, value in _by_unit(estimate).items() if unit in items]
    if not values:
        return Estimate(None, None, "none of these recordings has a figure")
    positive = leading.direction == "lower" and min(values) > 0
    made = subject_interval(values, scale="log" if positive else "linear")
    mean = sum(values) / len(values)
    if not made.low <= made.high:
        return Estimate(mean, None, f"no interval: {len(values)} recording{'' if len(values) == 1 else 's'}")
    return Estimate(mean, Range(made.low, made.high, made.method, made.n, made.note), "")


# ---- in words


def in_short(group: ForecastGroup, told: Any) -> str:
    """The group in a sentence or two, the causal one first; `told` writes an estimate."""
    best, trivial = group.best, group.trivial
    if best is None:
        return "No causal forecaster has a figure here."
    title, unit = group.leading.metric_title, group.leading.unit
    unit = "" if unit == "1" else f" {unit}"
    first = f"Best of {group.competitors} causal forecasters" if group.competitors > 1 else "Causal"
    text = f"{first}: {best.short}, {title} {told(best.figures[group.leading.metric])}{unit}, {group.over}"
    if trivial is not None and group.value(trivial) is not None:
        text += f"; {trivial.short} {told(replace(trivial.figures[group.leading.metric], interval=None))}{unit}"
    return f"{text}."
