"""Binding: which cells answer a claim, by which metric and estimand, on which basis.

A claim must be bound or listed with a reason; a binding must match a claim. Both are checked whenever a paper is read.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from hilum.core.claim import Claim
from hilum.core.errors import DataError, UsageError
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
class Sample:
    """Who is behind a printed figure, where the claim's own row does not say.

    Attributes:
        units: Independent units (people, cases); 0 where unknown.
        positives: How many of them have the outcome; 0 where unknown.
    """

    units: int = 0
    positives: int = 0


@dataclass(frozen=True)
class StandIn:
    """What is shown beside a claim where the run is too small for the arm that answers it.

    Attributes:
        arm: A smaller arm: fewer candidates, runs or horizons.
        differs: What it lacks; the claim is then not comparable, and says so.
        honest: The same under hilum's protocol.
        rivals: The smaller arms of a claimed rank.
        against: The smaller other arm of a claimed difference.
    """

    arm: Arm
    differs: tuple[str, ...]
    honest: Arm | None = None
    rivals: tuple[Arm, ...] = ()
    against: Arm | None = None


# From a claim, its figure on every fold, as the paper prints or publishes them: {"0": 0.995, ...}.
Folds = Callable[[Claim], Mapping[str, float]]


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
        metric: The metric, where the claim's own name is not one ("rank"); "delta-auroc" already means "auroc".
        against: The other arm of a claim of kind `difference`, which is about arm - against.
        rivals: The other arms of a claimed rank.
        folds: The printed figure of every fold; None where the paper gives none.
        sample: Who is behind the printed figure, for the basis new-data.
        stand_in: What is shown where `arm` is not part of the run; None for nothing.
        notes: What a reader of the verdict should know that does not make it incomparable; `hilum why` says it.
        absent: What to do where no cell of the arm is finished: the files that are needed, and the command.
    """

    claims: tuple[str, ...]
    arm: Arm
    trivial: Arm
    estimand: Estimand
    basis: Basis
    honest: Arm | None = None
    differs: tuple[str, ...] = ()
    metric: str = ""
    against: Arm | None = None
    rivals: tuple[Arm, ...] = ()
    folds: Folds | None = None
    sample: Sample = Sample()
    stand_in: StandIn | None = None
    notes: tuple[str, ...] = ()
    absent: str = ""

    def within(self, arms: Collection[str]) -> Binding:
        """This binding in a run of these arms, by id: as it is, or with its stand-in where one that it needs is not among them."""
        stand_in = self.stand_in
        needed = (self.arm, *self.rivals, *([self.against] if self.against else []))
        if stand_in is None or all(arm.id in arms for arm in needed):
            return self
        return replace(
            self,
            arm=stand_in.arm,
            honest=stand_in.honest,
            rivals=stand_in.rivals,
            against=stand_in.against,
            differs=(*self.differs, *stand_in.differs),
            stand_in=None,
        )


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


def read_folds(path: Path, *, columns: Mapping[str, str], metric: str) -> dict[str, float]:
    """A paper's own figures by fold, from a file with a column `fold` and one column a metric.

    Args:
        path: A CSV file, e.g. `papers/covid_ehr/folds.csv`.
        columns: Which rows: column name to value (`{"dataset": "tjh", "model": "GRU"}`).
        metric: The column of the figure.

    Returns:
        Fold to figure, the mean where a fold stands in several rows (seeds); empty where no row has a figure.

    Raises:
        DataError: a column is missing, or a figure is no number; the line is named.
    """
    figures: dict[str, list[float]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [name for name in ("fold", metric, *columns) if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(
                f"there is no column {', '.join(missing)}", where=str(path), do=f"It has {reader.fieldnames}"
            )
        for row in reader:
            if any(row[name] != value for name, value in columns.items()) or not row[metric]:
                continue
            try:
                figures.setdefault(row["fold"], []).append(float(row[metric]))
            except ValueError as error:
                where = f"{path}, line {reader.line_num}, column {metric}"
                raise DataError(
                    f"'{row[metric]}' is no number", where=where, do="Print the figure in digits"
                ) from error
    return {fold: sum(values) / len(values) for fold, values in figures.items()}


def match(claims: Iterable[Claim], bindings: Iterable[Bound], *, paper: str) -> dict[str, Bound]:
    """Claim id to what answers it; the first matching binding wins.

    Raises:
        UsageError: a claim has no binding and no reason, or a pattern matches no claim.
    """
    rules = tuple(bindings)
    listed = tuple(claims)
    # A paper may bind thousands of claims one by one, so only patterns with a wildcard are tried in turn.
    named: dict[str, int] = {}
    patterns: list[tuple[int, str]] = []
    for number, rule in enumerate(rules):
        for pattern in rule.claims:
            if set(pattern) & set("*?["):
                patterns.append((number, pattern))
            else:
                named.setdefault(pattern, number)
    matched: dict[str, Bound] = {}
    for claim in listed:
        by_name = named.get(claim.id, len(rules))
        by_pattern = next((n for n, pattern in patterns if n < by_name and fnmatchcase(claim.id, pattern)), by_name)
        if by_pattern == len(rules):
            raise UsageError(
                f"the claim '{claim.id}' is neither bound nor listed with a reason",
                where=f"papers/{paper}/bindings.py",
                do="Add it to a Binding, or to an Unbound with the reason",
            )
        matched[claim.id] = rules[by_pattern]
    ids = {claim.id for claim in listed}
    for pattern in (*named, *(pattern for _, pattern in patterns)):
        if pattern not in ids and not any(fnmatchcase(name, pattern) for name in ids):
            raise UsageError(
                f"the pattern '{pattern}' matches no claim",
                where=f"papers/{paper}/bindings.py",
                do="Mend the pattern, or delete it",
            )
    return matched
