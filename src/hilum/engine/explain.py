"""Explain: what do the models of a stored run go by? Its own test records, or a file; every record, or one.

    the run's records   each fold's model explains that fold's test records, which it has not seen; figures are averaged over folds
    a file              the model that was fitted on every record explains the file's, as `hilum predict` would predict them
    --item              one record: what each feature gave to its score, and where it is one of a sequence, what each earlier record did

Method      where none is named: the booster's own contributions; for one record of a sequence integrated gradients; else permutation
Features    the columns that a feature became (levels, flags, its history) are taken together: those that are called like it
Seeds       of a model that draws at random the stored one, the first, is explained
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.component import Spec, build
from hilum.core.errors import DataError, HilumError, UsageError, unknown
from hilum.core.finder import find, get
from hilum.core.run import CellFolder, RunFolder
from hilum.core.sequence import Sequenced
from hilum.core.store import read_json
from hilum.datasets.table_file.dataset import TableFile
from hilum.engine.cells import find_items
from hilum.engine.figures import metrics_of
from hilum.engine.plan import data_folder
from hilum.engine.stored import StoredArm, best_arm
from hilum.engine.tables.pipeline import answer_columns, order_of, reads, score_block, subjects_of
from hilum.engine.tables.ready import ready
from hilum.engine.tables.runner import parts_of
from hilum.explain._answer import Attribution, Explanation, Importance, Question
from hilum.modalities.table.equal_rows import equal_rows

if TYPE_CHECKING:
    import polars as pl

    from hilum.core.metric import Metric
    from hilum.modalities.table.sample import Table

Array = NDArray[np.float64]
KINDS = ("classify", "regress")


@dataclass(frozen=True)
class Learnt:
    """A stored model and records that it is to explain.

    Attributes:
        settings: The model's settings, chosen ones included.
        fitted: The model.
        prepared: Its preprocessing.
        classes: Names of the classes; empty where a number is asked.
        table: The records, made ready; context among them where the model reads sequences.
        known: Whether their outcome is known.
    """

    settings: Any
    fitted: Any
    prepared: Any
    classes: tuple[str, ...]
    table: Table
    known: bool

    @property
    def groups(self) -> dict[str, tuple[int, ...]]:
        """Feature to the places of its columns; one that the preparation dropped has none."""
        features = [feature.name for feature in self.prepared.features]
        return groups_of(self.prepared.names, [*features, *(name for name, _ in self.prepared.dropped)])


def groups_of(columns: Sequence[str], features: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Feature to the places of its columns: "x", "x=level", "x is missing", "x max"; the longest name that fits owns a column.

    A column that fits none stands for itself.
    """
    found: dict[str, list[int]] = {name: [] for name in features}
    for place, column in enumerate(columns):
        owners = [name for name in features if column == name or column.startswith((f"{name}=", f"{name} "))]
        found.setdefault(max(owners, key=len, default=column), []).append(place)
    return {name: tuple(places) for name, places in found.items()}


def explain(
    run: RunFolder,
    *,
    model: str = "",
    method: str = "",
    file: Path | None = None,
    item: str = "",
    data: Path | None = None,
    repeats: int = 20,
) -> Explanation:
    """Explain a model of a run.

    Args:
        run: A run of tables.
        model: Title of a model of the run; by default the one with the best leading figure.
        method: A name in the room `explain`; by default what suits the model.
        file: Records of the user's; by default the run's own test records.
        item: Id of the one record to explain; by default all are.
        data: Where the run's data lie, if neither where the study says nor where datasets are looked for.
        repeats: Permutations a feature, where there are any.

    Raises:
        UsageError: no such model, method or record, or a method that this model cannot answer.
        DataError: the run's data have changed, or the file cannot be used.
        HilumError: the run is of another kind, or its data are not here.
    """
    arm, chosen, figure = best_arm(run, model)
    task = build(Spec.from_json(arm.spec["task"]))
    if task.kind not in KINDS:
        raise UsageError(
            f"'{arm.name}' answers tasks of the kind '{task.kind}'",
            where=str(run.path),
            do="Runs of tables can be explained: see `hilum runs list`",
        )
    models = _on_file(arm, task, file) if file is not None else _on_tests(run, arm, task, data, item)
    first = next(models)
    module = _method(method, first, item)
    metric = metrics_of(task.kind)[task.leading_metric]
    told = _one(module, first, item, file) if item else _all(module, _chain(first, models), metric, repeats, file)
    info = run.info()
    licence = "; ".join(f"{one['title']}: {one['licence']}" for one in info["datasets"])
    named = "the second class" if len(first.classes) != 2 else f"'{first.classes[1]}'"
    means, label = (text.replace("the second class", named) for text in (told.means, told.label))
    return Explanation(
        arm=arm.name,
        chosen=chosen,
        figure=figure,
        method=module.__name__.rpartition(".")[2],
        means=means,
        item=item,
        label=label,
        over=told.over,
        frame=told.frame,
        course=told.course,
        score=told.score,
        base=told.base,
        licence=licence,
        synthetic=bool(info["synthetic"]),
    )


