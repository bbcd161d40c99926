"""Profile: what an audit must know of a table, as plain figures. Pure functions of a `Table` and its split.

Each function makes one entry of a cell's evidence (design/0006), or None where the table has nothing to look at.

    features            one entry a feature: types, missing values, what it is one to one with, whether it alone gives the label
    rows                hashes of the records' content, and how many equal rows coincidence would give
    charted             features charted after the time of prediction
    eligibility         records whose membership was decided after the time of prediction
    made from           columns that the label is made from and that are features too
    source from input   how well the features tell what acquired the record

Shares          `missing`, `missing_train`, `missing_test` are shares of records from 0 to 1.
Cost            Linear in cells but for two sorts a feature; a million rows of 30 features in less than a minute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.modalities.table.equal_rows import equal_rows
from hilum.modalities.table.sample import Table
from hilum.modalities.table.source import codes_of, source_from_input

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]

# Below these counts nothing is said of a feature: a pattern in a handful of values is coincidence.
FEWEST_RECORDS = 20
# Ranks are compared on at most so many records, evenly chosen; a pattern found there is then looked for in all.
MOST_RANKED = 100_000
FEWEST_SUBJECTS_PER_CLASS = 10

_EPOCHS = {
    "seconds since 1970": (3.15e8, 4.11e9),
    "milliseconds since 1970": (3.15e11, 4.11e12),
    "microseconds since 1970": (3.15e14, 4.11e15),
}


def profile(table: Table, part: NDArray[Any] | None = None, *, made_from: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every entry of evidence that a table can give, by name; absent where there was nothing to look at.

    Args:
        table: The records.
        part: "train", "validation" or "test" of each record in one fold, shape (records,); None without a split.
        made_from: Columns that the label is made from; those that the table names where not given.
    """
    rows, _ = equal_rows(table)
    found = {
        "features": feature_profile(table, part),
        "rows": rows,
        "charted": charted(table),
        "eligibility": eligibility(table),
        "made from": label_made_from(table, made_from or table.made_from),
        "source from input": source_from_input(table),
    }
    return {name: value for name, value in found.items() if value is not None}


# Features


@dataclass(frozen=True)
class _People:
    """Whose each record is: subject index, -1 where not known; shape (records,)."""

    subject: NDArray[np.int64]
    target: Array
    time: Array | None
    item_number: Array | None
    subject_number: Array | None


def feature_profile(table: Table, part: NDArray[Any] | None = None) -> list[dict[str, Any]]:
    """One entry a feature, in the table's order; plain JSON.

    Args:
        table: The records.
        part: "train", "validation" or "test" of each record in one fold; None without a split.
    """
    people = _people(table)
    return [_one(table, name, people, part) for name in table.features.columns]


def _one(table: Table, name: str, people: _People, part: NDArray[Any] | None) -> dict[str, Any]:
    import polars as pl

    column = table.features[name]
    number = column.dtype == pl.Float64
    if number:
        column = column.fill_nan(None)
    known = column.is_not_null().to_numpy()
    codes = codes_of(column)
    values = column.to_numpy() if number else np.full(column.len(), math.nan)
    n = int(known.sum())
    distinct = int(codes.max(initial=-1)) + 1
    entry: dict[str, Any] = {
        "name": name,
        "type": "number" if number else "category",
        "n": n,
        "missing": float(1 - known.mean()) if known.size else 0.0,
        "missing_train": _missing(known, part, "train"),
        "missing_test": _missing(known, part, "test"),
        "distinct": distinct,
        "one_to_one_item": bool(n > 1 and distinct == n),
        **_by_subject(codes, known, people.subject),
        **(_number_facts(values[known], distinct) if number else _text_facts(column)),
        "equals": _equals(table, column),
        "rank_with_time": _rank_correlation(values, people.time) if number else None,
        "rank_with_id": _rank_with_id(values, people) if number else None,
        "shift": _shift(values, people.subject, part) if number else None,
        "alone": _alone(table, values if number else None, codes, known, people),
    }
    if name in table.dated:
        entry["epoch_like"] = "read from dates"
    return entry


