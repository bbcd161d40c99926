"""HIL005: a forecast uses information later than its clock, or a feature was charted after the time of prediction.

Why it matters   In use, that information does not exist yet: the scores answer another question than the one a clinic asks.
Proof printed    For each horizon, the forecast of one sample made again from the record cut off there, and from a record whose future was
                 moved by a metre: the largest change over items, and how far ahead of the clock the labels used in training lay.
                 For a table of sequences, the largest change of a prediction when all later records of its sequence are moved
                 far away or emptied. For any table, by feature: how many records have it charted after their time of
                 prediction, and by how much.
Severity         critical; scope: arm; kind: defect. The tolerance is zero: a forecast that may not look ahead is equal to the last bit.
Cannot tell      no probe is stored, or its differences are undefined; of a table, nothing says when features were charted.
Seen in the wild the released online loops behind arXiv 2403.01607 and arXiv 2106.01100 update with a label later than the clock when
                 the horizon is longer than one sample (docs/concepts/labels-and-the-clock.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from hilum.checks._records import known_of_data, listed, many
from hilum.core.check import ArmStudy, Finding, Study

CODE = "HIL005"
TITLE = "Information later than the clock"
SEVERITY = "critical"
KIND = "defect"
SCOPE = "arm"
_DIFFERENCES = ("truncated_max_difference", "perturbed_max_difference")


def check(study: Study) -> Finding:
    """Read the probes of every item and horizon; of a table, when its features were charted."""
    if study.arm.kind != "forecast":
        return _of_table(study)
    probes = list(_probes(study.arm))
    if not probes:
        return Finding.cannot_tell("no probe of the future is stored")
    moved = [(item, horizon) for item, horizon, probe in probes if _largest(probe) > 0]
    ahead = max((int(probe.get("labels_ahead", 0)) for _, _, probe in probes), default=0)
    proof = {"by horizon": _by_horizon(probes), "labels ahead of the clock, samples": ahead}
    if any(probe.get("knows_target") for _, _, probe in probes):
        return Finding.failed(
            "what is scored is made from the very sample that is forecast: a ceiling, no forecast", **proof
        )
    if moved:
        items = len({item for item, _ in moved})
        horizons = len({horizon for _, horizon in moved})
        cut, moved_far = (_most(probes, name) for name in _DIFFERENCES)
        return Finding.failed(
            f"forecasts change with what comes later: {items} of {len(study.arm.evidence)} items at {horizons} of "
            f"{len({h for _, h, _ in probes})} horizons, by up to {cut:.3g}{_unit(study.arm)} when the "
            f"record is cut off and {moved_far:.3g}{_unit(study.arm)} when its future is moved by a metre; "
            f"labels used lie up to {ahead} samples later than the clock",
            **proof,
        )
    if any(math.isnan(_largest(probe)) for _, _, probe in probes):
        return Finding.cannot_tell("some probes are undefined: the forecast was not finite", **proof)
    return Finding.passed(
        f"{len(probes)} forecasts made again without the future: every one equal to the last bit", **proof
    )


def _of_table(study: Study) -> Finding:
    """Of sequences, whether later records move a prediction; of any table, when its features were charted."""
    charted = _charted(known_of_data(study, "charted"))
    probes = [found["future"] for found in study.arm.evidence.values() if "future" in found]
    if charted.status == "fail" or not probes:
        return charted
    moved = max(max(float(probe[name]) for name in ("moved", "emptied")) for probe in probes)
    count = sum(int(probe["predictions"]) for probe in probes)
    later = sum(int(probe["later records"]) for probe in probes)
    proof = {"largest change": moved, "predictions": count, "later records": later}
    if not later:
        return Finding.passed(
            f"{many(count, 'prediction')}, each of the last record of its sequence: nothing later is there", **proof
        )
    if moved > 0 or math.isnan(moved):
        return Finding.failed(
            f"predictions change by up to {moved:.3g} when later records of the same sequence change", **proof
        )
    return Finding.passed(
        f"{many(count, 'prediction')} made again with another future: every one equal to the last bit",
        **proof,
    )


def _charted(charted: Mapping[str, Mapping[str, Any]] | None) -> Finding:
    """A feature that is known only after the time of prediction cannot be used at it."""
    if not charted:
        return Finding.cannot_tell("nothing says both when the features were charted and when the prediction is made")
    late = {name: found for name, found in charted.items() if found["late"]}
    proof = {name: dict(found) for name, found in (late or charted).items()}
    if late:
        told = [
            f"'{name}' in {found['late']} of {found['of']} records, by up to {found['latest']:.6g}"
            for name, found in late.items()
        ]
        return Finding.failed(
            f"{many(len(late), 'feature')} charted after the time of prediction: {listed(told)}", charted=proof
        )
    of = sum(int(found["of"]) for found in charted.values())
    if not of:
        return Finding.cannot_tell("no record says when a feature was charted", charted=proof)
    return Finding.passed(
        f"{many(len(charted), 'feature')}, {many(of, 'charting time')}, none after the time of prediction",
        charted=proof,
    )


def _probes(arm: ArmStudy) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for item, evidence in arm.evidence.items():
        for horizon, probe in evidence.get("future", {}).get("horizons", {}).items():
            yield item, int(horizon), probe


def _most(probes: list[tuple[str, int, dict[str, Any]]], name: str) -> float:
    """The largest movement of one kind of probe; 0 where none is defined."""
    values = [float(probe[name]) for _, _, probe in probes if probe.get(name) is not None]
    return max((value for value in values if not math.isnan(value)), default=0.0)


def _largest(probe: dict[str, Any]) -> float:
    """The larger of the two movements; a movement proves the failure even where the other is undefined."""
    values = [float("nan") if probe.get(name) is None else float(probe[name]) for name in _DIFFERENCES]
    known = [value for value in values if not math.isnan(value)]
    moved = max(known, default=math.nan)
    return moved if moved > 0 or len(known) == len(values) else math.nan


def _by_horizon(probes: list[tuple[str, int, dict[str, Any]]]) -> dict[str, float]:
    found: dict[int, float] = {}
    for _, horizon, probe in probes:
        largest = _largest(probe)
        if not math.isnan(largest):
            found[horizon] = max(found.get(horizon, 0.0), largest)
    return {str(horizon): found[horizon] for horizon in sorted(found)}


def _unit(arm: ArmStudy) -> str:
    units = {evidence.get("future", {}).get("unit", "") for evidence in arm.evidence.values()} - {""}
    return f" {units.pop()}" if len(units) == 1 else ""
