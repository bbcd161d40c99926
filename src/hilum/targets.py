"""Targets: what `hilum run` can be pointed at. A paper of this house, or a study.toml of one's own; either way a set of cells.

target --load_target--> Target (experiment, who judges it, what the report says of it)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hilum.core.component import Spec, describe
from hilum.core.errors import UsageError, unknown
from hilum.core.experiment import Arm, Experiment, Preset
from hilum.core.finder import Found, find, get
from hilum.engine.audit import Use


@dataclass(frozen=True)
class Target:
    """Something that can be run.

    Attributes:
        experiment: Its cells.
        paper: The paper whose claims are judged; None for a study of one's own.
        synthetic: Whether its data are simulated.
        use: What it says of its intended use.
        told: What goes into run.json beside the plan.
        command: What was asked of the command line, without options.
    """

    experiment: Experiment
    paper: Found | None
    synthetic: bool
    use: Use = field(default_factory=Use)
    told: dict[str, Any] = field(default_factory=dict)
    command: str = ""


def load_target(target: str, preset: Preset, models: Sequence[str] = ()) -> Target:
    """A paper by name, or a study by the path of its file or folder.

    Raises:
        UsageError: it does not exist, is not built yet, or has no such model.
        DataError: a study whose file or table cannot be used.
    """
    path = Path(target)
    if path.suffix == ".toml" or (path / "study.toml").is_file():
        return _study(path if path.suffix == ".toml" else path / "study.toml", preset, models)
    return _paper(target, preset, models)


def _paper(name: str, preset: Preset, models: Sequence[str]) -> Target:
    paper = get("papers", name)
    if not paper.has("experiment"):
        built = ", ".join(name for name, other in find("papers").items() if other.has("experiment"))
        raise UsageError(f"'{paper.name}' is not built yet", do=f"Built so far: {built}. See `hilum papers`")
    module = paper.load("experiment")
    experiment = _only(module.experiment(preset), models)
    cards = {arm.dataset.name: get("datasets", arm.dataset.name).facts for arm in experiment.arms}
    keys = ("name", "title", "arxiv", "date", "one_line", "code", "data_access", "primary")
    told = {
        "paper": {key: paper.facts.get(key) for key in keys},
        "datasets": [_dataset(name, card) for name, card in cards.items()],
        "bibliography": _bibliography(paper.facts, cards),
        "statement": getattr(module, "STATEMENT", {}),
        # Groups of recordings whose figures stand apart, such as regular and irregular breathing.
        "recording_groups": {name: list(items) for name, items in getattr(module, "GROUPS", {}).items()},
    }
    return Target(experiment, paper, preset.synthetic, told=told, command=f"hilum run {experiment.name}")


def _study(path: Path, preset: Preset, models: Sequence[str]) -> Target:
    from hilum.study.load import load_study

    if preset.synthetic:
        raise UsageError("a study runs on its own data", where=str(path), do="Leave --synthetic out")
    study = load_study(path, preset, tuple(models))
    return Target(study.experiment, None, study.synthetic, study.use, study.told, f"hilum run {path}")


def arm_lines(arms: Sequence[Arm]) -> list[dict[str, Any]]:
    """What a report says of each arm."""
    return [_arm(arm) for arm in arms]


def _only(experiment: Experiment, models: Sequence[str]) -> Experiment:
    if not models:
        return experiment
    names = {describe(arm.model).name for arm in experiment.arms}
    wanted = set()
    for name in models:
        spelled = name.replace("-", "_")
        if spelled not in names:
            raise unknown("model", name, names, where=f"experiment '{experiment.name}'")
        wanted.add(spelled)
    kept = [c for c in experiment.cells if describe(c.arm.model).name in wanted | {c.arm.task.trivial}]
    return replace(experiment, cells=tuple(kept))


def _dataset(name: str, card: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        **{key: card.get(key) for key in ("title", "licence", "subjects", "synthetic", "items")},
        "access": card.get("access", "open"),
        "cite": list(card.get("cite", ())),
        "notes": [note["text"] for note in card.get("note", ())],
    }


def _arm(arm: Arm) -> dict[str, Any]:
    spec = describe(arm.model)
    searched = {} if arm.search is None else {"chosen from": {key: list(value) for key, value in arm.search.over}}
    return {
        "id": arm.id,
        "name": arm.name,
        "model": spec.name,
        "protocol": arm.protocol,
        "control": arm.control,
        "of": arm.controlled.id if arm.control else "",
        "dataset": arm.dataset.name,
        "task": describe(arm.task).name,
        "kind": arm.task.kind,
        "trivial": spec.name == arm.task.trivial,
        "data": arm.data,
        "group": arm.group,
        "settings": {name: _in_words(value) for name, value in {**spec.settings, **searched}.items()},
    }


def _in_words(value: Any) -> Any:
    """A setting as a reader takes it in: a component inside a list by its name, as the experts of a mixture."""
    if isinstance(value, list) and any(isinstance(one, dict) and "module" in one for one in value):
        return ", ".join(Spec.from_json(one).name.replace("_", " ") for one in value)
    return value


def _bibliography(facts: dict[str, Any], datasets: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    entries = [{"key": facts["name"], "text": f"{facts['title']}. arXiv:{facts['arxiv']} ({facts['date']})."}]
    for name, card in datasets.items():
        cited = "; ".join(card.get("cite", ()))
        entries.append(
            {"key": name, "text": f"{card.get('title', name)}. {cited}" if cited else str(card.get("title"))}
        )
    return entries
