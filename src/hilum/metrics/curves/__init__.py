"""Curves for pictures and reports, of two classes: ROC, precision and recall, calibration, decisions; and the table of calls.

Each is a frozen record of arrays. With `clusters` it carries a pointwise band over subjects: percentiles of the curve over
resamples of whole subjects. A band holds the fitted model fixed, as the intervals do; it says nothing of the curve as a whole.
"""

from hilum.metrics.curves.bands import Band
from hilum.metrics.curves.calibration import CalibrationBins, CalibrationCurve, calibration_curve
from hilum.metrics.curves.decision import DecisionCurve, decision_curve
from hilum.metrics.curves.discrimination import (
    PrecisionRecallCurve,
    RocCurve,
    confusion_matrix,
    precision_recall_curve,
    roc_curve,
)

__all__ = [
    "Band",
    "CalibrationBins",
    "CalibrationCurve",
    "DecisionCurve",
    "PrecisionRecallCurve",
    "RocCurve",
    "calibration_curve",
    "confusion_matrix",
    "decision_curve",
    "precision_recall_curve",
    "roc_curve",
]