@dataclass(frozen=True)
class _Told:
    """What a method found, as an `Explanation` holds it."""

    means: str
    label: str
    over: str
    frame: pl.DataFrame
    course: pl.DataFrame | None = None
    score: float | None = None
    base: float | None = None


def _one(module: ModuleType, learnt: Learnt, item: str, file: Path | None) -> _Told:
    answer = _of_record(module, learnt, item)
    frame, course = _frames(answer, learnt, item)
    who = (
        "the model that was fitted on every record"
        if file
        else "the model of the fold that tested it, which has not seen it"
    )
    base = None if answer.score is None else answer.base
    return _Told(f"{answer.means} Explained by {who}.", answer.label, "", frame, course, answer.score, base)


def _all(module: ModuleType, models: Iterator[Learnt], metric: Metric, repeats: int, file: Path | None) -> _Told:
    parts: list[Importance] = []
    count, subjects = 0, set()
    for learnt in models:
        question, _ = _question(learnt, metric, repeats)
        parts.append(module.explain(question))
        count += int(learnt.table.asked.sum())
        subjects |= set(subjects_of(learnt.table)[learnt.table.asked].tolist())
    joined = _joined(parts)
    unseen = f"each by a model that has not seen it ({len(parts)} fold{'s' if len(parts) > 1 else ''})"
    who = "by the model that was fitted on every record" if file else unseen
    over = {"repeats": "permutations", "subjects": "subjects"}[joined.over]
    means = f"{joined.means} On {count} records of {len(subjects)} subjects, {who}."
    return _Told(means, joined.label, over, _importances(joined))


def _chain(first: Learnt, rest: Iterator[Learnt]) -> Iterator[Learnt]:
    yield first
    yield from rest


def _method(name: str, learnt: Learnt, item: str) -> ModuleType:
    """The method's module: as asked, or what suits the model."""
    if name:
        found = get("explain", name.replace("-", "_"))
        module = found.load()
        why = module.obstacle(learnt.fitted)
        if why:
            fit = [other for other in find("explain") if not get("explain", other).load().obstacle(learnt.fitted)]
            raise UsageError(why, where=f"method '{found.name}'", do=f"For this model there is: {', '.join(fit)}")
        if ("records" if item else "record") == module.SCOPE:
            alone = "explains many records, and one is named" if item else "explains one record, and none is named"
            raise UsageError(
                f"{found.name} {alone}", do="Leave --item out" if item else "Name one with --item", where="--method"
            )
        return module
    order = ("tree_shap", "integrated_gradients") if item else ("tree_shap", "permutation_importance")
    for one in order:
        module = get("explain", one).load()
        if not module.obstacle(learnt.fitted):
            return module
    raise UsageError(
        "no method explains one record of this model",
        where="--item",
        do="Leave --item out, or name a booster or a model of sequences with --model",
    )


def _on_file(arm: StoredArm, task: Any, file: Path) -> Iterator[Learnt]:
    """The model that was fitted on every record, on a user's file."""
    from hilum.modalities.table.frame import read_raw
    from hilum.modalities.table.read import read_for_prediction, read_table

    dataset = build(Spec.from_json(arm.spec["dataset"]))
    if not hasattr(dataset, "columns"):
        raise UsageError("this run was not made from a table of one's own", where=str(file), do="Leave the file out")
    learnt = _stored(arm.final(), "all records")
    columns = dataset.columns
    used = {feature.name for feature in learnt.prepared.features}
    types = {name: kind for name, kind in learnt.types.items() if name in used}
    raw = read_raw(file, missing=columns.missing, encoding=columns.encoding, skip=columns.exclude)
    known = columns.target in raw.frame.columns and raw.frame[columns.target].null_count() < raw.frame.height
    if known:
        kept = {name: getattr(columns, name) for name in ("id", "subject") if getattr(columns, name) in raw.header}
        bare = replace(columns, **dict.fromkeys(_ROLES, ""), groups=(), charted=(), made_from=())
        asked = replace(bare, **kept, features=tuple(types), classes=learnt.classes, purpose="audit")
        table = read_table(file, asked)
    else:
        table, _ = read_for_prediction(file, columns, features=types)
    yield learnt.on(ready(task, learnt.settings, table), known=known)


