"""Check: is it honest? A coded audit of data, split, model or result, with its proof printed.

A check reads stored evidence only (a `Study`), and answers pass, fail, *cannot tell* or *not applicable*; no evidence is
no pass. Each is one file in the room `checks`: `hil001_subject_overlap.py` with the literals CODE, TITLE, SEVERITY, KIND, SCOPE
and a function `check(study) -> Finding`; and KINDS, where it is asked of some task kinds only.

    scope "arm"         asked of every arm: one method's fit, choices and predictions
    scope "data"        asked once of each set of records and its split, whatever is fitted on it; also by `hilum audit`
    scope "experiment"  asked once of all arms together
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

Status = Literal["pass", "fail", "cannot tell", "not applicable"]
Severity = Literal["critical", "major", "note"]
CheckKind = Literal["defect", "finding"]
Scope = Literal["arm", "data", "experiment"]


@dataclass(frozen=True)
class Finding:
    """What a check says, with its proof.

    Attributes:
        status: The answer.
        message: One sentence with the figures that prove it.
        proof: The figures as data: plain JSON.
    """

    status: Status
    message: str
    proof: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def passed(cls, message: str, **proof: Any) -> Finding:
        """Looked for, not found."""
        return cls("pass", message, proof)

    @classmethod
    def failed(cls, message: str, **proof: Any) -> Finding:
        """Found."""
        return cls("fail", message, proof)

    @classmethod
    def cannot_tell(cls, message: str, **proof: Any) -> Finding:
        """The evidence that would decide is not there."""
        return cls("cannot tell", message, proof)

    @classmethod
    def not_applicable(cls, message: str, **proof: Any) -> Finding:
        """The question does not arise."""
        return cls("not applicable", message, proof)


@dataclass(frozen=True)
class ArmStudy:
    """The stored evidence of one arm; of a table alone (`hilum audit`) only what concerns data and split.

    Attributes:
        id: The arm's id.
        name: Its title.
        kind: Its task's kind ("classify", "regress", "forecast", ...).
        protocol: Its protocol.
        control: Empty, or what it is a control for ("permuted labels", "random encoder"); `of` is then the arm it controls.
        stochastic: Whether its model draws at random.
        trivial: Whether it is the trivial predictor itself.
        seeds: Seeds of each cell; of a permuted-labels control, one a permutation.
        split: Part ("train", "validation", "test") to the subjects in it; a subject that is not known is absent.
        personal: Whether every item is predicted from its own past only, so that no part crosses items.
        leading: The leading metric's name and direction.
        values: (horizon or None) to unit to the leading metric, seeds averaged; of kinds whose metric is not per unit, fold.
        scored: Item to what was scored of it: a text that must be equal for two arms to be compared.
        exploded: Item to how many seeds gave a prediction that is not finite.
        evidence: Item (or "fold 0", ...) to the cell's evidence, as stored.
        interval: The interval over subjects of the leading metric, low and high.
        figure: The leading metric, all test rows pooled; None where undefined.
        records: Rows of split.parquet, one a record and fold: see RECORD_COLUMNS. None where the kind has none.
        predictions: Rows of predictions.parquet, one a test record, fold and seed: item, subject, fold, seed, target,
            `prediction` (regress) or `p:0`, `p:1`, ... (classify, one a class), and the columns group:*, source, site, time
            where the data have them. None where the kind has none.
        classes: Names of the classes, in index order.
        data: A digest that arms on the same records and split share; of forecasts, arms on the same recordings at the same rate.
    """

    id: str
    name: str
    protocol: str
    stochastic: bool
    trivial: bool
    seeds: tuple[int, ...]
    split: Mapping[str, Sequence[str]]
    personal: bool
    leading: tuple[str, str]
    values: Mapping[int | None, Mapping[str, float]]
    scored: Mapping[str, str]
    exploded: Mapping[str, int]
    evidence: Mapping[str, Mapping[str, Any]]
    interval: tuple[float, float] | None = None
    kind: str = "forecast"
    control: str = ""
    of: str = ""
    figure: float | None = None
    records: pl.DataFrame | None = None
    predictions: pl.DataFrame | None = None
    classes: tuple[str, ...] = ()
    data: str = ""

    def found(self, name: str) -> Any:
        """The first cell's evidence of that name (as asked of the data, it is the same in all); None where there is none."""
        return next((cell[name] for cell in self.evidence.values() if cell.get(name) is not None), None)

    def each(self, name: str) -> dict[str, Any]:
        """Evidence of that name by cell, where there is any."""
        return {key: cell[name] for key, cell in self.evidence.items() if cell.get(name) is not None}

    def paired(self, other: ArmStudy) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
        """The leading metric of both arms, averaged over shared horizons, on shared items."""
        horizons = [h for h in self.values if h in other.values]
        items = (
            [
                item
                for item in self.values[horizons[0]]
                if all(item in self.values[h] and item in other.values[h] for h in horizons)
            ]
            if horizons
            else []
        )
        mine = np.array([[self.values[h][item] for item in items] for h in horizons]).reshape(len(horizons), len(items))
        theirs = np.array([[other.values[h][item] for item in items] for h in horizons]).reshape(
            len(horizons), len(items)
        )
        if not items:
            return [], np.empty(0), np.empty(0)
        return items, mine.mean(axis=0), theirs.mean(axis=0)


RECORD_COLUMNS = {
    "item": "the record's id, unique within a fold",
    "subject": "whose record it is; null where that is not known",
    "fold": "0, 1, ...",
    "part": "train, validation or test in that fold; null where the table has no split",
    "target": "class index, or the measured value",
    "time": "when it was recorded: s since 1970, or the user's own number; absent without a time column",
    "source": "what acquired it (device, recorder, channel); absent without a source column",
    "site": "where; absent without a site column",
    "content": "hash of the record's content (a file, or its row of features); absent where it was not made",
    "group:NAME": "a subgroup to look at",
}


@dataclass(frozen=True)
class Study:
    """What a check sees: one arm in its company, and what is known of the data.

    Attributes:
        arm: The arm under audit; for checks of scope `experiment`, the first.
        arms: Every arm of the run, controls among them.
        subjects_known: Whether the dataset says who is who.
        synthetic: Whether the data are simulated.
        interval_limit: HIL010's limit: the widest interval over subjects, as a share of the estimate.
        margin: The margin of the leading metric; None where it has none.
        future_use: Whether the study claims use on later patients; None where it does not say.
        prevalence: The share of positives where the model is meant to be used; None where that is not said.
    """

    arm: ArmStudy
    arms: tuple[ArmStudy, ...]
    subjects_known: bool
    synthetic: bool
    interval_limit: float = 1.0
    margin: float | None = None
    future_use: bool | None = None
    prevalence: float | None = None

    @property
    def trivial(self) -> ArmStudy | None:
        """The trivial predictor on the same data, under the same protocol, else under any."""
        there = [a for a in self.arms if a.trivial and not a.control and a.data == self.arm.data]
        same = [a for a in there if a.protocol == self.arm.protocol]
        return next(iter(same or there), None)

    def control(self, name: str) -> ArmStudy | None:
        """The arm's own control of that name; None where it was not run."""
        return next((a for a in self.arms if a.control == name and a.of == self.arm.id), None)
