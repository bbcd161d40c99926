"""Which network made the row that arXiv 2209.07805 prints as ConCare, and names MCGRU in its released fold values? By their folds.

Both are run at the listed settings on the same folds as the released values. Of every metric of every table that the row stands in:

    d      ours - released, fold by fold (mean over our seeds, where there are several)
    bias   mean d over folds            rms    root of the mean of d^2
    r      correlation of ours and released over folds: folds differ in difficulty, so any good model correlates; the nearer one more
    z^2    mean of d^2, over its mean of both networks: metrics then weigh the same

The row belongs to the network with the smaller sum of z^2 over all metrics. A sign test over metrics says how unanimous that is.

Run        python benchmarks/covid_ehr_concare.py [RUN]      RUN: a folder of `hilum run covid-ehr --preset full`, finished or not
Seconds    5
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import binomtest

from hilum.core.binding import read_folds
from hilum.core.run import CellFolder, open_run
from hilum.engine.figures import columns_of, metrics_of
from hilum.papers.covid_ehr.bindings import FOLDS, METRICS, TABLES, WITH_TIME

Array = NDArray[np.float64]
NETWORKS = ("MCGRU", "ConCare")
RELEASED = "MCGRU"
TITLES = {"outcome": "{} (published)", "los": "{} (published)", "multitask": "{}, multitask (published)"}
TIME_AWARE = "{}, time-aware (published)"


@dataclass(frozen=True)
class Line:
    """One metric of one table: figures by fold, released and of both networks."""

    table: str
    metric: str
    released: Array
    ours: Mapping[str, Array]

    @property
    def squares(self) -> dict[str, float]:
        """Mean z^2 of each network."""
        apart = {name: figures - self.released for name, figures in self.ours.items()}
        scale = float(np.mean([np.square(d).mean() for d in apart.values()]))
        return {name: float(np.square(d).mean()) / scale if scale else 0.0 for name, d in apart.items()}


def lines(run: Path) -> Iterator[Line]:
    """Every metric of which both networks have all ten folds."""
    found = open_run(run)
    info = found.info()
    names = {arm["id"]: arm["name"] for arm in info["arms"]}
    frames: dict[str, list[pl.DataFrame]] = {}
    for cell in info["cells"]:
        folder = CellFolder(found.cells / cell["folder"])
        if folder.done:
            frames.setdefault(names[cell["arm_id"]], []).append(pl.read_parquet(folder.scores))
    asked = [(table, title, RELEASED, metric) for table, title in TITLES.items() for metric in TABLES[table]]
    asked += [("outcome", TIME_AWARE, RELEASED + WITH_TIME, metric) for metric in TABLES["outcome"]]
    for table, title, model, metric in asked:
        released = read_folds(FOLDS, columns={"dataset": "tjh", "task": table, "model": model}, metric=metric)
        ours = {name: _by_fold(frames.get(title.format(name), []), METRICS.get(metric, metric)) for name in NETWORKS}
        if all(each.keys() == released.keys() for each in ours.values()):
            told = f"{table}, time-aware" if model != RELEASED else table
            order = sorted(released)
            values = {name: np.array([each[fold] for fold in order]) for name, each in ours.items()}
            yield Line(told, metric, np.array([released[fold] for fold in order]), values)


def _by_fold(frames: list[pl.DataFrame], metric: str) -> dict[str, float]:
    if not frames:
        return {}
    frame = pl.concat(frames, how="diagonal_relaxed")
    measure = metrics_of("classify")[metric]
    found: dict[str, list[float]] = {}
    for (fold, _), rows in sorted(frame.group_by("fold", "seed"), key=lambda pair: pair[0]):
        found.setdefault(str(fold), []).append(measure(columns_of(rows, measure)).value)
    return {fold: float(np.mean(values)) for fold, values in found.items()}


def main() -> None:
    """Print every metric, and whose row it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", default=Path("runs/covid-ehr"))
    run = parser.parse_args().run
    found = list(lines(run)) if run.is_dir() else []
    if not found:
        print("no metric of which both networks have all ten folds: finish the run")
        return
    print("| table | metric | released | " + " | ".join(f"{name}: mean, bias, rms, r" for name in NETWORKS) + " |")
    print("|---" * (3 + len(NETWORKS)) + "|")
    for line in found:
        told = []
        for name in NETWORKS:
            ours, d = line.ours[name], line.ours[name] - line.released
            r = float(np.corrcoef(ours, line.released)[0, 1])
            told.append(f"{ours.mean():.4f}, {d.mean():+.4f}, {np.sqrt(np.square(d).mean()):.4f}, {r:.2f}")
        print(f"| {line.table} | {line.metric} | {line.released.mean():.4f} | {' | '.join(told)} |")
    sums = {name: sum(line.squares[name] for line in found) for name in NETWORKS}
    nearer = min(NETWORKS, key=lambda name: sums[name])
    wins = sum(min(line.squares, key=lambda name: line.squares[name]) == nearer for line in found)
    p = binomtest(wins, len(found)).pvalue
    print(f"\nsum of z^2 over {len(found)} metrics: " + ", ".join(f"{name} {sums[name]:.2f}" for name in NETWORKS))
    print(f"{nearer} is nearer on {wins} of {len(found)} metrics (they are not independent; sign test p = {p:.2g})")
    print(f"the row printed as ConCare is that of {nearer}")


if __name__ == "__main__":
    main()
