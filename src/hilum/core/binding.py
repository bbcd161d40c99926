"""Binding: which cells answer a claim, by which metric and estimand, on which basis.

A claim must be bound or listed with a reason; a binding must match a claim. Both are checked whenever a paper is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from hilum.core.claim import Claim
from hilum.core.errors import UsageError
from hilum.core.experiment import Arm

Basis = Literal["identical", "same-data", "new-data"]
Pool = Literal["unit", "fold", "all"]


@dataclass(frozen=True)
class Estimand:
    """What exactly the printed figure is.

    Attributes:
        unit: What one value belongs to before the last mean (a recording, a patient, a fold).
        pool: Whose rows give one figure before anything is averaged: one unit's, one fold's, or all of a seed's.
        order: The dimensions that are averaged away, first to last.
        runs: How many runs are behind the printed value (1 if unknown).
        horizons: The horizons it averages over, in samples; empty for all that were run.
        items: The items it averages over; empty for all.
    """

    unit: str
    order: tuple[str, ...] = ("seed", "horizon", "item")
    pool: Pool = "unit"
    runs: int = 1
    horizons: tuple[int, ...] = ()
    items: tuple[str, ...] = ()

    def __str__(self) -> str:
        """In words, for reports."""
        if self.pool == "all":
            return "all test rows pooled, then mean over seeds"
        if self.pool == "fold":
            return "one figure a fold, then mean over folds, then seeds"
        names = [self.unit if name == "item" else name for name in self.order]
        return "mean over " + ", then ".join(f"{name}s" for name in names)


@dataclass(frozen=True)
class Binding:
    """Ties claims to an arm.

    Attributes:
        claims: Patterns of claim ids (`mean.10hz.lms.*`); several may share a binding.
        arm: The arm under the paper's own protocol: the verdict comes from it alone.
        honest: The arm under hilum's protocol, shown beside; None where the published one is already honest.
        trivial: The trivial predictor under the same task; its error sets the margin.
        estimand: What the figure is.
        basis: Which noise the interval of ours - claimed holds.
        differs: Settings in which ours is known to differ from the paper's; any of them makes it not comparable.
    """

    claims: tuple[str, ...]
    arm: Arm
    trivial: Arm
    estimand: Estimand
    basis: Basis
    honest: Arm | None = None
    differs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arithmetic:
    """Claims that follow from the paper's own other figures.

    Attributes:
        claims: Patterns of claim ids.
        compute: From this claim and all claims by id, the figure that the paper's own table gives.
        rule: The computation in words.
    """

    claims: tuple[str, ...]
    compute: Callable[[Claim, Mapping[str, Claim]], float]
    rule: str


@dataclass(frozen=True)
class Unbound:
    """Claims that nothing here answers yet, and why."""

    claims: tuple[str, ...]
    reason: str


Bound = Binding | Arithmetic | Unbound


def match(claims: Iterable[Claim], bindings: Iterable[Bound], *, paper: str) -> dict[str, Bound]:
    """Claim id to what answers it; the first matching binding wins.

    Raises:
        UsageError: a claim has no binding and no reason, or a pattern matches no claim.
    """
    rules = tuple(bindings)
    listed = tuple(claims)
    matched: dict[str, Bound] = {}
    for claim in listed:
        found = next((rule for rule in rules if any(fnmatchcase(claim.id, p) for p in rule.claims)), None)
        if found is None:
            raise UsageError(
                f"the claim '{claim.id}' is neither bound nor listed with a reason",
                where=f"papers/{paper}/bindings.py",
                do="Add it to a Binding, or to an Unbound with the reason",
            )
        matched[claim.id] = found
    for rule in rules:
        for pattern in rule.claims:
            if not any(fnmatchcase(claim.id, pattern) for claim in listed):
                raise UsageError(
                    f"the pattern '{pattern}' matches no claim",
                    where=f"papers/{paper}/bindings.py",
                    do="Mend the pattern, or delete it",
                )
    return matched
