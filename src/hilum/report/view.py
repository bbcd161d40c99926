"""What the page of a study shows beside its pictures: tables as plain rows, made once for HTML and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from hilum.core.row import CheckRow, Estimate
from hilum.metrics.curves import confusion_matrix
from hilum.report import preparation
from hilum.report.contents import Contents
from hilum.report.groups import Group
from hilum.report.numbers import figure, told
from hilum.report.plots import range_strip, ticks
from hilum.report.privacy import FEWEST_SHOWN
from hilum.report.tables import PartLine, TableArm, Tables

UNSAID = "not stated by the author of the study"
EXPECTED = (
    "intended use",
    "population",
    "time zero",
    "horizon",
    "outcome",
    "predictors",
    "dates",
    "sites",
    "limits",
    "validation",
)
SAME = {"population": "eligibility", "unit of analysis": "unit"}


@dataclass(frozen=True)
class Glance:
    """One arm in the overview: its leading figure, the same drawn, and what failed."""

    arm: TableArm
    estimate: Estimate | None
    strip: Markup
    permuted: str
    failed: tuple[str, ...]


def unsaid(info: Mapping[str, Any]) -> str:
    """What stands where nothing was stated."""
    return UNSAID if info.get("study") else "not stated"


def no_interval(estimates: Iterable[Estimate | None]) -> str:
    """Why some figures of a table have no interval, each reason once; empty where all have one."""
    why = dict.fromkeys(
        e.reason for e in estimates if e is not None and e.value is not None and not e.interval and e.reason
    )
    return f"No interval: {'; '.join(why)}." if why else ""


def statement(info: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was asked, in words; what nobody stated says so."""
    said = {str(key).replace("_", " "): str(value) for key, value in (info.get("statement") or {}).items()}
    found = []
    for name in EXPECTED:
        text = said.pop(name, "") or said.pop(SAME.get(name, name), "")
        found.append((name, text or unsaid(info)))
    return found + list(said.items())


def glances(tables: Tables, checks: Sequence[CheckRow], *, synthetic: bool) -> tuple[list[Glance], Markup]:
    """Every arm's leading figure on one scale, its permuted-labels controls as dots below; and the scale itself."""
    lines = {arm.id: arm.lines.get(tables.leading.name) for arm in tables.arms}
    permuted = {arm.id: arm.permuted(tables.leading) for arm in tables.arms}
    values = [value for each in permuted.values() for value in each]
    for line in lines.values():
        if line is not None and line.estimate.value is not None:
            values.append(line.estimate.value)
            if line.estimate.interval is not None:
                values += [line.estimate.interval.low, line.estimate.interval.high]
    if not values:
        return [], Markup("")
    low, high, marks = _scale(values, tables)
    unit = tables.leading.unit
    failed: dict[str, list[str]] = {}
    for check in checks:
        if check.status == "fail" and check.arm_id:
            failed.setdefault(check.arm_id, []).append(check.code)
    found = []
    for arm in tables.arms:
        line, dots = lines[arm.id], permuted[arm.id]
        estimate = None if line is None else line.estimate
        said = f"{len(dots)} permutations: {told(min(dots), unit)} to {told(max(dots), unit)}" if dots else ""
        strip = range_strip(estimate, dots, low=low, high=high, colour=arm.colour, synthetic=synthetic)
        found.append(Glance(arm, estimate, strip, said, tuple(sorted(set(failed.get(arm.id, ()))))))
    return found, range_strip(None, (), low=low, high=high, marks=marks)


def metric_rows(tables: Tables) -> list[tuple[str, str, str, list[Estimate | None]]]:
    """Every metric that some arm has a figure of: title, unit, how it was made, and one estimate an arm."""
    return [row for row in _every_metric(tables) if _any_figure(row[3])]


def _any_figure(estimates: Iterable[Estimate | None]) -> bool:
    return any(estimate is not None and estimate.value is not None for estimate in estimates)


def _every_metric(tables: Tables) -> list[tuple[str, str, str, list[Estimate | None]]]:
    names = list(dict.fromkeys(name for arm in tables.arms for name in arm.lines))
    found = []
    for name in names:
        lines = [arm.lines.get(name) for arm in tables.arms]
        first = next(line for line in lines if line is not None)
        unit = tables.unit or first.unit if first.unit.startswith("unit of the target") else first.unit
        if first.unit.endswith("squared") and tables.unit:
            unit = f"{tables.unit}, squared"
        found.append(
            (
                first.metric_title,
                unit,
                first.estimand,
                [None if line is None else line.estimate for line in lines],
            )
        )
    return found


