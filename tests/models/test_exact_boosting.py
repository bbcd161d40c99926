"""Gradient boosting with exact splits: against scikit-learn, which grows the trees. What holds for all models is in test_tabular.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hilum.core.component import change
from hilum.core.errors import DataError, UsageError
from hilum.models.exact_boosting import ExactBoosting
from tests.models.test_tabular import inputs_of, labelled, measured


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_it_is_scikit_learns(classes: int) -> None:
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    inputs, new = inputs_of(200), inputs_of(300, seed=9)
    settings: dict[str, Any] = {"n_estimators": 12, "max_depth": 4, "min_samples_leaf": 2, "random_state": 4}
    model = ExactBoosting(rounds=12, depth=4, rows_per_leaf=2)
    part: Any = labelled(inputs, classes, 1) if classes else measured(inputs, 1)
    if classes:
        expected = GradientBoostingClassifier(**settings).fit(inputs, part.labels).predict_proba(new)
    else:
        expected = GradientBoostingRegressor(**settings).fit(inputs, part.targets).predict(new)
    for fitted in (model.fit(part, None, seed=4), change(model, state=4).fit(part, None, seed=7)):
        np.testing.assert_allclose(fitted.predict(new), expected, rtol=1e-12)
    with pytest.raises(DataError, match="beyond single precision"):
        fitted.predict(new * 1e300)


def test_settings_that_make_no_sense_are_refused() -> None:
    for settings in ({"rounds": 0}, {"depth": 0}, {"rows_per_leaf": 0}, {"learning_rate": 0.0}, {"state": -1}):
        with pytest.raises(UsageError):
            change(ExactBoosting(), **settings)