def _missing(known: NDArray[np.bool_], part: NDArray[Any] | None, name: str) -> float | None:
    if part is None or not (part == name).any():
        return None
    return float(1 - known[part == name].mean())


def _by_subject(codes: NDArray[np.int64], known: NDArray[np.bool_], subject: NDArray[np.int64]) -> dict[str, Any]:
    """Whether a value stands for a subject, and how many subjects have it more than once."""
    seen = known & (subject >= 0)
    if not seen.any():
        return {"one_to_one_subject": False, "subjects_repeat": 0}
    many = int(codes.max()) + 1
    pairs = len(np.unique(subject[seen] * many + codes[seen]))
    counts = np.bincount(subject[seen])
    subjects, values = int((counts > 0).sum()), int((np.bincount(codes[seen]) > 0).sum())
    return {
        "one_to_one_subject": bool(pairs == subjects == values and subjects > 1),
        "subjects_repeat": int((counts > 1).sum()),
    }


def _number_facts(x: Array, distinct: int) -> dict[str, Any]:
    if not x.size:
        return {"integer": False, "epoch_like": None, "running_number": False, "low": None, "high": None}
    low, high = float(x.min()), float(x.max())
    integer = bool((x == np.floor(x)).all())
    running = integer and x.size >= FEWEST_RECORDS and distinct == x.size and high - low + 1 <= 1.2 * x.size
    return {
        "integer": integer,
        "epoch_like": _epoch(x, low, high, distinct) if integer else None,
        "running_number": running,
        "low": low if math.isfinite(low) else None,
        "high": high if math.isfinite(high) else None,
    }


