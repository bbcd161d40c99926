"""Source from input: how well do the features of a table tell what acquired the record?

Where they do, and the source also predicts the outcome, a model can score well by recognising the device (HIL007).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.modalities.table.equal_rows import mix
from hilum.modalities.table.sample import Table

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]


def source_from_input(table: Table, *, most: int = 20_000, folds: int = 5) -> dict[str, Any] | None:
    """How well the features tell what acquired a record: AUROC out of fold, by subject, with a 95 % interval over subjects.

    A logistic regression on standardised numbers, the known categories and whether a value is missing; for more than two
    sources the mean over sources of each against the rest. The interval comes from the subjects' placement values
    (Obuchowski, Biometrics 53 (1997), 567-578) and holds the fitted folds fixed.

    Args:
        table: The records; None is returned without sources, or with fewer than two that have 5 subjects.
        most: At most about so many records, whole subjects drawn by a seeded hash of their ids.
        folds: Folds by subject.
    """
    if "source" not in table.rows.columns or not table.features.columns:
        return None
    subject = codes_of(table.rows["subject"])
    who = np.where(subject >= 0, subject, subject.max(initial=-1) + 1 + np.arange(subject.size))
    source = table.rows["source"].to_numpy()
    known = np.array([value is not None for value in source]) & _sampled(table, who, most)
    label, fold = _dealt(source, known, who, folds)
    if len(np.unique(label[label >= 0])) < 2:
        return None
    inputs = _inputs(table.features)
    kept = label >= 0
    probability = _out_of_fold(inputs[kept], label[kept], fold[kept], folds)
    area, low, high = _macro_auroc(probability, label[kept], who[kept])
    return {
        "auroc": area,
        "low": low,
        "high": high,
        "sources": int(label.max()) + 1,
        "subjects": len(np.unique(who[kept])),
        "records": int(kept.sum()),
        "method": f"logistic regression, {folds} folds by subject"
        + ("" if known.sum() == known.size else f", {int(kept.sum())} of {known.size} records"),
    }


def _sampled(table: Table, who: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
    """Whole subjects, in the order of a hash, until there are enough records."""
    if table.height <= most:
        return np.ones(table.height, dtype=bool)
    order = mix(who.astype(np.uint64), 77)
    ids, counts = np.unique(order, return_counts=True)
    last = ids[min(int(np.searchsorted(np.cumsum(counts), most)), len(ids) - 1)]
    return np.asarray(order <= last)


def _dealt(
    source: NDArray[Any], known: NDArray[np.bool_], who: NDArray[np.int64], folds: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Source index of each record (-1 where it has none or too few subjects) and its fold: subjects dealt out in hash order."""
    names = [name for name in np.unique(source[known].astype(str)) if name]
    label = np.full(source.size, -1, dtype=np.int64)
    kept = 0
    for name in names:
        mine = known & (source == name)
        if len(np.unique(who[mine])) >= folds:
            label[mine], kept = kept, kept + 1
    fold = np.zeros(source.size, dtype=np.int64)
    chosen = label >= 0
    subjects, first, member = np.unique(who[chosen], return_index=True, return_inverse=True)
    stratum = label[chosen][first]
    order = np.lexsort((mix(subjects.astype(np.uint64), 5), stratum))
    dealt = np.empty(len(subjects), dtype=np.int64)
    dealt[order] = np.arange(len(subjects)) % folds
    fold[chosen] = dealt[member]
    return label, fold


def _inputs(features: pl.DataFrame, most_levels: int = 20) -> Array:
    """Numbers (missing: the median), the commonest categories one-hot, and what is missing; shape (records, columns)."""
    import polars as pl

    columns = []
    for name in features.columns:
        column = features[name]
        if column.dtype == pl.Float64:
            x = column.fill_nan(None).to_numpy().astype(np.float64)
            missing = ~np.isfinite(x)
            columns.append(np.where(missing, np.median(x[~missing]) if (~missing).any() else 0.0, x))
        else:
            missing = column.is_null().to_numpy()
            common = column.drop_nulls().value_counts(sort=True).head(most_levels)[name].to_list()
            columns += [(column == level).fill_null(value=False).to_numpy().astype(np.float64) for level in common]
        if missing.any() and not missing.all():
            columns.append(missing.astype(np.float64))
    made = np.stack(columns, axis=1)
    return np.asarray(made[:, made.std(axis=0) > 0]) if (made.std(axis=0) > 0).any() else made[:, :1]


def _out_of_fold(inputs: Array, label: NDArray[np.int64], fold: NDArray[np.int64], folds: int) -> Array:
    """Probability of each source, from a model that has not seen the subject; shape (records, sources)."""
    from sklearn.linear_model import LogisticRegression

    probability = np.full((len(label), int(label.max()) + 1), math.nan)
    for k in range(folds):
        train, test = fold != k, fold == k
        if not test.any():
            continue
        centre, spread = inputs[train].mean(axis=0), inputs[train].std(axis=0)
        scaled = np.clip((inputs - centre) / np.where(spread > 0, spread, 1.0), -5, 5)
        model = LogisticRegression(C=0.1, max_iter=300).fit(scaled[train], label[train])
        probability[np.ix_(test, model.classes_)] = model.predict_proba(scaled[test])
    return np.asarray(np.nan_to_num(probability, nan=0.0))


def _macro_auroc(probability: Array, label: NDArray[np.int64], who: NDArray[np.int64]) -> tuple[float, float, float]:
    """Mean over sources of one against the rest, and its interval over subjects."""
    sources = range(1, 2) if probability.shape[1] == 2 else range(probability.shape[1])
    _, member = np.unique(who, return_inverse=True)
    areas, influence = [], np.zeros(int(member.max()) + 1)
    for source in sources:
        area, placed = _placement(probability[:, source], label == source)
        areas.append(area)
        influence += np.bincount(member, weights=placed, minlength=influence.size) / len(sources)
    n = influence.size
    half = 1.96 * math.sqrt(n / max(1, n - 1) * float(np.square(influence - influence.mean()).sum()))
    area = float(np.mean(areas))
    return area, max(0.0, area - half), min(1.0, area + half)


def _placement(score: Array, positive: NDArray[np.bool_]) -> tuple[float, Array]:
    """AUROC, and what each record adds to its deviation."""
    from scipy.stats import rankdata

    n1, n0 = int(positive.sum()), int((~positive).sum())
    everyone, placed = rankdata(score), np.empty(score.size)
    placed[positive] = (everyone[positive] - rankdata(score[positive])) / n0
    placed[~positive] = 1 - (everyone[~positive] - rankdata(score[~positive])) / n1
    area = float(placed[positive].mean())
    return area, (placed - area) / np.where(positive, n1, n0)


def codes_of(column: pl.Series) -> NDArray[np.int64]:
    """Values numbered from 0 in their sorted order, -1 where missing."""
    import polars as pl

    ranks = column.rank("dense").cast(pl.Int64) - 1
    return ranks.fill_null(-1).to_numpy()
