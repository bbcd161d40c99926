"""From a study to the cells that answer it: every model, the trivial predictor, permuted labels, and a last fit on all records.

size     folds   seeds   permuted labels        last fit
smoke    first   1       none                   yes
quick    all     2       as the study says      yes
full     all     5       as the study says      yes
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hilum.core.errors import UsageError, unknown
from hilum.core.experiment import Arm, Cell, Experiment, Preset
from hilum.core.split import PARTS, deal, fold_names
from hilum.datasets.table_file.dataset import TableFile
from hilum.engine.tables.pipeline import records_of
from hilum.engine.tables.runner import PERMUTED
from hilum.modalities.table.sample import Table
from hilum.models.constant_prediction import ConstantPrediction
from hilum.study.file import AskedModel, StudyFile
from hilum.tasks.predict_class import PredictClass
from hilum.tasks.predict_value import PredictValue

PROTOCOL = "honest"
FEWEST_TO_NAME = 10


def experiment(study: StudyFile, preset: Preset, models: tuple[str, ...] = ()) -> tuple[Experiment, Table]:
    """The cells of a study in one size, and its table, which is read once to count classes and folds.

    Raises:
        UsageError: a model that the study does not have, or a split that its columns do not allow.
        DataError: the table, by file, column and row.
    """
    dataset = TableFile(path=study.table, columns=study.columns)
    (item,) = dataset.items(study.folder)
    table = dataset.load(study.folder, item)
    task = task_of(study, table)
    folds = len(deal(task.split, records_of(table, task.kind), where=f"{study.path}, [split]"))
    asked = _asked(study, models)
    seeds = preset.seed_range(smoke=1, quick=2, full=5)
    permutations = preset.choose(smoke=0, quick=study.audit.permutations, full=study.audit.permutations)
    tested = range(preset.choose(smoke=1, quick=folds, full=folds))
    trivial = AskedModel(ConstantPrediction(), None, "constant prediction")
    cells: list[Cell] = []
    for number, one in enumerate((trivial, *asked)):
        search = None if one.search is None else replace(one.search, metric=one.search.metric or task.leading_metric)
        arm = Arm(dataset, task, one.model, PROTOCOL, search, title=one.title)
        own = seeds if getattr(one.model, "stochastic", False) else seeds[:1]
        cells += [Cell(arm, (item.id,), own, fold) for fold in tested]
        cells.append(Cell(arm, (item.id,), own[:1], None))
        if permutations and number:
            control = replace(arm, control=PERMUTED)
            cells += [Cell(control, (item.id,), tuple(range(permutations)), fold) for fold in tested]
    return Experiment(study.name, tuple(cells), {dataset.name: study.folder}), table


def task_of(study: StudyFile, table: Table) -> Any:
    """The task that a study asks."""
    if study.columns.kind == "classify":
        return PredictClass(len(table.classes), study.split, study.prepare, study.inner_folds)
    return PredictValue(study.split, study.prepare, study.inner_folds)


def statement(study: StudyFile, table: Table, folds: list[str]) -> dict[str, str]:
    """What was asked, in words, for the report; what the author did not say is said to be missing."""
    use = study.use
    said = {
        "intended use": use.intended,
        "population": use.population,
        "time zero": use.time_zero,
        "horizon": use.horizon,
        "outcome": f"{use.outcome.rstrip('.')} (column '{table.target}')" if use.outcome else table.target,
        "predictors": use.predictors,
        "dates": use.dates,
        "sites": use.sites,
        "limits": use.limits,
    }
    stated = {name: text or "not stated by the author of the study" for name, text in said.items()}
    return {
        **stated,
        "unit of analysis": "the record; intervals are over subjects",
        "split": _split(study, len(folds)),
        "validation": _validation(study),
        "tuning": "where a model lists candidates, "
        + (
            "on the validation part"
            if study.split.name == "column" and _has_validation(table)
            else f"inside train, over {study.inner_folds} inner folds of its subjects"
        ),
    }


def _split(study: StudyFile, folds: int) -> str:
    if study.split.name == "column":
        return f"as the column '{study.columns.split}' says, {folds} folds: taken as it stands (HIL001 looks at it)"
    return f"{study.split.name}, {folds} folds, seed {study.split.seed}; subjects are dealt, never records"


def _has_validation(table: Table) -> bool:
    declared = table.rows["declared"].drop_nulls().to_list() if "declared" in table.rows.columns else []
    return any(PARTS.get(str(value).strip().lower()) == "validation" for value in declared)


def _validation(study: StudyFile) -> str:
    words = {
        "leave-one-source-out": "internal-external: each source in turn is left out",
        "time": "temporal: later subjects of the same table",
        "column": "as the table's own column says; whether that is external is the author's to state",
    }
    return words.get(study.split.name, "internal: other subjects of the same table")


def names_of_folds(study: StudyFile, table: Table) -> list[str]:
    """What each fold is called: by its value only where that stands for many subjects, since a value could name one."""
    records = records_of(table, study.columns.kind)
    names = fold_names(study.split, records)
    parts = deal(study.split, records)
    few = any(len(set(records.subject[part == "test"])) < FEWEST_TO_NAME for part in parts)
    return [str(number) for number in range(len(parts))] if few else names


def _asked(study: StudyFile, names: tuple[str, ...]) -> tuple[AskedModel, ...]:
    if not names:
        return study.models
    by_name = {one.title: one for one in study.models}
    by_module = {type(one.model).__module__.split(".")[-1]: one for one in study.models}
    chosen = []
    for name in names:
        found = by_name.get(name) or by_module.get(name.replace("-", "_")) or by_name.get(name.replace("_", " "))
        if found is None:
            raise unknown("model", name, by_name, where=str(study.path))
        chosen.append(found)
    if not chosen:
        raise UsageError("no model is left", where=str(study.path))
    return tuple(chosen)
