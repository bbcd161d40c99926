"""Equal rows: which records have the same content, and whether coincidence could explain it.

Two records with equal features are one record twice only where coincidence is excluded. `chance` is the larger of two
estimates of how many pairs of n rows would be equal by coincidence, P = n (n - 1) / 2:

    near misses      max over features j of  (pairs equal in all but j)  c_j / (1 - c_j)
    independence     P times the product of max(c_j, 3 / g_j) over features whose ranks correlate by less than 0.5

    c_j    share of pairs of distinct rows that are equal in feature j
    g_j    number of values that fit between the smallest and the largest of feature j, at the digits it is given with

Rows of which less than half is known are not compared. Hashes are the same on every machine and in every row order.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.modalities.table.sample import Table

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
Words = NDArray[np.uint64]


def equal_rows(table: Table) -> tuple[dict[str, Any], list[str | None]]:
    """The evidence `rows`, and the hash of each record's content in the table's order.

    A declared content (a file's hash) is taken as it stands; else the row of features is hashed, the same on any machine.
    """
    if "content" in table.rows.columns:
        return {"content": "declared", "chance": 0.0}, table.rows["content"].to_list()
    if len(table.features.columns) < 2:
        return {"content": "none", "chance": None}, [None] * table.height
    words, known = _hashes(table.features)
    total = words.sum(axis=1, dtype=np.uint64)
    told = known.sum(axis=1)
    enough = (told >= 2) & (2 * told >= known.shape[1])
    content: list[str | None] = [f"{value:016x}" if there else None for value, there in zip(total, enough, strict=True)]
    chance = _chance(table.features, words[enough], total[enough], enough)
    return {"content": "row", "chance": chance}, content


def _hashes(features: pl.DataFrame) -> tuple[Words, NDArray[np.bool_]]:
    """A 64-bit hash of every cell, shape (records, features), and whether it is known."""
    import polars as pl

    words = np.empty((features.height, features.width), dtype=np.uint64)
    known = np.empty(words.shape, dtype=bool)
    for j, name in enumerate(features.columns):
        column = features[name]
        if column.dtype == pl.Float64:
            numbers = column.fill_nan(None)
            bits = numbers.fill_null(0.0).to_numpy() + 0.0  # one zero, not two
            raw = np.ascontiguousarray(bits).view(np.uint64)
            known[:, j] = numbers.is_not_null().to_numpy()
        else:
            texts = column.unique(maintain_order=True).drop_nulls().to_list()
            hashed = [int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") for text in texts]
            place = dict(zip(texts, range(len(texts)), strict=True))
            codes = np.array([place.get(text, -1) for text in column.to_list()], dtype=np.int64)
            raw = np.array([*hashed, 0], dtype=np.uint64)[codes]
            known[:, j] = codes >= 0
        words[:, j] = np.where(known[:, j], mix(raw, j + 1), mix(np.zeros_like(raw), -(j + 1)))
    return words, known


def mix(x: Words, salt: int) -> Words:
    """SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): every input bit moves every output bit."""
    with np.errstate(over="ignore"):
        z = x + np.uint64((salt * 0x9E3779B97F4A7C15) % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)))


def _chance(features: pl.DataFrame, words: Words, total: Words, rows: NDArray[np.bool_]) -> float:
    """How many pairs of rows would be equal by coincidence: see the head."""
    n = len(total)
    if n < 2:
        return 0.0
    pairs = n * (n - 1) / 2
    distinct = np.unique(total, return_index=True)[1]
    equal = _pairs(total)
    near, product = 0.0, 1.0
    kept: list[Array] = []
    collisions = []
    for j, name in enumerate(features.columns):
        same = _pairs(words[distinct, j]) / max(1.0, len(distinct) * (len(distinct) - 1) / 2)
        with np.errstate(over="ignore"):
            but_one = _pairs(total - words[:, j]) - equal
        near = max(near, but_one * same / max(1e-12, 1 - same))
        collisions.append((max(same, 3 / _grid(features[name], rows)), j))
    for same, j in sorted(collisions):
        ranks = _centred_ranks(words[:, j], features[features.columns[j]], rows)
        if all(abs(float(ranks @ other)) < 0.5 for other in kept):
            kept.append(ranks)
            product *= min(1.0, same)
        if pairs * product < 1e-9:
            break
    return float(max(near, pairs * product))


def _pairs(words: Words) -> float:
    """How many pairs of entries are equal."""
    ordered = np.sort(words)
    ends = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True]) if len(ordered) else np.empty(0, np.int64)
    counts = np.diff(np.r_[-1, ends]).astype(np.float64)
    return float((counts * (counts - 1) / 2).sum())


def _grid(column: pl.Series, rows: NDArray[np.bool_]) -> float:
    """How many values fit between the smallest and the largest at the digits that the column is given with."""
    import polars as pl

    if column.dtype != pl.Float64:
        return math.inf  # categories: their own share of equal pairs says it all
    x = column.fill_nan(None).to_numpy()[rows]
    x = x[np.isfinite(x)][:2000]
    if x.size < 2:
        return 1.0
    scale = max(float(np.abs(x).max()), 1e-300)
    for digits in range(16):
        step = 10.0 ** (math.ceil(math.log10(scale)) - digits)
        if (np.abs(x / step - np.round(x / step)) < 1e-6).all():
            return max(1.0, (float(x.max()) - float(x.min())) / step + 1)
    return 1e16


def _centred_ranks(words: Words, column: pl.Series, rows: NDArray[np.bool_]) -> Array:
    """Ranks of a feature's values (of its hashes where it is text), centred and of length 1; at most 5,000 rows."""
    import polars as pl
    from scipy.stats import rankdata

    number = column.dtype == pl.Float64
    x = np.nan_to_num(column.fill_nan(None).to_numpy()[rows], nan=-1e300) if number else words.astype(np.float64)
    step = max(1, len(x) // 5000)
    ranks = rankdata(x[::step])
    ranks = ranks - ranks.mean()
    length = math.sqrt(float(ranks @ ranks))
    return np.asarray(ranks / length if length > 0 else ranks)
