"""Prepare: features become a matrix of numbers, by a rule that is declared, fitted on train, stored and hashed.

    Prepare(...)  --fit(train features)-->  Prepared  --apply(features)-->  (records, columns) float64

Number      x <- (fill if missing else x);  clipped to the train's own range where asked;  (x - center) / scale
            center, scale: mean and population standard deviation of the filled train column; with scale "none" 0 and 1
Category    one column a level, 1 where the record has it; levels that are too rare, or beyond the most frequent ones, share one
            column "(rare)"; a level that train never saw is 0 in all of them
Flag        1 where the value is missing: a column of its own for every feature that has missing values in train

A feature without any value in train, or with one value in every train record, has nothing to teach: it is dropped, named, and
may then be absent later. All figures are of the train part; nothing else is looked at. Sums run in the order of the records,
which a `Table` keeps by id, so the order of a file leaves no trace.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hilum.core.component import digest
from hilum.core.errors import DataError, HilumError, UsageError, unknown
from hilum.modalities.table.inputs import Inputs, refuse_other_features

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
Fill = Literal["median", "mean", "zero"]
Missing = Literal["flag", "ignore"]
Scale = Literal["standard", "none"]
Outside = Literal["keep", "clip"]

RARE = "(rare)"
FORMAT = 1


@dataclass(frozen=True)
class Prepare:
    """Settings: how features become numbers.

    Attributes:
        fill: What stands for a missing number: the train column's median or mean, or zero.
        missing: Whether a feature with missing values in train gets a flag column beside it.
        scale: Whether numbers are brought to mean 0 and standard deviation 1 on train.
        outside: Whether a number beyond the train's range is kept or clipped to it.
        rare_below: Levels of a category seen in fewer train records are pooled.
        most_levels: At most so many levels of a category, the most frequent ones, have a column of their own.
    """

    fill: Fill = "median"
    missing: Missing = "flag"
    scale: Scale = "standard"
    outside: Outside = "keep"
    rare_below: int = 5
    most_levels: int = 50

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        for name, choices in (("fill", Fill), ("missing", Missing), ("scale", Scale), ("outside", Outside)):
            if getattr(self, name) not in get_args(choices):
                raise unknown(f"value of {name}", str(getattr(self, name)), get_args(choices), where="Prepare")
        if self.rare_below < 1 or self.most_levels < 1:
            raise UsageError(
                f"rare_below {self.rare_below} and most_levels {self.most_levels} must be 1 or more", where="Prepare"
            )

    @property
    def rowwise(self) -> bool:
        """Whether a record's columns depend on that record alone."""
        return True

    def start(self, inputs: Inputs) -> Inputs:
        """What can be done before anything is learnt: nothing."""
        return inputs

    def fit(self, features: pl.DataFrame | Inputs) -> Prepared:
        """Learn from train alone.

        Args:
            features: (records, features): numbers, and text for categories; null or NaN where missing.

        Raises:
            DataError: no records, an infinite number, a feature that is neither number nor text, or two columns that
                would get one name.
        """
        features = _features(features)
        if features.height == 0:
            raise DataError("there is no train record to fit the preprocessing on")
        kept: list[Number | Category] = []
        dropped: list[tuple[str, str]] = []
        for series in features.get_columns():
            column = _number(series) if _is_number(series) else _text(series)
            found = self._number(series.name, column) if isinstance(column, np.ndarray) else self._category(column)
            if isinstance(found, str):
                dropped.append((series.name, found))
            else:
                kept.append(found)
        prepared = Prepared(self, int(features.height), tuple(kept), tuple(dropped))
        _refuse_twins(prepared.names)
        return prepared

    def _number(self, name: str, values: Array) -> Number | str:
        there = ~np.isnan(values)
        seen = values[there]
        if seen.size == 0:
            return "no value in train"
        low, high = float(seen.min()), float(seen.max())
        flag = self.missing == "flag" and seen.size < values.size
        with np.errstate(over="ignore", invalid="ignore"):
            fill = float(np.median(seen) if self.fill == "median" else seen.mean() if self.fill == "mean" else 0.0)
            filled = np.where(there, values, fill)
            center, scale = (float(filled.mean()), float(filled.std())) if self.scale == "standard" else (0.0, 1.0)
        if not all(map(math.isfinite, (fill, center, scale))):
            raise DataError("the numbers are too large to be averaged", where=f"feature '{name}'", do="Change its unit")
        if low == high and not flag and fill == low:
            return "one value in train"
        return Number(name, fill, center, scale if scale > 0 else 1.0, low, high, flag)

    def _category(self, column: pl.Series) -> Category | str:
        import polars as pl

        counts = (
            pl.DataFrame({"level": column})
            .group_by("level")
            .len("records")
            .drop_nulls("level")
            .sort(["records", "level"], descending=[True, False])
        )
        if counts.height == 0:
            return "no value in train"
        flag = self.missing == "flag" and column.null_count() > 0
        levels = counts.filter(pl.col("records") >= self.rare_below)["level"].to_list()[: self.most_levels]
        rare = counts["level"].to_list()[len(levels) :]
        columns = len(levels) + bool(rare)
        if columns == 1 and column.null_count() == 0:
            return "one value in train" if levels else "every level is rare in train"
        return Category(column.name, tuple(sorted(levels)), tuple(sorted(rare)), flag)


