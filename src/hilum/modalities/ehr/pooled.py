"""Pooled: the same cohort of several databases as one table; and what a split by source leaves out.

    tables by database --pool--> one table: ids "DATABASE-...", source = database, group:database      train on one, test on another
    table --by_hospital--> source = hospital                                                          leave one hospital out

Ids are prefixed, so that stay 200 of one database and stay 200 of another stay two. Whether one person stands in both nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hilum.core.errors import DataError
from hilum.modalities.table.sample import Table

if TYPE_CHECKING:
    import polars as pl


def pool(tables: Mapping[str, Table], name: str) -> Table:
    """One table of several.

    Args:
        tables: Database to its table of the same task.
        name: What the pooled table is called.

    Returns:
        All records; a variable that a database lacks is missing there. `attrition` adds up over the databases, criterion by criterion.

    Raises:
        DataError: fewer than two tables, or they have other outcomes, or one of them cannot be judged.
    """
    import polars as pl

    where = f"pooled table '{name}'"
    listed = list(tables.values())
    if len(listed) < 2:
        raise DataError(f"{len(listed)} table to pool", where=where, do="Name two databases or more")
    first = listed[0]
    for database, table in tables.items():
        if (table.classes, table.unit, table.static) != (first.classes, first.unit, first.static):
            raise DataError(
                f"the outcome or the static features of '{database}' are others", where=where, do="Pool one task"
            )
        if table.unjudgeable:
            raise DataError(f"{database}: {table.unjudgeable}", where=where, do="Leave this database out")
    variables = dict.fromkeys(variable for table in listed for variable in table.features.columns)
    missing = pl.lit(None, dtype=pl.Float64)
    features = [
        table.features.select(
            (pl.col(variable) if variable in table.features.columns else missing).alias(variable)
            for variable in variables
        )
        for table in listed
    ]
    left_out: dict[str, int] = {}
    for table in listed:
        for why, count in table.attrition:
            left_out[why] = left_out.get(why, 0) + count
    return Table(
        name,
        pl.concat([_named(database, table) for database, table in tables.items()], how="diagonal"),
        pl.concat(features),
        classes=first.classes,
        target=first.target,
        unit=first.unit,
        attrition=tuple(left_out.items()),
        made_from=first.made_from,
        notes=tuple(dict.fromkeys(note for table in listed for note in table.notes)),
        static=first.static,
    )


def by_hospital(table: Table) -> Table:
    """The table with its hospitals as sources.

    Raises:
        DataError: it does not say which hospital a record is from.
    """
    import polars as pl

    if "site" not in table.rows.columns:
        raise DataError(
            "it does not say which hospital a stay is from",
            where=f"table '{table.name}'",
            do="Put the database's table of stays beside it, or split by subject",
        )
    return replace(table, rows=table.rows.with_columns(pl.col("site").alias("source")))


def _named(database: str, table: Table) -> pl.DataFrame:
    import polars as pl

    prefixed = [
        pl.format(f"{database}-{{}}", pl.col(name)).alias(name)
        for name in ("item", "subject", "sequence", "site")
        if name in table.rows.columns
    ]
    whose = [pl.lit(database).alias(name) for name in ("source", "group:database")]
    return table.rows.with_columns(prefixed).with_columns(whose)
