"""Verdicts by rule: does a published figure hold? (DESIGN section 4)

    D = ours - claimed     with a 95 % interval [low, high] that holds the noise of the basis
    M = margin + half a unit of the last printed digit

    reproduced / replicated   low and high lie within [-M, M]       (same subjects / other subjects)
    better, worse             the whole interval lies outside, on that side
    inconclusive              neither

Pure functions of numbers: nothing here reads a file or knows a paper.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from hilum.core.binding import Basis
from hilum.core.metric import Direction

VerdictName = Literal[
    "reproduced, exact",
    "reproduced",
    "replicated",
    "better",
    "worse",
    "supported",
    "contradicted",
    "inconclusive",
    "not comparable",
    "not run",
    "not judged",
]
VERDICTS: tuple[VerdictName, ...] = VerdictName.__args__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Verdict:
    """The verdict and why; `smallest_margin` is the least margin at which it would be "reproduced"."""

    name: VerdictName
    reason: str
    smallest_margin: float | None = None


@dataclass(frozen=True)
class Contrast:
    """Ours against theirs.

    Attributes:
        claimed: The published figure.
        half_digit: Half a unit of its last printed digit.
        ours: Our figure.
        low: Lower end of the 95 % interval of ours - claimed; equal to `high` where there is no noise.
        high: Its upper end.
        margin: The largest difference that counts as the same (without the digit).
    """

    claimed: float
    half_digit: float
    ours: float
    low: float
    high: float
    margin: float

    @property
    def difference(self) -> float:
        """Ours - claimed."""
        return self.ours - self.claimed

    @property
    def smallest_margin(self) -> float:
        """The least margin at which the whole interval would lie within."""
        return max(0.0, max(abs(self.low), abs(self.high)) - self.half_digit)


def judge_value(contrast: Contrast, *, basis: Basis, direction: Direction) -> Verdict:
    """A figure printed as equal to something."""
    if not all(map(math.isfinite, (contrast.ours, contrast.low, contrast.high, contrast.margin))):
        return Verdict("not comparable", "our figure, its interval or the margin is undefined")
    limit = contrast.margin + contrast.half_digit
    least = contrast.smallest_margin
    if contrast.low == contrast.high and abs(contrast.difference) <= contrast.half_digit and basis == "identical":
        return Verdict("reproduced, exact", "every printed digit is equal", least)
    if contrast.low >= -limit and contrast.high <= limit:
        name: VerdictName = "replicated" if basis == "new-data" else "reproduced"
        return Verdict(name, f"ours differs by {contrast.difference:+.4g}, within {limit:.4g}", least)
    if contrast.low > limit or contrast.high < -limit:
        above = contrast.low > limit
        if direction == "none":
            return Verdict(
                "not comparable", f"ours differs by {contrast.difference:+.4g}; neither way is better", least
            )
        better = above == (direction == "higher")
        side = "above" if above else "below"
        reason = f"the whole interval of the difference lies {side} the margin of {limit:.4g}"
        return Verdict("better" if better else "worse", reason, least)
    return Verdict(
        "inconclusive",
        f"the interval of the difference, {contrast.low:+.4g} to {contrast.high:+.4g}, "
        f"crosses the margin of {limit:.4g}: more seeds or subjects would settle it",
        least,
    )


def judge_bound(*, low: float, high: float, claimed: float, relation: str) -> Verdict:
    """A figure printed as below or above something: the interval of ours must lie wholly on one side."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return Verdict("not comparable", "our figure or its interval is undefined")
    inside, outside = _bound_sides(low, high, claimed, relation)
    if inside:
        return Verdict("supported", f"ours, {low:.4g} to {high:.4g}, lies wholly on the claimed side of {claimed:g}")
    if outside:
        return Verdict("contradicted", f"ours, {low:.4g} to {high:.4g}, lies wholly on the other side of {claimed:g}")
    return Verdict("inconclusive", f"ours, {low:.4g} to {high:.4g}, lies on both sides of {claimed:g}")


def _bound_sides(low: float, high: float, claimed: float, relation: str) -> tuple[bool, bool]:
    if relation == "lt":
        return high < claimed, low >= claimed
    if relation == "le":
        return high <= claimed, low > claimed
    if relation == "gt":
        return low > claimed, high <= claimed
    if relation == "ge":
        return low >= claimed, high < claimed
    raise ValueError(f"'{relation}' is no bound")


def judge_arithmetic(*, claimed: float, half_digit: float, recomputed: float, relation: str = "eq") -> Verdict:
    """A figure that follows from the paper's own other figures: equal to the printed digit, or a contradiction."""
    if not math.isfinite(recomputed):
        return Verdict("not comparable", "the paper's own figures do not give a value")
    # A figure rounded from rounded figures may be off by one unit of its last digit: that is no contradiction.
    if relation == "eq" and abs(recomputed - claimed) <= 2 * half_digit:
        return Verdict("supported", f"the paper's own table gives {recomputed:.6g}")
    if relation != "eq":
        return judge_bound(low=recomputed, high=recomputed, claimed=claimed, relation=relation)
    return Verdict("contradicted", f"the paper's own table gives {recomputed:.6g}")


def judge_count(*, claimed: float, ours: float) -> Verdict:
    """A count: exact or not."""
    if ours == claimed:
        return Verdict("reproduced, exact", "the count is equal")
    return Verdict("contradicted", f"we count {ours:g}")


@dataclass(frozen=True)
class PairedContrast:
    """A difference of two methods on shared units: the claimed size, ours, and our paired 95 % interval."""

    claimed: float
    half_digit: float
    ours: float
    low: float
    high: float
    margin: float


def judge_difference(contrast: PairedContrast) -> tuple[Verdict, Verdict]:
    """Direction and size of one paired contrast, judged apart; never inferred from two row verdicts."""
    sign = math.copysign(1.0, contrast.claimed)
    low, high = sorted((sign * contrast.low, sign * contrast.high))
    if low > 0:
        direction = Verdict("supported", "the whole paired interval lies on the claimed side of zero")
    elif high < 0:
        direction = Verdict("contradicted", "the whole paired interval lies on the other side of zero")
    else:
        direction = Verdict("inconclusive", "the paired interval holds zero")
    offset = contrast.claimed
    size = judge_value(
        Contrast(
            contrast.claimed,
            contrast.half_digit,
            contrast.ours,
            contrast.low - offset,
            contrast.high - offset,
            contrast.margin,
        ),
        basis="same-data",
        direction="higher" if sign > 0 else "lower",
    )
    return direction, size