def undefined_metrics(tables: Tables) -> list[tuple[str, str]]:
    """Metrics that no model has a figure of: their titles together, and why."""
    why: dict[str, list[str]] = {}
    for title, _, _, estimates in _every_metric(tables):
        if not _any_figure(estimates):
            reason = next((e.reason for e in reversed(estimates) if e is not None and e.reason), "undefined")
            why.setdefault(reason, []).append(title)
    return [(", ".join(titles), reason) for reason, titles in why.items()]


def calls(tables: Tables, *, small: bool) -> list[list[str]]:
    """How many records of each class (line) the best model calls which (column), of its first seed; counts below ten only where `small`."""
    arm = tables.best
    if arm is None or arm.predicted is None or tables.kind != "classify":
        return []
    rows = arm.predicted.first_seed
    if not np.isfinite(rows.said).all():
        return []
    table = confusion_matrix({"target": rows.target, **{f"p:{k}": rows.said[:, k] for k in range(rows.said.shape[1])}})
    hidden = f"fewer than {FEWEST_SHOWN}"
    return [
        [name, *(f"{count:,}" if small or count >= FEWEST_SHOWN or not count else hidden for count in line.tolist())]
        for name, line in zip(tables.classes, table, strict=True)
    ]


def features(tables: Tables, *, extremes: bool = True) -> list[dict[str, Any]]:
    """Every feature: what the study counted of it, the most missing first; `extremes`, each of one record, only where they may be shown."""
    dropped = dict(tables.dropped)
    listed = [dict(feature) for feature in tables.study.get("features") or ()]
    for feature in listed:
        number = feature.get("type") == "number" and feature.get("median") is not None
        feature["range"] = (
            figure(feature["median"], 3)
            + (f" ({figure(feature['low'], 3)} to {figure(feature['high'], 3)})" if extremes else "")
            if number
            else f"{feature['levels']} levels"
            if "levels" in feature
            else "-"
        )
        feature["dropped"] = dropped.get(feature["name"], "")
        feature["missing"] = float(feature.get("missing") or 0.0)
    return sorted(listed, key=lambda feature: -feature["missing"])


def missing_in_words(tables: Tables) -> str:
    """One sentence on missing values and what was done about them."""
    listed = features(tables)
    if not listed:
        return "Missing values were not counted in this run."
    lacking = [feature for feature in listed if feature["missing"] > 0]
    if not lacking:
        return f"None of the {len(listed)} features has a missing value."
    flag = ", and a column beside it says that it was missing" if preparation.flagged(tables.prepare) else ""
    most = lacking[0]
    half = sum(feature["missing"] > 0.5 for feature in listed)
    more = f"; {half} lack more than half" if half else ""
    return (
        f"{len(lacking)} of {len(listed)} features have missing values, most of all {most['name']} ({100 * most['missing']:.0f} %){more}. "
        f"A missing number is filled by {preparation.fill(tables.prepare) or '-'}{flag}; all of this is learned from train alone."
    )


def part_rows(tables: Tables) -> tuple[list[str], list[list[str]]]:
    """Subjects, records and events by part of the split, one row a fold and part; and the head."""
    if tables.kind == "regress":
        unit = f" ({tables.unit})" if tables.unit else ""
        events = [f"mean{unit}", "s.d."]
    elif tables.binary:
        events = [f"events ({tables.event})", "subjects with an event", "share"]
    else:
        events = [f"class {name}" for name in tables.classes]
    lines = ([] if tables.whole is None else [tables.whole]) + list(tables.parts)
    return ["fold", "part", "subjects", "records", *events], [_part(line, tables) for line in lines]


def _part(line: PartLine, tables: Tables) -> list[str]:
    subjects = "not known" if line.subjects is None else f"{line.subjects:,}"
    row = [line.fold, line.part, subjects, f"{line.records:,}"]
    if tables.kind == "regress":
        return [*row, figure(line.events[0], 4), figure(line.events[1], 3)]
    if tables.binary:
        whose = "not known" if line.event_subjects is None else f"{line.event_subjects[1]:,}"
        return [*row, f"{int(line.events[1]):,}", whose, figure(line.events[1] / max(1, line.records), 3)]
    return [*row, *(f"{int(count):,}" for count in line.events)]


def calibration_rows(tables: Tables) -> tuple[list[TableArm], list[tuple[str, str, list[Estimate | None]]]]:
    """Calibration of every model but the trivial one, whose predictions hardly vary: title, unit, one estimate a model."""
    return _chosen_rows(tables, ("calibration-slope", "calibration-intercept", "observed-expected"))


def benefit_rows(tables: Tables) -> tuple[list[TableArm], list[tuple[str, str, list[Estimate | None]]]]:
    """Net benefit at stated thresholds."""
    return _chosen_rows(tables, ("net-benefit-at-10", "net-benefit-at-20", "net-benefit-at-50"))


