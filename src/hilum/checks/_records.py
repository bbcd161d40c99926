"""What checks of tables share: records by fold, subjects of rows, and what is known of the data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.check import Study

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[np.float64]
PARTS = ("train", "validation", "test")


def known_of_data(study: Study, name: str) -> Any:
    """Evidence of the data: of this arm, or of any other that was fitted on the same records; None where there is none."""
    own = study.arm.found(name)
    if own is not None:
        return own
    others = (arm.found(name) for arm in study.arms if arm.data == study.arm.data and not arm.control)
    return next((found for found in others if found is not None), None)


def has(frame: pl.DataFrame | None, column: str) -> bool:
    """Whether there are records with a value in that column."""
    return frame is not None and column in frame.columns and frame.height > frame[column].null_count()


def folds(frame: pl.DataFrame | None) -> Iterator[tuple[int, pl.DataFrame]]:
    """Fold and its records that stand in a part; nothing where the records have no split."""
    import polars as pl

    if frame is None or not has(frame, "part"):
        return
    placed = frame.filter(pl.col("part").is_in(PARTS))
    for fold in sorted(placed["fold"].unique().to_list()):
        own = placed.filter(pl.col("fold") == fold)
        if own["part"].n_unique() > 1:
            yield int(fold), own


def once(frame: pl.DataFrame) -> pl.DataFrame:
    """Every record once, in the order of the ids."""
    return frame.unique("item", keep="first").sort("item")


def subject_of(frame: pl.DataFrame) -> NDArray[Any]:
    """Whose row it is; a row of nobody known stands for itself. Shape (rows,), text."""
    import polars as pl

    if "subject" not in frame.columns:
        return frame["item"].to_numpy().astype(str)
    whose = frame.select(pl.coalesce(pl.col("subject").cast(pl.String), pl.lit("record ") + pl.col("item"))).to_series()
    return whose.to_numpy().astype(str)


def subject_means(values: Array, subject: NDArray[Any]) -> Array:
    """The mean of each subject's values, in the order of the ids; shape (subjects,)."""
    _, member = np.unique(subject, return_inverse=True)
    return np.asarray(np.bincount(member, weights=values) / np.maximum(np.bincount(member), 1), dtype=np.float64)


def named(index: float, classes: tuple[str, ...]) -> str:
    """A class by its name, where it has one."""
    place = int(index)
    return classes[place] if 0 <= place < len(classes) else f"class {place}"


def many(count: int, one: str, several: str = "") -> str:
    """A number of things: "1 fold", "2 folds"."""
    return f"{count} {one if count == 1 else several or one + 's'}"


def listed(words: list[str], most: int = 4) -> str:
    """The first few of a list, and how many more there are."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
