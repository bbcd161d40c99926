"""Fast ways to one figure for many resamples: rows are put in order once, then each resample only weighs them.

A resample draws whole clusters, so a row counts as often as its cluster was drawn: w = counts[resample, cluster of the row], a
whole number. Two shapes are enough:

    additive    the figure is a function of sums over rows. They are summed within clusters once; a resample's sums are
                counts @ sums, one matrix product for all resamples.
    ranked      the figure depends on the order of the scores only. Rows are sorted once; one pass from one end of the
                order to the other carries the running weights of all resamples side by side. Ties are taken together. Weights
                are whole numbers, so running sums are exact.

The readable form of every figure is the metric's own `compute`; the tests hold the two equal to 1e-12.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.core.kernel import kernel
from hilum.core.metric import Columns, Resampler, Score

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

# Resamples carried side by side: their counts of one cluster are one stretch of memory, and all running sums stay in cache.
_ABREAST = 64


@dataclass(frozen=True)
class Additive:
    """A figure of sums over rows.

    Attributes:
        sums: (columns, cluster of each row, n) to the sums within clusters, shape (n, q).
        figure: Sums, shape (..., q), to the figure, shape (...); nan where it is undefined.
        obstacle: Columns to why they cannot be scored at all, or nothing.
        undefined: The reason where the figure is nan.
    """

    sums: Callable[[Columns, Indices, int], Array]
    figure: Callable[[Array], Array]
    obstacle: Callable[[Columns], str]
    undefined: str

    def compute(self, columns: Columns) -> Score:
        """The figure of all rows."""
        why = self.obstacle(columns)
        if why:
            return Score.undefined(why)
        everyone = np.zeros(len(columns["target"]), dtype=np.intp)
        value = float(self.figure(self.sums(columns, everyone, 1))[0])
        return Score.undefined(self.undefined) if np.isnan(value) else Score(value)

    def resample(self, columns: Columns, member: Indices, counts: NDArray[np.int64]) -> Array:
        """The figure of each resample, shape (resamples,)."""
        return self.figure(counts.astype(np.float64) @ self.sums(columns, member, counts.shape[1]))


def ratio(a: Array, b: Array) -> Array:
    """Divide a by b; nan where b is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(b != 0, np.divide(a, b), np.nan), dtype=np.float64)


def sum_in_clusters(terms: list[Array], member: Indices, n: int) -> Array:
    """Sums of q terms, each of shape (rows,), within n clusters: (n, q)."""
    sums = [np.bincount(member, weights=term, minlength=n) for term in terms]
    return np.stack(sums, axis=1).astype(np.float64)


def tally(cell: Indices, cells: int, member: Indices, n: int) -> Array:
    """How many rows of each cluster fall into each of the cells 0 ... cells - 1: (n, cells)."""
    return np.bincount(member * cells + cell, minlength=n * cells).reshape(n, cells).astype(np.float64)


def ranked(figures: Callable[[Indices, Flags, Flags, Array], Array], score: str = "p:1") -> Resampler:
    """A resampler from a pass over rows in ascending order of a score; class 1 of `target` is positive."""

    def resample(columns: Columns, member: Indices, counts: NDArray[np.int64]) -> Array:
        return weighed(figures, columns[score], columns["target"] == 1, member, counts)

    return resample


