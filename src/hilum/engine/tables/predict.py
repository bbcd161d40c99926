"""Predict: a stored run's model on a new file, with warnings where the file is unlike what the model has seen.

    run --final cell (fitted on every record)--> prepared features --> predictions, range warnings, distance from train

The figures of the run speak for models fitted on its folds; the model used here saw all records. A prediction far from train is
given, and said to be far: it is not refused, for the reader may know why.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hilum.core.comparison import Prediction
from hilum.core.component import Spec, build
from hilum.core.errors import UsageError
from hilum.core.run import RunFolder
from hilum.core.store import read_json
from hilum.engine.stored import best_arm
from hilum.engine.tables.runner import DISTANCE

if TYPE_CHECKING:
    import polars as pl

    from hilum.modalities.table.prepare import Prepared
    from hilum.modalities.table.sample import Table


def predict(run: RunFolder, file: Path, *, model: str = "") -> Prediction:
    """Predict every record of a file.

    Args:
        run: A run of a study.
        file: CSV, Parquet or xlsx with the study's features; outcome and other columns are not needed.
        model: Title of a model of the run; by default the one with the best leading figure.

    Raises:
        HilumError: the run has no table model, or the weights are damaged.
        DataError: the file cannot be used, by file, column and row.
    """
    import polars as pl

    from hilum.modalities.table.prepare import Prepared
    from hilum.modalities.table.read import read_for_prediction

    arm, chosen, figure = best_arm(run, model)
    dataset = build(Spec.from_json(arm.spec["dataset"]))
    if not hasattr(dataset, "columns"):
        raise UsageError("this run was not made from a table", where=str(run.path), do="Run a study.toml first")
    cell = arm.final()
    folder = cell.path / "weights" / "all-records"
    stored = read_json(cell.path / "preprocess.json")["all records"]
    prepared = Prepared.from_json(stored["prepare"])
    table, _ = read_for_prediction(file, dataset.columns, features=_asked(stored["features"], prepared))
    settings = build(Spec.from_json(stored["model"]))
    inputs = prepared.apply(table.features)
    predicted = settings.load(folder).predict(inputs)
    share, far = _distance(folder, inputs)
    warned = _warnings(prepared, table)
    counts = table.rows.select("item").join(
        warned.group_by("item").len("warnings"), on="item", how="left", maintain_order="left"
    )
    classes = stored["classes"]
    columns = (
        {f"p {name}": predicted[:, index] for index, name in enumerate(classes)}
        if classes
        else {"prediction": predicted}
    )
    kept = [name for name in ("item", "subject") if name in table.rows.columns]
    frame = table.rows.select(kept).with_columns(
        **{name: pl.Series(values) for name, values in columns.items()},
        closer_in_train=share,
        far=far,
        warnings=counts["warnings"].fill_null(0),
    )
    info = run.info()
    licence = "; ".join(f"{data['title']}: {data['licence']}" for data in info["datasets"])
    return Prediction(arm.name, chosen, figure, frame, warned, licence, bool(info["synthetic"]))


def _asked(features: dict[str, str], prepared: Prepared) -> dict[str, str]:
    """Feature to type, of those that the preparation uses: one that it dropped may be absent."""
    used = {feature.name for feature in prepared.features}
    return {name: kind for name, kind in features.items() if name in used}


def _distance(folder: Path, inputs: NDArray[np.float64]) -> tuple[pl.Series, pl.Series]:
    """The share of train records that lie closer, and whether that is far; null where the model had no column to go by."""
    import polars as pl

    from hilum.modalities.table.distance import Distance

    if not (folder / DISTANCE).is_file():
        nothing = pl.Series([None] * len(inputs), dtype=pl.Float64)
        return nothing, nothing.cast(pl.Boolean)
    distance = Distance.load(folder / DISTANCE)
    return pl.Series(distance.share(inputs)), pl.Series(distance.far(inputs))


def _warnings(prepared: Prepared, table: Table) -> pl.DataFrame:
    """One row a value that train did not have: item, feature, problem, value, low, high, text."""
    import polars as pl

    found = prepared.warnings(table.features)
    items = table.rows["item"].gather(found["record"])
    texts = [
        f"{row['feature']} {row['value']} is {row['problem']} train's {row['low']:.4g} to {row['high']:.4g}"
        if row["problem"] in {"below", "above"}
        else f"{row['feature']} is missing, and never was in train"
        if row["problem"] == "missing"
        else f"{row['feature']} '{row['value']}' was never seen in train"
        for row in found.iter_rows(named=True)
    ]
    return found.drop("record").insert_column(0, items).with_columns(pl.Series("text", texts, dtype=pl.String))