_ROLES = ("id", "subject", "time", "source", "site", "content", "split", "time_zero", "eligible")


@dataclass(frozen=True)
class _Stored:
    """What a cell stored: a model, not yet with records."""

    settings: Any
    fitted: Any
    prepared: Any
    types: Mapping[str, str]
    classes: tuple[str, ...]

    def on(self, table: Table, *, known: bool) -> Learnt:
        return Learnt(self.settings, self.fitted, self.prepared, self.classes, table, known)


def _stored(cell: CellFolder, name: str) -> _Stored:
    """Read a cell's model and its preprocessing.

    Raises:
        HilumError: damaged, of another version, or of a model that cannot be saved.
    """
    from hilum.modalities.table.recipe import read_prepared

    stored = read_json(cell.path / "preprocess.json")[name]
    settings = build(Spec.from_json(stored["model"]))
    fitted = settings.load(cell.path / "weights" / name.replace(" ", "-"))
    prepared = read_prepared(stored["prepare"])
    return _Stored(settings, fitted, prepared, stored["features"], tuple(stored["classes"]))


def _on_tests(run: RunFolder, arm: StoredArm, task: Any, data: Path | None, item: str) -> Iterator[Learnt]:
    """Each fold's model on that fold's test records; with an item the first fold alone that tested it."""
    cells = sorted((cell for cell in arm.cells if cell.spec()["fold"] is not None), key=lambda c: int(c.spec()["fold"]))
    if not cells:
        raise HilumError(
            "no fold of this model is finished", where=str(run.path), do="Run the study again, or name a file"
        )
    spec = cells[0].spec()
    dataset = build(Spec.from_json(spec["dataset"]))
    folder = _folder_of(run, dataset, data)
    (found,) = find_items(dataset, folder, spec["items"])
    raw = dataset.load(folder, found)
    tested: list[str] = []
    for cell in cells:
        fold = int(cell.spec()["fold"])
        stored = _stored(cell, f"fold {fold}")
        table = ready(task, stored.settings, raw)
        part = parts_of(task, table, fold)
        _refuse_changes(table, part, cell)
        test = table.take(part == "test")
        names = test.rows["item"].filter(test.asked).to_list()
        tested += names
        if not item or item in names:
            yield stored.on(test, known=True)
    if item and item not in tested:
        if item in raw.rows["item"]:
            raise UsageError(
                f"'{item}' stands in no test part of this run, or nothing is asked of it",
                where=str(run.path),
                do="Run the study with a larger preset, or write its records into a file and name that",
            )
        raise unknown("test record", item, tested, where=str(run.path))


def _folder_of(run: RunFolder, dataset: Any, data: Path | None) -> Path:
    """Where the dataset's files lie; a study's beside its file, as the run's command names it."""
    if dataset.name != TableFile.name:
        return data_folder(dataset, data)
    told = Path(str(run.info().get("command", "")).removeprefix("hilum run ").partition(" --preset ")[0])
    folder = data or told.parent
    if not any((folder / name).is_file() for found in dataset.items(folder) for name in found.files):
        raise HilumError(
            f"the table '{dataset.path}' is not in {folder}",
            where=str(run.path),
            do="Say where the study's folder is with --data, or hand in a file",
        )
    return folder


def _refuse_changes(table: Table, part: NDArray[Any], cell: CellFolder) -> None:
    """Refuse a table that is not the one that the cell has seen, record by record."""
    import polars as pl

    asked = table.take(table.asked)
    now = pl.DataFrame(
        {"item": asked.rows["item"], "content": equal_rows(asked)[1], "part": part[table.asked].astype(str).tolist()}
    )
    then = cell.table("split").select("item", "content", "part")
    if not now.sort("item").equals(then.with_columns(pl.col("content").cast(now["content"].dtype)).sort("item")):
        raise DataError(
            "the data are no longer those that the run has seen",
            where=str(cell.path),
            do="Run it again, or hand in a file",
        )