def weighed(
    figures: Callable[[Indices, Flags, Flags, Array], Array],
    score: Array,
    positive: Flags,
    member: Indices,
    counts: NDArray[np.int64],
) -> Array:
    """Sort once, and hand the pass its resamples some at a time, the counts of a cluster side by side."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    last = np.append(ordered[1:] != ordered[:-1], True)
    found = np.empty(len(counts))
    for first in range(0, len(counts), _ABREAST):
        some = counts[first : first + _ABREAST]
        beside = np.ascontiguousarray(some.T, dtype=np.float64)
        found[first : first + _ABREAST] = figures(member[order], positive[order], last, beside)
    return found


@kernel
def auroc_pass(member: Indices, positive: Flags, last: Flags, counts: Array) -> Array:
    """AUROC of each resample: pairs in which the positive row scores higher, ties as one half, over all pairs.

    Args:
        member: Cluster of each row, rows in ascending order of the score, shape (rows,).
        positive: Whether the row is of the positive class, shape (rows,).
        last: Whether the row is the last of those with its score, shape (rows,).
        counts: How often each cluster is drawn, shape (clusters, resamples).

    Returns:
        Shape (resamples,); nan without a positive or without a negative row.
    """
    resamples = counts.shape[1]
    positives, negatives = np.zeros(resamples), np.zeros(resamples)
    tied_positives, tied_negatives = np.zeros(resamples), np.zeros(resamples)
    twice = np.zeros(resamples)
    for row in range(len(member)):
        weight = counts[member[row]]
        if last[row] and (row == 0 or last[row - 1]):
            if positive[row]:
                for k in range(resamples):
                    positives[k] += weight[k]
                    twice[k] += 2.0 * weight[k] * negatives[k]
            else:
                for k in range(resamples):
                    negatives[k] += weight[k]
            continue
        if positive[row]:
            for k in range(resamples):
                tied_positives[k] += weight[k]
        else:
            for k in range(resamples):
                tied_negatives[k] += weight[k]
        if last[row]:
            for k in range(resamples):
                twice[k] += tied_positives[k] * (2.0 * negatives[k] + tied_negatives[k])
                positives[k] += tied_positives[k]
                negatives[k] += tied_negatives[k]
                tied_positives[k] = 0.0
                tied_negatives[k] = 0.0
    found = np.full(resamples, np.nan)
    for k in range(resamples):
        if positives[k] > 0 and negatives[k] > 0:
            found[k] = 0.5 * twice[k] / (positives[k] * negatives[k])
    return found


@kernel
def average_precision_pass(member: Indices, positive: Flags, last: Flags, counts: Array) -> Array:
    """Average precision of each resample: sum over thresholds, from the highest, of precision x gain in recall.

    Arguments and result as in `auroc_pass`; nan without a positive row.
    """
    resamples = counts.shape[1]
    positives, all_rows = np.zeros(resamples), np.zeros(resamples)
    gained, area = np.zeros(resamples), np.zeros(resamples)
    rows = len(member)
    for back in range(rows):
        row = rows - 1 - back
        weight = counts[member[row]]
        for k in range(resamples):
            all_rows[k] += weight[k]
        if positive[row]:
            for k in range(resamples):
                gained[k] += weight[k]
        # Going down, a row is the last of its score when the one below is the last of another.
        if row == 0 or last[row - 1]:
            for k in range(resamples):
                positives[k] += gained[k]
                if gained[k] > 0:
                    area[k] += gained[k] * (positives[k] / all_rows[k])
                gained[k] = 0.0
    found = np.full(resamples, np.nan)
    for k in range(resamples):
        if positives[k] > 0:
            found[k] = area[k] / positives[k]
    return found


@kernel
def sensitivity_pass(member: Indices, positive: Flags, last: Flags, counts: Array, most: float) -> Array:
    """The largest sensitivity of each resample at a false-positive rate of at most `most`.

    A threshold is one of the scores, and every row with that score or more is called positive, or none is. Other arguments
    and result as in `auroc_pass`.
    """
    resamples = counts.shape[1]
    positives, negatives = np.zeros(resamples), np.zeros(resamples)
    for row in range(len(member)):
        weight = counts[member[row]]
        if positive[row]:
            for k in range(resamples):
                positives[k] += weight[k]
        else:
            for k in range(resamples):
                negatives[k] += weight[k]
    true_positives, false_positives, best = np.zeros(resamples), np.zeros(resamples), np.zeros(resamples)
    rows = len(member)
    for back in range(rows):
        row = rows - 1 - back
        weight = counts[member[row]]
        if positive[row]:
            for k in range(resamples):
                true_positives[k] += weight[k]
        else:
            for k in range(resamples):
                false_positives[k] += weight[k]
        if row == 0 or last[row - 1]:
            for k in range(resamples):
                if false_positives[k] <= most * negatives[k] * (1.0 + 1e-12):
                    best[k] = true_positives[k]
    found = np.full(resamples, np.nan)
    for k in range(resamples):
        if positives[k] > 0 and negatives[k] > 0:
            found[k] = best[k] / positives[k]
    return found


@kernel
def calibration_error_pass(
    member: Indices, outcome: Array, score: Array, last: Flags, counts: Array, bins: int
) -> Array:
    """Expected calibration error of each resample, bins of equal mass: see `metrics/calibration.py`.

    Args:
        member: Cluster of each row, rows in ascending order of the probability, shape (rows,).
        outcome: 1 where it came true, else 0, shape (rows,).
        score: The probability, ascending, shape (rows,).
        last: Whether the row is the last of those with its probability, shape (rows,).
        counts: How often each cluster is drawn, shape (resamples, clusters).
        bins: How many bins.

    Returns:
        Shape (resamples,); nan without any row.
    """
    found = np.full(len(counts), np.nan)
    for k in range(len(counts)):
        weight = counts[k]
        total = 0.0
        for row in range(len(member)):
            total += weight[member[row]]
        if total == 0.0:
            continue
        before, apart, error, current = 0.0, 0.0, 0.0, 0
        first_of_score = True
        for row in range(len(member)):
            if first_of_score:
                place = int(bins * before / total)
                if place != current:
                    error += abs(apart)
                    apart, current = 0.0, place
            w = weight[member[row]]
            apart += w * (outcome[row] - score[row])
            before += w
            first_of_score = last[row]
        found[k] = (error + abs(apart)) / total
    return found


@kernel
def logistic_pass(member: Indices, outcome: Array, x: Array, counts: Array, start: Array, free_slope: bool) -> Array:
    """Maximum-likelihood a and b of logit P(outcome) = a + b x in each resample, by Newton's method.

    Args:
        member: Cluster of each row, shape (rows,).
        outcome: 0 or 1, shape (rows,).
        x: The covariate, shape (rows,).
        counts: How often each cluster is drawn, shape (resamples, clusters).
        start: a and b to start from, shape (resamples, 2).
        free_slope: Whether b is fitted; else it stays at its start.

    Returns:
        Shape (resamples, 2); nan where there is no finite maximum.
    """
    found = np.full((len(counts), 2), np.nan)
    for k in range(len(counts)):
        weight = counts[k]
        a, b = start[k, 0], start[k, 1]
        for _ in range(50):
            g0, g1, h00, h01, h11 = 0.0, 0.0, 0.0, 0.0, 0.0
            for row in range(len(member)):
                w = weight[member[row]]
                if w > 0:
                    small = np.exp(-abs(a + b * x[row]))
                    p = 1.0 / (1.0 + small) if a + b * x[row] >= 0.0 else small / (1.0 + small)
                    g = w * (outcome[row] - p)
                    h = w * p * (1.0 - p)
                    g0 += g
                    g1 += g * x[row]
                    h00 += h
                    h01 += h * x[row]
                    h11 += h * x[row] * x[row]
            if free_slope:
                determinant = h00 * h11 - h01 * h01
                if not determinant > 1e-12 * h00 * h11:
                    break
                da = (h11 * g0 - h01 * g1) / determinant
                db = (h00 * g1 - h01 * g0) / determinant
            else:
                if not h00 > 0.0:
                    break
                da, db = g0 / h00, 0.0
            # A step of more than 5 on the logit scale is shortened: far from the maximum Newton's can overshoot.
            length = max(abs(da), abs(db))
            shorter = 1.0 if length <= 5.0 else 5.0 / length
            a += shorter * da
            b += shorter * db
            if max(abs(a), abs(b)) > 1e3:
                break
            # Newton's steps shrink quadratically: what is left after a step of 1e-7 is lost in rounding.
            if length < 1e-7 * (1.0 + max(abs(a), abs(b))):
                found[k, 0] = a
                found[k, 1] = b
                break
    return found
