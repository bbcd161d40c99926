"""How often does a 95 % interval of a pooled figure hold the truth? Coverage of `pooled_interval`, by simulation.

Subjects of whom a third are positive, five records each, records of a subject alike (a subject effect of standard deviation 0.5 on
scores of standard deviation 1). The truth is known: AUROC = Phi(d / sqrt(2 x 1.25)), sensitivity at the middle = Phi(d / 2 / sqrt
1.25), d the distance of the classes. An interval that is refused (a figure at its bound) is counted apart and covers nothing.

Run       python benchmarks/pooled_coverage.py
Seconds   about 30 on one core; seeded, so the figures are the same every time
"""

from __future__ import annotations

import math
import time

import numpy as np

from hilum.metrics.classify import METRICS
from hilum.metrics.stats import pooled_interval

SUBJECTS = (9, 20, 50, 300)
TRIALS = {9: 1000, 20: 1000, 50: 400, 300: 200}
RECORDS = 5
BY_NAME = {metric.name: metric for metric in METRICS}


def phi(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def truth(name: str, apart: float) -> float:
    return phi(apart / math.sqrt(2.5)) if name == "auroc" else phi(apart / 2 / math.sqrt(1.25))


def coverage(name: str, apart: float, subjects: int, trials: int) -> tuple[float, float, str]:
    """Share of intervals that hold the truth among those given, share refused, and the method."""
    random = np.random.default_rng([subjects, round(10 * apart)])
    subject = np.repeat(np.arange(subjects), RECORDS)
    target = (subject % 3 == 0).astype(np.float64)
    held, refused, method = 0, 0, ""
    for _ in range(trials):
        effect = 0.5 * random.normal(size=subjects)[subject]
        score = apart * target + effect + random.normal(size=len(subject))
        columns = {"target": target, "p:1": 1 / (1 + np.exp(apart / 2 - score))}
        made = pooled_interval(columns, subject, BY_NAME[name])
        held += made.covers(truth(name, apart))
        refused += not made.defined
        method = made.method if made.defined else method
    return held / (trials - refused), refused / trials, method


def main() -> None:
    """Print the table."""
    start = time.perf_counter()
    print("Coverage of the 95 % interval of a pooled figure over subjects, % of those given (% refused)\n")
    print(f"{'figure':<14}{'truth':>7}" + "".join(f"{f'n = {n}':>16}" for n in SUBJECTS))
    methods = {}
    for name in ("auroc", "sensitivity"):
        for apart in (1.0, 2.5):
            cells = []
            for n in SUBJECTS:
                share, refused, methods[n] = coverage(name, apart, n, TRIALS[n])
                cells.append(f"{100 * share:8.1f} ({100 * refused:.1f})")
            print(f"{name:<14}{truth(name, apart):>7.3f}" + "".join(f"{cell:>16}" for cell in cells))
    print("\n" + "; ".join(f"n = {n}: {methods[n]}, {TRIALS[n]} trials" for n in SUBJECTS))
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
