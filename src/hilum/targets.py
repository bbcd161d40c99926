"""Targets: what `hilum run` can be pointed at. A paper of this house, or a study.toml of one's own; either way a set of cells.

target --load_target--> Target (experiment, who judges it, what the report says of it)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.core.component import describe
from hilum.core.errors import UsageError, unknown
from hilum.core.experiment import Arm, Experiment, Preset
from hilum.core.finder import Found, find, get
from hilum.engine.audit import Use

if TYPE_CHECKING:
    from hilum.modalities.table.sample import Table
    from hilum.study.file import StudyFile


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
    }
    return Target(experiment, paper, preset.synthetic, told=told, command=f"hilum run {experiment.name}")


def _study(path: Path, preset: Preset, models: Sequence[str]) -> Target:
    from hilum.study.experiment import experiment, names_of_folds, statement
    from hilum.study.file import read_study

    if preset.synthetic:
        raise UsageError("a study runs on its own table", where=str(path), do="Leave --synthetic out")
    study = read_study(path)
    cells, table = experiment(study, preset, tuple(models))
    folds = names_of_folds(study, table)
    told = {
        "paper": None,
        "study": _told(study, table, folds),
        "datasets": [_own_data(study, table)],
        "bibliography": [{"key": study.table, "text": text} for text in study.origin.cite],
        "statement": statement(study, table, folds),
    }
    use = Use(study.use.future, study.use.prevalence, study.audit.interval_limit)
    return Target(cells, None, study.origin.synthetic, use, told, f"hilum run {path}")


def _told(study: StudyFile, table: Table, folds: list[str]) -> dict[str, Any]:
    """What a report of a study says beside its figures."""
    from hilum.modalities.table.describe import missingness

    return {
        "name": study.name,
        "title": study.title,
        "file": study.path.read_text(encoding="utf-8"),
        "kind": study.columns.kind,
        "classes": list(table.classes),
        "target": table.target,
        "unit": table.unit,
        "attrition": [
            *({"why": f"{why} (before this table was made)", "records": count} for why, count in study.use.excluded),
            *({"why": why, "records": count} for why, count in table.attrition),
        ],
        "records": table.height,
        "features": missingness(table),
        "folds": folds,
        "access": study.origin.access,
        "future": study.use.future,
        "prevalence": study.use.prevalence,
        "waivers": [{"code": one.code, "reason": one.reason} for one in study.audit.waive],
    }


def _own_data(study: StudyFile, table: Table) -> dict[str, Any]:
    known = "subject" in table.rows.columns and table.rows["subject"].null_count() == 0
    return {
        "name": study.table,
        "title": study.origin.source or study.table,
        "licence": study.origin.licence or "not stated",
        "subjects": "known" if known else "unknown",
        "synthetic": study.origin.synthetic,
        "items": table.height,
        "access": study.origin.access,
        "cite": list(study.origin.cite),
        "notes": list(table.notes),
    }


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
        "dataset": arm.dataset.name,
        "task": describe(arm.task).name,
        "kind": arm.task.kind,
        "trivial": spec.name == arm.task.trivial,
        "settings": {**spec.settings, **searched},
    }


def _bibliography(facts: dict[str, Any], datasets: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    entries = [{"key": facts["name"], "text": f"{facts['title']}. arXiv:{facts['arxiv']} ({facts['date']})."}]
    for name, card in datasets.items():
        cited = "; ".join(card.get("cite", ()))
        entries.append(
            {"key": name, "text": f"{card.get('title', name)}. {cited}" if cited else str(card.get("title"))}
        )
    return entries
