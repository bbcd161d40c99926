"""How often is a verdict wrong? Claims whose truth is known, judged by the functions that judge a paper's. *Synthetic* throughout.

Each trial draws what a paper would print, rounded as papers round, and what a re-run would store, from one known world. The true
difference of the two methods is 0, half the margin, or twice the margin, either way; the margin is set from the noise, so that the
standard deviation of ours - claimed is a quarter, a half, the whole or four times it: with wide noise nearly all is inconclusive, and
what is not is as often wrong as the interval misses. Shares and AUROC keep their own margin of 0.01. The rules are
`hilum.engine.judge.judge_figure` and `judge_pair`; our figures come from `hilum.engine.figures.estimate`.

Bounds     of true claims (0 or half the margin off) at most 5 % are called better or worse; of claims off by twice the margin at
           most 5 % are called reproduced or replicated. For a claimed direction: of pairs without any difference at most 5 % are
           called supported or contradicted.
Worst      each share is the largest over both signs and the noise levels; a bound is passed where it lies more than two Monte
           Carlo standard errors above 5 %.

Run        python benchmarks/verdicts.py [--trials SHARE]      exit code 1 where a bound is passed
Seconds    under 120 on one core; seeded (20261124, case, trial), so the figures are the same every time
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hilum.core.binding import Basis, Binding, Estimand
from hilum.core.claim import Claim
from hilum.core.experiment import Arm
from hilum.core.metric import Metric
from hilum.core.row import Estimate, UnitValue
from hilum.engine.contrasts import paired
from hilum.engine.figures import ArmScores, estimate, metrics_of
from hilum.engine.judge import judge_figure, judge_pair

SEED = 20261124
LEVELS = (0.25, 0.5, 1.0, 4.0)
SHIFTS = (0.0, 0.5, -0.5, 2.0, -2.0)
BOUND = 0.05
MAE = metrics_of("regress")["mae"]
AUROC = metrics_of("classify")["auroc"]
WITHIN = metrics_of("forecast")["within-2mm"]
Random = np.random.Generator
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """One simulated paper and its re-run.

    Attributes:
        ours: Our stored figure.
        claim: From the true difference, the claim as printed.
        binding: How the two are tied.
        noise: Standard deviation of ours - claimed before rounding.
        metric: The metric.
    """

    ours: Estimate
    claim: Callable[[float], Claim]
    binding: Binding
    noise: float
    metric: Metric = MAE


@dataclass(frozen=True)
class Case:
    """A basis and an estimand, and how to draw from it."""

    basis: Basis
    title: str
    draw: Callable[[Random], Drawn]
    trials: int
    fixed_margin: bool = False


@dataclass(frozen=True)
class Stub:
    """Stands for a model: the rules ask only whether it draws at random."""

    stochastic: bool = True


def arm(name: str = "model", stochastic: bool = True) -> Arm:
    """An arm that is only a name."""
    return Arm("synthetic", "synthetic", Stub(stochastic), name)


def binding(basis: Basis, *, stochastic: bool = True, runs: int = 1, **changes: object) -> Binding:
    """A binding of one simulated claim."""
    made = Binding(("*",), arm(stochastic=stochastic), arm("trivial"), Estimand("subject", runs=runs), basis)
    return replace(made, **changes)  # type: ignore[arg-type]


def printed(value: float, digits: int = 3, **changes: str) -> Claim:
    """A claim as it stands in a paper: so many decimals."""
    blank = dict.fromkeys(("dataset", "task", "model", "protocol", "statement", "n", "of", "spread", "spread_kind"), "")
    facts = {**blank, "where": "synthetic", "data_access": "", "note": "", **changes}
    kind = "difference" if changes.get("metric", "").startswith("delta-") else "value"
    facts.setdefault("metric", "mae")
    return Claim(id="c", kind=kind, printed=f"{value:.{digits}f}", unit="1", relation="eq", evidence="read", **facts)  # type: ignore[arg-type]


# Same data: only what training draws at random differs


def identical(random: Random) -> Drawn:
    """Deterministic code: ours is a point, and so is theirs, printed to two decimals."""
    truth = random.uniform(0.5, 2.0)
    return Drawn(Estimate(truth, None), lambda shift: printed(truth - shift, 2), binding("identical"), 0.05)


def deterministic(random: Random) -> Drawn:
    """Same data, nothing drawn at random, another implementation."""
    truth = random.uniform(0.5, 2.0)
    made = binding("same-data", stochastic=False)
    return Drawn(Estimate(truth, None), lambda shift: printed(truth - shift, 2), made, 0.05)


def folds(count: int, shared: float = 0.0) -> Callable[[Random], Drawn]:
    """Mean of folds, printed fold by fold; a `shared` part of the variance of a run is common to its folds (one seed for all)."""

    def draw(random: Random) -> Drawn:
        hard, spread = random.normal(1.0, 0.3, count), 0.05
        runs = [
            spread * (math.sqrt(1 - shared) * random.normal(size=count) + math.sqrt(shared) * random.normal())
            for _ in range(2)
        ]
        ours = hard + runs[0]
        per_fold = tuple(UnitValue(str(k), float(v)) for k, v in enumerate(ours))

        def values(shift: float) -> Array:
            return np.round(hard + runs[1] - shift, 3)

        def claim(shift: float) -> Claim:
            return printed(float(values(shift).mean()), note=repr(shift))

        def by_fold(made: Claim) -> dict[str, float]:
            return {str(k): float(v) for k, v in enumerate(values(float(made.note)))}

        noise = spread * math.sqrt(2 * ((1 - shared) / count + shared))
        found = Estimate(float(ours.mean()), None, per_seed=(float(ours.mean()),), per_fold=per_fold)
        return Drawn(found, claim, binding("same-data", folds=by_fold), noise)

    return draw


def seeds(ours: int, theirs: int, known: bool, heavy: bool = False) -> Callable[[Random], Drawn]:
    """Seeds of ours against the mean of theirs; `heavy`: one training in ten goes astray and is five times as far off."""

    def draw(random: Random) -> Drawn:
        def noise(count: int) -> Array:
            far = np.where(random.random(count) < 0.1, 5.0, 1.0) if heavy else 1.0
            return np.asarray(0.05 * far * random.normal(size=count))

        mine, others = 1.0 + noise(ours), 1.0 + float(noise(theirs).mean())
        spread = 0.05 * math.sqrt((0.9 + 0.1 * 25 if heavy else 1.0) * (1 / ours + 1 / theirs))
        found = Estimate(float(mine.mean()), None, per_seed=tuple(float(x) for x in mine))
        return Drawn(found, lambda s: printed(others - s), binding("same-data", runs=theirs if known else 1), spread)

    return draw


# New data: other people, and the sampling of both studies


def scores_of(errors: Array, *, seed: int = 0) -> pl.DataFrame:
    """One row a subject, with the statistics that the mean absolute error reads; errors has shape (subjects, records)."""
    names = [f"s{i:03d}" for i in range(len(errors))]
    base = pl.DataFrame({"item": names, "subject": names, "fold": [i % 5 for i in range(len(errors))], "seed": seed})
    return base.with_columns(
        pl.Series("n", np.full(len(errors), float(errors.shape[1]))),
        pl.Series("sum_abs", np.abs(errors).sum(axis=1)),
        horizon=pl.lit(0),
        horizon_s=pl.lit(0.0),
    )


def skewed(random: Random, people: int, spread: float, records: int = 1) -> Array:
    """Errors of people, shape (people, records): lognormal sizes with mean 1, `spread` the deviation of the logarithm."""
    size = random.lognormal(-(spread**2) / 2, spread, people)
    within = random.lognormal(-0.02, 0.2, (people, records))
    return np.asarray(size[:, np.newaxis] * within)


def people(n: int, spread: float, how: str, pool: str = "unit") -> Callable[[Random], Drawn]:
    """Errors over n people in both studies; the paper prints an interval, or the spread over people and n."""
    records = 1 if pool == "unit" else 3

    def draw(random: Random) -> Drawn:
        ours, theirs = (skewed(random, n, spread, records) for _ in range(2))
        estimand = Estimand("subject", pool=pool)  # type: ignore[arg-type]
        found = estimate(ArmScores(arm(), scores_of(ours), ()), MAE, estimand)
        values = theirs.mean(axis=1)
        deviation = float(values.std(ddof=1))
        half = 1.96 * deviation / math.sqrt(n)
        facts = {"spread": f"{half:.3f}", "spread_kind": "ci95-half"} if how == "interval" else {}
        facts |= {"spread": f"{deviation:.2f}", "spread_kind": "subject-sd", "n": str(n)} if how == "spread" else {}
        noise = math.sqrt(2 / n) * math.sqrt(math.exp(spread**2) * (1 + 0.04 / records) - 1)
        return Drawn(found, lambda s: printed(float(values.mean()) - s, **facts), binding("new-data"), noise)

    return draw


def cross_validated(count: int) -> Callable[[Random], Drawn]:
    """Mean of folds on other people: train parts overlap, so folds share a part 1/count of their variance; ours by subject."""

    def draw(random: Random) -> Drawn:
        n, spread = 30 * count, 0.3
        ours = skewed(random, n, 0.5)
        found = estimate(ArmScores(arm(), scores_of(ours), ()), MAE, Estimand("subject"))
        common = math.sqrt(1 / count) * random.normal()
        values = 1.0 + spread / math.sqrt(30) * (math.sqrt(1 - 1 / count) * random.normal(size=count) + common)
        facts = {"spread": f"{values.std(ddof=1):.3f}", "spread_kind": "fold-sd", "n": str(count)}
        of_ours = math.exp(0.25) * 1.04 - 1
        noise = math.sqrt(of_ours / n + spread**2 / 30 * ((1 - 1 / count) / count + 1 / count))
        return Drawn(found, lambda s: printed(float(values.mean()) - s, **facts), binding("new-data"), noise)

    return draw


def shares(n: int, share: float) -> Callable[[Random], Drawn]:
    """A share of n people in both studies, the paper prints n; near 1 it is skewed."""

    def draw(random: Random) -> Drawn:
        # An error of 0 or 9 mm, so that the share is the mean of "within 2 mm".
        inside = random.random(n) < share
        names = [f"s{i:04d}" for i in range(n)]
        frame = pl.DataFrame({"item": names, "subject": names, "n": 1.0, "within_2": inside.astype(float)})
        frame = frame.with_columns(fold=pl.lit(0), seed=pl.lit(0), horizon=pl.lit(0), horizon_s=pl.lit(0.0))
        found = estimate(ArmScores(arm(), frame, ()), WITHIN, Estimand("subject", pool="all"))
        uniform = random.random(n)

        def claim(shift: float) -> Claim:
            return printed(float((uniform < share - shift).mean()), metric=WITHIN.name, n=str(n))

        return Drawn(found, claim, binding("new-data"), math.sqrt(2 * share * (1 - share) / n), WITHIN)

    return draw


def ranking(n: int, positives: int, area: float, how: str) -> Callable[[Random], Drawn]:
    """AUROC over n people in both studies, from normal scores; the paper prints positives and n, or its interval (DeLong's)."""

    def draw(random: Random) -> Drawn:
        truth = (np.arange(n) < positives).astype(float)
        names = [f"s{i:04d}" for i in range(n)]
        score = _squashed(random.normal(size=n) + truth * _separation(area))
        frame = pl.DataFrame({"item": names, "subject": names, "target": truth, "p:0": 1 - score, "p:1": score})
        found = estimate(
            ArmScores(arm(), frame.with_columns(fold=pl.lit(0), seed=pl.lit(0)), ()), AUROC, Estimand("s", pool="all")
        )
        theirs = random.normal(size=n)

        def claim(shift: float) -> Claim:
            moved = theirs + truth * _separation(area - shift)
            wins = moved[:positives, np.newaxis] > moved[positives:]
            error = math.sqrt(
                wins.mean(axis=1).var(ddof=1) / positives + wins.mean(axis=0).var(ddof=1) / (n - positives)
            )
            facts = {"spread": f"{1.96 * error:.3f}", "spread_kind": "ci95-half"} if how == "interval" else {}
            facts |= {"n": str(positives), "of": str(n)} if how == "counts" else {}
            return printed(float(wins.mean()), metric="auroc", **facts)

        return Drawn(found, claim, binding("new-data"), math.nan, AUROC)

    return draw


def _separation(area: float) -> float:
    """Distance of two normal distributions of scores whose AUROC this is."""
    return math.sqrt(2) * NormalDist().inv_cdf(area)


def _squashed(score: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-score)))


