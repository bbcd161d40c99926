"""Claim: what did the paper say? Published figures as facts, never an input to what re-runs them.

`claims.csv` holds one row a figure; `value` is kept as it was printed, for its digits say how exact it is.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from hilum.core.errors import DataError

Kind = Literal["value", "bound", "difference", "derived", "count", "arithmetic", "cost", "statement"]
Relation = Literal["eq", "lt", "le", "gt", "ge", "approx"]
Evidence = Literal["read", "abstract", "memory"]
COLUMNS = (
    "id",
    "kind",
    "metric",
    "value",
    "unit",
    "relation",
    "dataset",
    "task",
    "model",
    "protocol",
    "statement",
    "n",
    "of",
    "spread",
    "spread_kind",
    "evidence",
    "where",
    "data_access",
    "note",
)


@dataclass(frozen=True)
class Claim:
    """One published figure.

    Attributes:
        id: Unique within the paper.
        kind: How it can be judged (DESIGN section 4).
        metric: What was measured.
        printed: The figure as printed, e.g. "0.3142".
        unit: Its unit; fractions, not percent.
        relation: Whether the paper says equal, less than, ...
        evidence: How it was read: in the paper or its repository, in the abstract, or from memory.
        where: Where it is printed.
    """

    id: str
    kind: Kind
    metric: str
    printed: str
    unit: str
    relation: Relation
    dataset: str
    task: str
    model: str
    protocol: str
    statement: str
    n: str
    of: str
    spread: str
    spread_kind: str
    evidence: Evidence
    where: str
    data_access: str
    note: str

    @property
    def value(self) -> float:
        """The figure as a number."""
        return float(self.printed)

    @property
    def half_digit(self) -> float:
        """Half a unit of the last printed digit: 0.00005 for "0.3142"."""
        return half_digit(self.printed)


def half_digit(printed: str) -> float:
    """Half a unit of the last digit of a printed figure: 0.00005 for "0.3142"."""
    mantissa, _, exponent = printed.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return float(0.5 * 10.0 ** (int(exponent or 0) - decimals))


def read_claims(path: Path) -> tuple[Claim, ...]:
    """Read `claims.csv`.

    Raises:
        DataError: a column is missing, a row is not valid, or an id stands twice; the line is named.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise DataError(f"the columns are {reader.fieldnames}", where=str(path), do=f"They must be {list(COLUMNS)}")
        claims = tuple(_claim(row, f"{path}, line {reader.line_num}") for row in reader)
    _refuse_twins(claims, path)
    return claims


def _claim(row: dict[str, str], where: str) -> Claim:
    for column, allowed in (("kind", Kind), ("relation", Relation), ("evidence", Evidence)):
        if row[column] not in get_args(allowed):
            raise DataError(
                f"'{row[column]}' is no {column}", where=where, do=f"It is one of {', '.join(get_args(allowed))}"
            )
    try:
        float(row["value"])
    except (TypeError, ValueError) as error:
        raise DataError(f"'{row['value']}' is no number", where=where, do="Print the figure in digits") from error
    rest = {name: row[name] for name in COLUMNS if name not in {"value", "kind", "relation", "evidence"}}
    return Claim(
        printed=row["value"],
        kind=cast("Kind", row["kind"]),
        relation=cast("Relation", row["relation"]),
        evidence=cast("Evidence", row["evidence"]),
        **rest,
    )


def _refuse_twins(claims: Iterable[Claim], path: Path) -> None:
    seen: set[str] = set()
    for claim in claims:
        if claim.id in seen:
            raise DataError(f"the id '{claim.id}' stands twice", where=str(path), do="Ids are unique within a paper")
        seen.add(claim.id)
