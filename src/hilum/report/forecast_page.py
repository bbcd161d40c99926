"""The page of forecasts: what the template shows of each group, made once."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any

from markupsafe import Markup

from hilum.core.row import Estimate
from hilum.report.contents import Contents, Line
from hilum.report.figures_classify import Picture
from hilum.report.figures_films import film_pictures
from hilum.report.figures_forecast import horizon_panels, strip
from hilum.report.forecasts import CAUSAL, PUBLISHED, ForecastArm, ForecastGroup, in_short
from hilum.report.numbers import figure, percent, signed, told_with_interval
from hilum.report.plots import unit_dots
from hilum.report.privacy import Privacy

SHORT = {
    "max-error": "max",
    "geometric-error": "geometric",
    "geometric-error-max": "geometric, max",
    "image-nrmse-roi": "nRMSE, region",
    "ssim-roi": "SSIM, region",
}
NOTHING = Estimate(None, None)
LEAD = (
    "Forecasts are compared within a block only: the same recordings at the same rate, the same horizons. Causal forecasters come "
    "first, for they alone could stand beside a clock; under the published order of operations a learner is handed labels that lie "
    "ahead of it."
)
BOUND = (
    "The row that repeats the newest label it was handed is a bound and no competitor: whatever scores worse says less than the "
    "learner had been told already."
)


def globals_of() -> dict[str, Any]:
    """What the template calls."""
    return {
        "unit_of": unit_of,
        "head_of": head_of,
        "percent": percent,
        "counted": counted,
        "change": signed,
        "nothing": NOTHING,
    }


def page_of(
    contents: Contents, groups: Sequence[ForecastGroup], privacy: Privacy
) -> tuple[dict[str, Any], list[Picture], dict[str, bytes]]:
    """What the template shows; its drawings, and its other pictures by file name, which can also stand in files of their own."""
    pages = {group.anchor: _group(contents, group, privacy) for group in groups}
    pictures = [picture for page in pages.values() for picture in (*page["panels"], page["strip"]) if picture]
    present = {arm.id for group in groups for arm in group.arms}
    absent = [arm["name"] for arm in contents.info["arms"] if arm["id"] not in present and not arm.get("control")]
    files = {name: data for page in pages.values() for film in page["films"] for name, data in film.files.items()}
    shown = {
        "lead": LEAD,
        "groups": groups,
        "pages": pages,
        "absent": absent,
        "in_short": lambda group: in_short(group, lambda e: told_with_interval(e, group.leading.unit)),
        "remarks": remarks,
    }
    return shown, pictures, files


def _group(contents: Contents, group: ForecastGroup, privacy: Privacy) -> dict[str, Any]:
    numbered = {
        protocol: [group.arms.index(arm) for arm in group.part(protocol)] for protocol in ("causal", "published")
    }
    return {
        "panels": horizon_panels(group, synthetic=contents.synthetic),
        "parts": parts_of(group),
        "remarks": reading(group),
        "strip": strip(contents, group, privacy),
        "films": film_pictures(contents, group, privacy),
        "splits_title": f"{_and(list(contents.info.get('recording_groups') or {}))} recordings apart".capitalize(),
        "splits_note": splits_note(group),
        "split_rows": [(_title(protocol), numbers) for protocol, numbers in numbered.items() if numbers],
        "dots": _dots(group, privacy),
        "chosen": chosen_rows(group),
        "metrics": list(_metrics(group)),
    }


def parts_of(group: ForecastGroup) -> list[tuple[str, tuple[ForecastArm, ...], str]]:
    """Title, arms and a remark of each protocol's table, the causal one first."""
    listed = [(protocol, group.part(protocol)) for protocol in ("causal", "published")]
    bound = any(arm.model == "repeat_last_label" for arm in group.part("published"))
    return [
        (_title(protocol), arms, BOUND if protocol == "published" and bound else "")
        for protocol, arms in listed
        if arms
    ]


def _title(protocol: str) -> str:
    return CAUSAL if protocol == "causal" else PUBLISHED


def remarks(arm: ForecastArm, group: ForecastGroup) -> list[str]:
    """What stands below an arm's name."""
    found = []
    if arm.role == "trivial":
        found.append("the trivial predictor")
    if arm.role == "bound" and "no competitor" not in arm.short:
        found.append("a bound, no competitor")
    if arm.role == "reference":
        found.append("for comparison, no forecast of motion")
    if arm.protocol == "published" and arm.labels_ahead == 0 and not arm.role:
        found.append("no label of it is early")
    if arm.recordings < len(group.recordings):
        found.append(f"{arm.recordings} of {len(group.recordings)} recordings: not the same units")
    if not arm.figures:
        found.append("does not forecast the compared horizons")
    return found