# Shared subjects: a claimed difference of two methods


def pair(n: int, spread: float, truth: float) -> Callable[[Random], Drawn]:
    """arm - other on the same n people and five seeds; the methods differ by `truth` on average, and by person."""

    def draw(random: Random) -> Drawn:
        base = skewed(random, n, spread)
        gap = truth + 0.2 * (base - base.mean()) * random.normal(size=(n, 1)) + 0.1 * random.normal(size=(n, 1))
        frames: dict[str, list[pl.DataFrame]] = {"a": [], "b": []}
        offsets = 0.05 * random.normal(size=(2, 5))
        for seed in range(5):
            for name, mine, off in (("a", base + gap, offsets[0, seed]), ("b", base, offsets[1, seed])):
                # Far from zero, so that a size is its own error and the difference is linear.
                frames[name].append(scores_of(10 + mine + off, seed=seed))
        arms = [ArmScores(arm(name), pl.concat(frame), ()) for name, frame in frames.items()]
        found = paired(*arms, MAE, Estimand("subject"))
        # Same data: theirs has the same people, so the same average gap, and its own five seeds.
        others = float(gap.mean()) + 0.05 * math.sqrt(2 / 5) * random.normal()

        def claim(shift: float) -> Claim:
            return printed(others - shift, metric="delta-mae")

        made = binding("same-data", runs=5, against=arm("b"))
        return Drawn(found, claim, made, 0.05 * math.sqrt(2 * (1 / 5 + 1 / 5)))

    return draw


