"""Noise: how far the 95 % interval of D = ours - claimed reaches to either side of D, by the basis of a binding.

Symbols
    o, [o_l, o_u]   our figure, and its 95 % interval over subjects
    c, [c_l, c_u]   the claimed figure, and its own
    S, s            seeds of ours, and the standard deviation of the figure over them
    m               runs behind the printed figure (1 if unknown)
    d_k             ours - printed on fold k, K folds, s_d their standard deviation
    q_v             Student's quantile with v degrees of freedom

Basis               the interval of D
    identical       a point
    same-data       a point where nothing is drawn at random;
                    folds:  -+ q_(K-1) s_d sqrt(1/K + r/(1-r))      where the paper gives the figure of every fold
                    seeds:  -+ q_(S-1) s sqrt(1/S + 1/m)            where it does not
                    Folds of one run share their seed, hence some of its luck, which differences between folds do not show.
                    The correction is Nadeau and Bengio's (2003) for folds correlated by r = 1/5. Tried and left, with a fifth of
                    the noise shared by 10 folds: plain t (r = 0; 6.3 % of true claims called better or worse at noise up to M),
                    and r = 1/K (6.9 % at noise 4 M).
    new-data        -sqrt((o - o_l)^2 + (c_u - c)^2), +sqrt((o_u - o)^2 + (c - c_l)^2)
                    With symmetric intervals that is the familiar sqrt(SE_o^2 + SE_c^2) times its quantile; with lopsided
                    ones (few people, skewed errors, shares near 1) it keeps their shape (Zou and Donner 2008). Of a share
                    ours is at least as wide as Wilson's interval: the bootstrap of 30 people at 0.95 covers too little.

The claimed figure's own interval, first that can be had
    ci95-half                           c -+ the printed half-width
    case-, sequence-, subject-sd        c -+ q_(n-1) sd / sqrt(n), n units; none below 6
    fold-sd                             c -+ q_(K-1) sd sqrt(1/K + 1/(K-1)): train parts overlap (Nadeau and Bengio 2003,
                                        with a test part of 1/(K-1) of the train part)
    a share of n units                  Wilson 1927
    AUROC, n_1 positives, n_0 others    c -+ 1.96 sqrt((c(1-c) + (n_1-1)(Q_1-c^2) + (n_0-1)(Q_2-c^2)) / (n_1 n_0)),
                                        Q_1 = c/(2-c), Q_2 = 2c^2/(1+c) (Hanley and McNeil 1982, eq. 2); ends within 0 and 1
    seed-, resample-sd, unspecified     none: they do not hold the sampling of people, or nobody knows what they hold
A printed spread is taken at the upper end of its last digit, since 0.01 may have been 0.0149.

Source          Zou and Donner, Statistics in Medicine 27 (2008); Nadeau and Bengio, Machine Learning 52 (2003), section 3;
                Wilson, JASA 22 (1927); Hanley and McNeil, Radiology 143 (1982).
Measured        benchmarks/verdicts.py prints how often verdicts on each basis are wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hilum.core.binding import Binding, Sample
from hilum.core.claim import Claim, half_digit
from hilum.core.metric import Metric
from hilum.core.row import Estimate
from hilum.metrics.stats import FEWEST_FOR_INTERVAL, seed_interval, t_interval

_UNIT_SPREADS = frozenset({"case-sd", "sequence-sd", "subject-sd"})
_SHARES = frozenset({"accuracy", "sensitivity", "specificity", "pass@1", "within-2mm", "within-3mm", "within-5mm"})
_SHARED_BY_FOLDS = 0.2
_NORMAL = 1.959963984540054


@dataclass(frozen=True)
class Noise:
    """How far the 95 % interval of D reaches to either side of D.

    Attributes:
        below: Distance from D to the lower end; `nan` where there is no interval.
        above: Distance to the upper end.
        degrees: Degrees of freedom of the Student quantile in it; infinite for a normal one.
        what: What it is over: "seeds", "folds" or "subjects"; empty for a point.
        count: How many of them.
        runs: Runs behind the printed figure, where it is over seeds.
        reason: Why there is none.
    """

    below: float
    above: float
    degrees: float = math.inf
    what: str = ""
    count: int = 0
    runs: int = 1
    reason: str = ""

    @property
    def defined(self) -> bool:
        """Whether there is an interval at all."""
        return math.isfinite(self.below) and math.isfinite(self.above)

    @property
    def is_point(self) -> bool:
        """Whether there is no noise."""
        return self.below == self.above == 0.0

    @classmethod
    def undefined(cls, reason: str) -> Noise:
        """No interval, and why."""
        return cls(math.nan, math.nan, reason=reason)

    def p_beyond(self, difference: float, limit: float) -> float:
        """One-sided p-value that ours differs by no more than `limit`, from the interval's own width; 0 or 1 for a point."""
        from scipy.special import ndtr, stdtr, stdtrit

        beyond = abs(difference) - limit
        reach = self.below if difference > 0 else self.above
        if reach == 0:
            return 0.0 if beyond > 0 else 1.0
        if math.isinf(self.degrees):
            return float(ndtr(-beyond / reach * _NORMAL))
        return float(stdtr(self.degrees, -beyond / reach * float(stdtrit(self.degrees, 0.975))))

    def settled_by(self, difference: float, limit: float) -> str:
        """How many seeds, folds or subjects would leave an interval as narrow as a verdict needs, if nothing else moved."""
        room = abs(limit - abs(difference))
        half = max(self.below, self.above)
        if half == 0:
            return "there is no noise"
        if not room > 0:
            return "D lies on the margin itself: nothing would settle it"
        # Half-widths shrink with the root of the variance; the quantile is held, so the count is a little too large.
        share = (room / half) ** 2
        if self.what == "seeds":
            variance = share * (1 / self.count + 1 / self.runs) - 1 / self.runs
            if variance <= 0:
                return f"no number of our seeds would settle it: the printed figure rests on {self.runs} run" + (
                    "s" if self.runs > 1 else ""
                )
            return f"about {math.ceil(1 / variance)} seeds would settle it"
        return f"about {math.ceil(self.count / share)} {self.what} on both sides would settle it"


