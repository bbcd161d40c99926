"""Comparison, Prediction and Ahead: what the commands `compare` and `predict` answer, as plain data that reports can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hilum.core.row import Range

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Comparison:
    """One arm against another by one metric.

    Attributes:
        a: Title of the first arm.
        b: Title of the second.
        metric: Title of the metric.
        direction: Which way is better.
        value_a: The first arm's figure on what both predicted.
        value_b: The second's.
        difference: a - b.
        interval: Its interval over subjects; None where there is none.
        p: Two-sided p-value that the two are exchangeable within subjects; nan where there is none.
        method: How these were made, or why there are none.
        records: Records (recordings) that both predicted.
        only_a: Records that the first alone predicted.
        only_b: Records that the second alone predicted.
        level: Nominal coverage of the interval.
    """

    a: str
    b: str
    metric: str
    direction: str
    value_a: float
    value_b: float
    difference: float
    interval: Range | None
    p: float
    method: str
    records: int
    only_a: int
    only_b: int
    level: float = 0.95

    @property
    def verdict(self) -> str:
        """The answer in words."""
        if self.interval is None:
            return "undecided"
        if self.interval.low <= 0 <= self.interval.high:
            return "no difference shown"
        above = self.interval.low > 0
        if self.direction == "none":
            return "they differ; neither way is better"
        return f"{self.a if above == (self.direction == 'higher') else self.b} is better"


@dataclass(frozen=True)
class Prediction:
    """Predictions of one file.

    Attributes:
        arm: The model's title.
        chosen: Why this model.
        figure: What the run measured of it, in words.
        frame: One row a record: item, subject where known, of records in time sequence and step; `p CLASS` and, of two classes,
            `observed`, `low`, `high`; a number under its name or `prediction`, with `NAME low` and `NAME high`; `closer_in_train` (the
            share of train records that lie closer to their centre), `far`, `unmeasured` (features without a value so far),
            `warnings` (how many). Null where nothing is said.
        warnings: One row a warning: record, feature, what is unusual, the range that train had.
        licence: Of the data that the model learned from.
        synthetic: Whether these were simulated.
        notes: How the file was read, and what the columns beside a prediction mean, in sentences.
        columns: Name in train to the file's column.
    """

    arm: str
    chosen: str
    figure: str
    frame: pl.DataFrame
    warnings: pl.DataFrame
    licence: str
    synthetic: bool
    notes: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data, fit for a web page: what is not known is None, never NaN."""
        import polars.selectors as cs

        records, warnings = (frame.with_columns(cs.float().fill_nan(None)) for frame in (self.frame, self.warnings))
        return {
            "model": self.arm,
            "chosen": self.chosen,
            "figure": self.figure,
            "licence": self.licence,
            "synthetic": self.synthetic,
            "notes": list(self.notes),
            "columns": dict(self.columns),
            "records": records.to_dicts(),
            "warnings": warnings.to_dicts(),
        }


@dataclass(frozen=True)
class Ahead:
    """Forecasts beyond the end of a trace.

    Attributes:
        arm: The model's title.
        chosen: Why this model.
        figure: What the run measured of it, in words.
        unit: Unit of the channels.
        frame: One row a horizon: horizon_s; time_s, from the first sample of the trace; one column a channel; and what the run
            measured at this horizon, under the metric's name.
        account: What became of the rows of the file, in a sentence.
        licence: Of the data that the run was made from.
        synthetic: Whether these were simulated.
    """

    arm: str
    chosen: str
    figure: str
    unit: str
    frame: pl.DataFrame
    account: str
    licence: str
    synthetic: bool
