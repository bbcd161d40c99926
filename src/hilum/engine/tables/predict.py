"""Predict: a stored run's model on a new file, with ranges beside every prediction, and warnings where the file is unlike train.

    run --final cell (fitted on every record)--> prepared features --> predictions, range warnings, distance from train
    run --cells of the folds--> what their test parts say of a prediction like this (hilum.engine.tables.certainty)

The figures of the run speak for models fitted on its folds; the model used here saw all records. A prediction far from train is
given, and said to be far: it is not refused, for the reader may know why. Of records in time each is predicted from itself and
earlier ones of its sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.comparison import Prediction
from hilum.core.component import Spec, build
from hilum.core.errors import UsageError
from hilum.core.kinds.classify import Joint
from hilum.core.run import RunFolder
from hilum.core.store import read_json
from hilum.engine.stored import StoredArm, best_arm
from hilum.engine.tables.certainty import of_number, of_risk, tested_by
from hilum.engine.tables.pipeline import Pipeline
from hilum.engine.tables.ready import ready
from hilum.engine.tables.runner import DISTANCE

if TYPE_CHECKING:
    import polars as pl

    from hilum.modalities.table.match import Matched
    from hilum.modalities.table.sample import Table

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Learned:
    """What a run keeps of the model that predicts.

    Attributes:
        pipeline: Preparation and model, fitted on every record.
        task: What was asked.
        columns: Which column of the table was what.
        classes: Names of the classes.
        features: Feature to type, of those that the preparation uses.
        folder: Where the weights lie.
    """

    pipeline: Pipeline
    task: Any
    columns: Any
    classes: tuple[str, ...]
    features: dict[str, str]
    folder: Path


def predict(run: RunFolder, file: Path, *, model: str = "") -> Prediction:
    """Predict every record of a file.

    Args:
        run: A run of a study, or of a paper about a table.
        file: CSV, Parquet or xlsx with the table's features; outcome and other columns are not needed.
        model: Title of a model of the run; by default the one with the best leading figure.

    Raises:
        HilumError: the run has no table model, none that was fitted on all records, or the weights are damaged.
        DataError: the file cannot be used, by file, column and row.
    """
    from hilum.modalities.table.read import read_for_prediction

    arm, chosen, figure = best_arm(run, model)
    learned = _learned(arm, run)
    table, found = read_for_prediction(file, learned.columns, features=learned.features)
    made = ready(learned.task, learned.pipeline.model, table)
    answer = learned.pipeline.predict(made)
    predicted, notes = _predicted(answer, learned, tested_by(arm), _number_name(learned))
    warned = _warnings(learned.pipeline.prepared, table, made, found.lacking)
    frame = _framed(table, made, learned, predicted, warned)
    info = run.info()
    return Prediction(
        arm.name,
        chosen,
        figure,
        frame,
        warned,
        "; ".join(f"{data['title']}: {data['licence']}" for data in info["datasets"]),
        bool(info["synthetic"]),
        notes=(*_of_file(found, learned, table), *_of_known(arm, table), *notes),
        columns=dict(found.columns),
    )


def _learned(arm: StoredArm, run: RunFolder) -> _Learned:
    from hilum.modalities.table.recipe import read_prepared

    if not hasattr(arm.task, "prepare"):
        raise UsageError(
            "this run was not made from a table", where=str(run.path), do="Run a study.toml of a table first"
        )
    cell = arm.final()
    folder = cell.path / "weights" / "all-records"
    stored = read_json(cell.path / "preprocess.json")["all records"]
    prepared = read_prepared(stored["prepare"])
    settings = build(Spec.from_json(stored["model"]))
    used = {feature.name for feature in prepared.features}  # what preparation dropped or made itself may be absent
    return _Learned(
        Pipeline(prepared, settings, settings.load(folder)),
        arm.task,
        _columns(arm, prepared),
        tuple(stored["classes"]),
        {name: kind for name, kind in stored["features"].items() if name in used},
        folder,
    )


def _columns(arm: StoredArm, prepared: Any) -> Any:
    """What the columns of a file are called: as the study's table, else by their roles (sequence, step, subject) beside the features."""
    from hilum.modalities.table.columns import Columns

    dataset = build(Spec.from_json(arm.spec["dataset"]))
    if hasattr(dataset, "columns"):
        return dataset.columns
    tested = tested_by(arm)
    stored = set() if tested is None else set(tested.columns)
    roles: dict[str, Any] = {role: role for role in ("subject", "sequence", "step") if role in stored}
    names = [feature.name for feature in prepared.features if getattr(feature, "role", "") == "static"]
    return replace(Columns(target="outcome"), **roles, static=tuple(names) if "sequence" in roles else ())


def _number_name(learned: _Learned) -> str:
    """What the number is called: the outcome, or what stands beside it."""
    return str((learned.columns.beside or "left") if learned.classes else "prediction")


