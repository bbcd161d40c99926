"""Rows of a report: what claims.json and checks.json hold, typed. Plain data, made once and read by every report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class UnitValue:
    """One unit's own figure (a recording, a patient): the name shown is salted where ids must not be."""

    unit: str
    value: float | None


@dataclass(frozen=True)
class Range:
    """An interval and how it was made."""

    low: float
    high: float
    method: str
    n: int
    note: str = ""


@dataclass(frozen=True)
class Estimate:
    """A figure of ours with its interval over subjects or units; `reason` where there is none."""

    value: float | None
    interval: Range | None
    reason: str = ""
    per_unit: tuple[UnitValue, ...] = ()
    per_seed: tuple[float, ...] = ()
    per_fold: tuple[UnitValue, ...] = ()


@dataclass(frozen=True)
class Row:
    """One claim, judged.

    Attributes:
        verdict: By rule (`hilum.core.verdict`).
        reason: Why, in one sentence.
        supported: False where the figure is reproduced but a failed critical check means that the claim is not supported.
        codes: Codes of failed checks of its arm.
        ours: Our figure under the published protocol.
        difference_low: Lower end of the 95 % interval of ours - claimed.
        difference_high: Its upper end.
        margin: Margin plus half a printed digit.
        smallest_margin: The least margin at which it would be reproduced.
        honest: The same estimand under the honest protocol.
        trivial: The trivial predictor's figure by the same estimand.
        arm: Title of the arm; `arm_id` its id; `honest_arm_id` the other's.
        differs: Every setting that is known to differ from the paper's.
        settings: What ours was run with, as text rows.
    """

    id: str
    kind: str
    statement: str
    metric: str
    metric_title: str
    unit: str
    direction: str
    relation: str
    printed: str
    claimed: float
    evidence: str
    where: str
    primary: bool
    verdict: str
    reason: str
    supported: bool = True
    codes: tuple[str, ...] = ()
    basis: str = ""
    estimand: str = ""
    ours: Estimate | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    margin: float | None = None
    smallest_margin: float | None = None
    honest: Estimate | None = None
    trivial: float | None = None
    arm: str = ""
    arm_id: str = ""
    honest_arm_id: str = ""
    differs: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Row:
        """Read what `to_json` wrote."""
        nested = {name: read_estimate(data.get(name)) for name in ("ours", "honest")}
        listed = {name: tuple(data.get(name) or ()) for name in ("codes", "differs", "settings")}
        return cls(**{**data, **nested, **listed})


@dataclass(frozen=True)
class CheckRow:
    """What one check says of one arm (or of the whole run)."""

    code: str
    title: str
    severity: str
    kind: str
    scope: str
    arm: str
    arm_id: str
    status: str
    message: str
    proof: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CheckRow:
        """Read what `to_json` wrote."""
        return cls(**data)


def read_estimate(data: dict[str, Any] | None) -> Estimate | None:
    """An estimate from plain data, as `dataclasses.asdict` wrote it."""
    if data is None:
        return None
    return Estimate(
        value=data["value"],
        interval=None if data["interval"] is None else Range(**data["interval"]),
        reason=data["reason"],
        per_unit=tuple(UnitValue(**unit) for unit in data["per_unit"]),
        per_seed=tuple(data["per_seed"]),
        per_fold=tuple(UnitValue(**fold) for fold in data.get("per_fold", ())),
    )
