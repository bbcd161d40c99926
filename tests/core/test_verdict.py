"""Verdicts by rule: hand-worked cases of every branch, and what must always hold."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.core.margins import MARGINS, margin_for, margin_in_words
from hilum.core.verdict import (
    VERDICTS,
    Contrast,
    PairedContrast,
    RankContrast,
    judge_arithmetic,
    judge_bound,
    judge_count,
    judge_difference,
    judge_rank,
    judge_value,
)


def contrast(ours: float, half_width: float = 0.0, *, claimed: float = 1.0, margin: float = 0.1) -> Contrast:
    difference = ours - claimed
    return Contrast(claimed, 0.005, ours, difference - half_width, difference + half_width, margin)


@pytest.mark.parametrize(
    ("ours", "half_width", "expected"),
    [
        (1.0, 0.0, "reproduced"),
        (1.1, 0.0, "reproduced"),
        (1.104, 0.0, "reproduced"),  # within margin plus half a digit
        (1.106, 0.0, "worse"),
        (0.89, 0.0, "better"),
        (1.08, 0.05, "inconclusive"),  # crosses the margin
        (1.0, 0.2, "inconclusive"),  # wider than the margin on both sides
        (1.3, 0.1, "worse"),
        (0.6, 0.1, "better"),
    ],
)
def test_value_of_an_error(ours: float, half_width: float, expected: str) -> None:
    assert judge_value(contrast(ours, half_width), basis="same-data", direction="lower").name == expected


def test_direction_turns_better_and_worse() -> None:
    assert judge_value(contrast(1.5), basis="same-data", direction="higher").name == "better"
    assert judge_value(contrast(1.5), basis="same-data", direction="lower").name == "worse"


def test_other_subjects_replicate() -> None:
    assert judge_value(contrast(1.01, 0.01), basis="new-data", direction="lower").name == "replicated"


def test_exact_needs_the_identical_basis() -> None:
    assert judge_value(contrast(1.004), basis="identical", direction="lower").name == "reproduced, exact"
    assert judge_value(contrast(1.004), basis="same-data", direction="lower").name == "reproduced"


def test_no_direction_is_never_better() -> None:
    verdict = judge_value(contrast(2.0), basis="same-data", direction="none")
    assert verdict.name == "not comparable"


def test_undefined_is_not_comparable() -> None:
    assert judge_value(contrast(math.nan), basis="same-data", direction="lower").name == "not comparable"


@given(ours=st.floats(0.1, 10), width=st.floats(0, 2), margin=st.floats(0.001, 1), claimed=st.floats(0.1, 10))
def test_smallest_margin_is_the_least_that_reproduces(ours: float, width: float, margin: float, claimed: float) -> None:
    asked = contrast(ours, width, claimed=claimed, margin=margin)
    verdict = judge_value(asked, basis="same-data", direction="lower")
    assert verdict.name in VERDICTS
    assert verdict.smallest_margin is not None
    at_least = Contrast(
        asked.claimed, asked.half_digit, asked.ours, asked.low, asked.high, verdict.smallest_margin * (1 + 1e-9) + 1e-12
    )
    assert judge_value(at_least, basis="same-data", direction="lower").name == "reproduced"
    assert (verdict.name == "reproduced") == (verdict.smallest_margin <= margin * (1 + 1e-12))


@pytest.mark.parametrize(
    ("low", "high", "relation", "expected"),
    [
        (0.1, 0.9, "lt", "supported"),
        (1.0, 2.0, "lt", "contradicted"),
        (0.5, 1.5, "lt", "inconclusive"),
        (0.5, 1.0, "le", "supported"),
        (1.1, 1.5, "gt", "supported"),
        (0.5, 1.0, "gt", "contradicted"),
        (1.0, 1.5, "ge", "supported"),
        (math.nan, 1.0, "lt", "not comparable"),
    ],
)
def test_bounds(low: float, high: float, relation: str, expected: str) -> None:
    assert judge_bound(low=low, high=high, claimed=1.0, relation=relation).name == expected


def test_a_bound_needs_a_relation() -> None:
    with pytest.raises(ValueError, match="no bound"):
        judge_bound(low=0, high=1, claimed=1, relation="eq")


def test_arithmetic_catches_a_contradiction() -> None:
    assert judge_arithmetic(claimed=0.157, half_digit=0.0005, recomputed=0.15674).name == "supported"
    assert judge_arithmetic(claimed=0.157, half_digit=0.0005, recomputed=0.16).name == "contradicted"
    assert judge_arithmetic(claimed=2.8, half_digit=0.05, recomputed=2.0, relation="lt").name == "supported"
    assert judge_arithmetic(claimed=1.0, half_digit=0.5, recomputed=math.nan).name == "not comparable"


def test_counts_are_exact() -> None:
    assert judge_count(claimed=9, ours=9).name == "reproduced, exact"
    assert judge_count(claimed=9, ours=8).name == "contradicted"


def pair(claimed: float, ours: float, reach: float, low: float, high: float) -> PairedContrast:
    difference = ours - claimed
    return PairedContrast(Contrast(claimed, 0.005, ours, difference - reach, difference + reach, 0.01), low, high)


@pytest.mark.parametrize(
    ("contrast", "relation", "expected"),
    [
        (pair(0.11, 0.03, 0.01, 0.01, 0.05), "eq", ("supported", "worse")),
        (pair(0.11, 0.11, 0.001, 0.01, 0.21), "eq", ("supported", "reproduced")),
        (pair(0.11, 0.20, 0.001, -0.01, 0.41), "eq", ("inconclusive", "better")),
        (pair(-0.11, 0.03, 0.01, 0.01, 0.05), "eq", ("contradicted", "worse")),
        (pair(-0.11, -0.3, 0.01, -0.4, -0.2), "eq", ("supported", "better")),
        (pair(0.0, 0.3, 0.01, 0.2, 0.4), "gt", ("supported", "supported")),
        (pair(0.0, 0.3, 0.01, 0.2, 0.4), "lt", ("contradicted", "contradicted")),
        (pair(0.05, 0.06, 0.02, 0.02, 0.1), "ge", ("supported", "inconclusive")),
        (pair(0.0, 0.0, 0.001, -0.1, 0.1), "eq", ("not judged", "reproduced")),
        (pair(0.0, 0.3, 0.001, -0.1, 0.1), "eq", ("not judged", "not comparable")),
        (pair(0.11, 0.11, 0.001, math.nan, math.nan), "eq", ("not comparable", "reproduced")),
    ],
)
def test_direction_and_size_of_a_difference_are_judged_apart(
    contrast: PairedContrast, relation: str, expected: tuple[str, str]
) -> None:
    direction, size = judge_difference(contrast, basis="same-data", relation=relation)
    assert (direction.name, size.name) == expected


@pytest.mark.parametrize(
    ("contrast", "relation", "expected"),
    [
        (RankContrast(1, 1, 1, 1, clear=True), "eq", "supported"),
        (RankContrast(1, 1, 1, 1, clear=False), "eq", "inconclusive"),
        (RankContrast(1, 1, 1, 2, clear=True), "eq", "inconclusive"),
        (RankContrast(1, 3, 2, 4, clear=False), "eq", "contradicted"),
        (RankContrast(3, 3, 3, 3, clear=False), "eq", "supported"),
        (RankContrast(3, 2, 1, 3, clear=False), "le", "supported"),
        (RankContrast(3, 2, 1, 4, clear=False), "le", "inconclusive"),
        (RankContrast(3, 5, 4, 6, clear=False), "le", "contradicted"),
        (RankContrast(3, 5, 4, 6, clear=False), "gt", "not comparable"),
        (RankContrast(1, math.nan, math.nan, math.nan, clear=False), "eq", "not comparable"),
    ],
)
def test_ranks(contrast: RankContrast, relation: str, expected: str) -> None:
    assert judge_rank(contrast, relation=relation).name == expected


def test_margins_in_words() -> None:
    assert margin_in_words("auroc") == "0.01"
    assert margin_in_words("auprc") == "0.02"
    assert margin_in_words("rmse", trivial="4.2") == "5 % of the trivial predictor's 4.2"
    assert margin_in_words("mae") == "5 % of the trivial predictor's own figure"
    assert margin_in_words("never heard of") == "none set"


def test_margins_are_dated_rules() -> None:
    assert margin_for("auroc", trivial=None) == 0.01
    assert margin_for("rmse", trivial=2.0) == pytest.approx(0.1)
    assert margin_for("rmse", trivial=None) is None
    assert margin_for("never heard of", trivial=1.0) is None
    assert margin_for("es", trivial=None) == margin_for("auprc", trivial=None)
    assert margin_for("number-mse", trivial=3.0) == margin_for("mse", trivial=3.0)
    assert all((m.absolute is None) != (m.share_of_trivial is None) for m in MARGINS.values())
