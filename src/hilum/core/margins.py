"""Margins: the largest difference from a published figure that still counts as the same. Set before the first full run.

Dated 2026-11-23. Added on 2026-11-24, before any claim of theirs was judged: f1, kappa-quadratic, sensitivity, specificity; of frames
ssim and pearson as dice, image-nrmse and geometric-error as errors, all also inside the region. A
change is a line in LOG.md with every verdict that it flips. Acceptance figures in issues are regression tests, never margins.

Added on 2026-11-24, before any run of the course of a stay: es and es-patient 0.02, scores of few late records that move as much as
AUPRC does; accuracy-above-half as accuracy; osmae and the errors of the remaining days as errors, the squared one among them as `mse`
is; number-r2 0.05, since it is 1 - number-mse over that of a constant, so that both are judged alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

DATED = "2026-11-24"


@dataclass(frozen=True)
class Margin:
    """Either an absolute margin, or a share of the trivial predictor's own figure."""

    absolute: float | None = None
    share_of_trivial: float | None = None


_ERROR = Margin(share_of_trivial=0.05)
_SCORE = Margin(absolute=0.01)

MARGINS: dict[str, Margin] = {
    **dict.fromkeys(
        ("auroc", "auroc-macro", "accuracy", "balanced-accuracy", "kappa", "kappa-quadratic", "dice"), _SCORE
    ),
    **dict.fromkeys(("f1", "f1-macro", "sensitivity", "specificity"), _SCORE),
    **dict.fromkeys(("sensitivity-at-95-specificity", "sensitivity-at-90-specificity"), _SCORE),
    **dict.fromkeys(("auprc", "es", "es-patient"), Margin(absolute=0.02)),
    "accuracy-above-half": _SCORE,
    **dict.fromkeys(("osmae", "number-mae", "number-rmse", "number-mse"), _ERROR),
    "number-r2": Margin(absolute=0.05),
    **dict.fromkeys(
        ("mae", "rmse", "mse", "nrmse", "mape", "max-error", "jitter", "jitter-per-second", "brier", "log-loss"), _ERROR
    ),
    **dict.fromkeys(("within-2mm", "within-3mm", "within-5mm"), _SCORE),
    **dict.fromkeys((f"{name}{where}" for name in ("ssim", "ssim-255", "pearson") for where in ("", "-roi")), _SCORE),
    **dict.fromkeys(
        (
            f"{name}{where}"
            for name in ("image-nrmse", "geometric-error", "geometric-error-max")
            for where in ("", "-roi")
        ),
        _ERROR,
    ),
}


def margin_for(metric: str, *, trivial: float | None) -> float | None:
    """The margin of a metric; None where none is set, or where it needs the trivial predictor's figure and there is none."""
    rule = MARGINS.get(metric)
    if rule is None:
        return None
    if rule.share_of_trivial is not None:
        return None if trivial is None or not math.isfinite(trivial) else rule.share_of_trivial * abs(trivial)
    return rule.absolute


def margin_in_words(metric: str, *, trivial: str = "") -> str:
    """How the margin of a metric is made, for people.

    Args:
        metric: The metric's name.
        trivial: The trivial predictor's figure as it is to be printed; empty where there is none.

    Returns:
        "0.01", "5 % of the trivial predictor's 4.2", or "none set".
    """
    rule = MARGINS.get(metric)
    if rule is None:
        return "none set"
    if rule.share_of_trivial is not None:
        return f"{100 * rule.share_of_trivial:g} % of the trivial predictor's {trivial or 'own figure'}"
    return f"{rule.absolute:g}"
