"""Horizons and parts of a record, stated in seconds: what every task that looks ahead shares."""

from __future__ import annotations

import math

from hilum.core.errors import UsageError

Parts = dict[str, tuple[int, int]]


def refuse_times(horizons_s: tuple[float, ...], train_s: float, score_from_s: float, *, where: str) -> None:
    """Refuse horizons and parts that make no sense.

    Raises:
        UsageError: horizons are not finite, positive and ascending, or training does not end before scoring begins.
    """
    finite = all(math.isfinite(seconds) for seconds in horizons_s)
    if not horizons_s or not finite or list(horizons_s) != sorted(set(horizons_s)) or horizons_s[0] <= 0:
        raise UsageError(
            f"horizons {horizons_s} are not finite, positive and ascending",
            where=where,
            do="Give seconds in ascending order, e.g. (0.5, 1.0, 2.0)",
        )
    if not 0 < train_s <= score_from_s < math.inf:
        raise UsageError(
            f"training ends at {train_s} s and scoring begins at {score_from_s} s",
            where=where,
            do="Let training end after 0 s and no later than scoring begins",
        )


def in_samples(horizons_s: tuple[float, ...], seconds_per_sample: float, *, where: str) -> tuple[int, ...]:
    """Horizons as numbers of samples.

    Raises:
        UsageError: one is no whole number of samples (to 1 % of a sample); the closest is named.
    """
    samples = tuple(round(seconds / seconds_per_sample) for seconds in horizons_s)
    for seconds, count in zip(horizons_s, samples, strict=True):
        if count < 1 or abs(count * seconds_per_sample - seconds) > 0.01 * seconds_per_sample:
            raise UsageError(
                f"{seconds:g} s ahead is no whole number of samples at {1 / seconds_per_sample:.4g} Hz",
                where=where,
                do=f"Ask for {max(count, 1) * seconds_per_sample:.4g} s",
            )
    return samples


def parts_of(samples: int, seconds_per_sample: float, *, train_s: float, score_from_s: float) -> Parts:
    """First sample and end (exclusive) of the parts "train", "choose" and "score" of a record of `samples` samples."""
    train = min(round(train_s / seconds_per_sample), samples)
    score = min(round(score_from_s / seconds_per_sample), samples)
    return {"train": (0, train), "choose": (train, score), "score": (score, samples)}
