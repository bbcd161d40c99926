"""How will this end, and how long until then?

Kind        classify
Needs       a table of features, two classes as outcome, and the time left beside it
Unit        the record; intervals are over subjects
Split       by subject: see hilum.core.split; settings are chosen inside train, over inner folds of its subjects
Metrics     auroc leads; es, osmae and the errors of the number: see hilum.metrics.course
Trivial     the shares of the classes in train, and the mean time left

A model may answer the outcome alone; what needs the number is then undefined, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hilum.core.data import Need
from hilum.core.errors import DataError, UsageError
from hilum.core.split import Rule
from hilum.modalities.table.prepare import Prepare

if TYPE_CHECKING:
    from hilum.modalities.table.sample import Table


@dataclass(frozen=True)
class PredictCourse:
    """Prediction of an outcome and of the time left, from a table.

    Attributes:
        split: How records are split.
        prepare: How features are made ready; fitted on train: a `Prepare`, or a recipe of steps.
        inner_folds: Folds of train, by subject, over which settings are chosen where a model is tuned.
        fitted_on: "train"; or "all", the order of operations of a paper that fitted preprocessing on every record.
        chosen_on: "train"; or "test", the order of operations of a paper that chose settings by its test part.
        early: The share of the mean course of train from which on a prediction counts as early: `threshold`.
        band: Quantiles of train's courses between which, ends included, that mean is taken.
        longest: The quantile of train's courses beyond which an error costs nothing more: `longest`.
    """

    split: Rule = field(default_factory=Rule)
    prepare: Any = field(default_factory=Prepare)
    inner_folds: int = 3
    fitted_on: str = "train"
    chosen_on: str = "train"
    early: float = 0.5
    band: tuple[float, float] = (0.05, 0.95)
    longest: float = 0.95

    kind: ClassVar[str] = "classify"
    unit: ClassVar[str] = "record"
    leading_metric: ClassVar[str] = "auroc"
    trivial: ClassVar[str] = "constant_prediction"
    classes: ClassVar[int] = 2
    needs: ClassVar[Mapping[str, Need]] = {"input": Need("table"), "label": Need("classes")}

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        shares = (self.early, *self.band, self.longest)
        if not all(0 <= share <= 1 for share in shares) or self.early == 0 or self.band[0] >= self.band[1]:
            raise UsageError(f"early {self.early}, band {self.band}, longest {self.longest}", where="PredictCourse")

    def constants(self, train: Table) -> dict[str, float]:
        """`threshold` and `longest`, in the unit of the time left, from the longest time left of each train sequence.

        Raises:
            DataError: the table has no time beside the outcome.
        """
        if "beside" not in train.rows.columns:
            raise DataError(
                "there is no time left beside the outcome",
                where=f"table '{train.name}'",
                do="Name the column with `beside`, or ask for the outcome alone",
            )
        course = longest_of(train)
        low, high = np.quantile(course, self.band)
        inside = course[(course >= low) & (course <= high)]
        mean = float((inside if inside.size else course).mean())  # of two subjects, none lies inside
        return {"threshold": self.early * mean, "longest": float(np.quantile(course, self.longest))}


def longest_of(table: Table) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The longest time left of each sequence (of single records, of each subject) among those asked for, shape (sequences,)."""
    import polars as pl

    whose = "sequence" if "sequence" in table.rows.columns else "subject"
    asked = table.rows.filter(pl.Series(table.asked)).with_columns(pl.col(whose).fill_null(pl.col("item")))
    found = asked.group_by(whose).agg(pl.col("beside").max()).sort(whose)["beside"]
    return np.asarray(found.to_numpy(), dtype=np.float64)