def _epoch(x: Array, low: float, high: float, distinct: int) -> str | None:
    if x.size < FEWEST_RECORDS or distinct < FEWEST_RECORDS:
        return None
    for name, (first, last) in _EPOCHS.items():
        # A quantity that is measured seldom keeps within a factor of four and is whole; a clock does.
        if first <= low and high <= last and high < 4 * low:
            return name
    if low >= 19000101 and high <= 21001231:
        month, day = np.floor(x / 100) % 100, x % 100
        if ((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all():
            return "dates written as numbers"
    return None


def _text_facts(column: pl.Series) -> dict[str, Any]:
    import polars as pl

    known = column.drop_nulls()
    dates = 0
    if known.len() >= FEWEST_RECORDS:
        sample = known.head(1000)
        dated = sample.str.contains(r"^\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})([T ].*)?\s*$")
        dates = int(dated.sum()) if sample.dtype == pl.String else 0
        dates = dates if dates >= 0.95 * sample.len() else 0
    return {
        "integer": False,
        "epoch_like": "dates written as text" if dates else None,
        "running_number": False,
        "low": None,
        "high": None,
    }


def _equals(table: Table, column: pl.Series) -> str | None:
    """Which id the feature repeats letter by letter; None where it repeats none."""
    import polars as pl

    text = column.cast(pl.Int64, strict=False).cast(pl.String) if column.dtype == pl.Float64 else column
    for name in ("subject", "item", *(["sequence"] if "sequence" in table.rows.columns else [])):
        both = pl.DataFrame({"id": table.rows[name], "text": text}).drop_nulls()
        if both.height < FEWEST_RECORDS or both["id"].n_unique() < FEWEST_RECORDS:
            continue
        same = (both["id"].str.strip_chars() == both["text"].str.strip_chars()).sum()
        if same >= 0.99 * both.height:
            return name
    return None


def _rank_with_id(values: Array, people: _People) -> float | None:
    found = [_rank_correlation(values, number) for number in (people.item_number, people.subject_number)]
    return max((rank for rank in found if rank is not None), default=None)


def _rank_correlation(x: Array, y: Array | None) -> float | None:
    """Absolute Spearman correlation of two columns where both are known; None where there is too little."""
    from scipy.stats import rankdata

    if y is None:
        return None
    both = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if both.size < FEWEST_RECORDS:
        return None
    both = both[:: 1 + both.size // MOST_RANKED]
    a, b = rankdata(x[both]), rankdata(y[both])
    a, b = a - a.mean(), b - b.mean()
    spread = math.sqrt(float(a @ a) * float(b @ b))
    return abs(float(a @ b)) / spread if spread > 0 else None


def _shift(x: Array, subject: NDArray[np.int64], part: NDArray[Any] | None) -> dict[str, float] | None:
    """Means over subjects in train and in test, with their standard errors; None where one of them has fewer than 6."""
    if part is None:
        return None
    told: dict[str, float] = {}
    for name in ("train", "test"):
        chosen = (part == name) & np.isfinite(x)
        means = _subject_means(x[chosen], subject[chosen])
        if means.size < 6:
            return None
        told[f"mean_{name}"] = float(means.mean())
        told[f"sd_{name}"] = float(means.std(ddof=1))
        told[f"subjects_{name}"] = float(means.size)
    return told


def _subject_means(x: Array, subject: NDArray[np.int64]) -> Array:
    """The mean of each subject; records of unknown subjects stand for themselves."""
    named = subject >= 0
    ids, member = np.unique(subject[named], return_inverse=True)
    means = np.bincount(member, weights=x[named], minlength=len(ids)) / np.maximum(np.bincount(member), 1)
    return np.concatenate([means, x[~named]])


# One feature alone


def _alone(
    table: Table, values: Array | None, codes: NDArray[np.int64], known: NDArray[np.bool_], people: _People
) -> dict[str, Any] | None:
    labelled = np.isfinite(people.target)
    if labelled.sum() < FEWEST_RECORDS:
        return None
    y, known = people.target[labelled], known[labelled]
    if not table.classes:
        return None if values is None else _alone_number(values[labelled], y)
    x = None if values is None else values[labelled]
    area = None if x is None else _best_auroc(x[known], y[known])
    plausible = x is None or area is None or area > 0.99 or len(np.unique(y)) > 2
    rule = _rule(x, codes[labelled], known, y, table.classes) if plausible else ""
    few = bool(rule) and _subjects_per_class(y, people.subject[labelled]) < FEWEST_SUBJECTS_PER_CLASS
    # With so few subjects in a class a feature may part the classes by coincidence: the rule is told, and decides nothing.
    return {"auroc": area, "decides": bool(rule) and not few, "rule": rule}


def _alone_number(x: Array, y: Array) -> dict[str, Any] | None:
    rank = _rank_correlation(x, y)
    if rank is None:
        return None
    decides = bool(np.isfinite(x).all() and len(np.unique(y)) >= FEWEST_SUBJECTS_PER_CLASS and rank > 1 - 1e-9)
    return {
        "abs_spearman": rank,
        "decides": decides,
        "rule": "a strictly monotone function of the target" if decides else "",
    }


def _subjects_per_class(y: Array, subject: NDArray[np.int64]) -> int:
    """The fewest subjects that any class has; records of unknown subjects count for themselves."""
    who = np.where(subject >= 0, subject, -1 - np.arange(subject.size))
    classes = np.unique(y)
    return min((len(np.unique(who[y == label])) for label in classes), default=0) if classes.size > 1 else 0


def _rule(
    x: Array | None, codes: NDArray[np.int64], known: NDArray[np.bool_], y: Array, classes: tuple[str, ...]
) -> str:
    """How the feature alone gives the label of every record; empty where it does not."""
    if len(np.unique(y[~known])) > 1:
        return ""
    present = np.unique(y[known])
    if not present.size:
        return ""
    if present.size == 1:
        absent = np.unique(y[~known])
        if not absent.size or absent[0] == present[0]:
            return ""
        return f"known in every '{_name(present[0], classes)}' and in no '{_name(absent[0], classes)}'"
    if x is None:
        levels, member = np.unique(codes[known], return_inverse=True)
        if 5 * levels.size > known.sum():
            return ""
        low, high = np.full(levels.size, np.inf), np.full(levels.size, -np.inf)
        np.minimum.at(low, member, y[known])
        np.maximum.at(high, member, y[known])
        return "each of its values stands with one class only" if (low == high).all() else ""
    order = np.lexsort((y[known], x[known]))
    a, b = x[known][order], y[known][order]
    changes = b[1:] != b[:-1]
    if int(changes.sum()) != present.size - 1 or (changes & (a[1:] == a[:-1])).any():
        return ""
    cuts = ", ".join(f"{(a[i] + a[i + 1]) / 2:.6g}" for i in np.flatnonzero(changes))
    return f"classes part at {cuts}"


def _name(index: float, classes: tuple[str, ...]) -> str:
    return classes[int(index)] if 0 <= int(index) < len(classes) else f"{index:g}"


def _best_auroc(x: Array, y: Array) -> float | None:
    """AUROC of the feature alone, whichever way it points: the largest over classes against the rest."""
    from scipy.stats import rankdata

    x, y = x[:: 1 + x.size // MOST_RANKED], y[:: 1 + y.size // MOST_RANKED]
    rank = rankdata(x)
    found = []
    for label in np.unique(y):
        mine = y == label
        n1, n0 = int(mine.sum()), int((~mine).sum())
        if n1 and n0:
            area = (rank[mine].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)
            found.append(max(area, 1 - area))
    return float(max(found)) if found else None


# Times


def charted(table: Table) -> dict[str, Any] | None:
    """By feature: how many records have it charted after their time of prediction, and by how much."""
    columns = [name for name in table.rows.columns if name.startswith("charted:")]
    if not columns or "time_zero" not in table.rows.columns:
        return None
    zero = table.rows["time_zero"].to_numpy().astype(np.float64)
    return {name.removeprefix("charted:"): _late(table, name, zero) for name in columns}


def eligibility(table: Table) -> dict[str, Any] | None:
    """How many records were found eligible only after their time of prediction."""
    if "eligible" not in table.rows.columns or "time_zero" not in table.rows.columns:
        return None
    return _late(table, "eligible", table.rows["time_zero"].to_numpy().astype(np.float64))


def _late(table: Table, name: str, zero: Array) -> dict[str, Any]:
    after = table.rows[name].to_numpy().astype(np.float64) - zero
    known = np.isfinite(after)
    late = known & (after > 0)
    examples = table.rows["item"].filter(late).head(10).to_list()
    return {
        "late": int(late.sum()),
        "of": int(known.sum()),
        "latest": float(after[late].max()) if late.any() else 0.0,
        "examples": examples,
    }


def label_made_from(table: Table, columns: tuple[str, ...]) -> dict[str, Any] | None:
    """Which of the columns that the label is made from are features; None where nobody said what it is made from."""
    if not columns:
        return None
    return {"label": list(columns), "shared": [name for name in table.features.columns if name in columns]}


# What the above share


def _people(table: Table) -> _People:
    rows = table.rows
    subject = codes_of(rows["subject"])
    time = rows["time"].to_numpy().astype(np.float64) if "time" in rows.columns else None
    return _People(
        subject=subject,
        target=rows["target"].to_numpy().astype(np.float64),
        time=time,
        item_number=_digits(rows["item"]),
        subject_number=_digits(rows["subject"]),
    )


def _digits(ids: pl.Series) -> Array | None:
    """The last number in each id; None where some ids have none."""
    import polars as pl

    numbers = ids.str.extract(r"(\d{1,15})\D*$").cast(pl.Float64, strict=False)
    return None if numbers.null_count() or numbers.n_unique() < FEWEST_RECORDS else numbers.to_numpy()