def _predicted(
    answer: Array | Joint, learned: _Learned, tested: pl.DataFrame | None, name: str
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Columns of predictions, each with what stands beside it; and what these mean."""
    probabilities = answer.probabilities if isinstance(answer, Joint) else answer if learned.classes else None
    numbers = answer.numbers if isinstance(answer, Joint) else None if learned.classes else answer
    columns: dict[str, Array] = {}
    notes: tuple[str, ...] = ()
    if probabilities is not None:
        columns |= {f"p {each}": probabilities[:, index] for index, each in enumerate(learned.classes)}
        if tested is not None and len(learned.classes) == 2:
            event = learned.classes[1]
            named = f"{learned.columns.target} = {event}" if event.replace(".", "").isdigit() else event
            ranges = of_risk(tested, probabilities[:, 1], named)
            columns |= ranges.columns
            notes += ranges.notes
    if numbers is not None:
        columns[name] = numbers
        if tested is not None:
            ranges = of_number(tested, numbers, name)
            columns |= ranges.columns
            notes += ranges.notes
    if tested is None:
        notes += ("The run stores no prediction of a test part: nothing says how far these may be off.",)
    return columns, notes


def _framed(
    table: Table, made: Table, learned: _Learned, predicted: dict[str, Array], warned: pl.DataFrame
) -> pl.DataFrame:
    """One row a record; of records in time by sequence and step."""
    import polars as pl

    share, far = _distance(learned.folder, learned.pipeline.prepared.apply(made.inputs))
    counts = table.rows.select("item").join(
        warned.group_by("item").len("warnings"), on="item", how="left", maintain_order="left"
    )
    kept = [name for name in ("item", "subject", "sequence", "step") if name in table.rows.columns]
    kept = [name for name in kept if table.rows[name].null_count() < table.height]
    frame = table.rows.select(kept).with_columns(
        **{name: pl.Series(values).fill_nan(None) for name, values in predicted.items()},
        closer_in_train=share,
        far=far,
        unmeasured=_unmeasured(table),
        warnings=counts["warnings"].fill_null(0),
    )
    return frame.sort("sequence", "step") if table.order is not None else frame


def _unmeasured(table: Table) -> pl.Series:
    """How many features have no value yet: in the record, or in an earlier one of its sequence."""
    import polars as pl

    frame = table.features.select(pl.all().is_null().cast(pl.Int64))
    if table.order is None:
        return frame.select(pl.sum_horizontal(pl.all())).to_series() if frame.width else pl.Series([0] * table.height)
    ordered = table.order.sorting
    series = pl.Series("\0series", table.order.series[ordered])
    so_far = frame[ordered].with_columns(series)
    so_far = so_far.select(pl.all().exclude("\0series").cum_min().over("\0series"))
    counts = so_far.select(pl.sum_horizontal(pl.all())).to_series().to_numpy()
    back = np.empty(table.height, dtype=np.int64)
    back[ordered] = counts
    return pl.Series(back)


def _of_file(found: Matched, learned: _Learned, table: Table) -> list[str]:
    """What a reader should know of how the file was read."""
    notes = [f"'{column}' is read as '{name}'." for name, column in found.renamed.items()]
    notes += [f"{remark}." for remark in found.remarks]
    if found.lacking:
        notes.append(
            f"Not in the file, and treated as never measured: {', '.join(repr(name) for name in found.lacking)}."
        )
    if table.order is not None and learned.columns.asked == "last":
        notes.append(
            "The model learned from the last record of each sequence: what it says at earlier ones was not tested."
        )
    return notes


def _of_known(arm: StoredArm, table: Table) -> list[str]:
    """Whether subjects of the file are among those that the model was fitted on."""
    subjects = table.rows["subject"].drop_nulls().unique()
    split = arm.final().table("split")
    known = subjects.is_in(split["subject"].implode()).sum() if "subject" in split.columns else 0
    if not known:
        return []
    return [
        f"{known} of {subjects.len()} subjects are called like ones that the model was fitted on: if they are the same people, "
        "what it says of them is closer to the truth than it is of new patients."
    ]


def _distance(folder: Path, inputs: Array) -> tuple[pl.Series, pl.Series]:
    """The share of train records that lie closer, and whether that is far; null where the model had no column to go by."""
    import polars as pl

    from hilum.modalities.table.distance import Distance

    if not (folder / DISTANCE).is_file():
        nothing = pl.Series([None] * len(inputs), dtype=pl.Float64)
        return nothing, nothing.cast(pl.Boolean)
    distance = Distance.load(folder / DISTANCE)
    return pl.Series(distance.share(inputs)), pl.Series(distance.far(inputs))


def _warnings(prepared: Any, table: Table, made: Table, lacking: Sequence[str]) -> pl.DataFrame:
    """One row a value that train did not have: item, feature, problem, value, low, high, text; of lacking columns the notes speak."""
    import polars as pl

    found = prepared.warnings(table.inputs)
    if made is not table:
        # Whether a value is missing is judged where the recipe has filled what it could; a value is judged once, where it stands.
        missing = pl.col("problem") == "missing"
        late = prepared.warnings(made.inputs).filter(missing)
        found = pl.concat([found.filter(~missing), late]).sort("record", maintain_order=True)
    found = found.filter(~((pl.col("problem") == "missing") & pl.col("feature").is_in(list(lacking))))
    items = table.rows["item"].gather(found["record"])
    texts = [
        f"{row['feature']} {row['value']} is {row['problem']} train's {row['low']:.4g} to {row['high']:.4g}"
        if row["problem"] in {"below", "above"}
        else f"{row['feature']} is missing, and never was in train"
        if row["problem"] == "missing"
        else f"{row['feature']} '{row['value']}' was never seen in train"
        for row in found.iter_rows(named=True)
    ]
    named: pl.DataFrame = found.drop("record").insert_column(0, items)
    return named.with_columns(pl.Series("text", texts, dtype=pl.String))
