"""Recipe: features become a matrix of numbers by declared steps, in their order; what is learned is learned from train.

    inputs --start--> inputs --take(train)--> fit --> FittedRecipe --apply(inputs)--> (records, columns) float64, finite

start   the leading steps that learn nothing and take no column away: done once, of all records, each record from itself and
        earlier ones of its sequence
fit     the other steps in order: each is fitted on what the ones before it made of the train records
text    before the first step of `fit`, categories become 0 or 1: a category of two levels in train one column, of more one a level,
        of one level that one; a level that train never saw is 0 in all of them; where it is missing all are missing.
        At most MOST_LEVELS levels, the most frequent ones, have a column: the others are treated like unseen ones

Columns of static features come first, then measured ones, then the rest. A recipe that leaves something missing is refused.
Within a step, records of a sequence stand together in ascending order of time, so the order of a file leaves no trace.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.component import Spec, build, describe, digest
from hilum.core.errors import DataError, HilumError, UsageError
from hilum.modalities.table.inputs import Inputs, Role, refuse_other_features
from hilum.modalities.table.prepare import Prepared
from hilum.modalities.table.steps._carrier import Carrier

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

FORMAT = 1
KIND = "recipe"
MOST_LEVELS = 50
RANK: dict[Role, int] = {"static": 0, "measured": 1, "flag": 2, "derived": 2}
SCHEMA = {"record": int, "feature": str, "problem": str, "value": str, "low": float, "high": float}


@dataclass(frozen=True)
class Recipe:
    """Settings: steps in their order, e.g. `Recipe((FlagMissing(), ForwardFill(), Scale(), Fill(by="median")))`.

    Attributes:
        steps: Components of `hilum.modalities.table.steps`.
    """

    steps: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no step."""
        for step in self.steps:
            if not all(hasattr(step, name) for name in ("learns", "along", "leads", "fit", "read")):
                raise UsageError(f"{step!r} is not a step", where="Recipe", do="See `hilum.modalities.table.steps`")

    @cached_property
    def _leading(self) -> int:
        return len(list(takewhile(lambda step: step.leads, self.steps)))

    @property
    def rowwise(self) -> bool:
        """Whether no step that remains after `start` looks along a sequence."""
        return not any(step.along for step in self.steps[self._leading :])

    def start(self, inputs: Inputs) -> Inputs:
        """The features with what the leading steps make; the same records in the same order.

        Raises:
            DataError: an infinite number, a feature that is neither number nor text, or two columns with one name.
        """
        import polars as pl

        leading = self.steps[: self._leading]
        if not leading:
            return inputs
        columns, levels = _columns_of(inputs)
        carrier, back = _carrier(inputs, columns, frozenset(levels))
        for step in leading:
            carrier = step.apply(carrier)
        values = carrier.values[back]
        frame = pl.from_numpy(values, schema=list(carrier.names), orient="row").fill_nan(None)
        texts = [_named(frame[name], levels[name]) for name in carrier.names if name in levels]
        roles = dict(zip(carrier.names, carrier.roles, strict=True))
        return Inputs(frame.with_columns(texts), inputs.order, roles)

    def fit(self, inputs: Inputs) -> FittedRecipe:
        """Learn from train alone, what `start` gave.

        Raises:
            DataError: no records, an infinite number, a feature that is neither number nor text, two columns with one name, or
                something that is still missing after the last step.
            UsageError: a step names a column that is not there.
        """
        if inputs.height == 0:
            raise DataError("there is no train record to fit the preprocessing on")
        columns, levels = _columns_of(inputs)
        made = {new for step in self.steps[: self._leading] for name in columns for new in step.makes(name)}
        features = tuple(_known(name, inputs, columns[name], levels.get(name), name in made) for name in columns)
        dropped = tuple((one.name, "no value in train") for one in features if one.text and not one.levels)
        features = tuple(one for one in features if not one.text or one.levels)
        carrier, _ = _encoded(inputs, features)
        fitted = []
        for step in self.steps[self._leading :]:
            fitted.append(step.fit(carrier))
            carrier = fitted[-1].apply(carrier)
        names = _finished(carrier).names
        return FittedRecipe(self, inputs.height, inputs.order is not None, features, tuple(fitted), names, dropped)