CASES = (
    Case("identical", "deterministic code, two decimals", identical, 2000),
    Case("same-data", "nothing drawn at random", deterministic, 2000),
    Case("same-data", "mean of 5 printed folds", folds(5), 2000),
    Case("same-data", "mean of 10 printed folds", folds(10), 2000),
    Case("same-data", "mean of 10 printed folds, a fifth of the noise shared", folds(10, 0.2), 2000),
    Case("same-data", "3 seeds, one run printed", seeds(3, 1, True), 3000),
    Case("same-data", "5 seeds, mean of 5, runs unknown", seeds(5, 5, False), 3000),
    Case("same-data", "5 seeds, mean of 5, runs known", seeds(5, 5, True), 3000),
    Case("same-data", "5 seeds, one training in ten astray", seeds(5, 5, True, heavy=True), 3000),
    Case("same-data", "shared subjects, n = 9, skewed: size", pair(9, 1.0, 0.0), 400),
    Case("new-data", "mean over subjects, n = 9, skewed; spread printed", people(9, 1.0, "spread"), 600),
    Case("new-data", "mean over subjects, n = 9, skewed; interval printed", people(9, 1.0, "interval"), 600),
    Case("new-data", "mean over subjects, n = 30; spread printed", people(30, 0.5, "spread"), 600),
    Case("new-data", "mean over subjects, n = 300; interval printed", people(300, 0.5, "interval"), 300),
    Case("new-data", "pooled over subjects, n = 9, skewed", people(9, 1.0, "spread", "all"), 600),
    Case("new-data", "pooled over subjects, n = 30", people(30, 0.5, "interval", "all"), 400),
    Case("new-data", "pooled over subjects, n = 300", people(300, 0.5, "interval", "all"), 200),
    Case("new-data", "mean of 10 folds, deviation over folds printed", cross_validated(10), 300),
    Case(
        "new-data", "AUROC 0.8, n = 30; positives and n printed", ranking(30, 12, 0.8, "counts"), 400, fixed_margin=True
    ),
    Case(
        "new-data", "AUROC 0.95, n = 30; interval printed", ranking(30, 12, 0.95, "interval"), 1200, fixed_margin=True
    ),
    Case(
        "new-data",
        "AUROC 0.8, n = 300; positives and n printed",
        ranking(300, 60, 0.8, "counts"),
        300,
        fixed_margin=True,
    ),
    Case("new-data", "a share of 0.95 of n = 30, n printed", shares(30, 0.95), 400, fixed_margin=True),
    Case("new-data", "a share of 0.9 of n = 300, n printed", shares(300, 0.9), 200, fixed_margin=True),
)
DIRECTIONS = (
    ("shared subjects, n = 9, skewed", pair(9, 1.0, 0.0), 600),
    ("shared subjects, n = 30", pair(30, 0.5, 0.0), 300),
    ("shared subjects, n = 300", pair(300, 0.5, 0.0), 200),
)


