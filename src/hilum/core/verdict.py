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


def judge_value(
    contrast: Contrast,
    *,
    basis: Basis,
    direction: Direction,
    settled_by: str = "more seeds or subjects would settle it",
) -> Verdict:
    """A figure printed as equal to something; `settled_by` says what would settle an inconclusive one."""
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
        f"crosses the margin of {limit:.4g}: {settled_by}",
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
    """A difference of two methods on shared subjects and seeds.

    Attributes:
        size: Our difference against theirs, with the interval of ours - claimed by the basis.
        low: Lower end of our own paired 95 % interval, over subjects and seeds.
        high: Its upper end.
    """

    size: Contrast
    low: float
    high: float


def judge_difference(contrast: PairedContrast, *, basis: Basis, relation: str = "eq") -> tuple[Verdict, Verdict]:
    """Direction and size of one paired contrast, judged apart; never inferred from two row verdicts.

    The direction rests on our own paired interval: does it lie on the claimed side of zero? The size rests on
    the interval of ours - claimed. "Better" is a larger advantage than claimed.
    """
    sign = _claimed_side(contrast.size.claimed, relation)
    return _judge_direction(contrast, sign), _judge_size(contrast.size, sign, basis=basis, relation=relation)


def _claimed_side(claimed: float, relation: str) -> float:
    """1 where the claim says above zero, -1 below, 0 where it says neither."""
    if claimed != 0:
        return math.copysign(1.0, claimed)
    return {"gt": 1.0, "lt": -1.0}.get(relation, 0.0)


def _judge_direction(contrast: PairedContrast, sign: float) -> Verdict:
    if sign == 0:
        return Verdict("not judged", "no direction is claimed")
    if not (math.isfinite(contrast.low) and math.isfinite(contrast.high)):
        return Verdict("not comparable", "there is no paired interval")
    low, high = sorted((sign * contrast.low, sign * contrast.high))
    span = f"our paired interval, {contrast.low:+.4g} to {contrast.high:+.4g}"
    if low > 0:
        return Verdict("supported", f"{span}, lies on the claimed side of zero")
    if high < 0:
        return Verdict("contradicted", f"{span}, lies on the other side of zero")
    return Verdict("inconclusive", f"{span}, holds zero")


def _judge_size(size: Contrast, sign: float, *, basis: Basis, relation: str) -> Verdict:
    if relation in {"lt", "le", "gt", "ge"}:
        return judge_bound(
            low=size.claimed + size.low, high=size.claimed + size.high, claimed=size.claimed, relation=relation
        )
    return judge_value(size, basis=basis, direction="none" if sign == 0 else "higher" if sign > 0 else "lower")


@dataclass(frozen=True)
class RankContrast:
    """A rank among rivals, recomputed inside every resample of the shared subjects.

    Attributes:
        claimed: The published rank; 1 is best.
        ours: Our rank.
        low: Lower end of the 95 % interval of our rank over resamples.
        high: Its upper end.
        clear: Whether the paired difference from every rival excludes zero after Holm.
    """

    claimed: float
    ours: float
    low: float
    high: float
    clear: bool


def judge_rank(contrast: RankContrast, *, relation: str = "eq") -> Verdict:
    """A rank; rank 1 is supported only when clear of every rival after Holm."""
    if not (math.isfinite(contrast.low) and math.isfinite(contrast.high)):
        return Verdict("not comparable", "our rank or its interval is undefined")
    span = f"our rank is {contrast.ours:g}, {contrast.low:g} to {contrast.high:g} over resamples of the subjects"
    allowed = {"eq": (contrast.claimed, contrast.claimed), "le": (1.0, contrast.claimed)}.get(relation)
    if allowed is None:
        return Verdict("not comparable", f"a rank with the relation '{relation}' has no rule")
    if contrast.high < allowed[0] or contrast.low > allowed[1]:
        return Verdict("contradicted", span)
    inside = allowed[0] <= contrast.low and contrast.high <= allowed[1]
    if inside and contrast.claimed == 1 and not contrast.clear:
        return Verdict("inconclusive", f"{span}; not clear of the runner-up after Holm")
    return Verdict("supported" if inside else "inconclusive", span)
