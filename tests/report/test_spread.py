"""The seed's share of the spread: a case by hand, and what it comes to on simulated figures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hilum.report.spread import _spread, components


def test_by_hand() -> None:
    # Two seeds, two folds: over seeds the variances are 0.02 and 0.08, mean 0.05; fold means 0.6 and 0.9, variance 0.045.
    figures = np.array([[0.5, 0.7], [0.7, 1.1]])
    within, between, share = components(figures)
    assert within**2 == pytest.approx(0.05)
    assert between**2 == pytest.approx(0.045 - 0.05 / 2)
    assert share == pytest.approx(0.05 / 0.07)


def test_edges() -> None:
    same = np.tile([0.5, 0.7, 0.9], (2, 1))
    assert components(same) == pytest.approx((0.0, 0.2, 0.0))
    seeds_alone = np.array([[0.5, 0.5], [0.7, 0.7]])
    assert components(seeds_alone)[1:] == (0.0, 1.0)
    assert math.isnan(components(np.full((2, 2), 0.5))[2])


def test_what_was_simulated_is_found() -> None:
    rng = np.random.default_rng(0)
    figures = 0.03 * rng.normal(size=(1, 3000)) + 0.01 * rng.normal(size=(4, 3000))
    within, between, share = components(figures)
    assert (within, between, share) == pytest.approx((0.01, 0.03, 0.1), rel=0.06)


def test_an_arm_without_a_share_says_why() -> None:
    assert _spread("a", np.array([[0.5, 0.6]])).told == "one seed: not known"
    assert _spread("a", np.array([[0.5], [0.6]])).told == "one fold: not known"
    assert _spread("a", np.array([[0.5, 0.6], [0.5, math.nan]])).told == "undefined in a fold: not known"
    assert _spread("a", np.full((2, 2), 0.5)).told == "no spread: the same figure everywhere"
    assert _spread("a", np.array([[0.5, 0.7], [0.7, 1.1]])).told == "71.4"
