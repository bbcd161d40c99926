"""From a study of a table to the cells that answer it: every model, the trivial predictor, permuted labels, and a last fit on all records.

size     folds   seeds   permuted labels        last fit
smoke    first   1       none                   yes
quick    all     2       as the study says      yes
full     all     5       as the study says      yes

Models of sequences train for minutes: they run on permuted labels in the size full alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hilum.core.errors import UsageError
from hilum.core.experiment import Arm, Cell, Experiment, Preset
from hilum.core.split import PARTS, deal, fold_names
from hilum.engine.tables.pipeline import records_of
from hilum.engine.tables.runner import PERMUTED
from hilum.modalities.table.sample import Table
from hilum.models.constant_prediction import ConstantPrediction
from hilum.study.models import AskedModel, only, reads_sequences
from hilum.study.table import TableStudy
from hilum.tasks.predict_class import PredictClass
from hilum.tasks.predict_course import PredictCourse
from hilum.tasks.predict_value import PredictValue

PROTOCOL = "honest"
FEWEST_TO_NAME = 10


def experiment(study: TableStudy, preset: Preset, models: tuple[str, ...] = ()) -> tuple[Experiment, Table]:
    """The cells of a study in one size, and its table, which is read once to count classes and folds.

    Raises:
        UsageError: a model that the study does not have, or a split that its columns do not allow.
        DataError: the table, by file, column and row.
    """
    dataset = study.dataset
    (item,) = dataset.items(study.folder)
    table = dataset.load(study.folder, item)
    task = task_of(study, table)
    folds = len(deal(task.split, records_of(table, task.kind), where=f"{study.path}, [split]"))
    asked = only(study.models, models, where=str(study.path))
    seeds = preset.seed_range(smoke=1, quick=2, full=5)
    permutations = preset.choose(smoke=0, quick=study.audit.permutations, full=study.audit.permutations)
    tested = range(preset.choose(smoke=1, quick=folds, full=folds))
    course = isinstance(task, PredictCourse)
    trivial = AskedModel(ConstantPrediction("joint" if course else "outcome"), None, "constant prediction")
    cells: list[Cell] = []
    for number, one in enumerate((trivial, *asked)):
        search = None if one.search is None else replace(one.search, metric=one.search.metric or task.leading_metric)
        arm = Arm(dataset, task, one.model, PROTOCOL, search, title=one.title)
        own = seeds if getattr(one.model, "stochastic", False) else seeds[:1]
        cells += [Cell(arm, (item.id,), own, fold) for fold in tested]
        cells.append(Cell(arm, (item.id,), own[:1], None))
        if permutations and number and (preset.size == "full" or not reads_sequences(one.model)):
            control = replace(arm, control=PERMUTED)
            cells += [Cell(control, (item.id,), tuple(range(permutations)), fold) for fold in tested]
    return Experiment(study.name, tuple(cells), {dataset.name: study.folder}), table


def task_of(study: TableStudy, table: Table) -> Any:
    """The task that a study asks.

    Raises:
        UsageError: a number stands beside an outcome of more than two classes.
    """
    if study.columns.beside:
        if len(table.classes) != 2:
            raise UsageError(
                f"a number stands beside {len(table.classes)} classes",
                where=f"{study.path}, [data], beside",
                do="The time left goes with an outcome of two classes",
            )
        return PredictCourse(study.split, study.prepare, study.inner_folds)
    if study.columns.kind == "classify":
        return PredictClass(len(table.classes), study.split, study.prepare, study.inner_folds)
    return PredictValue(study.split, study.prepare, study.inner_folds)


def statement(study: TableStudy, table: Table, folds: list[str]) -> dict[str, str]:
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
        "unit of analysis": _unit(study, table),
        "split": _split(study, len(folds)),
        "validation": _validation(study),
        "tuning": "where a model lists candidates, "
        + (
            "on the validation part"
            if study.split.validation or (study.split.name == "column" and _has_validation(table))
            else f"inside train, over {study.inner_folds} inner folds of its subjects"
        ),
    }


def _unit(study: TableStudy, table: Table) -> str:
    if table.order is None:
        return "the record; intervals are over subjects"
    asked = "the last record" if study.columns.asked == "last" else "every record with an outcome"
    count = table.rows["sequence"].n_unique()
    return f"{asked} of {count:,} sequences in time, earlier ones are read; intervals are over subjects"


def _split(study: TableStudy, folds: int) -> str:
    if study.split.name == "column":
        return f"as the column '{study.columns.split}' says, {folds} folds: taken as it stands (HIL001 looks at it)"
    held = (
        f"; {100 * study.split.validation:g} % of each fold's train subjects are the validation part"
        if study.split.validation
        else ""
    )
    return f"{study.split.name}, {folds} folds, seed {study.split.seed}; subjects are dealt, never records{held}"


def _has_validation(table: Table) -> bool:
    declared = table.rows["declared"].drop_nulls().to_list() if "declared" in table.rows.columns else []
    return any(PARTS.get(str(value).strip().lower()) == "validation" for value in declared)


def _validation(study: TableStudy) -> str:
    words = {
        "leave-one-source-out": "internal-external: each source in turn is left out",
        "time": "temporal: later subjects of the same table",
        "column": "as the table's own column says; whether that is external is the author's to state",
    }
    return words.get(study.split.name, "internal: other subjects of the same table")


def names_of_folds(study: TableStudy, table: Table) -> list[str]:
    """What each fold is called: by its value only where that stands for many subjects, since a value could name one."""
    records = records_of(table, study.columns.kind)
    names = fold_names(study.split, records)
    parts = deal(study.split, records)
    few = any(len(set(records.subject[part == "test"])) < FEWEST_TO_NAME for part in parts)
    return [str(number) for number in range(len(parts))] if few else names


def told(study: TableStudy, table: Table, folds: list[str]) -> dict[str, Any]:
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


def own_data(study: TableStudy, table: Table) -> dict[str, Any]:
    """The table as a report lists it among the data."""
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
