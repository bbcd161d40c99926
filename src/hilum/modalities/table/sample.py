"""Table: records with their features, and beside them whose, when, where and what outcome. What every reader returns.

    rows       (records, ...) who, when, where, outcome: fixed names, see ROW_COLUMNS
    features   (records, features) what a model may see: Float64 for numbers, String for categories, null where missing

Records are kept in the order of their ids, so the order of the input rows leaves no trace.

Sequences   Records may belong together in time. Then one without an outcome is context: it is read, and nothing is asked of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from hilum.core.errors import DataError
from hilum.core.sequence import Order
from hilum.modalities.table.inputs import Inputs, Role

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

ROW_COLUMNS = {
    "item": "String, unique: the record's id",
    "subject": "String: whose record it is; null where that is not known",
    "target": "Float64: class index, or the measured value; null where there is no outcome (prediction only)",
    "time": "Float64, optional: when it was recorded, s since 1970 or the user's own number",
    "source": "String, optional: what acquired it",
    "site": "String, optional: where",
    "content": "String, optional: hash of its content, where the user named one",
    "declared": "String, optional: the part or fold that a column of the table gives it",
    "time_zero": "Float64, optional: the time of prediction",
    "eligible": "Float64, optional: when it was decided that the record belongs to the study",
    "group:NAME": "String, optional: a subgroup to look at",
    "charted:FEATURE": "Float64, optional: when that feature was charted",
    "sequence": "String, optional: which sequence the record belongs to (a stay, a patient)",
    "step": "Float64, with `sequence`: when within it; no two records of a sequence are equal",
    "beside": "Float64, optional: a number that goes with a class as outcome (remaining days)",
}


@dataclass(frozen=True)
class Table:
    """Records of one study.

    Attributes:
        name: The table's name.
        rows: One row a record: see ROW_COLUMNS.
        features: The same records in the same order: what a model may see.
        classes: Names of the classes, in index order; of two, the second is the positive one; empty where a number is asked.
        target: Name of the outcome.
        unit: Its unit; empty for classes.
        attrition: What was excluded, in order: why, and how many records.
        made_from: Columns that the outcome was made from, where somebody said so.
        dated: Features that were read from dates, s since 1970.
        notes: What a reader of results should know of the reading: dates among the features, a sheet, an encoding.
        static: Features that do not change within a sequence; they stand first.
        roles: What a feature is, where it was made from others: see `hilum.modalities.table.inputs`.
        unjudgeable: Why no model can be judged on it, as a sentence; empty where one can.
    """

    name: str
    rows: pl.DataFrame
    features: pl.DataFrame
    classes: tuple[str, ...] = ()
    target: str = ""
    unit: str = ""
    attrition: tuple[tuple[str, int], ...] = ()
    made_from: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    dated: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    unjudgeable: str = ""

    def __post_init__(self) -> None:
        """Refuse frames that do not belong together, and put records into the order of their ids."""
        import polars as pl

        where = f"table '{self.name}'"
        if self.rows.height != self.features.height:
            raise DataError(f"{self.rows.height} rows and {self.features.height} rows of features", where=where)
        twins = self.rows["item"].is_duplicated()
        if twins.any():
            raise DataError(
                f"the id '{self.rows['item'].filter(twins)[0]}' stands {int(twins.sum())} times",
                where=where,
                do="Ids are unique: name another id column, or leave it out",
            )
        if not self.rows["item"].is_sorted():
            order = self.rows["item"].arg_sort()
            object.__setattr__(self, "rows", self.rows[order])
            object.__setattr__(self, "features", self.features[order])
        if self.static and tuple(self.features.columns[: len(self.static)]) != self.static:
            raise DataError(
                "the static features do not stand first", where=where, do=f"Put {', '.join(self.static)} first"
            )
        wrong = [name for name, kind in self.features.schema.items() if kind not in (pl.Float64, pl.String)]
        if wrong:
            raise DataError(f"the feature '{wrong[0]}' is {self.features.schema[wrong[0]]}", where=where)

    @property
    def height(self) -> int:
        """How many records."""
        return int(self.rows.height)

    @cached_property
    def order(self) -> Order | None:
        """Which records belong together in time; None for single records.

        Raises:
            DataError: a record without a sequence or a step, or two records of a sequence at one step.
        """
        import numpy as np
        import polars as pl

        if "sequence" not in self.rows.columns:
            return None
        lacking = self.rows.filter(pl.col("sequence").is_null() | ~pl.col("step").is_finite().fill_null(value=False))
        if lacking.height:
            raise DataError(
                f"the record '{lacking['item'][0]}' has no sequence or no step ({lacking.height} in all)",
                where=f"table '{self.name}'",
                do="Say of every record which sequence it belongs to, and when",
            )
        twins = self.rows.select("sequence", "step").is_duplicated()
        if twins.any():
            first = self.rows.filter(twins)[0]
            raise DataError(
                f"two records of '{first['sequence'][0]}' stand at {first['step'][0]:g}",
                where=f"table '{self.name}'",
                do="Leave one out, or put their values into one record",
            )
        series = self.rows["sequence"].rank("dense").to_numpy().astype(np.int64) - 1
        return Order(series, self.rows["step"].to_numpy())

    @property
    def asked(self) -> NDArray[np.bool_]:
        """(records,) whether an outcome is asked for: of single records always, within a sequence where there is one."""
        import numpy as np

        if "sequence" not in self.rows.columns or "target" not in self.rows.columns:
            return np.ones(self.height, dtype=bool)
        return np.asarray(self.rows["target"].is_not_null().to_numpy())

    @property
    def inputs(self) -> Inputs:
        """What preprocessing reads."""
        return Inputs(self.features, self.order, {**dict.fromkeys(self.static, "static"), **self.roles})

    def take(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Table:
        """Some of the records: by position (ascending) or by a mask of shape (records,)."""
        import numpy as np

        index = np.flatnonzero(chosen) if chosen.dtype == bool else np.sort(chosen)
        return replace(self, rows=self.rows[index], features=self.features[index])