def noise(claim: Claim, ours: Estimate, binding: Binding, metric: Metric) -> Noise:
    """The noise of ours - claimed on a binding's basis."""
    if binding.basis == "new-data":
        return _two_samples(claim, ours, binding.sample, metric)
    if binding.basis == "identical":
        return Noise(0.0, 0.0)
    if binding.folds is not None:
        return over_folds({fold.unit: fold.value for fold in ours.per_fold}, binding.folds(claim), claim)
    if not getattr(binding.arm.model, "stochastic", False):
        return Noise(0.0, 0.0)
    return over_seeds(ours.per_seed, binding.estimand.runs)


def over_seeds(per_seed: tuple[float, ...], runs: int) -> Noise:
    """Our figure for each seed against the mean of `runs` runs of theirs, with one spread."""
    found = seed_interval(np.asarray(per_seed), m=runs)
    if not found.defined:
        return Noise.undefined(found.note)
    half = found.width / 2
    return Noise(half, half, len(per_seed) - 1, "seeds", len(per_seed), max(1, runs))


def over_folds(ours: Mapping[str, float | None], printed: Mapping[str, float], claim: Claim) -> Noise:
    """Ours - printed on every fold; folds are matched by their number, and all of them must match.

    A paper whose folds do not average to its own printed figure gives no matched folds.
    """
    mine = {_fold_number(name): value for name, value in ours.items()}
    theirs = {_fold_number(name): value for name, value in printed.items()}
    if not theirs:
        return Noise.undefined("no fold values are given for this figure")
    if mine.keys() != theirs.keys() or any(value is None or not math.isfinite(value) for value in mine.values()):
        return Noise.undefined(f"folds do not match: ours has {len(mine)}, {len(theirs)} are printed")
    mean = float(np.mean(list(theirs.values())))
    # Fold values may be rounded like the figure itself.
    if abs(mean - claim.value) > 2 * claim.half_digit:
        return Noise.undefined(f"the printed folds average {mean:.6g}, not the printed {claim.printed}")
    count = len(theirs)
    found = t_interval([float(mine[k] or 0.0) - theirs[k] for k in sorted(theirs)])
    if not found.defined:
        return Noise.undefined(found.note)
    # From the 1/K of independent folds to 1/K + r/(1 - r) of folds that share a run.
    half = found.width / 2 * math.sqrt(1 + count * _SHARED_BY_FOLDS / (1 - _SHARED_BY_FOLDS))
    return Noise(half, half, count - 1, "folds", count)


def of_direction(ours: Estimate, binding: Binding) -> tuple[float, float, str]:
    """Our paired 95 % interval of arm - against: low, high, and why there is none (both `nan`).

    Over subjects, and where either method draws at random over seeds too: the interval over subjects holds the fitted
    models fixed, and with many subjects would call a lucky seed a better method. Both parts add as on new data.
    """
    if ours.value is None or ours.interval is None:
        return math.nan, math.nan, ours.reason
    low, high = ours.interval.low, ours.interval.high
    if not any(getattr(arm.model, "stochastic", False) for arm in (binding.arm, binding.against) if arm is not None):
        return low, high, ""
    seeds = t_interval(ours.per_seed)
    if not seeds.defined:
        return math.nan, math.nan, f"the noise between seeds is unknown: {len(ours.per_seed)} shared"
    half = seeds.width / 2
    below, above = math.hypot(max(0.0, ours.value - low), half), math.hypot(max(0.0, high - ours.value), half)
    return ours.value - below, ours.value + above, ""


