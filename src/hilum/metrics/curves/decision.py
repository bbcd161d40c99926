"""Decision curve: would acting on the model help more than acting on everybody, or on nobody?

    net benefit(t) = TP / n - FP / n x t / (1 - t),  positive where p >= t        n rows, t the threshold probability
    treat all      prevalence - (1 - prevalence) t / (1 - t)                      treat none    0

A threshold t says that one unneeded treatment is as bad as (1 - t) / t missed ones are good to find; which t are sensible is
a clinical question. In true positives a row: 0.05 is five more of a hundred treated rightly, none wrongly.
Source      Vickers and Elkin, Medical Decision Making 26 (2006), eq. 1; Vickers et al., Diagn. Progn. Res. 3 (2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import DataError
from hilum.metrics.curves.bands import Band, band_over, two_classes

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit over thresholds, in true positives a row.

    Attributes:
        threshold: Threshold probabilities, ascending, shape (thresholds,).
        model: Net benefit of acting where p >= threshold.
        treat_all: Of acting on everybody.
        treat_none: Of acting on nobody: 0.
        prevalence: Share of positives.
        band: Of the model, over subjects; None without subjects.
        note: Why there is no band.
    """

    threshold: Array
    model: Array
    treat_all: Array
    treat_none: Array
    prevalence: float
    band: Band | None = None
    note: str = ""


def decision_curve(
    target: ArrayLike,
    probability: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    thresholds: ArrayLike | None = None,
    resamples: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> DecisionCurve:
    """The decision curve of probabilities; thresholds from 0.01 to 0.99 where none are given.

    Args:
        target: 0 or 1, shape (rows,).
        probability: Of class 1, shape (rows,).
        clusters: The subject of each row, shape (rows,), for a band.
        thresholds: Threshold probabilities in (0, 1).
        resamples: Draws of subjects for the band.
        seed: Their seed.
        level: Pointwise coverage of the band.

    Raises:
        DataError: malformed rows, see `two_classes`, or a threshold outside (0, 1).
    """
    y, p = two_classes(target, probability, probability=True)
    t = np.arange(1, 100) / 100 if thresholds is None else np.sort(np.asarray(thresholds, dtype=np.float64).ravel())
    if not ((t > 0) & (t < 1)).all():
        raise DataError(
            "a threshold lies outside (0, 1)", where="decision curve", do="Give probabilities between 0 and 1"
        )
    odds = t / (1 - t)
    order = np.argsort(p, kind="stable")
    first = np.searchsorted(p[order], t, "left")
    positive = y[order]

    def net_benefit(weights: Array) -> Array:
        w = weights[order]
        true = np.concatenate([[0.0], np.cumsum(w * positive)])
        false = np.concatenate([[0.0], np.cumsum(w * (1 - positive))])
        return np.asarray((true[-1] - true[first] - odds * (false[-1] - false[first])) / w.sum())

    band, note = band_over(clusters, len(y), t, net_benefit, resamples=resamples, seed=seed, level=level)
    prevalence = float(y.mean())
    everybody = prevalence - (1 - prevalence) * odds
    return DecisionCurve(t, net_benefit(np.ones(len(y))), everybody, np.zeros(len(t)), prevalence, band, note)
