"""Which number is this record's outcome?

Kind        regress
Needs       a table of features, and a number as outcome
Unit        the record; intervals are over subjects
Split       by subject: see hilum.core.split; settings are chosen inside train, over inner folds of its subjects
Metrics     mae, in the outcome's unit, leads; see hilum.metrics.regress
Trivial     the mean of train
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hilum.core.data import Need
from hilum.core.split import Rule
from hilum.modalities.table.prepare import Prepare


@dataclass(frozen=True)
class PredictValue:
    """Prediction of a number from a table.

    Attributes:
        split: How records are split.
        prepare: How features are made ready; fitted on train: a `Prepare`, or a recipe of steps.
        inner_folds: Folds of train, by subject, over which settings are chosen where a model is tuned.
        fitted_on: "train"; or "all", the order of operations of a paper that fitted preprocessing on every record.
        chosen_on: "train"; or "test", the order of operations of a paper that chose settings by its test part.
    """

    split: Rule = field(default_factory=Rule)
    prepare: Any = field(default_factory=Prepare)
    inner_folds: int = 3
    fitted_on: str = "train"
    chosen_on: str = "train"

    kind: ClassVar[str] = "regress"
    unit: ClassVar[str] = "record"
    leading_metric: ClassVar[str] = "mae"
    trivial: ClassVar[str] = "constant_prediction"
    needs: ClassVar[Mapping[str, Need]] = {"input": Need("table"), "target": Need("number")}