@dataclass(frozen=True)
class Feature:
    """What is known of a feature from train.

    Attributes:
        name: Its name.
        role: What it is.
        text: Whether it is a category.
        levels: Levels that have a column, sorted.
        seen: All levels of train, sorted.
        low: The smallest number in train, before any learned step; None where there was none.
        high: The largest.
        complete: Whether every train record has a value.
        made: Whether `Recipe.start` made it.
    """

    name: str
    role: Role
    text: bool
    levels: tuple[str, ...]
    seen: tuple[str, ...]
    low: float | None
    high: float | None
    complete: bool
    made: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns it enters the steps with."""
        return tuple(f"{self.name}={level}" for level in self.shown) if self.text else (self.name,)

    @property
    def shown(self) -> tuple[str, ...]:
        """Levels with a column: of two the second says it all."""
        return self.levels[1:] if len(self.seen) == 2 else self.levels


@dataclass(frozen=True)
class FittedRecipe:
    """A fitted recipe. It reads what `settings.start` gave.

    Attributes:
        settings: The recipe.
        records: How many train records it was fitted on.
        sequences: Whether they belonged together in time.
        known: Every feature it reads, those that `start` made included.
        steps: The fitted steps that `start` leaves.
        names: Names of the matrix's columns.
        dropped: Features that are left out, and why.
    """

    settings: Recipe
    records: int
    sequences: bool
    known: tuple[Feature, ...]
    steps: tuple[Any, ...]
    names: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...] = ()

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features that a new file must have: those that `start` did not make."""
        return tuple(one for one in self.known if not one.made)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of everything that was asked for and learned."""
        return digest(self.to_json())

    def apply(self, features: pl.DataFrame | Inputs) -> Array:
        """The matrix (records, columns), finite; the features may come in any order.

        Raises:
            DataError: a feature is missing, unknown, of another type, or infinite somewhere, the order of records is asked for and
                not there, or something is still missing after the last step.
        """
        inputs = features if isinstance(features, Inputs) else Inputs(features)
        self._same_features(inputs.features)
        if self.sequences and inputs.order is None and not self.settings.rowwise:
            raise DataError(
                "the recipe looks along sequences, and nothing says which records belong together",
                do="Give `Inputs` with their order, or a table with the columns `sequence` and `step`",
            )
        carrier, back = _encoded(inputs, self.known)
        for step in self.steps:
            carrier = step.apply(carrier)
        carrier = _finished(carrier)
        if carrier.names != self.names:
            raise DataError(
                "the recipe made other columns than on train", do="Its own function must make the same ones"
            )
        return np.ascontiguousarray(carrier.values[back])

    def warnings(self, features: pl.DataFrame | Inputs) -> pl.DataFrame:
        """Where new records leave what train saw, before any learned step: one row a value.

        Args:
            features: What `settings.start` gave, or the raw features.

        Returns:
            record (its position), feature, problem ("below", "above", "unseen", or "missing" where every train record had a value),
            value (text; null where missing), low and high (the train's range; null for categories). Columns that `start` made and
            features that were dropped are not looked at.
        """
        import polars as pl

        inputs = features if isinstance(features, Inputs) else Inputs(features)
        parts = [
            part
            for one in self.features
            if one.name in inputs.features.columns
            for part in _warnings(one, inputs.features[one.name])
            if part.height
        ]
        found = pl.concat(parts) if parts else pl.DataFrame(schema=SCHEMA)
        return found.sort("record", maintain_order=True)

    def to_json(self) -> dict[str, Any]:
        """Plain data; `from_json` gives back a recipe that is equal to the last bit."""
        return {
            "format": FORMAT,
            "kind": KIND,
            "settings": describe(self.settings).to_json(),
            "records": self.records,
            "sequences": self.sequences,
            "features": [
                {name: list(value) if isinstance(value, tuple) else value for name, value in vars(one).items()}
                for one in self.known
            ],
            "steps": [step.to_json() for step in self.steps],
            "names": list(self.names),
            "dropped": [list(pair) for pair in self.dropped],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FittedRecipe:
        """Read what `to_json` gave.

        Raises:
            HilumError: it is not a recipe, or of another version.
        """
        if not isinstance(data, Mapping) or data.get("format") != FORMAT or data.get("kind") != KIND:
            raise HilumError(
                "this is not a recipe that this version of hilum has stored",
                where="preprocess.json",
                do="Run the study again",
            )
        try:
            settings: Recipe = build(Spec.from_json(data["settings"]))
            remaining = settings.steps[settings._leading :]
            return cls(
                settings,
                int(data["records"]),
                bool(data["sequences"]),
                tuple(_feature(one) for one in data["features"]),
                tuple(step.read(one) for step, one in zip(remaining, data["steps"], strict=True)),
                tuple(map(str, data["names"])),
                tuple((str(name), str(why)) for name, why in data["dropped"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise HilumError(
                f"the recipe is damaged: {error}", where="preprocess.json", do="Run the study again"
            ) from error

    def _same_features(self, frame: pl.DataFrame) -> None:
        refuse_other_features(
            frame.columns,
            [one.name for one in self.known],
            optional=[name for name, _ in self.dropped],
            made=[one.name for one in self.known if one.made],
        )


def read_prepared(data: Mapping[str, Any]) -> Prepared | FittedRecipe:
    """Read stored preprocessing: a recipe or `Prepare`'s.

    Raises:
        HilumError: it is neither, or of another version.
    """
    recipe = isinstance(data, Mapping) and data.get("kind") == KIND
    return FittedRecipe.from_json(data) if recipe else Prepared.from_json(data)


def _columns_of(inputs: Inputs) -> tuple[dict[str, Array], dict[str, list[str]]]:
    """Every feature as numbers (records,), NaN where missing, and of categories the levels that the numbers count."""
    import polars as pl

    columns: dict[str, Array] = {}
    levels: dict[str, list[str]] = {}
    numbers = _every_number(inputs.features)
    for series in inputs.features.get_columns():
        if series.dtype.is_numeric():
            columns[series.name] = numbers[series.name]
        else:
            texts = _texts(series)
            levels[series.name] = texts.drop_nulls().unique().sort().to_list()
            codes = texts.rank("dense").cast(pl.Float64).fill_null(math.nan).to_numpy() - 1.0
            columns[series.name] = codes
    return columns, levels


def _named(codes: pl.Series, levels: list[str]) -> pl.Series:
    """Positions of levels as their names."""
    import polars as pl

    names = pl.Series(codes.name, [*levels, ""], dtype=pl.String)  # the last is never asked for: a null finds null
    return names.gather(codes.cast(pl.Int64)).alias(codes.name)


def _every_number(frame: pl.DataFrame) -> dict[str, Array]:
    """Every numeric feature by name, as `_numbers` gives it, read at once: polars takes its time for each call, and folds are many."""
    import polars as pl

    names = [series.name for series in frame.get_columns() if series.dtype.is_numeric()]
    if not names:
        return {}
    values = frame.select(pl.col(names).cast(pl.Float64)).to_numpy(order="fortran")
    if np.isinf(values).any():
        for name in names:
            _numbers(frame[name])
    return dict(zip(names, values.T, strict=True))


def _numbers(series: pl.Series) -> Array:
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


def _texts(series: pl.Series) -> pl.Series:
    import polars as pl

    if series.dtype not in (pl.String, pl.Null, pl.Categorical, pl.Enum) and series.null_count() < series.len():
        raise DataError(
            f"it is {series.dtype}, neither a number nor text",
            where=f"feature '{series.name}'",
            do="Write it as a number, or as text for a category",
        )
    return series.cast(pl.String)


def _carrier(inputs: Inputs, columns: Mapping[str, Array], text: frozenset[str]) -> tuple[Carrier, NDArray[np.intp]]:
    """The columns with records of a sequence together, and the positions that bring its rows back into the inputs' order."""
    rows, names = inputs.height, tuple(columns)
    values = np.column_stack(list(columns.values())) if names else np.empty((rows, 0))
    roles = tuple(inputs.role(name) for name in names)
    if inputs.order is None:
        starts, step, back = np.arange(rows + 1), np.zeros(rows), np.arange(rows)
    else:
        place = inputs.order.sorting
        series = inputs.order.series[place]
        starts = np.append(np.flatnonzero(np.diff(series, prepend=-1)), rows)
        values, step, back = values[place], inputs.order.step[place], np.argsort(place)
    return Carrier(values, names, roles, names, starts.astype(np.int64), step, text), back


def _known(name: str, inputs: Inputs, column: Array, levels: list[str] | None, made: bool) -> Feature:
    seen = column[~np.isnan(column)]
    complete = seen.size == column.size
    if levels is None:
        low, high = (float(seen.min()), float(seen.max())) if seen.size else (None, None)
        return Feature(name, inputs.role(name), False, (), (), low, high, complete, made)
    counts = np.bincount(seen.astype(np.int64), minlength=len(levels))
    frequent = np.sort(np.argsort(-counts, kind="stable")[:MOST_LEVELS])
    shown = tuple(levels[place] for place in frequent)
    return Feature(name, inputs.role(name), True, shown, tuple(levels), None, None, complete, made)


def _encoded(inputs: Inputs, features: tuple[Feature, ...]) -> tuple[Carrier, NDArray[np.intp]]:
    """The features as they enter the first step of `fit`: categories as columns of 0 and 1."""
    columns: dict[str, Array] = {}
    roles: dict[str, Role] = {}
    origins = []
    numbers = _every_number(inputs.features.select(one.name for one in features if not one.text))
    for one in features:
        series = inputs.features[one.name]
        if series.dtype.is_numeric() == one.text and series.null_count() < series.len():
            now, then = ("number", "category") if one.text else ("category", "number")
            raise DataError(f"it is a {now}, and was a {then} in train", where=f"feature '{one.name}'")
        new = (
            _zero_one(series, one.shown)
            if one.text
            else [numbers[one.name] if one.name in numbers else _numbers(series)]
        )
        for name, column in zip(one.columns, new, strict=True):
            if name in columns:
                raise DataError(f"two columns of the recipe would be called '{name}'", do="Rename the feature")
            columns[name], roles[name] = column, one.role
            origins.append(one.name)
    carrier, back = _carrier(Inputs(inputs.features, inputs.order, roles), columns, frozenset())
    whole = Carrier(
        carrier.values, carrier.names, carrier.roles, tuple(origins), carrier.starts, carrier.step, carrier.text
    )
    return whole, back


def _zero_one(series: pl.Series, levels: tuple[str, ...]) -> list[Array]:
    import polars as pl

    texts = _texts(series)
    return [(texts == level).cast(pl.Float64).fill_null(math.nan).to_numpy() for level in levels]


def _finished(carrier: Carrier) -> Carrier:
    """Static columns first, then measured ones, then the rest; nothing may be missing or infinite."""
    rank = np.array([RANK[role] for role in carrier.roles], dtype=np.int64)
    carrier = carrier.kept(np.argsort(rank, kind="stable"))
    bad = ~np.isfinite(carrier.values).all(axis=0)
    if bad.any():
        name, values = carrier.names[int(bad.argmax())], carrier.values[:, int(bad.argmax())]
        if np.isnan(values).any():
            raise DataError(
                f"{int(np.isnan(values).sum())} values are still missing after the last step",
                where=f"column '{name}'",
                do="End with Fill",
            )
        raise DataError("the numbers are too large", where=f"column '{name}'", do="Change its unit")
    return carrier


def _warnings(feature: Feature, series: pl.Series) -> list[pl.DataFrame]:
    import polars as pl

    if feature.text:
        values = _texts(series)
        there = values.is_not_null()
        found = {"unseen": (~values.is_in(pl.Series(feature.seen, dtype=pl.String).implode()) & there).to_numpy()}
        gone = (~there).to_numpy()
    else:
        numbers = _numbers(series)
        values, gone = pl.Series(numbers).fill_nan(None), np.isnan(numbers)
        found = {}
        if feature.low is not None and feature.high is not None:
            found = {"below": numbers < feature.low, "above": numbers > feature.high}
    if feature.complete:
        found["missing"] = gone
    return [
        pl.DataFrame(
            {
                "record": np.flatnonzero(mask),
                "feature": feature.name,
                "problem": problem,
                "value": values.filter(mask).cast(pl.String),
                "low": feature.low,
                "high": feature.high,
            },
            schema=SCHEMA,
        )
        for problem, mask in found.items()
        if mask.any()
    ]


def _feature(data: Mapping[str, Any]) -> Feature:
    whole: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    return Feature(**whole)
