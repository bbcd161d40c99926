"""Which class is this record's outcome?

Kind        classify
Needs       a table of features, and classes as outcome
Unit        the record; intervals are over subjects
Split       by subject: see hilum.core.split; settings are chosen inside train, over inner folds of its subjects
Metrics     auroc (of more than two classes auroc-macro) leads; see hilum.metrics.classify
Trivial     the shares of the classes in train
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hilum.core.data import Need
from hilum.core.split import Rule
from hilum.modalities.table.prepare import Prepare


@dataclass(frozen=True)
class PredictClass:
    """Prediction of a class from a table.

    Attributes:
        classes: How many there are.
        split: How records are split.
        prepare: How features are made ready; fitted on train: a `Prepare`, or a recipe of steps.
        inner_folds: Folds of train, by subject, over which settings are chosen where a model is tuned.
        fitted_on: "train"; or "all", the order of operations of a paper that fitted preprocessing on every record.
        chosen_on: "train"; or "test", the order of operations of a paper that chose settings by its test part.
    """

    classes: int = 2
    split: Rule = field(default_factory=Rule)
    prepare: Any = field(default_factory=Prepare)
    inner_folds: int = 3
    fitted_on: str = "train"
    chosen_on: str = "train"

    kind: ClassVar[str] = "classify"
    unit: ClassVar[str] = "record"
    trivial: ClassVar[str] = "constant_prediction"
    needs: ClassVar[Mapping[str, Need]] = {"input": Need("table"), "label": Need("classes")}

    @property
    def leading_metric(self) -> str:
        """AUROC; of more than two classes, the mean of one against the rest."""
        return "auroc" if self.classes == 2 else "auroc-macro"
