"""Imputation on hospital records: hide observed values, fill them, and measure how far off they are.

    python benchmarks/imputation.py [--item mortality24-mimic3] [--share 0.2] [--folds 5] [--only NAME ...] [--data DIR]

Subjects are dealt into folds. Of the observed hourly values a share is hidden, at random and independently. Each imputer is fitted on the
other subjects with all their values, and fills the hidden ones of the test subjects. Errors are in standard deviations of the variable
in train, so that variables can be pooled; intervals are bootstraps over subjects. Seconds are of the processor, for all folds. "looks
ahead" marks what reads later hours: it may complete a series that is over, and may not stand before a prediction.

Values that a hospital did not measure are not missing at random, and what they would have been is not known: the errors here speak of
values that were measured.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hilum.modalities.table.inputs import Inputs
from hilum.modalities.table.recipe import Recipe
from hilum.modalities.table.sample import Table
from hilum.modalities.table.steps.fill import Fill
from hilum.modalities.table.steps.forward_fill import ForwardFill
from hilum.modalities.table.steps.impute_brits import ImputeBrits
from hilum.modalities.table.steps.impute_chained import ImputeChained
from hilum.modalities.table.steps.impute_nearest import ImputeNearest
from hilum.modalities.table.steps.scale import Scale

Array = NDArray[np.float64]

# After Scale() the mean is 0, so a fill by zero is the mean.
IMPUTERS: dict[str, tuple[Any, ...]] = {
    "mean": (Fill(by="zero"),),
    "median": (Fill(by="median"),),
    "forward fill, mean": (ForwardFill(), Fill(by="zero")),
    "nearest 10": (ImputeNearest(10), Fill()),
    "chained": (ImputeChained(5), Fill()),
    "forward fill, chained": (ForwardFill(), ImputeChained(5), Fill()),
    "BRITS, forward": (ImputeBrits(), Fill()),
    "BRITS, both (looks ahead)": (ImputeBrits(direction="both"), Fill()),
}


def hidden_from(table: Table, share: float, seed: int) -> tuple[Inputs, NDArray[np.bool_]]:
    """The hourly variables with some observed values hidden, and which (records, variables)."""
    variables = [name for name in table.features.columns if name not in table.static]
    values = table.features.select(pl.col(variables).fill_null(float("nan"))).to_numpy()
    hidden = (np.random.default_rng(seed).random(values.shape) < share) & ~np.isnan(values)
    frame = pl.from_numpy(np.where(hidden, np.nan, values), schema=variables, orient="row").fill_nan(None)
    return Inputs(frame, table.order), hidden


def run(item: str, data: Path, share: float, folds: int, only: list[str]) -> None:
    """Print the table."""
    from hilum.datasets.yaib_demo.dataset import YaibDemo

    dataset = YaibDemo(only=item)
    (found,) = [one for one in dataset.items(data) if one.id == item]
    table = dataset.load(data, found)
    variables = [name for name in table.features.columns if name not in table.static]
    truth = table.features.select(pl.col(variables).fill_null(float("nan"))).to_numpy()
    whole = Inputs(table.features.select(variables), table.order)
    masked, hidden = hidden_from(table, share, seed=1)
    names, subject = np.unique(
        table.rows["subject"].fill_null(table.rows["item"]).to_numpy().astype(str), return_inverse=True
    )
    fold = np.random.default_rng(2).permutation(len(names))[subject] % folds
    print(
        f"{item}: {table.height} hours, {len(names)} subjects, {int((~np.isnan(truth)).sum())} values of {len(variables)} variables, "
        f"{int(hidden.sum())} hidden ({share:.0%}), {folds} folds"
    )
    print(
        f"{'imputer':28s} {'MAE (95 % over subjects)':28s} {'RMSE':>28s} {'MAE of variables':>17s} {'s':>7s} {'x mean':>7s}"
    )
    base = None
    for name, steps in IMPUTERS.items():
        if only and name not in only:
            continue
        error = np.full(truth.shape, np.nan)
        began = time.process_time()
        for number in range(folds):
            train, test = fold != number, fold == number
            fitted = Recipe((Scale(), *steps)).fit(whole.take(train))
            scaled = dict(
                zip(
                    fitted.steps[0].columns,
                    zip(fitted.steps[0].center, fitted.steps[0].scale, strict=True),
                    strict=True,
                )
            )
            filled = fitted.apply(masked.take(test))
            center, scale = (np.array([scaled[v][at] for v in fitted.names]) for at in (0, 1))
            error[test] = filled - (truth[test] - center) / scale
        seconds = time.process_time() - began
        base = base or seconds
        print_row(name, np.where(hidden, error, np.nan), subject, seconds, seconds / base)
        if only:
            print_variables(variables, np.where(hidden, error, np.nan))


def print_row(name: str, error: Array, subject: NDArray[np.int64], seconds: float, ratio: float) -> None:
    """Pooled MAE and RMSE with intervals over subjects, and the mean over variables of their MAE."""
    there = ~np.isnan(error)
    row = np.nonzero(there)[0]
    count = np.bincount(subject[row], minlength=subject.max() + 1)
    sums = [np.bincount(subject[row], np.abs(error[there]) ** power, subject.max() + 1) for power in (1, 2)]
    drawn = np.random.default_rng(3).multinomial(len(count), np.full(len(count), 1 / len(count)), size=2000)
    low_high = [np.quantile(drawn @ each / (drawn @ count), [0.025, 0.975]) for each in sums]
    mae, rmse = sums[0].sum() / count.sum(), np.sqrt(sums[1].sum() / count.sum())
    by_variable = np.nanmean(np.nanmean(np.abs(error[:, there.any(axis=0)]), axis=0))
    first = f"{mae:.3f} ({low_high[0][0]:.3f} to {low_high[0][1]:.3f})"
    second = f"{rmse:.3f} ({np.sqrt(low_high[1][0]):.3f} to {np.sqrt(low_high[1][1]):.3f})"
    print(f"{name:28s} {first:28s} {second:>28s} {by_variable:17.3f} {seconds:7.1f} {ratio:7.1f}", flush=True)


def print_variables(names: list[str], error: Array) -> None:
    """MAE and RMSE of every variable with a hidden value."""
    for name, column in zip(names, error.T, strict=True):
        seen = column[~np.isnan(column)]
        if seen.size:
            print(f"    {name:12s} {seen.size:6d} {np.abs(seen).mean():8.3f} {np.sqrt((seen**2).mean()):8.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--item", default="mortality24-mimic3")
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[], help="of these imputers also every variable")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HILUM_DATA", "data")) / "yaib_demo")
    given = parser.parse_args()
    run(given.item, given.data, given.share, given.folds, given.only)
