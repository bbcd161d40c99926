"""The catalogue: what there is, as plain lines for tables and JSON. Reads cards, docstrings and stored runs only."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from hilum.core.claim import read_claims
from hilum.core.errors import HilumError, UsageError, unknown
from hilum.core.finder import ROOMS, Found, find, get
from hilum.core.locate import locate
from hilum.core.run import RunFolder
from hilum.core.store import read_json


def paper_lines(runs: Path) -> list[dict[str, Any]]:
    """One line a paper: claims, whether it is built, verdicts of its last run."""
    lines = []
    for name, paper in find("papers").items():
        built = paper.has("experiment")
        verdicts = _verdicts(runs / name) if built else {}
        lines.append(
            {
                "paper": name,
                "modality": paper.facts.get("modality", ""),
                "claims": len(read_claims(paper.path / "claims.csv")),
                "data_access": paper.facts.get("data_access", ""),
                "status": ("run" if verdicts else "built, not run here") if built else "not built yet",
                "verdicts": verdicts,
                "title": paper.title,
            }
        )
    return sorted(lines, key=lambda line: (line["status"] == "not built yet", line["paper"]))


def _verdicts(run: Path) -> dict[str, int]:
    path = run / "claims.json"
    return dict(Counter(row["verdict"] for row in read_json(path)).most_common()) if path.is_file() else {}


def card(name: str) -> dict[str, Any]:
    """The card of one thing; `room:name` where several rooms have one of that name.

    Raises:
        UsageError: there is none, or more than one.
    """
    room, _, rest = name.rpartition(":")
    if room:
        rooms = [known for known in ROOMS if known.rstrip("s") == room.rstrip("s")]
        if not rooms:
            raise unknown("room", room, [known.rstrip("s") for known in ROOMS])
        return _card(get(rooms[0], rest))
    spellings = {name, name.replace("-", "_"), name.replace("_", "-"), name.lower()}
    found = [
        thing
        for known in ROOMS
        for thing in find(known).values()
        if thing.name in spellings or str(thing.facts.get("CODE", "")).lower() == name.lower()
    ]
    if not found:
        everything = {thing.name for known in ROOMS for thing in find(known).values()}
        raise unknown("paper, dataset, task, model, metric family or check", name, everything)
    if len(found) > 1:
        choices = " or ".join(f"{thing.room.rstrip('s')}:{thing.name}" for thing in found)
        raise UsageError(f"'{name}' stands in more than one room", do=f"Say {choices}")
    return _card(found[0])


def _card(thing: Found) -> dict[str, Any]:
    lines: dict[str, Any] = {"room": thing.room, "name": thing.name, "title": thing.title, "path": str(thing.path)}
    if thing.room == "metrics":
        lines["metrics"] = {metric.name: metric.definition for metric in thing.load().METRICS}
    if thing.room == "papers":
        lines["claims"] = len(read_claims(thing.path / "claims.csv"))
        lines["built"] = thing.has("experiment")
    shown = [key for key in thing.facts if not key.startswith("_") and (key.islower() or thing.room == "checks")]
    plain = {key: thing.facts[key] for key in shown}
    return {**lines, **plain, "text": thing.text}


def dataset_lines() -> list[dict[str, Any]]:
    """One line a dataset: licence, subjects, and where its files are."""
    lines = []
    for name, found in find("datasets").items():
        facts = found.facts
        lines.append(
            {
                "dataset": name,
                "items": facts.get("items"),
                "subjects": facts.get("subjects"),
                "licence": facts.get("licence"),
                "access": "synthetic" if facts.get("synthetic") else facts.get("access", "open"),
                "where": _where(name, bool(facts.get("synthetic"))),
                "title": found.title,
            }
        )
    return lines


def _where(name: str, synthetic: bool) -> str:
    if synthetic:
        return "made when asked"
    try:
        return str(locate(name))
    except HilumError:
        return f"not here: hilum data get {name}"


def run_lines(runs: Path) -> list[dict[str, Any]]:
    """One line a stored run."""
    lines = []
    for path in sorted(runs.glob("*/run.json")):
        info = read_json(path)
        states = Counter(cell["status"] for cell in info["cells"])
        lines.append(
            {
                "run": path.parent.name,
                "preset": info["preset"],
                "data": "synthetic" if info["synthetic"] else "real",
                "started": info["started"],
                "cells": dict(states),
                "verdicts": _verdicts(path.parent),
            }
        )
    return lines


def remove_run(run: RunFolder) -> None:
    """Delete a run folder and all its cells."""
    shutil.rmtree(run.path)
