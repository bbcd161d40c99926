"""Settings in words, and what a caption says of a band."""

from __future__ import annotations

import numpy as np

from hilum.core.component import describe
from hilum.metrics.curves.calibration import calibration_curve
from hilum.models.recalibrated import Recalibrated
from hilum.models.two_stage import TwoStage
from hilum.report.figures_classify import _band_in_words
from hilum.report.view import setting_in_words


def test_a_model_inside_another_is_called_by_its_kind() -> None:
    stored = describe(TwoStage()).to_json()["settings"]
    assert setting_in_words(stored["outcome"]).startswith("LogisticRegression (inverse_penalty 1.0, ")
    assert setting_in_words(stored["number"]) == "RidgeLinear (penalty 1.0)"
    nested = describe(Recalibrated()).to_json()
    assert "module" not in setting_in_words(nested)
    assert setting_in_words([0.1, None]) == "0.1, None"


def test_a_band_that_is_nowhere_is_not_said_to_be_there() -> None:
    random = np.random.default_rng(0)
    risk = random.uniform(0.05, 0.95, 900)
    target = (random.random(900) < risk).astype(float)
    whose = np.arange(900) % 8  # one subject alone has the event: a third of the resamples lack it
    few = calibration_curve((whose < 1).astype(float), risk, [f"p{n}" for n in whose])
    many = calibration_curve(target, risk, [f"p{n % 300}" for n in range(900)])
    assert _band_in_words(few.band) == "No band: too few subjects."
    assert _band_in_words(many.band).startswith("Band: ")
    assert _band_in_words(None).startswith("No band")