@dataclass(frozen=True)
class Outcome:
    """What became of one case.

    Attributes:
        true_called_off: Worst share of true claims called better or worse.
        false_called_same: Worst share of claims off by twice the margin called reproduced or replicated.
        inconclusive: By noise level, the share of all claims that are inconclusive.
        unjudged: Share that could not be judged at all.
        trials: Trials a share.
    """

    true_called_off: float
    false_called_same: float
    inconclusive: tuple[float, ...]
    unjudged: float
    trials: int

    @property
    def holds(self) -> bool:
        """Whether both bounds hold, to within Monte Carlo error."""
        return all(within(share, self.trials) for share in (self.true_called_off, self.false_called_same))


def within(share: float, trials: int) -> bool:
    """Whether a share lies no more than two Monte Carlo standard errors (of a share at the bound) above it."""
    return share <= BOUND + 2 * math.sqrt(BOUND * (1 - BOUND) / trials)


def run(case: Case, number: int, trials: int) -> Outcome:
    """Judge every trial at every noise level and true difference."""
    tally: Counter[tuple[float, float, str]] = Counter()
    for trial in range(trials):
        drawn = case.draw(np.random.default_rng([SEED, number, trial]))
        for level, shift, name in judged(drawn, (0.0,) if case.fixed_margin else LEVELS):
            tally[level, shift, name] += 1
    levels = (0.0,) if case.fixed_margin else LEVELS

    def share(level: float, shift: float, *names: str) -> float:
        return sum(tally[level, shift, name] for name in names) / trials

    every = [(level, shift) for level in levels for shift in SHIFTS]
    return Outcome(
        max(share(*at, "better", "worse") for at in every if abs(at[1]) < 1),
        max(share(*at, "reproduced", "replicated", "reproduced, exact") for at in every if abs(at[1]) > 1),
        tuple(float(np.mean([share(level, shift, "inconclusive") for shift in SHIFTS])) for level in levels),
        float(np.mean([share(*at, "not comparable") for at in every])),
        trials,
    )