def _fold_number(name: str) -> str:
    digits = re.search(r"\d+$", name)
    return str(int(digits.group())) if digits else name


def _two_samples(claim: Claim, ours: Estimate, sample: Sample, metric: Metric) -> Noise:
    if ours.interval is None or ours.value is None:
        return Noise.undefined(f"no interval of our figure can be had: {ours.reason}")
    low, high, why = claimed_interval(claim, sample, metric)
    if why:
        return Noise.undefined(f"no standard error of the claimed figure can be had: {why}")
    mine = [ours.interval.low, ours.interval.high]
    if mine[0] == mine[1] and metric.name not in _SHARES:
        return Noise.undefined("our interval over subjects has no width: all resamples agree, as at an AUROC of 1")
    if metric.name in _SHARES:
        # Units that all agree draw the same share again and again: their resamples have no spread, the share still has.
        wilson = _wilson(ours.value, ours.interval.n)
        mine = [min(mine[0], wilson[0]), max(mine[1], wilson[1])]
    below = math.hypot(max(0.0, ours.value - mine[0]), high - claim.value)
    above = math.hypot(max(0.0, mine[1] - ours.value), claim.value - low)
    return Noise(below, above, what="subjects", count=ours.interval.n)


def claimed_interval(claim: Claim, sample: Sample, metric: Metric) -> tuple[float, float, str]:
    """The claimed figure's own 95 % interval over subjects: low, high, and why there is none (both `nan`)."""
    n = sample.units or _whole(claim.of) or _whole(claim.n)
    half, why = _half_width(claim, n)
    if math.isfinite(half):
        return claim.value - half, claim.value + half, ""
    if not why and metric.name in _SHARES:
        return _wilson(claim.value, n) if n else (math.nan, math.nan, "how many units it is a share of is not known")
    if not why and metric.name == "auroc":
        return _hanley_mcneil(claim, sample)
    return math.nan, math.nan, why or "no interval, spread or number of units is printed"


def _half_width(claim: Claim, n: int) -> tuple[float, str]:
    """From a printed spread: a half-width; else `nan`, and why where the spread cannot be used."""
    from scipy.special import stdtrit

    if not claim.spread:
        return math.nan, ""
    if not float(claim.spread) > 0:
        return math.nan, f"its printed spread is {claim.spread}"
    spread = float(claim.spread) + half_digit(claim.spread)
    if claim.spread_kind == "ci95-half":
        return spread, ""
    if claim.spread_kind in _UNIT_SPREADS:
        if n < FEWEST_FOR_INTERVAL:
            return math.nan, f"its spread is over {n or 'an unknown number of'} units"
        return float(stdtrit(n - 1, 0.975)) * spread / math.sqrt(n), ""
    if claim.spread_kind == "fold-sd":
        folds = _whole(claim.n)
        if folds < 2:
            return math.nan, "how many folds its spread is over is not known"
        return float(stdtrit(folds - 1, 0.975)) * spread * math.sqrt(1 / folds + 1 / (folds - 1)), ""
    return math.nan, f"its spread ({claim.spread_kind}) does not hold the sampling of subjects"


def _wilson(share: float, n: int) -> tuple[float, float, str]:
    if not 0 <= share <= 1:
        return math.nan, math.nan, f"{share:g} is no share"
    z2 = _NORMAL**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _NORMAL / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return centre - half, centre + half, ""


def _hanley_mcneil(claim: Claim, sample: Sample) -> tuple[float, float, str]:
    area, positives = claim.value, sample.positives or (_whole(claim.n) if claim.of else 0)
    others = (sample.units or _whole(claim.of)) - positives
    if positives < 1 or others < 1:
        return math.nan, math.nan, "how many subjects with and without the outcome it rests on is not known"
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (first - area**2) + (others - 1) * (second - area**2)
    if not spread > 0:
        return math.nan, math.nan, f"an AUROC of {area:g} has no standard error of this kind"
    half = _NORMAL * math.sqrt(spread / (positives * others))
    return max(0.0, area - half), min(1.0, area + half), ""


def _whole(text: str) -> int:
    return int(text) if text.isdigit() else 0
