"""Figures as text: short, aligned, and never more digits than they deserve."""

from __future__ import annotations

import math

from hilum.core.row import Estimate

PURE = ("1", "nat", "true positives per row")


def figure(value: float | None, digits: int = 4) -> str:
    """A figure with significant digits; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "-"
    if value == 0:
        return "0"
    if abs(value) < 1e-6:
        return "0" if abs(value) < 1e-12 else f"{value:.1e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(decimals, 6)}f}"


def like(printed: str, value: float | None) -> str:
    """Our figure with as many decimals as the published one was printed with, and never fewer than four digits."""
    if value is None or not math.isfinite(value):
        return "-"
    decimals = len(printed.partition(".")[2])
    return max(f"{value:.{decimals}f}", figure(value), key=len)


def signed(value: float | None) -> str:
    """A difference, with its sign."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:+.2g}" if abs(value) < 100 else f"{value:+.0f}"


def told(value: float | None, unit: str) -> str:
    """A figure of a metric: pure numbers with three decimals, so that they can be compared down a column; others as `figure`."""
    if unit in PURE and value is not None and math.isfinite(value) and abs(value) < 100:
        return f"{value + 0.0:.3f}".replace("-0.000", "0.000")
    return figure(value, 3)


def told_between(estimate: Estimate | None, unit: str) -> str:
    """Its interval; empty where there is none."""
    if estimate is None or estimate.interval is None:
        return ""
    return f"{told(estimate.interval.low, unit)} to {told(estimate.interval.high, unit)}"


def told_with_interval(estimate: Estimate | None, unit: str) -> str:
    """Both."""
    if estimate is None or estimate.value is None:
        return "-"
    span = told_between(estimate, unit)
    return f"{told(estimate.value, unit)} ({span})" if span else told(estimate.value, unit)


def between(low: float | None, high: float | None, digits: int = 3) -> str:
    """An interval."""
    if low is None or high is None:
        return "-"
    return f"{figure(low, digits)} to {figure(high, digits)}"


def with_interval(estimate: Estimate | None, digits: int = 4) -> str:
    """A figure and its interval over units."""
    if estimate is None or estimate.value is None:
        return "-"
    if estimate.interval is None:
        return figure(estimate.value, digits)
    return f"{figure(estimate.value, digits)} ({between(estimate.interval.low, estimate.interval.high)})"


def percent(value: float | None) -> str:
    """A share in per cent; never 100 or 0 where it is not."""
    if value is None:
        return "-"
    share = 100 * value
    if 0 < share < 0.1:
        return "< 0.1"
    return "> 99.9" if 99.9 < share < 100 else f"{share:.1f}"
