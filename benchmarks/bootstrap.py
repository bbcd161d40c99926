"""Cluster bootstrap of AUROC beside a plain loop over scikit-learn: CPU seconds, ratio, peak memory, the same figures.

Both draw whole subjects with replacement, with all their rows, and score each resample. The plain loop is what one would write:
concatenate the rows of the drawn subjects, call `sklearn.metrics.roc_auc_score`. To stay short it is timed on fewer resamples
and scaled to all; on those the figures of both are compared. Synthetic data: 10,000 subjects of unequal share, 10
items each on average, scores to two digits in the second case so that ties abound.

Early scores and the error of the remaining days have no library: their loop scores the rows of the drawn subjects with the metric itself.

Run       python benchmarks/bootstrap.py
Seconds   about 50 on one core
"""

from __future__ import annotations

import time

import numpy as np
from _memory import peak_mb
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from hilum.metrics import course
from hilum.metrics.classify import METRICS
from hilum.metrics.stats import cluster_bootstrap
from hilum.metrics.stats.bootstrap import Clustered
from hilum.metrics.stats.draws import counts_of, draws_of

Array = NDArray[np.float64]

ITEMS, SUBJECTS, RESAMPLES, TIMED = 100_000, 10_000, 2_000, 40
AUROC = next(metric for metric in METRICS if metric.name == "auroc")


def simulate(items: int, subjects: int, digits: int, seed: int = 0) -> tuple[dict[str, Array], NDArray[np.int64]]:
    """Columns target and p:1, and the subject of each row."""
    random = np.random.default_rng(seed)
    subject = random.integers(0, subjects, items)
    risk = random.normal(size=subjects)[subject] + random.normal(size=items)
    target = (random.random(items) < 1 / (1 + np.exp(1 - risk))).astype(np.float64)
    score = 1 / (1 + np.exp(1 - risk - random.normal(size=items)))
    return {"target": target, "p:1": np.round(score, digits)}, subject


def plain_loop(columns: dict[str, Array], subject: NDArray[np.int64], draws: NDArray[np.int64]) -> Array:
    """AUROC of each draw of subjects, one at a time."""
    order = np.argsort(subject, kind="stable")
    rows_of = np.split(order, np.searchsorted(subject[order], np.unique(subject))[1:])
    figures = []
    for draw in draws:
        rows = np.concatenate([rows_of[i] for i in draw])
        figures.append(roc_auc_score(columns["target"][rows], columns["p:1"][rows]))
    return np.array(figures)


def stays(subjects: int, seed: int = 0) -> tuple[dict[str, Array], NDArray[np.int64]]:
    """Columns of the course of a stay, one row a day, and whose each row is."""
    random = np.random.default_rng(seed)
    days = random.integers(1, 2 * ITEMS // SUBJECTS, subjects)
    subject = np.repeat(np.arange(subjects), days)
    dead = (random.random(subjects) < 0.3)[subject]
    left = np.concatenate([np.arange(n, 0, -1) for n in days]) - 0.5
    columns = {
        "target": dead.astype(np.float64),
        "p:1": np.clip(0.5 + 0.3 * (dead - 0.5) + 0.25 * random.normal(size=len(subject)), 0.0, 1.0),
        "beside": left,
        "number": left + 3 * random.normal(size=len(subject)),
        "threshold": np.full(len(subject), 4.0),
        "longest": np.full(len(subject), 17.0),
        "who": subject.astype(np.float64),
    }
    return columns, subject


def courses() -> None:
    """Print the table of the course of a stay."""
    columns, subject = stays(SUBJECTS)
    rows_of = np.split(np.arange(len(subject)), np.searchsorted(subject, np.arange(1, SUBJECTS)))
    draws = next(draws_of(SUBJECTS, TIMED, seed=0))
    print(f"\nThe course of a stay, {len(subject):,} records of {SUBJECTS:,} patients, the same resamples\n")
    print(f"{'metric':<14}{'loop s':>9}{'ours s':>9}{'ratio':>8}{'with BCa s':>12}{'largest gap':>13}")
    for metric in course.METRICS:
        start = time.process_time()
        theirs = []
        for draw in draws:
            rows = np.concatenate([rows_of[i] for i in draw])
            drawn = {name: column[rows] for name, column in columns.items()}
            # A patient drawn twice is two.
            drawn["who"] = np.repeat(np.arange(float(len(draw))), [len(rows_of[i]) for i in draw])
            theirs.append(metric(drawn).value)
        loop = (time.process_time() - start) * RESAMPLES / TIMED
        start = time.process_time()
        sample = Clustered.of(columns, subject, metric)
        for some in draws_of(SUBJECTS, RESAMPLES, seed=0):
            sample.figures(counts_of(some))
        seconds = time.process_time() - start
        start = time.process_time()
        cluster_bootstrap(columns, subject, metric, RESAMPLES)
        whole = time.process_time() - start
        gap = float(np.abs(sample.figures(counts_of(draws)) - theirs).max())
        print(f"{metric.name:<14}{loop:>9.1f}{seconds:>9.2f}{loop / seconds:>8.0f}{whole:>12.2f}{gap:>13.1e}")
        assert gap < 1e-9, "the figures differ"


def main() -> None:
    """Print the table."""
    small, few = simulate(600, 60, 2)
    cluster_bootstrap(small, few, AUROC, resamples=10)  # compiles
    print(
        f"AUROC, {RESAMPLES:,} resamples of whole subjects, CPU seconds, one thread; loop: {TIMED} timed, scaled to {RESAMPLES:,}\n"
    )
    print(
        f"{'items':>9} {'subjects':>9}  {'scores':<10}{'loop s':>9}{'ours s':>9}{'ratio':>8}{'with BCa s':>12}{'largest gap':>13}"
    )
    for digits, title in ((17, "distinct"), (2, "2 digits")):
        columns, subject = simulate(ITEMS, SUBJECTS, digits)
        subjects = len(np.unique(subject))
        draws = next(draws_of(subjects, TIMED, seed=0))
        start = time.process_time()
        theirs = plain_loop(columns, subject, draws)
        loop = (time.process_time() - start) * RESAMPLES / TIMED
        before = peak_mb()
        start = time.process_time()
        sample = Clustered.of(columns, subject, AUROC)
        ours = np.concatenate([sample.figures(counts_of(d)) for d in draws_of(subjects, RESAMPLES, seed=0)])
        seconds = time.process_time() - start
        start = time.process_time()
        cluster_bootstrap(columns, subject, AUROC, RESAMPLES)
        whole = time.process_time() - start
        same = sample.figures(counts_of(draws))
        gap = float(np.abs(same - theirs).max())
        print(
            f"{ITEMS:>9,} {subjects:>9,}  {title:<10}{loop:>9.1f}{seconds:>9.2f}{loop / seconds:>8.0f}{whole:>12.2f}{gap:>13.1e}"
        )
        assert gap < 1e-12, "the figures differ"
        assert len(ours) == RESAMPLES
    print(
        f"\npeak memory {peak_mb():.0f} MB, of which {before:.0f} MB before the last bootstrap (data, scikit-learn, numba)"
    )
    courses()
    columns, subject = simulate(1_000_000, 100_000, 17)
    start = time.process_time()
    cluster_bootstrap(columns, subject, AUROC, RESAMPLES)
    seconds = time.process_time() - start
    print(
        f"\n1,000,000 items of 100,000 subjects, AUROC, {RESAMPLES:,} resamples and BCa: {seconds:.0f} s, peak {peak_mb():.0f} MB"
    )


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