def judged(drawn: Drawn, levels: tuple[float, ...]) -> Iterator[tuple[float, float, str]]:
    """Noise level, true difference in margins, verdict; level 0 is the metric's own absolute margin."""
    for level in levels:
        margin = drawn.noise / level if level else 0.01
        for shift in SHIFTS:
            claim = drawn.claim(shift * margin)
            trivial = margin / 0.05
            if claim.kind == "difference":
                made = judge_pair(claim, drawn.ours, drawn.binding, drawn.metric, trivial=trivial)[1]
            else:
                made = judge_figure(claim, drawn.ours, drawn.binding, drawn.metric, trivial=trivial)
            yield level, shift, made.verdict.name


def direction(draw: Callable[[Random], Drawn], number: int, trials: int) -> tuple[float, float]:
    """Of pairs without a true difference: the share called supported or contradicted, and inconclusive."""
    names: Counter[str] = Counter()
    for trial in range(trials):
        drawn = draw(np.random.default_rng([SEED, 1000 + number, trial]))
        verdict, _ = judge_pair(printed(-0.5, metric="delta-mae"), drawn.ours, drawn.binding, MAE, trivial=1.0)
        names[verdict.name] += 1
    return (names["supported"] + names["contradicted"]) / trials, names["inconclusive"] / trials


def percent(share: float, trials: int) -> str:
    """A share with its Monte Carlo standard error, in per cent."""
    return f"{100 * share:.1f} ({100 * math.sqrt(share * (1 - share) / trials):.1f})"


def main() -> int:
    """Print both tables; 1 where a bound is passed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=float, default=1.0, help="share of the trials, for a quick look")
    parser.add_argument("--cases", default="", help="only cases with this text in their title")
    asked = parser.parse_args()
    start, broken = time.process_time(), []
    print(f"Verdicts on simulated claims, % (Monte Carlo standard error); seed {SEED}; synthetic\n")
    print(
        "| basis | estimand | true, called better or worse | off by 2 M, called reproduced "
        "| inconclusive at noise M/4, M/2, M, 4 M | trials |"
    )
    print("|---|---|---|---|---|---|")
    for number, case in enumerate(CASES):
        if asked.cases not in case.title:
            continue
        trials = max(20, round(case.trials * asked.trials))
        found = run(case, number, trials)
        if not found.holds:
            broken.append(case.title)
        shown = ", ".join(f"{100 * share:.0f}" for share in found.inconclusive)
        lost = f"; not judged {100 * found.unjudged:.0f}" if found.unjudged else ""
        print(
            f"| {case.basis} | {case.title} | {percent(found.true_called_off, trials)} | "
            f"{percent(found.false_called_same, trials)} | {shown}{lost} | {trials} |",
            flush=True,
        )
    print(
        "\n| a claimed direction, no true difference | called supported or contradicted | inconclusive | trials |\n|---|---|---|---|"
    )
    for number, (title, draw, full) in enumerate(DIRECTIONS):
        if asked.cases not in title:
            continue
        trials = max(20, round(full * asked.trials))
        wrong, open_ = direction(draw, number, trials)
        if not within(wrong, trials):
            broken.append(f"direction, {title}")
        print(f"| {title} | {percent(wrong, trials)} | {percent(open_, trials)} | {trials} |", flush=True)
    print(f"\n{time.process_time() - start:.0f} s of one core")
    print("Every bound holds." if not broken else f"Bound passed: {'; '.join(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
