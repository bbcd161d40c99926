"""Certainty: what a stored run says of how far a prediction may be off, from the predictions of its test parts alone.

risk      Of the test records that were given about this risk, how many had the event? The calibration curve of the folds' predictions,
          read at the risk of a new record, with its interval over subjects (hilum.metrics.curves.calibration). Not read beyond the
          risks that were given.
number    Around a predicted number the range that holds the truth for 90 % of new subjects: cross-conformal, from the errors of the
          folds' predictions, a subject counting once (hilum.metrics.stats.conformal).

Both speak of models fitted on the folds; the model that predicts was fitted on all records. Both hold for subjects like those of the
run, not for another hospital. The spread of the folds' models is not used: it says how much models differ, not how far they are off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import HilumError
from hilum.engine.stored import StoredArm

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
ALPHA = 0.1


@dataclass(frozen=True)
class Ranges:
    """Columns beside predictions, and what they mean.

    Attributes:
        columns: Column to values, shape (records,), NaN where nothing is said.
        notes: Each column in words, or why it is not there.
    """

    columns: dict[str, Array]
    notes: tuple[str, ...]


def tested_by(arm: StoredArm) -> pl.DataFrame | None:
    """What the folds of an arm predicted of their test parts, of the first seed; None where nothing is stored."""
    import polars as pl

    try:
        frame = arm.predictions()
    except HilumError:
        return None
    return frame.filter(pl.col("seed") == frame["seed"].min()) if "seed" in frame.columns else frame


def of_risk(tested: pl.DataFrame, risk: Array, event: str) -> Ranges:
    """`observed`, `low` and `high` at each risk.

    Args:
        tested: See `tested_by`; two classes.
        risk: (records,) probability of the event.
        event: What it is called.
    """
    from hilum.metrics.curves.calibration import calibration_curve

    whose = tested["subject"].fill_null(tested["item"]) if "subject" in tested.columns else tested["item"]
    curve = calibration_curve(tested["target"].to_numpy(), tested["p:1"].to_numpy(), whose.to_list())
    known = np.isfinite(curve.observed).all()
    if not known or curve.band is None:
        return Ranges({}, (f"No observed share stands beside the risk: {curve.note or 'the curve is not known'}.",))
    least, most = float(curve.predicted[0]), float(curve.predicted[-1])
    inside = (risk >= least) & (risk <= most)

    def read(values: Array) -> Array:
        return np.where(inside, np.interp(risk, curve.predicted, values), math.nan)

    columns = {"observed": read(curve.observed), "low": read(curve.band.low), "high": read(curve.band.high)}
    share = f"of test records that were given about this risk, the share with '{event}'"
    like = "holds the fitted models fixed, and speaks of patients like those of the run."
    notes = [
        f"observed (low to high): {share}, and its {100 * curve.band.level:g} % interval over {curve.band.n} subjects. It {like}"
        if np.isfinite(curve.band.low).any()
        else f"observed: {share}; {curve.band.n} subjects are too few for an interval. It {like}"
    ]
    beyond = int((~inside).sum())
    if beyond:
        notes.append(
            f"{beyond} {'record has' if beyond == 1 else 'records have'} a risk beyond those given in the test parts "
            f"({least:.3g} to {most:.3g}): nothing was observed there."
        )
    return Ranges(columns, tuple(notes))


def of_number(tested: pl.DataFrame, number: Array, name: str) -> Ranges:
    """`NAME low` and `NAME high` around each number.

    Args:
        tested: See `tested_by`, with target and prediction, or beside and number.
        number: (records,) predictions.
        name: What is predicted.
    """
    from hilum.metrics.stats.conformal import from_predictions

    conformal = from_predictions(tested, ALPHA)
    assert conformal.number is not None
    subjects = conformal.number.subjects[0]
    if not math.isfinite(conformal.number.quantiles[0]):
        return Ranges({}, (f"No interval stands beside {name}: {subjects} tested subjects are too few for one.",))
    low, high = conformal.intervals(number)
    told = (
        f"{name} low to high: holds the truth for {100 * (1 - ALPHA):g} % of new subjects like those of the run, one record of each "
        f"(cross-conformal, from the errors on the test parts of {subjects} subjects); as wide for every record."
    )
    return Ranges({f"{name} low": low, f"{name} high": high}, (told,))