def _chosen_rows(
    tables: Tables, names: Sequence[str]
) -> tuple[list[TableArm], list[tuple[str, str, list[Estimate | None]]]]:
    arms = [arm for arm in tables.arms if not arm.trivial] or list(tables.arms)
    found: list[tuple[str, str, list[Estimate | None]]] = []
    for name in names:
        lines = [arm.lines.get(name) for arm in arms]
        first = next((line for line in lines if line is not None), None)
        if first is not None:
            found.append((first.metric_title, first.unit, [None if line is None else line.estimate for line in lines]))
    return arms, found


def group_strips(groups: Sequence[Group], tables: Tables, *, synthetic: bool) -> tuple[list[Markup], Markup]:
    """The figure of each group on one scale, and the scale."""
    colour = tables.best.colour if tables.best else 1
    values = [group.estimate.value for group in groups if group.estimate.value is not None]
    values += [
        end for g in groups if g.estimate.interval for end in (g.estimate.interval.low, g.estimate.interval.high)
    ]
    if not values:
        return [Markup("") for _ in groups], Markup("")
    low, high, marks = _scale(values, tables)
    strips = [
        range_strip(group.estimate, (), low=low, high=high, colour=colour, synthetic=synthetic)
        if group.estimate.value is not None
        else Markup("")
        for group in groups
    ]
    return strips, range_strip(None, (), low=low, high=high, marks=marks)


def _scale(values: Sequence[float], tables: Tables) -> tuple[float, float, list[float]]:
    """Ends of a scale that holds the values, and round marks on it."""
    marks = ticks(min(values), max(values), 4)
    low, high = min(min(values), marks[0]), max(max(values), marks[-1])
    if tables.leading.bounds[1] == 1.0:
        high = min(high, 1.0)
    return low, high, [mark for mark in marks if low <= mark <= high]


def choice_rows(tables: Tables) -> list[dict[str, Any]]:
    """Each model's settings, what was to be chosen, and what was chosen where."""
    found = []
    for arm in tables.arms:
        settings = {key: value for key, value in arm.settings.items() if key != "chosen from"}
        space = dict(arm.settings.get("chosen from") or {})
        tally: dict[str, list[str]] = {}
        tried = []
        for fold, chosen, candidates in arm.chosen:
            words = ", ".join(f"{name} {setting_in_words(chosen.get(name))}" for name in space)
            if candidates:
                tally.setdefault(words, []).append(fold)
            tried += [
                (
                    fold,
                    ", ".join(f"{name} {setting_in_words(value)}" for name, value in candidate.items()),
                    figure(score),
                )
                for candidate, score in candidates
            ]
        found.append(
            {
                "arm": arm.name,
                "model": arm.model.replace("_", " "),
                "fixed": "; ".join(
                    f"{key} {setting_in_words(value)}" for key, value in settings.items() if key not in space
                )
                or "none",
                "space": "; ".join(f"{key}: {', '.join(map(setting_in_words, value))}" for key, value in space.items()),
                "chosen": [f"{words} in {', '.join(folds)}" for words, folds in tally.items()],
                "tried": tried,
            }
        )
    return found


def setting_in_words(value: Any) -> str:
    """A setting; a model inside another as its kind, with its settings behind it."""
    if isinstance(value, Mapping) and {"kind", "settings"} <= value.keys():
        own = ", ".join(f"{name} {setting_in_words(part)}" for name, part in value["settings"].items())
        return f"{value['kind']} ({own})" if own else str(value["kind"])
    if isinstance(value, list | tuple):
        return ", ".join(map(setting_in_words, value))
    return str(value)


def fold_rows(tables: Tables) -> tuple[list[str], list[tuple[str, list[str], list[str]]]]:
    """The leading metric of each fold and of each seed, one row an arm; and the names of the folds."""
    names = list(tables.study.get("folds") or ())
    lines = [(arm.name, arm.lines.get(tables.leading.name)) for arm in tables.arms]
    folds = list(dict.fromkeys(each.unit for _, line in lines if line for each in line.estimate.per_fold))
    rows = []
    for name, line in lines:
        own = {} if line is None else {each.unit: each.value for each in line.estimate.per_fold}
        seeds = [] if line is None else [figure(value) for value in line.estimate.per_seed]
        rows.append((name, [figure(own.get(fold)) for fold in folds], seeds))
    return [names[int(f)] if f.isdigit() and int(f) < len(names) else f for f in folds], rows


def waivers(contents: Contents) -> dict[str, str]:
    """Code to the author's reason."""
    return {str(one["code"]): str(one["reason"]) for one in (contents.info.get("study") or {}).get("waivers") or ()}