@dataclass(frozen=True)
class Number:
    """What was learnt of a number: its fill, center and scale, the train's range, and whether it has a flag column."""

    name: str
    fill: float
    center: float
    scale: float
    low: float
    high: float
    flag: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns in the matrix."""
        return (self.name, *([f"{self.name} is missing"] if self.flag else []))


@dataclass(frozen=True)
class Category:
    """What was learnt of a category: levels with a column of their own, pooled levels, and whether it has a flag column."""

    name: str
    levels: tuple[str, ...]
    rare: tuple[str, ...]
    flag: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns in the matrix."""
        pooled = [f"{self.name}={RARE}"] if self.rare else []
        flag = [f"{self.name} is missing"] if self.flag else []
        return (*(f"{self.name}={level}" for level in self.levels), *pooled, *flag)


@dataclass(frozen=True)
class Prepared:
    """Fitted preprocessing.

    Attributes:
        settings: How it was asked for.
        records: How many train records it was fitted on.
        features: What was learnt, in the order of the matrix's columns.
        dropped: Features that are left out, and why.
    """

    settings: Prepare
    records: int
    features: tuple[Number | Category, ...]
    dropped: tuple[tuple[str, str], ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix's columns."""
        return tuple(name for feature in self.features for name in feature.columns)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of everything that was asked for and learnt."""
        return digest(self.to_json())

    def apply(self, features: pl.DataFrame | Inputs) -> Array:
        """The matrix (records, columns), finite; the features may come in any order.

        Raises:
            DataError: a feature is missing, unknown, of another type, or infinite somewhere.
        """
        features = _features(features)
        self._same_features(features)
        matrix = np.zeros((features.height, len(self.names)))
        at = 0
        for feature in self.features:
            block = matrix[:, at : at + len(feature.columns)]
            if isinstance(feature, Number):
                self._put_number(feature, _number(features[feature.name]), block)
            else:
                _put_category(feature, _text(features[feature.name]), block)
            at += len(feature.columns)
        return matrix

    def warnings(self, features: pl.DataFrame | Inputs) -> pl.DataFrame:
        """Where new records leave what train saw: one row a value.

        Returns:
            record (its position), feature, problem ("below", "above", "unseen", or with flags "missing" where train had a
            value in every record), value (text; null where missing), low and high (the train's range; null for categories).
            Features that were dropped are not looked at.
        """
        import polars as pl

        features = _features(features)
        self._same_features(features)
        parts = [
            part
            for feature in self.features
            for part in (
                self._number_warnings(feature, _number(features[feature.name]))
                if isinstance(feature, Number)
                else self._category_warnings(feature, _text(features[feature.name]))
            )
            if part.height
        ]
        schema = {
            "record": pl.Int64,
            "feature": pl.String,
            "problem": pl.String,
            "value": pl.String,
            "low": pl.Float64,
            "high": pl.Float64,
        }
        found = pl.concat(parts) if parts else pl.DataFrame(schema=schema)
        return found.sort("record", maintain_order=True)

    def to_json(self) -> dict[str, Any]:
        """Plain data; `from_json` gives back an equal object, to the last bit."""
        learnt = [
            {"type": "number" if isinstance(feature, Number) else "category", **asdict(feature)}
            for feature in self.features
        ]
        return {
            "format": FORMAT,
            "settings": asdict(self.settings),
            "records": self.records,
            "features": [{k: list(v) if isinstance(v, tuple) else v for k, v in one.items()} for one in learnt],
            "dropped": [list(pair) for pair in self.dropped],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Prepared:
        """Read what `to_json` gave.

        Raises:
            HilumError: it is not preprocessing, or of another version.
        """
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            raise HilumError(
                "this is not preprocessing that this version of hilum has stored",
                where="preprocess.json",
                do="Run the study again",
            )
        try:
            settings = Prepare(**data["settings"])
            learnt = tuple(_read(one) for one in data["features"])
            dropped = tuple((str(name), str(why)) for name, why in data["dropped"])
            return cls(settings, int(data["records"]), learnt, dropped)
        except (KeyError, TypeError, ValueError) as error:
            raise HilumError(
                f"the preprocessing is damaged: {error}", where="preprocess.json", do="Run the study again"
            ) from error

    def _same_features(self, features: pl.DataFrame) -> None:
        refuse_other_features(
            features.columns,
            [feature.name for feature in self.features],
            optional=[name for name, _ in self.dropped],
        )
        for feature in self.features:
            series = features[feature.name]
            if _is_number(series) != isinstance(feature, Number) and series.null_count() < series.len():
                now, then = ("number", "category") if _is_number(series) else ("category", "number")
                raise DataError(f"it is a {now}, and was a {then} in train", where=f"feature '{feature.name}'")

    def _put_number(self, feature: Number, values: Array, block: Array) -> None:
        gone = np.isnan(values)
        values = np.where(gone, feature.fill, values)
        if self.settings.outside == "clip":
            values = np.where(gone, values, np.clip(values, feature.low, feature.high))
        block[:, 0] = (values - feature.center) / feature.scale
        if feature.flag:
            block[:, 1] = gone

    def _number_warnings(self, feature: Number, values: Array) -> list[pl.DataFrame]:
        with np.errstate(invalid="ignore"):
            found = {"below": values < feature.low, "above": values > feature.high}
        if not feature.flag and self.settings.missing == "flag":
            found["missing"] = np.isnan(values)
        return [
            _warn(feature.name, problem, mask, values[mask], (feature.low, feature.high))
            for problem, mask in found.items()
        ]

    def _category_warnings(self, feature: Category, values: pl.Series) -> list[pl.DataFrame]:
        import polars as pl

        known = pl.Series([*feature.levels, *feature.rare], dtype=pl.String)
        unseen = (~values.is_in(known.implode()) & values.is_not_null()).to_numpy()
        found = [_warn(feature.name, "unseen", unseen, values.filter(unseen), (None, None))]
        if not feature.flag and self.settings.missing == "flag":
            gone = values.is_null().to_numpy()
            found.append(_warn(feature.name, "missing", gone, values.filter(gone), (None, None)))
        return found


def _features(given: pl.DataFrame | Inputs) -> pl.DataFrame:
    return given.features if isinstance(given, Inputs) else given


def _put_category(feature: Category, values: pl.Series, block: Array) -> None:
    import polars as pl

    places = {level: place for place, level in enumerate(feature.levels)}
    places.update(dict.fromkeys(feature.rare, len(feature.levels)))
    table = pl.DataFrame(
        {"level": list(places), "place": list(places.values())}, schema={"level": pl.String, "place": pl.Int64}
    )
    joined = pl.DataFrame({"level": values}).join(table, on="level", how="left", maintain_order="left")
    place = joined["place"].fill_null(-1).to_numpy()
    rows = np.flatnonzero(place >= 0)
    block[rows, place[rows]] = 1.0
    if feature.flag:
        block[:, -1] = values.is_null().to_numpy()


def _warn(
    name: str,
    problem: str,
    mask: NDArray[np.bool_],
    values: Array | pl.Series,
    bounds: tuple[float | None, float | None],
) -> pl.DataFrame:
    import polars as pl

    records = np.flatnonzero(mask)
    value = pl.Series(values).fill_nan(None) if isinstance(values, np.ndarray) else values
    return pl.DataFrame(
        {
            "record": pl.Series(records, dtype=pl.Int64),
            "feature": pl.repeat(name, records.size, eager=True, dtype=pl.String),
            "problem": pl.repeat(problem, records.size, eager=True, dtype=pl.String),
            "value": value.cast(pl.String),
            "low": pl.repeat(bounds[0], records.size, eager=True, dtype=pl.Float64),
            "high": pl.repeat(bounds[1], records.size, eager=True, dtype=pl.Float64),
        }
    )


def _is_number(series: pl.Series) -> bool:
    return bool(series.dtype.is_numeric())


def _number(series: pl.Series) -> Array:
    """Float64 with NaN where missing; infinite values are refused with their record."""
    import polars as pl

    values = series.cast(pl.Float64).fill_null(math.nan).to_numpy()
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise DataError(
            f"record {int(infinite[0]) + 1} holds an infinite value ({infinite.size} in all)",
            where=f"feature '{series.name}'",
            do="Leave the cell empty where the value is not known",
        )
    return np.asarray(values, np.float64)


def _text(series: pl.Series) -> pl.Series:
    import polars as pl

    if series.dtype not in (pl.String, pl.Null, pl.Categorical, pl.Enum) and not _is_number(series):
        raise DataError(
            f"it is {series.dtype}, neither a number nor text",
            where=f"feature '{series.name}'",
            do="Write it as a number, or as text for a category",
        )
    return series.cast(pl.String)


def _read(one: Mapping[str, Any]) -> Number | Category:
    kind = {"number": Number, "category": Category}[one["type"]]
    given = {field.name: one[field.name] for field in fields(kind)}
    if kind is Number:
        numbers = {k: float(given[k]) for k in ("fill", "center", "scale", "low", "high")}
        if not all(map(math.isfinite, numbers.values())) or numbers["scale"] <= 0:
            raise ValueError(f"figures of '{given['name']}' are not finite or its scale is not positive")
        return Number(str(given["name"]), **numbers, flag=bool(given["flag"]))
    levels, rare = tuple(map(str, given["levels"])), tuple(map(str, given["rare"]))
    return Category(str(given["name"]), levels, rare, bool(given["flag"]))


def _refuse_twins(names: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(
                f"two columns of the prepared matrix would be called '{name}'",
                do="Rename the feature that has this name, or the level",
            )
        seen.add(name)
