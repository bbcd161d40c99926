"""Scikit-learn step: one of its transformers, fitted on train and stored as plain numbers. Nothing is pickled.

One-to-one transformers (scalers, quantiles, powers) change columns in their place. The others put new columns, named as scikit-learn
names them, after the rest; their role is "derived", or "static" where all they are made of is static. What draws at random does so with
seed 0. A missing value goes through where the transformer lets it; where it does not, a Fill before is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hilum.core.errors import DataError, HilumError, UsageError, unknown
from hilum.modalities.table.inputs import Role
from hilum.modalities.table.steps._carrier import Carrier
from hilum.modalities.table.steps._step import Settled, check_roles, packed, unpacked

# Name to where it lives, and whether it changes columns one by one.
TRANSFORMERS = {
    "StandardScaler": ("sklearn.preprocessing", True),
    "MinMaxScaler": ("sklearn.preprocessing", True),
    "MaxAbsScaler": ("sklearn.preprocessing", True),
    "RobustScaler": ("sklearn.preprocessing", True),
    "QuantileTransformer": ("sklearn.preprocessing", True),
    "PowerTransformer": ("sklearn.preprocessing", True),
    "SplineTransformer": ("sklearn.preprocessing", False),
    "PolynomialFeatures": ("sklearn.preprocessing", False),
    "PCA": ("sklearn.decomposition", False),
}


@dataclass(frozen=True)
class SklearnStep(Settled):
    """Settings.

    Attributes:
        name: One of `TRANSFORMERS`.
        settings: (name, value) of its settings.
        on: Roles of the columns it is given.
        but: Columns it is not given.
    """

    learns: ClassVar[bool] = True

    name: str
    settings: tuple[tuple[str, Any], ...] = ()
    on: tuple[Role, ...] = ("measured", "static", "derived")
    but: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse transformers and roles that do not exist."""
        check_roles(self)
        if self.name not in TRANSFORMERS:
            raise unknown("transformer", self.name, TRANSFORMERS, where="SklearnStep")

    def fit(self, carrier: Carrier) -> FittedSklearn:
        """The fitted transformer.

        Raises:
            UsageError: a setting that it does not have, or does not take.
            DataError: it cannot be fitted on these values.
        """
        places = carrier.chosen(self.on, self.but, levels=False, where="SklearnStep")
        if places.size == 0:
            raise DataError("no column is selected", where=self.name, do="Choose other roles, or leave the step out")
        transformer = _made(self)
        try:
            transformer.fit(carrier.values[:, places])
        except (TypeError, ValueError) as error:
            raise DataError(
                _first_line(error), where=self.name, do="Put a Fill before it, or change its settings"
            ) from error
        return FittedSklearn(self, carrier.called(places), transformer)

    def read(self, data: Mapping[str, Any]) -> FittedSklearn:
        """What was fitted.

        Raises:
            HilumError: another version of scikit-learn fitted it.
        """
        if data["scikit-learn"] != _version():
            raise HilumError(
                f"{self.name} was fitted by scikit-learn {data['scikit-learn']}, and {_version()} is installed",
                where="preprocess.json",
                do="Run the study again",
            )
        transformer = _made(self)
        vars(transformer).update(_unpacked(data["learned"]))
        return FittedSklearn(self, tuple(map(str, data["columns"])), transformer)


@dataclass(frozen=True, eq=False)
class FittedSklearn:
    """A fitted transformer.

    Attributes:
        settings: How it was asked for.
        columns: Names of the columns it is given.
        transformer: The fitted object of scikit-learn.
    """

    settings: SklearnStep
    columns: tuple[str, ...]
    transformer: Any

    def apply(self, carrier: Carrier) -> Carrier:
        """With the columns transformed.

        Raises:
            DataError: it cannot read a value.
        """
        places = carrier.places(self.columns)
        try:
            values = np.asarray(self.transformer.transform(carrier.values[:, places]), dtype=np.float64)
        except ValueError as error:
            raise DataError(_first_line(error), where=self.settings.name, do="Put a Fill before it") from error
        if TRANSFORMERS[self.settings.name][1]:
            return carrier.changed(places, values)
        names = self.transformer.get_feature_names_out(
            None if self.settings.name == "PCA" else np.array(self.columns, dtype=object)
        )
        static = {carrier.roles[place] for place in places} == {"static"}
        return carrier.without(places).joined(values, tuple(map(str, names)), "static" if static else "derived")

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        given = self.transformer.get_params(deep=False)
        learned = {name: value for name, value in vars(self.transformer).items() if name not in given}
        return {"columns": list(self.columns), "scikit-learn": _version(), "learned": _packed(learned)}


def _made(step: SklearnStep) -> Any:
    import importlib

    kind = getattr(importlib.import_module(TRANSFORMERS[step.name][0]), step.name)
    known = kind().get_params()
    for name, _ in step.settings:
        if name not in known:
            raise unknown(f"setting of {step.name}", name, known, where="SklearnStep")
    drawn = {"random_state": 0} if "random_state" in known else {}
    try:
        return kind(**{**drawn, **dict(step.settings)})
    except (TypeError, ValueError) as error:
        raise UsageError(_first_line(error), where=step.name) from error


def _packed(value: Any) -> Any:
    """Plain data of what a fitted transformer holds.

    Raises:
        HilumError: something that is no number, text, array, list, spline or scaler.
    """
    from scipy.interpolate import BSpline
    from sklearn.base import BaseEstimator

    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | np.generic | np.ndarray) and np.asarray(value).dtype.kind in "fiub":
        return {"array": packed(np.asarray(value)), "scalar": not isinstance(value, np.ndarray)}
    if isinstance(value, list | tuple):
        return {"list": [_packed(item) for item in value]}
    if isinstance(value, dict):
        return {"entries": {str(name): _packed(item) for name, item in value.items()}}
    if isinstance(value, BSpline):
        return {"spline": [packed(np.asarray(value.t)), packed(np.asarray(value.c)), value.k, value.extrapolate]}
    if isinstance(value, BaseEstimator) and type(value).__name__ in TRANSFORMERS:
        return {"transformer": type(value).__name__, "holds": _packed(dict(vars(value)))}
    raise HilumError(f"a {type(value).__name__} cannot be stored", where="SklearnStep", do="Use another transformer")


def _unpacked(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    if "array" in data:
        array = unpacked(data["array"])
        return array[()] if data["scalar"] else array
    if "list" in data:
        return [_unpacked(item) for item in data["list"]]
    if "entries" in data:
        return {name: _unpacked(item) for name, item in data["entries"].items()}
    if "spline" in data:
        from scipy.interpolate import BSpline

        knots, weights, degree, extrapolate = data["spline"]
        return BSpline(unpacked(knots), unpacked(weights), int(degree), extrapolate=extrapolate)
    inner = _made(SklearnStep(data["transformer"]))
    vars(inner).update(_unpacked(data["holds"]))
    return inner


def _version() -> str:
    import sklearn

    return ".".join(sklearn.__version__.split(".")[:2])


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
