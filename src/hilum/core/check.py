"""Check: is it honest? A coded audit of data, split, model or result, with its proof printed.

A check reads stored evidence only (a `Study`), and answers pass, fail, *cannot tell* or *not applicable*; no evidence is
no pass. Each is one file in the room `checks`: `hil001_subject_overlap.py` with the literals SEVERITY, KIND and SCOPE and a
function `check(study) -> Finding`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Status = Literal["pass", "fail", "cannot tell", "not applicable"]
Severity = Literal["critical", "major", "note"]
CheckKind = Literal["defect", "finding"]
Scope = Literal["arm", "experiment"]


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
    """The stored evidence of one arm.

    Attributes:
        id: The arm's id.
        name: Its title.
        protocol: Its protocol.
        stochastic: Whether its model draws at random.
        trivial: Whether it is the trivial predictor itself.
        seeds: Seeds of each cell.
        split: Part ("train", "validation", "test") to the subjects in it; a subject that is not known is absent.
        personal: Whether every item is predicted from its own past only, so that no part crosses items.
        leading: The leading metric's name and direction.
        values: (horizon or None) to item to the leading metric, seeds averaged.
        scored: Item to what was scored of it: a text that must be equal for two arms to be compared.
        exploded: Item to how many seeds gave a prediction that is not finite.
        evidence: Item to the cell's evidence, as stored.
        intervals: The interval over subjects of the leading metric: low, high, and the share of the estimate it spans.
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


@dataclass(frozen=True)
class Study:
    """What a check sees: one arm in its company, and what is known of the data.

    Attributes:
        arm: The arm under audit; for checks of scope `experiment`, the first.
        arms: Every arm of the run.
        subjects_known: Whether the dataset says who is who.
        synthetic: Whether the data are simulated.
        interval_limit: HIL010's limit: the widest interval over subjects, as a share of the estimate.
    """

    arm: ArmStudy
    arms: tuple[ArmStudy, ...]
    subjects_known: bool
    synthetic: bool
    interval_limit: float = 1.0

    @property
    def trivial(self) -> ArmStudy | None:
        """The trivial predictor under the same protocol, else under any."""
        same = [a for a in self.arms if a.trivial and a.protocol == self.arm.protocol]
        return next(iter(same or [a for a in self.arms if a.trivial]), None)
