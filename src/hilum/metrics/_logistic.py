"""Logistic regression by maximum likelihood, for calibration: few columns, no penalty.

    logit P(event) = offset + x' beta    Newton: beta <- beta + (X' W X)^-1 X' (events - m p),  W = diag(m p (1 - p)), m trials a row

Source      McCullagh and Nelder, Generalized Linear Models (1989), section 4.4. A step longer than 5 on the logit scale is
            shortened; where classes are separated there is no finite maximum, and the answer is None.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_STEPS = 50


def expit(logit: Array) -> Array:
    """1 / (1 + exp(-logit)) without overflow."""
    small = np.exp(-np.abs(logit))
    return np.where(logit >= 0, 1.0, small) / (1.0 + small)


def logit_of(probability: Array, limit: float) -> Array:
    """log(p / (1 - p)), p held within limit and 1 - limit."""
    held = np.clip(probability, limit, 1.0 - limit)
    return np.log(held) - np.log1p(-held)


def fit_logistic(
    design: Array,
    events: Array,
    offset: Array | None = None,
    *,
    trials: Array | None = None,
    start: Array | None = None,
) -> Array | None:
    """Coefficients, shape (columns,); None where there is no finite maximum.

    Args:
        design: Covariates, a column of ones among them where there is an intercept, shape (rows, columns).
        events: Events of each row, shape (rows,): 0 or 1 where a row is one trial.
        offset: A known part of the logit, shape (rows,).
        trials: Trials of each row, shape (rows,); one where not given.
        start: Where to start, shape (columns,); 0 where not given.
    """
    known = np.zeros(len(events)) if offset is None else offset
    total = np.ones(len(events)) if trials is None else trials
    beta = np.zeros(design.shape[1]) if start is None else start
    for _ in range(MOST_STEPS):
        p = expit(known + design @ beta)
        information = (design * (total * p * (1 - p))[:, np.newaxis]).T @ design
        if not np.linalg.cond(information) < 1e12:
            return None
        step = np.linalg.solve(information, design.T @ (events - total * p))
        length = float(np.abs(step).max())
        beta = beta + step * min(1.0, 5.0 / length if length else 1.0)
        if not np.abs(beta).max() < 1e3:
            return None
        if length < 1e-7 * (1.0 + float(np.abs(beta).max())):
            return beta
    return None