def reading(group: ForecastGroup) -> list[str]:
    """How the tables of a group are to be read."""
    found = []
    if group.best is not None and group.competitors > 1:
        found.append(
            f"{group.best.short} is called the best of {group.competitors} by these same figures. That flatters it: its interval does not "
            "allow for the choice."
        )
    why = dict.fromkeys(
        e.reason for arm in group.arms for e in arm.figures.values() if e.value is not None and e.reason
    )
    if why:
        found.append(f"No interval: {'; '.join(why)}.")
    found.append(
        "Lost runs: a recording and a seed with a forecast that is not finite; they are counted here and are no part of a figure. "
        "Latency: from a sample to all forecasts and whatever is learned, medians over recordings and seeds, on the machine that ran it, "
        "whatever else it did."
    )
    ssim = [line for name, line in group.metrics.items() if name in {"ssim", "ssim-255"}]
    if ssim:
        found.append(
            "SSIM: the data range L is the largest grey value of the recording's bit depth; SSIM with L = 255, the published range "
            "whatever the bit depth, stands among every metric."
        )
    return found


def splits_note(group: ForecastGroup) -> str:
    """Why some groups of recordings have no interval, each reason once."""
    small = {split.name: len(split.items) for split in group.splits if len(split.items) < 6}
    return "; ".join(f"{name}: no interval: {counted(range(n), 'recording')}" for name, n in small.items())


def chosen_rows(group: ForecastGroup) -> list[tuple[ForecastArm, str, list[tuple[str, list[tuple[str, int]], str]]]]:
    """Arms with a choice: how it was made, and each setting with how often each candidate was chosen."""
    found = []
    for arm in (*group.part("causal"), *group.part("published")):
        if not arm.chosen:
            continue
        how = "the task's own choice"
        if arm.searched:
            under = arm.searched["protocol"] or arm.protocol
            seeds = arm.searched["seeds"]
            how = f"{arm.searched['metric']} before scoring begins, {under}" + (
                f", {seeds} runs each" if seeds > 1 else ""
            )
        lines = [
            (name.replace("_", " "), list(tally.items()), _edge(list(tally.items())))
            for name, tally in arm.chosen.items()
        ]
        found.append((arm, how, lines))
    return found


def _edge(tally: Sequence[tuple[str, int]]) -> str:
    """Whether an end of a range of numbers was chosen more often than not."""
    try:
        ranked = sorted((float(value), count) for value, count in tally)
    except ValueError:
        return ""
    total = sum(count for _, count in ranked)
    ends = [value for value, count in (ranked[0], ranked[-1]) if 2 * count > total]
    return f"mostly {ends[0]:g}, an end of the grid" if len(ranked) > 2 and ends else ""


def _dots(group: ForecastGroup, privacy: Privacy) -> list[tuple[ForecastArm, Markup, str]]:
    """Every recording's own figure of each arm, on one scale; none of data that may not show single subjects."""
    if not privacy.rows_shown:
        return []
    rows = []
    for arm in (*group.part("causal"), *group.part("published")):
        estimate = arm.figures.get(group.leading.metric)
        units = [(u.unit, u.value) for u in estimate.per_unit if u.value is not None] if estimate else []
        rows.append((arm, [(privacy.name(unit), value) for unit, value in units]))
    values = [value for _, units in rows for _, value in units]
    if not values:
        return []
    limit = max(values)
    return [
        (arm, unit_dots(units, low=0.0, high=limit), ", ".join(f"{unit} {figure(value, 3)}" for unit, value in units))
        for arm, units in rows
        if units
    ]


def _metrics(group: ForecastGroup) -> list[Line]:
    rest = [line for name, line in group.metrics.items() if name != group.leading.metric]
    return [group.leading, *rest]


def unit_of(line: Line) -> str:
    """The unit of a metric behind its title."""
    return "" if line.unit == "1" else f" ({line.unit})"


def head_of(line: Line) -> Markup:
    """The title of a metric above its column, its unit below."""
    title = SHORT.get(line.metric, line.metric_title)
    unit = (
        Markup("")
        if line.unit == "1"
        else Markup('<small class="spread">{}</small>').format(line.unit.replace(" per ", "/"))
    )
    return Markup("{}{}").format(title, unit)


def counted(things: Sized, noun: str) -> str:
    """A number of things in words: one recording, nine recordings."""
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _and(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