def _question(learnt: Learnt, metric: Metric | None, repeats: int) -> tuple[Question, NDArray[np.intp]]:
    """What is asked of a method, and which record of the table each record of its inputs is."""
    table = learnt.table
    matrix = learnt.prepared.apply(table.inputs)
    place: NDArray[np.intp]
    inputs: Array | Sequenced
    if reads(learnt.settings) == "sequences":
        order = order_of(table)
        place, inputs = order.sorting, order.sequenced(matrix, table.asked)
    else:
        place = np.flatnonzero(table.asked)
        inputs = matrix[place]
    score = _score(learnt, metric, place) if metric is not None and learnt.known else None
    return (
        Question(
            learnt.fitted,
            inputs,
            learnt.prepared.names,
            learnt.groups,
            subjects=tuple(subjects_of(table)[place].tolist()),
            score=score,
            higher_is_better=metric is None or metric.direction == "higher",
            metric=metric.title if metric is not None else "",
            repeats=repeats,
        ),
        place,
    )


def _score(learnt: Learnt, metric: Metric, place: NDArray[np.intp]) -> Callable[[Any], float]:
    """From what the model says of its inputs to the metric of the records that are asked for."""
    table = learnt.table
    back = np.empty(table.height, np.intp)
    back[place] = np.arange(len(place))
    rows = back[np.flatnonzero(table.asked)]

    def asked(said: Any) -> Any:
        return (
            replace(said, probabilities=said.probabilities[rows], numbers=said.numbers[rows])
            if _joint(said)
            else said[rows]
        )

    fixed: dict[str, Any] = {}

    def score(said: Any) -> float:
        answer = asked(said)
        if table.classes and fixed:
            block = {**fixed, **answer_columns(answer)}
        else:
            block = dict(score_block(table, answer, 0, 0))
            fixed.update(block)
        needed = {
            name: np.asarray(block[name], np.float64) for name in block if name in metric.needs or name[:2] == "p:"
        }
        return metric(needed).value

    return score


def _joint(said: Any) -> bool:
    return hasattr(said, "probabilities")


def _joined(parts: list[Importance]) -> Importance:
    """Of several folds one; a feature that one fold dropped has 0 there."""
    names = tuple(dict.fromkeys(name for part in parts for name in part.names))
    whole = []
    for part in parts:
        values = np.zeros((len(names), part.values.shape[1]))
        values[[names.index(name) for name in part.names]] = part.values
        whole.append(replace(part, names=names, values=values))
    return Importance.joined(whole)


def _of_record(module: ModuleType, learnt: Learnt, item: str) -> Attribution:
    """Of one record; of a sequence the record and what came before it."""
    items = learnt.table.rows["item"].to_list()
    if item not in items:
        raise unknown("record", item, items)
    question, place = _question(learnt, None, 1)
    row = int(np.flatnonzero(place == items.index(item))[0])
    if isinstance(question.inputs, Sequenced):
        rows = question.inputs
        first = int(rows.starts[rows.series[row]])
        part = slice(first, row + 1)
        one = Sequenced(rows.values[part], np.zeros(row + 1 - first, np.int64), rows.step[part], rows.asked[part])
        question, row = replace(question, inputs=one, subjects=question.subjects[part]), row - first
    answer: Attribution = module.explain(replace(question, record=row))
    return answer.grouped(question.groups) if answer.names == question.names else answer


def _frames(answer: Attribution, learnt: Learnt, item: str) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """One row a feature; and of a sequence one row a record and feature."""
    import polars as pl

    table = learnt.table
    own = table.features.filter(table.rows["item"] == item)
    known = [
        own[name][0] if name in own.columns else "" for name in answer.names
    ]  # a weight of whole records has no value
    value = [None if one is None else str(one) for one in known]
    total = answer.values.mean(axis=0) if answer.pool == "mean" else answer.values.sum(axis=0)
    frame = pl.DataFrame({"feature": answer.names, "value": pl.Series(value, dtype=pl.String), "contribution": total})
    frame = frame.sort(pl.col("contribution").abs(), descending=True, maintain_order=True)
    if reads(learnt.settings) != "sequences":
        return frame, None
    order, row = order_of(table), table.rows["item"].to_list().index(item)
    before = order.sorting[(order.series[order.sorting] == order.series[row])]
    before = before[order.step[before] <= order.step[row]]
    rows = table.rows[before].select("item", "step")
    course = pl.concat(
        rows.with_columns(pl.lit(name).alias("feature"), pl.Series("contribution", answer.values[:, place]))
        for place, name in enumerate(answer.names)
    )
    return frame, course


def _importances(found: Importance) -> pl.DataFrame:
    import polars as pl

    frame = pl.DataFrame(
        {
            "feature": found.names,
            "importance": found.importance,
            "spread": found.spread,
            "low": [one.low for one in found.intervals],
            "high": [one.high for one in found.intervals],
        }
    ).with_columns(pl.col("spread", "low", "high").fill_nan(None))
    return frame.sort("importance", descending=True, maintain_order=True)
